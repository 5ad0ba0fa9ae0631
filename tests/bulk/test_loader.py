"""Bulk import: columns in, clear errors by row, nothing half loaded."""

import datetime
import decimal

import numpy as np
import pytest

import memoradb
from memoradb.bulk import tables
from memoradb.core.errors import (
    ArgumentError,
    ArithmeticOverflow,
    ConfigurationError,
    EntityNotFound,
    MissingExtra,
    TypeMismatch,
    UniqueViolation,
)
from memoradb.storage.properties.forms import Form
from memoradb.storage.view import Element

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(tables, "PART_ROWS", 3)
    monkeypatch.setattr(tables, "RELATIONSHIP_PART_ROWS", 3)


def a_file(tmp_path, columns, name="t.parquet", **options):
    path = tmp_path / name
    parquet.write_table(columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns), path, **options)
    return path


def count(db, pattern="(n)") -> int:
    return db.execute(f"MATCH {pattern} RETURN count(*) AS n").value()


# --- what is loaded


def test_nodes_and_relationships_from_files(db, tmp_path, small_parts):
    people = a_file(tmp_path, {"id": list(range(10)), "name": [f"p{i}" for i in range(10)], "age": [None, *range(9)]})
    knows = a_file(tmp_path, {"from": [0, 1, 9], "to": [1, 2, 0], "since": [2000, None, 2002]}, "k.parquet")
    steps = []
    assert db.import_parquet(people, label="P", key="id", progress=lambda *s: steps.append(s)) == 10
    assert steps == [(3, 10), (6, 10), (9, 10), (10, 10)]
    ends = {"source": ("P", "id", "from"), "target": ("P", "id", "to")}
    assert db.import_parquet(str(knows), type="KNOWS", **ends) == 3
    rows = db.execute("MATCH (a)-[r:KNOWS]->(b) RETURN a.id, r.since, b.name ORDER BY a.id").rows
    assert rows == [(0, 2000, "p1"), (1, None, "p2"), (9, 2002, "p0")]
    assert db.execute("MATCH (p:P) WHERE p.age IS NULL RETURN p.id").column("p.id") == [0]
    assert db.execute("MATCH (p:P {id: 7}) RETURN p.name").value() == "p7"


def test_what_was_loaded_is_there_after_reopening(tmp_path):
    path = a_file(tmp_path, {"id": [1, 2], "d": [datetime.date(2020, 1, 1), None]})
    with memoradb.open(tmp_path / "g") as db:
        db.import_parquet(path, label="P", key="id")
        db.import_parquet(
            a_file(tmp_path, {"a": [1], "b": [2]}, "r.parquet"),
            type="R",
            source=("P", "id", "a"),
            target=("P", "id", "b"),
        )
    with memoradb.open(tmp_path / "g") as db:
        assert db.execute("MATCH (a)-[:R]->(b) RETURN a.id, toString(a.d), b.d").rows == [(1, "2020-01-01", None)]
        with pytest.raises(UniqueViolation):
            db.execute("CREATE (:P {id: 1})")


def test_dates_and_moments_of_a_file_are_kept_as_integers(tmp_path):
    stamps = pyarrow.array([1_700_000_000, None, 1_710_000_000], pyarrow.timestamp("s", "Europe/Stockholm"))
    days = pyarrow.array([19_000, 19_001, None], pyarrow.date32())
    path = a_file(tmp_path, {"id": [1, 2, 3], "at": stamps, "day": days})
    with memoradb.open(None) as db:
        db.import_parquet(path, label="P", key="id")
        columns = db.storage.store.columns[Element.NODE]
        assert (columns["at"].form, columns["day"].form) == (Form.DATETIME, Form.DATE)
        query = "MATCH (p:P) WHERE p.at < datetime('2024-01-01') RETURN p.id, toString(p.at), p.day.year"
        assert db.execute(query).rows == [(1, "2023-11-14T23:13:20+01:00[Europe/Stockholm]", 2022)]


