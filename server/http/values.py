"""Results in the two forms that HTTP offers: JSON for everybody, MessagePack for clients that keep types.

JSON has fewer types than MemQL. What it lacks is sent like this; a client that must tell them apart asks for
MessagePack (``Accept: application/vnd.memoradb+msgpack``), whose values are those of the wire protocol.

==================================  ==================================================================
temporal values, durations, points  their text, as ``toString`` gives it
NaN and the infinities              the strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"``
vectors                             lists of numbers
bytes                               hexadecimal digits
nodes                               ``{"id", "elementId", "labels", "properties"}``
relationships                       ``{"id", "elementId", "type", "start", "end", "properties"}``
paths                               ``{"nodes", "relationships"}``
half a surrogate pair in a string   U+FFFD
==================================  ==================================================================
"""

from __future__ import annotations

import math
from typing import Any, Final

import orjson

from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.core.vectors import Vector
from memoradb.memql.result import StatementResult

from ..summary import summary_value
from ..wire.messages import encode_columns, encode_value

JSON: Final = "application/json"
MSGPACK: Final = "application/vnd.memoradb+msgpack"

_AS_THEY_ARE: Final = frozenset((type(None), bool, int, str))


def json_value(value: Value) -> Any:
    """A value as JSON can hold it."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return value if math.isfinite(value) else _text_of_float(value)
    if isinstance(value, (list, tuple)):
        return [json_value(v) for v in value]
    if isinstance(value, dict):
        return {k: json_value(v) for k, v in value.items()}
    if isinstance(value, Node):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "labels": list(value.labels),
            "properties": json_value(value.properties),
        }
    if isinstance(value, Relationship):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "type": value.type,
            "start": value.start,
            "end": value.end,
            "properties": json_value(value.properties),
        }
    if isinstance(value, Path):
        return {"nodes": json_value(value.nodes), "relationships": json_value(value.relationships)}
    if isinstance(value, Vector):
        return [json_value(x) for x in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _text_of_float(value: float) -> str:
    if value != value:
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _json_column(values: list[Value]) -> list[Any]:
    kinds = set(map(type, values))
    if kinds <= _AS_THEY_ARE or (kinds == {float} and all(map(math.isfinite, values))):
        return values
    return [json_value(v) for v in values]


def json_bytes(value: Any) -> bytes:
    """A tree of plain values as JSON text."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_legible(value))


def _legible(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_legible(k): _legible(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legible(v) for v in value]
    return value


def json_result(result: StatementResult) -> bytes:
    """``{"columns": [...], "rows": [[...]], "summary": {...}}``."""
    columns = [_json_column(values) for values in result.values]
    rows = list(zip(*columns, strict=True)) if result.columns else []
    return json_bytes({"columns": list(result.columns), "rows": rows, "summary": summary_value(result)})


def msgpack_result(result: StatementResult) -> bytes:
    """``columns`` (names), ``count`` (rows), ``values`` (a column each, as in the wire protocol) and ``summary``."""
    return encode_value(
        {
            "columns": list(result.columns),
            "count": result.row_count if result.columns else 0,
            "values": encode_columns(result.values),
            "summary": summary_value(result),
        }
    )
