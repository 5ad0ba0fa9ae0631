"""CSV import: Neo4j's headers, RFC 4180, and errors that say file, line and column."""

from __future__ import annotations

import csv as python_csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.bulk import blocks, csv
from memoradb.core import limits
from memoradb.core.errors import ArgumentError, ConfigurationError, LimitError, TooManyBadRows
from memoradb.core.temporal_parse import parse_datetime


@pytest.fixture(params=["pyarrow", "plain"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to read a block."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setattr(csv, "arrow_blocks", lambda *_: None)
    return request.param


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8", newline="")
    return path


def people(db: memoradb.Database, text: str, tmp_path: Path, **options: Any) -> list[dict[str, Any]]:
    """The properties of the nodes that a file makes, in its order."""
    db.import_csv(nodes=write(tmp_path / "n.csv", text), **options)
    return [n.properties for n in db.execute("MATCH (n) RETURN n ORDER BY id(n)").column("n")]


# --- headers


def test_nodes_and_relationships_with_spaces_labels_and_types(db, tmp_path, reader):
    movies = write(
        tmp_path / "m.csv", "id:ID(Movie),title,year:int,:LABEL\n1,The Matrix,1999,Movie\n2,Two,,Movie;Sequel\n"
    )
    actors = write(tmp_path / "a.csv", ":ID(Actor)|name|x:IGNORE\nkeanu|Keanu|?\n1|Carrie|?\n")
    roles = write(
        tmp_path / "r.csv", ":START_ID(Actor),role,:END_ID(Movie),:TYPE\nkeanu,Neo,1,ACTED_IN\n1,Trinity,2,\n"
    )
    db.import_csv(nodes={"Person:Actor": actors}, delimiter="|")
    with pytest.raises(TooManyBadRows, match="there is no node 'keanu' in `Actor`"):
        db.import_csv(nodes=movies, relationships={"PLAYED": roles})
    db.import_csv(
        relationships={"PLAYED": roles}, match={"Actor": ("Person", "key"), "Movie": ("Movie", "id")}, bad_tolerance=9
    )
    assert db.execute("MATCH (m:Movie) RETURN labels(m), m.id, m.year ORDER BY m.title").rows == [
        (["Movie"], "1", 1999),
        (["Movie", "Sequel"], "2", None),
    ]
    assert db.execute("MATCH (p:Person:Actor) RETURN p ORDER BY p.name").column("p")[1].properties == {"name": "Keanu"}


def test_the_ends_and_the_type_of_relationships(db, tmp_path, reader):
    nodes = write(tmp_path / "n.csv", ":ID,name\na,A\n7,B\n007,C\n")
    roles = write(tmp_path / "r.csv", ":START_ID,:END_ID,:TYPE,w:double\na,7,,1.5\n7,007,NEXT,\n007,a,NEXT,2\n")
    assert db.import_csv(nodes=nodes, relationships={"DEFAULT": roles}).relationships == 3
    rows = db.execute("MATCH (a)-[r]->(b) RETURN a.name, type(r), b.name, r.w ORDER BY a.name").rows
    assert rows == [("A", "DEFAULT", "B", 1.5), ("B", "NEXT", "C", None), ("C", "NEXT", "A", 2.0)]


def test_the_header_may_be_a_file_of_its_own_and_others_may_repeat_it(db, tmp_path, reader):
    header = write(tmp_path / "h.csv", ":ID,x:int")
    parts = [write(tmp_path / f"p{i}.csv", f"{i},{i * 10}\n") for i in range(3)]
    parts.append(write(tmp_path / "p3.csv", ":ID,x:int\r\n3,30\r\n"))
    assert db.import_csv(nodes={"N": [header, *parts]}).nodes == 4
    assert db.execute("MATCH (n:N) RETURN sum(n.x)").value() == 60


def test_ids_are_kept_only_where_asked(db, tmp_path, reader):
    assert people(db, ":ID,a\n1,x\n", tmp_path) == [{"a": "x"}]
    assert people(db, ":ID,a\n1,x\n", tmp_path, id_property="key")[1] == {"a": "x", "key": "1"}
    assert people(db, "k:ID,a\n1,x\n", tmp_path)[2] == {"a": "x", "k": "1"}
    assert people(db, "k:ID,a\n1,x\n", tmp_path, id_type="integer")[3] == {"a": "x", "k": 1}
    assert people(db, "k:ID{id-type:int},a\n1,x\n", tmp_path)[4] == {"a": "x", "k": 1}
    with pytest.raises(TooManyBadRows, match=r"n\.csv:3: the id 'x' is not an integer"):
        people(db, "k:ID{id-type:int}\n1\nx\n", tmp_path)


def test_every_type_of_a_column(db, tmp_path, reader):
    header = "a:int,b:long,c:short,d:byte,e:float,f:double,g:boolean,h:char,i:string,j:date,k:localtime,l:time"
    header += ",m:localdatetime,n:datetime,o:duration,p:point,q:json,r:bytes"
    row = "-5,9223372036854775807,7,0x1F,1.5,-Infinity,TRUE,x,text,2024-02-29,10:11:12.5,10:11+02:00"
    row += ',2024-02-29T10:11:12.123456789,2024-02-29T10:11Z,P1Y2DT3H,"{x: 1, y:2.5}","[1,2.5]",aGk='
    (found,) = people(db, f"{header}\n{row}\n{',' * 17}\n", tmp_path)[:1]
    shown = {k: str(v) if type(v).__module__.startswith("memoradb") else v for k, v in found.items()}
    assert shown == {
        "a": -5, "b": 2**63 - 1, "c": 7, "d": 31, "e": 1.5, "f": float("-inf"), "g": True, "h": "x", "i": "text",
        "j": "2024-02-29", "k": "10:11:12.5", "l": "10:11+02:00", "m": "2024-02-29T10:11:12.123456789",
        "n": "2024-02-29T10:11Z", "o": "P1Y2DT3H", "p": "point({x: 1.0, y: 2.5, crs: 'cartesian'})", "q": [1, 2.5],
        "r": b"hi",
    }  # fmt: skip
    assert db.execute("MATCH (n) WHERE size(keys(n)) = 0 RETURN count(*)").value() == 1


def test_lists_options_and_several_columns_for_one_property(db, tmp_path, reader):
    text = "a:int[],b:string[],c:point[]{crs:WGS-84},t:datetime{timezone:Europe/Stockholm},x:int,x:string,d:date[]\n"
    text += '1;2,u;v,"{x:1,y:2};{x:3,y:4}",2024-07-01T12:00,5,,2024-01-01;2024-01-02\n""," ",,,,five,\n'
    first, second = people(db, text, tmp_path)
    assert first["a"] == [1, 2] and first["b"] == ["u", "v"] and first["x"] == 5
    assert [p.srid for p in first["c"]] == [4326, 4326] and [str(d) for d in first["d"]] == ["2024-01-01", "2024-01-02"]
    assert first["t"] == parse_datetime("2024-07-01T12:00+02:00[Europe/Stockholm]", 0)
    assert second == {"a": [], "b": [" "], "x": "five"}
    assert people(db, "a:int[]\n1|2\n", tmp_path, array_delimiter="|")[2] == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("header", "relationships", "message"),
    [
        ("a:strange", False, "unknown type `strange`"),
        ("a,a", False, "`a` is there twice"),
        (":ID,:ID", False, "2 columns :ID"),
        (":START_ID", False, "a file of nodes has no column :START_ID"),
        (":START_ID,x", True, "has a column :END_ID"),
        (":START_ID,:END_ID", True, "nothing says the type"),
        ("a,,b", False, "column 2: a column has no name"),
        (":int", False, "has no name"),
        (":LABEL(x)", False, "no column that there can be"),
        ("a:int{x}", False, "an option is written"),
        ("a:int{crs:x}", False, "no option `crs` here; such a column has none"),
        ("a:time{zone:x}", False, "no option `zone` here; there is timezone"),
        ("", False, "is empty"),
        ('"a', False, "never closed"),
    ],
)
def test_a_header_that_makes_no_sense(db, tmp_path, header, relationships, message):
    path = write(tmp_path / "f.csv", header)
    with pytest.raises(ArgumentError, match=message) as caught:
        db.import_csv(**{"relationships" if relationships else "nodes": path})
    assert "f.csv" in caught.value.message


# --- RFC 4180


def test_empty_is_missing_and_quoted_empty_is_the_empty_string(db, tmp_path, reader):
    assert people(db, 'a,b:int,c\nx,,\n"","",""\n', tmp_path) == [{"a": "x"}, {"a": "", "c": ""}]


def test_quotes_delimiters_and_line_ends_inside_fields(db, tmp_path, reader):
    text = 'a,b\r\n"x ""y"", z",1\r\n"two\r\nlines","\n"\r\n5" pipe,q\r\n'
    with pytest.raises(TooManyBadRows, match=r"n\.csv:3: a quoted field does not end on its line"):
        people(db, text, tmp_path)
    found = people(db, text, tmp_path, multiline_fields=True)
    assert found == [{"a": 'x "y", z', "b": "1"}, {"a": "two\r\nlines", "b": "\n"}, {"a": '5" pipe', "b": "q"}]


def test_other_marks_and_none(db, tmp_path, reader):
    assert people(db, "a\tb\n'x\ty'\t''''\n", tmp_path, delimiter="\t", quote="'") == [{"a": "x\ty", "b": "'"}]
    assert people(db, 'a,b\n"x,y"\n', tmp_path, quote=None)[1] == {"a": '"x', "b": 'y"'}
    for options in ({"delimiter": ";;"}, {"delimiter": ";"}, {"quote": "\n"}, {"id_type": "float"}, {"delimiter": "é"}):
        with pytest.raises(ConfigurationError):
            people(db, "a\n", tmp_path, **options)


def test_blank_lines_marks_of_order_and_other_encodings(db, tmp_path, reader):
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbfa,b\n\n1,2\n\r\n3,4")
    assert db.import_csv(nodes=tmp_path / "bom.csv").nodes == 2
    (tmp_path / "latin.csv").write_bytes("a\nÄrger\n".encode("latin-1"))
    assert db.import_csv(nodes=tmp_path / "latin.csv", encoding="latin-1").nodes == 1
    assert db.execute("MATCH (n) WHERE n.a STARTS WITH 'Ä' OR n.b = '4' RETURN count(*)").value() == 2
    with pytest.raises(TooManyBadRows, match=r"latin\.csv:2: the row is not UTF-8"):
        db.import_csv(nodes=tmp_path / "latin.csv")
    with pytest.raises(ArgumentError, match="no character encoding 'klingon'"):
        db.import_csv(nodes=tmp_path / "latin.csv", encoding="klingon")
    with pytest.raises(ArgumentError, match="is not in the encoding ascii"):
        db.import_csv(nodes=tmp_path / "latin.csv", encoding="ascii")


def test_compressed_files_are_recognised_and_a_damaged_one_is_said(db, tmp_path, reader):
    packed = gzip.compress(b"a:int\n" + b"".join(b"%d\n" % i for i in range(1000)))
    (tmp_path / "n.csv.gz").write_bytes(packed)
    assert db.import_csv(nodes=tmp_path / "n.csv.gz").nodes == 1000
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-20])
    with pytest.raises(ArgumentError, match=r"cut\.csv\.gz is damaged near line 1"):
        db.import_csv(nodes=tmp_path / "cut.csv.gz")


