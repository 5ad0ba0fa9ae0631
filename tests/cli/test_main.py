"""query, check, version and the help texts."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from command import memoradb

import memoradb as package
from memoradb.cli.main import commands
from memoradb.core.errors import CorruptionError, DatabaseLocked, MemQLSyntaxError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    with package.open(path) as database:
        database.execute("CREATE (:Person {name: 'Ada', tags: ['x', 'y']})-[:KNOWS]->(:Person {name: 'Bo, \"B\"'})")
    return path


# --- query


def test_query_prints_a_table(data: Path) -> None:
    found = memoradb("query", "--data", data, "MATCH (p:Person) RETURN p.name AS name, p.tags AS tags ORDER BY name")
    assert found.exit_code == 0
    for text in ("name", "tags", "Ada", '["x","y"]', "null", "2 rows"):
        assert text in found.stdout


def test_query_prints_json_lines(data: Path) -> None:
    found = memoradb("query", "--data", data, "--format", "json", "MATCH (p:Person) RETURN p.name AS name, p AS p")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["name"] for line in lines] == ["Ada", 'Bo, "B"']
    assert lines[0]["p"]["labels"] == ["Person"]


def test_query_prints_csv(data: Path) -> None:
    found = memoradb("query", "--data", data, "--format", "csv", "MATCH (p:Person) RETURN p.name AS name, p.tags AS t")
    assert found.stdout == 'name,t\nAda,"[""x"",""y""]"\n"Bo, ""B""",\n'


def test_query_prints_what_a_write_changed(data: Path) -> None:
    found = memoradb("query", "--data", data, "CREATE (:Person {name: 'Cy'})")
    assert "1 nodes created, 1 properties set, 1 labels added" in found.stdout
    found = memoradb("query", "--data", data, "--format", "csv", "CREATE (n:Person) RETURN 1 AS one")
    assert found.stdout == "one\n1\n"
    assert "1 nodes created" in found.stderr