@pytest.mark.parametrize(
    "keys",
    [[1, 2, 3], [-5, 10**12, 7], ["a", "b", "c"], [1.5, 2.5, 3.5], [datetime.date(2020, 1, i) for i in (1, 2, 3)]],
)
def test_ends_are_found_by_keys_of_any_type(db, tmp_path, keys):
    db.import_parquet(a_file(tmp_path, {"id": keys}), label="P", key="id")
    path = a_file(tmp_path, {"a": [keys[0], keys[2]], "b": [keys[1], keys[0]]}, "r.parquet")
    db.import_parquet(path, type="R", source=("P", "id", "a"), target=("P", "id", "b"))
    assert count(db, "(:P)-[:R]->(:P)") == 2
    found = db.execute("MATCH (a)-[:R]->(b) WHERE a.id = $k RETURN count(b)", {"k": keys[2]}).value()
    assert found == 1


def test_an_integer_key_finds_its_float(db, tmp_path):
    db.import_parquet(a_file(tmp_path, {"id": [1, 2]}), label="P", key="id")
    path = a_file(tmp_path, {"a": [1.0], "b": [2.0]}, "r.parquet")
    db.import_parquet(path, type="R", source=("P", "id", "a"), target=("P", "id", "b"))
    assert count(db, "(:P)-[:R]->(:P)") == 1


def test_an_empty_file_loads_nothing(db, tmp_path):
    empty = pyarrow.table({"id": pyarrow.array([], pyarrow.int64())})
    assert db.import_parquet(a_file(tmp_path, empty), label="P", key="id") == 0
    path = a_file(tmp_path, empty.append_column("to", empty["id"]), "r.parquet")
    assert db.import_parquet(path, type="R", source=("P", "id", "id"), target=("P", "id", "to")) == 0
    assert count(db) == 0


def test_nodes_and_relationships_from_columns(db, small_parts):
    ids = db.import_nodes(["A", "B"], {"x": np.arange(7), "y": [1.5, None, "a", True, [1], b"x", None]})
    assert len(set(ids)) == 7
    assert db.import_relationships("R", ids[:6], np.array(ids[1:]), {"w": np.linspace(0, 1, 6)}) == 6
    assert db.execute("MATCH (a:A:B {x: 4})-[r]->(b) RETURN a.y, r.w, b.x").rows == [([1], 0.8, 5)]
    assert db.import_nodes([], {"x": [1]})
    assert db.import_nodes("Empty", {}) == []


# --- Arrow types


