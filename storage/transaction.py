"""Transactions: an overlay over a snapshot, validated and logged at commit.

An auto-commit statement holds the writer's lock from its start, so it never loses. An explicit transaction works on its
snapshot without any lock; at commit it takes the lock, and loses if another one committed first what it wrote or, where
it is serializable, what it read: see ``validation``. One that writes nothing is never validated: a snapshot is a state
between two commits, so that whoever only reads it stands there in their order.

An explicit transaction may have a time-out. When that has passed it is rolled back, whether its owner comes by or not:
what it wrote is dropped, its snapshot is let go, and every further statement and its commit say so.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from memoradb.core.errors import ConfigurationError, DeadlineExceeded, TransactionClosed, TransactionError

from .overlay import Overlay
from .overlay.recorder import Recorder
from .reads import Reads
from .snapshot import Snapshot
from .view import Counters, GraphWriter

if TYPE_CHECKING:
    from .engine import Engine

Isolation: TypeAlias = Literal["serializable", "snapshot"]
"""``serializable``: as if transactions ran one after another. ``snapshot``: what was only read is not validated."""

ISOLATIONS: Final = ("serializable", "snapshot")


def check_isolation(isolation: str) -> None:
    """ConfigurationError for what is no isolation level."""
    if isolation not in ISOLATIONS:
        raise ConfigurationError(
            f"There is no isolation {isolation!r}.", hint='Isolation is "serializable" (the default) or "snapshot".'
        )


class Committed(msgspec.Struct, frozen=True):
    """Where a transaction stands in the log; ``transaction`` is None where it changed nothing."""

    position: int
    transaction: int | None
    counters: Counters


class Transaction:
    """What all transactions can. Used by one thread at a time. This one is a single statement's, run exclusively."""

    reads: Reads | None = None
    """What it read, where that is validated."""
    is_exclusive = True
    """Whether it holds the writer's lock."""

    def __init__(self, engine: Engine, snapshot: Snapshot) -> None:
        self._engine = engine
        self._overlay: Overlay | None = Overlay(snapshot)
        self._overlay.memory = engine.memory.share()
        self.is_open = True

    @property
    def overlay(self) -> Overlay:
        """What it changed, over its snapshot; reading here is not noted: for planning, and for the commit."""
        if self._overlay is None:
            raise self._closed()
        return self._overlay

    @property
    def view(self) -> GraphWriter:
        """The graph as the transaction sees it."""
        return self.overlay

    @property
    def is_ended(self) -> bool:
        """Whether its owner committed it or rolled it back; not where its time was up."""
        return not self.is_open

    def check_open(self) -> None:
        """An error that says why where it takes no more statements."""
        if not self.is_open:
            raise self._closed()

    def commit(self) -> Committed:
        """Make the changes durable, then visible. The transaction is over, whether it fails or not.

        Raises:
            WriteConflict: another transaction committed first what this one wrote or read.
            UniqueViolation: a value that must be unique is there already.
            DeadlineExceeded: it was open for too long.
            ReadOnlyDatabase, DiskFull: the log takes no more.
        """
        self.check_open()
        return self._engine.commit(self)

    def _closed(self) -> TransactionError:
        """What to say to whoever still wants something."""
        return TransactionClosed("The transaction was committed or rolled back before.")

    def rollback(self) -> None:
        """Forget the changes; a second time is no error."""
        self.end()

    def end(self) -> None:
        """The transaction is over: let the next writer go on, once."""
        if self.is_open:
            self.is_open = False
            self._engine.release_writer()

    def begin_statement(self) -> None:
        """A statement is about to run in it."""

    def end_statement(self) -> None:
        """It has run."""

    @property
    def deadline_ns(self) -> int | None:
        """When it is rolled back, by the engine's monotonic clock; None: never."""
        return None

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_open:
            self.rollback()


class ExplicitTransaction(Transaction):
    """Several statements. Another thread may find that its time is up."""

    is_exclusive = False

    def __init__(
        self, engine: Engine, snapshot: Snapshot, isolation: Isolation, timeout_ms: int | None, deadline_ns: int | None
    ) -> None:
        super().__init__(engine, snapshot)
        self.reads = Reads() if isolation == "serializable" else None
        self._view: GraphWriter | None = None if self.reads is None else Recorder(self.overlay, self.reads)
        self._timeout_ms = timeout_ms
        self._deadline_ns = deadline_ns
        self._guard = threading.Lock()
        """Held to say that a statement begins or ends, or that the time is up; never while one runs."""
        self._is_running = False
        self._is_late = False

    @property
    def view(self) -> GraphWriter:
        return self._view or self.overlay

    @property
    def deadline_ns(self) -> int | None:
        return self._deadline_ns

    @property
    def is_ended(self) -> bool:
        return not self.is_open and not self._is_late

    def begin_statement(self) -> None:
        """A statement is about to run in it; what it sees stays until ``end_statement``.

        Raises:
            DeadlineExceeded: the transaction was open for too long.
            TransactionClosed: it was committed or rolled back.
        """
        if self._deadline_ns is not None:
            self.expire_if_due(self._engine.monotonic_ns())
        with self._guard:
            if not self.is_open:
                raise self._closed()
            self._is_running = True

    def end_statement(self) -> None:
        """It has run.

        Raises:
            DeadlineExceeded: the time was up while it ran: it has not happened.
            TransactionClosed: another thread rolled the transaction back meanwhile.
        """
        if self._deadline_ns is not None:
            self.expire_if_due(self._engine.monotonic_ns())
        with self._guard:
            self._is_running = False
            if self.is_open:
                return
            self._let_go()
        raise self._closed()

    def _closed(self) -> TransactionError:
        if self._is_late:
            return DeadlineExceeded(
                f"The transaction was open longer than its {self._timeout_ms} ms, and was rolled back.",
                hint="Run it again, with a larger timeout_ms where it needs more.",
            )
        return super()._closed()

    def expire_if_due(self, now_ns: int) -> None:
        """Roll back where the time is up; by any thread. A statement that runs keeps its view until it ends."""
        if self._deadline_ns is None or now_ns <= self._deadline_ns:
            return
        with self._guard:
            if not self.is_open:
                return
            self.is_open, self._is_late = False, True
            if not self._is_running:
                self._let_go()
        self._engine.forget(self)

    def commit(self) -> Committed:
        self.begin_statement()
        try:
            return self._engine.commit(self)
        finally:
            self._is_running = False
            self.end()

    def end(self) -> None:
        with self._guard:
            self.is_open = False
            if not self._is_running:
                self._let_go()
        if self._deadline_ns is not None:
            self._engine.forget(self)

    def _let_go(self) -> None:
        """Drop the changes, the notes and, which matters to the undo, the snapshot."""
        self._overlay = self._view = self.reads = None
