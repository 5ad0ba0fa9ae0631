"""What is done beside the commits.

The superblock after a moment of idleness, syncs with relaxed durability, log segments set aside and compressed.
"""

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
        self._due = threading.Event()
        self._stopping = False
        self._last_ns = clock.monotonic_ns()
        self._thread: threading.Thread | None = None
        self.failures = 0
        """How often there was no room, or another error, that nobody needs to hear of."""

    def touch(self) -> None:
        """A commit happened."""
        self._last_ns = self._clock.monotonic_ns()
        if not self._touched.is_set():
            self._touched.set()

    def wake(self) -> None:
        """There is something to do that should not wait for idleness."""
        self._due.set()
        self._touched.set()

    def rest(self) -> bool:
        """Do what is due; after a moment without commits record in a superblock what is durable: whether it was so.

        Raises:
            ReadOnlyDatabase: the log could not be synced, and takes no more.
        """
        writer = self._writer
        idle = self._clock.monotonic_ns() - self._last_ns >= IDLE_NS
        if (idle or writer.is_relaxed) and writer.durable < writer.appended:
            writer.sync()
        try:
            writer.tend()
        except StorageError:
            if writer.is_failed:
                raise
            self.failures += 1  # it is tried again, by whoever needs it at the latest
        if idle:
            writer.mark()
        return idle

    def start(self) -> None:
        """Let a thread rest now and then, until ``stop``."""
        self._thread = threading.Thread(target=self._run, name="memoradb-idle", daemon=True)
        self._writer.on_due = self.wake
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._touched.wait()
            self._due.wait(IDLE_NS / 1e9)
            if self._stopping:
                return
            self._due.clear()
            self._touched.clear()
            try:
                idle = self.rest()
            except StorageError:
                if self._writer.is_failed:
                    return  # the writer remembers it, and tells whoever commits next
                self.failures += 1
                idle = False
            if not idle:
                self._touched.set()

    def stop(self) -> None:
        """End the thread."""
        self._writer.on_due = None
        self._stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
