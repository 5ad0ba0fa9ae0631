"""Varints, checksums, digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.codec import crc32c, digest, read_varint, unzigzag, write_varint, zigzag
from memoradb.core.errors import CorruptionError


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_a_varint_survives_and_says_where_it_ends(value, rest):
    out = bytearray()
    write_varint(out, value)
    assert read_varint(bytes(out) + rest, 0) == (value, len(out))
    assert len(out) <= 10


@given(st.integers(0, 2**64 - 1))
def test_a_varint_cut_off_is_corrupt(value):
    out = bytearray()
    write_varint(out, value)
    with pytest.raises(CorruptionError):
        read_varint(bytes(out[:-1]), 0)


def test_a_varint_without_end_is_corrupt():
    with pytest.raises(CorruptionError, match="too long"):
        read_varint(b"\xff" * 1000, 0)


@given(st.integers(-(2**63), 2**63 - 1))
def test_zigzag_is_invertible_and_small_for_small(value):
    assert unzigzag(zigzag(value)) == value
    assert zigzag(value) in (2 * abs(value), 2 * abs(value) - 1)


@given(st.binary(), st.binary())
def test_a_checksum_goes_on_from_its_seed(a, b):
    assert crc32c(b, crc32c(a)) == crc32c(a + b)
    assert crc32c(memoryview(a)) == crc32c(bytearray(a)) == crc32c(a)


# RFC 3720, appendix B.4.
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_the_checksum_is_castagnolis(data, expected):
    assert crc32c(data) == expected


@given(st.binary(min_size=1, max_size=64), st.data())
def test_a_checksum_sees_every_flipped_bit(data, draw):
    flipped = bytearray(data)
    flipped[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert crc32c(bytes(flipped)) != crc32c(data)


@given(st.binary(), st.binary())
def test_a_digest_is_of_the_parts_together(a, b):
    assert digest(a, b) == digest(a + b)
    assert len(digest(a)) == 16
