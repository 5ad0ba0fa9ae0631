"""Arithmetic kernels over typed numbers; None where the law must decide (overflow, zero divisors, other types)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memoradb.core.columns import BoolArray, Column, ConstantColumn, Kind, TypedColumn
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN


def _side(column: Column, length: int) -> tuple[Kind, Any, BoolArray | None] | None:
    if isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
        return column.kind, column.data, column.mask
    if isinstance(column, ConstantColumn):
        if type(column.value) is int:
            return Kind.INTEGER, column.value, None
        if type(column.value) is float:
            return Kind.FLOAT, column.value, None
    return None


def _bounds(data: Any) -> tuple[int, int]:
    if isinstance(data, int):
        return data, data
    return (int(data.min()), int(data.max())) if len(data) else (0, 0)


def _integer_result_fits(name: str, x: Any, y: Any) -> bool:
    """Whether no row can overflow, by the operands' extremes: cheaper than a check on every row."""
    (a, b), (c, d) = _bounds(x), _bounds(y)
    if name == "+":
        low, high = a + c, b + d
    elif name == "-":
        low, high = a - d, b - c
    else:
        products = (a * c, a * d, b * c, b * d)
        low, high = min(products), max(products)
    return low >= INTEGER_MIN and high <= INTEGER_MAX


_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {"+": np.add, "-": np.subtract, "*": np.multiply}
ARITHMETIC = tuple(_COMPUTE)
"""The operators that have a kernel here."""


def arithmetic_kernel(name: str) -> Callable[[Column, Column], Column | None] | None:
    """The kernel of ``+``, ``-`` or ``*``; None for other operators."""
    compute = _COMPUTE.get(name)
    if compute is None:
        return None

    def kernel(a: Column, b: Column) -> Column | None:
        if isinstance(a, ConstantColumn) and isinstance(b, ConstantColumn):
            return None
        length = len(a)
        x, y = _side(a, length), _side(b, length)
        if x is None or y is None:
            return None
        mask = x[2] if y[2] is None else y[2] if x[2] is None else x[2] | y[2]
        if x[0] == Kind.INTEGER and y[0] == Kind.INTEGER:
            if not _integer_result_fits(name, x[1], y[1]):
                return None
            return TypedColumn(Kind.INTEGER, compute(x[1], y[1]), mask)
        with np.errstate(all="ignore"):  # IEEE: infinities and NaN are values
            return TypedColumn(Kind.FLOAT, compute(x[1], y[1]).astype(np.float64), mask)

    return kernel
