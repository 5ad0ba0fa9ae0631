"""Time as an argument: wall time for people, monotonic time for deadlines."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks in one."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never goes back."""
        ...

    def sleep(self, ns: int) -> None:
        """Let the calling thread wait for ``ns`` nanoseconds."""
        ...


class SystemClock:
    """The machine's clocks."""

    now_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    def sleep(self, ns: int) -> None:
        time.sleep(ns / 1e9)


class ManualClock:
    """A clock that moves when told.

    >>> clock = ManualClock(5)
    >>> clock.advance(10)
    >>> clock.now_ns(), clock.monotonic_ns()
    (15, 10)
    """

    def __init__(self, now_ns: int = 0) -> None:
        self._now = now_ns
        self._monotonic = 0

    def now_ns(self) -> int:
        return self._now

    def monotonic_ns(self) -> int:
        return self._monotonic

    def sleep(self, ns: int) -> None:
        self.advance(ns)

    def advance(self, ns: int) -> None:
        """Let ``ns`` nanoseconds pass."""
        self._now += ns
        self._monotonic += ns
