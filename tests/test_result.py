"""Records, results, and what they become elsewhere."""

import datetime
import json
import pickle
import sys

import pytest

import memoradb
from memoradb.core.errors import MissingExtra
from memoradb.core.spatial import Point
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from memoradb.core.temporal_parse import parse_datetime
from memoradb.core.vectors import Vector
from memoradb.result import Record, Result, plain

pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        database.execute("CREATE (:A {x: 1})-[:R {y: 2}]->(:B)")
        yield database


def a_result(db, query="UNWIND [1, 2] AS n RETURN n, n * 10 AS ten", parameters=None) -> Result:
    return db.execute(query, parameters)


# --- records


def test_a_record_is_a_tuple_with_names(db):
    first = a_result(db)[0]
    assert isinstance(first, Record)
    assert isinstance(first, tuple)
    assert first == (1, 10)
    assert (first[0], first["ten"], first[-1], first[0:1]) == (1, 10, 10, (1,))
    assert first.keys() == ("n", "ten")
    assert (first.get("n"), first.get("x"), first.get("x", 5)) == (1, None, 5)
    assert first.data() == {"n": 1, "ten": 10}
    n, ten = first
    assert (n, ten) == (1, 10)


def test_a_name_that_a_record_has_not_is_a_key_error(db):
    with pytest.raises(KeyError, match="nothing"):
        a_result(db)[0]["nothing"]
    with pytest.raises(IndexError):
        a_result(db)[0][2]


def test_records_compare_and_hash_as_tuples(db):
    one, two = a_result(db)
    assert one < two
    assert hash(one) == hash((1, 10))


def test_a_record_survives_pickling(db):
    again = pickle.loads(pickle.dumps(a_result(db)[0]))
    assert (again, again.keys()) == ((1, 10), ("n", "ten"))


def test_a_record_takes_no_more_room_than_its_tuple(db):
    assert not hasattr(a_result(db)[0], "__dict__")
    assert sys.getsizeof(a_result(db)[0]) <= sys.getsizeof((1, 10)) + 16


# --- results


def test_a_result_is_a_sequence_of_records(db):
    result = a_result(db)
    assert result.columns == ("n", "ten")
    assert result.rows == [(1, 10), (2, 20)]
    assert list(result) == result.rows
    assert (len(result), result[1]["n"], result[-1]["n"], result[0:1]) == (2, 2, 2, [(1, 10)])
    assert (1, 10) in result.rows
    assert result.column("ten") == [10, 20]
    assert result.to_dicts() == [{"n": 1, "ten": 10}, {"n": 2, "ten": 20}]
    assert repr(result) == "<Result n, ten: 2 rows>"


def test_a_column_that_is_not_there_is_a_key_error(db):
    with pytest.raises(KeyError):
        a_result(db).column("nothing")


@pytest.mark.parametrize("items", [[], [1, 2]])
def test_single_wants_one_record(db, items):
    result = a_result(db, "UNWIND $items AS n RETURN n", {"items": items})
    with pytest.raises(ValueError, match=f"expected one record, found {len(items)}"):
        result.single()


def test_no_rows_and_no_columns(db):
    nothing = a_result(db, "MATCH (n:Nothing) RETURN n, n.x AS x")
    assert (nothing.columns, nothing.rows, len(nothing), nothing.to_dicts()) == (("n", "x"), [], 0, [])
    with memoradb.open(None) as empty:
        written = empty.execute("CREATE (:A)")
    assert (written.columns, written.rows, len(written), list(written)) == ((), [], 0, [])
    assert repr(written) == "<Result (no columns): 0 rows>"
    assert not written


