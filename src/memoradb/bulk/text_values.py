"""Values as text by a column's declared type, as the headers of Neo4j's import tool name it; and back.

==========================================  =====================================================================
``int long short byte``                     INTEGER, within the bits that the name says
``float double``                            FLOAT, also ``NaN``, ``Infinity``, ``-Infinity``
``boolean``                                 ``true`` or ``false``
``string char``                             STRING; a char is one character
``date localtime time localdatetime``       ISO 8601, as MemQL's functions read it
``datetime duration``
``point``                                   ``{x: 1.5, y: 2}``, ``{longitude: 12.9, latitude: 55.6, crs: WGS-84}``
``bytes``                                   Base64; not Neo4j's
``json``                                    any value, as ``typed_json`` writes it: not Neo4j's, and only written
                                            for what no other type holds
==========================================  =====================================================================

Space around what is no string is no part of it. An empty text is a missing value, but for strings and lists, where
``""`` is the empty string or list.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from memoradb.core.duration import parse_duration
from memoradb.core.errors import ArgumentError, MemoraDBError
from memoradb.core.spatial import CRS_NAMES, Point, point_from_map
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time, Zone
from memoradb.core.temporal_parse import (
    parse_date,
    parse_datetime,
    parse_local_datetime,
    parse_local_time,
    parse_time,
    parse_zone,
)
from memoradb.core.values import Value

from .typed_json import dumps, from_json, loads, to_json

Parser: TypeAlias = Callable[[str], Value]

TYPES: Final = (
    *("int", "long", "short", "byte", "float", "double", "boolean", "string", "char"),
    *("point", "date", "localtime", "time", "localdatetime", "datetime", "duration", "bytes", "json"),
)
BLANK_TYPES: Final = frozenset((None, "string", "char", "bytes"))
"""Types of which an empty text in quotes is a value."""
INTEGER_BITS: Final = {"int": 32, "long": 64, "short": 16, "byte": 8}
_BOOLEANS: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"[+-]?(?:[0-9]+|0[xX][0-9a-fA-F]+)")
_ENTRY: Final = re.compile(r"\s*['\"]?(\w+)['\"]?\s*:\s*(?:'([^']*)'|\"([^\"]*)\"|([^,{}]*?))\s*(?:,|$)")


def parser_of(type: str, options: Mapping[str, str]) -> Parser:
    """What reads one value of a type; it raises MemoraDBError or ValueError, whose text is the reason."""
    match type:
        case "int" | "long" | "short" | "byte":
            bits = INTEGER_BITS[type]
            return lambda text: parse_integer(text, bits)
        case "float" | "double":
            return _parse_float
        case "boolean":
            return _parse_boolean
        case "string":
            return lambda text: text
        case "char":
            return _parse_char
        case "point":
            crs = options.get("crs")
            return lambda text: _parse_point(text, crs)
        case "date":
            return lambda text: parse_date(text.strip())
        case "localtime":
            return lambda text: parse_local_time(text.strip())
        case "localdatetime":
            return lambda text: parse_local_datetime(_with_t(text))
        case "time":
            zone = default_zone(options)
            return lambda text: parse_time(text.strip(), zone)
        case "datetime":
            zone = default_zone(options)
            return lambda text: parse_datetime(_with_t(text), zone)
        case "duration":
            return lambda text: parse_duration(text.strip())
        case "bytes":
            return _parse_bytes
        case "json":
            return _parse_json
        case _:
            raise ArgumentError(f"There is no type `{type}`.")


def default_zone(options: Mapping[str, str]) -> Zone:
    """The zone of times that name none: the header's, else UTC."""
    text = options.get("timezone")
    zone = parse_zone(text) if text else None
    return 0 if zone is None else zone


def list_parser(item: Parser, delimiter: str) -> Parser:
    """What reads a list whose items are parted by ``delimiter``."""
    return lambda text: [item(part) for part in text.split(delimiter)] if text else []


def parse_integer(text: str, bits: int) -> int:
    """An integer of so many bits; ValueError for anything else.

    >>> parse_integer(" +12 ", 8), parse_integer("0x1F", 32)
    (12, 31)
    """
    stripped = text
    if text.isascii() and text.isdigit() and len(text) < 20:  # nearly every integer there is
        value = int(text)
    else:
        stripped = text.strip(" \t")
        if not _INTEGER.fullmatch(stripped):
            raise ValueError(f"{text!r} is not an integer")
        value = int(stripped, 16 if "x" in stripped.lower() else 10)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError(f"{stripped} does not fit {bits} bits")
    return value


