"""The logs that share a stream: where each stands, what of it is committed, and its audit chain.

The audit is a BLAKE2b chain over a group's committed entries: (audit before, index, term, kind, time, transaction,
digest of the payload). Two logs with the same audit at the same index hold the same history, and nothing in it can be
changed, added or left out without changing every audit after it. The value of an entry that is not committed yet is
known too, but nobody is told: a cut takes it back.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

AUDIT_BYTES: Final = 32
AUDIT_START: Final = bytes(AUDIT_BYTES)
"""The audit of an empty log."""
_AUDITED: Final = struct.Struct("<QQBQQ16s")

GROUP_MAX: Final = (1 << 16) - 1
HARD_STATE_BYTES_MAX: Final = (1 << 16) - 1
"""It stands in every segment's header."""

Entry = tuple[int, int, int, int, bytes]
"""Of one entry: index, term, transaction, time in microseconds, audit up to it."""


def next_audit(before: bytes, index: int, term: int, kind: int, time_us: int, transaction: int, hashed: bytes) -> bytes:
    """The audit up to an entry, from that of the entry before."""
    return blake2b(
        before + _AUDITED.pack(index, term, kind, time_us, transaction, hashed), digest_size=AUDIT_BYTES
    ).digest()


@dataclass(frozen=True, slots=True)
class GroupState:
    """Where a group's log stands at some place in the stream."""

    group: int
    index: int = 0
    term: int = 0
    transaction: int = 0
    time_us: int = 0
    audit: bytes = AUDIT_START
    """Up to ``index``."""
    committed: int = 0
    """Index that was known to be committed then."""
    hard_state: bytes = b""


def states_of(logs: Mapping[int, GroupLog]) -> tuple[GroupState, ...]:
    """Where those groups stand that have begun, by number."""
    return tuple(log.state for _, log in sorted(logs.items()) if log.index or log.hard_state)


class GroupLog:
    """A group's log as reader and writer follow it."""

    __slots__ = (
        "_base",
        "_pending",
        "audit",
        "committed",
        "cuts",
        "durable",
        "group",
        "hard_state",
        "index",
        "lead",
        "term",
        "time_us",
        "transaction",
    )

    def __init__(self, state: GroupState) -> None:
        self.group = state.group
        self.index = self.durable = state.index
        self.term = state.term
        self.transaction = state.transaction
        self.time_us = state.time_us
        self.audit = state.audit
        self.committed = state.committed
        self.hard_state = state.hard_state
        self.cuts = 0
        self.lead = 0
        """How far the sequence of an entry is ahead of its index at most."""
        self._base: Entry | None = None
        """The newest committed entry; None where the stream was entered after it."""
        self._pending: deque[Entry] = deque([(state.index, state.term, state.transaction, state.time_us, state.audit)])
        """Entries that may still be cut off, oldest first."""
        self.commit(state.committed)

    def append(self, index: int, term: int, kind: int, time_us: int, transaction: int, hashed: bytes) -> None:
        """One more entry."""
        audit = next_audit(self.audit, index, term, kind, time_us, transaction, hashed)
        self.index, self.term, self.transaction, self.time_us, self.audit = index, term, transaction, time_us, audit
        self._pending.append((index, term, transaction, time_us, audit))

    def commit(self, index: int) -> None:
        """What is up to ``index`` stays."""
        if index > self.committed:
            self.committed = index
        pending = self._pending
        while pending and pending[0][0] <= self.committed:
            self._base = pending.popleft()

    def entry(self, index: int) -> Entry | None:
        """The entry at ``index``, if it is the newest committed one or a later one."""
        if self._base is not None and self._base[0] == index:
            return self._base
        return next((entry for entry in self._pending if entry[0] == index), None)

    def cut(self, entry: Entry) -> None:
        """Let the log end at ``entry``."""
        self.index, self.term, self.transaction, self.time_us, self.audit = entry
        self.durable = min(self.durable, self.index)
        self.cuts += 1
        while self._pending and self._pending[-1][0] > self.index:
            self._pending.pop()

    @property
    def state(self) -> GroupState:
        """Where it stands."""
        return GroupState(
            self.group,
            self.index,
            self.term,
            self.transaction,
            self.time_us,
            self.audit,
            min(self.committed, self.index),
            self.hard_state,
        )

    @property
    def committed_state(self) -> GroupState | None:
        """Where its newest committed entry stands; None where the stream was entered after that."""
        if self._base is None:
            return None
        index, term, transaction, time_us, audit = self._base
        return GroupState(self.group, index, term, transaction, time_us, audit, index, self.hard_state)