def test_arrow_types_become_the_sensible_ones(db, tmp_path):
    stamp = datetime.datetime(2020, 5, 17, 12, 30, 1, 5)
    table = pyarrow.table(
        {
            "i8": pyarrow.array([1, None], pyarrow.int8()),
            "u32": pyarrow.array([2**32 - 1, None], pyarrow.uint32()),
            "u64": pyarrow.array([2**63 - 1, None], pyarrow.uint64()),
            "f4": pyarrow.array([0.5, None], pyarrow.float32()),
            "b": pyarrow.array([True, None]),
            "s": pyarrow.array(["héllo", None], pyarrow.large_string()),
            "bin": pyarrow.array([b"ab", None]),
            "dict": pyarrow.array(["x", None]).dictionary_encode(),
            "date": pyarrow.array([datetime.date(1969, 12, 31), None]),
            "date64": pyarrow.array([datetime.date(1969, 12, 31), None], pyarrow.date64()),
            "t32": pyarrow.array([datetime.time(1, 2, 3), None], pyarrow.time32("s")),
            "t64": pyarrow.array([datetime.time(1, 2, 3, 4), None], pyarrow.time64("ns")),
            "ts": pyarrow.array([stamp, None], pyarrow.timestamp("us")),
            "utc": pyarrow.array([stamp, None], pyarrow.timestamp("ms", "UTC")),
            "zoned": pyarrow.array([stamp, None], pyarrow.timestamp("ns", "Europe/Stockholm")),
            "offset": pyarrow.array([stamp, None], pyarrow.timestamp("s", "+02:00")),
            "dur": pyarrow.array([datetime.timedelta(days=1, microseconds=5), None], pyarrow.duration("us")),
            "dec": pyarrow.array([decimal.Decimal("1.25"), None]),
            "whole": pyarrow.array([decimal.Decimal("12"), None], pyarrow.decimal128(10, 0)),
            "list": pyarrow.array([[1, 2], None]),
            "fixed": pyarrow.array([[0.5, 1.5], None], pyarrow.list_(pyarrow.float32(), 2)),
            "dates": pyarrow.array([[datetime.date(1970, 1, 2)], None]),
            "null": pyarrow.array([None, None]),
        }
    )
    db.import_parquet(a_file(tmp_path, table), label="T")
    first, second = db.execute("MATCH (t:T) RETURN t").column("t")
    assert second.properties == {}
    shown = {k: str(v) if type(v).__module__.startswith("memoradb") else v for k, v in first.properties.items()}
    assert shown == {
        "i8": 1,
        "u32": 2**32 - 1,
        "u64": 2**63 - 1,
        "f4": 0.5,
        "b": True,
        "s": "héllo",
        "bin": b"ab",
        "dict": "x",
        "date": "1969-12-31",
        "date64": "1969-12-31",
        "t32": "01:02:03",
        "t64": "01:02:03.000004",
        "ts": "2020-05-17T12:30:01.000005",
        "utc": "2020-05-17T12:30:01Z",
        "zoned": "2020-05-17T14:30:01.000005+02:00[Europe/Stockholm]",
        "offset": "2020-05-17T14:30:01+02:00",
        "dur": "PT24H0.000005S",
        "dec": 1.25,
        "whole": 12,
        "list": [1, 2],
        "fixed": [0.5, 1.5],
        "dates": first.properties["dates"],
    }
    assert [str(d) for d in first.properties["dates"]] == ["1970-01-02"]


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        (pyarrow.array([1, 2**63], pyarrow.uint64()), ArithmeticOverflow, "row 1: 9223372036854775808"),
        (pyarrow.array([decimal.Decimal(10) ** 20]), ArithmeticOverflow, "row 0"),
        (pyarrow.array([{"a": 1}]), TypeMismatch, "`x` is of Arrow type struct"),
        (pyarrow.array([[[1]]]), TypeMismatch, "Row 0, `x`"),
        (pyarrow.array([[1], [1, None]]), TypeMismatch, "Row 1, `x`"),
    ],
)
def test_arrow_types_that_no_property_can_hold(db, tmp_path, column, error, message):
    with pytest.raises(error, match=message):
        db.import_parquet(a_file(tmp_path, {"x": column}), label="T")
    assert count(db) == 0


# --- what is wrong is named by its row, and nothing is half loaded


def test_a_key_that_is_null(db, tmp_path, small_parts):
    path = a_file(tmp_path, {"id": [0, 1, 2, 3, None, 5]})
    with pytest.raises(ArgumentError, match="Row 4: the key `id` is null"):
        db.import_parquet(path, label="P", key="id")
    assert db.execute("MATCH (p:P) RETURN p.id AS id").column("id") == [0, 1, 2]


def test_a_key_that_comes_twice_in_the_file(db, tmp_path, small_parts):
    path = a_file(tmp_path, {"id": [0, 1, 2, 3, 4, 3]})
    with pytest.raises(UniqueViolation, match=r"Row 5: `id` is 3, which row 3 has"):
        db.import_parquet(path, label="P", key="id")
    assert db.execute("MATCH (p:P) RETURN p.id AS id").column("id") == [0, 1, 2]
    # Nothing of the failed part is in the index: its keys are free.
    db.execute("CREATE (:P {id: 3}), (:P {id: 4})")


