"""What a composite index holds of many elements at once: rows of numbers and strings in order, beside their slots.

One array for each key, sorted by the first key, then by the second and so on: whatever is equal in the first keys is
one stretch, in which the next key ascends. Strings stand as their places in the order of all strings of their column,
so that ranges and prefixes of them are stretches as well. Like any run it is made by one sort and never changes.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import BoolArray, Column, Dictionary, IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.values import Value

from .condition import Keys

Stretch: TypeAlias = tuple[int, int]


class _Numbers:
    """A key of numbers."""

    def __init__(self, keys: NDArray[Any]) -> None:
        self.keys = keys

    def number(self, value: Value) -> Any:
        """How a value stands among the keys; None where it cannot."""
        return value if (type(value) is int or type(value) is float) and value == value else None

    def between(self, condition: Keys, within: Stretch) -> Stretch:
        """The part of a stretch in which the key is as the end of a condition says."""
        start, stop = within
        view = self.keys.data
        for bound in (condition.low, condition.high):
            if condition.prefix is not None or (bound is not None and self.number(bound.value) is None):
                return start, start
        low, high = condition.low, condition.high
        if low is not None:
            start = (bisect.bisect_left if low.inclusive else bisect.bisect_right)(view, low.value, start, stop)
        if high is not None:
            stop = (bisect.bisect_right if high.inclusive else bisect.bisect_left)(view, high.value, start, stop)
        return start, stop

    def values(self, keys: NDArray[Any]) -> list[Any]:
        """The values of keys."""
        return keys.tolist()


class _Strings(_Numbers):
    """A key of strings: their places in the order of ``codes``."""

    def __init__(self, codes: NDArray[np.int32], dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        used = np.zeros(len(dictionary), np.bool_)
        used[codes] = True
        strings = [(dictionary.string(code), code) for code in np.flatnonzero(used).tolist()]
        strings.sort()
        self._codes = [code for _, code in strings]
        self._places = np.full(len(used), -1, np.int32)
        self._places[self._codes] = np.arange(len(strings))
        super().__init__(self._places.take(codes))

    def number(self, value: Value) -> int | None:
        code = self._dictionary.code(value) if type(value) is str else -1
        place = int(self._places[code]) if 0 <= code < len(self._places) else -1
        return None if place < 0 else place

    def between(self, condition: Keys, within: Stretch) -> Stretch:
        low, high, prefix = condition.low, condition.high, condition.prefix
        codes, string = self._codes, self._dictionary.string
        first, last = 0, len(codes)
        for bound in (low, high):
            if bound is not None and type(bound.value) is not str:
                return within[0], within[0]
        if prefix is not None:
            size = len(prefix)
            first = bisect.bisect_left(codes, prefix, key=string)
            last = bisect.bisect_right(codes, prefix, first, key=lambda code: string(code)[:size])
        if low is not None:
            first = (bisect.bisect_left if low.inclusive else bisect.bisect_right)(codes, low.value, key=string)
        if high is not None:
            last = (bisect.bisect_right if high.inclusive else bisect.bisect_left)(codes, high.value, key=string)
        start = bisect.bisect_left(self.keys.data, first, *within)
        return start, max(start, bisect.bisect_left(self.keys.data, last, *within))

    def values(self, keys: NDArray[Any]) -> list[Any]:
        return [self._dictionary.string(self._codes[place]) for place in keys.tolist()]


class CompositeRun:
    """Rows that have a number or a string for each key. What leaves stays in the arrays and is in ``gone``."""

    def __init__(self, parts: Sequence[_Numbers], slots: IntArray) -> None:
        order = np.lexsort([slots, *(part.keys for part in reversed(parts))])
        for part in parts:
            part.keys = part.keys.take(order)
        self._parts = parts
        self.slots = slots.take(order).astype(np.uint32)
        self.gone: set[int] = set()
        self.top = int(slots.max()) + 1

    def __len__(self) -> int:
        return len(self.slots)

    def equal(self, values: Sequence[Value]) -> Stretch:
        """The stretch of the rows whose first keys are equal to ``values``."""
        start, stop = 0, len(self)
        for part, value in zip(self._parts, values, strict=False):
            key = part.number(value)
            if key is None:
                return start, start
            start = bisect.bisect_left(part.keys.data, key, start, stop)
            stop = bisect.bisect_right(part.keys.data, key, start, stop)
        return start, stop

    def find(self, values: Sequence[Value]) -> list[int]:
        """The slots of the rows with these values, ascending."""
        start, stop = self.equal(values)
        if start == stop:
            return []
        found: list[int] = self.slots[start:stop].tolist()
        return [slot for slot in found if slot not in self.gone] if self.gone else found

    def candidates(self, condition: Keys) -> IntArray:
        """The slots of the rows that meet a condition, in any order."""
        start, stop = self.equal(condition.equal)
        if condition.has_next and start < stop:
            start, stop = self._parts[len(condition.equal)].between(condition, (start, stop))
        slots = self.slots[start:stop].astype(np.int64)
        if not self.gone:
            return slots
        there = np.ones(self.top, np.bool_)
        there[list(self.gone.copy())] = False
        return slots.compress(there.take(slots))

    @cached_property
    def distinct(self) -> int:
        """How many different rows there are, those that left among them."""
        return int(self._first().sum())

    def items(self) -> Iterator[tuple[tuple[Any, ...], list[int]]]:
        """Each row of values with its slots."""
        starts = np.flatnonzero(self._first())
        slots = self.slots.tolist()
        rows = zip(*(part.values(part.keys.take(starts)) for part in self._parts), strict=True)
        for row, (start, stop) in zip(rows, pairwise([*starts.tolist(), len(self)]), strict=True):
            kept = [slot for slot in slots[start:stop] if slot not in self.gone]
            if kept:
                yield row, kept

    def _first(self) -> BoolArray:
        """Which rows are not equal to the one before."""
        first = np.zeros(len(self), np.bool_)
        first[:1] = True
        for part in self._parts:
            first[1:] |= part.keys[1:] != part.keys[:-1]
        return first


def run_of_rows(slots: IntArray, columns: Sequence[Column]) -> tuple[CompositeRun, IntArray] | None:
    """The rows of columns of numbers and strings that lack nothing, and the positions of the others.

    None for columns of other forms, and where there are no such rows.
    """
    whole = np.ones(len(slots), np.bool_)
    for column in columns:
        if isinstance(column, StringColumn):
            whole &= column.codes >= 0
        elif isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
            if column.mask is not None:
                whole &= ~column.mask
            if column.kind is Kind.FLOAT:
                whole &= ~np.isnan(column.data)
        else:
            return None
    rows = np.flatnonzero(whole)
    if not len(rows):
        return None
    parts = [
        _Strings(column.codes.take(rows), column.dictionary)
        if isinstance(column, StringColumn)
        else _Numbers(column.data.take(rows))  # pyright: ignore[reportAttributeAccessIssue]
        for column in columns
    ]
    return CompositeRun(parts, slots.take(rows)), np.flatnonzero(~whole)
