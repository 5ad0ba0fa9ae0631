"""The segments behind the newest: made small once they are full, and removed when nobody reads them any more.

A compressed segment has zstd in the place of its records, under the same name; offsets, checksums and chains are what
they were. Each record is verified before the only copy of it is replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..vfs import Vfs
from .place import segments
from .record import decode
from .segment import SegmentHeader, compress, decode_header, segment_name, segment_numbers

RECORDS_AT_ONCE: Final = 64
"""Verified between two pauses: others get the interpreter in them."""


class Archive:
    """The log's full segments in one directory. Used by one thread at a time, but for the counts."""

    def __init__(self, vfs: Vfs, directory: str, rest: Callable[[], None] = lambda: None) -> None:
        """``rest`` lets other threads go on for a moment."""
        self._vfs = vfs
        self._directory = directory
        self._rest = rest
        self._lock = threading.Lock()
        """Held while a segment is replaced or removed: one that was removed must not come back."""
        self.oldest = min(segment_numbers(vfs.list(directory)), default=1)
        """Number of the oldest segment that is kept."""
        self._packed = self.oldest - 1
        """Segments up to here are compressed, or cannot be."""
        self._sizes: dict[int, int] = {}

    @property
    def compressed_bytes(self) -> int:
        """Bytes on the disk of the segments that are known to be compressed."""
        return sum(list(self._sizes.values()))

    def pack_next(self, newest: int) -> bool:
        """Compress the oldest segment that is not, if it is older than ``newest``: whether there was one to look at.

        Raises:
            StorageError: no room, or the disk fails; the segment is as it was.
        """
        with self._lock:
            number = max(self._packed + 1, self.oldest)
            if number >= newest:
                return False
            size = self._pack(number)
            if size is not None:
                self._sizes[number] = size
            self._packed = number
            return True

    def _pack(self, number: int) -> int | None:
        """The size of the segment, compressed now or before; None where it is damaged, and stays as it is.

        Whoever has it open or mapped keeps what was there before; a crash leaves the one or the other.
        """
        path = f"{self._directory}/{segment_name(number)}"
        following = f"{self._directory}/{segment_name(number + 1)}"
        try:
            data = self._vfs.map(path)
            header = decode_header(data, path)
            if header.compressed:
                return len(data)
            end = self._verified_end(data, header, decode_header(self._vfs.map(following), following).sequence)
        except (CorruptionError, ForeignDirectory):
            return None
        if end is None:
            return None
        packed = compress(data, header, end)
        self._vfs.write_atomically(path, packed)
        return len(packed)

    def _verified_end(self, data: memoryview, header: SegmentHeader, last: int) -> int | None:
        """Where the record with sequence ``last`` ends; None where the records do not lead there."""
        offset, crc = header.size, header.previous
        for sequence in range(header.sequence + 1, last + 1):
            record = decode(data, offset, header.seed, verify=True)
            if record is None or record.sequence != sequence or record.previous != crc:
                return None
            offset, crc = offset + record.size, record.crc
            if sequence % RECORDS_AT_ONCE == 0:
                self._rest()
        return offset

    def forget(self, floors: Mapping[int, int]) -> None:
        """Remove the segments that lie before an entry of each group, its floor: 0 for groups without one.

        Raises:
            StorageError: a segment cannot be removed.
        """
        with self._lock:
            for (header, path), (after, _) in pairwise(segments(self._vfs, self._directory)):
                # Strictly: a checkpoint may stand at a segment's very end.
                if any(state.index >= floors.get(state.group, 0) for state in after.groups):
                    return
                self._vfs.remove(path)
                self._vfs.sync_directory(self._directory)  # one after another: what is left has no gap
                self.oldest = header.number + 1
                self._sizes.pop(header.number, None)
