"""Going on where a reader found the end of the log: what a crash left after it is wiped, what is before it is kept."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from ..vfs import File, Vfs
from .reader import LogReader
from .record import HEADER_BYTES, padded
from .segment import SegmentHeader

_LENGTH: Final = struct.Struct("<I")
_LENGTH_AT: Final = 8


def resume(vfs: Vfs, directory: str, reader: LogReader, sync: Callable[[File], None]) -> File | None:
    """The newest segment's file; None where there is no segment. All that was read is durable on return.

    Args:
        vfs: the disk.
        directory: of the segments.
        reader: one that has read to the end.
        sync: makes a file durable.
    """
    for path in reader.unbegun:
        vfs.remove(path)
    if reader.unbegun:
        vfs.sync_directory(directory)
    end = reader.end
    if end is None:
        return None
    file = vfs.open(end.path)
    is_whole = True
    if not end.header.compressed:
        if end.written > end.size:
            file.write_at(end.size, bytes(end.written - end.size))
            is_whole = False
        if end.length < end.header.bytes:
            file.preallocate(end.header.bytes)
            is_whole = False
    if is_whole and reader.sequence <= reader.durable:
        return file
    # What was read may be visible and yet not durable: the process died, not the machine. Where it died of a failed
    # sync the pages are marked clean and no sync writes them: only writing them again makes them dirty.
    if not end.header.compressed:
        data = vfs.map(end.path)
        start = record_end(data, end.header, max(reader.durable, reader.claimed))
        file.write_at(start, bytes(data[start : end.size]))
    sync(file)
    return file


def record_end(data: memoryview, header: SegmentHeader, last: int) -> int:
    """Where the record with sequence ``last`` ends; 0 where it lies before the segment. All up to it are whole."""
    offset = header.size
    if last <= header.sequence:
        return 0
    for _ in range(last - header.sequence):
        (length,) = _LENGTH.unpack_from(data, offset + _LENGTH_AT)
        offset += padded(HEADER_BYTES + length)
    return offset
