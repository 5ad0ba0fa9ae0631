"""Undo: what a column held before a write, kept as long as a snapshot may ask for it.

A write publishes its undo record (log position, old value) *before* it changes the column (DESIGN 5.2). Records are
dropped as the oldest snapshot advances. They may take ``UNDO_BYTES_MAX`` together: beyond that the oldest go, whoever
may still want them, and ``horizon`` says from which position on a snapshot can be read; an older one fails with
SnapshotTooOld. The writer never waits for a reader.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

from memoradb.core.limits import UNDO_BYTES_MAX
from memoradb.core.values import Value

if TYPE_CHECKING:
    from .properties.column import PropertyColumn

RECORD_BYTES = 300
"""What one record takes without its value: two tuples, a list, places in a dictionary and a queue."""


class UndoLog:
    """All undo records of one store, oldest first. One writer; readers look at ``horizon`` alone."""

    def __init__(self, bytes_max: int = UNDO_BYTES_MAX) -> None:
        self.horizon = -1
        """Snapshots below this position may lack undo."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._records: deque[tuple[int, PropertyColumn, int, int]] = deque()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def bytes(self) -> int:
        """About what the records take."""
        return self._bytes

    def note(self, column: PropertyColumn, slot: int, old: Value, position: int) -> None:
        """``column`` has published its undo for ``slot``; called before the write."""
        size = RECORD_BYTES + (sys.getsizeof(old) if old.__class__ in (str, bytes, list, dict) else 0)
        self._records.append((position, column, slot, size))
        self._bytes += size

    def prune(self, oldest: int | None) -> None:
        """Drop what no snapshot can ask for: records at or below ``oldest``, all where it is None.

        Then, where the rest takes too much, the oldest of the rest.
        """
        records = self._records
        while records and (oldest is None or records[0][0] <= oldest):
            self._drop()
        while records and self._bytes > self._bytes_max:
            self.horizon = max(self.horizon, records[0][0])  # said before it is done: readers look afterwards
            self._drop()

    def _drop(self) -> None:
        position, column, slot, size = self._records.popleft()
        column.forget(slot, position)
        self._bytes -= size
