"""Numbers: rounding, logarithms, trigonometry, chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from typing import Any, Final

from memoradb.core.arithmetic import checked
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.rng import uuid4
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import function

_N, _F = Type.NUMBER, Type.FLOAT


def number(value: Value, name: str) -> float:
    """``value`` as it is; TypeMismatch unless it is a number."""
    if type(value) is int or type(value) is float:
        return value
    raise TypeMismatch(f"{name}() takes a number, not {type_name(value)}.")


@function("abs", (_N,), _N)
def _abs(x: Value) -> Value:
    """The absolute value."""
    n = number(x, "abs")
    return checked(abs(n)) if isinstance(n, int) else abs(n)


@function("sign", (_N,), Type.INTEGER)
def _sign(x: Value) -> Value:
    """-1, 0 or 1."""
    n = number(x, "sign")
    return (n > 0) - (n < 0)


def _whole(rounding: Callable[[float], int], name: str) -> Callable[[Value], Value]:
    def rounded(x: Value) -> Value:
        n = float(number(x, name))
        return float(rounding(n)) if math.isfinite(n) else n

    return rounded


_ceil = _whole(math.ceil, "ceil")
_ceil.__doc__ = "The smallest whole number that is not less, as a float."
function("ceil", (_N,), _F, aliases=("ceiling",))(_ceil)
_floor = _whole(math.floor, "floor")
_floor.__doc__ = "The largest whole number that is not greater, as a float."
function("floor", (_N,), _F)(_floor)

_ROUNDING: Final = Context(prec=700)
"""Digits for the largest float (309 before the point) and the most decimals that ``round`` takes."""

_MODES: Final = {
    "UP": ROUND_UP,
    "DOWN": ROUND_DOWN,
    "CEILING": ROUND_CEILING,
    "FLOOR": ROUND_FLOOR,
    "HALF_UP": ROUND_HALF_UP,
    "HALF_DOWN": ROUND_HALF_DOWN,
    "HALF_EVEN": ROUND_HALF_EVEN,
}


@function("round", (_N, Type.INTEGER, Type.STRING), _F, required=1)
def _round(x: Value, precision: Value = None, mode: Value = None) -> Value:
    """The nearest number with so many decimals; halves go up, or as the mode says."""
    n = float(number(x, "round"))
    if not math.isfinite(n):
        return n
    if precision is None:
        return float(math.floor(n + 0.5))
    if type(precision) is not int or not 0 <= precision <= 300:
        raise ArgumentError("round() takes a precision of 0 or more.")
    chosen = "HALF_UP" if mode is None else mode
    if chosen not in _MODES:
        raise ArgumentError(f"round() knows no mode {chosen!r}; it knows {', '.join(_MODES)}.")
    exact = Decimal(repr(n))
    return float(exact.quantize(Decimal(1).scaleb(-precision), _MODES[chosen], _ROUNDING))


@function("isNaN", (_N,), Type.BOOLEAN)
def _isnan(x: Value) -> Value:
    """Whether the number is NaN."""
    return math.isnan(number(x, "isNaN"))


def _real(name: str, compute: Callable[[float], float], description: str, aliases: tuple[str, ...] = ()) -> None:
    def evaluate(x: Value) -> Value:
        n = float(number(x, name))
        try:
            return compute(n)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    evaluate.__doc__ = description
    function(name, (_N,), _F, aliases=aliases)(evaluate)


def _logarithm(base: Callable[[float], float]) -> Callable[[float], float]:
    return lambda n: -math.inf if n == 0 else base(n)


for _name, _compute, _text in (
    ("sqrt", math.sqrt, "The square root."),
    ("exp", math.exp, "e to the power of the number."),
    ("log", _logarithm(math.log), "The natural logarithm."),
    ("log10", _logarithm(math.log10), "The logarithm to base 10."),
    ("sin", math.sin, "The sine of an angle in radians."),
    ("cos", math.cos, "The cosine of an angle in radians."),
    ("tan", math.tan, "The tangent of an angle in radians."),
    ("cot", lambda n: math.inf if n == 0 else 1.0 / math.tan(n), "The cotangent of an angle in radians."),
    ("coth", lambda n: math.nan if n == 0 else 1.0 / math.tanh(n), "The hyperbolic cotangent."),
    ("asin", math.asin, "The arc sine in radians."),
    ("acos", math.acos, "The arc cosine in radians."),
    ("atan", math.atan, "The arc tangent in radians."),
    ("sinh", math.sinh, "The hyperbolic sine."),
    ("cosh", math.cosh, "The hyperbolic cosine."),
    ("tanh", math.tanh, "The hyperbolic tangent."),
    ("degrees", math.degrees, "Radians as degrees."),
    ("radians", math.radians, "Degrees as radians."),
    ("haversin", lambda n: (1.0 - math.cos(n)) / 2.0, "Half the versine of an angle in radians."),
):
    _real(_name, _compute, _text, ("ln",) if _name == "log" else ())


@function("atan2", (_N, _N), _F)
def _atan2(y: Value, x: Value) -> Value:
    """The angle of a point (x, y), given y first."""
    return math.atan2(number(y, "atan2"), number(x, "atan2"))


@function("pi", (), _F)
def _pi() -> Value:
    """The ratio of a circle's circumference to its diameter."""
    return math.pi


@function("e", (), _F)
def _e() -> Value:
    """The base of natural logarithms."""
    return math.e


@function("rand", (), _F, needs_context=True, volatile=True)
def _rand(context: Any) -> Value:
    """A random number in [0, 1)."""
    return context.random.random()


@function("randomUUID", (), Type.STRING, needs_context=True, volatile=True)
def _random_uuid(context: Any) -> Value:
    """A random UUID."""
    return uuid4(context.random)
