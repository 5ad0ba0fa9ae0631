"""JSON lines: Neo4j's APOC shape, plain objects, and errors by line."""

import json

import pytest

from memoradb.bulk import jsonl
from memoradb.core.errors import ArgumentError, TooManyBadRows

APOC = [
    {"type": "relationship", "id": "0", "label": "KNOWS", "properties": {"since": 1993, "w": 1.0},
     "start": {"id": "0", "labels": ["User"]}, "end": {"id": "1", "labels": ["User"]}},
    {"type": "node", "id": "0", "labels": ["User", "Admin"], "properties": {
        "name": "Adam", "male": True, "kids": ["Sam", "Anna"], "born": "2015-07-04T19:32:24", "nick": None,
        "place": {"crs": "wgs-84-3d", "latitude": 13.1, "longitude": 33.46, "height": 100.0}}},
    {"type": "node", "id": "1", "labels": ["User"], "properties": {
        "name": "Jim", "place": {"crs": "wgs-84", "latitude": 13.1, "longitude": 33.46, "height": None}}},
    {"type": "node", "id": "2"},
]  # fmt: skip


def lines(path, objects):
    path.write_text("\n".join(o if isinstance(o, str) else json.dumps(o) for o in objects) + "\n", "utf-8")
    return path


def test_the_shape_of_an_apoc_export_in_any_order(db, tmp_path):
    done = db.import_jsonl(lines(tmp_path / "g.jsonl", APOC))
    assert (done.nodes, done.relationships) == (3, 1)
    a, r, b = db.execute("MATCH (a)-[r:KNOWS]->(b) RETURN a, r, b").rows[0]
    assert (a.labels, b["name"], r.properties) == (("User", "Admin"), "Jim", {"since": 1993, "w": 1.0})
    assert {k: v for k, v in a.properties.items() if k != "place"} == {
        "name": "Adam", "male": True, "kids": ["Sam", "Anna"], "born": "2015-07-04T19:32:24",
    }  # fmt: skip
    assert (str(a["place"]), b["place"].srid) == (
        "point({longitude: 33.46, latitude: 13.1, height: 100.0, crs: 'wgs-84-3d'})",
        4326,
    )


def test_plain_objects_become_nodes_with_a_label(db, tmp_path):
    path = lines(tmp_path / "g.jsonl", [{"type": "node", "n": 1}, {"n": None, "tags": ["x"]}, "", {}])
    assert db.import_jsonl(path, label=["A", "B"]).nodes == 3
    assert db.execute("MATCH (a:A:B) RETURN a.type, a.n, a.tags ORDER BY id(a)").rows == [
        ("node", 1, None), (None, None, ["x"]), (None, None, None),
    ]  # fmt: skip


def test_ids_of_several_files_are_the_same_and_kept_only_where_asked(db, tmp_path):
    one, two = lines(tmp_path / "1.jsonl", APOC[:1]), lines(tmp_path / "2.jsonl", APOC[1:])
    assert db.import_jsonl([one, two], id_property="apoc_id").relationships == 1
    assert db.execute("MATCH (n) RETURN n.apoc_id ORDER BY n.apoc_id").column("n.apoc_id") == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "plain objects need a label"),
        ('{"type":"node","id":[1]}', "an id is a string or an integer"),
        ('{"type":"node","labels":"A"}', "labels are a list of strings"),
        ('{"type":"node","properties":[]}', "`properties` is not an object"),
        ('{"type":"node","properties":{"a":{"b":1}}}', "`a`: an object is no property value"),
        ('{"type":"node","properties":{"a":[1,"x"]}}', "`a`: A property cannot hold"),
        ('{"type":"node","properties":{"a":18446744073709551616}}', "does not fit 64 bits"),
        ('{"type":"node","properties":{"a":-9223372036854775809}}', "does not fit 64 bits"),
        ('{"type":"node","properties":{"a":1e400}}', "too large a number"),
        ('{"type":"node","properties":{"a":NaN}}', "NaN is not JSON"),
        ('{"type":"node","properties":{"a":"\\ud800"}}', "half of a surrogate pair"),
        ('{"type":"node","properties":{"a":{"$type":"Date","_value":"never"}}}', "not a date"),
        ('{"type":"node","properties":{"a":{"$type":"Moon","_value":"1"}}}', "`Moon` is not a type of value"),
        ('{"type":"node","properties":{"a":{"$type":"Point","_value":"SRID=1;POINT (1 2)"}}}', "not a point"),
        ('{"type":"node","id":"7"}', "the id '7' is there already"),
        ('{"type":"relationship","label":"R","start":{"id":"7"},"end":{"id":"8"}}', "no node '8' for the end"),
        ('{"type":"relationship","start":{"id":"7"},"end":{"id":"7"}}', "the type is missing"),
        ('{"type":"relationship","label":"R","start":{"id":"7"},"end":{"id":"7"},"properties":{"a":{}}}', "`a`"),
        ("[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_a_line_that_is_bad_is_said_by_its_number(db, tmp_path, line, message):
    path = lines(tmp_path / "g.jsonl", [{"type": "node", "id": "7"}, "", line, {"type": "node", "id": "9"}])
    with pytest.raises(TooManyBadRows) as caught:
        db.import_jsonl(path)
    assert "g.jsonl:3: " in caught.value.message and message in caught.value.message
    assert db.import_jsonl(path, bad_tolerance=1, resume=False).bad_rows == 1


def test_integers_keep_all_their_digits(db, tmp_path):
    numbers = [2**63 - 1, -(2**63), 10**17]
    db.import_jsonl(lines(tmp_path / "g.jsonl", [{"n": n, "f": 1e19} for n in numbers]), label="A")
    assert db.execute("MATCH (a:A) RETURN a.n ORDER BY id(a)").column("a.n") == numbers


def test_objects_without_a_common_key_do_not_make_a_huge_table(db, tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "CELLS_MAX", 50)
    path = lines(tmp_path / "g.jsonl", [{f"k{i}": i} for i in range(40)])
    assert db.import_jsonl(path, label="A").nodes == 40
    assert db.execute("MATCH (a:A) RETURN sum(size(keys(a)))").value() == 40


def test_no_file(db, tmp_path):
    with pytest.raises(ArgumentError, match="There is no file"):
        db.import_jsonl(tmp_path / "none.jsonl")


def test_an_export_is_what_apoc_writes(db, tmp_path):
    db.execute("CREATE (:A {x: 1, d: date('2024-02-29')})-[:R {w: 0.5}]->(:B:C)")
    db.export_jsonl(tmp_path / "g.jsonl")
    assert [json.loads(line) for line in (tmp_path / "g.jsonl").read_text().splitlines()] == [
        {"type": "node", "id": "0", "labels": ["A"],
         "properties": {"x": 1, "d": {"$type": "Date", "_value": "2024-02-29"}}},
        {"type": "node", "id": "1", "labels": ["B", "C"], "properties": {}},
        {"type": "relationship", "id": "0", "label": "R", "properties": {"w": 0.5},
         "start": {"id": "0", "labels": ["A"]}, "end": {"id": "1", "labels": ["B", "C"]}},
    ]  # fmt: skip


def test_a_value_that_its_text_would_not_give_back_is_encoded(tmp_path):
    from memoradb.bulk.typed_json import from_json, to_json
    from memoradb.core.temporal import DateTime

    # An offset that the zone's clocks never had: text with both is refused.
    odd = DateTime(0, 0, 5 * 3600, "Europe/Stockholm")
    assert to_json(odd)["$type"] == "Encoded" and from_json(to_json(odd)) == odd