def test_the_summary_tells_what_was_done():
    with memoradb.open(None) as db:
        summary = db.execute("CREATE (:A {x: 1})-[:R]->(:B)").summary
        counters = summary.counters
        assert (counters.nodes_created, counters.relationships_created) == (2, 1)
        assert (counters.properties_set, counters.labels_added) == (1, 2)
        assert summary.query_type == "w"
        assert summary.position is not None
        assert db.execute("MATCH (a:A) SET a.x = 2 RETURN a").summary.query_type == "rw"
        assert db.execute("CREATE INDEX i FOR (n:A) ON (n.x)").summary.query_type == "s"
        read = db.execute("MATCH (a) RETURN a").summary
        assert (read.query_type, read.plan, read.position) == ("r", None, None)
        assert 0 < read.compile_ns < read.time_ns
        assert "NodeScan" in (db.execute("EXPLAIN MATCH (a) RETURN a").summary.plan or "")
        assert db.execute("PROFILE MATCH (a:A) RETURN a").summary.plan_tree is not None


# --- plain values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Date(0), "1970-01-01"),
        (Duration(1), "P1M"),
        (b"\x01\xff", "01ff"),
        ([Date(0), (1, None)], ["1970-01-01", [1, None]]),
        ({"a": Vector((1.0,))}, {"a": [1.0]}),
        (True, True),
    ],
)
def test_plain_values_are_what_json_can_say(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value))


def test_elements_become_maps(db):
    (node,) = a_result(db, "MATCH (a:A) RETURN a").single()
    shown = plain(node)
    assert shown == {"id": node.id, "elementId": node.element_id, "labels": ["A"], "properties": {"x": 1}}
    (path,) = a_result(db, "MATCH p = (:A)-->() RETURN p").single()
    assert [n["labels"] for n in plain(path)["nodes"]] == [["A"], ["B"]]
    assert plain(path)["relationships"][0]["type"] == "R"


# --- Arrow


def arrow(db, *values):
    return a_result(db, "UNWIND $values AS v RETURN v", {"values": list(values)}).to_arrow().column("v")


@pytest.mark.parametrize(
    ("values", "type_name"),
    [
        ([1, None], "int64"),
        ([1.5, 2.5], "double"),
        ([1, 2.5], "double"),
        (["a", None], "string"),
        ([True], "bool"),
        ([b"ab"], "binary"),
        ([None], "null"),
        ([[1, 2], []], "list<item: int64>"),
        ([Vector((1.0, 2.0))], "list<item: double>"),
        ([Date(0), None], "date32[day]"),
        ([LocalTime(1)], "time64[ns]"),
        ([LocalDateTime(0, 1)], "timestamp[ns]"),
        ([LocalDateTime(10**6, 0)], "timestamp[us]"),
        ([LocalDateTime(10**6, 1)], "string"),
        ([DateTime(0, 0, 3600, "Europe/Stockholm")], "timestamp[ns, tz=Europe/Stockholm]"),
        ([DateTime(0, 0, 3600)], "timestamp[ns, tz=+01:00]"),
        ([DateTime(0, 0, 0), DateTime(0, 0, 3600)], "timestamp[ns, tz=UTC]"),
        ([Duration(1, 2, 3)], "month_day_nano_interval"),
        ([Duration(2**40)], "string"),
        ([Date(10**11)], "string"),
        ([Time(0, 3600)], "string"),
        ([Point(7203, (1.0, 2.0))], "string"),
        ([1, "a"], "string"),
        ([Date(0), LocalTime(0)], "string"),
    ],
)
def test_every_type_has_its_arrow_type(db, values, type_name):
    column = arrow(db, *values)
    shown = str(column.type).replace("element", "item")
    assert shown == type_name
    assert len(column) == len(values)


def test_arrow_keeps_what_the_values_say(db):
    assert arrow(db, Date(1), None).to_pylist() == [datetime.date(1970, 1, 2), None]
    moment = parse_datetime("2021-07-01T12:00:00.123456+02:00[Europe/Stockholm]", 0)
    (found,) = arrow(db, moment).cast(pyarrow.timestamp("us", "UTC")).to_pylist()
    assert found == datetime.datetime(2021, 7, 1, 10, 0, 0, 123456, tzinfo=datetime.UTC)
    assert arrow(db, Duration(1, 2, 3)).to_pylist()[0] == (1, 2, 3 * 10**9)
    assert arrow(db, 1, "a").to_pylist() == ["1", '"a"']
    assert arrow(db, LocalDateTime(10**6, 1)).to_pylist() == ["4707-11-29T00:00:00.000000001"]


