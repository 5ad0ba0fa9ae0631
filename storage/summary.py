"""What is known of many values or degrees at a glance: what estimates are made from.

The distribution of a property is kept as a compressed histogram (Poosala, Haas, Ioannidis and Shekita 1996): *frequent*
values by themselves, with their shares, and the rest in buckets of equal weight, by kind of value, for only values of
one kind compare. Where a property has few distinct values all of them are frequent, and every estimate is exact.
Distinct values of a sample are scaled by the estimator of Haas and Stokes (1998).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, Dictionary, IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal_columns import TemporalColumn, value_of
from memoradb.core.values import Value

if TYPE_CHECKING:
    from .view import RangeBound

FREQUENT_MAX: Final = 128
"""Distinct values up to which each is kept by itself."""
HEAVY_MAX: Final = 64
"""Heavy hitters that are kept where there are more distinct values than that."""
HEAVY_SHARE: Final = 1 / 128
"""Share of the values from which on one of them is a heavy hitter."""
BUCKETS: Final = 64
"""Buckets of a histogram."""
PLAIN_ROWS: Final = 1_000
"""Values that are looked at where they have no typed form."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Values of one kind in buckets of equal weight, between ``bounds``: order keys, ascending, one more than buckets.

    ``share``: of all rows, those whose values are in it.
    """

    share: float
    bounds: tuple[tuple[Any, ...], ...]
    samples: tuple[Value, ...] = ()
    """The values at the bounds."""

    def below(self, key: tuple[Any, ...]) -> float:
        """About which share of its values is less than ``key``: numbers are taken to be spread evenly in a bucket."""
        bounds = self.bounds
        if key <= bounds[0]:
            return 0.0
        if key > bounds[-1]:
            return 1.0
        bucket = bisect_left(bounds, key) - 1
        low, high, inside = bounds[bucket][1], bounds[bucket + 1][1], 0.5
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and high > low:
            inside = (key[1] - low) / (high - low)
        return (bucket + inside) / (len(bounds) - 1)


@dataclass(frozen=True, slots=True)
class ValueSummary:
    """The values of one property over ``rows`` elements."""

    rows: int
    null_share: float
    distinct: int
    """Distinct values that are not null."""
    frequent: tuple[tuple[Value, float], ...] = ()
    """Values with their shares of all rows, in ascending order."""
    histograms: tuple[tuple[int, Histogram], ...] = ()
    """The other values, by the rank of their kind in the order of all values."""
    exact: bool = True
    """Whether every row was looked at."""
    _keys: tuple[tuple[Any, ...], ...] = ()
    _sums: tuple[float, ...] = (0.0,)
    """Running sums of the frequent values' shares."""
    dictionary: Dictionary | None = field(default=None, repr=False, compare=False)
    """Of strings: one that has no code is nowhere."""

    @property
    def heavy_hitters(self) -> list[tuple[Value, float]]:
        """The values that stand out, the most frequent first."""
        found = [item for item in self.frequent if item[1] >= HEAVY_SHARE]
        return sorted(found, key=lambda item: -item[1])[:HEAVY_MAX]

    @property
    def rest_share(self) -> float:
        """Share of the rows whose value is neither null nor frequent."""
        return max(0.0, 1.0 - self.null_share - self._sums[-1])

    def one_share(self) -> float:
        """Share of the rows that equal a value that is not known: the mean over the distinct values."""
        return (1.0 - self.null_share) / max(1, self.distinct)

    def equal_share(self, value: Value) -> float:
        """Share of the rows that equal ``value``; for one that is not there, that of half a row."""
        least = 0.5 / max(1, self.rows)
        if value is None or value != value:
            return least
        key = order_key(value)
        place = bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            return self.frequent[place][1]
        if self.dictionary is not None and type(value) is str and self.dictionary.code(value) < 0:
            return least
        distinct = self.distinct - len(self.frequent)
        for rank, histogram in self.histograms:
            if rank == key[0] and histogram.bounds[0] <= key <= histogram.bounds[-1] and distinct > 0:
                return max(least, self.rest_share / distinct)
        return least

    def range_share(self, low: RangeBound | None, high: RangeBound | None) -> float:
        """Share of the rows whose value lies between the bounds and compares with them."""
        bound = low or high
        if bound is None:
            return 1.0 - self.null_share
        rank = order_key(bound.value)[0]
        first: tuple[Any, ...] = (rank,) if low is None else order_key(low.value)
        last: tuple[Any, ...] = (rank + 1,) if high is None else order_key(high.value)
        start = (bisect_left if low is None or low.inclusive else bisect_right)(self._keys, first)
        stop = (bisect_right if high is None or high.inclusive else bisect_left)(self._keys, last)
        share = max(0.0, self._sums[stop] - self._sums[start]) if stop > start else 0.0
        for kind, histogram in self.histograms:
            if kind == rank:
                share += histogram.share * max(0.0, histogram.below(last) - histogram.below(first))
        return min(1.0, share)

    def matching_share(self, test: Callable[[Value], bool]) -> float:
        """Share of the rows whose value passes ``test``: tried on the frequent values, and where buckets end."""
        share = sum(part for value, part in self.frequent if test(value))
        for _, histogram in self.histograms:
            passing = sum(map(test, histogram.samples))
            share += histogram.share * max(passing, 0.5) / len(histogram.samples)
        return min(1.0, max(share, 0.5 / max(1, self.rows)))


