"""Campaigns: they find nothing, the same seed gives the same, and what was found once is not found again."""

import dataclasses
from pathlib import Path

import pytest

from memoradb.core.errors import ConfigurationError
from memoradb.fuzz import campaign
from memoradb.fuzz.campaign import REGRESSIONS, Settings, quick, regression, replay, scripts_in, stress
from memoradb.fuzz.examine import MODES
from memoradb.fuzz.oracles.engine import Bench
from memoradb.fuzz.oracles.outcomes import Outcome


def test_a_stress_campaign_finds_nothing():
    report = stress(Settings(iterations=250, seed=20_240_517))
    assert not report.findings, report.text()
    assert report.rows_share > 0.6


def test_a_quick_campaign_finds_nothing():
    report = quick(Settings(iterations=30))
    assert not report.findings, report.text()
    assert report.tally.queries >= 30


def test_the_same_seed_gives_the_same_campaign():
    reports = [stress(Settings(iterations=25, seed=seed)) for seed in (7, 7, 8)]
    first, again, other = (dataclasses.replace(r, seconds=0.0).text() for r in reports)
    assert first == again != other


@pytest.mark.parametrize("path", sorted(scripts_in(REGRESSIONS)), ids=lambda path: path.stem)
def test_what_was_found_stays_fixed(path):
    _, finding = replay(path)
    assert finding is None, finding.text()


def test_a_campaign_ends_in_time():
    assert stress(Settings(iterations=10_000, timeout_seconds=0.0)).tally.queries == 0
    assert quick(Settings(iterations=10, timeout_seconds=0.0)).tally.queries == 0


@pytest.mark.parametrize("wrong", [Settings(smallest=3, largest=2), Settings(modes=("magic",))])
def test_settings_that_make_no_sense_are_refused(wrong):
    for run in (stress, quick, regression):
        with pytest.raises(ConfigurationError):
            run(wrong)


# --- a broken engine


@pytest.fixture
def broken(monkeypatch):
    """An engine that loses the third row of every answer."""
    right = Bench.engine

    def engine(self, query, options=None) -> Outcome:
        outcome = right(self, query, options)
        if outcome.error is None and len(outcome.rows) > 2:
            del outcome.rows[2], outcome.shown[2]
        return outcome

    monkeypatch.setattr(Bench, "engine", engine)


def test_a_finding_is_shrunk_and_saved_as_a_script(broken, monkeypatch, tmp_path):
    monkeypatch.setattr(campaign, "FINDINGS_MAX", 1)
    report = stress(Settings(iterations=200, seed=1, save_dir=tmp_path))
    (path,) = report.saved
    script, finding = replay(path)
    assert finding is not None
    assert finding.oracle == "reference"
    assert len(script.query.text) < 100
    assert script.graph.count("(n") <= 8
    assert "// --- expected" in path.read_text("utf-8")


def test_hypothesis_shrinks_too(broken, tmp_path):
    report = quick(Settings(iterations=100, largest=4, save_dir=tmp_path, modes=("reference",)))
    (path,) = report.saved
    script, finding = replay(path)
    assert finding is not None
    assert len(script.query.text) < 100


def test_a_saved_finding_fails_as_a_regression_until_it_is_fixed(broken, monkeypatch, tmp_path):
    (tmp_path / "three_rows.mql").write_text("// --- query\nUNWIND [1, 2, 3] AS x RETURN x;\n", "utf-8")
    assert len(regression(Settings(save_dir=tmp_path)).findings) == 1
    monkeypatch.undo()
    assert not regression(Settings(save_dir=tmp_path)).findings


def test_an_exception_of_another_kind_is_a_finding(monkeypatch, tmp_path):
    def engine(*_: object) -> Outcome:
        raise KeyError("n")

    monkeypatch.setattr(Bench, "engine", engine)
    (tmp_path / "any.mql").write_text("// --- query\nRETURN 1;\n", "utf-8")
    (_, finding), *_ = regression(Settings(save_dir=tmp_path)).findings
    assert finding.oracle == "crash"
    assert "KeyError" in finding.found


def test_every_mode_can_run_alone():
    for mode in MODES:
        assert not stress(Settings(iterations=8, modes=(mode,), seed=3)).findings


def test_the_packaged_regressions_are_where_the_package_is():
    assert Path(campaign.__file__).parent / "regressions" == REGRESSIONS
    assert len(list(scripts_in(REGRESSIONS))) > 10
