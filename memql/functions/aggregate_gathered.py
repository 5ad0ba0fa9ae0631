"""Aggregates that keep every value until the end: collect, percentiles, deviations, and most DISTINCT ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.footprint import items_bytes
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.values import Value

from .aggregator import ENTRY_BYTES, Aggregator, listed, present, total_rows


class Gathered(Aggregator):
    """Aggregates of all values at once: collect, percentiles, deviations, and every DISTINCT aggregate."""

    def __init__(self, finish: Callable[[list[Value], Value], Value], distinct: bool) -> None:
        super().__init__()
        self._finish = finish
        self._distinct = distinct
        self._values: list[Any] = []
        self._extra: list[Value] = []
        self._bytes = 0

    def grow(self, groups: int) -> None:
        super().grow(groups)
        for _ in range(groups - len(self._values)):
            self._values.append({} if self._distinct else [])
            self._extra.append(None)
            self._bytes += 80

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        extra = columns[1].values() if len(columns) > 1 else None
        if extra is not None:
            for code, value in zip(listed(codes, rows), extra, strict=True):
                self._extra[code] = value
        codes, column, weights = present(codes, columns[0], weights)
        values = column.values()
        if self._distinct:
            before = sum(map(len, self._values)) if self.groups < rows else -1
            for code, value in zip(listed(codes, len(values)), values, strict=True):
                self._values[code].setdefault(equivalence_key(value), value)
            fresh = sum(map(len, self._values)) - before if before >= 0 else len(values)
            self._bytes += fresh * ENTRY_BYTES + items_bytes(values) * fresh // max(len(values), 1)
            return
        self._bytes += 8 * (len(values) if weights is None else total_rows(weights, len(values))) + items_bytes(values)
        if weights is not None:
            for code, value, weight in zip(listed(codes, len(values)), values, weights.tolist(), strict=True):
                self._values[code].extend([value] * weight)
        elif codes is None:
            self._values[0].extend(values)
        else:
            gathered = self._values
            for code, value in zip(codes.tolist(), values, strict=True):
                gathered[code].append(value)

    def result(self) -> Column:
        out = []
        for i, (values, extra) in enumerate(zip(self._values, self._extra, strict=True)):
            if i % 64 == 0:
                self.check()
            out.append(self._finish(list(values.values()) if self._distinct else values, extra))
        return lift(out)

    def part(self, groups: IntArray) -> Aggregator:
        out = Gathered(self._finish, self._distinct)
        numbers = groups.tolist()
        out.groups = len(numbers)
        out._values = [self._values[g] for g in numbers]
        out._extra = [self._extra[g] for g in numbers]
        share = sum(map(len, out._values)) / max(sum(map(len, self._values)), 1)
        out._bytes = int(self._bytes * share)
        return out

    @property
    def bytes(self) -> int:
        return self._bytes


class Percentile(Gathered):
    """A percentile. Numbers of one type without groups are kept in sorted runs, from which it is selected."""

    def __init__(self, continuous: bool) -> None:
        super().__init__(interpolated if continuous else discrete, False)
        self._continuous = continuous
        self._kind: Kind | None = None
        self._runs: list[NDArray[Any]] = []

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        column = columns[0]
        if (
            codes is None
            and weights is None
            and rows
            and isinstance(column, TypedColumn)
            and column.kind in (Kind.INTEGER, Kind.FLOAT)
            and self._kind in (None, column.kind)
            and not self._values[0]
        ):
            self._kind = column.kind
            self._extra[0] = columns[1].item(rows - 1)
            _, there, _ = present(None, column, None)
            assert isinstance(there, TypedColumn)
            if len(there):
                self._runs.append(np.sort(there.data))
                self._bytes += there.data.nbytes
            return
        for run in self._runs:
            self._values[0].extend(run.tolist())
            self._bytes += 32 * len(run)
        self._runs = []
        super().update(codes, columns, weights, rows)

    def result(self) -> Column:
        if not self._runs:
            return super().result()
        share = _percentile(self._extra[0], "percentileCont" if self._continuous else "percentileDisc")
        count = sum(map(len, self._runs))
        if not self._continuous:
            return lift([select(self._runs, max(0, math.ceil(share * count) - 1), self.check)])
        place = share * (count - 1)
        low = math.floor(place)
        below = select(self._runs, low, self.check)
        above = select(self._runs, min(low + 1, count - 1), self.check)
        return lift([float(below + (above - below) * (place - low))])

    def part(self, groups: IntArray) -> Aggregator:
        assert not self._runs, "runs are kept where there is but one group"
        out = Percentile(self._continuous)
        share = super().part(groups)
        assert isinstance(share, Gathered)
        out.groups, out._values, out._extra, out._bytes = share.groups, share._values, share._extra, share._bytes
        return out


def select(runs: list[NDArray[Any]], place: int, check: Callable[[], None]) -> Any:
    """The value at ``place`` of all that sorted arrays hold together.

    The middle of what is left of the longest run decides, by binary search, on which side the place is in every run
    (selection in sorted matrices: Frederickson and Johnson 1982).
    """
    windows = [(run, 0, len(run)) for run in runs]
    while True:
        check()
        run, low, high = max(windows, key=lambda w: w[2] - w[1])
        pivot = run[(low + high) // 2]
        # What was cut off in front of the windows is below the pivot, and counted with it.
        left = [low + int(np.searchsorted(r[low:high], pivot, "left")) for r, low, high in windows]
        right = [low + int(np.searchsorted(r[low:high], pivot, "right")) for r, low, high in windows]
        if sum(left) <= place < sum(right):
            return pivot.item()
        if place < sum(left):
            windows = [(r, low, cut) for (r, low, _), cut in zip(windows, left, strict=True)]
        else:
            windows = [(r, cut, high) for (r, _, high), cut in zip(windows, right, strict=True)]


def _numbers(values: list[Value], name: str) -> list[float]:
    for value in values:
        if type(value) is not int and type(value) is not float:
            raise TypeMismatch(f"{name}() takes numbers, not {type_name(value)}.")
    return values


def _percentile(share: Value, name: str) -> float:
    if type(share) is not float and type(share) is not int:
        raise TypeMismatch(f"{name}() takes a number between 0 and 1.")
    if not 0.0 <= share <= 1.0:
        raise ArgumentError(f"{name}() takes a number between 0 and 1, not {share}.", detail="NumberOutOfRange")
    return float(share)


def interpolated(values: list[Value], share: Value) -> Value:
    """A percentile, between two values where it falls there."""
    if not values:
        return None
    ordered = sorted(_numbers(values, "percentileCont"), key=order_key)
    place = _percentile(share, "percentileCont") * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def discrete(values: list[Value], share: Value) -> Value:
    """A percentile that is one of the values."""
    if not values:
        return None
    ordered = sorted(_numbers(values, "percentileDisc"), key=order_key)
    place = _percentile(share, "percentileDisc")
    return ordered[max(0, math.ceil(place * len(ordered)) - 1)]


def deviation(values: list[Value], population: bool) -> Value:
    """The standard deviation."""
    numbers = _numbers(values, "stDev")
    count = len(numbers)
    if count < (1 if population else 2):
        return 0.0
    if not all(map(math.isfinite, numbers)):
        return math.nan  # an infinite value is infinitely far from every mean
    try:
        mean = math.fsum(numbers) / count
        return math.sqrt(math.fsum((n - mean) ** 2 for n in numbers) / (count if population else count - 1))
    except OverflowError:
        return math.inf
