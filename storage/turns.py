"""Whose turn it is to have the interpreter, where one thread writes and never waits for the disk.

The interpreter lets a thread run for 5 ms while others wait, and then makes it give way. One that writes to a file
before its time is up gives way at each write, for as long as the write takes; nobody wakes up so fast, and the others'
5 ms begin anew. Readers would wait for hundreds of milliseconds, and a checkpoint for minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from memoradb.core.clock import Clock

TURN_NS: Final = 5_000_000
"""How long a writer goes on, as the interpreter has it."""

GIVE_WAY_NS: Final = 100_000
"""How long it sleeps then: enough for another thread to wake up, and 2 % of its time."""


class Turns:
    """Of the writers of one database; any number of threads."""

    def __init__(self, clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        """``pause`` waits so many seconds: for threads, whose time is the real one."""
        self._clock = clock
        self._pause = pause
        self._began_ns = clock.monotonic_ns()

    def end(self) -> None:
        """A commit is over: give way to other threads, if there are any, where that was not done for a while."""
        if not 0 <= self._clock.monotonic_ns() - self._began_ns < TURN_NS:
            if threading.active_count() > 1:
                self._pause(GIVE_WAY_NS / 1e9)
            self._began_ns = self._clock.monotonic_ns()
