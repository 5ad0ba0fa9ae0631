"""Transactions: an overlay over a snapshot, validated and logged at commit.

An auto-commit statement holds the writer's lock from its start, so it never loses. An explicit transaction works on its
snapshot without any lock; at commit it takes the lock, and loses if another one committed first what it touched (first
committer wins). Creating a relationship touches its ends *shared*, deleting a node touches it *exclusive*: two
transactions may both connect to a node, but not one connect and the other delete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memoradb.core.errors import TransactionClosed

from .overlay import Overlay
from .snapshot import Snapshot
from .view import Counters

if TYPE_CHECKING:
    from .engine import Engine


@dataclass(frozen=True, slots=True)
class Committed:
    """Where a transaction stands in the log; ``transaction`` is None where it changed nothing."""

    position: int
    transaction: int | None
    counters: Counters


class Transaction:
    """One transaction. Used by one thread at a time."""

    def __init__(self, engine: Engine, snapshot: Snapshot, exclusive: bool) -> None:
        self._engine = engine
        self.exclusive = exclusive
        self.view = Overlay(snapshot)
        self.is_open = True

    def commit(self) -> Committed:
        """Make the changes durable, then visible.

        Raises:
            WriteConflict: another transaction committed first what this one touched.
            UniqueViolation: a value that must be unique is there already.
            ReadOnlyDatabase, DiskFull: the log takes no more.
        """
        if not self.is_open:
            raise TransactionClosed("The transaction was committed or rolled back before.")
        return self._engine.commit(self)

    def rollback(self) -> None:
        """Forget the changes; a second time is no error."""
        self.end()

    def end(self) -> None:
        """The transaction is over: let the engine know, once."""
        if self.is_open:
            self.is_open = False
            self._engine.ended(self)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, *_: object) -> None:
        self.rollback()
