"""The law: what equality, order, logic and arithmetic mean for single values.

openCypher has four relations over values (CIP2016-06-14), and mixing them up is the classic mistake:

* *equality* (``=``) is three-valued: null if either side is null, false across types, ``1 = 1.0``, NaN equals nothing;
* *comparability* (``<``) is null across types and false for NaN;
* *orderability* (ORDER BY, min, max) is a total order over everything;
* *equivalence* (DISTINCT, grouping) is equality with null the same as null and NaN the same as NaN.

Kernels over arrays are proven equal to these functions by property tests. Arithmetic is in ``core.arithmetic``,
conversion in ``core.coercion``; both are re-exported here.
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from .errors import ArgumentError, TypeMismatch
from .spatial import Point
from .temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from .values import NodeRef, PathRef, RelationshipRef, Value
from .vectors import Vector

Truth = bool | None

_NUMBERS: Final = frozenset((int, float))
_TEMPORALS: Final = (Date, LocalTime, Time, LocalDateTime, DateTime)

TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "NULL",
    bool: "BOOLEAN",
    int: "INTEGER",
    float: "FLOAT",
    str: "STRING",
    bytes: "BYTES",
    list: "LIST",
    dict: "MAP",
    NodeRef: "NODE",
    RelationshipRef: "RELATIONSHIP",
    PathRef: "PATH",
    Date: "DATE",
    LocalTime: "LOCAL TIME",
    Time: "ZONED TIME",
    LocalDateTime: "LOCAL DATETIME",
    DateTime: "ZONED DATETIME",
    Duration: "DURATION",
    Point: "POINT",
    Vector: "VECTOR",
}


def type_name(value: Value) -> str:
    """The MemQL type of a value, in capitals."""
    return TYPE_NAMES.get(type(value), type(value).__name__.upper())


# --- logic -------------------------------------------------------------------


def truth(value: Value, what: str = "a predicate") -> Truth:
    """``value`` as a truth value; TypeMismatch where it is none."""
    if value is None or value is True or value is False:
        return value
    raise TypeMismatch(f"{what.capitalize()} must be true, false or null, not {type_name(value)}.")


def not_(a: Value) -> Truth:
    """Three-valued NOT."""
    value = truth(a, "NOT's operand")
    return None if value is None else not value


def and_(a: Value, b: Value) -> Truth:
    """Three-valued AND of two evaluated operands."""
    x, y = truth(a, "AND's operand"), truth(b, "AND's operand")
    if x is False or y is False:
        return False
    return None if x is None or y is None else True


def or_(a: Value, b: Value) -> Truth:
    """Three-valued OR of two evaluated operands."""
    x, y = truth(a, "OR's operand"), truth(b, "OR's operand")
    if x is True or y is True:
        return True
    return None if x is None or y is None else False


def xor_(a: Value, b: Value) -> Truth:
    """Three-valued exclusive or."""
    x, y = truth(a, "XOR's operand"), truth(b, "XOR's operand")
    return None if x is None or y is None else x is not y


# --- equality ----------------------------------------------------------------


def equals(a: Value, b: Value) -> Truth:
    """``a = b``.

    >>> equals(1, 1.0), equals([1, None], [1, 2]), equals([1], [1, None]), equals("1", 1)
    (True, None, False, False)
    """
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is not tb:
        if ta in _NUMBERS and tb in _NUMBERS:
            return a == b
        return False
    if ta is list:
        return _lists_equal(a, b)
    if ta is dict:
        return _maps_equal(a, b)
    return bool(a == b)


def _lists_equal(a: list[Value], b: list[Value]) -> Truth:
    if len(a) != len(b):
        return False
    unknown = False
    for x, y in zip(a, b, strict=True):
        same = equals(x, y)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def _maps_equal(a: dict[str, Value], b: dict[str, Value]) -> Truth:
    if a.keys() != b.keys():
        return False
    unknown = False
    for key, x in a.items():
        same = equals(x, b[key])
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def not_equals(a: Value, b: Value) -> Truth:
    """``a <> b``."""
    same = equals(a, b)
    return None if same is None else not same


def in_list(a: Value, items: Value) -> Truth:
    """``a IN items``.

    >>> in_list(3, [1, None]), in_list(None, []), in_list(1, [None, 1])
    (None, False, True)
    """
    if items is None:
        return None
    if type(items) is not list:
        raise TypeMismatch(f"IN takes a list on its right, not {type_name(items)}.")
    unknown = False
    for item in items:
        same = equals(a, item)
        if same:
            return True
        unknown = unknown or same is None
    return None if unknown else False


# --- comparability -----------------------------------------------------------


def compare(a: Value, b: Value) -> int | None:
    """-1, 0 or 1 where the two are comparable, None where not (null, NaN, different types)."""
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta in _NUMBERS and tb in _NUMBERS:
        return -1 if a < b else 1 if a > b else 0 if a == b else None
    if ta is not tb:
        return None
    if ta is str or ta is bool or ta is bytes:
        return (a > b) - (a < b)
    if ta is list:
        for x, y in zip(a, b, strict=False):
            order = compare(x, y)
            if order != 0:
                return order
        return (len(a) > len(b)) - (len(a) < len(b))
    if isinstance(a, _TEMPORALS):
        x, y = a.sort_key(), b.sort_key()
        return (x > y) - (x < y)
    if ta is Point and a.srid == b.srid:
        pairs = list(zip(a.coordinates, b.coordinates, strict=True))
        if all(x == y for x, y in pairs):
            return 0
        if all(x <= y for x, y in pairs):
            return -1
        return 1 if all(x >= y for x, y in pairs) else None
    return None


def _is_nan(value: Value) -> bool:
    return type(value) is float and value != value


def _ordering(test: Callable[[int], bool]) -> Callable[[Value, Value], Truth]:
    def ordered(a: Value, b: Value) -> Truth:
        order = compare(a, b)
        if order is None:
            numeric = type(a) in _NUMBERS and type(b) in _NUMBERS
            return False if numeric and (_is_nan(a) or _is_nan(b)) else None
        return test(order)

    return ordered


less = _ordering(lambda order: order < 0)
less_equal = _ordering(lambda order: order <= 0)
greater = _ordering(lambda order: order > 0)
greater_equal = _ordering(lambda order: order >= 0)

# --- orderability ------------------------------------------------------------

_RANKS: Final[dict[type, int]] = {
    dict: 0,
    NodeRef: 1,
    RelationshipRef: 2,
    list: 3,
    PathRef: 4,
    DateTime: 5,
    LocalDateTime: 6,
    Date: 7,
    Time: 8,
    LocalTime: 9,
    Duration: 10,
    Point: 11,
    Vector: 12,
    bytes: 13,
    str: 14,
    bool: 15,
    int: 16,
    float: 16,
}
_NAN_RANK: Final = 17
_NULL_RANK: Final = 18


def order_key(value: Value) -> tuple[Any, ...]:
    """A key that sorts any values together: ascending orderability.

    map < node < relationship < list < path < temporal < duration < point < string < boolean < number < NaN < null.

    >>> sorted([None, 1, "a", [1], True, 0.5], key=order_key)
    [[1], 'a', True, 0.5, 1, None]
    """
    kind = type(value)
    if kind is int or kind is str or kind is bool:
        return (_RANKS[kind], value)
    if value is None:
        return (_NULL_RANK,)
    if kind is float:
        return (_NAN_RANK,) if value != value else (16, value)
    rank = _RANKS[kind]
    if kind is list:
        # A shorter list is before a longer one that it begins: an end marker below every key's rank.
        return (rank, *[order_key(v) for v in value], (-1,))
    if kind is dict:
        return (rank, *[(k, order_key(value[k])) for k in sorted(value)])
    if kind is NodeRef or kind is RelationshipRef:
        return (rank, value.slot)
    if kind is PathRef:
        return (rank, value.nodes, value.relationships)
    if kind is Point:
        return (rank, value.srid, value.coordinates)
    if kind is Vector:
        return (rank, len(value.elements), value.elements)
    if kind is bytes:
        return (rank, value)
    return (rank, value.sort_key())


def compare_order(a: Value, b: Value) -> int:
    """-1, 0 or 1 by orderability."""
    x, y = order_key(a), order_key(b)
    return (x > y) - (x < y)


# --- equivalence -------------------------------------------------------------


def equivalence_key(value: Value) -> Any:
    """A hashable key: equal for two values exactly when they are equivalent.

    >>> equivalence_key(1) == equivalence_key(1.0), equivalence_key(True) == equivalence_key(1)
    (True, False)
    """
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is float:
        return ("NaN",) if value != value else value
    if kind is bool:
        return ("bool", value)
    if kind is list:
        return ("list", *[equivalence_key(v) for v in value])
    if kind is dict:
        return ("map", *[(k, equivalence_key(value[k])) for k in sorted(value)])
    return value


# --- access ------------------------------------------------------------------


def property_of(subject: Value, key: str) -> Value:
    """``subject.key`` of a map, temporal value, duration or point."""
    if subject is None:
        return None
    if type(subject) is dict:
        return subject.get(key)
    if isinstance(subject, (*_TEMPORALS, Duration, Point)):
        return subject.component(key)
    raise TypeMismatch(f"{type_name(subject)} has no properties: cannot read `{key}`.")


def index(subject: Value, position: Value) -> Value:
    """``subject[position]`` of a list or map.

    >>> index([1, 2, 3], -1), index([1], 5), index({"a": 1}, "a")
    (3, None, 1)
    """
    if subject is None or position is None:
        return None
    if type(subject) is list:
        if type(position) is not int:
            raise TypeMismatch(f"A list is indexed by an integer, not {type_name(position)}.")
        return subject[position] if -len(subject) <= position < len(subject) else None
    if type(subject) is dict:
        if type(position) is not str:
            raise TypeMismatch(
                f"A map is indexed by a string, not {type_name(position)}.", detail="MapElementAccessByNonString"
            )
        return subject.get(position)
    raise TypeMismatch(f"{type_name(subject)} cannot be indexed.")


def slice_list(subject: Value, low: Value, high: Value, has_low: bool = True, has_high: bool = True) -> Value:
    """``subject[low..high]``; a missing bound is open, a null one gives null."""
    if subject is None or (has_low and low is None) or (has_high and high is None):
        return None
    if type(subject) is not list:
        raise TypeMismatch(f"{type_name(subject)} cannot be sliced.")
    for bound, present in ((low, has_low), (high, has_high)):
        if present and type(bound) is not int:
            raise TypeMismatch(f"A list is sliced by integers, not {type_name(bound)}.")
    return subject[low if has_low else None : high if has_high else None]


# --- strings -----------------------------------------------------------------


def starts_with(a: Value, b: Value) -> Truth:
    """``a STARTS WITH b``; null unless both are strings."""
    return a.startswith(b) if type(a) is str and type(b) is str else None


def ends_with(a: Value, b: Value) -> Truth:
    """``a ENDS WITH b``."""
    return a.endswith(b) if type(a) is str and type(b) is str else None


def contains(a: Value, b: Value) -> Truth:
    """``a CONTAINS b``."""
    return b in a if type(a) is str and type(b) is str else None


@lru_cache(maxsize=256)
def compile_regex(pattern: str) -> re.Pattern[str]:
    """A regular expression, compiled once; ArgumentError where it is none."""
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ArgumentError(f"Invalid regular expression {pattern!r}: {error}.") from None


def matches(a: Value, pattern: Value) -> Truth:
    """``a =~ pattern``: the whole string matches."""
    if a is None or pattern is None:
        return None
    if type(pattern) is not str:
        raise TypeMismatch(f"A regular expression is a string, not {type_name(pattern)}.")
    return compile_regex(pattern).fullmatch(a) is not None if type(a) is str else None


# --- storable values ---------------------------------------------------------

_SCALARS: Final = frozenset(
    (bool, int, float, str, bytes, Date, LocalTime, Time, LocalDateTime, DateTime, Duration, Point, Vector)
)


def check_storable(value: Value) -> None:
    """TypeMismatch unless ``value`` may be a property: a scalar, or a list of scalars of one type."""
    kind = type(value)
    if kind in _SCALARS or value is None:
        return
    if kind is list:
        kinds = set(map(type, value))
        if kinds <= _SCALARS and (len(kinds) <= 1 or kinds <= _NUMBERS):
            return
        what = "a list of mixed types or with nulls, lists or maps inside"
    else:
        what = type_name(value)
    raise TypeMismatch(f"A property cannot hold {what}.", detail="InvalidPropertyType")


def finite(value: float) -> bool:
    """Whether a float is neither NaN nor infinite."""
    return math.isfinite(value)
