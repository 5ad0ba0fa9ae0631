"""Groups over many batches: combinations of key values are numbered from 0 in order of first appearance.

Keys of slots, integers, booleans, string codes, dates and floats are packed into one integer, part by part, each with
a place for null and for every value from the least to the greatest seen; parts grow as values come, by doubling. The
packed key indexes an array of numbers where that is not much larger than the rows (a perfect hash; DESIGN 4.3), else an
``IntegerTable``. Anything else, values of changing type and very few rows are numbered by a dict of equivalence keys,
which is the law; packed keys move there when a batch comes that cannot be packed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    Dictionary,
    IntArray,
    Kind,
    StringColumn,
    TypedColumn,
    concat,
    lift,
)
from memoradb.core.footprint import column_bytes
from memoradb.core.limits import KERNEL_ROWS_MIN, SORT_RUN_ROWS
from memoradb.core.temporal_columns import TemporalColumn, TemporalKind

from .grouping import ROOM_MAX, dense_room, firsts, group_rows, numbered, row_keys
from .integer_table import IntegerTable

_ENTRY_BYTES: Final = 180
"""One key of the dict: its tuple and place."""

_UPGRADE_GROUPS_MAX: Final = 4_096
"""Groups numbered one by one at first that are packed when larger batches come."""

Form: TypeAlias = Kind | TemporalKind | Dictionary
"""What the integers of a key stand for."""


def _form(column: Column) -> Form | None:
    if isinstance(column, TypedColumn) and column.kind != Kind.FLOAT:
        return column.kind
    if isinstance(column, StringColumn):
        return column.dictionary
    if isinstance(column, TemporalColumn) and len(column.arrays) == 1:
        return column.kind
    return None


def _integers(column: Column) -> tuple[IntArray, BoolArray | None]:
    if isinstance(column, StringColumn):
        return column.codes.astype(np.int64), None  # the code of null, -1, is one below the least: its cell is 0
    if isinstance(column, TemporalColumn):
        return column.arrays[0].astype(np.int64, copy=False), column.mask
    assert isinstance(column, TypedColumn)
    return column.data.astype(np.int64, copy=False), column.mask


def _constant(column: ConstantColumn, form: Form | None) -> Column:
    """A column of one value in the form that the key has, where it can be."""
    if form is not None and not isinstance(form, (Kind, TemporalKind)):
        code = -1 if column.value is None else form.code(column.value) if type(column.value) is str else -2
        if code > -2 and (code >= 0 or column.value is None):
            return StringColumn(np.full(column.length, code, np.int32), form)
        return column
    if column.value is None and isinstance(form, Kind):
        return TypedColumn(form, np.zeros(column.length, np.int64), np.ones(column.length, np.bool_))
    one = lift([column.value])
    return one.take(np.zeros(column.length, np.int64)) if _form(one) is not None else column


@dataclass(slots=True)
class _Part:
    """One key: cell 0 is null, cell i is the value ``low + i - 1``."""

    form: Form | None
    low: int
    high: int

    @property
    def cells(self) -> int:
        return self.high - self.low + 2

    def decoded(self, cells: IntArray) -> Column:
        mask = cells == 0
        data = np.where(mask, 0, cells + (self.low - 1)) if mask.any() else cells + (self.low - 1)
        nulls = mask if mask.any() else None
        form = self.form
        if isinstance(form, TemporalKind):
            return TemporalColumn(form, (data,), None, nulls)
        if isinstance(form, Kind):
            return TypedColumn(form, data.astype(np.bool_) if form == Kind.BOOLEAN else data, nulls)
        assert form is not None
        return StringColumn((cells - 1).astype(np.int32), form)


class GroupNumbers:
    """Numbers combinations of key values, per row of the frame where ``per_row``."""

    def __init__(
        self,
        per_row: int | None = None,
        rows_min: int = KERNEL_ROWS_MIN,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """``per_row``: how many rows the frame has, where each has groups of its own.

        Batches of fewer than ``rows_min`` rows do not begin to be packed. ``check`` is called now and then where much
        has to be done at once: it may stop the statement.
        """
        self._check = check
        self.count = 0
        self._rows_min = rows_min
        self._per_row = per_row
        self._rows_seen = 0
        self._parts: list[_Part] | None = None
        """Of packed keys; None while keys are numbered by ``_numbers``."""
        self._keys: IntArray = np.empty(0, np.int64)
        self._dense: IntArray | None = None
        self._table: IntegerTable | None = None
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._kept: list[list[Column]] = []
        self._kept_rows: list[IntArray] = []
        self._kept_bytes = 0

    # --- what is known

    @property
    def bytes(self) -> int:
        """What it keeps."""
        total = self._keys.nbytes + self._kept_bytes + _ENTRY_BYTES * len(self._numbers)
        total += 0 if self._dense is None else self._dense.nbytes
        return total + (0 if self._table is None else self._table.bytes)

    def key_columns(self, start: int = 0, stop: int | None = None) -> list[Column]:
        """The keys of a range of groups, or all, by number: the first value of each class that came."""
        if self._parts is not None:
            parts = self._parts if self._per_row is None else self._parts[1:]
            cells = self._cells(start, stop)
            cells = cells if self._per_row is None else cells[1:]
            return [part.decoded(c) for part, c in zip(parts, cells, strict=True)]
        if not self._kept:
            return []
        if len(self._kept) > 1:
            self._kept = [[concat(list(pieces)) for pieces in zip(*self._kept, strict=True)]]
        columns = self._kept[0]
        return columns if stop is None else [column.slice(start, stop) for column in columns]

    def rows(self) -> IntArray:
        """The argument row of each group."""
        if self._per_row is None:
            return np.zeros(self.count, np.int64)
        if self._parts is not None:
            return self._cells()[0] - 1
        return np.concatenate(self._kept_rows) if self._kept_rows else np.zeros(0, np.int64)

    def _cells(self, start: int = 0, stop: int | None = None) -> list[IntArray]:
        """The packed keys of a range of groups taken apart."""
        assert self._parts is not None
        rest, out = self._keys[start : self.count if stop is None else min(stop, self.count)], []
        for part in reversed(self._parts[1:]):
            rest, cell = np.divmod(rest, part.cells)
            out.append(cell)
        return [rest, *reversed(out)]

    # --- numbering

    def assign(self, columns: Sequence[Column], row: IntArray | None, length: int) -> tuple[IntArray, IntArray]:
        """(the group of each row, positions of the first row of each new group, ascending)."""
        self._rows_seen += length
        packed = self._packed(columns, row, length)
        if packed is not None:
            return self._assign_packed(packed)
        codes, first = group_rows(columns, row, length)
        numbers = np.empty(len(first), np.int64)
        fresh: list[int] = []
        for i, key in enumerate(row_keys(columns, first, row)):
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self.count
                self.count += 1
                fresh.append(i)
            numbers[i] = number
        positions = first.take(np.array(fresh, np.int64))
        if fresh:
            self._keep([c.take(positions) for c in columns], None if row is None else row.take(positions))
        return numbers.take(codes), positions

    def find(self, columns: Sequence[Column], row: IntArray | None, length: int) -> IntArray:
        """The group of each row, -1 where it has none; no group is made."""
        packed = self._packed(columns, row, length)
        if packed is not None:
            if self._dense is not None:
                return self._dense.take(packed) - 1
            assert self._table is not None
            return self._table.find(packed)
        codes, first = group_rows(columns, row, length)
        known = [self._numbers.get(key, -1) for key in row_keys(columns, first, row)]
        return np.array(known, np.int64).take(codes)

    def _keep(self, columns: list[Column], rows: IntArray | None) -> None:
        self._kept.append(columns)
        self._kept_bytes += sum(map(column_bytes, columns))
        if rows is not None:
            self._kept_rows.append(rows)
            self._kept_bytes += rows.nbytes

    def _assign_packed(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        table = self._table
        if table is not None:
            numbers, fresh = table.assign(keys)
            self._keys, self.count = table.keys, table.count
            return numbers, fresh
        dense = self._dense
        assert dense is not None
        numbers = dense.take(keys)
        numbers -= 1
        if not len(numbers) or int(numbers.min()) >= 0:
            return numbers, np.zeros(0, np.int64)
        missing = np.flatnonzero(numbers < 0)
        wanted = keys.take(missing)
        _, chosen = numbered(firsts(wanted, len(dense)))
        new = wanted.take(chosen)
        dense[new] = np.arange(self.count + 1, self.count + len(new) + 1)
        self._append(new)
        numbers[missing] = dense.take(wanted) - 1
        return numbers, missing.take(chosen)

    def _append(self, keys: IntArray) -> None:
        count = self.count + len(keys)
        if count > len(self._keys):
            grown = np.empty(max(count, 2 * len(self._keys), 64), np.int64)
            grown[: self.count] = self._keys[: self.count]
            self._keys = grown
        self._keys[self.count : count] = keys
        self.count = count

    # --- packing

    def _packed(self, columns: Sequence[Column], row: IntArray | None, length: int) -> IntArray | None:
        """The packed key of each row; None where keys are numbered one by one, from now on."""
        if not length or not columns:
            return None if self._parts is None else np.zeros(0, np.int64)
        if self._parts is None and not self._may_begin(length):
            return None
        known = self._parts if self._per_row is None or self._parts is None else self._parts[1:]
        forms = [None] * len(columns) if known is None else [p.form for p in known]
        columns = [_constant(c, f) if isinstance(c, ConstantColumn) else c for c, f in zip(columns, forms, strict=True)]
        found = [_form(c) for c in columns]
        if any(f is None for f in found) or (
            known is not None and any(a is not b for a, b in zip(found, forms, strict=True))
        ):
            self._leave()
            return None
        if known is None and not self._begin(found, columns):
            return None
        assert self._parts is not None
        arrays = [_integers(c) for c in columns]
        if self._per_row is not None:
            assert row is not None
            arrays.insert(0, (row, None))
        keys = self._pack(arrays)
        if keys is None:
            self._leave()
        return keys

    def _may_begin(self, length: int) -> bool:
        return length >= self._rows_min and self.count <= _UPGRADE_GROUPS_MAX

    def _begin(self, forms: list[Form | None], columns: Sequence[Column]) -> bool:
        """Start to pack; what was numbered one by one is packed, too. False where that cannot be."""
        kept = self.key_columns()
        rows = self.rows()
        if kept and any(_form(c) is not f for c, f in zip(kept, forms, strict=True)):
            return False
        parts = [] if self._per_row is None else [_Part(None, 0, self._per_row - 1)]
        for form in forms:
            high = -1 if form is None or isinstance(form, (Kind, TemporalKind)) else len(form) - 1
            parts.append(_Part(form, 0, 1 if form == Kind.BOOLEAN else high))
        self._parts = parts
        self._table = self._dense = None
        if not kept:
            return True
        arrays = [_integers(c) for c in kept]
        if self._per_row is not None:
            arrays.insert(0, (rows, None))
        count, self.count = self.count, 0
        keys = self._pack(arrays)
        if keys is None:
            self._parts, self.count = None, count
            return False
        self._keys, self.count = keys, count
        self._dense = self._table = None
        self._index()
        self._numbers, self._kept, self._kept_rows, self._kept_bytes = {}, [], [], 0
        return True

    def _pack(self, arrays: Sequence[tuple[IntArray, BoolArray | None]]) -> IntArray | None:
        """The keys of rows; parts grow to hold them. None where they do not fit one integer."""
        assert self._parts is not None
        wanted = [_reaching(p, *a) for p, a in zip(self._parts, arrays, strict=True)]
        if any(a is not b for a, b in zip(wanted, self._parts, strict=True)):
            if _room(wanted) >= ROOM_MAX or any(p.low < -ROOM_MAX or p.high > ROOM_MAX for p in wanted):
                return None
            old, moved = self._parts, np.empty(self.count, np.int64)
            for start in range(0, self.count, SORT_RUN_ROWS):
                self._check()
                self._parts = old
                cells = self._cells(start, start + SORT_RUN_ROWS)
                self._parts = wanted
                moved[start : start + SORT_RUN_ROWS] = self._combined(
                    [np.where(c == 0, 0, c + (p.low - q.low)) for c, p, q in zip(cells, old, wanted, strict=True)]
                )
            self._parts = wanted
            self._keys = moved
            self._dense = self._table = None
        packed = []
        for part, (data, mask) in zip(self._parts, arrays, strict=True):
            cells = data - (part.low - 1) if part.low != 1 else data
            packed.append(cells if mask is None else np.where(mask, 0, cells))
        self._index()
        return self._combined(packed)

    def _combined(self, cells: Sequence[IntArray]) -> IntArray:
        assert self._parts is not None
        keys = cells[0]
        for part, cell in zip(self._parts[1:], cells[1:], strict=True):
            keys = keys * part.cells + cell
        return keys

    def _index(self) -> None:
        """An array of numbers where it pays for as many rows as were seen, else a hash table."""
        assert self._parts is not None
        if self._dense is not None:
            return
        room = _room(self._parts)
        if room <= dense_room(self._rows_seen):
            # One more than the number, so that 0 is none: memory that is zero from the start costs when it is used.
            self._dense = np.zeros(room, np.int64)
            for start in range(0, self.count, SORT_RUN_ROWS):
                self._check()
                keys = self._keys[start : min(start + SORT_RUN_ROWS, self.count)]
                self._dense[keys] = np.arange(start + 1, start + len(keys) + 1)
            self._table = None
        elif self._table is None:
            self._table = IntegerTable(self._keys[: self.count].copy() if self.count else None, self._check)
            self._keys = self._table.keys

    def _leave(self) -> None:
        """Go on one by one: keys came that cannot be packed as those before them."""
        if self._parts is None:
            return
        columns, rows = self.key_columns(), self.rows()
        self._parts = self._dense = self._table = None
        self._keys = np.empty(0, np.int64)
        if not self.count:
            return
        positions = np.arange(self.count)
        per_row = None if self._per_row is None else rows
        self._numbers = {key: i for i, key in enumerate(row_keys(columns, positions, per_row))}
        self._keep(columns, per_row)


def _room(parts: Sequence[_Part]) -> int:
    room = 1
    for part in parts:
        room *= part.cells
    return room


def _reaching(part: _Part, data: IntArray, mask: BoolArray | None) -> _Part:
    """``part``, or one that also holds ``data``: twice as wide as it must be, so that this is seldom."""
    form = part.form
    if form is not None and not isinstance(form, (Kind, TemporalKind)):
        return part if part.high >= len(form) - 1 else _Part(form, 0, 2 * len(form))
    if mask is not None:
        data = data.compress(~mask)
    if not len(data):
        return part
    least, most = int(data.min()), int(data.max())
    if part.low <= least and most <= part.high:
        return part
    if part.high < part.low:  # nothing yet: small numbers and slots from 0, others from where they are
        low = 0 if least >= 0 and most < 4 * len(data) + 1024 else least
        return _Part(part.form, low, max(most, low))
    low, high = min(part.low, least), max(part.high, most)
    width = high - low
    return _Part(part.form, low - width if least < part.low else low, high + width if most > part.high else high)