def test_blocks_end_between_records_wherever_the_reader_stops(db, tmp_path, monkeypatch, reader):
    rows = [f'{i},"line\none ""{i}"", end",{"é" * (i % 7)}\n' for i in range(60)]
    text = "a:int,b,c\n" + "".join(rows)
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        with memoradb.open(None) as fresh:
            found = people(fresh, text, tmp_path, multiline_fields=True)
        assert [n["a"] for n in found] == list(range(60)), size
        assert found[9] == {"a": 9, "b": 'line\none "9", end', "c": "éé"}


def test_a_record_beyond_the_limit(db, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    monkeypatch.setattr(limits, "IMPORT_RECORD_BYTES_MAX", 1000)
    fine = people(db, "a,b\n1," + "x" * 900 + "\n", tmp_path)
    assert len(fine[0]["b"]) == 900
    with pytest.raises(LimitError, match=r"n\.csv:2: a record has more than 1,000 bytes") as caught:
        people(db, 'a,b\n1,"' + "x" * 5000 + "\n", tmp_path, multiline_fields=True)
    assert caught.value.limit == "IMPORT_RECORD_BYTES_MAX" and "never closed" in (caught.value.hint or "")


def test_no_file_and_no_group(db, tmp_path):
    with pytest.raises(ArgumentError, match="There is no file"):
        db.import_csv(nodes=tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="a path or a list of paths"):
        db.import_csv(nodes={"A": 5})
    with pytest.raises(ArgumentError, match="holds no files"):
        db.import_csv(tmp_path)
    with pytest.raises(ConfigurationError, match="not both"):
        db.import_csv(tmp_path, nodes="x.csv")


# --- bad rows


BAD_VALUES = [
    ("a:int", "2147483648", "2147483648 does not fit 32 bits"),
    ("a:long", "9223372036854775808", "does not fit 64 bits"),
    ("a:byte", "128", "does not fit 8 bits"),
    ("a:short", "1.0", "'1.0' is not an integer"),
    ("a:int", "1_000", "is not an integer"),
    ("a:double", "one", "'one' is not a number"),
    ("a:float", "1_0", "is not a number"),
    ("a:boolean", "yes", "neither true nor false"),
    ("a:char", "xy", "is not one character"),
    ("a:date", "2023-02-29", "day"),
    ("a:datetime", "noon", "is not a date"),
    ("a:localtime", "25:00", "hour"),
    ("a:duration", "1 day", "is not a duration"),
    ("a:point", "{x: 1}", "point"),
    ("a:point", "1;2", "is not a point"),
    ("a:point{crs:mars}", '"{x:1,y:2}"', "mars"),
    ("a:int[]", "1;x", "'x' is not an integer"),
    ("a:json", "{", "is not JSON"),
    ("a:json", '"{""a"":1}"', "an object is no property value"),
    ("a:bytes", "*", "is not Base64"),
]


@pytest.mark.parametrize(("header", "value", "message"), BAD_VALUES)
def test_a_value_that_is_not_of_its_type_is_said_with_line_and_column(db, tmp_path, reader, header, value, message):
    text = f"x,{header}\n1,\n2,{value}\n3,\n"
    with pytest.raises(TooManyBadRows) as caught:
        people(db, text, tmp_path)
    assert "n.csv:3: column 2, `a`: " in caught.value.message and message in caught.value.message
    assert people(db, text, tmp_path, bad_tolerance=1) == [{"x": "1"}, {"x": "3"}]


def test_all_bad_rows_are_counted_and_written_to_a_file(db, tmp_path, reader):
    nodes = write(tmp_path / "n.csv", ':ID,a:int\n1,1\n2,x\n3,3,3\n\n1,5\n4\n"5"x,\n6,6\n')
    edges = write(tmp_path / "r.csv", ":START_ID,:END_ID,:TYPE\n1,6,R\n1,2,R\n,6,R\n1,6,\n")
    report = tmp_path / "bad.csv"
    done = db.import_csv(nodes=nodes, relationships=edges, bad_rows=report, bad_tolerance=8)
    assert (done.nodes, done.relationships, done.bad_rows) == (2, 1, 8)
    rows = list(python_csv.DictReader(io.StringIO(report.read_text("utf-8"))))
    assert [(Path(r["file"]).name, int(r["line"]), r["reason"], r["row"]) for r in rows] == [
        ("n.csv", 3, "column 2, `a`: 'x' is not an integer", "2,x"),
        ("n.csv", 4, "3 fields where the header has 2", "3,3,3"),
        ("n.csv", 6, "the id '1' is there already", "1,5"),
        ("n.csv", 7, "1 fields where the header has 2", "4"),
        ("n.csv", 8, "text follows the closing quote of field 1", '"5"x,'),
        ("r.csv", 3, "there is no node '2' for the end", "1,2,R"),
        ("r.csv", 4, "the start is missing", ",6,R"),
        ("r.csv", 5, "the type is missing", "1,6,"),
    ]


def test_one_bad_row_too_many_ends_the_import_and_keeps_the_parts_before(db, tmp_path, monkeypatch, reader):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 30)
    text = ":ID,a:int\n" + "".join(f"{i},{i if i % 10 else 'x'}\n" for i in range(40))
    with pytest.raises(TooManyBadRows, match=r"n\.csv:22: .*Only 2 bad rows are tolerated") as caught:
        people(db, text, tmp_path, bad_tolerance=2)
    assert "can be resumed" in (caught.value.hint or "")
    kept = db.execute("MATCH (n) RETURN n.a ORDER BY n.a").column("n.a")
    assert kept and kept == [i for i in range(20) if i % 10][: len(kept)]
    with pytest.raises(ConfigurationError, match="not negative"):
        people(db, text, tmp_path, bad_tolerance=-1)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        people(db, text, tmp_path, bad_rows=tmp_path / "no" / "file.csv", resume=False)


