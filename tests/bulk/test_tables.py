"""Graphs in Parquet, Arrow IPC and Feather files, and single Arrow tables."""

import datetime

import pytest

from memoradb.bulk import tables
from memoradb.core.errors import ArgumentError, EntityNotFound, MissingExtra, TooManyBadRows

pyarrow = pytest.importorskip("pyarrow")
feather = pytest.importorskip("pyarrow.feather")
parquet = pytest.importorskip("pyarrow.parquet")

NODES = {
    ":ID(P)": ["a", "b", "c"],
    ":LABEL": ["X;Y", None, "Z"],
    "born:date": ["2024-02-29", None, "2000-01-01"],
    "at:point": ["{x: 1, y: 2}", None, None],
    "age": [1, 2, None],
    "day": [datetime.date(2020, 1, 1), None, None],
    "no:IGNORE": [1, 2, 3],
}
EDGES = {":START_ID(P)": ["a", "b"], ":END_ID(P)": ["b", "c"], ":TYPE": [None, "NEXT"], "w": [1.5, None]}


def test_columns_are_named_as_those_of_csv_files(db, tmp_path):
    parquet.write_table(pyarrow.table(NODES), tmp_path / "n.parquet")
    feather.write_feather(pyarrow.table(EDGES), tmp_path / "r.feather")
    done = db.import_tables(
        nodes={"P": tmp_path / "n.parquet"}, relationships={"R": tmp_path / "r.feather"}, id_property="key"
    )
    assert (done.nodes, done.relationships) == (3, 2)
    rows = db.execute(
        "MATCH (n:P) RETURN labels(n), n.key, toString(n.born), n.at.x, n.age, n.day.year ORDER BY n.key"
    ).rows
    assert rows == [
        (["P", "X", "Y"], "a", "2024-02-29", 1.0, 1, 2020),
        (["P"], "b", None, None, 2, None),
        (["P", "Z"], "c", "2000-01-01", None, None, None),
    ]
    assert db.execute("MATCH (a)-[r]->(b) RETURN a.key, type(r), r.w, b.key ORDER BY a.key").rows == [
        ("a", "R", 1.5, "b"),
        ("b", "NEXT", None, "c"),
    ]
    assert db.execute("MATCH (n) WHERE n.no IS NOT NULL RETURN count(*)").value() == 0


def test_what_is_bad_is_said_by_its_row(db, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "PART_ROWS", 2)
    monkeypatch.setattr(tables, "RELATIONSHIP_PART_ROWS", 2)
    nodes = {":ID": [1, 2, 3, 3, 5], "born:date": ["2000-01-01", "x", "2000-01-01", None, "y"]}
    edges = {":START_ID": [1, 1, 3], ":END_ID": [3, 2, None]}
    parquet.write_table(pyarrow.table(nodes), tmp_path / "n.parquet")
    parquet.write_table(pyarrow.table(edges), tmp_path / "r.parquet")
    files = {"nodes": tmp_path / "n.parquet", "relationships": {"R": tmp_path / "r.parquet"}}
    with pytest.raises(TooManyBadRows, match=r"n\.parquet:2: column `born`: `x` is not a date"):
        db.import_tables(**files)
    done = db.import_tables(**files, bad_tolerance=9, bad_rows=tmp_path / "bad.csv", resume=True)
    assert (done.nodes, done.relationships, done.bad_rows) == (2, 1, 5)
    reasons = [line.split(",")[1:3] for line in (tmp_path / "bad.csv").read_text().splitlines()[1:]]
    assert reasons == [
        ["2", '"column `born`: `x` is not a date"'],
        ["4", "\"the id '3' is there already\""],
        ["5", '"column `born`: `y` is not a date"'],
        ["2", "\"there is no node '2' for the end\""],
        ["3", '"the end is missing"'],
    ]


def test_files_that_cannot_be(db, tmp_path):
    (tmp_path / "x.arrow").write_bytes(b"nothing of the kind")
    with pytest.raises(ArgumentError, match=r"x\.arrow cannot be read as Arrow IPC"):
        db.import_tables(nodes=tmp_path / "x.arrow")
    parquet.write_table(pyarrow.table({":START_ID": [1], ":END_ID": [1]}), tmp_path / "r.parquet")
    with pytest.raises(ArgumentError, match="nothing says the type"):
        db.import_tables(relationships=tmp_path / "r.parquet")
    with pytest.raises(ArgumentError, match="There is no file"):
        db.import_tables(nodes=tmp_path / "none.parquet")


@pytest.mark.parametrize("origin", ["table", "batch", "reader", "file", "stream", "feather"])
def test_arrow_data_of_any_origin(db, tmp_path, monkeypatch, origin):
    monkeypatch.setattr(tables, "PART_ROWS", 4)
    table = pyarrow.table({"id": list(range(10)), "name": [f"n{i}" for i in range(10)]})
    data, path = table, tmp_path / "t.arrow"
    match origin:
        case "batch":
            data = table.to_batches()[0]
        case "reader":
            data = table.to_reader(max_chunksize=3)
        case "file" | "stream":
            make = pyarrow.ipc.new_file if origin == "file" else pyarrow.ipc.new_stream
            with make(path, table.schema) as writer:
                writer.write_table(table, max_chunksize=3)
            data = path
        case "feather":
            feather.write_feather(table, path)
            data = path
        case _:
            pass
    steps = []
    assert db.import_arrow(data, label="N", key="id", progress=lambda done, total: steps.append(done)) == 10
    assert steps == [4, 8, 10]
    edges = pyarrow.table({"from": [0, 9], "to": [9, 0]})
    assert db.import_arrow(edges, type="R", source=("N", "id", "from"), target=("N", "id", "to")) == 2
    assert db.execute("MATCH (a)-[:R]->(b) RETURN a.name, b.name ORDER BY a.name").rows == [("n0", "n9"), ("n9", "n0")]


def test_arrow_data_that_is_none(db, tmp_path):
    with pytest.raises(ArgumentError, match="not a Python list"):
        db.import_arrow([1], label="A")
    with pytest.raises(ArgumentError, match="no file"):
        db.import_arrow(tmp_path / "none.arrow", label="A")
    with pytest.raises(EntityNotFound):
        db.import_arrow(pyarrow.table({"a": [1]}), type="R", source=("A", "id", "a"), target=("A", "id", "a"))


def test_without_pyarrow_the_errors_say_what_to_install(db, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (
        lambda: db.import_arrow("x", label="A"),
        lambda: db.import_tables(nodes="x"),
        lambda: db.export_parquet(tmp_path / "x"),
        lambda: db.export_arrow(tmp_path / "x"),
    ):
        with pytest.raises(MissingExtra) as caught:
            call()
        assert 'pip install "memoradb[arrow]"' in (caught.value.hint or "")