@dataclass(frozen=True, slots=True)
class DegreeSummary:
    """How many relationships of one type, in one direction, nodes have."""

    nodes: int
    relationships: int
    squares: float
    """Sum of the squared degrees."""
    largest: int
    without: int
    """Nodes without any."""
    quantiles: tuple[int, ...]
    """The least degree, eighth by eighth, to the largest."""
    exact: bool = True

    @property
    def mean(self) -> float:
        """Relationships of a node."""
        return self.relationships / self.nodes if self.nodes else 0.0


def summary_of_degrees(degrees: IntArray, nodes: int) -> DegreeSummary:
    """The degrees of all ``nodes`` nodes, or of a sample of them, which is scaled up."""
    if not len(degrees):
        return DegreeSummary(nodes, 0, 0.0, 0, nodes, (0,) * 9)
    scale = nodes / len(degrees)
    ordered = np.sort(degrees)
    quantiles = ordered.take(np.linspace(0, len(ordered) - 1, 9).astype(np.int64))
    return DegreeSummary(
        nodes,
        round(int(degrees.sum()) * scale),
        float((degrees.astype(np.float64) ** 2).sum()) * scale,
        int(ordered[-1]),
        round(int(np.searchsorted(ordered, 1)) * scale),
        tuple(quantiles.tolist()),
        len(degrees) == nodes,
    )


def places_of(count: int, most: int) -> IntArray:
    """At most ``most`` places of ``count``: one out of each of so many equal parts, where in it by a fixed hash.

    Every n-th would see one value only of data that repeat themselves.
    """
    if count <= most:
        return np.arange(count)
    part = np.arange(most + 1) * count // most
    starts, widths = part[:-1], np.diff(part)
    return starts + (np.arange(most) * 2_654_435_761 >> 11) % widths


def distinct_of_sample(seen: int, once: int, sample: int, rows: int) -> int:
    """Distinct values among ``rows``: a ``sample`` has ``seen``, ``once`` of them once (Haas and Stokes 1998)."""
    if sample >= rows or not sample:
        return seen
    found = sample * seen / (sample - once + once * sample / rows)
    return max(seen, min(rows, round(found)))


