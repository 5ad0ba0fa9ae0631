"""What history is read from: committed changesets in order, and states to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from memoradb.core.errors import CorruptionError

from ..changeset import Changeset, decode
from ..store import GraphStore


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One committed changeset as it is kept: encoded, or as it was committed where that is smaller."""

    position: int
    transaction: int
    time_us: int
    payload: bytes | Changeset

    def changeset(self) -> Changeset:
        """Decoded.

        Raises:
            CorruptionError: it cannot be understood.
        """
        if isinstance(self.payload, Changeset):
            return self.payload
        try:
            return decode(self.payload)
        except CorruptionError as error:
            raise CorruptionError(f"Record {self.position} cannot be understood: {error.message}") from error


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction of the past."""

    position: int
    """In the log."""
    transaction: int
    """Its number."""
    time_us: int
    """When it was committed: microseconds since 1970, never less than that of the one before."""
    changeset: Changeset


@dataclass(frozen=True, slots=True)
class Mark:
    """A place between two entries that is known without reading up to it."""

    position: int
    transaction: int
    time_us: int


class Records(Protocol):
    """Where the past is kept: a log and checkpoints, or memory. Any number of threads."""

    @property
    def horizon(self) -> int:
        """The oldest position whose state can be made, and after which every entry is there."""
        ...

    def entries(self, after: int, upto: int) -> Iterator[Entry]:
        """Changesets after ``after`` up to ``upto``, which are committed, in order."""
        ...

    def base(self, position: int) -> GraphStore:
        """A store of the caller's own, as of some position at or before ``position``, the nearer the better."""
        ...

    def distance(self, position: int) -> int:
        """How many positions ``base`` would lie before ``position``."""
        ...

    def mark_at(self, position: int) -> Mark:
        """The last known place at or before a position."""
        ...

    def mark_of_transaction(self, transaction: int) -> Mark:
        """A place before the transaction, the nearer the better."""
        ...

    def mark_of_time(self, time_us: int) -> Mark:
        """A place at or before the time, or the oldest one."""
        ...

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring."""
        ...
