"""Appending to the log, and group commit.

Committers append under one lock and then wait for durability. The first who waits syncs for all who have appended by
then; the others find their record durable when they get their turn. A sync that fails stops the writer for good: after
it nobody can know what is on the disk (Linux marks pages clean after a failed fsync).

``durability``: ``strict`` and ``group`` return once the record is durable, ``group`` after a short wait for company;
``relaxed`` returns at once and syncs when a segment is closed or the database is.
"""

from __future__ import annotations

import threading
import time

from memoradb.core.errors import ConfigurationError, ReadOnlyDatabase, StorageError
from memoradb.core.limits import RECORD_BYTES_MAX, SEGMENT_BYTES

from ..vfs import File, Vfs
from .reader import LogReader
from .record import Record, RecordKind, encode
from .segment import HEADER_BYTES, SegmentHeader, encode_header, segment_name

GROUP_WAIT_SECONDS = 0.001
"""How long ``group`` waits for others before it syncs."""

DURABILITIES = ("strict", "group", "relaxed")


class LogWriter:
    """The log's one writer. Four positions: appended, durable, committed, applied (the last two are its callers')."""

    def __init__(self, vfs: Vfs, directory: str, database: str, reader: LogReader, durability: str = "strict") -> None:
        if durability not in DURABILITIES:
            raise ConfigurationError(f"durability is one of {', '.join(DURABILITIES)}, not {durability!r}.")
        self._vfs = vfs
        self._directory = directory
        self._database = database
        self._durability = durability
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._failed: StorageError | None = None
        self.appended = reader.last_index
        self.durable = reader.last_index
        self.transaction = reader.last_transaction
        self.syncs = 0
        self.bytes = 0
        self._crc = reader.last_crc
        self._file: File
        if reader.end is None:
            self._segment = 0
            self._open_segment()
        else:
            end = reader.end
            self._header = end.header
            self._segment = end.header.number
            self._file = vfs.open(end.path)
            if self._file.size() > end.size:
                self._file.truncate(end.size)
                self._file.sync()

    def _open_segment(self) -> None:
        self._segment += 1
        self._header = SegmentHeader(self._segment, self._database, self.appended + 1, self._crc)
        path = f"{self._directory}/{segment_name(self.appended + 1)}"
        self._file = self._vfs.open(path, create=True)
        self._file.append(encode_header(self._header))
        self._file.sync()
        self._vfs.sync_directory(self._directory)

    def append(self, payload: bytes, kind: RecordKind = RecordKind.CHANGESET) -> int:
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
            number = self.transaction + 1 if kind is RecordKind.CHANGESET else 0
            record = Record(kind, self.appended + 1, payload, number, self.durable, previous=self._crc)
            raw, crc = encode(record, self._header.seed)
            before = self._file.size()
            try:
                self._file.append(raw)
            except StorageError:
                self._undo_append(before)
                raise
            self.bytes += len(raw)
            self.appended, self._crc = record.index, crc
            self.transaction = max(self.transaction, number)
            return record.index

    def _undo_append(self, size: int) -> None:
        """Take a half-written record back; where even that fails, stop."""
        try:
            self._file.truncate(size)
        except StorageError as error:
            self._failed = error

    def _roll(self) -> None:
        self._sync(self._file)
        self.durable = self.appended
        self._file.close()
        self._open_segment()

    def wait(self, index: int) -> None:
        """Return once ``index`` is durable, or at once where durability is relaxed."""
        if self._durability == "relaxed":
            return
        if self._durability == "group" and self.durable < index:
            time.sleep(GROUP_WAIT_SECONDS)
        while self.durable < index:
            with self._sync_lock:
                if self.durable >= index:
                    return
                self.sync()

    def sync(self) -> None:
        """Make all that is appended durable."""
        with self._lock:
            self._check()
            target, file = self.appended, self._file
        self._sync(file)
        self.durable = max(self.durable, target)

    def _sync(self, file: File) -> None:
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

    @property
    def last_crc(self) -> int:
        """Checksum of the newest record."""
        return self._crc

    @property
    def is_failed(self) -> bool:
        """Whether the writer has stopped for good."""
        return self._failed is not None

    def close(self) -> None:
        """Sync and close."""
        if self._failed is None:
            self.sync()
        self._file.close()
