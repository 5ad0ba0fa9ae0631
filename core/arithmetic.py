"""Arithmetic on values: 64-bit integers that never wrap silently, IEEE floats, lists, strings, temporal values."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import NoReturn

from .errors import ArithmeticOverflow, DivisionByZero, TypeMismatch
from .semantics import type_name
from .temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from .values import INTEGER_MAX, INTEGER_MIN, Value

_TEMPORALS = (Date, LocalTime, Time, LocalDateTime, DateTime)


def _wrong(operator: str, a: Value, b: Value) -> NoReturn:
    raise TypeMismatch(f"Cannot apply {operator} to {type_name(a)} and {type_name(b)}.")


def checked(value: int) -> int:
    """``value``, or ArithmeticOverflow beyond 64 bits."""
    if INTEGER_MIN <= value <= INTEGER_MAX:
        return value
    raise ArithmeticOverflow(f"The result {value} does not fit 64 bits.")


def add(a: Value, b: Value) -> Value:
    """``a + b``: numbers, strings, lists (with lists or elements), temporal values with durations."""
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is int and tb is int:
        return checked(a + b)
    if ta is list:
        return a + b if tb is list else [*a, b]
    if tb is list:
        return [a, *b]
    if (ta is int or ta is float) and (tb is int or tb is float):
        return a + b
    if ta is str:
        if tb is str:
            return a + b
        if tb is int or tb is float or tb is bool:
            from .coercion import to_string

            return a + str(to_string(b))
    if tb is str and (ta is int or ta is float or ta is bool):
        from .coercion import to_string

        return str(to_string(a)) + b
    if ta is Duration:
        if tb is Duration:
            return a.plus(b)
        if isinstance(b, _TEMPORALS):
            return b.plus(a)
    if tb is Duration and isinstance(a, _TEMPORALS):
        return a.plus(b)
    _wrong("+", a, b)


def subtract(a: Value, b: Value) -> Value:
    """``a - b``."""
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is int and tb is int:
        return checked(a - b)
    if (ta is int or ta is float) and (tb is int or tb is float):
        return a - b
    if tb is Duration:
        if ta is Duration or isinstance(a, _TEMPORALS):
            return a.plus(b.negated())
    _wrong("-", a, b)


def multiply(a: Value, b: Value) -> Value:
    """``a * b``: numbers, durations by numbers."""
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is int and tb is int:
        return checked(a * b)
    if (ta is int or ta is float) and (tb is int or tb is float):
        return a * b
    if ta is Duration and (tb is int or tb is float):
        return a.times(b)
    if tb is Duration and (ta is int or ta is float):
        return b.times(a)
    _wrong("*", a, b)


def divide(a: Value, b: Value) -> Value:
    """``a / b``: integers truncate towards zero; floats follow IEEE.

    >>> divide(-7, 2), divide(7.0, 2)
    (-3, 3.5)
    """
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is int and tb is int:
        if b == 0:
            raise DivisionByZero("Division by zero.")
        quotient = abs(a) // abs(b)
        return checked(quotient if (a < 0) == (b < 0) else -quotient)
    if (ta is int or ta is float) and (tb is int or tb is float):
        if b == 0:
            if a == 0 or a != a:
                return math.nan
            return math.copysign(math.inf, a) * math.copysign(1.0, b)
        return a / b
    if ta is Duration and (tb is int or tb is float):
        if b == 0:
            raise DivisionByZero("Division of a duration by zero.")
        return a.divided(b)
    _wrong("/", a, b)


def modulo(a: Value, b: Value) -> Value:
    """``a % b``, with the sign of ``a``.

    >>> modulo(-7, 3), modulo(7.5, 2)
    (-1, 1.5)
    """
    if a is None or b is None:
        return None
    ta, tb = type(a), type(b)
    if ta is int and tb is int:
        if b == 0:
            raise DivisionByZero("Modulo by zero.")
        rest = abs(a) % abs(b)
        return -rest if a < 0 else rest
    if (ta is int or ta is float) and (tb is int or tb is float):
        return math.nan if b == 0 or math.isinf(a) else math.fmod(a, b)
    _wrong("%", a, b)


def power(a: Value, b: Value) -> Value:
    """``a ^ b``, always a float."""
    if a is None or b is None:
        return None
    if type(a) in (int, float) and type(b) in (int, float):
        try:
            result = math.pow(a, b)
        except ValueError:
            return math.inf if a == 0 else math.nan
        except OverflowError:
            odd = float(b).is_integer() and int(b) % 2 == 1
            return -math.inf if a < 0 and odd else math.inf
        return result
    _wrong("^", a, b)


def negate(a: Value) -> Value:
    """``-a``."""
    if a is None:
        return None
    if type(a) is int:
        return checked(-a)
    if type(a) is float:
        return -a
    if type(a) is Duration:
        return a.negated()
    raise TypeMismatch(f"Cannot negate {type_name(a)}.")


def plus_sign(a: Value) -> Value:
    """``+a``."""
    if a is None or type(a) in (int, float):
        return a
    raise TypeMismatch(f"Cannot apply + to {type_name(a)}.")


def concatenate(a: Value, b: Value) -> Value:
    """``a || b``: two strings or two lists."""
    if a is None or b is None:
        return None
    if type(a) is type(b) and type(a) in (str, list):
        return a + b
    _wrong("||", a, b)
