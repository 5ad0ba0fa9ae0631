"""count, sum and avg. Float sums are plain additions, so their last digits depend on row order."""

from __future__ import annotations

import numpy as np

from memoradb.core.arithmetic import add, checked
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.errors import ArithmeticOverflow, TypeMismatch
from memoradb.core.limits import BATCH_ROWS
from memoradb.core.semantics import type_name
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Value

from ..kernels.group_numbers import GroupNumbers
from .aggregator import ENTRY_BYTES, Aggregator, grown, listed, present, total_rows


class Count(Aggregator):
    """count(*) and count(x)."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(1, np.int64)
        self._bound = 0

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        if columns:
            codes, column, weights = present(codes, columns[0], weights)
            rows = len(column)
        total = total_rows(weights, rows)
        self._bound = checked(self._bound + total)  # of all groups together: no group can have more
        self._counts = grown(self._counts, self.groups)
        if codes is None:
            self._counts[0] += total
        else:
            np.add.at(self._counts, codes, 1 if weights is None else weights)

    def result(self) -> Column:
        return TypedColumn(Kind.INTEGER, grown(self._counts, self.groups)[: self.groups])

    def part(self, groups: IntArray) -> Aggregator:
        out = Count()
        out.grow(len(groups))
        out._counts, out._bound = grown(self._counts, self.groups).take(groups), self._bound
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
        codes, column, weights = present(codes, columns[0], weights)
        rows = len(column)
        if len(self._counts) < self.groups:
            for name in ("_counts", "_integers", "_floats", "_has_float"):
                self.check()
                setattr(self, name, grown(getattr(self, name), self.groups))
        if not rows:
            return
        if not self._durations and isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
            self._add_numbers(codes, column, weights, rows)
            return
        scale = [1] * rows if weights is None else weights.tolist()
        for code, value, weight in zip(listed(codes, rows), column.values(), scale, strict=True):
            self._add(code, value, weight)

    def _add_numbers(self, codes: IntArray | None, column: TypedColumn, weights: IntArray | None, rows: int) -> None:
        data, total = column.data, total_rows(weights, rows)
        if column.kind == Kind.INTEGER:
            largest = max(abs(int(data.min())), abs(int(data.max())))
            if self._bound + largest * total > INTEGER_MAX:
                scale = [1] * rows if weights is None else weights.tolist()
                for code, value, weight in zip(listed(codes, rows), data.tolist(), scale, strict=True):
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
            setattr(out, name, grown(getattr(self, name), self.groups).take(groups))
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
        return arrays + ENTRY_BYTES * (len(self._large) + len(self._durations))

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
        integers = grown(self._integers, count)[:count]
        has_float, counts = grown(self._has_float, count)[:count], grown(self._counts, count)[:count]
        if not self._large and not self._durations:
            if not self._mean and not has_float.any():
                return TypedColumn(Kind.INTEGER, integers)
            if has_float.all() or self._mean:
                totals = integers + grown(self._floats, count)[:count]
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


class CountDistinct(Aggregator):
    """count(DISTINCT x): how many pairs of group and value there are."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs = GroupNumbers(check=lambda: self.check())
        self._counts = np.zeros(1, np.int64)

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        codes, column, _ = present(codes, columns[0], None)
        self._counts = grown(self._counts, self.groups)
        rows = len(column)
        if codes is None:
            codes = np.zeros(rows, np.int64)
        _, fresh = self._pairs.assign([TypedColumn(Kind.INTEGER, codes), column], None, rows)
        np.add.at(self._counts, codes.take(fresh), 1)

    def result(self) -> Column:
        return TypedColumn(Kind.INTEGER, grown(self._counts, self.groups)[: self.groups])

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
