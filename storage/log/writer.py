"""Appending to the log, making it durable, and cutting off what was never committed.

Committers append under one lock and then wait for durability, without it: see ``group_commit``. A sync that fails stops
the writer for good: after it nobody can know what is on the disk (Linux marks pages clean after a failed fsync;
Rebello et al. 2020).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from memoradb.core.errors import ConfigurationError, ReadOnlyDatabase, StorageError
from memoradb.core.limits import RECORD_BYTES_MAX

from ..vfs import File, Vfs
from .archive import Archive
from .durability import GROUP_WAIT_SECONDS, check_durability
from .group_commit import GroupCommit
from .groups import AUDIT_BYTES, GROUP_MAX, HARD_STATE_BYTES_MAX, GroupLog, GroupState, states_of
from .open_segment import OpenSegment
from .place import LogPlace
from .reader import LogReader
from .record import ALIGNMENT, ENTRIES, HEADER_BYTES, Record, RecordKind, encode, payload_digest
from .superblock import Superblock, write_superblock

REST_SECONDS: Final = 0.0005
"""How long work in the background rests now and then, so that committers do not wait for the interpreter."""

_CHANGESET: Final = RecordKind.CHANGESET
_HARD_STATE: Final = RecordKind.HARD_STATE


class LogWriter:
    """The log's one writer.

    It knows what is appended and what is durable. What is committed it decides itself for a local sequencer, which
    commits what is durable (with relaxed durability, what is appended); another one tells it by ``commit``.
    """

    def __init__(
        self,
        vfs: Vfs,
        directory: str,
        database: str,
        reader: LogReader,
        durability: str = "strict",
        superblock: str | None = None,
        pause: Callable[[float], None] = time.sleep,
        commits_durable: bool = True,
    ) -> None:
        """Go on where ``reader`` found the end; the torn tail is wiped.

        Args:
            vfs: the disk.
            directory: of the segments.
            database: the database's uuid.
            reader: one that has read to the end.
            durability: ``strict``, ``group`` or ``relaxed``.
            superblock: directory of the superblocks; None keeps none.
            pause: waits so many seconds: for company in ``group``, and between pieces of work in the background.
            commits_durable: what is durable is committed.
        """
        check_durability(durability)
        self._vfs = vfs
        self._durability = durability
        self._superblock = superblock
        self._pause = pause
        self._commits_durable = commits_durable
        self._is_prompt = durability == "strict"
        self._lock = threading.Lock()
        self._mark_lock = threading.Lock()
        self._failed: StorageError | None = None
        self._generation = reader.superblock.generation
        self._marked = reader.superblock.durable
        self._floors: dict[int, int] = {}
        self.on_due: Callable[[], None] | None = None
        """Called when there is something to do in the background: see ``tend``."""
        self.syncs = 0
        self.bytes = 0
        self._groups = reader.groups
        self._own = reader.group()
        self._sequence = reader.sequence
        self._crc = reader.crc
        self._segment = OpenSegment(vfs, directory, database, reader, self._sync_file)
        for log in self._groups.values():
            log.durable = log.index
            if commits_durable:
                log.commit(log.index)
        self.archive = Archive(vfs, directory, lambda: pause(REST_SECONDS))
        """The full segments."""
        company = (lambda: pause(GROUP_WAIT_SECONDS)) if durability == "group" else None
        self._commit_group = GroupCommit(self._sequence, self._sync, company)

    # --- segments

    def _roll(self, needed: int) -> None:
        """Go on in the next segment; this one is durable as a whole before that one is begun."""
        self._sync_file(self._segment.file)
        for log in self._groups.values():
            log.durable = log.index
        self._commit_group.advance(self._sequence)
        self._segment.follow(needed, self._sequence, self._crc, states_of(self._groups))
        if self.on_due is not None:
            self.on_due()

    def tend(self) -> None:
        """What can be done beside the committers: set the next segment aside, compress those that are full.

        Raises:
            StorageError: the disk has no room or fails; the log is no worse for it.
        """
        if self._failed is None:
            self._segment.prepare()
        while self._failed is None and self.archive.pack_next(self._segment.header.number):
            pass

    def forget(self, before_index: int, group: int = 0) -> None:
        """Remove the segments in which no group has an entry from ``before_index`` on.

        The caller reads a checkpoint of that index or a later one, and the log after it. With several groups in the
        stream each must have forgotten.

        Raises:
            StorageError: a segment cannot be removed.
        """
        with self._lock:
            self._floors[group] = max(before_index, self._floors.get(group, 0))
            floors = dict(self._floors)
        self.archive.forget(floors)

    # --- appending

    def append(
        self,
        payload: bytes,
        kind: RecordKind = RecordKind.CHANGESET,
        *,
        term: int = 0,
        group: int = 0,
        time_us: int = 0,
    ) -> int:
        """Write one record; returns the index of the group's newest entry. Not durable yet.

        Args:
            payload: its content.
            kind: anything but a cut. A hard state takes no index.
            term: leader's term.
            group: whose log.
            time_us: microseconds since 1970; one that is less than that of the entry before is raised to it.

        Raises:
            ReadOnlyDatabase: the writer has stopped.
            DiskFull: no room; the record is not there.
        """
        most = HARD_STATE_BYTES_MAX if kind is _HARD_STATE else RECORD_BYTES_MAX
        if len(payload) > most:
            raise ConfigurationError(f"A record of {len(payload):,} bytes is too large for the log, at most {most:,}.")
        hashed = payload_digest(payload)
        with self._lock:
            log = self._own if group == 0 else self._log(group)
            if self._commits_durable:
                log.commit(log.index if self._durability == "relaxed" else log.durable)
            if kind not in ENTRIES:
                self._write(kind, log, payload, hashed, log.index, term, log.time_us, log.transaction)
                log.hard_state = payload
                return log.index
            index = log.index + 1
            number = log.transaction + (kind is _CHANGESET)
            if time_us < log.time_us:
                time_us = log.time_us
            self._write(kind, log, payload, hashed, index, term, time_us, number)
            log.append(index, term, kind, time_us, number, hashed)
            return index

    def _write(
        self,
        kind: RecordKind,
        log: GroupLog,
        payload: bytes,
        hashed: bytes,
        index: int,
        term: int,
        time_us: int,
        transaction: int,
    ) -> None:
        """Put a record at the end of the stream, or leave no trace of it."""
        if self._failed is not None:
            self._check()
        size = -(-(HEADER_BYTES + len(payload)) // ALIGNMENT) * ALIGNMENT
        segment = self._segment
        if segment.offset + size > segment.end:
            self._roll(size)
        offset = segment.offset
        record = Record(
            kind,
            index,
            payload,
            transaction,
            self._commit_group.durable,
            term,
            log.group,
            self._crc,
            0,
            time_us,
            self._sequence + 1,
            log.committed,
            hashed,
        )
        raw, crc = encode(record, segment.seed)
        try:
            segment.file.write_at(offset, raw)
        except StorageError:
            self._take_back(offset, size)
            raise
        self._sequence += 1
        log.lead = self._sequence - index
        self._crc = crc
        segment.offset = offset + size
        self.bytes += size
        if self._is_prompt and self._commit_group.is_lone:
            # Nobody will come to share the sync: the disk need not wait for it.
            segment.file.start_writing(offset, size)
        if segment.offset > segment.due_at and self.on_due is not None:
            segment.due_at = segment.end
            self.on_due()

    def _take_back(self, offset: int, size: int) -> None:
        """Wipe a half-written record; where even that fails, stop."""
        try:
            self._segment.file.write_at(offset, bytes(size))
        except StorageError as error:
            self._failed = error

    def _log(self, group: int) -> GroupLog:
        log = self._groups.get(group)
        if log is None:
            if not 0 <= group <= GROUP_MAX:
                raise ConfigurationError(f"Groups are numbered from 0 to {GROUP_MAX}, not {group}.")
            log = self._groups[group] = GroupLog(GroupState(group))
        return log

    def group(self, number: int = 0) -> GroupLog:
        """Where that group's log stands; only to be read."""
        return self._own if number == 0 else self._log(number)

    @property
    def appended(self) -> int:
        """Sequence of the newest record."""
        return self._sequence

    @property
    def durable(self) -> int:
        """Sequence of the newest record that is durable."""
        return self._commit_group.durable

    def expect(self, coming: Callable[[], int]) -> None:
        """Learn how to ask how many committers are on their way to append, the one who is just appending included."""
        self._commit_group.coming = coming

    @property
    def transaction(self) -> int:
        """Number of the newest transaction of group 0."""
        return self._own.transaction

    @property
    def committed(self) -> int:
        """Index of group 0 that is committed, where the writer decides that."""
        return self._own.index if self._durability == "relaxed" else self._own.durable

    # --- durability

    def wait(self, index: int, group: int = 0) -> None:
        """Return once the group's ``index`` is durable, or at once where durability is relaxed.

        Raises:
            ReadOnlyDatabase: it could not be made durable.
        """
        if self._durability == "relaxed":
            self._check()
        else:
            self._commit_group.wait(index + self.group(group).lead)

    def sync(self) -> None:
        """Make all that is appended durable."""
        self._check()
        self._commit_group.wait(self._sequence)

    def _sync(self) -> int:
        """Sync what is appended now; called by one thread at a time."""
        with self._lock:
            self._check()
            target, file = self._sequence, self._segment.file
            dirty = [(log, log.index, log.cuts) for log in self._groups.values() if log.durable < log.index]
            retired = self._segment.retired()
        for full in retired:
            full.close()
        self._sync_file(file)
        with self._lock:
            for log, index, cuts in dirty:
                if log.cuts == cuts and log.durable < index:
                    log.durable = index
        return target

    def _sync_file(self, file: File) -> None:
        try:
            file.sync()
        except StorageError as error:
            self._failed = error
            raise ReadOnlyDatabase(
                f"The log could not be made durable: {error.message}",
                hint="The database takes no more writes. Mend the disk and open it again.",
            ) from error
        self.syncs += 1

    def _check(self) -> None:
        if self._failed is not None:
            raise ReadOnlyDatabase(
                f"The log stopped after an error: {self._failed.message}",
                hint="Mend the disk and open the database again.",
            )

    def mark(self) -> None:
        """Record in a superblock what is durable and committed, if it is not there yet."""
        if self._superblock is None:
            return
        with self._mark_lock:
            with self._lock:
                durable = self._commit_group.durable
                states: list[GroupState] = []
                for log in self._groups.values():
                    if self._commits_durable:
                        log.commit(log.durable)
                    state = log.committed_state
                    if state is not None and 0 < state.index <= log.durable:
                        states.append(state)
            if durable != self._marked:
                block = Superblock(self._generation + 1, durable, tuple(states))
                write_superblock(self._vfs, self._superblock, block)
                self._generation, self._marked = block.generation, durable

    # --- committing and cutting

    def commit(self, index: int, group: int = 0) -> None:
        """A sequencer says that the group's log is committed up to ``index``: it can be cut no more."""
        with self._lock:
            self._log(group).commit(index)

    def cut(self, index: int, group: int = 0) -> None:
        """Let the group's log end at ``index``: what it has after that is an uncommitted suffix that is void now.

        Fenced by what is committed. A record says so, since other groups' records stand between those of the suffix:
        the cut is as durable as the record, and a crash before that leaves a log that is merely longer.

        Raises:
            ConfigurationError: ``index`` is below what is committed or above the end.
            ReadOnlyDatabase: the writer has stopped.
        """
        with self._lock:
            self._check()
            log = self._log(group)
            if self._commits_durable:
                log.commit(log.durable)
            if not log.committed <= index <= log.index:
                raise ConfigurationError(
                    f"The log can be cut between {log.committed}, which is committed, and {log.index}, not at {index}."
                )
            entry = log.entry(index)
            if entry is None:
                raise ConfigurationError(f"The log was read from a place after entry {index}: it cannot be cut there.")
            if index < log.index:
                _, term, transaction, time_us, audit = entry
                assert len(audit) == AUDIT_BYTES
                self._write(RecordKind.CUT, log, audit, payload_digest(audit), index, term, time_us, transaction)
                log.cut(entry)

    # --- the end

    @property
    def place(self) -> LogPlace:
        """The end of the log, as a checkpoint remembers it."""
        with self._lock:
            if self._commits_durable:
                self._own.commit(self.committed)
            segment = self._segment
            return LogPlace(segment.header.number, segment.offset, self._sequence, self._crc, states_of(self._groups))

    @property
    def segments(self) -> int:
        """How many segments are kept, the one that is written included."""
        return self._segment.header.number - self.archive.oldest + 1

    @property
    def is_relaxed(self) -> bool:
        """Whether a commit does not wait for durability."""
        return self._durability == "relaxed"

    @property
    def is_failed(self) -> bool:
        """Whether the writer has stopped for good."""
        return self._failed is not None

    def close(self) -> None:
        """Sync, record that in a superblock, close. After a failure only close."""
        try:
            if self._failed is None:
                self.sync()
                self.mark()
                self._segment.give_back()
        finally:
            self._segment.close()
