"""Segment headers, names, and segments made small."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import CorruptionError, ForeignDirectory
from memoradb.storage.log.groups import GroupState
from memoradb.storage.log.segment import (
    HEADER_BYTES,
    VERSION,
    SegmentHeader,
    compress,
    decode_header,
    decompress,
    encode_header,
    is_segment,
    segment_name,
    segment_number,
    segment_numbers,
)

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"
HEADER = SegmentHeader(3, UUID, 42, 99, 1 << 20)
GROUPS = (
    GroupState(0, 40, 1, 39, 1_700_000_000_000_000, b"a" * 32, 38),
    GroupState(9, 7, 5, 3, 8, b"b" * 32, 7, b"term 5, voted for 2"),
)

numbers = st.integers(0, 2**64 - 1)
states = st.builds(
    GroupState,
    group=st.integers(0, 2**16 - 1),
    index=numbers,
    term=numbers,
    transaction=numbers,
    time_us=numbers,
    audit=st.binary(min_size=32, max_size=32),
    committed=numbers,
    hard_state=st.binary(max_size=40),
)
headers = st.builds(
    SegmentHeader,
    number=numbers,
    database=st.uuids().map(str),
    sequence=numbers,
    previous=st.integers(0, 2**32 - 1),
    bytes=numbers,
    groups=st.lists(states, max_size=4).map(tuple),
    compressed=st.booleans(),
)


@given(headers)
def test_a_header_is_read_as_it_was_written(header: SegmentHeader) -> None:
    raw = encode_header(header)
    assert len(raw) == header.size and header.size % 8 == 0
    assert decode_header(memoryview(raw + b"more"), "f") == header


def test_the_first_segment_s_header_has_no_groups() -> None:
    assert len(encode_header(HEADER)) == HEADER_BYTES < len(encode_header(replace(HEADER, groups=GROUPS)))


def test_segments_are_named_by_their_number_in_order() -> None:
    assert segment_name(255) == "wal-00000255.log" and segment_number("wal-00000255.log") == 255
    assert is_segment(segment_name(7)) and is_segment(segment_name(7) + ".tmp") and is_segment(segment_name(10**9))
    for other in ("wal-1.log", "wal-0000000a.log", "wal-000000001.log", "x" * 16, ""):
        assert not is_segment(other) and segment_number(other) is None
    assert segment_numbers([*map(segment_name, (300, 2, 10**9)), "lock"]) == [2, 300, 10**9]


def test_records_of_one_segment_or_database_do_not_validate_in_another() -> None:
    other = replace(HEADER, number=4), replace(HEADER, database=UUID.replace("0", "1"))
    assert len({HEADER.seed, *(header.seed for header in other)}) == 3


def test_any_changed_byte_of_a_header_is_noticed() -> None:
    whole = encode_header(replace(HEADER, groups=GROUPS))
    end = len(whole.rstrip(b"\0"))
    for at in range(end):
        raw = bytearray(whole)
        raw[at] ^= 1
        with pytest.raises((CorruptionError, ForeignDirectory)):
            decode_header(memoryview(raw), "f")
    for length in range(end):
        with pytest.raises(CorruptionError):
            decode_header(memoryview(whole[:length]), "f")


def test_a_damaged_header_is_corruption_and_another_program_s_file_is_foreign() -> None:
    raw = bytearray(encode_header(HEADER))
    raw[30] ^= 1
    with pytest.raises(CorruptionError, match="damaged header"):
        decode_header(memoryview(raw), "f")
    with pytest.raises(CorruptionError, match="shorter"):
        decode_header(memoryview(raw[:20]), "f")
    with pytest.raises(ForeignDirectory, match="not a log"):
        decode_header(memoryview(b"SQLite format 3\0" + bytes(100)), "f")


def test_a_format_from_the_future_or_the_past_is_named() -> None:
    for version in (VERSION + 1, VERSION - 1):
        raw = bytearray(encode_header(HEADER))
        struct.pack_into("<I", raw, 8, version)
        with pytest.raises(ForeignDirectory, match=f"format {version}") as raised:
            decode_header(memoryview(raw), "f")
        assert raised.value.hint == "Open it with the version that wrote it."


def test_a_segment_made_small_holds_the_same_bytes() -> None:
    header = replace(HEADER, groups=GROUPS)
    records = b"record " * 500
    data = encode_header(header) + records + bytes(1_000)
    packed = compress(memoryview(data), header, header.size + len(records))
    assert len(packed) < len(data) // 5
    found = decode_header(memoryview(packed), "f")
    assert found == replace(header, compressed=True)
    assert decompress(memoryview(packed), found, "f")[header.size :] == records
    assert decompress(memoryview(data), header, "f") == data


def test_a_damaged_small_segment_is_corruption_or_holds_the_same_bytes() -> None:
    records = bytes(range(256)) * 8
    packed = compress(memoryview(encode_header(HEADER) + records), HEADER, HEADER.size + len(records))
    header = decode_header(memoryview(packed), "f")
    found = 0
    for at in range(header.size, len(packed)):
        for bit in (1, 0x80):
            raw = bytearray(packed)
            raw[at] ^= bit
            try:
                assert decompress(memoryview(raw), header, "f")[header.size :] == records
            except CorruptionError:
                found += 1
    assert found > (len(packed) - header.size)
    for length in range(header.size, len(packed)):
        with pytest.raises(CorruptionError):
            decompress(memoryview(packed[:length]), header, "f")


def test_a_small_segment_that_claims_to_be_larger_than_it_was_is_not_unpacked() -> None:
    records = bytes(1 << 22)
    packed = compress(memoryview(encode_header(HEADER) + records), HEADER, HEADER.size + len(records))
    header = decode_header(memoryview(packed), "f")
    with pytest.raises(CorruptionError, match="larger"):
        decompress(memoryview(packed), header, "f")


def test_a_header_that_claims_many_groups_is_damage_not_an_error_of_ours() -> None:
    raw = bytearray(encode_header(HEADER))
    struct.pack_into("<I", raw, 60, 0xFFFFFFFF)
    with pytest.raises(CorruptionError, match="damaged header"):
        decode_header(memoryview(raw), "f")
