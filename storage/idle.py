"""What is due when nothing happens: the superblock after a moment of idleness, syncs with relaxed durability."""

from __future__ import annotations

import threading
from typing import Final

from memoradb.core.clock import Clock
from memoradb.core.errors import StorageError

from .log.writer import LogWriter

IDLE_NS: Final = 100_000_000
"""Without a commit for so long a database is idle. With relaxed durability a crash loses about as much."""


class IdleWatch:
    """Watches the commits of one log. ``rest`` does what is due; a thread calls it where ``start`` was called."""

    def __init__(self, writer: LogWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._touched = threading.Event()
        self._stopping = threading.Event()
        self._last_ns = clock.monotonic_ns()
        self._thread: threading.Thread | None = None

    def touch(self) -> None:
        """A commit happened."""
        self._last_ns = self._clock.monotonic_ns()
        if not self._touched.is_set():
            self._touched.set()

    def rest(self) -> bool:
        """Sync what is not durable; after a moment without commits record that in the superblock: whether it was so.

        Raises:
            ReadOnlyDatabase: the log could not be synced, and takes no more.
        """
        if self._writer.durable < self._writer.appended:
            self._writer.sync()
        if self._clock.monotonic_ns() - self._last_ns < IDLE_NS:
            return False
        self._writer.mark()
        return True

    def start(self) -> None:
        """Let a thread rest now and then, until ``stop``."""
        self._thread = threading.Thread(target=self._run, name="memoradb-idle", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._touched.wait()
            if self._stopping.wait(IDLE_NS / 1e9):
                return
            self._touched.clear()
            try:
                idle = self.rest()
            except StorageError:
                return  # the writer remembers it, and tells whoever commits next
            if not idle:
                self._touched.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._touched.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
