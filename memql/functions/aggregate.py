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
from numpy.typing import NDArray

from memoradb.core.arithmetic import add, checked
from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef, RelationshipRef, Value

from ..bind.types import Type
from ..kernels.grouping import group_rows, ranks
from ..kernels.temporal import extreme_position
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

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        """Take a batch of ``rows`` rows: ``codes`` are group numbers, None where all rows are of group 0."""
        raise NotImplementedError

    def result(self) -> Column:
        """A value for each group."""
        raise NotImplementedError


Part = tuple["IntArray | None", Column, "IntArray | None"]


def _present(codes: IntArray | None, column: Column, weights: IntArray | None) -> Part:
    """Only the rows that are not null."""
    mask = column.nulls()
    if mask is None:
        return codes, column, weights
    kept = np.flatnonzero(~mask)
    return (
        None if codes is None else codes.take(kept),
        column.take(kept),
        None if weights is None else weights.take(kept),
    )


def _listed(codes: IntArray | None, rows: int) -> list[int]:
    return [0] * rows if codes is None else codes.tolist()


def _total(weights: IntArray | None, rows: int) -> int:
    """The rows that a batch stands for, exactly."""
    if weights is None:
        return rows
    small = not rows or int(weights.max()) < INTEGER_MAX // rows
    return int(weights.sum()) if small else sum(weights.tolist())


def _grown(array: NDArray[Any], groups: int) -> NDArray[Any]:
    if len(array) >= groups:
        return array
    out = np.zeros(max(groups, 2 * len(array)), array.dtype)
    out[: len(array)] = array
    return out


