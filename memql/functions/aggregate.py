"""Aggregates: declarations, and accumulators that take a batch at a time.

An ``Aggregator`` holds the state of all groups of one aggregate. ``update`` gets, for each row, the number of its
group; rows with weight w count w times. min, max and DISTINCT aggregates ignore weights. Typed numbers run in numpy;
everything else by scalar semantics. Float sums are plain additions, so their last digits depend on row order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from memoradb.core.arithmetic import add, checked
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.values import INTEGER_MAX, Value

from ..bind.types import Type
from .registry import declare_aggregate

_SUMMED = Type.NUMBER | Type.DURATION

declare_aggregate("count", (Type.ANY,), Type.INTEGER, "How many values are not null; count(*) counts rows.")
declare_aggregate("sum", (_SUMMED,), _SUMMED, "The sum; 0 for no values.")
declare_aggregate("avg", (_SUMMED,), Type.FLOAT | Type.DURATION, "The mean; null for no values.")
declare_aggregate("min", (Type.ANY,), Type.ANY, "The least value by the order of ORDER BY.")
declare_aggregate("max", (Type.ANY,), Type.ANY, "The greatest value by the order of ORDER BY.")
declare_aggregate("collect", (Type.ANY,), Type.LIST, "The values as a list, nulls left out.")
declare_aggregate("percentileCont", (Type.NUMBER, Type.NUMBER), Type.FLOAT, "A percentile, interpolated.")
declare_aggregate("percentileDisc", (Type.NUMBER, Type.NUMBER), Type.NUMBER, "A percentile, one of the values.")
declare_aggregate("stDev", (Type.NUMBER,), Type.FLOAT, "The standard deviation of a sample.")
declare_aggregate("stDevP", (Type.NUMBER,), Type.FLOAT, "The standard deviation of a population.")


class Aggregator:
    """State of one aggregate for all groups."""

    def __init__(self) -> None:
        self.groups = 0

    def grow(self, groups: int) -> None:
        """Make room for so many groups."""
        self.groups = max(self.groups, groups)

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        """Take a batch: ``codes`` are group numbers."""
        raise NotImplementedError

    def result(self) -> Column:
        """A value for each group."""
        raise NotImplementedError


def _present(codes: IntArray, column: Column, weights: IntArray | None) -> tuple[IntArray, Column, IntArray | None]:
    """Only the rows that are not null."""
    mask = column.nulls()
    if mask is None:
        return codes, column, weights
    kept = np.flatnonzero(~mask)
    return codes.take(kept), column.take(kept), None if weights is None else weights.take(kept)


class Count(Aggregator):
    """count(*) and count(x)."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(0, np.int64)

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        if columns:
            codes, _, weights = _present(codes, columns[0], weights)
        if len(self._counts) < self.groups:
            self._counts = np.concatenate([self._counts, np.zeros(self.groups - len(self._counts), np.int64)])
        if weights is None:
            self._counts += np.bincount(codes, minlength=len(self._counts))
        elif len(weights) and int(weights.max()) < 1 << 31:
            np.add.at(self._counts, codes, weights)
        else:
            for code, weight in zip(codes.tolist(), weights.tolist(), strict=True):
                self._counts[code] = checked(int(self._counts[code]) + weight)

    def result(self) -> Column:
        missing = self.groups - len(self._counts)
        data = np.concatenate([self._counts, np.zeros(missing, np.int64)]) if missing else self._counts
        return TypedColumn(Kind.INTEGER, data)


