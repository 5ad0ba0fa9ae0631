"""Comparison kernels over typed columns; None where the law must decide row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import BoolArray, Column, ConstantColumn, Kind, StringColumn, TypedColumn
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from . import temporal

_NUMERIC = (Kind.INTEGER, Kind.FLOAT)
_EXACT_FLOAT = 1 << 53


def _joined(a: BoolArray | None, b: BoolArray | None) -> BoolArray | None:
    return b if a is None else a if b is None else a | b


def _operand(column: Column, other: Column) -> tuple[Any, BoolArray | None] | None:
    """A numeric side as array or scalar with its mask; None where it is no such thing."""
    if isinstance(column, TypedColumn):
        return (column.data, column.mask) if column.kind in _NUMERIC else None
    if isinstance(column, ConstantColumn) and isinstance(other, TypedColumn):
        value = column.value
        if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
            return value, None
        return (value, None) if type(value) is float else None
    return None


def _mixed_is_exact(a: Column, b: Column) -> bool:
    """Comparing integers with floats goes through float64, which is exact only for small integers."""
    kinds = set()
    for column in (a, b):
        if isinstance(column, TypedColumn):
            kinds.add(column.kind)
        elif isinstance(column, ConstantColumn):
            kinds.add(Kind.INTEGER if type(column.value) is int else Kind.FLOAT)
    if len(kinds) == 1:
        return True
    for column in (a, b):
        if isinstance(column, TypedColumn) and column.kind == Kind.INTEGER and len(column):
            if max(abs(int(column.data.min())), abs(int(column.data.max()))) > _EXACT_FLOAT:
                return False
        if isinstance(column, ConstantColumn) and type(column.value) is int and abs(column.value) > _EXACT_FLOAT:
            return False
    return True


def _numeric(
    compute: Callable[[Any, Any], Any], of_temporals: Callable[[Column, Column], Column | None]
) -> Callable[[Column, Column], Column | None]:
    def kernel(a: Column, b: Column) -> Column | None:
        if isinstance(a, TemporalColumn) or isinstance(b, TemporalColumn):
            return of_temporals(a, b)
        x, y = _operand(a, b), _operand(b, a)
        if x is None or y is None or not _mixed_is_exact(a, b):
            return None
        return TypedColumn(Kind.BOOLEAN, compute(x[0], y[0]), _joined(x[1], y[1]))

    return kernel


_order_kernels = {
    "<": _numeric(np.less, temporal.ordered("<")),
    "<=": _numeric(np.less_equal, temporal.ordered("<=")),
    ">": _numeric(np.greater, temporal.ordered(">")),
    ">=": _numeric(np.greater_equal, temporal.ordered(">=")),
}


def _by_string(
    order: Callable[[str, str], bool], kernel: Callable[[Column, Column], Column | None]
) -> Callable[[Column, Column], Column | None]:
    """Ordering of dictionary strings against a constant: once for each distinct string."""

    def compare(a: Column, b: Column) -> Column | None:
        if isinstance(a, StringColumn) and isinstance(b, ConstantColumn) and type(b.value) is str:
            bound = b.value
            return per_string(a, lambda s: order(s, bound))
        if isinstance(b, StringColumn) and isinstance(a, ConstantColumn) and type(a.value) is str:
            bound = a.value
            return per_string(b, lambda s: order(bound, s))
        return kernel(a, b)

    return compare


def per_string(column: StringColumn, test: Callable[[str], bool]) -> TypedColumn:
    """A predicate of each distinct string that the column shows, spread over its rows."""
    codes = column.codes
    shown = distinct(codes)
    verdicts = np.zeros(len(column.dictionary) + 1, np.bool_)
    string = column.dictionary.string
    for code in shown.tolist():
        if code >= 0:
            verdicts[code] = test(string(code))
    null = codes < 0
    return TypedColumn(Kind.BOOLEAN, verdicts.take(codes, mode="wrap") & ~null, null if null.any() else None)


_numeric_equal = _numeric(np.equal, temporal.equal)


def equal(a: Column, b: Column) -> Column | None:
    """``=`` of numbers, dictionary strings, booleans, dates and times, elements."""
    if isinstance(b, StringColumn) and isinstance(a, ConstantColumn):
        a, b = b, a
    if isinstance(a, StringColumn):
        null = a.codes < 0
        mask = null if null.any() else None
        if isinstance(b, ConstantColumn):
            if b.value is None:
                return None
            code = a.dictionary.code(b.value) if type(b.value) is str else -2
            return TypedColumn(Kind.BOOLEAN, a.codes == (code if code >= 0 else -2), mask)
        if isinstance(b, StringColumn) and b.dictionary is a.dictionary:
            other = b.codes < 0
            return TypedColumn(Kind.BOOLEAN, a.codes == b.codes, _joined(mask, other if other.any() else None))
        return None
    if isinstance(a, TypedColumn) and isinstance(b, TypedColumn) and a.kind == b.kind and a.kind not in _NUMERIC:
        return TypedColumn(Kind.BOOLEAN, a.data == b.data, _joined(a.mask, b.mask))
    return _numeric_equal(a, b)


def not_equal(a: Column, b: Column) -> Column | None:
    """``<>``."""
    same = equal(a, b)
    return TypedColumn(Kind.BOOLEAN, ~same.data, same.mask) if isinstance(same, TypedColumn) else None


def negated(a: Column) -> Column | None:
    """``NOT``."""
    if isinstance(a, TypedColumn) and a.kind == Kind.BOOLEAN:
        return TypedColumn(Kind.BOOLEAN, ~a.data, a.mask)
    return None


def in_constant(a: Column, b: Column) -> Column | None:
    """``IN`` a constant list of integers, strings or temporal values without null."""
    if not isinstance(b, ConstantColumn) or type(b.value) is not list or not b.value:
        return None
    kinds = set(map(type, b.value))
    if isinstance(a, StringColumn) and kinds == {str}:
        wanted = set(b.value)
        return per_string(a, wanted.__contains__)
    if isinstance(a, TemporalColumn):
        return temporal.in_values(a, b.value)
    if isinstance(a, TypedColumn) and a.kind == Kind.INTEGER and kinds == {int}:
        return TypedColumn(Kind.BOOLEAN, np.isin(a.data, np.array(b.value, np.int64)), a.mask)
    return None


KERNELS: dict[str, Callable[..., Column | None]] = {
    "=": equal,
    "<>": not_equal,
    "<": _by_string(lambda x, y: x < y, _order_kernels["<"]),
    "<=": _by_string(lambda x, y: x <= y, _order_kernels["<="]),
    ">": _by_string(lambda x, y: x > y, _order_kernels[">"]),
    ">=": _by_string(lambda x, y: x >= y, _order_kernels[">="]),
    "NOT": negated,
    "IN": in_constant,
}
