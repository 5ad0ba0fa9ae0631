"""Group commit: many wait for the disk, one syncs for all.

The first who waits *leads*: it syncs for everything that was appended by then and the others sleep, each on a lock of
its own. When the sync is over those whose records are durable wake up, and one of the rest leads the next: a commit
costs one wake-up at most, and one client alone none.

Where a sync takes no longer than a commit, nobody would come in time to share it. So a leader first waits until as
many have come as are still on their way: half of the writers are at the disk then, and the other half has the
processor. ``COMPANY_MAX`` are always enough, it waits ``COMPANY_SECONDS`` at most, and one client alone for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

COMPANY_MAX: Final = 24
"""Commits that share a sync are enough: what it takes of the processor counts no more among so many."""

COMPANY_SECONDS: Final = 0.01
"""How long a leader waits for those on their way at most: one of them may take long, or give up."""


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Waiter:
    """One who sleeps until its record is durable, or until it is its turn to sync."""

    __slots__ = ("leads", "lock", "sequence")

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.leads = False
        self.lock = _locked()


class GroupCommit:
    """``durable`` is a sequence; ``sync`` makes all that is appended durable and returns up to where."""

    def __init__(self, durable: int, sync: Callable[[], int], pause: Callable[[], None] | None = None) -> None:
        """``pause`` is what a leader does before each sync, for the sake of those whom nobody sees coming."""
        self.durable = durable
        self.coming: Callable[[], int] = lambda: 0
        """How many are on their way to append something."""
        self._sync = sync
        self._pause = pause
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._led = False
        self._gathering = False
        """Whether the leader waits for others: to be set back, and ``_enough`` released, by who sees enough of them."""
        self._enough = _locked()

    def advance(self, sequence: int) -> None:
        """Something else made everything up to ``sequence`` durable."""
        with self._lock:
            self.durable = max(self.durable, sequence)

    @property
    def waiting(self) -> int:
        """How many sleep."""
        return len(self._waiters)

    @property
    def is_lone(self) -> bool:
        """Whether one is on its way and nobody else is about: it will be the next to sync, for itself."""
        return not self._led and self.coming() == 1

    def wait(self, sequence: int) -> None:
        """Return once ``sequence`` is durable.

        Raises:
            StorageError: what ``sync`` raises, in every thread that waits.
        """
        while self.durable < sequence:
            waiter: _Waiter | None = None
            with self._lock:
                if self.durable >= sequence:
                    return
                if self._led:
                    waiter = _Waiter(sequence)
                    self._waiters.append(waiter)
                    if self._gathering and self._is_enough():
                        self._gathering = False
                        self._enough.release()
                else:
                    self._led = True
            if waiter is None:
                self._lead()
            else:
                try:
                    waiter.lock.acquire()
                except BaseException:
                    self._give_up(waiter)
                    raise
                if waiter.leads:
                    self._lead()

    def _give_up(self, waiter: _Waiter) -> None:
        """It was interrupted: somebody else must lead, should it be its turn."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        if waiter.leads:
            self._hand_over(0)

    def _is_enough(self) -> bool:
        return 1 + len(self._waiters) >= min(self.coming(), COMPANY_MAX)

    def _gather(self) -> None:
        """Wait for company, where there is some to wait for."""
        if self._pause is not None:
            self._pause()
        with self._lock:
            if self._is_enough():
                return
            self._gathering = True
        self._enough.acquire(timeout=COMPANY_SECONDS)
        with self._lock:
            if self._gathering:
                self._gathering = False
            else:
                self._enough.acquire(blocking=False)  # released after the time was up

    def _lead(self) -> None:
        """Sync once, and let the others know."""
        durable = 0
        try:
            self._gather()
            durable = self._sync()
        finally:
            # After a failure nothing more is durable: the others find out for themselves, one after another.
            self._hand_over(durable)

    def _hand_over(self, durable: int) -> None:
        """Wake those whose records are durable, and one of the others to lead."""
        with self._lock:
            self.durable = durable = max(self.durable, durable)
            waiters = self._waiters
            self._waiters = [waiter for waiter in waiters if waiter.sequence > durable]
            if self._waiters:
                following = self._waiters.pop(0)
                following.leads = True
                following.lock.release()
            else:
                self._led = False
        for waiter in waiters:
            if waiter.sequence <= durable:
                waiter.lock.release()
