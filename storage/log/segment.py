"""Log segments: files of records, numbered from 1, of a size that was set aside beforehand.

    magic 8 | version 4 | flags 4 | number 8 | database uuid 16 | sequence before 8 | checksum before 4 | bytes 8
    groups 4 | where each group stands (see ``_GROUP``), its hard state | crc32c 4

``bytes`` is the segment's size with zeros after its last record. Flag 1: what follows the header is one zstd frame; it
holds the bytes that stood there, so that offsets, checksums and chains are what they were. A header says where every
group stands, so that reading can begin at any segment. A segment that was prepared and never begun has zeros here.
"""

from __future__ import annotations

import re
import struct
import uuid as uuids
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import zstandard

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..file_format import other_format
from .groups import AUDIT_BYTES, GroupState
from .record import padded

MAGIC: Final = b"MEMORLOG"
VERSION: Final = 2
COMPRESSED: Final = 1
COMPRESSION_LEVEL: Final = 3

_HEADER: Final = struct.Struct("<8sIIQ16sQIQI")
_GROUP: Final = struct.Struct(f"<HHQQQQQ{AUDIT_BYTES}s")
_CRC: Final = struct.Struct("<I")
_NAME: Final = re.compile(r"wal-(\d{8,})\.log")


@dataclass(frozen=True)
class SegmentHeader:
    """What a segment says of itself."""

    number: int
    database: str
    sequence: int
    """That of the record before its first."""
    previous: int
    """That record's checksum."""
    bytes: int
    groups: tuple[GroupState, ...] = ()
    compressed: bool = False

    @cached_property
    def seed(self) -> int:
        """Seeds the records' checksums."""
        return segment_seed(self.database, self.number)

    @property
    def size(self) -> int:
        """Bytes of the header itself: where the records begin."""
        table = sum(_GROUP.size + len(state.hard_state) for state in self.groups)
        return padded(_HEADER.size + table + _CRC.size)


HEADER_BYTES: Final = padded(_HEADER.size + _CRC.size)
"""Of the first segment's header, where no group has begun."""


def segment_seed(database: str, number: int) -> int:
    """Seeds the checksums in a segment: a record of another database or segment never validates there."""
    return crc32c(uuids.UUID(database).bytes + struct.pack("<Q", number))


def segment_name(number: int) -> str:
    """``wal-00000001.log``."""
    return f"wal-{number:08d}.log"


def segment_number(name: str) -> int | None:
    """The number of the segment with that file name; None for any other name."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match and segment_name(int(match.group(1))) == name else None


def is_segment(name: str) -> bool:
    """Whether a file name is a segment's, or what a crash leaves of one that was about to be replaced."""
    return segment_number(name.removesuffix(".tmp")) is not None


def segment_numbers(names: Iterable[str]) -> list[int]:
    """The numbers of the segments among the file names, ascending."""
    found = map(segment_number, names)
    return sorted(number for number in found if number is not None)


def encode_header(header: SegmentHeader) -> bytes:
    """The header's bytes."""
    raw = _HEADER.pack(
        MAGIC,
        VERSION,
        COMPRESSED if header.compressed else 0,
        header.number,
        uuids.UUID(header.database).bytes,
        header.sequence,
        header.previous,
        header.bytes,
        len(header.groups),
    )
    for s in header.groups:
        raw += _GROUP.pack(s.group, len(s.hard_state), s.index, s.term, s.transaction, s.time_us, s.committed, s.audit)
        raw += s.hard_state
    return (raw + _CRC.pack(crc32c(raw))).ljust(header.size, b"\0")


def decode_header(data: memoryview, path: str) -> SegmentHeader:
    """The header at the start of a segment.

    Raises:
        ForeignDirectory: another program's file, or another format.
        CorruptionError: the header fails its checksum.
    """
    if len(data) < HEADER_BYTES:
        raise CorruptionError(f"{path} is shorter than a segment's header.", file=path)
    magic, version, flags, number, database, sequence, previous, size, count = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ForeignDirectory(f"{path} is not a log of MemoraDB.")
    if version != VERSION and 0 < version < 1_000:
        raise other_format(path, version, VERSION)
    groups: list[GroupState] = []
    at = _HEADER.size
    try:
        for _ in range(count):
            group, held, index, term, transaction, time_us, committed, audit = _GROUP.unpack_from(data, at)
            at += _GROUP.size + held
            state = bytes(data[at - held : at])
            groups.append(GroupState(group, index, term, transaction, time_us, audit, committed, state))
        (crc,) = _CRC.unpack_from(data, at)
    except struct.error as error:
        raise CorruptionError(f"{path} has a damaged header.", file=path) from error
    if crc != crc32c(data[:at]) or flags > COMPRESSED:
        raise CorruptionError(f"{path} has a damaged header.", file=path)
    return SegmentHeader(
        number, str(uuids.UUID(bytes=database)), sequence, previous, size, tuple(groups), bool(flags & COMPRESSED)
    )


def compress(data: memoryview, header: SegmentHeader, end: int) -> bytes:
    """A sealed segment whose last record ends at ``end``, made small."""
    packed = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True, write_content_size=True)
    return encode_header(replace(header, compressed=True)) + packed.compress(data[header.size : end])


def decompress(data: memoryview, header: SegmentHeader, path: str) -> memoryview:
    """A segment's bytes as they were before it was compressed, without the zeros at its end.

    Raises:
        CorruptionError: it is not what was written.
    """
    if not header.compressed:
        return data
    try:
        room = max(0, header.bytes - header.size)
        if zstandard.frame_content_size(data[header.size :]) > room:
            raise CorruptionError(f"{path} says that it is larger than it was.", file=path, offset_bytes=header.size)
        records = zstandard.ZstdDecompressor().decompress(data[header.size :], allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptionError(f"{path} is damaged: {error}.", file=path, offset_bytes=header.size) from error
    return memoryview(bytes(data[: header.size]) + records)
