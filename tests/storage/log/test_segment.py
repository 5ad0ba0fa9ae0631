"""Segment headers."""

import struct

import pytest

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory
from memoradb.storage.log.segment import (
    HEADER_BYTES,
    SegmentHeader,
    decode_header,
    encode_header,
    is_segment,
    segment_name,
)

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"
HEADER = SegmentHeader(3, UUID, 42, 99)


def test_a_header_is_read_as_it_was_written() -> None:
    raw = encode_header(HEADER)
    assert len(raw) == HEADER_BYTES and decode_header(memoryview(raw), "f") == HEADER


def test_segments_are_named_by_their_first_index_in_order() -> None:
    assert segment_name(255) == "wal-00000000000000ff.log"
    assert is_segment(segment_name(7)) and not is_segment("wal-1.log") and not is_segment("x" * 24)
    assert sorted(map(segment_name, (300, 2, 17))) == list(map(segment_name, (2, 17, 300)))


def test_records_of_one_segment_or_database_do_not_validate_in_another() -> None:
    other = SegmentHeader(4, UUID, 42, 99), SegmentHeader(3, UUID.replace("0", "1"), 42, 99)
    assert len({HEADER.seed, *(header.seed for header in other)}) == 3


def test_a_damaged_header_is_corruption_and_another_program_s_file_is_foreign() -> None:
    raw = bytearray(encode_header(HEADER))
    raw[30] ^= 1
    with pytest.raises(CorruptionError, match="damaged header"):
        decode_header(memoryview(raw), "f")
    with pytest.raises(CorruptionError, match="shorter"):
        decode_header(memoryview(raw[:20]), "f")
    with pytest.raises(ForeignDirectory, match="not a log"):
        decode_header(memoryview(b"SQLite format 3\0" + bytes(100)), "f")


def test_a_format_from_the_future_is_named() -> None:
    raw = bytearray(encode_header(HEADER)[:-4])
    struct.pack_into("<I", raw, 8, 2)
    raw += struct.pack("<I", crc32c(bytes(raw)))
    with pytest.raises(ForeignDirectory, match="format 2"):
        decode_header(memoryview(raw), "f")
