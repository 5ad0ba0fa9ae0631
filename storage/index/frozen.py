"""What an index holds of many elements at once: values of one type in order, beside the slots that have them.

A *run* is two arrays, made of a column by one sort (or none, where values ascend already, as ids do) and never changed.
It takes a tenth of the memory of a dictionary and a hundredth of the time to make, so that an index of a database that
was just opened answers at once. What changes later stands beside the runs: see ``range_index``.

Numbers and dates are searched as they are: comparing a Python number with one out of an array is exact, whichever of
the two is a float. Strings are searched by their codes; only ranges and prefixes of them need their order, which is
made when it is first asked for.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.calendar import DAY_SECONDS, SECOND_NS
from memoradb.core.columns import BoolArray, Column, Dictionary, IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.temporal import Date, LocalDateTime, LocalTime
from memoradb.core.temporal_columns import TemporalColumn, TemporalKind
from memoradb.core.values import Value

from ..view import RangeBound

FROZEN_ROWS_MIN: Final = 1_024
"""Elements that are worth a run of their own; fewer go to the dictionary of what changed."""

TOGETHER_MIN: Final = 32
"""Values from which on it is cheaper to look for all of them in one call."""

_SECONDS_MAX: Final = (1 << 62) // SECOND_NS
"""Date times within so many seconds of 1970 fit one integer of nanoseconds."""

_NONE: Final = np.zeros(0, np.int64)


class Run:
    """Numbers, whole or not, in ascending order, and where they are equal by slot."""

    types: tuple[type, ...] = (int, float)
    """Of the values that may be equal to one in the run, or comparable with it."""

    def __init__(self, keys: NDArray[Any], slots: NDArray[Any]) -> None:
        if len(keys) > 1:
            if (keys[1:] < keys[:-1]).any():
                order = np.argsort(keys, kind="stable")
                keys, slots = keys.take(order), slots.take(order)
            self.distinct = 1 + int((keys[1:] != keys[:-1]).sum())
        else:
            self.distinct = len(keys)
        self.keys = keys
        self.slots = slots.astype(np.uint32)
        self._view: Any = self.keys.data
        self._low, self._high = self._view[0], self._view[-1]

    def __len__(self) -> int:
        return len(self.keys)

    def number(self, value: Any) -> Any:
        """How a value of one of ``types`` stands among the keys; None where it cannot."""
        return value

    def values(self, keys: NDArray[Any]) -> list[Any]:
        """The inverse for keys of the run; each is its own equivalence key."""
        return keys.tolist()

    # --- equality

    def find(self, value: Value) -> list[int]:
        """The slots with a value, ascending."""
        key = self.number(value) if type(value) in self.types else None
        if key is None or key < self._low or key > self._high:
            return []
        view = self._view
        start = self._start(key)
        if start == len(view) or view[start] != key:
            return []
        stop = start + 1
        if self.distinct < len(view):
            stop = bisect.bisect_right(view, key, start)
        return self.slots[start:stop].tolist()

    def _start(self, key: Any) -> int:
        """The place of the first one that is not less."""
        view = self._view
        guess = key - self._low
        if self.distinct == len(view) and type(guess) is int and guess < len(view) and view[guess] == key:
            return guess  # consecutive numbers, as ids are
        return bisect.bisect_left(view, key)

    def find_all(self, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        """(place of the value, slot) of each slot with one of these values, by place and slot."""
        keys: list[Any] = []
        places: list[int] = []
        if type(self) is Run and set(map(type, values)) == {type(self._low)}:
            # All are as the keys are, as most are: looked at without a step for each.
            wanted = np.array(values, self.keys.dtype)
            rows = np.flatnonzero((wanted >= self._low) & (wanted <= self._high))
            return self._find_sorted(wanted.take(rows), rows)
        for place, value in enumerate(values):
            key = self.number(value) if type(value) in self.types else None
            if key is not None and self._low <= key <= self._high:
                keys.append(key)
                places.append(place)
        if len(keys) < TOGETHER_MIN or len(set(map(type, keys))) > 1 or type(keys[0]) is not type(self._low):
            found = [(place, slot) for place in places for slot in self.find(values[place])]
            return np.array([place for place, _ in found], np.int64), np.array([slot for _, slot in found], np.int64)
        return self._find_sorted(np.array(keys, self.keys.dtype), np.array(places, np.int64))

    def _find_sorted(self, wanted: NDArray[Any], places: IntArray) -> tuple[IntArray, IntArray]:
        """(place, slot) of each slot with one of the keys, which lie between the least and the largest one."""
        if self.distinct == len(self.keys):
            consecutive = self.keys.dtype == np.int64 and self._high - self._low == len(self.keys) - 1
            start = wanted - self._low if consecutive else self.keys.searchsorted(wanted)
            rows = np.flatnonzero(self.keys.take(start) == wanted)
            return places.take(rows), self.slots.take(start.take(rows)).astype(np.int64)
        start = self.keys.searchsorted(wanted, "left")
        counts = self.keys.searchsorted(wanted, "right") - start
        return np.repeat(places, counts), self.slots.take(_ranges(start, counts)).astype(np.int64)

    # --- order

    def span(self, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        """The slots with values between bounds, in any order; none where a bound is of another type."""
        start, stop = 0, len(self)
        if low is not None:
            key = self._bound(low)
            if key is None:
                return _NONE
            start = (bisect.bisect_left if low.inclusive else bisect.bisect_right)(self._view, key)
        if high is not None:
            key = self._bound(high)
            if key is None:
                return _NONE
            stop = (bisect.bisect_right if high.inclusive else bisect.bisect_left)(self._view, key)
        return self.slots[start : max(start, stop)].astype(np.int64)

    def _bound(self, bound: RangeBound) -> Any:
        value = bound.value
        return self.number(value) if type(value) in self.types and value == value else None

    def prefix(self, prefix: str) -> IntArray:
        """The slots whose string begins with ``prefix``, in any order."""
        return _NONE

    # --- several

    def joined(self, other: Run) -> Run | None:
        """One run of both; None where they have nothing in common."""
        if type(self) is not type(other) or self.keys.dtype != other.keys.dtype:
            return None
        return self._with(np.concatenate([self.keys, other.keys]), np.concatenate([self.slots, other.slots]))

    def without(self, slots: IntArray) -> Run | None:
        """The rest; None where nothing is left."""
        kept = np.flatnonzero(~np.isin(self.slots, slots))
        return self._with(self.keys.take(kept), self.slots.take(kept)) if len(kept) else None

    def _with(self, keys: NDArray[Any], slots: NDArray[Any]) -> Run:
        return type(self)(keys, slots)

    def items(self) -> Iterator[tuple[Any, list[int]]]:
        """Each value with its slots."""
        edges = [0, *(np.flatnonzero(self.keys[1:] != self.keys[:-1]) + 1).tolist(), len(self)]
        slots = self.slots.tolist()
        values = self.values(self.keys.take(np.array(edges[:-1], np.int64)))
        for value, (start, stop) in zip(values, pairwise(edges), strict=True):
            yield value, slots[start:stop]


class DateRun(Run):
    """Dates, as days."""

    types = (Date,)

    def number(self, value: Date) -> int:
        return value.days

    def values(self, keys: NDArray[Any]) -> list[Any]:
        return list(map(Date, keys.tolist()))


class LocalTimeRun(Run):
    """Times without a zone, as nanoseconds of the day."""

    types = (LocalTime,)

    def number(self, value: LocalTime) -> int:
        return value.ns

    def values(self, keys: NDArray[Any]) -> list[Any]:
        return list(map(LocalTime, keys.tolist()))


class LocalDateTimeRun(Run):
    """Date times without a zone, as nanoseconds since 1970: all of them are within 146 years of it."""

    types = (LocalDateTime,)

    def number(self, value: LocalDateTime) -> int:
        return value.days * DAY_SECONDS * SECOND_NS + value.ns

    def values(self, keys: NDArray[Any]) -> list[Any]:
        return [LocalDateTime(*divmod(key, DAY_SECONDS * SECOND_NS)) for key in keys.tolist()]


@dataclass(frozen=True, slots=True)
class _Names:
    """A run's distinct strings in their order."""

    codes: list[int]
    begins: list[int]
    """Where the slots of each begin, and where the last ones end."""
    slots: NDArray[Any]


