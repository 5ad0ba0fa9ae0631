"""Values of each kind, as Python objects and as MemQL text; and the text of any value."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

from memoradb.core import temporal_build
from memoradb.core.coercion import format_float
from memoradb.core.spatial import Point, point_from_map
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time

from .drawing import Draw

Kind: TypeAlias = str
"""What a generated expression is: ``int``, ``float``, ``str``, ``bool``, ``date``, ..., ``list of int``, ``node``."""

_TEXTS: Final[dict[Kind, tuple[str, ...]]] = {
    "int": ("0", "1", "2", "-1", "3", "-2", "5", "7", "0x1F", "0o17", "10", "9223372036854775807", "1_000"),
    "float": ("0.5", "1.0", "-1.5", "2.25", "0.0", "1e3", "-0.0", "1.5E-2", "(0.0 / 0.0)", "(1.0 / 0.0)"),
    "str": ("''", "'a'", "'b'", "'ab'", "'Ab c'", "'1'", "'1.5'", "'true'", "'ä€'", '"it\'s"', "'\\n'", "'a,b'"),
    "bool": ("true", "false"),
    "date": (
        "date('2020-02-29')",
        "date({year: 1999, month: 12, day: 31})",
        "date('2015W30-2')",
        "date('-0044-03-15')",
    ),
    "localtime": ("localtime('12:31:14.5')", "localtime({hour: 23, minute: 59})"),
    "time": ("time('10:00+02:00')", "time({hour: 1, timezone: 'Z'})", "time('00:00:00-05:00')"),
    "localdatetime": ("localdatetime('2015-07-21T21:40:32')", "localdatetime({year: 1984, week: 10, hour: 3})"),
    "datetime": (
        "datetime('2015-07-21T21:40:32.142+0100')",
        "datetime({year: 2017, month: 10, day: 29, timezone: 'Europe/Stockholm'})",
        "datetime('1970-01-01T00:00Z')",
    ),
    "duration": ("duration('P1Y2M10DT2H30M')", "duration({days: 1, hours: -5})", "duration('PT0.000000001S')"),
    "point": ("point({x: 1, y: 2.5})", "point({longitude: 12.9, latitude: 55.6})", "point({x: 0, y: 0, z: -3})"),
}
VALUES: Final[tuple[Kind, ...]] = (
    "int",
    "str",
    "float",
    "bool",
    "list of int",
    "list of str",
    "list of float",
    "date",
    "datetime",
    "localdatetime",
    "time",
    "localtime",
    "duration",
    "point",
    "map",
)
"""Kinds with literals; the first eight kinds of scalars and lists may be properties."""

_STRINGS: Final = ("a", "b", "ab", "", "B", "a b", "ä", "1", "true", "o'x")
_FLOATS: Final = (0.5, -1.5, 2.0, 1e10, 0.1, math.nan, math.inf, -math.inf)


def literal_text(draw: Draw, kind: Kind) -> str:
    """A literal (or the call that makes one) of a kind."""
    if kind in _TEXTS:
        # The first few of each kind are tame; the rest are rarer.
        options = _TEXTS[kind]
        return draw.choice(options[:5]) if draw.chance(80) else draw.choice(options)
    if kind.startswith("list of "):
        inner = kind.removeprefix("list of ")
        items = [literal_text(draw, inner) for _ in range(draw.integer(0, 3))]
        if items and draw.chance(15):
            items[draw.integer(0, len(items) - 1)] = "null"
        return f"[{', '.join(items)}]"
    if kind == "map":
        keys = draw.some(("a", "b", "k"), 2)
        return "{" + ", ".join(f"{k}: {literal_text(draw, draw.choice(VALUES[:4]))}" for k in keys) + "}"
    raise AssertionError(f"{kind} has no literal")


def generate_value(draw: Draw, kind: Kind) -> Any:
    """A value of a kind that has literals."""
    match kind:
        case "int":
            return draw.integer(-3, 9) if not draw.chance(1) else draw.choice((2**63 - 1, -(2**63), 2**53 + 1, 2**31))
        case "float":
            return draw.choice(_FLOATS)
        case "str":
            return draw.choice(_STRINGS)
        case "bool":
            return draw.chance(50)
        case "date":
            return temporal_build.date(
                f"20{draw.integer(0, 30):02}-0{draw.integer(1, 9)}-{draw.integer(1, 28):02}", NOW
            )
        case "localtime":
            return temporal_build.localtime(f"{draw.integer(0, 23):02}:{draw.integer(0, 59):02}:00.25", NOW)
        case "time":
            return temporal_build.time(f"{draw.integer(0, 23):02}:30:00+0{draw.integer(0, 5)}:00", NOW)
        case "localdatetime":
            return temporal_build.localdatetime(f"2001-0{draw.integer(1, 9)}-11T0{draw.integer(0, 9)}:59:59", NOW)
        case "datetime":
            zone = draw.choice(("Z", "+01:00", "[Europe/Stockholm]"))
            return temporal_build.datetime(f"2016-0{draw.integer(1, 9)}-28T02:0{draw.integer(0, 9)}:00{zone}", NOW)
        case "duration":
            return Duration(draw.integer(-2, 14), draw.integer(-3, 40), draw.integer(-100, 90_000), draw.integer(0, 5))
        case "point":
            return point_from_map({"x": draw.integer(-2, 2), "y": draw.choice((0.0, 1.5))})
        case "pair":
            return [draw.choice((1.0, 0.5, -2.0)), draw.choice((0.5, 1.0, 3.0))]
        case "map":
            return {k: generate_value(draw, draw.choice(VALUES[:4])) for k in draw.some(("a", "b", "k"), 3)}
        case _:
            inner = kind.removeprefix("list of ")
            return [generate_value(draw, inner) for _ in range(draw.integer(0, 3))]


NOW: Final = temporal_build.datetime({"year": 2024, "month": 5, "day": 17, "hour": 9}, None)  # pyright: ignore[reportArgumentType]
"""The instant that generated temporal values are relative to."""

_MAKERS: Final = {
    Date: "date",
    LocalTime: "localtime",
    Time: "time",
    LocalDateTime: "localdatetime",
    DateTime: "datetime",
    Duration: "duration",
}


def text_of(value: Any) -> str:
    """A value as MemQL text that gives it back.

    >>> print(text_of({"a": [1, 2.0, None], "b c": "its"}))
    {`a`: [1, 2.0, null], `b c`: 'its'}
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if math.isnan(value):
                return "(0.0 / 0.0)"
            if math.isinf(value):
                return "(1.0 / 0.0)" if value > 0 else "(-1.0 / 0.0)"
            return format_float(value)
        case str():
            escaped = "".join(
                c if c.isprintable() and c not in "\\'" else f"\\{c}" if c in "\\'" else f"\\U{ord(c):08X}"
                for c in value
            )
            return f"'{escaped}'"
        case list():
            return f"[{', '.join(map(text_of, value))}]"
        case dict():
            return "{" + ", ".join(f"{name_text(k)}: {text_of(v)}" for k, v in value.items()) + "}"
        case Point():
            axes = zip("xyz", value.coordinates, strict=False)
            return "point({" + ", ".join(f"{a}: {text_of(c)}" for a, c in axes) + f", srid: {value.srid}" + "})"
        case _:
            return f"{_MAKERS[type(value)]}('{value}')"


def name_text(name: str) -> str:
    """A name between backticks, so that none is a keyword."""
    return "`" + name.replace("`", "``") + "`"
