"""Transactions of several statements, whichever protocol carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from memoradb.core.clock import SystemClock
from memoradb.core.errors import TransactionClosed
from memoradb.core.retry import ATTEMPTS, run_retried
from memoradb.core.rng import SystemRandom
from memoradb.result import Result
from memoradb.storage.transaction import Isolation

T = TypeVar("T")


class ClientTransaction:
    """Several statements on a server that take effect together, or not at all.

    Leaving the ``with`` block commits; an exception rolls back, and so does the end of the connection.
    """

    def __init__(
        self, execute: Callable[[str, Mapping[str, Any] | None, int | None], Result], end: Callable[[bool], None]
    ) -> None:
        """``execute`` runs a statement in it; ``end`` commits or, given false, rolls back."""
        self._execute = execute
        self._finish = end
        self._is_open = True

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        """Run one statement inside the transaction. One that fails changes nothing; the transaction goes on."""
        return self._execute(query, parameters, timeout_ms)

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises:
            WriteConflict: another transaction committed first what this one touched: run it again.
        """
        self._end(True)

    def rollback(self) -> None:
        """Forget the changes; a second time is no error."""
        if self._is_open:
            self._end(False)

    def _end(self, commit: bool) -> None:
        if not self._is_open:
            raise TransactionClosed("The transaction was committed or rolled back before.")
        self._is_open = False
        self._finish(commit)

    def __enter__(self) -> ClientTransaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._is_open:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()


class Transactions:
    """``transaction`` for whoever has ``begin``."""

    def begin(self, *, isolation: Isolation = "serializable", timeout_ms: int | None = None) -> ClientTransaction:
        """An explicit transaction, as ``Database.begin``; use it as a context manager."""
        raise NotImplementedError

    @overload
    def transaction(self, *, isolation: Isolation = ..., timeout_ms: int | None = ...) -> ClientTransaction: ...

    @overload
    def transaction(
        self,
        work: Callable[[ClientTransaction], T],
        *,
        isolation: Isolation = ...,
        timeout_ms: int | None = ...,
        attempts: int = ...,
    ) -> T: ...

    def transaction(
        self,
        work: Callable[[ClientTransaction], T] | None = None,
        *,
        isolation: Isolation = "serializable",
        timeout_ms: int | None = None,
        attempts: int = ATTEMPTS,
    ) -> ClientTransaction | T:
        """``with client.transaction() as tx`` commits at the end of the block, and rolls back on an exception.

        ``client.transaction(work)`` runs ``work(tx)`` and commits, again after a random pause where it lost to another
        transaction, ``attempts`` times at most.
        """

        def begin() -> ClientTransaction:
            return self.begin(isolation=isolation, timeout_ms=timeout_ms)

        if work is None:
            return begin()
        return run_retried(begin, work, attempts, SystemClock(), SystemRandom())