class Sum(Aggregator):
    """sum and avg."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self._mean = mean
        self._sums: list[Value] = []
        self._counts: list[int] = []

    def grow(self, groups: int) -> None:
        super().grow(groups)
        more = groups - len(self._sums)
        if more > 0:
            self._sums.extend([0] * more)
            self._counts.extend([0] * more)

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        codes, column, weights = _present(codes, columns[0], weights)
        if not len(codes):
            return
        if (
            isinstance(column, TypedColumn)
            and column.kind in (Kind.INTEGER, Kind.FLOAT)
            and self._typed(codes, column, weights)
        ):
            return
        scale = [1] * len(codes) if weights is None else weights.tolist()
        for code, value, weight in zip(codes.tolist(), column.values(), scale, strict=True):
            self._add(code, value, weight)

    def _typed(self, codes: IntArray, column: TypedColumn, weights: IntArray | None) -> bool:
        shown, local = np.unique(codes, return_inverse=True)
        data = column.data
        if column.kind == Kind.INTEGER:
            largest = max(abs(int(data.min())), abs(int(data.max())))
            total = len(data) if weights is None else int(weights.sum())
            if largest * total > INTEGER_MAX:
                return False
            sums = np.zeros(len(shown), np.int64)
            np.add.at(sums, local, data if weights is None else data * weights)
        else:
            sums = np.bincount(local, data if weights is None else data * weights, len(shown))
        counts = np.zeros(len(shown), np.int64)
        np.add.at(counts, local, 1 if weights is None else weights)
        for code, part, count in zip(shown.tolist(), sums.tolist(), counts.tolist(), strict=True):
            self._sums[code] = self._plus(self._sums[code], part)
            self._counts[code] += count
        return True

    def _plus(self, total: Value, value: Value) -> Value:
        if self._mean and type(total) is int and type(value) is int:
            return total + value  # a mean is a float: its integer total may pass 64 bits on the way
        return add(total, value)

    def _add(self, code: int, value: Value, weight: int) -> None:
        if type(value) not in (int, float, Duration):
            raise TypeMismatch(f"Cannot sum {type_name(value)}.")
        part = value if weight == 1 else value.times(weight) if isinstance(value, Duration) else value * weight
        if type(part) is int and abs(part) > INTEGER_MAX:
            raise ArithmeticOverflow("A sum does not fit 64 bits.")
        total = self._sums[code]
        if isinstance(value, Duration) and self._counts[code] == 0:
            total = Duration()
        self._sums[code] = self._plus(total, part)
        self._counts[code] += weight

    def result(self) -> Column:
        if not self._mean:
            return lift(list(self._sums))
        means: list[Value] = []
        for total, count in zip(self._sums, self._counts, strict=True):
            if count == 0:
                means.append(None)
            else:
                means.append(total.divided(count) if isinstance(total, Duration) else total / count)
        return lift(means)


class Extreme(Aggregator):
    """min and max, by orderability."""

    def __init__(self, largest: bool) -> None:
        super().__init__()
        self._largest = largest
        self._best: list[tuple[Any, Value] | None] = []

    def grow(self, groups: int) -> None:
        super().grow(groups)
        self._best.extend([None] * (groups - len(self._best)))

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        if isinstance(column, TypedColumn) and column.kind == Kind.INTEGER and len(codes):
            shown, local = np.unique(codes, return_inverse=True)
            info = np.iinfo(np.int64)
            best = np.full(len(shown), info.min if self._largest else info.max)
            (np.maximum if self._largest else np.minimum).at(best, local, column.data)
            pairs = zip(shown.tolist(), best.tolist(), strict=True)
        else:
            pairs = zip(codes.tolist(), column.values(), strict=True)
        for code, value in pairs:
            key = order_key(value)
            held = self._best[code]
            if held is None or (key > held[0] if self._largest else key < held[0]):
                self._best[code] = (key, value)

    def result(self) -> Column:
        return lift([None if b is None else b[1] for b in self._best])


class Gathered(Aggregator):
    """Aggregates of all values at once: collect, percentiles, deviations, and every DISTINCT aggregate."""

    def __init__(self, finish: Callable[[list[Value], Value], Value], distinct: bool) -> None:
        super().__init__()
        self._finish = finish
        self._distinct = distinct
        self._values: list[Any] = []
        self._extra: list[Value] = []

    def grow(self, groups: int) -> None:
        super().grow(groups)
        for _ in range(groups - len(self._values)):
            self._values.append({} if self._distinct else [])
            self._extra.append(None)

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        extra = columns[1].values() if len(columns) > 1 else None
        if extra is not None:
            for code, value in zip(codes.tolist(), extra, strict=True):
                self._extra[code] = value
        codes, column, weights = _present(codes, columns[0], weights)
        values = column.values()
        if self._distinct:
            for code, value in zip(codes.tolist(), values, strict=True):
                self._values[code].setdefault(equivalence_key(value), value)
        elif weights is None:
            for code, value in zip(codes.tolist(), values, strict=True):
                self._values[code].append(value)
        else:
            for code, value, weight in zip(codes.tolist(), values, weights.tolist(), strict=True):
                self._values[code].extend([value] * weight)

    def result(self) -> Column:
        out = []
        for values, extra in zip(self._values, self._extra, strict=True):
            out.append(self._finish(list(values.values()) if self._distinct else values, extra))
        return lift(out)


class CountDistinct(Aggregator):
    """count(DISTINCT x): typed integers and elements as packed numbers, anything else as sets of keys."""

    def __init__(self) -> None:
        super().__init__()
        self._packed: list[IntArray] = []
        self._sets: dict[int, set[Any]] = {}

    def update(self, codes: IntArray, columns: list[Column], weights: IntArray | None) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        if (
            isinstance(column, TypedColumn)
            and column.kind in (Kind.NODE, Kind.RELATIONSHIP)
            and len(codes)
            and int(codes.max()) < 1 << 31
        ):
            self._packed.append(np.unique(codes << 32 | column.data))
            if len(self._packed) > 32:
                self._packed = [np.unique(np.concatenate(self._packed))]
            return
        for code, value in zip(codes.tolist(), column.values(), strict=True):
            self._sets.setdefault(code, set()).add(equivalence_key(value))

    def result(self) -> Column:
        counts = np.zeros(self.groups, np.int64)
        if self._packed:
            pairs = np.unique(np.concatenate(self._packed))
            counts += np.bincount(pairs >> 32, minlength=self.groups)
            for code in self._sets:
                # A column that was typed in one batch and a list in another: count what both have once.
                mine = pairs[pairs >> 32 == code] & 0xFFFFFFFF
                from memoradb.core.values import NodeRef, RelationshipRef

                known = {NodeRef(s) for s in mine.tolist()} | {RelationshipRef(s) for s in mine.tolist()}
                self._sets[code] -= known
        for code, keys in self._sets.items():
            counts[code] += len(keys)
        return TypedColumn(Kind.INTEGER, counts)


# --- finishing functions -----------------------------------------------------


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


def _continuous(values: list[Value], share: Value) -> Value:
    if not values:
        return None
    ordered = sorted(_numbers(values, "percentileCont"))
    place = _percentile(share, "percentileCont") * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def _discrete(values: list[Value], share: Value) -> Value:
    if not values:
        return None
    ordered = sorted(_numbers(values, "percentileDisc"))
    place = _percentile(share, "percentileDisc")
    return ordered[max(0, math.ceil(place * len(ordered)) - 1)]


def _deviation(values: list[Value], population: bool) -> Value:
    numbers = _numbers(values, "stDev")
    count = len(numbers)
    if count < (1 if population else 2):
        return 0.0
    mean = math.fsum(numbers) / count
    return math.sqrt(math.fsum((n - mean) ** 2 for n in numbers) / (count if population else count - 1))


def _sum(values: list[Value], _: Value) -> Value:
    total: Value = 0
    for i, value in enumerate(values):
        if type(value) not in (int, float, Duration):
            raise TypeMismatch(f"Cannot sum {type_name(value)}.")
        total = value if i == 0 else add(total, value)
    return total


def _mean(values: list[Value], _: Value) -> Value:
    if not values:
        return None
    total = _sum(values, None)
    return total.divided(len(values)) if isinstance(total, Duration) else total / len(values)


_FINISH: Final[dict[str, Callable[[list[Value], Value], Value]]] = {
    "collect": lambda values, _: values,
    "percentilecont": _continuous,
    "percentiledisc": _discrete,
    "stdev": lambda values, _: _deviation(values, False),
    "stdevp": lambda values, _: _deviation(values, True),
    "sum": _sum,
    "avg": _mean,
}


def aggregator(function: str, distinct: bool) -> Aggregator:
    """A fresh aggregator for an aggregate function in lower case."""
    if function == "count":
        return CountDistinct() if distinct else Count()
    if function in ("min", "max"):
        return Extreme(function == "max")
    if function in ("sum", "avg") and not distinct:
        return Sum(function == "avg")
    return Gathered(_FINISH[function], distinct)
