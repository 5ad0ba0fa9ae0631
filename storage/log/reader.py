"""Reading the log back: records in order, the torn tail told from corruption. It changes nothing on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..vfs import Vfs
from .record import ALIGNMENT, Record, decode
from .segment import HEADER_BYTES, SegmentHeader, decode_header, is_segment, segment_name


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A place between two records: what a checkpoint remembers, so that reading can begin there."""

    first_index: int
    """Names the segment."""
    offset_bytes: int
    """Where in it the next record begins."""
    index: int
    """The record before the place."""
    crc: int
    """Its checksum."""
    transaction: int
    """Number of the newest transaction up to there."""


START = LogPlace(1, HEADER_BYTES, 0, 0, 0)
"""The beginning of every log."""


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The newest segment and where its good part ends, to go on writing there."""

    path: str
    header: SegmentHeader
    size: int


class LogReader:
    """One pass over a log, from its start or from a place in it."""

    def __init__(self, vfs: Vfs, directory: str, database: str, durable: int = 0, start: LogPlace = START) -> None:
        self._vfs = vfs
        self._directory = directory
        self._database = database
        self.durable = durable
        """Index that the superblock calls durable: nothing up to it may be missing."""
        self._start = start
        self.end: SegmentEnd | None = None
        self.last_index = start.index
        self.last_crc = start.crc
        self.last_transaction = start.transaction
        self.torn_bytes = 0
        self.torn_segment: str | None = None
        """A newest segment that the crash left without a header: nothing was ever written to it."""

    @property
    def place(self) -> LogPlace:
        """Where the pass stands: after it, the end of the log."""
        if self.end is None:
            return self._start
        first = self.end.header.first_index
        return LogPlace(first, self.end.size, self.last_index, self.last_crc, self.last_transaction)

    def records(self) -> Iterator[Record]:
        """All records after the start, by index.

        Raises:
            CorruptionError: a bad record at or below the durable position; names file and offset.
            ForeignDirectory: a segment of another database.
        """
        first = segment_name(self._start.first_index)
        names = [n for n in self._vfs.list(self._directory) if is_segment(n) and n >= first]
        if names and names[0] != first:
            raise CorruptionError(f"{self._directory}/{first} is missing.", file=f"{self._directory}/{first}")
        for i, name in enumerate(names):
            path = f"{self._directory}/{name}"
            data = self._vfs.map(path)
            last = i == len(names) - 1
            if last and not _ever_written(data) and (i or self._start is START):
                self.torn_segment = path
                self.torn_bytes += len(data)
                break
            header = decode_header(data, path)
            if header.database != self._database:
                raise ForeignDirectory(f"{path} belongs to another database.")
            yield from self._segment(path, header, data, self._start.offset_bytes if i == 0 else HEADER_BYTES, last)
        ends = self.last_index if self.end is not None else 0
        needed = max(self.durable, self._start.index)
        if ends < needed:
            where = self.end.path if self.end else f"{self._directory}/{first}"
            raise CorruptionError(
                f"The log ends at record {ends} in {where}, but {needed} was durable.",
                file=where,
                offset_bytes=self.end.size if self.end else 0,
            )

    def _segment(self, path: str, header: SegmentHeader, data: memoryview, offset: int, last: bool) -> Iterator[Record]:
        if offset == HEADER_BYTES and (header.first_index != self.last_index + 1 or header.previous != self.last_crc):
            raise CorruptionError(
                f"{path} goes on from record {header.first_index - 1}, which is not how the log before it ends "
                f"(at {self.last_index}).",
                file=path,
            )
        if offset > len(data):
            raise CorruptionError(f"{path} ends before record {self.last_index}, which was durable.", file=path)
        while True:
            record = decode(data, offset, header.seed)
            if record is None or record.index != self.last_index + 1 or record.previous != self.last_crc:
                break
            self.last_index, self.last_crc = record.index, record.crc
            self.last_transaction = max(self.last_transaction, record.transaction)
            offset += record.size
            self.end = SegmentEnd(path, header, offset)
            yield record
        self.end = SegmentEnd(path, header, offset)
        if _is_written(data, offset):
            self._check_tail(path, header, data, offset, last)
            self.torn_bytes += len(data) - offset

    def _check_tail(self, path: str, header: SegmentHeader, data: memoryview, offset: int, last: bool) -> None:
        """Corruption where anything after the bad place proves that it had been durable."""
        missing = self.last_index + 1
        corrupt = not last or missing <= self.durable
        at = offset + ALIGNMENT
        while not corrupt and at < len(data):
            later = decode(data, at, header.seed)
            if later is not None and later.durable >= missing:
                corrupt = True
            at += later.size if later is not None else ALIGNMENT
        if corrupt:
            raise CorruptionError(
                f"{path} is damaged at byte {offset}: record {missing} was durable and cannot be read.",
                file=path,
                offset_bytes=offset,
            )


def _is_written(data: memoryview, offset: int) -> bool:
    """Whether anything but zeros stands from ``offset`` on."""
    return bool(bytes(data[offset:]).strip(b"\0"))


def _ever_written(data: memoryview) -> bool:
    """False for a segment whose making the crash interrupted: records are only written once its header is durable."""
    return _is_written(data, 0) and len(data) >= HEADER_BYTES
