"""Kernels over columns of dates and times; None where the law must decide: other kinds, and null constants.

Equality, order and grouping read a column's arrays, which stand in the order of the law: ``core.temporal_columns``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from memoradb.core.columns import BoolArray, Column, ConstantColumn, Kind, TypedColumn, concat, lift
from memoradb.core.temporal_columns import KINDS, TemporalColumn, comparable_arrays

from .grouping import column_codes

_STRICT: dict[str, Callable[[Any, Any], Any]] = {"<": np.less, "<=": np.less, ">": np.greater, ">=": np.greater}
_LAST: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _operands(a: Column, b: Column) -> tuple[TemporalColumn, TemporalColumn] | None:
    """Two sides of one kind, a constant as one row that stands for all; None where they are no such thing."""
    if isinstance(a, TemporalColumn):
        right = _side(b)
        return (a, right) if right is not None and right.kind == a.kind else None
    left = _side(a)
    return (left, b) if left is not None and isinstance(b, TemporalColumn) and left.kind == b.kind else None


def _side(column: Column) -> TemporalColumn | None:
    if isinstance(column, ConstantColumn) and type(column.value) in KINDS:
        column = lift([column.value])
    return column if isinstance(column, TemporalColumn) else None


def _mask(a: TemporalColumn, b: TemporalColumn) -> BoolArray | None:
    return b.mask if a.mask is None else a.mask if b.mask is None else a.mask | b.mask


def equal(a: Column, b: Column) -> Column | None:
    """``=``: the same moment, by the same clock."""
    sides = _operands(a, b)
    if sides is None:
        return None
    one, other = comparable_arrays(*sides)
    same = one[0] == other[0]
    for x, y in zip(one[1:], other[1:], strict=True):
        same &= x == y
    return TypedColumn(Kind.BOOLEAN, same, _mask(*sides))


def ordered(operator: str) -> Callable[[Column, Column], Column | None]:
    """The kernel of ``<``, ``<=``, ``>`` or ``>=``: array by array, the first that differs decides."""
    strict, last = _STRICT[operator], _LAST[operator]

    def kernel(a: Column, b: Column) -> Column | None:
        sides = _operands(a, b)
        if sides is None:
            return None
        one, other = comparable_arrays(*sides)
        verdict = last(one[-1], other[-1])
        for x, y in zip(reversed(one[:-1]), reversed(other[:-1]), strict=True):
            verdict = strict(x, y) | ((x == y) & verdict)
        return TypedColumn(Kind.BOOLEAN, verdict, _mask(*sides))

    return kernel


def in_values(a: TemporalColumn, values: Sequence[Any]) -> Column | None:
    """``IN`` a list of values of the column's kind."""
    wanted = lift(list(values))
    if not isinstance(wanted, TemporalColumn) or wanted.kind != a.kind or wanted.mask is not None:
        return None
    codes = column_codes(concat([a, wanted]))
    return TypedColumn(Kind.BOOLEAN, np.isin(codes[: len(a)], codes[len(a) :]), a.mask)


def extreme_position(column: TemporalColumn, largest: bool) -> int:
    """Where the largest or smallest value first stands, in a column without nulls that is not empty."""
    positions = np.arange(len(column))
    for array in column.order_arrays():
        part = array.take(positions)
        positions = positions.compress(part == (part.max() if largest else part.min()))
    return int(positions[0])
