"""One store of the past that only moves forward, and the states of it that were asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ..replay import Replay
from ..snapshot import Snapshot
from ..store import GraphStore
from .records import Records
from .size import bytes_of

SNAPSHOTS_MAX: Final = 16
"""States of one line that stay readable without being made again; each older one costs undo."""


class Line:
    """A store that starts at a checkpoint and is brought to later positions by the log.

    It is a store like the present one: moving on keeps undo for the states that are still held, so these stay as they
    were, and a state a little after another one costs only what lies between.
    """

    def __init__(self, number: int, store: GraphStore) -> None:
        self.number = number
        """Its name in the cache."""
        self._store = store
        self._lock = threading.Lock()
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()
        self._uses = 0

    @property
    def position(self) -> int:
        """How far it was brought."""
        return self._store.position

    @property
    def bytes(self) -> int:
        """About what it takes in memory; what is mapped from files is not counted."""
        return bytes_of(self._store)

    def is_to_be_measured(self) -> bool:
        """Whether it was used so often since it was measured that it may have grown: the 1st, 2nd, 4th, ... time."""
        self._uses += 1
        return not self._uses & (self._uses - 1)

    def snapshot(self, position: int) -> Snapshot | None:
        """The state at a position, where it is held."""
        with self._lock:
            found = self._snapshots.get(position)
            if found is not None:
                self._snapshots.move_to_end(position)
            return found

    def reach(self, position: int, records: Records, prepare: Callable[[GraphStore], None]) -> tuple[Snapshot, int]:
        """The state at ``position``, not before where the line is, and how many changesets led there.

        ``prepare`` may still change what tells readers of the store's schema before they see it.
        """
        with self._lock:
            found = self._snapshots.get(position)
            if found is not None:
                return found, 0
            replayed = 0
            replay = Replay(self._store, keep_undo=bool(self._snapshots))
            for entry in records.entries(self._store.position, position):
                replay.add(entry.position, entry.payload)
                replayed += 1
            replay.flush()
            prepare(self._store)
            self._store.refresh()
            found = self._store.snapshot()
            found.position = max(found.position, position)
            self._snapshots[position] = found
            while len(self._snapshots) > SNAPSHOTS_MAX:
                self._snapshots.popitem(last=False)
            return found, replayed