def summary_of(column: Column, rows: int) -> ValueSummary:
    """The values of ``column``: of all ``rows`` elements, or of a sample of them."""
    length = len(column)
    if not length:
        return ValueSummary(rows, 1.0, 0)
    absent = column.nulls()
    present = length if absent is None else length - int(absent.sum())
    null_share = 1.0 - present / length
    if not present:
        return ValueSummary(rows, 1.0, 0, exact=length == rows)
    there = None if absent is None else np.flatnonzero(~absent)
    if isinstance(column, StringColumn):
        found = _of_codes(column.codes if there is None else column.codes.take(there), column)
    elif isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN):
        found = _of_numbers(column.data if there is None else column.data.take(there), lambda number: number)
    elif isinstance(column, TemporalColumn) and len(column.arrays) == 1:
        kind, zones, days = column.kind, column.zones, column.arrays[0]
        days = days if there is None else days.take(there)
        found = _of_numbers(days, lambda number: value_of(kind, (number,), zones))
    else:
        part = column if length <= PLAIN_ROWS else column.take(places_of(length, PLAIN_ROWS))
        values = [value for value in part.values() if value is not None]
        if not values:
            return ValueSummary(rows, null_share, 0, exact=False)
        found = _of_values(values)
    summary = found.summary(rows, present * rows // length, null_share, length == rows)
    return replace(summary, dictionary=column.dictionary) if isinstance(column, StringColumn) else summary


@dataclass(slots=True)
class _Counted:
    """Distinct values and how often each was seen."""

    sample: int
    seen: int
    once: int
    frequent: list[tuple[Value, int]]
    rest: list[Value]
    """Ascending, evenly spaced, among those that are not frequent: where buckets begin and end; by kind."""
    rest_rows: int

    def summary(self, rows: int, present: int, null_share: float, exact: bool) -> ValueSummary:
        scale = (1.0 - null_share) / self.sample
        keyed = sorted(((order_key(value), value, count * scale) for value, count in self.frequent), key=_first)
        by_kind: dict[int, list[tuple[tuple[Any, ...], Value]]] = {}
        for value in self.rest:
            key = order_key(value)
            by_kind.setdefault(key[0], []).append((key, value))
        histograms = []
        for kind, items in sorted(by_kind.items()):
            items.sort(key=_first)
            share = self.rest_rows * scale * len(items) / len(self.rest)
            places = np.linspace(0, len(items) - 1, min(BUCKETS, max(1, len(items) - 1)) + 1).astype(np.int64)
            kept = [items[i] for i in places.tolist()]
            histograms.append((kind, Histogram(share, *zip(*kept, strict=True))))
        return ValueSummary(
            rows,
            null_share,
            distinct_of_sample(self.seen, self.once, self.sample, max(present, self.sample)),
            tuple((value, share) for _, value, share in keyed),
            tuple(histograms),
            exact and self.sample == present,
            tuple(key for key, _, _ in keyed),
            (0.0, *accumulate(share for _, _, share in keyed)),
        )


def _first(item: tuple[Any, ...]) -> Any:
    return item[0]


def _frequent(counts: NDArray[Any], total: int) -> IntArray:
    """The places of the values that are kept by themselves."""
    if len(counts) <= FREQUENT_MAX:
        return np.arange(len(counts))
    heavy = np.flatnonzero(counts >= max(2, total * HEAVY_SHARE))
    if len(heavy) > HEAVY_MAX:
        heavy = heavy.take(np.argsort(-counts.take(heavy), kind="stable")[:HEAVY_MAX])
    return heavy


def _of_numbers(data: NDArray[Any], value: Callable[[Any], Value]) -> _Counted:
    """Numbers, and what is kept as numbers."""
    if data.dtype == np.float64:
        data = data.compress(data == data)
        if not len(data):
            return _Counted(1, 1, 1, [], [], 1)  # nothing but NaN, which equals nothing
    elif data.dtype == np.bool_:
        data = data.astype(np.int64)
        made, value = value, lambda number: made(bool(number))
    values, counts = _counted(data)
    kept = _frequent(counts, len(data))
    others = np.ones(len(values), np.bool_)
    others[kept] = False
    rest, weights = values.compress(others), counts.compress(others)
    bounds: list[Value] = []
    if len(rest):
        running = np.cumsum(weights)
        places = np.searchsorted(running, np.linspace(1, int(running[-1]), BUCKETS + 1))
        bounds = [value(x) for x in rest.take(places, mode="clip").tolist()]
    frequent = [(value(values[i].item()), int(counts[i])) for i in kept.tolist()]
    return _Counted(len(data), len(values), int((counts == 1).sum()), frequent, bounds, int(weights.sum()))


def _counted(data: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Distinct numbers, ascending, and how often each is there."""
    if data.dtype != np.float64:
        low, high = int(data.min()), int(data.max())
        if high - low <= 2 * len(data):
            counts = np.bincount(data - low)
            values = np.flatnonzero(counts)
            return values + low, counts.take(values)
    ordered = np.sort(data)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered.take(starts), np.diff(starts, append=len(ordered))


def _of_codes(codes: NDArray[np.int32], column: StringColumn) -> _Counted:
    """Strings by their codes, whose order is not the strings'."""
    by_code = np.bincount(codes)
    values = np.flatnonzero(by_code)
    counts = by_code.take(values)
    kept = _frequent(counts, len(codes))
    string = column.dictionary.string
    frequent = [(string(int(values[i])), int(counts[i])) for i in kept.tolist()]
    rest_rows = len(codes) - int(counts.take(kept).sum())
    rest: list[Value] = []
    if rest_rows:
        by_code[values.take(kept)] = 0
        others = codes.take(places_of(len(codes), 16 * BUCKETS))
        others = others.compress(by_code.take(others) > 0)
        if not len(others):  # so rare that the sample has none
            others = np.flatnonzero(by_code)[: BUCKETS + 1]
        rest = [string(code) for code in others.tolist()]
    return _Counted(len(codes), len(values), int((counts == 1).sum()), frequent, rest, rest_rows)


def _of_values(values: Sequence[Value]) -> _Counted:
    """Values without a typed form, one by one."""
    counts: dict[Any, int] = {}
    held: dict[Any, Value] = {}
    for value in values:
        key = equivalence_key(value)
        counts[key] = counts.get(key, 0) + 1
        held.setdefault(key, value)
    keys = list(counts)
    kept = {keys[i] for i in _frequent(np.fromiter(counts.values(), np.int64, len(keys)), len(values)).tolist()}
    frequent = [(held[key], counts[key]) for key in keys if key in kept]
    rest = [value for value in values if equivalence_key(value) not in kept]
    once = sum(count == 1 for count in counts.values())
    return _Counted(len(values), len(keys), once, frequent, rest, len(rest))
