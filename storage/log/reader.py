"""Reading the log back: records in order, the torn tail told from corruption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.errors import CorruptionError

from ..vfs import Vfs
from .record import ALIGNMENT, Record, decode
from .segment import HEADER_BYTES, SegmentHeader, decode_header, is_segment


@dataclass(slots=True)
class SegmentEnd:
    """Where the good part of the newest segment ends, to go on writing there."""

    path: str
    header: SegmentHeader
    size: int


class LogReader:
    """One pass over all segments of a directory."""

    def __init__(self, vfs: Vfs, directory: str, durable: int = 0) -> None:
        self._vfs = vfs
        self._directory = directory
        self._durable = durable
        """Index that the superblock calls durable: nothing up to it may be missing."""
        self.end: SegmentEnd | None = None
        self.last_index = 0
        self.last_crc = 0
        self.last_transaction = 0
        self.torn_bytes = 0

    def records(self) -> Iterator[Record]:
        """All records, by index.

        Raises:
            CorruptionError: a bad record at or below the durable position; names file and offset.
        """
        names = [n for n in self._vfs.list(self._directory) if is_segment(n)]
        for i, name in enumerate(names):
            path = f"{self._directory}/{name}"
            data = self._vfs.map(path)
            last = i == len(names) - 1
            if last and len(data) < HEADER_BYTES:
                # The crash came while the segment was being made: nothing was ever written to it.
                self._check_durable(path, 0)
                self.torn_bytes += len(data)
                self._vfs.remove(path)
                return
            header = decode_header(data, path)
            yield from self._segment(path, header, data, last)
        self._check_durable(self.end.path if self.end else self._directory, self.end.size if self.end else 0)

    def _segment(self, path: str, header: SegmentHeader, data: memoryview, last: bool) -> Iterator[Record]:
        offset = HEADER_BYTES
        if self.last_index and header.first_index != self.last_index + 1:
            raise CorruptionError(
                f"{path} begins at {header.first_index}, but the log before it ends at {self.last_index}.", file=path
            )
        if not self.last_index:
            self.last_index, self.last_crc = header.first_index - 1, header.previous
        while True:
            record = decode(data, offset, header.seed)
            if record is None or record.index != self.last_index + 1 or record.previous != self.last_crc:
                break
            self.last_index, self.last_crc = record.index, record.crc
            self.last_transaction = max(self.last_transaction, record.transaction)
            offset += record.size
            yield record
        self.end = SegmentEnd(path, header, offset)
        if offset < len(data) and any(data[offset:]):
            self._check_tail(path, header, data, offset, last)
            self.torn_bytes += len(data) - offset

    def _check_tail(self, path: str, header: SegmentHeader, data: memoryview, offset: int, last: bool) -> None:
        """Corruption where anything after the bad place proves that it had been durable."""
        missing = self.last_index + 1
        corrupt = not last or missing <= self._durable
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

    def _check_durable(self, path: str, offset: int) -> None:
        if self.last_index < self._durable:
            raise CorruptionError(
                f"The log ends at {self.last_index}, but {self._durable} was durable.", file=path, offset_bytes=offset
            )