def test_a_key_that_a_node_has_already(db, tmp_path):
    db.execute("CREATE (:P {id: 'b'})")
    with pytest.raises(UniqueViolation, match=r"Row 1: `id` is 'b', which a node that exists has as \(:P {id}\)"):
        db.import_parquet(a_file(tmp_path, {"id": ["a", "b"]}), label="P", key="id")
    with pytest.raises(UniqueViolation, match="Row 0"):
        db.import_nodes("P", {"id": ["b"]})
    assert count(db) == 1


def test_a_key_on_data_that_is_not_unique(db, tmp_path):
    db.execute("CREATE (:P {id: 1}), (:P {id: 1})")
    with pytest.raises(UniqueViolation):
        db.import_parquet(a_file(tmp_path, {"id": [2]}), label="P", key="id")
    assert count(db) == 2


@pytest.mark.parametrize("keys", [[1, 2, 3], [1, 10**15, 3], ["a", "b", "c"]])
@pytest.mark.parametrize("side", ["a", "b"])
def test_an_end_without_node(db, tmp_path, small_parts, keys, side):
    db.import_parquet(a_file(tmp_path, {"id": keys}), label="P", key="id")
    columns = {"a": [keys[0]] * 5, "b": [keys[1]] * 5}
    columns[side][4] = "nobody" if isinstance(keys[0], str) else -7
    path = a_file(tmp_path, columns, "r.parquet")
    with pytest.raises(EntityNotFound, match=rf"Row 4: there is no node \(:P {{id}}\) for `{side}` = ") as caught:
        db.import_parquet(path, type="R", source=("P", "id", "a"), target=("P", "id", "b"))
    assert "parts before it" in (caught.value.hint or "")
    assert count(db, "()-[:R]->()") == 3


def test_an_end_that_is_null_or_of_another_type(db, tmp_path):
    db.import_parquet(a_file(tmp_path, {"id": [1, 2]}), label="P", key="id")
    ends = {"source": ("P", "id", "a"), "target": ("P", "id", "b")}
    with pytest.raises(ArgumentError, match="Row 1: `b` is null"):
        db.import_parquet(a_file(tmp_path, {"a": [1, 1], "b": [2, None]}, "r.parquet"), type="R", **ends)
    with pytest.raises(EntityNotFound, match=r"Row 0: there is no node .* for `a` = '1'"):
        db.import_parquet(a_file(tmp_path, {"a": ["1"], "b": [2]}, "r.parquet"), type="R", **ends)
    with pytest.raises(EntityNotFound, match=r"for `a` = 1\.5"):
        db.import_parquet(a_file(tmp_path, {"a": [1.5], "b": [2]}, "r.parquet"), type="R", **ends)
    with pytest.raises(EntityNotFound, match=r"\(:Nobody {id}\)"):
        db.import_parquet(
            a_file(tmp_path, {"a": [1], "b": [2]}, "r.parquet"),
            type="R",
            source=("Nobody", "id", "a"),
            target=ends["target"],
        )
    assert count(db, "()-[:R]->()") == 0


@pytest.mark.parametrize("keys", [[1, 1], [1, 10**15, 10**15], ["a", "a"]])
def test_an_end_that_several_nodes_could_be(db, tmp_path, keys):
    db.import_nodes("P", {"id": keys})
    path = a_file(tmp_path, {"a": keys[:1], "b": keys[:1]})
    with pytest.raises(ArgumentError, match="Several nodes"):
        db.import_parquet(path, type="R", source=("P", "id", "a"), target=("P", "id", "b"))


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [1, "a"], [None]])
def test_a_value_that_no_property_can_hold(db, small_parts, value):
    with pytest.raises(TypeMismatch, match="Row 4, `x`: A property cannot hold"):
        db.import_nodes("A", {"id": list(range(6)), "x": [1, 2, 3, 4, value, 6]})
    assert db.execute("MATCH (a:A) RETURN a.id AS id").column("id") == [0, 1, 2]
    ids = db.execute("MATCH (a:A) RETURN id(a) AS id").column("id")
    with pytest.raises(TypeMismatch, match="Row 1, `x`"):
        db.import_relationships("R", ids[:2], ids[:2], {"x": [1, value]})
    assert count(db, "()-[:R]->()") == 0


