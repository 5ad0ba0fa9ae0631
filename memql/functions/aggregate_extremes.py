"""min and max."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.semantics import order_key
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Value

from ..kernels.grouping import order_codes
from .aggregator import ENTRY_BYTES, Aggregator, grown, listed, present


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
        codes, column, _ = present(codes, columns[0], None)
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
        self._array, self._has = grown(self._array, self.groups, self._empty), grown(self._has, self.groups)
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
            return zip(listed(codes, rows), column.values(), strict=True)
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
        array = grown(self._array, self.groups, self._empty)[: self.groups]
        missing = ~grown(self._has, self.groups)[: self.groups]
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
            out._array = grown(self._array, self.groups, self._empty).take(groups)
            out._has = grown(self._has, self.groups).take(groups)
        return out

    @property
    def bytes(self) -> int:
        return self._array.nbytes + self._has.nbytes + 2 * ENTRY_BYTES * len(self._best or ())