class Count(Aggregator):
    """count(*) and count(x)."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(1, np.int64)
        self._bound = 0

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        if columns:
            codes, column, weights = _present(codes, columns[0], weights)
            rows = len(column)
        total = _total(weights, rows)
        self._bound = checked(self._bound + total)  # of all groups together: no group can have more
        self._counts = _grown(self._counts, self.groups)
        if codes is None:
            self._counts[0] += total
        elif weights is None:
            counts = np.bincount(codes, minlength=len(self._counts))
            self._counts += counts
        else:
            np.add.at(self._counts, codes, weights)

    def result(self) -> Column:
        return TypedColumn(Kind.INTEGER, _grown(self._counts, self.groups)[: self.groups])


class Sum(Aggregator):
    """sum and avg: exact integers, checked once at the end, so that no order of rows decides about an overflow.

    Integers are added up in 64 bits for as long as no group can have left them, then as Python integers.
    """

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self._mean = mean
        self._counts = np.zeros(1, np.int64)
        self._integers = np.zeros(1, np.int64)
        self._bound = 0
        self._large: dict[int, int] = {}
        self._floats = np.zeros(1, np.float64)
        self._has_float = np.zeros(1, np.bool_)
        self._durations: dict[int, Duration] = {}

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, weights = _present(codes, columns[0], weights)
        rows = len(column)
        for name in ("_counts", "_integers", "_floats", "_has_float"):
            setattr(self, name, _grown(getattr(self, name), self.groups))
        if not rows:
            return
        if not self._durations and isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
            self._add_numbers(codes, column, weights, rows)
            return
        scale = [1] * rows if weights is None else weights.tolist()
        for code, value, weight in zip(_listed(codes, rows), column.values(), scale, strict=True):
            self._add(code, value, weight)

    def _add_numbers(self, codes: IntArray | None, column: TypedColumn, weights: IntArray | None, rows: int) -> None:
        data, total = column.data, _total(weights, rows)
        if column.kind == Kind.INTEGER:
            largest = max(abs(int(data.min())), abs(int(data.max())))
            if self._bound + largest * total > INTEGER_MAX:
                scale = [1] * rows if weights is None else weights.tolist()
                for code, value, weight in zip(_listed(codes, rows), data.tolist(), scale, strict=True):
                    self._large[code] = self._large.get(code, 0) + value * weight
            else:
                self._bound += largest * total
                weighed = data if weights is None else data * weights
                if codes is None:
                    self._integers[0] += weighed.sum()
                else:
                    np.add.at(self._integers, codes, weighed)
        else:
            with np.errstate(all="ignore"):  # IEEE: infinities and NaN are values
                weighed = data if weights is None else data * weights
                if codes is None:
                    self._floats[0] += weighed.sum()
                    self._has_float[0] = True
                else:
                    self._floats += np.bincount(codes, weighed, len(self._floats))
                    self._has_float[codes] = True
        if codes is None:
            self._counts[0] += total
        elif weights is None:
            self._counts += np.bincount(codes, minlength=len(self._counts))
        else:
            np.add.at(self._counts, codes, weights)

    def _add(self, code: int, value: Value, weight: int) -> None:
        kind = type(value)
        if kind not in (int, float, Duration):
            raise TypeMismatch(f"Cannot sum {type_name(value)}.")
        if isinstance(value, Duration):
            held = self._durations.get(code)
            if held is None and self._counts[code]:
                add(0, value)  # a number and a duration: the law says how that fails
            part = value if weight == 1 else value.times(weight)
            self._durations[code] = part if held is None else held.plus(part)
        elif code in self._durations:
            add(self._durations[code], value)
        elif kind is int:
            self._large[code] = self._large.get(code, 0) + value * weight
        else:
            with np.errstate(all="ignore"):
                self._floats[code] += value * weight
            self._has_float[code] = True
        self._counts[code] += weight

    def _number(self, code: int, integer: int) -> Value:
        """The sum of one group's numbers."""
        integer += self._large.get(code, 0)
        if self._has_float[code]:
            return float(self._floats[code]) + integer
        if not self._mean and not INTEGER_MIN <= integer <= INTEGER_MAX:
            raise ArithmeticOverflow("A sum does not fit 64 bits.")
        return integer

    def result(self) -> Column:
        count = self.groups
        integers = _grown(self._integers, count)[:count]
        has_float, counts = _grown(self._has_float, count)[:count], _grown(self._counts, count)[:count]
        if not self._large and not self._durations:
            if not self._mean and not has_float.any():
                return TypedColumn(Kind.INTEGER, integers)
            if has_float.all() or self._mean:
                totals = integers + _grown(self._floats, count)[:count]
                if not self._mean:
                    return TypedColumn(Kind.FLOAT, totals)
                if self._bound < 1 << 53:  # beyond it a float has no room for every integer
                    none = counts == 0
                    means = totals / np.where(none, 1, counts)
                    return TypedColumn(Kind.FLOAT, means, none if none.any() else None)
        out: list[Value] = []
        for code, (integer, rows) in enumerate(zip(integers.tolist(), counts.tolist(), strict=True)):
            total: Value = self._durations.get(code)
            if total is None:
                total = self._number(code, integer)
            if not self._mean:
                out.append(total)
            elif rows == 0:
                out.append(None)
            else:
                out.append(total.divided(rows) if isinstance(total, Duration) else total / rows)
        return lift(out)