def _parse_float(text: str) -> float:
    try:
        if "_" in text:
            raise ValueError
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _parse_boolean(text: str) -> bool:
    found = _BOOLEANS.get(text.strip(" \t").lower())
    if found is None:
        raise ValueError(f"{text!r} is neither true nor false")
    return found


def _parse_char(text: str) -> str:
    if len(text) != 1:
        raise ValueError(f"{text!r} is not one character")
    return text


def _with_t(text: str) -> str:
    """A moment with ``T`` before its time, which may be written with a space."""
    stripped = text.strip()
    return stripped[:10] + "T" + stripped[11:] if stripped[10:11] == " " else stripped


def _parse_point(text: str, crs: str | None) -> Value:
    inner = text.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        raise ValueError(f"{text!r} is not a point; one is written {{x: 1, y: 2}}")
    inner = inner[1:-1].strip()
    parts: dict[str, Value] = {}
    position = 0
    while position < len(inner):
        found = _ENTRY.match(inner, position)
        if found is None or found.end() == position:
            raise ValueError(f"{text!r} is not a point; one is written {{x: 1, y: 2}}")
        key = found[1].lower()
        value = next((group for group in found.groups()[1:] if group is not None), "")
        if key == "crs":
            parts[key] = value
        elif key == "srid":
            parts[key] = parse_integer(value, 32)
        else:
            parts[key] = _parse_float(value)
        position = found.end()
    if crs is not None and "crs" not in parts and "srid" not in parts:
        parts["crs"] = crs
    return point_from_map(parts)


def _parse_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is not Base64") from None


def _parse_json(text: str) -> Value:
    try:
        tree = loads(text)
    except ValueError as error:
        raise ValueError(f"{text[:80]!r} is not JSON: {error}") from None
    return from_json(tree)


# --- writing -----------------------------------------------------------------

_NAMES: Final[dict[type, str]] = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    bytes: "bytes",
    Date: "date",
    LocalTime: "localtime",
    Time: "time",
    LocalDateTime: "localdatetime",
    DateTime: "datetime",
    Duration: "duration",
    Point: "point",
}


def written(value: Value, array_delimiter: str) -> tuple[str, bool, str]:
    """A value as (type, whether it is a list, text) such that the reader gives it back exactly.

    >>> written(True, ";"), written([1, 2], ";"), written(["a;b"], ";")
    (('boolean', False, 'true'), ('long', True, '1;2'), ('json', False, '["a;b"]'))
    """
    if type(value) is list:
        return _written_list(value, array_delimiter)
    name = _NAMES.get(type(value))
    if name is not None:
        text = text_of(value)
        if name in _SURE or _gives_back(name, text, value):
            return name, False, text
    return "json", False, dumps(to_json(value)).decode()


_SURE: Final = frozenset(("boolean", "long", "double", "string", "bytes"))


def _written_list(items: list[Value], array_delimiter: str) -> tuple[str, bool, str]:
    kinds = set(map(type, items))
    if len(kinds) == 1:
        name = _NAMES.get(kinds.pop())
        if name is not None:
            texts = list(map(text_of, items))
            text = array_delimiter.join(texts)
            # An item with the delimiter in it, and the list of one empty string, would come back as something else.
            whole = bool(text) and not any(array_delimiter in t for t in texts)
            if whole and (name in _SURE or all(_gives_back(name, t, v) for t, v in zip(texts, items, strict=True))):
                return name, True, text
    return "json", False, dumps(to_json(items)).decode()


def text_of(value: Value) -> str:
    """A scalar's text."""
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return float_text(value)
    if kind is bytes:
        return base64.b64encode(value).decode()
    if kind is Point:
        names = ("longitude", "latitude", "height") if value.srid in (4326, 4979) else ("x", "y", "z")
        parts = ", ".join(f"{n}: {c!r}" for n, c in zip(names, value.coordinates, strict=False))
        return f"{{{parts}, crs: {CRS_NAMES[value.srid]}}}"
    return str(value)


def float_text(value: float) -> str:
    """A float as Java and XML write it, too: ``NaN``, ``Infinity``."""
    text = repr(value)
    return _NOT_FINITE.get(text, text)


_NOT_FINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _gives_back(name: str, text: str, value: Value) -> bool:
    try:
        return parser_of(name, {})(text) == value
    except (MemoraDBError, ValueError):
        return False
