"""Aggregates: declarations, and accumulators that take a batch at a time.

An ``Aggregator`` holds the state of all groups of one aggregate. ``update`` gets, for each row, the number of its
group; rows with weight w count w times. min, max and DISTINCT aggregates ignore weights. Typed numbers run in numpy;
everything else by scalar semantics. Float sums are plain additions, so their last digits depend on row order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arithmetic import add, checked
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from memoradb.core.footprint import items_bytes
from memoradb.core.limits import BATCH_ROWS
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Value

from ..bind.types import Type
from ..kernels.group_numbers import GroupNumbers
from ..kernels.grouping import order_codes
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

    check: Callable[[], None] = staticmethod(lambda: None)
    """Called now and then where finishing takes long: it may stop the statement."""

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

    def part(self, groups: IntArray) -> Aggregator:
        """The state of some groups alone, numbered anew in that order."""
        raise NotImplementedError

    @property
    def bytes(self) -> int:
        """The memory that the state takes."""
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


def _grown(array: NDArray[Any], groups: int, empty: float = 0) -> NDArray[Any]:
    if len(array) >= groups:
        return array
    room = max(groups, 2 * len(array))
    # Memory that is zero from the start costs only when it is used.
    out = np.zeros(room, array.dtype) if empty == 0 else np.full(room, empty, array.dtype)
    out[: len(array)] = array
    return out


_ENTRY_BYTES: Final = 120
"""One group in a dict: key, value and place."""


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
        else:
            np.add.at(self._counts, codes, 1 if weights is None else weights)

    def result(self) -> Column:
        return TypedColumn(Kind.INTEGER, _grown(self._counts, self.groups)[: self.groups])

    def part(self, groups: IntArray) -> Aggregator:
        out = Count()
        out.grow(len(groups))
        out._counts, out._bound = _grown(self._counts, self.groups).take(groups), self._bound
        return out

    @property
    def bytes(self) -> int:
        return self._counts.nbytes


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
        if len(self._counts) < self.groups:
            for name in ("_counts", "_integers", "_floats", "_has_float"):
                self.check()
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
                    np.add.at(self._floats, codes, weighed)
                    self._has_float[codes] = True
        if codes is None:
            self._counts[0] += total
        else:
            np.add.at(self._counts, codes, 1 if weights is None else weights)

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

    def part(self, groups: IntArray) -> Aggregator:
        out = Sum(self._mean)
        out.grow(len(groups))
        for name in ("_counts", "_integers", "_floats", "_has_float"):
            setattr(out, name, _grown(getattr(self, name), self.groups).take(groups))
        out._bound = self._bound
        for new, old in enumerate(groups.tolist() if self._large or self._durations else ()):
            if old in self._large:
                out._large[new] = self._large[old]
            if old in self._durations:
                out._durations[new] = self._durations[old]
        return out

    @property
    def bytes(self) -> int:
        arrays = self._counts.nbytes + self._integers.nbytes + self._floats.nbytes + self._has_float.nbytes
        return arrays + _ENTRY_BYTES * (len(self._large) + len(self._durations))

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
    """min and max, by orderability: in an array while all values are integers, or all floats, else value by value."""

    def __init__(self, largest: bool) -> None:
        super().__init__()
        self._largest = largest
        self._kind: Kind | None = None
        self._array: NDArray[Any] = np.zeros(0, np.int64)
        self._empty: float = 0
        self._has = np.zeros(0, np.bool_)
        self._best: dict[int, tuple[Any, Value]] | None = None

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        rows = len(column)
        if not rows:
            return
        if self._best is None and isinstance(column, TypedColumn) and self._takes(column.kind):
            self._reduce(codes, column)
            return
        self._leave()
        assert self._best is not None
        best, largest = self._best, self._largest
        for code, value in self._candidates(codes, column, rows):
            key = order_key(value)
            held = best.get(code)
            if held is None or (key > held[0] if largest else key < held[0]):
                best[code] = (key, value)

    def _takes(self, kind: Kind) -> bool:
        if self._kind is not None or kind not in (Kind.INTEGER, Kind.FLOAT):
            return self._kind == kind
        self._kind = kind
        if kind == Kind.FLOAT:
            # NaN is larger than every number: maximum passes it on, fmin passes it over.
            self._empty = -math.inf if self._largest else math.nan
        else:
            self._empty = INTEGER_MIN if self._largest else INTEGER_MAX
        self._array = np.zeros(0, np.float64 if kind == Kind.FLOAT else np.int64)
        return True

    def _reduce(self, codes: IntArray | None, column: TypedColumn) -> None:
        reduce = np.maximum if self._largest else np.fmin
        self._array, self._has = _grown(self._array, self.groups, self._empty), _grown(self._has, self.groups)
        with np.errstate(invalid="ignore"):  # NaN is a value
            if codes is None:
                self._array[0] = reduce(self._array[0], reduce.reduce(column.data))
                self._has[0] = True
            else:
                reduce.at(self._array, codes, column.data)
                self._has[codes] = True

    def _leave(self) -> None:
        """Another type came: go on value by value."""
        if self._best is None:
            held = np.flatnonzero(self._has)
            values = self._array.take(held).tolist()
            self._best = {code: (order_key(v), v) for code, v in zip(held.tolist(), values, strict=True)}
            self._array, self._has = self._array[:0], self._has[:0]

    def _candidates(self, codes: IntArray | None, column: Column, rows: int) -> Iterable[tuple[int, Value]]:
        """(group, value) of the rows that can be the extreme of their group."""
        found = order_codes(column, rows)
        if found is None:
            return zip(_listed(codes, rows), column.values(), strict=True)
        if codes is None:
            position = int(found[1].argmax() if self._largest else found[1].argmin())
            return [(0, column.item(position))]
        if self.groups <= 4 * rows:
            # The best of each group in an array, then the first row that has it.
            keys = found[1] if self._largest else ~found[1]
            best = np.full(self.groups, INTEGER_MIN, np.int64)
            np.maximum.at(best, codes, keys)
            rows_of_best = np.flatnonzero(best.take(codes) == keys)
            first = np.full(self.groups, -1, np.int64)
            first[codes.take(rows_of_best[::-1])] = rows_of_best[::-1]
            chosen = first.compress(first >= 0)
        else:
            order = np.lexsort((found[1], codes))
            changes = np.flatnonzero(np.diff(codes.take(order), prepend=-1, append=-1))
            chosen = order.take(changes[1:] - 1 if self._largest else changes[:-1])
        return zip(codes.take(chosen).tolist(), column.take(chosen).values(), strict=True)

    def result(self) -> Column:
        if self._best is not None:
            none = (None, None)
            return lift([self._best.get(code, none)[1] for code in range(self.groups)])
        array = _grown(self._array, self.groups, self._empty)[: self.groups]
        missing = ~_grown(self._has, self.groups)[: self.groups]
        if self._kind is None:
            return lift([None] * self.groups)
        return TypedColumn(self._kind, array, missing if missing.any() else None)

    def part(self, groups: IntArray) -> Aggregator:
        out = Extreme(self._largest)
        out.grow(len(groups))
        if self._best is not None:
            held = ((new, self._best.get(old)) for new, old in enumerate(groups.tolist()))
            out._best = {new: best for new, best in held if best is not None}
        elif self._kind is not None:
            out._takes(self._kind)
            out._array = _grown(self._array, self.groups, self._empty).take(groups)
            out._has = _grown(self._has, self.groups).take(groups)
        return out

    @property
    def bytes(self) -> int:
        return self._array.nbytes + self._has.nbytes + 2 * _ENTRY_BYTES * len(self._best or ())


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
            for code, value in zip(_listed(codes, rows), extra, strict=True):
                self._extra[code] = value
        codes, column, weights = _present(codes, columns[0], weights)
        values = column.values()
        if self._distinct:
            before = sum(map(len, self._values)) if self.groups < rows else -1
            for code, value in zip(_listed(codes, len(values)), values, strict=True):
                self._values[code].setdefault(equivalence_key(value), value)
            fresh = sum(map(len, self._values)) - before if before >= 0 else len(values)
            self._bytes += fresh * _ENTRY_BYTES + items_bytes(values) * fresh // max(len(values), 1)
            return
        self._bytes += 8 * (len(values) if weights is None else _total(weights, len(values))) + items_bytes(values)
        if weights is not None:
            for code, value, weight in zip(_listed(codes, len(values)), values, weights.tolist(), strict=True):
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
        super().__init__(_continuous if continuous else _discrete, False)
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
            _, present, _ = _present(None, column, None)
            assert isinstance(present, TypedColumn)
            if len(present):
                self._runs.append(np.sort(present.data))
                self._bytes += present.data.nbytes
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


class CountDistinct(Aggregator):
    """count(DISTINCT x): how many pairs of group and value there are."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs = GroupNumbers(check=lambda: self.check())
        self._counts = np.zeros(1, np.int64)

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, _ = _present(codes, columns[0], None)
        self._counts = _grown(self._counts, self.groups)
        rows = len(column)
        if codes is None:
            codes = np.zeros(rows, np.int64)
        _, fresh = self._pairs.assign([TypedColumn(Kind.INTEGER, codes), column], None, rows)
        np.add.at(self._counts, codes.take(fresh), 1)

    def result(self) -> Column:
        return TypedColumn(Kind.INTEGER, _grown(self._counts, self.groups)[: self.groups])

    def part(self, groups: IntArray) -> Aggregator:
        out = CountDistinct()
        out.grow(len(groups))
        if self._pairs.count:
            codes, values = self._pairs.key_columns()
            assert isinstance(codes, TypedColumn)
            number = np.full(self.groups, -1, np.int64)
            number[groups] = np.arange(len(groups))
            mine = number.take(codes.data)
            kept = np.flatnonzero(mine >= 0)
            for start in range(0, len(kept), BATCH_ROWS):
                some = kept[start : start + BATCH_ROWS]
                out.update(mine.take(some), [values.take(some)], None, len(some))
        return out

    @property
    def bytes(self) -> int:
        return self._counts.nbytes + self._pairs.bytes


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
    if function in ("percentilecont", "percentiledisc") and not distinct:
        return Percentile(function == "percentilecont")
    return Gathered(_FINISH[function], distinct)
