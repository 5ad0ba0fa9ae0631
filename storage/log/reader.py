"""Reading the log back: records in order, the torn tail told from corruption. It changes nothing on the disk.

``stream`` gives every record as it was written; ``records`` one group's log as it came to be, without what was cut off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..vfs import Vfs
from .groups import AUDIT_BYTES, GroupLog, GroupState, states_of
from .place import START, LogPlace
from .record import Record, RecordKind, decode
from .segment import SegmentHeader, decode_header, decompress, segment_name, segment_numbers, segment_seed
from .superblock import Superblock
from .torn_tail import claims_durable, written_end


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The newest segment and where its good part ends, to go on writing there."""

    path: str
    header: SegmentHeader
    size: int
    """Offset after the last good record."""
    written: int
    """Offset after the last byte that is not zero: beyond ``size`` where a crash left something."""
    length: int
    """Bytes of the file."""


class LogReader:
    """One pass over a log, from its start or from a place in it."""

    def __init__(
        self,
        vfs: Vfs,
        directory: str,
        database: str,
        superblock: Superblock | None = None,
        start: LogPlace = START,
        *,
        verify: bool = False,
    ) -> None:
        """Read nothing yet.

        Args:
            vfs: the disk.
            directory: of the segments.
            database: the database's uuid.
            superblock: what must be there.
            start: where to begin.
            verify: check every payload's digest, and not its checksum alone.
        """
        self._vfs = vfs
        self._directory = directory
        self._database = database
        self.superblock = superblock or Superblock()
        self._start = start
        self._verify = verify
        self._stated = {state.group: state for state in self.superblock.groups}
        self._found: dict[int, tuple[bytes, str, int]] = {}
        """By group the audit, path and offset of the entry that the superblock tells of; the last one that was not cut
        off counts.
        """
        self.groups: dict[int, GroupLog] = {state.group: GroupLog(state) for state in start.groups}
        self.sequence = start.sequence
        self.crc = start.crc
        self.claimed = 0
        """Sequence that the newest record calls durable: what is after it may be visible and yet not durable."""
        self.end: SegmentEnd | None = None
        self.torn_bytes = 0
        self.unbegun: list[str] = []
        """Segments that were prepared, and nothing was ever acknowledged that stands in them."""

    @property
    def durable(self) -> int:
        """Sequence that the superblock calls durable: nothing up to it may be missing."""
        return self.superblock.durable

    @property
    def place(self) -> LogPlace:
        """Where the pass stands: after it, the end of the log."""
        if self.end is None:
            return self._start
        return LogPlace(self.end.header.number, self.end.size, self.sequence, self.crc, states_of(self.groups))

    def group(self, number: int = 0) -> GroupLog:
        """Where that group's log stands."""
        log = self.groups.get(number)
        if log is None:
            log = self.groups[number] = GroupLog(GroupState(number))
        return log

    # --- records

    def records(self, group: int = 0, upto: int | None = None) -> Iterator[Record]:
        """A group's entries after the start, by index, without those that were cut off.

        An entry is given once it is known to be committed; those that the log does not know of come at the end. Then
        ``group(n).committed`` tells them apart: a sequencer that commits what is durable has committed them all.

        Args:
            group: its number.
            upto: end with this index, which the caller knows to be committed and durable: reading beside a writer is
                safe up to there.

        Raises:
            CorruptionError, ForeignDirectory: as ``stream``.
        """
        log = self.group(group)
        if upto is not None and log.index >= upto:
            return
        open_entries: deque[Record] = deque()
        for record in self.stream(group, upto):
            if record.group != group:
                continue
            if record.is_entry:
                open_entries.append(record)
            elif record.kind is RecordKind.CUT:
                while open_entries and open_entries[-1].index > record.index:
                    open_entries.pop()
            while open_entries and open_entries[0].index <= log.committed:
                yield open_entries.popleft()
            if upto is not None and log.index >= upto:
                break
        yield from open_entries

    def offset_of(self, index: int, group: int = 0) -> tuple[str, int]:
        """File and offset of an entry, found by reading again: for messages."""
        again = LogReader(self._vfs, self._directory, self._database, start=self._start)
        found = (self._directory, 0)
        for record in again.stream(group):
            if record.is_entry and (record.group, record.index) == (group, index) and again.end is not None:
                found = (again.end.path, again.end.size - record.size)
        return found

    def stream(self, group: int = 0, upto: int | None = None) -> Iterator[Record]:
        """All records after the start in the order of their sequence; ends early as ``records`` does.

        Raises:
            CorruptionError: a bad record at or below the durable position; names file and offset.
            ForeignDirectory: a segment of another database.
        """
        first = segment_name(self._start.segment)
        numbers = [n for n in segment_numbers(self._vfs.list(self._directory)) if n >= self._start.segment]
        if numbers and numbers[0] != self._start.segment:
            raise CorruptionError(f"{self._directory}/{first} is missing.", file=f"{self._directory}/{first}")
        for i, number in enumerate(numbers):
            if number != self._start.segment + i:
                path = f"{self._directory}/{segment_name(self._start.segment + i)}"
                raise CorruptionError(f"{path} is missing.", file=path)
            path = f"{self._directory}/{segment_name(number)}"
            data = self._vfs.map(path)
            header = self._header(number, path, data)
            if header is None:
                continue
            offset = header.size if i else max(header.size, self._start.offset_bytes)
            if offset == header.size:
                self._check_begin(path, header)
            for record in self._segment(path, header, decompress(data, header, path), offset):
                yield record
                if upto is not None and record.group == group and self.groups[group].index >= upto:
                    return
        self._check_end(f"{self._directory}/{first}")

    def _header(self, number: int, path: str, data: memoryview) -> SegmentHeader | None:
        """A segment's header, or None where it was never begun."""
        try:
            header = decode_header(data, path)
            if header.database != self._database:
                raise ForeignDirectory(f"{path} belongs to another database.", hint="Move it elsewhere.")
            if header.number != number:
                raise CorruptionError(f"{path} holds segment {header.number}.", file=path)
        except (CorruptionError, ForeignDirectory) as error:
            # Header and first records become durable together: without any of them the segment was never begun.
            missing = self.sequence + 1
            begun = number == self._start.segment and self._start.sequence > 0
            seed = segment_seed(self._database, number)
            if begun or _is_foreign(error) or self._was_durable(number, data, 0, seed, missing):
                raise
            self.unbegun.append(path)
            self.torn_bytes += written_end(data, 0)
            return None
        return header

    def _check_begin(self, path: str, header: SegmentHeader) -> None:
        """Segments follow each other."""
        if header.sequence != self.sequence or header.previous != self.crc:
            raise CorruptionError(
                f"{path} goes on from record {header.sequence}, which is not how the log before it ends "
                f"(at {self.sequence}).",
                file=path,
            )
        for state in header.groups:
            log = self.groups.get(state.group)
            if log is not None and (log.index, log.audit) != (state.index, state.audit):
                raise CorruptionError(f"{path} goes on from another history.", file=path)

    def _segment(self, path: str, header: SegmentHeader, data: memoryview, offset: int) -> Iterator[Record]:
        if offset > len(data):
            raise CorruptionError(f"{path} ends before record {self.sequence}, which was durable.", file=path)
        seed, verify = header.seed, self._verify
        while True:
            record = decode(data, offset, seed, verify=verify)
            if record is None or record.sequence != self.sequence + 1 or record.previous != self.crc:
                break
            self._follow(record, path, offset)
            self.sequence, self.crc, self.claimed = record.sequence, record.crc, record.durable
            offset += record.size
            self.end = SegmentEnd(path, header, offset, offset, len(data))
            yield record
        written = max(offset, written_end(data, offset))
        self.end = SegmentEnd(path, header, offset, written, len(data))
        if written > offset:
            missing = self.sequence + 1
            if self._was_durable(header.number, data, offset, header.seed, missing):
                raise CorruptionError(
                    f"{path} is damaged at byte {offset}: record {missing} was durable and cannot be read.",
                    file=path,
                    offset_bytes=offset,
                )
            self.torn_bytes += written - offset

    def _follow(self, record: Record, path: str, offset: int) -> None:
        """Let the group's log go on by a record."""
        log = self.groups.get(record.group)
        if log is None:
            log = self.group(record.group)
        if record.is_entry:
            if record.index != log.index + 1:
                raise _broken(path, offset, f"record {record.sequence} is entry {record.index} after {log.index}")
            log.append(record.index, record.term, record.kind, record.time_us, record.transaction, record.digest)
            stated = self._stated.get(record.group)
            if stated is not None and stated.index == record.index:
                self._found[record.group] = (log.audit, path, offset)
        elif record.kind is RecordKind.CUT:
            if record.index < log.committed or len(record.payload) != AUDIT_BYTES:
                raise _broken(path, offset, f"what was committed is cut off at {record.index}")
            log.cut((record.index, record.term, record.transaction, record.time_us, record.payload))
        else:
            log.hard_state = record.payload
        if record.committed > log.committed:
            log.commit(record.committed)

    def _was_durable(self, number: int, data: memoryview, offset: int, seed: int, missing: int) -> bool:
        """Whether anything proves that a record which cannot be read at ``offset`` had been durable."""
        # A segment is begun only when the one before it is durable as a whole.
        return missing <= self.durable or self._is_begun(number + 1) or claims_durable(data, offset, seed, missing)

    def _is_begun(self, number: int) -> bool:
        """Whether the segment of that number has a header."""
        path = f"{self._directory}/{segment_name(number)}"
        if not self._vfs.exists(path):
            return False
        try:
            return decode_header(self._vfs.map(path), path).number == number
        except (CorruptionError, ForeignDirectory):
            return False

    def _check_end(self, first: str) -> None:
        ends = self.sequence if self.end is not None else 0
        needed = max(self.durable, self._start.sequence)
        if ends < needed:
            where = self.end.path if self.end else first
            raise CorruptionError(
                f"The log ends at record {ends} in {where}, but {needed} was durable.",
                file=where,
                offset_bytes=self.end.size if self.end else 0,
            )
        for state in self.superblock.groups:
            log = self.groups.get(state.group)
            if log is not None:
                log.commit(min(state.index, log.index))
            audit, path, offset = self._found.get(state.group, (state.audit, "", 0))
            if audit != state.audit:
                raise _broken(path, offset, f"the history up to entry {state.index} is not what the superblock says")


def _broken(path: str, offset: int, what: str) -> CorruptionError:
    return CorruptionError(f"{path} is inconsistent at byte {offset}: {what}.", file=path, offset_bytes=offset)


def _is_foreign(error: Exception) -> bool:
    """Whether a header was whole, and of another database or version."""
    return isinstance(error, ForeignDirectory) and error.hint is not None
