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

from memoradb.core.values import Value
from memoradb.memql.result import StatementResult
from memoradb.result import plain, plain_scalar

from ..summary import summary_value
from ..wire.messages import encode_columns, encode_value

JSON: Final = "application/json"
MSGPACK: Final = "application/vnd.memoradb+msgpack"

_AS_THEY_ARE: Final = frozenset((type(None), bool, int, str))


def json_value(value: Value) -> Any:
    """A value as JSON can hold it."""
    return plain(value, _json_scalar)


def _json_scalar(value: Value) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return _text_of_float(value)
    return plain_scalar(value)


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
