"""Places in the log: what a checkpoint remembers, and where segments begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..vfs import Vfs
from .groups import GroupState
from .segment import SegmentHeader, decode_header, segment_name, segment_numbers


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A place between two records: what a checkpoint remembers, so that reading can begin there.

    ``index``, ``transaction``, ``time_us`` and ``audit`` are those of group 0.
    """

    segment: int
    """Its number."""
    offset_bytes: int
    """Where in it the next record begins; 0 stands for its first record."""
    sequence: int
    """Of the record before the place."""
    crc: int
    """Its checksum."""
    groups: tuple[GroupState, ...] = ()
    """Where each group's log stands."""

    def group(self, number: int) -> GroupState:
        """Where that group's log stands."""
        return next((state for state in self.groups if state.group == number), GroupState(number))

    @property
    def index(self) -> int:
        """The newest entry before the place."""
        return self.group(0).index

    @property
    def transaction(self) -> int:
        """Number of the newest transaction up to there."""
        return self.group(0).transaction

    @property
    def time_us(self) -> int:
        """When the newest entry was appended: microseconds since 1970."""
        return self.group(0).time_us

    @property
    def audit(self) -> bytes:
        """The audit chain up to there."""
        return self.group(0).audit


START: Final = LogPlace(1, 0, 0, 0)
"""The beginning of every log."""


def segments(vfs: Vfs, directory: str) -> list[tuple[SegmentHeader, str]]:
    """Headers and paths of the newest segments that follow each other without a gap and were begun, oldest first.

    Raises:
        CorruptionError, ForeignDirectory: a header but the newest is damaged, or of another program or version.
    """
    found: list[tuple[SegmentHeader, str]] = []
    numbers = segment_numbers(vfs.list(directory))
    for number in reversed(numbers):
        if found and found[-1][0].number != number + 1:
            break
        path = f"{directory}/{segment_name(number)}"
        try:
            found.append((decode_header(vfs.map(path), path), path))
        except (CorruptionError, ForeignDirectory):
            if found:
                raise
    return found[::-1]


def place_of(header: SegmentHeader) -> LogPlace:
    """The place where a segment's records begin."""
    return LogPlace(header.number, header.size, header.sequence, header.previous, header.groups)