class StringRun(Run):
    """Strings, as codes of one dictionary."""

    types = (str,)

    def __init__(self, keys: NDArray[Any], slots: NDArray[Any], dictionary: Dictionary) -> None:
        super().__init__(keys, slots)
        self.dictionary = dictionary
        self._names: _Names | None = None

    def number(self, value: str) -> int | None:
        code = self.dictionary.code(value)
        return None if code < 0 else code

    def values(self, keys: NDArray[Any]) -> list[Any]:
        return list(map(self.dictionary.string, keys.tolist()))

    def joined(self, other: Run) -> Run | None:
        same = isinstance(other, StringRun) and other.dictionary is self.dictionary
        return super().joined(other) if same else None

    def _with(self, keys: NDArray[Any], slots: NDArray[Any]) -> Run:
        return StringRun(keys, slots, self.dictionary)

    def span(self, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        for bound in (low, high):
            if bound is not None and type(bound.value) is not str:
                return _NONE
        names, string = self._sorted(), self.dictionary.string
        start, stop = 0, len(names.codes)
        if low is not None:
            start = (bisect.bisect_left if low.inclusive else bisect.bisect_right)(names.codes, low.value, key=string)
        if high is not None:
            stop = (bisect.bisect_right if high.inclusive else bisect.bisect_left)(names.codes, high.value, key=string)
        return _part(names, start, stop)

    def prefix(self, prefix: str) -> IntArray:
        names, string, size = self._sorted(), self.dictionary.string, len(prefix)
        start = bisect.bisect_left(names.codes, prefix, key=string)
        return _part(
            names, start, bisect.bisect_right(names.codes, prefix, start, key=lambda code: string(code)[:size])
        )

    def _sorted(self) -> _Names:
        found = self._names
        if found is None:
            edges = np.flatnonzero(self.keys[1:] != self.keys[:-1]) + 1
            starts = np.concatenate([np.zeros(1, np.int64), edges])
            counts = np.diff(starts, append=len(self))
            codes = self.keys.take(starts).tolist()
            strings = list(map(self.dictionary.string, codes))
            order = sorted(range(len(strings)), key=strings.__getitem__)
            places = np.array(order, np.int64)
            begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts.take(places))])
            slots = self.slots.take(_ranges(starts.take(places), counts.take(places)))
            found = self._names = _Names([codes[i] for i in order], begins.tolist(), slots)
        return found


