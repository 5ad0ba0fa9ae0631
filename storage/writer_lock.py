"""The writer's lock: one writer at a time, and the log knows how many there will be.

Whoever holds it or waits for it is about to append to the log: see ``log.group_commit``.
"""

from __future__ import annotations

import threading


class WriterLock:
    """As ``threading.RLock``, and counts those who wait."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._depth = 0
        """How often the thread that holds it has acquired it; changed by that thread alone."""

    def present(self) -> int:
        """How many threads hold it or wait for it now."""
        return self._waiting + (self._depth > 0)

    def acquire(self) -> None:
        """Wait until nobody else holds it; by one who holds it already, once more."""
        if not self._lock.acquire(blocking=False):
            with self._counting:
                self._waiting += 1
            try:
                self._lock.acquire()
            finally:
                with self._counting:
                    self._waiting -= 1
        self._depth += 1

    def release(self) -> None:
        """Let go of it, as often as it was acquired; by who holds it."""
        self._depth -= 1
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
