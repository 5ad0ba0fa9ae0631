"""Undo: what a column held before a write, kept as long as a snapshot may ask for it.

A write publishes its undo record (log position, old value) *before* it changes the column (DESIGN 5.2). Records are
dropped as the oldest snapshot advances. They may take ``UNDO_BYTES_MAX`` together, and with a clock be kept for
``UNDO_AGE_MS_MAX``: beyond that the oldest go, whoever may still want them, and ``horizon`` says from which position on
a snapshot can be read; an older one fails with SnapshotTooOld. The writer never waits for a reader.

What readers get now, the published state, is never let go: undo of what is not published yet may exceed the budget.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memoradb.core.clock import Clock
from memoradb.core.limits import UNDO_AGE_MS_MAX, UNDO_BYTES_MAX
from memoradb.core.values import Value

if TYPE_CHECKING:
    from .properties.column import PropertyColumn

RECORD_BYTES = 300
"""What one record takes without its value: two tuples, a list, places in a dictionary and a queue."""


def _size(old: Value) -> int:
    return RECORD_BYTES + (sys.getsizeof(old) if old.__class__ in (str, bytes, list, dict) else 0)


class UndoLog:
    """All undo records of one store, oldest first. One writer; readers look at ``horizon`` alone."""

    def __init__(
        self, bytes_max: int = UNDO_BYTES_MAX, clock: Clock | None = None, age_ms_max: int = UNDO_AGE_MS_MAX
    ) -> None:
        self.horizon = -1
        """Snapshots below this position may lack undo."""
        self.published = -1
        """Position of the newest state that readers get: what it needs stays. -1: not told, nothing is kept for it."""
        self.clock = clock
        """Tells how old records are; without one they may be of any age."""
        self._bytes_max = bytes_max
        self._age_ns_max = age_ms_max * 1_000_000
        self._bytes = 0
        self._records: deque[tuple[int, PropertyColumn, int, int]] = deque()
        self._ages: deque[tuple[int, int]] = deque()
        """(monotonic time, position of the newest record then) of each look at the records' age."""

    def __len__(self) -> int:
        return len(self._records)

    @property
    def bytes(self) -> int:
        """About what the records take."""
        return self._bytes

    def note(self, column: PropertyColumn, slot: int, old: Value, position: int) -> None:
        """``column`` has published its undo for ``slot``; called before the write."""
        size = _size(old)
        self._records.append((position, column, slot, size))
        self._bytes += size
        if self._bytes > self._bytes_max:
            self._shrink()

    def note_all(self, column: PropertyColumn, slots: Sequence[int], old: Sequence[Value], position: int) -> None:
        """The same for many slots."""
        sizes = list(map(_size, old))
        self._records.extend((position, column, slot, size) for slot, size in zip(slots, sizes, strict=True))
        self._bytes += sum(sizes)
        if self._bytes > self._bytes_max:
            self._shrink()

    def since(self, position: int) -> Iterator[tuple[PropertyColumn, int]]:
        """(column, slot) of every write after ``position``, newest first; by the writer, and not before ``horizon``."""
        for at, column, slot, _ in reversed(self._records):
            if at <= position:
                return
            yield column, slot

    def prune(self, oldest: int | None) -> None:
        """Drop what no snapshot can ask for: records at or below ``oldest``, all where it is None.

        Then, where the rest is too large or too old, the oldest of the rest.
        """
        records, dropped = self._records, 0
        while records and (oldest is None or records[0][0] <= oldest):
            position, column, slot, size = records.popleft()
            column.forget(slot, position)
            dropped += size
        self._bytes -= dropped
        self._shrink()
        if self.clock is not None:
            self._forget_old(self.clock.monotonic_ns())

    def _shrink(self) -> None:
        """The oldest records go until the rest is within the budget, or needed by what readers get now."""
        records = self._records
        while records and self._bytes > self._bytes_max and (records[0][0] <= self.published or self.published < 0):
            self.horizon = max(self.horizon, records[0][0])  # said before it is done: readers look afterwards
            self._drop()

    def _forget_old(self, now: int) -> None:
        """What is older than it may be goes; to about the time between two looks."""
        records, ages = self._records, self._ages
        aged = -1
        while ages and now - ages[0][0] > self._age_ns_max:
            aged = ages.popleft()[1]
        if self.published >= 0:
            aged = min(aged, self.published)
        if records and records[0][0] <= aged:
            self.horizon = max(self.horizon, aged)
            while records and records[0][0] <= aged:
                self._drop()
        if records:
            ages.append((now, records[-1][0]))

    def _drop(self) -> None:
        position, column, slot, size = self._records.popleft()
        column.forget(slot, position)
        self._bytes -= size
