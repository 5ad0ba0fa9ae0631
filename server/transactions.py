"""Transactions of several statements for clients without a connection of their own: each has a secret name.

One belongs to whoever presented the token that it was begun with, takes one statement at a time, and is rolled back
where nobody uses it for a while. All of this happens on the loop; statements and commits run in workers.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from memoradb.core.errors import (
    ConfigurationError,
    LimitError,
    TransactionClosed,
    TransactionError,
)
from memoradb.storage.engine import Engine
from memoradb.storage.transaction import Isolation, Transaction

IDLE_MS: Final = 60_000
"""Rolled back after so long without a statement, unless it was begun with another time."""

IDLE_MS_MAX: Final = 3_600_000

OPEN_MAX: Final = 100
"""Transactions of all clients that may be open at a time: each keeps what changed since it began."""


@dataclass(slots=True)
class _Open:
    """One of them. ``timer`` runs while no statement does."""

    storage: Transaction
    owner: str | None
    idle_ms: int
    timer: asyncio.TimerHandle | None = None
    is_busy: bool = False


class OpenTransactions:
    """The transactions of one server's clients, by name."""

    def __init__(self, storage: Engine) -> None:
        self._storage = storage
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(
        self,
        owner: str | None,
        *,
        isolation: Isolation = "serializable",
        timeout_ms: int | None = None,
        idle_ms: int | None = None,
    ) -> str:
        """A new transaction's name.

        Args:
            owner: the token of whoever may use it.
            isolation: ``serializable`` or ``snapshot``.
            timeout_ms: rolled back after so long, used or not; None: only where it is idle.
            idle_ms: rolled back after so long without a statement.

        Raises:
            LimitError: there are too many.
            ConfigurationError: a time or isolation that there is none of.
        """
        idle_ms = IDLE_MS if idle_ms is None else idle_ms
        if not 0 < idle_ms <= IDLE_MS_MAX:
            raise ConfigurationError(f"idle_ms is between 1 and {IDLE_MS_MAX}, not {idle_ms}.")
        if len(self._open) >= OPEN_MAX:
            raise LimitError(
                f"{OPEN_MAX} transactions are open already.",
                limit="OPEN_MAX",
                value=OPEN_MAX,
                hint="Commit or roll back those that are not needed.",
            )
        storage = self._storage.begin(isolation=isolation, timeout_ms=timeout_ms)
        name = secrets.token_urlsafe(18)
        self._open[name] = _Open(storage, owner, idle_ms)
        self._wait(name)
        return name

    @contextmanager
    def use(self, name: str, owner: str | None) -> Iterator[Transaction]:
        """The transaction called ``name``, for one statement.

        Raises:
            TransactionClosed: there is none of that name, or it is another client's.
            TransactionError: another statement runs in it.
        """
        found = self._take(name, owner)
        found.is_busy = True
        try:
            yield found.storage
        finally:
            found.is_busy = False
            if name in self._open:
                self._wait(name)

    def end(self, name: str, owner: str | None) -> Transaction:
        """The transaction, to be committed or rolled back: it has no name any more. Errors as ``use``."""
        found = self._take(name, owner)
        del self._open[name]
        return found.storage

    def close(self) -> None:
        """Roll all back."""
        for name in list(self._open):
            self._expire(name)

    def _take(self, name: str, owner: str | None) -> _Open:
        found = self._open.get(name)
        if found is None or not _same(found.owner, owner):
            raise TransactionClosed(
                "There is no such transaction.", hint="It was committed, rolled back, or idle for too long."
            )
        if found.is_busy:
            raise TransactionError("A statement of this transaction still runs.", hint="Wait for its answer.")
        if found.timer is not None:
            found.timer.cancel()
        return found

    def _wait(self, name: str) -> None:
        found = self._open[name]
        found.timer = asyncio.get_running_loop().call_later(found.idle_ms / 1e3, self._expire, name)

    def _expire(self, name: str) -> None:
        found = self._open.pop(name, None)
        if found is not None:
            if found.timer is not None:
                found.timer.cancel()
            found.storage.rollback()


def _same(left: str | None, right: str | None) -> bool:
    if left is None or right is None:
        return left is right
    return hmac.compare_digest(left.encode(), right.encode())
