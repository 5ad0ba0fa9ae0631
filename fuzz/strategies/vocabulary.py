"""The names that generated graphs and queries share."""

from __future__ import annotations

from typing import Final

from .values import Kind

LABELS: Final[tuple[str, ...]] = ("A", "B", "C")
TYPES: Final[tuple[str, ...]] = ("R", "S", "T")
KEYS: Final[dict[str, Kind]] = {
    "x": "int",
    "y": "int",
    "s": "str",
    "f": "float",
    "b": "bool",
    "l": "list of int",
    "d": "date",
    "w": "list of str",
}
"""Property keys with the kind of their values. Each may be missing; ``m`` (``MIXED_KEY``) holds anything."""

MIXED_KEY: Final = "m"
MIXED: Final[tuple[Kind, ...]] = (
    "int",
    "str",
    "float",
    "bool",
    "list of int",
    "list of float",
    "date",
    "datetime",
    "duration",
    "localtime",
    "point",
)
VECTOR_KEY: Final = "v"
"""Holds two floats, for searches by similarity."""

ID_KEY: Final = "id"
"""Holds a number that no other node has."""

PARAMETERS: Final[dict[str, Kind]] = {
    "p": "int",
    "q": "str",
    "list": "list of int",
    "flag": "bool",
    "map": "map",
    "near": "pair",
}
"""Parameters that queries may name, with the kinds of their values."""

FUNCTIONS: Final[dict[Kind, tuple[tuple[str, tuple[Kind, ...]], ...]]] = {
    "int": (
        ("size", ("list",)),
        ("size", ("str",)),
        ("abs", ("int",)),
        ("sign", ("num",)),
        ("char_length", ("str",)),
        ("character_length", ("str",)),
        ("toInteger", ("str",)),
        ("toInteger", ("float",)),
        ("toInteger", ("bool",)),
        ("toIntegerOrNull", ("scalar",)),
        ("ascii", ("str",)),
        ("length", ("path",)),
        ("head", ("list of int",)),
        ("last", ("list of int",)),
        ("timestamp", ()),
        ("vector_dimension_count", ("typed vector",)),
        ("nullIf", ("int", "int")),
        ("coalesce", ("int", "int")),
    ),
    "float": (
        ("toFloat", ("str",)),
        ("toFloat", ("int",)),
        ("toFloatOrNull", ("scalar",)),
        ("sqrt", ("num",)),
        ("exp", ("small",)),
        ("log", ("num",)),
        ("log10", ("num",)),
        ("ln", ("num",)),
        ("coth", ("num",)),
        ("sin", ("num",)),
        ("cos", ("num",)),
        ("tan", ("num",)),
        ("cot", ("num",)),
        ("asin", ("num",)),
        ("acos", ("num",)),
        ("atan", ("num",)),
        ("atan2", ("num", "num")),
        ("sinh", ("small",)),
        ("cosh", ("small",)),
        ("tanh", ("num",)),
        ("degrees", ("num",)),
        ("radians", ("num",)),
        ("haversin", ("num",)),
        ("pi", ()),
        ("e", ()),
        ("ceil", ("num",)),
        ("ceiling", ("num",)),
        ("floor", ("num",)),
        ("round", ("num",)),
        ("round", ("num", "natural")),
        ("round", ("num", "natural", "rounding")),
        ("vector.similarity.cosine", ("vector", "vector")),
        ("vector.similarity.euclidean", ("vector", "vector")),
        ("vector_norm", ("vector",)),
        ("vector_norm", ("typed vector", "norm")),
        ("vector_distance", ("vector", "typed vector")),
        ("vector_distance", ("vector", "vector", "metric")),
        ("point.distance", ("point", "point")),
        ("distance", ("point", "point")),
        ("head", ("list of float",)),
    ),
    "str": (
        ("toString", ("scalar",)),
        ("toStringOrNull", ("any",)),
        ("toUpper", ("str",)),
        ("toLower", ("str",)),
        ("upper", ("str",)),
        ("lower", ("str",)),
        ("trim", ("str",)),
        ("trim", ("str", "str")),
        ("btrim", ("str",)),
        ("ltrim", ("str",)),
        ("rtrim", ("str", "str")),
        ("left", ("str", "natural")),
        ("right", ("str", "natural")),
        ("substring", ("str", "natural")),
        ("substring", ("str", "natural", "natural")),
        ("replace", ("str", "str", "str")),
        ("reverse", ("str",)),
        ("normalize", ("str",)),
        ("valueType", ("scalar",)),
        ("type", ("rel",)),
        ("head", ("list of str",)),
        ("last", ("list of str",)),
    ),
    "bool": (
        ("isEmpty", ("str",)),
        ("isEmpty", ("list",)),
        ("isEmpty", ("map",)),
        ("isNaN", ("num",)),
        ("toBoolean", ("str",)),
        ("toBoolean", ("int",)),
        ("toBooleanOrNull", ("scalar",)),
        ("point.withinBBox", ("point", "point", "point")),
        ("exists", ("property",)),
    ),
    "list of int": (
        ("range", ("natural", "small")),
        ("range", ("small", "natural", "step")),
        ("tail", ("list of int",)),
        ("reverse", ("list of int",)),
        ("toIntegerList", ("list",)),
    ),
    "list of str": (
        ("split", ("str", "str")),
        ("split", ("str", "str")),
        ("tail", ("list of str",)),
        ("reverse", ("list of str",)),
        ("toStringList", ("list",)),
        ("toStringList", ("list of int",)),
    ),
    "list of float": (
        ("toFloatList", ("list",)),
        ("toFloatList", ("list of int",)),
        ("tail", ("list of float",)),
        ("reverse", ("list of float",)),
    ),
    "list of bool": (("toBooleanList", ("list",)),),
    "map": (("properties", ("node",)), ("properties", ("map",)), ("properties", ("rel",))),
    "node": (("startNode", ("rel",)), ("endNode", ("rel",)), ("head", ("list of node",)), ("last", ("list of node",))),
    "rel": (("head", ("list of rel",)), ("last", ("list of rel",))),
    "list of node": (("nodes", ("path",)), ("tail", ("list of node",))),
    "list of rel": (("relationships", ("path",)), ("rels", ("path",))),
    "date": (
        ("date", ("now",)),
        ("date", ("datetime",)),
        ("date.statement", ("now",)),
        ("date.transaction", ("now",)),
        ("date.realtime", ("now",)),
        ("date.truncate", ("date unit", "date")),
        ("date.truncate", ("date unit", "localdatetime")),
    ),
    "localtime": (
        ("localtime", ("now",)),
        ("localtime", ("datetime",)),
        ("localtime.statement", ("now",)),
        ("localtime.transaction", ("now",)),
        ("localtime.realtime", ("now",)),
        ("localtime.truncate", ("time unit", "localtime")),
    ),
    "time": (
        ("time", ("now",)),
        ("time", ("localdatetime",)),
        ("time.statement", ("now",)),
        ("time.transaction", ("now",)),
        ("time.realtime", ("now",)),
        ("time.truncate", ("time unit", "time")),
    ),
    "localdatetime": (
        ("localdatetime", ("now",)),
        ("localdatetime", ("date",)),
        ("localdatetime.statement", ("now",)),
        ("localdatetime.transaction", ("now",)),
        ("localdatetime.realtime", ("now",)),
        ("localdatetime.truncate", ("date unit", "localdatetime")),
    ),
    "datetime": (
        ("datetime", ("now",)),
        ("datetime", ("localdatetime",)),
        ("datetime.statement", ("now",)),
        ("datetime.transaction", ("now",)),
        ("datetime.realtime", ("now",)),
        ("datetime.truncate", ("date unit", "datetime")),
        ("datetime.fromepoch", ("natural", "natural")),
        ("datetime.fromepochmillis", ("natural",)),
    ),
    "duration": (
        ("duration.between", ("date", "date")),
        ("duration.between", ("localdatetime", "localdatetime")),
        ("duration.inMonths", ("date", "datetime")),
        ("duration.inDays", ("date", "date")),
        ("duration.inSeconds", ("localtime", "localtime")),
        ("duration.inSeconds", ("datetime", "datetime")),
    ),
    "point": (),
}
"""Calls by the kind that they give: (name, kinds of arguments)."""

WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "date unit": ("'day'", "'month'", "'year'", "'week'", "'quarter'", "'weekYear'", "'decade'", "'century'"),
    "time unit": ("'minute'", "'hour'", "'second'", "'day'", "'millisecond'"),
    "rounding": ("'HALF_UP'", "'UP'", "'DOWN'", "'CEILING'", "'FLOOR'", "'HALF_DOWN'", "'HALF_EVEN'"),
    "natural": ("0", "1", "2", "3", "size('ab')", "size([1, 2, 3])", "$p"),
    "small": ("1", "0", "2", "-1", "4", "-3", "$p"),
    "step": ("1", "2", "-1"),
    "now": ("",),
    "typed vector": ("vector([1, 2], 2, FLOAT32)", "vector([0.5, -0.5])", "vector('[3, 4]', 2, 'FLOAT32')"),
    "norm": ("EUCLIDEAN", "MANHATTAN"),
    "metric": ("EUCLIDEAN", "EUCLIDEAN_SQUARED", "MANHATTAN", "COSINE", "DOT", "HAMMING"),
    "vector": ("[1.0, 0.5]", "[0.5, -2]", "[3, 4]", "[0.0, 1.0]"),
}
"""Arguments that must be of a few words."""

COMPONENTS: Final[dict[Kind, tuple[str, ...]]] = {
    "date": ("year", "month", "day", "week", "quarter", "dayOfWeek", "ordinalDay", "weekYear"),
    "localtime": ("hour", "minute", "second", "millisecond", "nanosecond"),
    "time": ("hour", "minute", "offsetMinutes"),
    "localdatetime": ("year", "day", "hour", "microsecond"),
    "datetime": ("year", "minute", "epochSeconds", "epochMillis"),
    "duration": ("years", "months", "days", "seconds", "hours", "nanosecondsOfSecond", "minutesOfHour"),
}
"""Integer components of temporal values."""
