"""The past of a database without a log: its last changesets, so many bytes of them, kept in memory."""

from __future__ import annotations

import bisect
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from memoradb.core.columns import Column, TypedColumn
from memoradb.core.errors import HistoryUnavailable
from memoradb.core.limits import HISTORY_MEMORY_BYTES

from ..changeset import Changeset, encode
from ..store import GraphStore
from .records import Entry, Mark

ENCODED_ELEMENTS_MAX = 64
"""Changesets of up to so many elements are kept encoded, which is smaller; larger ones are arrays already."""
ENTRY_BYTES = 200
"""What an entry takes beside its changeset."""
VALUE_BYTES = 64
"""About what one value takes that is not in an array."""


class MemoryRecords:
    """Appended to by the writer, read by any thread.

    States can be made as long as nothing had to go: they are made from the empty graph. Beyond ``bytes_max`` the oldest
    changesets go; a feed may then still follow those that are left, but no older state can be read.
    """

    def __init__(self, uuid: str, start: int = 0, bytes_max: int = HISTORY_MEMORY_BYTES) -> None:
        """``start``: the position that the database is at already; nothing before it is known."""
        self._uuid = uuid
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: deque[tuple[Entry, int]] = deque()
        self._lock = threading.Lock()
        self._start = Mark(start, start, 0)
        """The newest transaction that is not kept."""
        self._last_us = 0

    @property
    def horizon(self) -> int:
        return self._start.position

    @property
    def bytes(self) -> int:
        """About what is kept."""
        return self._bytes

    def append(self, position: int, transaction: int, time_us: int, changeset: Changeset) -> None:
        """The writer applied a changeset."""
        if changeset.size <= ENCODED_ELEMENTS_MAX:
            payload: bytes | Changeset = encode(changeset)
            size = ENTRY_BYTES + len(payload)
        else:
            payload, size = changeset, ENTRY_BYTES + _bytes_of(changeset)
        time_us = max(time_us, self._last_us)
        with self._lock:
            self._entries.append((Entry(position, transaction, time_us, payload), size))
            self._last_us = time_us
            self._bytes += size
            while self._bytes > self._bytes_max:
                gone, size = self._entries.popleft()
                self._start = Mark(gone.position, gone.transaction, gone.time_us)
                self._bytes -= size

    def entries(self, after: int, upto: int) -> Iterator[Entry]:
        while after < upto:
            with self._lock:
                if after < self._start.position:
                    raise HistoryUnavailable(
                        f"Changes after position {after} are no longer kept in memory; the oldest are those after "
                        f"{self._start.position}.",
                        horizon=self._start.position,
                        hint="A database with a path keeps all of its history.",
                    )
                start = bisect.bisect_right(self._entries, after, key=lambda held: held[0].position)
                part = [entry for entry, _ in islice(self._entries, start, start + 256)]
            for entry in part:
                if entry.position > upto:
                    return
                yield entry
            if not part:
                return
            after = part[-1].position

    def base(self, position: int) -> GraphStore:
        if self._start.position:
            raise HistoryUnavailable(
                f"The state at position {position} is no longer kept: the changes up to {self._start.position} are "
                "gone from memory.",
                horizon=self._start.position,
                hint="A database with a path keeps all of its history.",
            )
        return GraphStore(self._uuid)

    def distance(self, position: int) -> int:
        return position

    def mark_at(self, position: int) -> Mark:
        return self._mark(lambda entry: entry.position <= position)

    def mark_of_transaction(self, transaction: int) -> Mark:
        return self._mark(lambda entry: entry.transaction < transaction)

    def mark_of_time(self, time_us: int) -> Mark:
        return self._mark(lambda entry: entry.time_us <= time_us)

    def _mark(self, before: Callable[[Entry], bool]) -> Mark:
        """The last entry for which ``before`` holds, which is true of all up to it and of none after it."""
        with self._lock:
            count = bisect.bisect_left(self._entries, True, key=lambda held: not before(held[0]))
            if not count:
                return self._start
            entry = self._entries[count - 1][0]
            return Mark(entry.position, entry.transaction, entry.time_us)

    def metrics(self) -> dict[str, int | float]:
        return {}


def _bytes_of(changeset: Changeset) -> int:
    columns = [*(c for new in changeset.new_nodes for c in new.properties.values())]
    columns += (c for new in changeset.new_relationships for c in new.properties.values())
    columns += (change.values for change in changeset.properties)
    arrays = sum(16 * new.count for new in changeset.new_relationships)
    arrays += 8 * (sum(len(p.ids) for p in changeset.properties) + sum(len(x.ids) for x in changeset.labels))
    arrays += 8 * (len(changeset.delete_nodes) + len(changeset.delete_relationships))
    return arrays + sum(map(_column_bytes, columns))


def _column_bytes(column: Column) -> int:
    if isinstance(column, TypedColumn):
        return column.data.nbytes + (0 if column.mask is None else column.mask.nbytes)
    return len(column) * VALUE_BYTES
