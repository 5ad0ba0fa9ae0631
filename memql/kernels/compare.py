"""Comparison kernels over typed columns; None where the law must decide row by row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    StringColumn,
    TypedColumn,
)
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from . import temporal
from .per_string import Identity, Memo, per_string, remembered
from .strings import predicate, string_nulls

_NUMERIC = (Kind.INTEGER, Kind.FLOAT)
_EXACT_FLOAT = 1 << 53
_SCALAR: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

RANKS_SHARE = 1
"""Strings of a dictionary for each row, up to which they are sorted, once, to compare the rows by their places."""

TABLE_MIN, TABLE_SHARE = 1 << 16, 16
"""Bytes that a table of members may always have, and for each member."""


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


def _ordered(
    name: str, flipped: str, compare: Callable[[Any, Any], Any], kernel: Callable[[Column, Column], Column | None]
) -> Callable[..., Column | None]:
    """The kernel of an order: of numbers and times by ``kernel``, of strings by each distinct one or by ranks."""
    scalar: Callable[[str, str], bool] = _SCALAR[name]
    mirrored: Callable[[str, str], bool] = _SCALAR[flipped]
    right = predicate(name, lambda strings, bound: map(scalar, strings, repeat(bound)))
    left = predicate(flipped, lambda strings, bound: map(mirrored, strings, repeat(bound)))

    def ordered(a: Column, b: Column, memo: Memo | None = None) -> Column | None:
        if isinstance(b, ConstantColumn) and type(b.value) is str:
            return right(a, b, memo)
        if isinstance(a, ConstantColumn) and type(a.value) is str:
            return left(b, a, memo)
        if isinstance(a, StringColumn) and isinstance(b, StringColumn):
            if a.dictionary is not b.dictionary or not 0 < len(a.dictionary) <= RANKS_SHARE * len(a):
                return None
            ranks = a.dictionary.ranks()
            found = compare(ranks.take(a.codes, mode="clip"), ranks.take(b.codes, mode="clip"))
            return TypedColumn(Kind.BOOLEAN, found, _joined(string_nulls(a), string_nulls(b)))
        return kernel(a, b)

    return ordered


_numeric_equal = _numeric(np.equal, temporal.equal)
_equal_strings = predicate("=", lambda strings, other: map(operator.eq, strings, repeat(other)))


def equal(a: Column, b: Column) -> Column | None:
    """``=`` of numbers, dictionary strings, booleans, dates and times, elements."""
    if isinstance(a, ConstantColumn):
        a, b = b, a
    if isinstance(a, ListColumn):
        return _equal_strings(a, b)
    if isinstance(a, StringColumn):
        mask = string_nulls(a)
        if isinstance(b, ConstantColumn):
            if b.value is None:
                return None
            code = a.dictionary.code(b.value) if type(b.value) is str else -2
            return TypedColumn(Kind.BOOLEAN, a.codes == (code if code >= 0 else -2), mask)
        if isinstance(b, StringColumn) and b.dictionary is a.dictionary:
            return TypedColumn(Kind.BOOLEAN, a.codes == b.codes, _joined(mask, string_nulls(b)))
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


def in_constant(a: Column, b: Column, memo: Memo | None = None) -> Column | None:
    """``IN`` a constant list of integers, strings or temporal values without null."""
    if not isinstance(b, ConstantColumn) or type(b.value) is not list or not b.value:
        return None
    if isinstance(a, TemporalColumn):
        return temporal.in_values(a, b.value)
    items, key = b.value, Identity(b.value)
    kind = remembered(memo, ("IN", key), lambda: _only_type(items))
    if isinstance(a, StringColumn) and kind is str:
        wanted = remembered(memo, ("IN set", key), lambda: set(items))
        found = per_string(
            a,
            ("IN strings", key),
            lambda strings: np.fromiter(map(wanted.__contains__, strings), np.bool_, len(strings)),
            False,
            memo,
        )
        return TypedColumn(Kind.BOOLEAN, found, string_nulls(a))
    if isinstance(a, TypedColumn) and a.kind == Kind.INTEGER and kind is int:
        members = remembered(memo, ("IN integers", key), lambda: Members(distinct(np.array(items, np.int64))))
        return TypedColumn(Kind.BOOLEAN, members.contain(a.data), a.mask)
    return None


def _only_type(items: Sequence[Any]) -> type:
    """The type that all have; ``object`` where they differ."""
    kinds = set(map(type, items))
    return kinds.pop() if len(kinds) == 1 else object


class Members:
    """A set of integers to look many up in: a table where they lie close together, else sorted."""

    __slots__ = ("_low", "_sorted", "_table")

    def __init__(self, members: IntArray) -> None:
        self._sorted = members
        self._low = int(members[0])
        extent = int(members[-1]) - self._low + 1
        self._table: BoolArray | None = None
        if extent <= max(TABLE_MIN, TABLE_SHARE * len(members)):
            self._table = np.zeros(extent, np.bool_)
            self._table[members - self._low] = True

    def contain(self, values: IntArray) -> BoolArray:
        """Whether each of ``values`` is a member."""
        if self._table is None:
            places = np.minimum(np.searchsorted(self._sorted, values), len(self._sorted) - 1)
            return self._sorted.take(places) == values
        last = self._low + len(self._table) - 1
        inside = (values >= self._low) & (values <= last)
        return inside & self._table.take(np.clip(values, self._low, last) - self._low)


KERNELS: dict[str, Callable[..., Column | None]] = {
    "=": equal,
    "<>": not_equal,
    "<": _ordered("<", ">", np.less, _order_kernels["<"]),
    "<=": _ordered("<=", ">=", np.less_equal, _order_kernels["<="]),
    ">": _ordered(">", "<", np.greater, _order_kernels[">"]),
    ">=": _ordered(">=", "<=", np.greater_equal, _order_kernels[">="]),
    "NOT": negated,
    "IN": in_constant,
}

REMEMBERING = frozenset(("<", "<=", ">", ">=", "IN"))
"""Those that take, after their columns, the run's ``memo``."""
