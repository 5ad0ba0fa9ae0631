"""`memoradb import` and `memoradb export`."""

import subprocess
import sys
from pathlib import Path

import pytest
from command import memoradb

import memoradb as package
from memoradb.bulk import blocks


@pytest.fixture
def files(tmp_path):
    (tmp_path / "n.csv").write_text("k:ID(P)\tage:int\n1\t5\n2\tx\n3\t\n")
    (tmp_path / "r.csv").write_text(":START_ID(P)\t:END_ID(P)\n1\t3\n1\t9\n")
    return tmp_path


def load(files, *options):
    groups = ("--nodes", f"Person:X={files / 'n.csv'}", "--relationships", f"KNOWS={files / 'r.csv'}")
    return memoradb("import", "--data", files / "db", *groups, "--delimiter", "TAB", *options)


def test_csv_with_bad_rows_left_out_and_said(files):
    found = load(files, "--bad-rows", files / "bad.csv", "--id-type", "integer")
    assert found.exit_code == 0
    assert "Imported 2 nodes and 1 relationship; 2 bad rows left out (see " in found.output
    assert "Importing: 0 % (nodes)" in found.output and "Importing: 100 % (relationships)" in found.output
    assert len((files / "bad.csv").read_text().splitlines()) == 3
    with package.open(files / "db") as db:
        assert db.execute("MATCH (a:Person:X)-[:KNOWS]->(b) RETURN a.k, a.age, b.k").rows == [(1, 5, 3)]


def test_too_many_bad_rows_end_with_an_error_and_can_be_resumed(files):
    found = load(files, "--bad-tolerance", "0")
    assert found.exit_code == 1 and "is not an integer" in str(found.exception)
    assert load(files, "--resume").exit_code == 0
    again = load(files, "--resume")
    assert again.exit_code == 0 and "Imported 2 nodes" in again.output
    with package.open(files / "db") as db:
        assert db.execute("MATCH (n) RETURN count(*)").value() == 2


def test_an_interrupted_import_must_be_told_what_to_do(files, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8)
    assert load(files, "--bad-tolerance", "1").exit_code == 1
    found = load(files)
    assert found.exit_code == 1 and "was interrupted" in str(found.exception)
    assert load(files, "--no-resume").exit_code == 0


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("g.jsonl", ()),
        ("g.graphml", ()),
        ("g.xml", ()),
        ("anything", ("--format", "jsonl")),
        ("tables", ("--format", "csv")),
        ("tables", ("--format", "parquet")),
        ("tables", ("--format", "arrow")),
    ],
)
def test_what_is_exported_is_imported(tmp_path, target, options):
    if "parquet" in options or "arrow" in options:
        pytest.importorskip("pyarrow")
    with package.open(tmp_path / "db") as db:
        db.execute("CREATE (:A {d: date('2024-02-29')})-[:R {w: 1}]->(:B {t: 'x'})")
    found = memoradb("export", "--data", tmp_path / "db", tmp_path / target, *options)
    assert found.exit_code == 0 and "Exported 2 nodes and 1 relationship to " in found.output
    if options[-1:] in (("csv",), ("parquet",), ("arrow",)):
        options = ()  # the names in the directory tell
    found = memoradb("import", "--data", tmp_path / "copy", tmp_path / target, *options)
    assert found.exit_code == 0, found.output
    with package.open(tmp_path / "copy") as db:
        assert db.execute("MATCH (a:A)-[r:R]->(b:B) RETURN toString(a.d), r.w, b.t").rows == [("2024-02-29", 1, "x")]


def test_a_query_chooses_what_is_exported(files):
    assert load(files).exit_code == 0
    query = "MATCH (n) WHERE n.age > $least RETURN n"
    place = files / "g.jsonl"
    found = memoradb("export", "--data", files / "db", place, "--query", query, "--param", "least=1")
    assert "Exported 1 node and 0 relationships" in found.output


def test_plain_objects_become_nodes_with_a_label(tmp_path):
    (tmp_path / "lines").write_text('{"x": 1}\n{"x": 2}\n')
    found = memoradb("import", "--data", tmp_path / "db", tmp_path / "lines", "--format", "jsonl", "--label", "Line")
    assert found.exit_code == 0
    with package.open(tmp_path / "db") as db:
        assert db.execute("MATCH (n:Line) RETURN sum(n.x)").value() == 3


def test_nodes_that_are_there_already_are_matched(files):
    assert load(files).exit_code == 0
    (files / "more.csv").write_text(":START_ID(P),:END_ID(P),:TYPE\n3,1,BACK\n")
    found = memoradb("import", "--data", files / "db", "--relationships", files / "more.csv", "--match", "P=Person.k")
    assert found.exit_code == 0, found.output
    with package.open(files / "db") as db:
        assert db.execute("MATCH (a)-[:BACK]->(b) RETURN a.k, b.k").rows == [("3", "1")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "--data", "d"], "Give files or a directory"),
        (["import", "--data", "d", "n.csv", "--nodes", "n.csv"], "Give files or a directory"),
        (["import", "--data", "d", "n.csv"], "--nodes and --relationships"),
        (["import", "--data", "d", "--nodes", "n.what"], "tell no format"),
        (["import", "--data", "d", "--nodes", "a.csv", "--nodes", "b.parquet"], "several formats: csv, parquet"),
        (["import", "--data", "d", "--nodes", "A=", "--format", "csv"], "names no file"),
        (["import", "--data", "d", "--nodes", "n.csv", "--match", "x"], "write SPACE=LABEL.PROPERTY"),
        (["import", "--data", "d", "none.jsonl"], "does not exist"),
        (["export", "--data", "none", "x.jsonl"], "does not exist"),
        (["export", "--data", ".", "x"], "tell no format"),
    ],
)
def test_what_cannot_be_meant(files, monkeypatch, arguments, message):
    monkeypatch.chdir(files)
    found = memoradb(*arguments)
    assert found.exit_code == 2 and message in found.output


def test_help_and_the_program_start_without_what_only_imports_need():
    heavy = ("numpy", "pyarrow", "rich", "orjson")
    code = f"import sys, memoradb.cli.main; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(root / "src")}
    )
    assert found.stdout == "[]\n", found.stderr