def _part(names: _Names, start: int, stop: int) -> IntArray:
    return names.slots[names.begins[start] : names.begins[max(start, stop)]].astype(np.int64)


def _ranges(starts: NDArray[Any], counts: NDArray[Any]) -> IntArray:
    """``starts[0]``, ``starts[0] + 1`` and so on, ``counts[0]`` of them, and so for the others."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + counts, counts)


def run_of(slots: IntArray, column: Column) -> Run | None:
    """The values that are there, with their slots, which ascend. None for columns that have no such form."""
    made: type[Run] = Run
    if isinstance(column, StringColumn):
        kept = np.flatnonzero(column.codes >= 0)
        return StringRun(column.codes.take(kept), slots.take(kept), column.dictionary) if len(kept) else None
    if isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
        keys = column.data
    elif isinstance(column, TemporalColumn):
        keys = column.arrays[0]
        if column.kind == TemporalKind.DATE:
            made = DateRun
        elif column.kind == TemporalKind.LOCAL_TIME:
            made = LocalTimeRun
        elif column.kind == TemporalKind.LOCAL_DATETIME and (abs(keys) < _SECONDS_MAX).all():
            made, keys = LocalDateTimeRun, keys * SECOND_NS + column.arrays[1]
        else:
            return None
    else:
        return None
    absent = column.nulls()
    if keys.dtype == np.float64:
        nan = np.isnan(keys)
        absent = nan if absent is None else absent | nan
    if absent is not None and absent.any():
        kept = np.flatnonzero(~absent)
        keys, slots = keys.take(kept), slots.take(kept)
    return made(keys, slots) if len(keys) else None


@dataclass(frozen=True, slots=True)
class Frozen:
    """All runs of an index: where several have values of one type, each is more than twice as long as the next one."""

    runs: tuple[Run, ...] = ()
    gone: set[int] = field(default_factory=set[int])
    """Slots that left their runs. The writer adds to it."""
    top: int = 0
    """No slot in a run is as high as that."""

    def with_run(self, run: Run) -> Frozen | None:
        """These and one of later slots; None where it is of a dictionary of its own."""
        runs = list(self.runs)
        if isinstance(run, StringRun) and any(isinstance(r, StringRun) and run.joined(r) is None for r in runs):
            return None
        top = max(self.top, int(run.slots.max()) + 1)
        for i in range(len(runs) - 1, -1, -1):
            if len(runs[i]) <= 2 * len(run) and (joined := runs[i].joined(run)) is not None:
                run = joined
                del runs[i]
        return Frozen((*runs, run), self.gone, top)

    def settled(self) -> Frozen:
        """The same without what left."""
        gone = np.fromiter(self.gone, np.int64, len(self.gone))
        return Frozen(tuple(rest for run in self.runs if (rest := run.without(gone)) is not None), top=self.top)

    def find(self, value: Value) -> list[int]:
        """The slots with a value, ascending."""
        found: list[int] = []
        for run in self.runs:
            found += run.find(value)
        if self.gone and found:
            found = [slot for slot in found if slot not in self.gone]
        return sorted(found) if len(self.runs) > 1 else found

    def find_all(self, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        """(place of the value, slot) of each slot with one of these values, by place and slot."""
        found = [run.find_all(values) for run in self.runs]
        places = np.concatenate([_NONE, *(places for places, _ in found)])
        slots = np.concatenate([_NONE, *(slots for _, slots in found)])
        left = self._left(slots)
        if left is not None:
            places, slots = places.compress(left), slots.compress(left)
        if len(found) > 1:
            order = np.lexsort((slots, places))
            places, slots = places.take(order), slots.take(order)
        return places, slots

    def span(self, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        """The slots with values between bounds, in any order."""
        return self._joined([run.span(low, high) for run in self.runs])

    def prefix(self, prefix: str) -> IntArray:
        """The slots whose string begins with ``prefix``, in any order."""
        return self._joined([run.prefix(prefix) for run in self.runs])

    def _joined(self, parts: list[IntArray]) -> IntArray:
        slots = np.concatenate([_NONE, *parts])
        left = self._left(slots)
        return slots if left is None else slots.compress(left)

    def _left(self, slots: IntArray) -> BoolArray | None:
        """Which of ``slots`` did not leave; None where none did."""
        if not self.gone or not len(slots):
            return None
        gone = self.gone.copy()  # the writer may be adding to it
        if len(slots) < TOGETHER_MIN:
            return np.fromiter((slot not in gone for slot in slots.tolist()), np.bool_, len(slots))
        there = np.ones(self.top, np.bool_)
        there[np.fromiter(gone, np.int64, len(gone))] = False
        return there.take(slots)

    def contents(self) -> dict[Any, list[int]]:
        """Every value with its slots, ascending."""
        found: dict[Any, list[int]] = {}
        for run in self.runs:
            for value, slots in run.items():
                kept = [slot for slot in slots if slot not in self.gone]
                if kept:
                    found[value] = sorted([*found.get(value, ()), *kept])
        return found