def test_query_writes_a_plan_as_json(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    text = "PROFILE VERBOSE MATCH (p:Person) RETURN p.name AS name ORDER BY name"
    found = memoradb("query", "--data", data, "--format", "csv", "--plan", path, text)
    assert found.exit_code == 0 and found.stdout.splitlines()[:2] == ["name", "Ada"]
    tree = json.loads(path.read_text("utf-8"))
    assert tree["operator"] == "ProduceResults" and tree["rows"] == 2 and "statistics" in tree["statement"]
    printed = memoradb("query", "--data", data, "--plan", "-", "EXPLAIN MATCH (p:Person) RETURN p")
    assert json.loads(printed.stdout)["operator"] == "ProduceResults"


def test_query_writes_no_plan_of_a_statement_without_one(data: Path, tmp_path: Path) -> None:
    found = memoradb("query", "--data", data, "--plan", tmp_path / "plan.json", "RETURN 1")
    assert found.exit_code == 2 and "EXPLAIN and PROFILE" in found.stderr
    found = memoradb("query", "--data", data, "--plan", tmp_path / "none" / "plan.json", "EXPLAIN RETURN 1")
    assert found.exit_code == 2 and "cannot be written" in found.stderr


def test_query_takes_parameters_as_json_or_text(data: Path) -> None:
    text = "RETURN $n + 1 AS n, $s AS s, $l[1] AS l"
    pairs = ("--param", "n=41", "--param", "s=plain text", "--param", "l=[1,2]")
    found = memoradb("query", "--data", data, "--format", "json", text, *pairs)
    assert json.loads(found.stdout) == {"n": 42, "s": "plain text", "l": 2}
    assert memoradb("query", "--data", data, "RETURN 1", "--param", "nonsense").exit_code == 2


def test_query_reads_the_statement_from_standard_input(data: Path) -> None:
    found = memoradb("query", "--data", data, "--format", "csv", "-", stdin="RETURN 'ä' AS x;\n")
    assert found.stdout == "x\nä\n"
    broken = CliRunner().invoke(commands, ["query", "--data", str(data), "-"], input=b"RETURN '\xff'")
    assert broken.exit_code == 2
    assert "not UTF-8" in broken.stderr


def test_query_prints_plans(data: Path) -> None:
    explained = memoradb("query", "--data", data, "EXPLAIN MATCH (p:Person) RETURN p")
    assert "Logical plan" in explained.stdout
    assert "Physical plan" in explained.stdout
    profiled = memoradb("query", "--data", data, "PROFILE MATCH (p:Person) RETURN p.name")
    assert "Physical plan" in profiled.stdout
    assert "2 rows" in profiled.stdout
    as_json = memoradb("query", "--data", data, "--format", "json", "EXPLAIN MATCH (p:Person) RETURN p")
    assert json.loads(as_json.stdout)


def test_query_wants_one_target(data: Path) -> None:
    for arguments in ((), ("--data", data, "--url", "http://127.0.0.1:1")):
        found = memoradb("query", "RETURN 1", *arguments)
        assert found.exit_code == 2
        assert "either --data DIRECTORY or --url ADDRESS" in found.stderr


def test_an_error_carries_caret_and_code(data: Path) -> None:
    found = memoradb("query", "--data", data, "MATCH (friend) RETURN freind")
    assert isinstance(found.exception, MemQLSyntaxError)
    assert "^^^^^^" in str(found.exception)


def test_a_long_table_is_cut_and_says_so(data: Path) -> None:
    found = memoradb("query", "--data", data, "UNWIND range(1, 1500) AS x RETURN x")
    assert "and 500 more rows: --format json or csv prints them all." in found.stdout
    assert "1,500 rows" in found.stdout
    assert (
        len(memoradb("query", "--data", data, "--format", "csv", "UNWIND range(1, 1500) AS x RETURN x").stdout) > 5_000
    )


def test_a_wide_value_is_not_cut_in_a_pipe(data: Path) -> None:
    found = memoradb("query", "--data", data, "RETURN reduce(s = '', i IN range(1, 300) | s + 'ab') AS x")
    assert "ab" * 300 in found.stdout


def test_a_value_that_looks_like_markup_is_printed_as_it_is(data: Path) -> None:
    found = memoradb("query", "--data", data, "RETURN '[bold]x[/]' AS `[red]y`")
    assert "[bold]x[/]" in found.stdout
    assert "[red]y" in found.stdout


# --- check


def test_check_finds_nothing_wrong_with_a_good_database(data: Path) -> None:
    found = memoradb("check", "--data", data)
    assert found.exit_code == 0
    assert "no problem found" in found.stdout
    assert "2 nodes, 1 relationships" in found.stdout
    report = json.loads(memoradb("check", "--data", data, "--json").stdout)
    assert report["ok"] is True
    assert report["nodes"] == 2


def test_check_finds_a_damaged_record_before_others_and_mends_nothing(data: Path) -> None:
    with package.open(data) as database:
        database.execute("CREATE (:Later)")  # what is damaged at the very end would be a torn tail
    (segment,) = (data / "log").iterdir()
    whole = bytearray(segment.read_bytes())
    place = whole.index(b"Person")
    whole[place] ^= 0xFF
    segment.write_bytes(whole)
    found = memoradb("check", "--data", data)
    assert found.exit_code == 1
    assert segment.name in found.stdout
    assert "at byte " in found.stdout
    assert json.loads(memoradb("check", "--data", data, "--json").stdout)["ok"] is False
    assert segment.read_bytes() == whole


def test_check_finds_a_damaged_checkpoint(data: Path) -> None:
    with package.open(data) as database:
        database.checkpoint()
    files = [f for folder in ("nodes", "edges") for f in (data / folder).rglob("*") if f.is_file()]
    victim = max(files, key=lambda f: f.stat().st_size)
    whole = bytearray(victim.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    victim.write_bytes(whole)
    found = memoradb("check", "--data", data)
    assert found.exit_code == 1
    assert victim.name in found.stdout


def test_check_saves_what_is_whole_elsewhere_and_says_what_is_lost(data: Path, tmp_path: Path) -> None:
    with package.open(data) as database:
        for i in range(5):
            database.execute("CREATE (:Later {i: $i, text: $text})", {"i": i, "text": f"later {i}"})
    for manifest in (data / "metadata").iterdir():
        manifest.write_bytes(b"")
    (segment,) = (data / "log").iterdir()
    whole = bytearray(segment.read_bytes())
    whole[whole.index(b"later 3")] ^= 0xFF
    segment.write_bytes(whole)
    with pytest.raises(CorruptionError) as raised:
        package.open(data)
    assert str(segment) in str(raised.value)
    assert "--salvage" in str(raised.value)
    found = memoradb("check", "--data", data, "--salvage", tmp_path / "saved")
    assert found.exit_code == 1
    assert "lost: 2 records that were durable" in found.stdout
    assert segment.read_bytes() == whole
    with package.open(tmp_path / "saved") as database:
        assert database.execute("MATCH (n:Later) RETURN count(n)").value() == 3
    again = memoradb("check", "--data", data, "--salvage", tmp_path / "saved")
    assert again.exit_code == 2
    assert "not empty" in again.stderr
    report = json.loads(memoradb("check", "--data", data, "--salvage", tmp_path / "other", "--json").stdout)
    assert report["ok"] is False
    assert report["records_lost"] == 2


def test_check_refuses_an_open_database(data: Path) -> None:
    with package.open(data):
        found = memoradb("check", "--data", data)
    assert found.exit_code == 2
    assert DatabaseLocked.code in found.stderr


def test_check_refuses_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    for path in (tmp_path, tmp_path / "nothing"):
        found = memoradb("check", "--data", path)
        assert found.exit_code == 2
        assert found.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


# --- the rest


def test_version_tells_what_is_installed() -> None:
    found = memoradb("version")
    assert found.stdout.startswith(f"memoradb {package.__version__} on Python 3.")
    assert "hnswlib: " in found.stdout
    assert memoradb("--version").stdout.strip() == f"memoradb, version {package.__version__}"


@pytest.mark.parametrize("name", ["serve", "query", "shell", "sample", "check", "fuzz", "mcp", "version"])
def test_every_command_explains_itself(name: str) -> None:
    overview = memoradb("--help").stdout
    assert f"\n  {name} " in overview
    shown = memoradb(name, "--help")
    assert shown.exit_code == 0
    for line in shown.stdout.splitlines():
        if line.strip().startswith("--") and "--help" not in line:
            assert len(line.split("  ")) > 1 or line.strip(), line


def test_serve_documents_every_port() -> None:
    shown = " ".join(memoradb("serve", "--help").stdout.split())
    for text in (
        "--http-port",
        "8080",
        "--wire-port",
        "7688",
        "--mcp-port",
        "9090",
        "0 turns it off",
        "MEMORADB_TOKEN",
    ):
        assert text in shown
