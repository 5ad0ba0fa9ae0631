"""Builds large indexes in the background, so that no writer waits for one.

A builder belongs to an open database; recovery, replicas and views of the past have none and build at once, which gives
the same index. What is not complete when the database closes is not kept: opening it again builds it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.errors import SnapshotTooOld

from .populating import PopulatingIndex

if TYPE_CHECKING:
    from ..snapshot import Snapshot
    from ..store import GraphStore

ONLINE_ROWS_MIN: Final = 20_000
"""Elements from which on an index is built in the background: fewer take less time than a reader notices."""

ATTEMPTS: Final = 3
"""Snapshots that may get too old while they are read; the last one is read while the writer waits."""

CATCH_UP: Final = 1_000
"""Changes told between two looks at whether to stop."""

PATIENCE_SECONDS: Final = 0.005
"""Between two tries to show a complete index to readers, while commits are on their way to the disk."""


class IndexBuilder:
    """One thread for each index that is being built."""

    def __init__(
        self, store: GraphStore, write_lock: AbstractContextManager[Any], rows_min: int = ONLINE_ROWS_MIN
    ) -> None:
        self._store = store
        self._write_lock = write_lock
        self._rows_min = rows_min
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._completed = threading.Condition()
        self.pace: Callable[[int], None] = lambda _: None
        """Called after each piece with how many elements it had: who wants to slow a build down waits here."""

    def takes(self, rows: int) -> bool:
        """Whether an index of so many elements is built in the background."""
        return rows >= self._rows_min and not self._stopping.is_set()

    def start(self, index: PopulatingIndex, snapshot: Snapshot) -> None:
        """Build ``index``; called by the writer: what it changes after ``snapshot`` it tells the index."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        name = f"memoradb index {index.definition.name}"
        thread = threading.Thread(target=self._run, args=(index, snapshot), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Give up what is not complete, and wait for the threads to end. Not to be called by the writer."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Until ``done``, which is asked whenever a build ends, or for so long; whether it is done."""
        with self._completed:
            self._completed.wait_for(lambda: done() or self._stopping.is_set(), seconds)
        return done()

    def _run(self, index: PopulatingIndex, snapshot: Snapshot) -> None:
        try:
            self._build(index, snapshot)
        except Exception as error:
            # The index is ``FAILED``: opening the database again builds it, or it can be dropped and created again.
            index.failure = repr(error)
        finally:
            with self._completed:
                self._completed.notify_all()

    def _build(self, index: PopulatingIndex, snapshot: Snapshot) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            with self._write_lock if last else nullcontext():
                if attempt > 1:
                    with self._write_lock:
                        index.restart(self._store.make_index(index.definition))
                        snapshot = self._store.pin()
                try:
                    for rows in index.fill(snapshot):
                        if not self._is_wanted(index):
                            return
                        self.pace(rows)
                    break
                except SnapshotTooOld:
                    continue
        del snapshot  # undo is kept for it no more
        index.target.seal()
        while not index.catch_up(CATCH_UP):
            if not self._is_wanted(index):
                return
        self._put_in_place(index)

    def _is_wanted(self, index: PopulatingIndex) -> bool:
        """Whether the build goes on: the index was not dropped, and the database is open."""
        return not self._stopping.is_set() and self._store.indexes.get(index.definition.name) is index

    def _put_in_place(self, index: PopulatingIndex) -> None:
        """Let the writer go on with the index itself, and show it to readers."""
        store, name = self._store, index.definition.name
        with self._write_lock:
            if not self._is_wanted(index):
                return
            index.catch_up()
            store.indexes = {**store.indexes, name: index.target}
            store.schema_version += 1
        while not self._stopping.wait(0):
            with self._write_lock:
                store.refresh()
                shown = store.snapshot().has_index(index.target)
                gone = store.indexes.get(name) is not index.target
            if shown or gone:
                return
            self._stopping.wait(PATIENCE_SECONDS)