# --- pyarrow and the plain reader agree


cells = st.sampled_from(
    ["", '""', "1", "-2", "x", '"a,b"', '"q""q"', " 3 ", "1.5", "é", '"\n"', 'b"b', '"c"d', "\r", "'"]
)
lines = st.lists(cells, min_size=1, max_size=3).map(",".join)
files = st.lists(lines | st.just(""), max_size=12)


@settings(max_examples=150)
@given(files, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([20, 1 << 20]))
@example(['"', '"'], "\n", True, 20)
def test_pyarrow_finds_what_the_plain_reader_finds(rows: list[str], end: str, multiline: bool, size: int) -> None:
    pytest.importorskip("pyarrow")
    text = "a,b:int" + end + end.join(rows)
    found: list[Any] = []
    for plain in (True, False):
        with pytest.MonkeyPatch.context() as patch, memoradb.open(None) as database:
            patch.setattr(blocks, "BLOCK_BYTES", size)
            if plain:
                patch.setattr(csv, "arrow_blocks", lambda *_: None)
            found.append(_read_all(database, text, multiline))
    assert found[0] == found[1]


def _read_all(database: memoradb.Database, text: str, multiline: bool) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        bad = Path(place) / "bad.csv"
        path = write(Path(place) / "n.csv", text)
        database.import_csv(nodes=path, bad_tolerance=99, multiline_fields=multiline, bad_rows=bad)
        report = [
            (r["line"], r["reason"], r["row"]) for r in python_csv.DictReader(io.StringIO(bad.read_text("utf-8")))
        ]
    return [n.properties for n in database.execute("MATCH (n) RETURN n ORDER BY id(n)").column("n")], report