def test_elements_become_structs_and_doubled_names_stay(db):
    table = a_result(db, "MATCH (a:A)-[r]->(b) RETURN a, r, 1 AS one").to_arrow()
    assert table.column("a")[0].as_py()["labels"] == ["A"]
    assert table.column("r")[0].as_py()["properties"] == {"y": 2}
    assert a_result(db).to_arrow().num_rows == 2


def test_a_data_frame_has_the_columns_in_order(db):
    frame = a_result(db).to_df()
    assert list(frame.columns) == ["n", "ten"]
    assert frame["ten"].tolist() == [10, 20]
    assert list(a_result(db, "MATCH (n:Nothing) RETURN n, n.x AS x").to_df().columns) == ["n", "x"]


@pytest.mark.parametrize(("module", "method"), [("pyarrow", "to_arrow"), ("pandas", "to_df")])
def test_without_the_package_the_error_says_what_to_install(db, monkeypatch, module, method):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra) as caught:
        getattr(a_result(db), method)()
    assert 'pip install "memoradb[arrow]"' in (caught.value.hint or "")


# --- large results


LARGE = (
    "UNWIND range(1, 20000) AS i RETURN i, toString(i % 7) AS s, i * 0.5 AS f, i % 3 = 0 AS b, [i] AS l, date() AS d"
)


def test_a_large_result_reads_the_same_row_by_row_as_a_whole_and_by_column(db):
    expected = db.execute(LARGE).rows
    lazily = db.execute(LARGE)
    assert list(lazily) == list(lazily) == expected == lazily.rows == list(lazily)
    assert lazily[19_999]["f"] == 10_000.0 and lazily[-1]["i"] == 20_000
    assert [type(v) for v in next(iter(db.execute(LARGE)))] == [int, str, float, bool, list, Date]
    by_column = db.execute(LARGE)
    assert by_column.column("s")[:3] == ["1", "2", "3"] and list(by_column) == expected
    assert len(by_column) == 20_000 and by_column.to_arrow().num_rows == 20_000


def test_a_large_result_with_elements_shows_them_as_they_were_when_it_ran():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 5000) AS i CREATE (:N {i: i, s: 'old'})")
        with database.transaction() as tx:
            result = tx.execute("MATCH (n:N) RETURN n, n.i, n.s")
            tx.execute("MATCH (n:N) SET n.s = 'new', n.i = -n.i")
            assert all(r["n.s"] == "old" == r["n"].properties["s"] and r["n.i"] > 0 for r in result)
        result = database.execute("MATCH (n:N) RETURN n.i, n.s")
        database.execute("MATCH (n:N) SET n.s = 'newest', n.i = 0")
        again = database.execute("MATCH (n:N) RETURN n.i, n.s")
        database.execute("MATCH (n:N) DETACH DELETE n")
    assert all(r["n.s"] == "new" and r["n.i"] < 0 for r in result)
    assert all(r == (0, "newest") for r in again)


def test_strings_of_a_large_result_outlive_the_database(tmp_path):
    with memoradb.open(tmp_path / "db") as database:
        database.import_nodes("N", {"i": list(range(70_000)), "s": [f"string {i}" for i in range(70_000)]})
    with memoradb.open(tmp_path / "db") as database:
        result = database.execute("MATCH (n:N) RETURN n.i, n.s")
    assert all(s == f"string {i}" for i, s in result) and len(result) == 70_000


def test_a_large_result_without_columns_or_rows_has_none(db):
    assert list(db.execute("UNWIND range(1, 20000) AS i CREATE (:Gone {i: i})")) == []
    assert list(db.execute("MATCH (n:Gone) DETACH DELETE n")) == []
    empty = db.execute("MATCH (n:Gone) RETURN n.i, n")
    assert list(empty) == empty.rows == [] and empty.column("n.i") == []
