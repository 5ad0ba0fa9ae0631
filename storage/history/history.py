"""Reading at any position that is kept, and following what is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from memoradb.core.cache import Cache, LruPolicy
from memoradb.core.codec import digest
from memoradb.core.errors import ArgumentError, HistoryUnavailable
from memoradb.core.limits import HISTORY_VIEW_BYTES
from memoradb.core.serde import encode

from ..changeset import Changeset
from ..snapshot import Snapshot
from ..store import GraphStore
from ..vfs import Vfs
from ..view import Element, definition_to_value
from .line import Line
from .records import Commit, Entry, Records
from .touched import TouchedBlocks
from .versions import Version, version_at, versions


class History:
    """The past of one graph. Any number of threads.

    A state is made from the nearest checkpoint, or a state before it that is kept in the cache, and the log from there.
    """

    def __init__(
        self,
        records: Records,
        present: Callable[[], Snapshot],
        bytes_max: int = HISTORY_VIEW_BYTES,
        vfs: Vfs | None = None,
        directory: str = "",
        forgets: bool = False,
    ) -> None:
        """Nothing is read yet.

        Args:
            records: what is kept.
            present: the newest committed state.
            bytes_max: what states of the past may take in memory, for as long as nobody reads them.
            vfs: a disk for what is worth keeping of what was found out.
            directory: where on it.
            forgets: the horizon may move: what is before it is not shown even where it is still in memory.
        """
        self._records = records
        self._present = present
        self._forgets = forgets
        self._views: Cache[int, Line] = Cache(LruPolicy(bytes_max))
        self._numbers = count(1)
        self._making = threading.Lock()
        self._lines: dict[int, int] = {}
        """By position: the number of the line that holds the state. Replaced, never changed."""
        self._touched = TouchedBlocks(records, vfs, directory)
        self._committed = threading.Condition()
        self._waiting = 0
        self.replayed = 0
        """Changesets that were applied to make states of the past."""

    @property
    def horizon(self) -> int:
        """The oldest position that can be read; 0 is the empty graph before the first transaction."""
        return self._records.horizon

    # --- states

    def at(self, position: int) -> Snapshot:
        """The graph as of a log position; the present itself where that is what is asked for.

        Raises:
            HistoryUnavailable: it is no longer kept, or not there yet.
        """
        present = self._present()
        if position == present.position:
            return present
        found = self._held(position)
        if found is not None and not self._forgets:
            return found
        self._check(position, present.position)
        with self._making:
            found = self._held(position)
            if found is not None:
                return found
            line = self._line_near(position) or self._new_line(position)
            found, replayed = line.reach(position, self._records, lambda store: _name_schema(store, present))
            self.replayed += replayed
            self._views.put(line.number, line, line.bytes)
            kept = set(self._views.keys())
            lines = {at: number for at, number in self._lines.items() if number in kept}
            self._lines = {**lines, position: line.number}
        return found

    def _held(self, position: int) -> Snapshot | None:
        """A state that is in the cache."""
        number = self._lines.get(position)
        line = None if number is None else self._views.get(number)
        if line is None:
            return None
        found = line.snapshot(position)
        if line.is_to_be_measured():  # columns are read when they are first used: it may have grown
            self._views.put(line.number, line, line.bytes)
        return found

    def _check(self, position: int, newest: int) -> None:
        if position < 0:
            raise ArgumentError(f"A log position is 0 or more, not {position}.")
        horizon = self.horizon
        if position < horizon:
            raise HistoryUnavailable(
                f"The state at position {position} is no longer kept; the oldest is that at {horizon}.",
                horizon=horizon,
                hint="The setting `history` says how much of the past is kept.",
            )
        if position > newest:
            raise HistoryUnavailable(f"There is no position {position} yet; the newest is {newest}.", horizon=horizon)

    def _line_near(self, position: int) -> Line | None:
        """A line from which the state is nearer than from the nearest checkpoint."""
        best, shortest = None, self._records.distance(position)
        for number in self._views.keys():  # noqa: SIM118
            line = self._views.peek(number)
            if line is not None and 0 <= position - line.position < shortest:
                best, shortest = number, position - line.position
        return None if best is None else self._views.get(best)

    def _new_line(self, position: int) -> Line:
        self._views.get(0)  # counts as a miss: no line has the number 0
        return Line(next(self._numbers), self._records.base(position))

    # --- positions

    def position_of_transaction(self, transaction: int) -> int:
        """Where a transaction stands in the log; 0 is before the first one.

        Raises:
            HistoryUnavailable: there is no such transaction yet, or nothing that old is kept.
        """
        if transaction < 0:
            raise ArgumentError(f"A transaction has a number of 0 or more, not {transaction}.")
        mark = self._records.mark_of_transaction(transaction + 1)
        if transaction == mark.transaction:
            return mark.position
        if transaction > mark.transaction:
            for entry in self._records.entries(mark.position, self._present().position):
                if entry.transaction == transaction:
                    return entry.position
            raise HistoryUnavailable(f"There is no transaction {transaction} yet.", horizon=self.horizon)
        raise HistoryUnavailable(
            f"Transaction {transaction} is no longer kept; the oldest is {mark.transaction}.",
            horizon=self.horizon,
            hint="The setting `history` says how much of the past is kept.",
        )

    def position_at(self, time_us: int) -> int:
        """The newest commit at or before a time, in microseconds since 1970; 0 before the first one.

        Raises:
            HistoryUnavailable: nothing that old is kept.
        """
        mark = self._records.mark_of_time(time_us)
        if mark.time_us > time_us:
            raise HistoryUnavailable(
                f"The state at {time_us} microseconds since 1970 is no longer kept; the oldest is that at position "
                f"{mark.position}.",
                horizon=self.horizon,
                hint="The setting `history` says how much of the past is kept.",
            )
        found = mark.position
        for entry in self._records.entries(mark.position, self._present().position):
            if entry.time_us > time_us:
                break
            found = entry.position
        return found

    def commit_at(self, position: int) -> Commit | None:
        """The transaction that made the state at a position, None where nothing is known of it."""
        if position <= self.horizon:
            return None
        entry = next(self._records.entries(position - 1, position), None)
        return None if entry is None else _commit(entry)

    # --- what happened

    def changes(self, after: int, upto: int | None = None) -> Iterator[Commit]:
        """Every transaction after a position up to another (now: the newest), in order; each once.

        Follow what comes later from the last position that was seen: nothing is missing and nothing comes twice.

        Raises:
            HistoryUnavailable: ``after`` is before the horizon.
        """
        newest = self._present().position
        upto = newest if upto is None else min(upto, newest)
        return map(_commit, self._records.entries(after, upto))

    def element_history(
        self, element: Element, identity: int, upto: int | None = None, check: Callable[[], None] = lambda: None
    ) -> Iterator[Version]:
        """Every version of one element that is kept, by its id, oldest first.

        Args:
            element: what it is.
            identity: its id.
            upto: the position to end with; None is the newest.
            check: called now and then; what it raises ends the reading.
        """
        start = self.horizon
        first = None
        if start:
            mark = self._records.mark_at(start)
            made = Commit(start, mark.transaction, mark.time_us, EMPTY)
            first = version_at(self.at(start), element, identity, made)
        newest = self._present().position
        upto = newest if upto is None else min(upto, newest)
        entries = self._touched.entries_of(element, identity, start, upto, check)
        return versions(map(_commit, entries), element, identity, first)

    # --- waiting

    def published(self) -> None:
        """Something new is committed; called after it is visible."""
        if self._waiting:
            with self._committed:
                self._committed.notify_all()

    def wait_beyond(self, position: int, timeout: float | None = None) -> int | None:
        """Wait until something after ``position`` is committed; the newest position, None after ``timeout`` seconds."""
        with self._committed:
            self._waiting += 1
            try:
                done = self._committed.wait_for(lambda: self._present().position > position, timeout)
            finally:
                self._waiting -= 1
        return self._present().position if done else None

    # --- numbers

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring."""
        found = self._views.statistics
        return {
            "history_views": found.entries,
            "history_view_bytes": found.bytes,
            "history_view_hits": found.hits,
            "history_view_misses": found.misses,
            "history_view_hit_rate": found.hit_rate,
            "history_replayed": self.replayed,
            **self._records.metrics(),
        }


EMPTY: Final = Changeset()


def _commit(entry: Entry) -> Commit:
    return Commit(entry.position, entry.transaction, entry.time_us, entry.changeset())


def _name_schema(store: GraphStore, present: Snapshot) -> None:
    """Let a state of the past have the present's schema version where it has the same indexes, else one of its own.

    Plans are kept by schema version: those of the present serve the past where they can, and never where they cannot.
    """
    own = sorted((index.definition for index in store.indexes.values()), key=lambda d: d.name)
    if own == list(present.indexes()):
        store.schema_version = present.schema_version
    else:
        store.schema_version = ~int.from_bytes(digest(encode([definition_to_value(d) for d in own]))[:8], "big")