class Extreme(Aggregator):
    """min and max, by orderability."""

    def __init__(self, largest: bool) -> None:
        super().__init__()
        self._largest = largest
        self._best: list[tuple[Any, Value] | None] = []

    def grow(self, groups: int) -> None:
        super().grow(groups)
        self._best.extend([None] * (groups - len(self._best)))

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        rows = len(column)
        if not rows:
            return
        if isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
            # NaN is larger than every number: maximum passes it on, fmin passes it over.
            reduce = np.maximum if self._largest else np.fmin
            if codes is None:
                pairs = [(0, reduce.reduce(column.data).item())]
            else:
                order = np.argsort(codes, kind="stable")
                ordered = codes.take(order)
                starts = np.flatnonzero(np.diff(ordered, prepend=-1))
                best = reduce.reduceat(column.data.take(order), starts)
                pairs = list(zip(ordered.take(starts).tolist(), best.tolist(), strict=True))
        elif isinstance(column, TemporalColumn):
            if codes is None:
                pairs = [(0, column.item(extreme_position(column, self._largest)))]
            else:
                order = np.lexsort((ranks(column), codes))
                changes = np.flatnonzero(np.diff(codes.take(order), prepend=-1, append=-1))
                chosen = order.take(changes[1:] - 1 if self._largest else changes[:-1])
                pairs = list(zip(codes.take(chosen).tolist(), column.take(chosen).values(), strict=True))
        else:
            pairs = list(zip(_listed(codes, rows), column.values(), strict=True))
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

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        extra = columns[1].values() if len(columns) > 1 else None
        if extra is not None:
            for code, value in zip(_listed(codes, rows), extra, strict=True):
                self._extra[code] = value
        codes, column, weights = _present(codes, columns[0], weights)
        values, groups = column.values(), _listed(codes, len(column))
        if self._distinct:
            for code, value in zip(groups, values, strict=True):
                self._values[code].setdefault(equivalence_key(value), value)
        elif weights is None:
            for code, value in zip(groups, values, strict=True):
                self._values[code].append(value)
        else:
            for code, value, weight in zip(groups, values, weights.tolist(), strict=True):
                self._values[code].extend([value] * weight)

    def result(self) -> Column:
        out = []
        for values, extra in zip(self._values, self._extra, strict=True):
            out.append(self._finish(list(values.values()) if self._distinct else values, extra))
        return lift(out)


class CountDistinct(Aggregator):
    """count(DISTINCT x): nodes and relationships as packed numbers, kind by kind; anything else as sets of keys."""

    def __init__(self) -> None:
        super().__init__()
        self._packed: dict[Kind, list[IntArray]] = {Kind.NODE: [], Kind.RELATIONSHIP: []}
        """Group number and slot in one integer."""
        self._sets: dict[int, set[Any]] = {}

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        if codes is None:
            codes = np.zeros(len(column), np.int64)
        packed = self._packed.get(column.kind) if isinstance(column, TypedColumn) else None
        if isinstance(column, TypedColumn) and packed is not None and len(codes) and int(codes.max()) < 1 << 31:
            packed.append(distinct(codes << 32 | column.data))
            if len(packed) > 32:
                packed[:] = [distinct(np.concatenate(packed))]
            return
        if isinstance(column, TemporalColumn):
            # Of equal values in a group one object is enough.
            _, first = group_rows([column], codes, len(column))
            codes, column = codes.take(first), column.take(first)
        for code, value in zip(codes.tolist(), column.values(), strict=True):
            self._sets.setdefault(code, set()).add(equivalence_key(value))

    def result(self) -> Column:
        counts = np.zeros(self.groups, np.int64)
        for kind, packed in self._packed.items():
            if not packed:
                continue
            pairs = distinct(np.concatenate(packed))
            counts += np.bincount(pairs >> 32, minlength=self.groups)
            reference = NodeRef if kind == Kind.NODE else RelationshipRef
            for code in self._sets:
                # A column that was typed in one batch and a list in another: count what both have once.
                mine = pairs[pairs >> 32 == code] & 0xFFFFFFFF
                self._sets[code] -= {reference(s) for s in mine.tolist()}
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
    ordered = sorted(_numbers(values, "percentileCont"), key=order_key)
    place = _percentile(share, "percentileCont") * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def _discrete(values: list[Value], share: Value) -> Value:
    if not values:
        return None
    ordered = sorted(_numbers(values, "percentileDisc"), key=order_key)
    place = _percentile(share, "percentileDisc")
    return ordered[max(0, math.ceil(place * len(ordered)) - 1)]


def _deviation(values: list[Value], population: bool) -> Value:
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


def _added(values: list[Value], mean: bool) -> Value:
    total = Sum(mean)
    total.grow(1)
    total.update(None, [lift(values)], None, len(values))
    return total.result().item(0)


_FINISH: Final[dict[str, Callable[[list[Value], Value], Value]]] = {
    "collect": lambda values, _: values,
    "percentilecont": _continuous,
    "percentiledisc": _discrete,
    "stdev": lambda values, _: _deviation(values, False),
    "stdevp": lambda values, _: _deviation(values, True),
    "sum": lambda values, _: _added(values, False),
    "avg": lambda values, _: _added(values, True),
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
