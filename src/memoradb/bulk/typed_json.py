"""Values as JSON and back, without loss.

What JSON has is written as it is. The rest is an object with two keys, as Neo4j's Query API writes typed JSON:
``{"$type": "Date", "_value": "2024-02-29"}``. Types are Float (for what is not finite), Base64 (bytes), Date, Time,
LocalTime, LocalDateTime, OffsetDateTime, ZonedDateTime, Duration, Point (as text, ``SRID=7203;POINT (1.0 2.0)``),
Vector, and Encoded (the storage's own form in Base64, for a value that its text would not give back exactly).

Read are also the points of Neo4j's APOC exports, objects with ``crs``.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson

from memoradb.core.duration import parse_duration
from memoradb.core.errors import ArgumentError, CorruptionError, MemoraDBError
from memoradb.core.serde import decode, encode
from memoradb.core.spatial import CRS_NAMES, Point, point_from_map
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from memoradb.core.temporal_parse import (
    parse_date,
    parse_datetime,
    parse_local_datetime,
    parse_local_time,
    parse_time,
)
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Value
from memoradb.core.vectors import Vector

_AS_THEY_ARE: Final = frozenset((type(None), bool, int, str))
_POINT: Final = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;\s*POINT\s*(?:Z\s*)?\(([^()]*)\)\s*", re.IGNORECASE)


def to_json(value: Value) -> Any:
    """What ``json`` and ``orjson`` can write."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return value if math.isfinite(value) else _tagged("Float", _FLOATS[repr(value)])
    if kind is list:
        return [to_json(item) for item in value]
    return _scalar(value)


_FLOATS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _tagged(type: str, value: Any) -> dict[str, Any]:
    return {"$type": type, "_value": value}


def _scalar(value: Value) -> Any:
    match value:
        case bytes():
            return _tagged("Base64", base64.b64encode(value).decode())
        case Vector():
            return _tagged("Vector", list(value.elements))
        case Point(srid, coordinates):
            numbers = " ".join(map(repr, coordinates))
            text = f"SRID={srid};POINT {'Z ' if len(coordinates) == 3 else ''}({numbers})"
            return _exact("Point", text, value)
        case Date():
            return _exact("Date", str(value), value)
        case LocalTime():
            return _exact("LocalTime", str(value), value)
        case Time():
            return _exact("Time", str(value), value)
        case LocalDateTime():
            return _exact("LocalDateTime", str(value), value)
        case DateTime():
            return _exact("ZonedDateTime" if value.zone else "OffsetDateTime", str(value), value)
        case Duration():
            return _exact("Duration", str(value), value)
        case _:
            return _encoded(value)


def _exact(type: str, text: str, value: Value) -> Any:
    """The text where it gives the value back, else the storage's bytes."""
    try:
        same = _PARSERS[type](text) == value
    except MemoraDBError:
        same = False
    return _tagged(type, text) if same else _encoded(value)


def _encoded(value: Value) -> Any:
    return _tagged("Encoded", base64.b64encode(encode(value)).decode())


def from_json(value: Any) -> Value:
    """The value that parsed JSON stands for.

    Raises:
        ArgumentError: an object that is no value of ours, text that its type does not read, an integer beyond 64 bits.
    """
    kind = type(value)
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise ArgumentError(f"the integer {value} does not fit 64 bits")
        return value
    if kind in _AS_THEY_ARE or kind is float:
        return value
    if kind is list:
        return [from_json(item) for item in value]
    if "$type" in value and "_value" in value:
        return _from_tagged(str(value["$type"]), value["_value"])
    if "crs" in value:
        parts = {key: part for key, part in value.items() if part is not None}
        point = point_from_map(parts)
        if point is not None:
            return point
    raise ArgumentError("an object is no property value (a point has `crs`, other types `$type` and `_value`)")


def _from_tagged(type: str, value: Any) -> Value:
    parser = _PARSERS.get(type)
    if parser is None:
        raise ArgumentError(f"`{type}` is not a type of value")
    try:
        return parser(value)
    except (TypeError, ValueError, AttributeError, KeyError, binascii.Error, CorruptionError) as error:
        raise ArgumentError(f"{json.dumps(value)[:80]} is not a {type} ({error})") from None


def _parse_point(text: str) -> Point:
    found = _POINT.fullmatch(text)
    if found is None:
        raise ArgumentError(f"`{text}` is not a point")
    srid, coordinates = int(found[1]), tuple(map(float, found[2].split()))
    if srid not in CRS_NAMES or len(coordinates) != (3 if CRS_NAMES[srid].endswith("3d") else 2):
        raise ArgumentError(f"`{text}` is not a point: its SRID does not fit its coordinates")
    return Point(srid, coordinates)


def _parse_datetime(text: str) -> DateTime:
    return parse_datetime(text, 0)


_PARSERS: Final[dict[str, Callable[[Any], Value]]] = {
    "Null": lambda value: None,
    "Boolean": lambda value: {"true": True, "false": False}[str(value).lower()],
    "Integer": lambda value: from_json(int(value)),
    "Float": float,
    "String": str,
    "Base64": lambda value: base64.b64decode(value, validate=True),
    "List": lambda value: [from_json(item) for item in value],
    "Date": parse_date,
    "LocalTime": parse_local_time,
    "Time": lambda text: parse_time(text, 0),
    "LocalDateTime": parse_local_datetime,
    "OffsetDateTime": _parse_datetime,
    "ZonedDateTime": _parse_datetime,
    "Duration": parse_duration,
    "Point": _parse_point,
    "Vector": lambda value: Vector(tuple(value)),
    "Encoded": lambda value: decode(base64.b64decode(value, validate=True)),
}


def dumps(tree: Any) -> bytes:
    """JSON in UTF-8; a string with half a surrogate pair is written with escapes."""
    try:
        return orjson.dumps(tree)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(tree, ensure_ascii=True, separators=(",", ":")).encode()


def loads(data: bytes | str, large: bool = True) -> Any:
    """The tree that JSON text is; ``large`` False where it is known to have no number of 18 digits or more.

    Raises:
        ValueError: it is none, or holds a number too large for a float, or half of a surrogate pair.
    """
    try:
        tree = orjson.loads(data)
        if not large or not _has_large_float(tree):
            return tree
    except orjson.JSONDecodeError:
        pass  # the standard library says better what is wrong
    tree = json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None
    return tree


def has_long_number(data: bytes) -> bool:
    """Whether 18 digits or more stand together somewhere."""
    raw = np.frombuffer(data, np.uint8)
    others = np.flatnonzero((raw < 48) | (raw > 57))
    return bool(np.diff(others, prepend=-1, append=len(raw)).max() > 18)


def _has_large_float(tree: Any) -> bool:
    """Whether a float is beyond 64 bits: orjson makes one of an integer that does not fit, and only the text knows."""
    for item in tree.values() if type(tree) is dict else tree if type(tree) is list else (tree,):
        kind = type(item)
        if kind is float:
            if not INTEGER_MIN < item <= INTEGER_MAX:
                return True
        elif (kind is dict or kind is list) and _has_large_float(item):
            return True
    return False


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
