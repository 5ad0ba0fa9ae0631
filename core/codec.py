"""Small binary pieces: varints, CRC32C, a 128-bit hash."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib

import google_crc32c

from .errors import CorruptionError

_PIECE_BYTES = 1 << 18
"""The library takes bytes alone: what is mapped is copied piece by piece, which the processor's cache holds."""


def crc32c(data: bytes | bytearray | memoryview, seed: int = 0) -> int:
    """CRC32C (Castagnoli) of ``data``, going on from ``seed``.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) <= _PIECE_BYTES:
        return google_crc32c.extend(seed, bytes(data))
    for start in range(0, len(data), _PIECE_BYTES):
        seed = google_crc32c.extend(seed, bytes(data[start : start + _PIECE_BYTES]))
    return seed


def digest(*parts: bytes | bytearray | memoryview) -> bytes:
    """BLAKE2b of the parts one after the other, 16 bytes."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.digest()


def write_varint(out: bytearray, value: int) -> None:
    """Append an unsigned LEB128."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def read_varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    r"""The unsigned LEB128 at ``position``, and where it ends; CorruptionError where there is none.

    >>> read_varint(b"\xac\x02", 0)
    (300, 2)
    """
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise CorruptionError("A number in encoded data is cut off or too long.")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def zigzag(value: int) -> int:
    """A signed integer as an unsigned one, small magnitudes first."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """The inverse of ``zigzag``."""
    return value >> 1 if not value & 1 else -(value >> 1) - 1
