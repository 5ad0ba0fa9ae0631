"""Log segments: files of records, each named by the first index it holds.

magic 8 | version 4 | segment 4 | database uuid 16 | first index 8 | checksum before 4 | crc32c 4
"""

from __future__ import annotations

import struct
import uuid as uuids
from dataclasses import dataclass

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory

MAGIC = b"MEMORLOG"
VERSION = 1
_HEADER = struct.Struct("<8sII16sQI")
HEADER_BYTES = _HEADER.size + 4


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment says of itself."""

    number: int
    database: str
    first_index: int
    previous: int

    @property
    def seed(self) -> int:
        """Seeds the records' checksums: a record of another database or segment never validates here."""
        return crc32c(uuids.UUID(self.database).bytes + struct.pack("<I", self.number))


def segment_name(first_index: int) -> str:
    """``wal-0000000000000001.log``: sixteen hexadecimal digits."""
    return f"wal-{first_index:016x}.log"


def is_segment(name: str) -> bool:
    """Whether a file name is a segment's."""
    return name.startswith("wal-") and name.endswith(".log") and len(name) == 24


def encode_header(header: SegmentHeader) -> bytes:
    """The header's bytes."""
    raw = _HEADER.pack(
        MAGIC, VERSION, header.number, uuids.UUID(header.database).bytes, header.first_index, header.previous
    )
    return raw + struct.pack("<I", crc32c(raw))


def decode_header(data: memoryview, path: str) -> SegmentHeader:
    """The header at the start of a segment.

    Raises:
        ForeignDirectory: another program's file, or a newer format.
        CorruptionError: the header fails its checksum.
    """
    if len(data) < HEADER_BYTES:
        raise CorruptionError(f"{path} is shorter than a segment's header.", file=path)
    raw = bytes(data[: _HEADER.size])
    magic, version, number, database, first_index, previous = _HEADER.unpack(raw)
    if magic != MAGIC:
        raise ForeignDirectory(f"{path} is not a log of MemoraDB.")
    if struct.unpack_from("<I", data, _HEADER.size)[0] != crc32c(raw):
        raise CorruptionError(f"{path} has a damaged header.", file=path)
    if version != VERSION:
        raise ForeignDirectory(
            f"{path} has log format {version}; this version reads {VERSION}.", hint="Open it with a newer MemoraDB."
        )
    return SegmentHeader(number, str(uuids.UUID(bytes=database)), first_index, previous)