def test_a_python_object_that_is_no_value(db):
    with pytest.raises(TypeMismatch, match=r"x\[1\] is a Python object"):
        db.import_nodes("A", {"x": [1, object()]})


def test_an_id_without_node(db):
    (one,) = db.import_nodes("A", {"x": [1]})
    with pytest.raises(EntityNotFound, match="Row 1: there is no node with id 999"):
        db.import_relationships("R", [one, one], [one, 999])
    assert count(db, "()-[:R]->()") == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda db: db.import_nodes("A", {"x": [1], "y": [1, 2]}), ArgumentError, "`x` 1, `y` 2"),
        (lambda db: db.import_nodes("A", {"x": [1]}, key="z"), ArgumentError, "no column `z`"),
        (lambda db: db.import_nodes([], {"x": [1]}, key="x"), ArgumentError, "give one"),
        (lambda db: db.import_nodes("", {"x": [1]}), ArgumentError, "A label"),
        (lambda db: db.import_relationships("", [], []), ArgumentError, "A relationship type"),
        (lambda db: db.import_relationships("R", [1], []), ArgumentError, "1 start ids but 0 end ids"),
        (lambda db: db.import_relationships("R", [], [], {"x": [1]}), ArgumentError, "rows of properties"),
        (lambda db: db.import_relationships("R", ["a"], ["b"]), TypeMismatch, "ids are integers"),
        (lambda db: db.import_parquet("none.parquet", label="A"), ArgumentError, "no file none.parquet"),
        (lambda db: db.import_parquet("x.parquet"), ArgumentError, "no file"),
    ],
)
def test_a_call_that_cannot_be_right(db, call, error, message):
    with pytest.raises(error, match=message):
        call(db)
    assert count(db) == 0


def test_a_file_that_is_not_what_it_should_be(db, tmp_path):
    (tmp_path / "text.parquet").write_text("not parquet at all")
    with pytest.raises(ArgumentError, match="cannot be read as Parquet"):
        db.import_parquet(tmp_path / "text.parquet", label="A")
    whole = a_file(tmp_path, {"x": list(range(1000))}, compression="zstd").read_bytes()
    damaged = bytearray(whole)
    damaged[20:400] = bytes(380)
    (tmp_path / "damaged.parquet").write_bytes(damaged)
    with pytest.raises(ArgumentError, match=r"damaged\.parquet"):
        db.import_parquet(tmp_path / "damaged.parquet", label="A")
    assert count(db) == 0


def test_columns_that_are_not_there(db, tmp_path):
    path = a_file(tmp_path, {"x": [1], "y": [1]})
    with pytest.raises(ArgumentError, match="no column `id`; it has `x`, `y`"):
        db.import_parquet(path, label="A", key="id")
    with pytest.raises(ArgumentError, match="no column `to`"):
        db.import_parquet(path, type="R", source=("A", "x", "x"), target=("A", "x", "to"))


def test_what_to_load_must_be_said(db, tmp_path):
    path = a_file(tmp_path, {"x": [1]})
    with pytest.raises(ConfigurationError, match="`label` for nodes, or `type`"):
        db.import_parquet(path)
    with pytest.raises(ConfigurationError, match="not both"):
        db.import_parquet(path, label="A", type="R")


def test_without_pyarrow_the_error_says_what_to_install(db, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra) as caught:
        db.import_parquet("x.parquet", label="A")
    assert 'pip install "memoradb[arrow]"' in (caught.value.hint or "")
