"""The sequencer: propose a changeset, learn its committed position.

The one door from storage to an ordered log. An embedded database has the local sequencer, which commits what its own
log made durable; a cluster member will have one that asks its consensus group. Neither knows what a changeset means.
"""

from __future__ import annotations

from typing import Protocol

from .log.writer import LogWriter


class Sequencer(Protocol):
    """Orders payloads."""

    @property
    def committed(self) -> int:
        """The newest position that is committed: everything up to it stays."""
        ...

    @property
    def transaction(self) -> int:
        """Number of the newest transaction that was appended; goes on after reopening."""
        ...

    def append(self, payload: bytes, time_us: int) -> int:
        """Give ``payload`` a place in the order, at a time in microseconds since 1970; it is not committed yet."""
        ...

    def wait(self, position: int) -> None:
        """Return once everything up to ``position`` is committed."""
        ...

    def close(self) -> None:
        """Finish what is under way."""
        ...


class LocalSequencer:
    """Commits what the local log has made durable; with relaxed durability, what it was given."""

    def __init__(self, writer: LogWriter) -> None:
        self.writer = writer

    @property
    def committed(self) -> int:
        return self.writer.committed

    @property
    def transaction(self) -> int:
        return self.writer.transaction

    def append(self, payload: bytes, time_us: int) -> int:
        return self.writer.append(payload, time_us=time_us)

    def wait(self, position: int) -> None:
        self.writer.wait(position)

    def close(self) -> None:
        self.writer.close()


class MemorySequencer:
    """Counts positions and keeps nothing: for databases in memory."""

    def __init__(self) -> None:
        self.committed = 0

    @property
    def transaction(self) -> int:
        return self.committed

    def append(self, payload: bytes, time_us: int) -> int:
        self.committed += 1
        return self.committed

    def wait(self, position: int) -> None:
        return None

    def close(self) -> None:
        return None
