"""Results as JSON: what its types cannot hold has a documented form; MessagePack loses nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from served import Served
from values import storable

from memoradb.core.spatial import Point
from memoradb.core.temporal import Date, Duration
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.core.vectors import Vector
from memoradb.server.http.values import MSGPACK, json_bytes, json_value

NODE = Node(1, ("A",), {"on": Date(0)}, "n:1")
EDGE = Relationship(2, "T", 1, 1, {}, "r:2")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (0.5, 0.5),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ("\u00e4", "\u00e4"),
        (b"\x00\xff", "00ff"),
        (Date(0), "1970-01-01"),
        (Duration(14, 3, 5, 0), "P1Y2M3DT5S"),
        (Point(7203, (1.0, 2.0)), "point({x: 1.0, y: 2.0, crs: 'cartesian'})"),
        (Vector((1.0, 0.5)), [1.0, 0.5]),
        ([1, float("nan"), [Date(0)]], [1, "NaN", ["1970-01-01"]]),
        (NODE, {"id": 1, "elementId": "n:1", "labels": ["A"], "properties": {"on": "1970-01-01"}}),
        (EDGE, {"id": 2, "elementId": "r:2", "type": "T", "start": 1, "end": 1, "properties": {}}),
        (Path((NODE,), ()), {"nodes": [json_value(NODE)], "relationships": []}),
    ],
)
def test_each_type_has_its_form(value: Value, shown: Any) -> None:
    assert json.loads(json_bytes(json_value(value))) == shown


@given(storable)
def test_any_value_is_json(value: Value) -> None:
    json.loads(json_bytes(json_value(value)))


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert json.loads(json_bytes({"a\ud83d": ["\ud83d!"]})) == {"a\ufffd": ["\ufffd!"]}


def test_columns_of_numbers_that_json_lacks_are_text_too(served: Served) -> None:
    rows = served.query("UNWIND [1.5, 1.0 / 0.0, 0.0 / 0.0] AS x RETURN x").json()["rows"]
    assert rows == [[1.5], ["Infinity"], ["NaN"]]


def test_who_asks_for_messagepack_gets_it(served: Served) -> None:
    answer = served.request("POST", "/query", {"query": "RETURN date('2024-01-01') AS d"}, {"Accept": MSGPACK})
    assert answer.headers["Content-Type"] == MSGPACK
    assert answer.status == 200
