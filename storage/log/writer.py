"""Appending to the log, group commit, and cutting off what was never committed.

Committers append under one lock and then wait for durability, without it. The first who waits syncs for all who have
appended by then; the others find their record durable when they get their turn: many commits share one sync, and while
one sync runs the next batch gathers. A sync that fails stops the writer for good: after it nobody can know what is on
the disk (Linux marks pages clean after a failed fsync; Rebello et al. 2020).

``durability``: ``strict`` and ``group`` return once the record is durable, ``group`` after a short wait for company;
``relaxed`` returns at once and syncs when a segment is full, when the database is idle, and when it is closed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from memoradb.core.errors import ConfigurationError, ReadOnlyDatabase, StorageError
from memoradb.core.limits import RECORD_BYTES_MAX, SEGMENT_BYTES

from ..vfs import File, Vfs
from .reader import LogPlace, LogReader
from .record import Record, RecordKind, encode
from .segment import HEADER_BYTES, SegmentHeader, encode_header, is_segment, segment_name
from .superblock import write_superblock

GROUP_WAIT_SECONDS = 0.001
"""How long ``group`` waits for others before it syncs."""

DURABILITIES = ("strict", "group", "relaxed")


class LogWriter:
    """The log's one writer.

    Knows two of the four positions, appended and durable; its sequencer knows what is committed, the store what is
    applied.
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
    ) -> None:
        """Go on where ``reader`` found the end; the torn tail is cut off.

        Args:
            vfs: the disk.
            directory: of the segments.
            database: the database's uuid.
            reader: one that has read to the end.
            durability: ``strict``, ``group`` or ``relaxed``.
            superblock: path of the superblock; None keeps none.
            pause: waits so many seconds for company in ``group``.
        """
        check_durability(durability)
        self._vfs = vfs
        self._directory = directory
        self._database = database
        self._durability = durability
        self._superblock = superblock
        self._pause = pause
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._failed: StorageError | None = None
        self._retired: list[File] = []
        self._marked = reader.durable
        self._waiting = 0
        self._file: File
        self.syncs = 0
        self.bytes = 0
        self._begin(reader)

    def _begin(self, reader: LogReader) -> None:
        self.appended = self.durable = reader.last_index
        self.transaction = reader.last_transaction
        self._crc = reader.last_crc
        if reader.torn_segment is not None:
            self._vfs.remove(reader.torn_segment)
            self._vfs.sync_directory(self._directory)
        end = reader.end
        if end is None:
            self._open_segment(1)
            return
        self._header, self._file = end.header, self._vfs.open(end.path)
        if self._file.size() > end.size:
            self._file.truncate(end.size)
        if reader.last_index > reader.durable or reader.torn_bytes:
            # What was read may be visible and yet not durable: the process died, not the machine.
            self._sync_file(self._file)

    def _open_segment(self, number: int) -> None:
        header = SegmentHeader(number, self._database, self.appended + 1, self._crc)
        path = f"{self._directory}/{segment_name(self.appended + 1)}"
        file = self._vfs.open(path, create=True)
        try:
            file.append(encode_header(header))
            self._sync_file(file)
            self._vfs.sync_directory(self._directory)
        except StorageError:
            file.close()
            self._vfs.remove(path)
            raise
        self._header, self._file = header, file

    # --- appending

    def append(self, payload: bytes, kind: RecordKind = RecordKind.CHANGESET, *, term: int = 0, group: int = 0) -> int:
        """Write one record; returns its index. Not durable yet.

        Raises:
            ReadOnlyDatabase: the writer has stopped.
            DiskFull: no room; the record is not there.
        """
        if len(payload) > RECORD_BYTES_MAX:
            raise ConfigurationError(f"A transaction of {len(payload)} bytes is too large for the log.")
        with self._lock:
            self._check()
            if self._file.size() > HEADER_BYTES and self._file.size() + len(payload) > SEGMENT_BYTES:
                self._roll()
            number = self.transaction + (kind is RecordKind.CHANGESET)
            record = Record(kind, self.appended + 1, payload, number, self.durable, term, group, self._crc)
            raw, crc = encode(record, self._header.seed)
            before = self._file.size()
            try:
                self._file.append(raw)
            except StorageError:
                self._take_back(before)
                raise
            self.bytes += len(raw)
            self.appended, self._crc, self.transaction = record.index, crc, number
            return record.index

    def _take_back(self, size: int) -> None:
        """Cut a half-written record off; where even that fails, stop."""
        try:
            self._file.truncate(size)
        except StorageError as error:
            self._failed = error

    def _roll(self) -> None:
        full = self._file
        self._sync_file(full)
        self.durable = self.appended
        self._open_segment(self._header.number + 1)
        self._retired.append(full)  # a committer may be syncing it right now: closed by the next one who syncs

    # --- durability

    def wait(self, index: int) -> None:
        """Return once ``index`` is durable, or at once where durability is relaxed.

        Raises:
            ReadOnlyDatabase: it could not be made durable.
        """
        if self.is_relaxed:
            self._check()
            return
        if self._durability == "group":
            self._await_company(index)
        while self.durable < index:
            with self._sync_lock:
                if self.durable < index:
                    self._sync()

    def _await_company(self, index: int) -> None:
        with self._lock:
            self._waiting += 1
            alone = self._waiting == 1 and index == self.appended
        if not alone:
            self._pause(GROUP_WAIT_SECONDS)
        with self._lock:
            self._waiting -= 1

    def sync(self) -> None:
        """Make all that is appended durable."""
        with self._sync_lock:
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            self._check()
            target, file = self.appended, self._file
            retired, self._retired = self._retired, []
        if self.durable < target:
            self._sync_file(file)
            self.durable = max(self.durable, target)
        for full in retired:
            full.close()

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
        """Record the durable position in the superblock, if it is not there yet."""
        durable = self.durable
        if self._superblock is not None and durable != self._marked:
            write_superblock(self._vfs, self._superblock, durable)
            self._marked = durable

    # --- cutting

    def cut(self, index: int, committed: int) -> None:
        """Drop all records after ``index``: an uncommitted suffix, which another leader's log replaces.

        Fenced by ``committed``: what is committed is never cut. Before anything goes, the superblock is lowered, so
        that a crash half-way leaves a log that is merely longer, not one that lacks what was called durable; segments
        go from the newest on, each removal durable before the next, so that no gap can appear. A record of the
        suffix that a disk brings back cannot follow a new one: it does not chain.

        Raises:
            ConfigurationError: ``index`` is below ``committed`` or above the end.
            ReadOnlyDatabase: the writer has stopped.
        """
        with self._sync_lock, self._lock:
            self._check()
            if not committed <= index <= self.appended:
                raise ConfigurationError(
                    f"The log can be cut between {committed}, which is committed, and {self.appended}, not at {index}."
                )
            if index == self.appended:
                return
            self.durable = min(self.durable, index)
            try:
                self.mark()
                self._cut(index)
            except StorageError as error:
                self._failed = error
                raise

    def _cut(self, index: int) -> None:
        self._file.close()
        for name in reversed([n for n in self._vfs.list(self._directory) if is_segment(n)]):
            if name > segment_name(index):
                self._vfs.remove(f"{self._directory}/{name}")
                self._vfs.sync_directory(self._directory)
        reader = LogReader(self._vfs, self._directory, self._database)
        for record in reader.records():
            if record.index == index:
                break
        self._begin(reader)

    # --- the end

    @property
    def place(self) -> LogPlace:
        """The end of the log, as a checkpoint remembers it."""
        return LogPlace(self._header.first_index, self._file.size(), self.appended, self._crc, self.transaction)

    @property
    def is_relaxed(self) -> bool:
        """Whether a commit does not wait for durability."""
        return self._durability == "relaxed"

    @property
    def is_failed(self) -> bool:
        """Whether the writer has stopped for good."""
        return self._failed is not None

    def close(self) -> None:
        """Sync, record that in the superblock, close. After a failure only close."""
        try:
            if self._failed is None:
                self.sync()
                self.mark()
        finally:
            for file in (*self._retired, self._file):
                file.close()


def check_durability(durability: str) -> None:
    """Refuse what is no durability."""
    if durability not in DURABILITIES:
        raise ConfigurationError(f"durability is one of {', '.join(DURABILITIES)}, not {durability!r}.")
