"""Conversions between types: toInteger, toFloat, toString, toBoolean."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import re
from typing import Final

from .errors import TypeMismatch
from .semantics import type_name
from .spatial import Point
from .temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from .values import INTEGER_MAX, INTEGER_MIN, Value

_INTEGER: Final = re.compile(r"[+-]?\d+")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _refuse(function: str, value: Value) -> TypeMismatch:
    return TypeMismatch(f"{function}() cannot convert {type_name(value)}.", detail="InvalidArgumentValue")


def to_integer(value: Value) -> Value:
    """``toInteger(value)``: null where a string is no number.

    >>> to_integer("12"), to_integer("1.9"), to_integer(-1.9), to_integer("x")
    (12, 1, -1, None)
    """
    if value is None or type(value) is int:
        return value
    if type(value) is bool:
        return int(value)
    if type(value) is float:
        if not math.isfinite(value):
            return None
        return min(max(int(value), INTEGER_MIN), INTEGER_MAX)
    if type(value) is str:
        text = value.strip()
        if _INTEGER.fullmatch(text):
            # More than 19 digits never fit; Python would take a second over a million of them.
            if len(text.lstrip("+-").lstrip("0")) > 19:
                return None
            number = int(text)
            return number if INTEGER_MIN <= number <= INTEGER_MAX else None
        if _NUMBER.fullmatch(text):
            number = float(text)
            return int(number) if INTEGER_MIN <= number <= INTEGER_MAX else None
        return None
    raise _refuse("toInteger", value)


def to_float(value: Value) -> Value:
    """``toFloat(value)``: null where a string is no number."""
    if value is None or type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if type(value) is str:
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return float(text)
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(text)
    raise _refuse("toFloat", value)


def format_float(value: float) -> str:
    """A float as openCypher writes it: always with a point or an exponent.

    >>> format_float(1.0), format_float(1e21), format_float(float("nan"))
    ('1.0', '1.0E21', 'NaN')
    """
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        if "." not in mantissa:
            mantissa += ".0"
        return f"{mantissa}E{int(exponent)}"
    return text


def to_string(value: Value) -> Value:
    """``toString(value)``."""
    kind = type(value)
    if value is None or kind is str:
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return format_float(value)
    if isinstance(value, (Date, LocalTime, Time, LocalDateTime, DateTime, Duration, Point)):
        return str(value)
    raise _refuse("toString", value)


def to_boolean(value: Value) -> Value:
    """``toBoolean(value)``: strings ``true`` and ``false`` in any case, integers by being 0 or not."""
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        return {"true": True, "false": False}.get(value.strip().lower())
    if type(value) is int:
        return value != 0
    raise _refuse("toBoolean", value)
