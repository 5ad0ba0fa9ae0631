"""What a column held before it was overwritten, for snapshots that are older.

By slot for one value, and in the order of the writes for many: the first value after a position of every slot that was
overwritten since is a *patch*, made once for a position and kept while it is asked for. A scan at an old snapshot so
costs one more array access a row, not a look-up.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import distinct
from memoradb.core.columns import BoolArray, Column, IntArray, ListColumn, StringColumn, TypedColumn, lift
from memoradb.core.temporal_columns import TemporalColumn, with_zones
from memoradb.core.values import Value

PATCHES_KEPT: Final = 4
"""Positions whose patches are kept: of the readers that are at work."""

TAIL_MIN: Final = 256
"""Overwrites since a patch was made that are looked up one by one, at least."""


@dataclass(frozen=True, slots=True)
class _Patch:
    """The old values of the slots that were overwritten after a position, up to the ``upto``-th overwrite."""

    upto: int
    place: NDArray[np.int32]
    """By slot: where in ``values`` its old value is, -1 where it was not overwritten; the last stands for the rest."""
    values: Column


class Overwrites:
    """One column's. One writer; readers look after they have read the column itself."""

    def __init__(self) -> None:
        self.by_slot: dict[int, list[tuple[int, Value]]] = {}
        """(position of the overwrite, value before it), oldest first; lists are replaced, never changed."""
        self._log = (0, array("q"), array("q"))
        """How many overwrites were dropped, and slots and positions of the others in their order."""
        self._dropped = 0
        self._patches: dict[int, _Patch] = {}

    def __bool__(self) -> bool:
        return bool(self.by_slot)

    def add(self, slot: int, value: Value, position: int) -> None:
        """``slot`` held ``value`` and is about to be overwritten at ``position``."""
        self.by_slot[slot] = [*self.by_slot.get(slot, ()), (position, value)]
        _, slots, positions = self._log
        slots.append(slot)
        positions.append(position)

    def add_all(self, slots: Sequence[int], values: Sequence[Value], position: int) -> None:
        """The same for many slots, each named once."""
        by_slot = self.by_slot
        for slot, value in zip(slots, values, strict=True):
            known = by_slot.get(slot)
            by_slot[slot] = [(position, value)] if known is None else [*known, (position, value)]
        _, logged, positions = self._log
        logged.extend(slots)
        positions.extend(repeat(position, len(slots)))

    def forget(self, slot: int, position: int) -> None:
        """Nobody asks for what ``slot`` held before ``position``: called in the order of the writes."""
        changes = self.by_slot.get(slot)
        if changes is not None:
            if changes[-1][0] <= position:
                del self.by_slot[slot]
            else:
                self.by_slot[slot] = [change for change in changes if change[0] > position]
        self._dropped += 1
        dropped, slots, positions = self._log
        done = self._dropped - dropped
        if done >= 1024 and done * 2 > len(slots):
            self._log = (self._dropped, slots[done:], positions[done:])
            self._patches = {}

    def old(self, slot: int, position: int, value: Value) -> Value:
        """What ``slot``, which has ``value`` now, held at ``position``."""
        for at, before in self.by_slot.get(slot, ()):
            if at > position:
                return before
        return value

    def since(self, position: int) -> IntArray:
        """The slots that were overwritten after ``position``, ascending."""
        _, slots, positions = self._log
        return distinct(np.array(slots[bisect_right(positions, position) :], np.int64))

    # --- columns

    def patched(self, column: Column, slots: IntArray, position: int) -> Column:
        """``column``, the values of ``slots`` now, as it was at ``position``. Its arrays are taken over."""
        if len(slots) < 64:
            return replaced(column, self._items(enumerate(slots.tolist()), position))
        patch = self._patch(position)
        place = patch.place
        found = place.take(slots, mode="clip")  # its last one is -1, for all slots above
        rows = np.flatnonzero(found >= 0)
        if len(rows):
            column = _merged(column, rows, patch.values.take(found.take(rows).astype(np.int64)))
        tail = self._tail(patch.upto)
        if len(tail):
            rows = np.flatnonzero(np.isin(slots, tail))
            column = replaced(column, self._items(zip(rows.tolist(), slots.take(rows).tolist(), strict=True), position))
        return column

    def _items(self, rows: Iterable[tuple[int, int]], position: int) -> dict[int, Value]:
        found: dict[int, Value] = {}
        by_slot = self.by_slot
        for row, slot in rows:
            for at, before in by_slot.get(slot, ()):
                if at > position:
                    found[row] = before
                    break
        return found

    def _tail(self, upto: int) -> IntArray:
        dropped, slots, _ = self._log
        return np.array(slots[max(0, upto - dropped) :], np.int64)

    def _patch(self, position: int) -> _Patch:
        known = self._patches.get(position)
        dropped, slots, _ = self._log
        if known is not None and dropped + len(slots) - known.upto <= max(TAIL_MIN, len(known.values) // 8):
            return known
        upto = dropped + len(slots)  # before the values are looked up: what comes meanwhile is in the tail
        overwritten = self.since(position).tolist()
        before = [(slot, at) for slot in overwritten if (at := self._first(slot, position)) is not None]
        place = np.full(before[-1][0] + 2 if before else 1, -1, np.int32)
        place[[slot for slot, _ in before]] = np.arange(len(before))
        made = _Patch(upto, place, lift([value for _, (_, value) in before]))
        self._patches = {**dict(list(self._patches.items())[1 - PATCHES_KEPT :]), position: made}
        return made

    def _first(self, slot: int, position: int) -> tuple[int, Value] | None:
        return next((change for change in self.by_slot.get(slot, ()) if change[0] > position), None)


def _merged(column: Column, rows: IntArray, values: Column) -> Column:
    """``column`` with ``values`` at ``rows``; in its arrays where both are of one kind."""
    if isinstance(column, TypedColumn) and isinstance(values, TypedColumn) and column.kind == values.kind:
        data = column.data
        data[rows] = values.data
        return TypedColumn(column.kind, data, _mask(column.mask, values.mask, rows, len(data)))
    if isinstance(column, StringColumn):
        strings = values.values()
        if all(v is None or type(v) is str for v in strings):
            find = column.dictionary.code
            codes = np.array([-2 if v is None else find(v) for v in strings], np.int32)
            if not (codes == -1).any():
                column.codes[rows] = np.where(codes == -2, -1, codes)
                return column
    if isinstance(column, TemporalColumn) and isinstance(values, TemporalColumn) and column.kind == values.kind:
        old = values.arrays if column.zones is None else with_zones(values, column.zones)
        for array_, new in zip(column.arrays, old, strict=True):
            array_[rows] = new
        return TemporalColumn(
            column.kind, column.arrays, column.zones, _mask(column.mask, values.mask, rows, len(column))
        )
    return replaced(column, dict(zip(rows.tolist(), values.values(), strict=True)))


def _mask(mask: BoolArray | None, new: BoolArray | None, rows: IntArray, length: int) -> BoolArray | None:
    if mask is None and new is None:
        return None
    merged = np.zeros(length, np.bool_) if mask is None else mask
    merged[rows] = False if new is None else new
    return merged if merged.any() else None


def replaced(column: Column, items: dict[int, Value]) -> Column:
    """``column`` with other values at some positions."""
    if not items:
        return column
    values = list(column.values())
    for i, value in items.items():
        values[i] = value
    return ListColumn(values)
