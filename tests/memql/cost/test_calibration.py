"""The table of costs: written, read, used, and refused where it is none."""

import json

import pytest
from click.testing import CliRunner

import memoradb
from memoradb.cli.main import commands
from memoradb.core.errors import ConfigurationError
from memoradb.memql.cost import calibration, constants
from memoradb.memql.cost.table import from_json, to_json


@pytest.fixture(autouse=True)
def defaults():
    yield
    constants.use(constants.DEFAULTS)


@pytest.fixture
def small(monkeypatch):
    """A graph that is measured in a moment."""
    graph = [statement.replace(str(calibration.NODES), "400") for statement in calibration.GRAPH]
    monkeypatch.setattr(calibration, "GRAPH", [g.replace("19999", "399") for g in graph])
    monkeypatch.setattr(calibration, "NODES", 400)
    monkeypatch.setattr(calibration, "ROUNDS", 1)


def test_a_calibrated_database_plans_with_its_own_costs(tmp_path, small):
    path = tmp_path / "graph"
    with memoradb.open(path) as database:
        database.execute("UNWIND range(1, 100) AS i CREATE (:A {k: i})")
    ran = CliRunner().invoke(commands, ["calibrate", "--data", str(path)])
    assert ran.exit_code == 0, ran.output
    assert "EXPAND_ROW_NS" in ran.output
    assert constants.in_use() == dict(constants.DEFAULTS)
    with memoradb.open(path) as database:
        assert constants.in_use() != dict(constants.DEFAULTS)
        assert all(0 < cost <= 1e9 for cost in constants.in_use().values())
        assert database.execute("MATCH (a:A) WHERE a.k < 4 RETURN count(*)").value() == 3
    table = json.loads((path / "costs.json").read_text("utf-8"))
    assert table["unit"] == "ns" and set(table["costs"]) == set(constants.DEFAULTS)


def test_the_table_may_be_written_elsewhere_and_one_place_is_enough(tmp_path, small):
    out = tmp_path / "table.json"
    ran = CliRunner().invoke(commands, ["calibrate", "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert from_json(out.read_bytes(), "x").keys() == constants.DEFAULTS.keys()
    for arguments in ([], ["--out", str(out), "--data", str(tmp_path)]):
        assert CliRunner().invoke(commands, ["calibrate", *arguments]).exit_code == 2


def test_every_cost_is_measured_or_follows_the_others(small):
    with memoradb.open(None) as database:
        assert list(calibration.steps(database.execute)) == list(calibration.GRAPH)
        costs = calibration.measure(database.snapshot())
    assert costs.keys() == constants.DEFAULTS.keys() and all(cost > 0 for cost in costs.values())


def test_costs_decide_which_plan_is_taken():
    with memoradb.open(None) as database:
        database.execute("CREATE INDEX FOR (a:A) ON (a.k)")
        database.execute("UNWIND range(1, 1000) AS i CREATE (:A {k: i})")
        text = "EXPLAIN MATCH (a:A) WHERE a.k < 300 RETURN a.k"
        seek = database.execute(text).summary.plan or ""
        constants.use({"RANGE_ROW_NS": 1e6})
        scan = database.execute(text).summary.plan or ""
    assert "NodeIndexRange" in seek and "NodeIndexRange" not in scan and "NodeScan" in scan


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"format": 2, "costs": {}}', b'{"format": 1, "costs": {"SEEK_NS": "a"}}']
    + [b'{"format": 1, "costs": {"SEEK_NS": %s}}' % bad for bad in (b"0", b"-1", b"1e99", b"NaN", b"true", b"null")],
)
def test_what_is_no_table_of_costs_is_refused(text, tmp_path):
    with pytest.raises(ConfigurationError, match="is no table of costs"):
        from_json(text, "costs.json")
    path = tmp_path / "graph"
    memoradb.open(path).close()
    (path / "costs.json").write_bytes(text)
    with pytest.raises(ConfigurationError):
        memoradb.open(path)


def test_a_table_survives_writing_and_unknown_names_are_left_out():
    costs = {**constants.DEFAULTS, "LATER_NS": 3.0}
    assert from_json(to_json(costs), "x") == dict(constants.DEFAULTS)
