"""The segment that is being written: where in it the next record goes, and how the next one is begun."""

from __future__ import annotations

from collections.abc import Callable

from memoradb.core.errors import StorageError
from memoradb.core.limits import SEGMENT_BYTES, SEGMENT_BYTES_FIRST

from ..vfs import File, Vfs
from .groups import GroupState, states_of
from .reader import LogReader
from .record import padded
from .resume import resume
from .segment import SegmentHeader, encode_header
from .supply import SegmentSupply


class OpenSegment:
    """The newest segment of a log. All but ``prepare`` is called by who holds the log's lock."""

    __slots__ = ("_database", "_retired", "_supply", "due_at", "end", "file", "header", "offset", "seed")

    def __init__(
        self, vfs: Vfs, directory: str, database: str, reader: LogReader, sync: Callable[[File], None]
    ) -> None:
        """Go on where ``reader`` found the end of the log; the torn tail is wiped.

        ``sync`` makes a file durable.
        """
        self._database = database
        self._supply = SegmentSupply(vfs, directory, sync, reader.end.header.number if reader.end else 0)
        self._retired: list[File] = []
        file = resume(vfs, directory, reader, sync)
        if file is None or reader.end is None:
            self._begin(1, SEGMENT_BYTES_FIRST, 0, reader.sequence, reader.crc, states_of(reader.groups))
        else:
            self._set(reader.end.header, file, reader.end.size)
            if reader.end.header.compressed:
                self.end = 0  # the next record begins a new one

    def _set(self, header: SegmentHeader, file: File, offset: int) -> None:
        self.header, self.file, self.seed = header, file, header.seed
        self.offset, self.end = offset, header.bytes
        self.due_at = header.bytes // 2
        """Where the next segment should be set aside."""

    def _begin(
        self, number: int, size: int, needed: int, sequence: int, crc: int, states: tuple[GroupState, ...]
    ) -> None:
        """Begin segment ``number``; DiskFull where there is no room, and nothing has changed."""
        header = SegmentHeader(number, self._database, sequence, crc, 0, states)
        size = max(min(size, SEGMENT_BYTES), padded(header.size + needed))
        blank = self._supply.take(number, size)
        header = SegmentHeader(number, self._database, sequence, crc, blank.size, states)
        try:
            blank.file.write_at(0, encode_header(header))
        except StorageError:
            self._supply.discard(blank)
            raise
        self._set(header, blank.file, header.size)

    def follow(self, needed: int, sequence: int, crc: int, states: tuple[GroupState, ...]) -> None:
        """Go on in the next segment, with room for ``needed`` bytes; this one is durable as a whole.

        Args:
            needed: bytes of the next record.
            sequence: of the newest record.
            crc: its checksum.
            states: where the groups stand.

        Raises:
            DiskFull: no room; nothing has changed.
        """
        full = self.file
        self._begin(self.header.number + 1, self.header.bytes * 2, needed, sequence, crc, states)
        self._retired.append(full)

    def prepare(self) -> None:
        """Set the next segment aside where this one is half full.

        Raises:
            StorageError: no room, or the disk fails; nothing is left of it.
        """
        if self.offset > self.header.bytes // 2 and not self._supply.is_ready:
            self._supply.prepare(self.header.number + 1, min(self.header.bytes * 2, SEGMENT_BYTES))

    def retired(self) -> list[File]:
        """The files of full segments, to be closed by one who syncs: a committer may be syncing one right now."""
        files, self._retired = self._retired, []
        return files

    def give_back(self) -> None:
        """Remove the segment that was set aside and never begun."""
        self._supply.close()

    def close(self) -> None:
        """Close the files."""
        for file in (*self.retired(), self.file):
            file.close()
