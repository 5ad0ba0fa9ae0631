"""The log's record: a header that proves the payload, and says what is durable.

    crc32c  4   over all that follows in the header and the payload, seeded by database and segment
    length  4   bytes of payload
    kind    1   changeset | empty | membership | hard state
    flags   1   0 in this version
    group   2   which consensus group's log this record belongs to (0 where there is one)
    term    8   leader's term, 0 with the local sequencer
    index   8   position in the log, one more than the record before
    transaction 8  number of the transaction, counted apart from the index
    durable 8   index that was durable when this record was written
    previous 4  crc32c of the record before
    digest 16   BLAKE2b-128 of the payload: what chains and audits cover, so that a payload can be erased

Padded with zeros to 8 bytes. A record that fails its checksum below an index that a later record calls durable is
corruption; above it, it is a torn tail that nobody was told of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from memoradb.core.codec import crc32c, digest
from memoradb.core.limits import RECORD_BYTES_MAX

_HEADER = struct.Struct("<IIBBHQQQQI16s")
HEADER_BYTES = _HEADER.size
ALIGNMENT = 8


class RecordKind(IntEnum):
    """What a record is."""

    CHANGESET = 1
    EMPTY = 2
    MEMBERSHIP = 3
    HARD_STATE = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``crc`` is its own checksum, ``previous`` the one before it."""

    kind: RecordKind
    index: int
    payload: bytes
    transaction: int = 0
    durable: int = 0
    term: int = 0
    group: int = 0
    previous: int = 0
    crc: int = 0

    @property
    def size(self) -> int:
        """Bytes in the file, padding included."""
        return padded(HEADER_BYTES + len(self.payload))


def padded(size: int) -> int:
    """``size`` up to the next multiple of 8."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def encode(record: Record, seed: int) -> tuple[bytes, int]:
    """The record's bytes and its checksum."""
    body = _HEADER.pack(
        0,
        len(record.payload),
        record.kind,
        0,
        record.group,
        record.term,
        record.index,
        record.transaction,
        record.durable,
        record.previous,
        digest(record.payload),
    )[4:]
    crc = crc32c(record.payload, crc32c(body, seed))
    raw = struct.pack("<I", crc) + body + record.payload
    return raw + bytes(padded(len(raw)) - len(raw)), crc


def decode(data: memoryview, offset: int, seed: int) -> Record | None:
    """The record at ``offset``, or None where there is no valid one. Lengths are checked before they are believed."""
    if offset + HEADER_BYTES > len(data):
        return None
    fields = _HEADER.unpack_from(data, offset)
    crc, length, kind, flags, group, term, index, transaction, durable, previous, hashed = fields
    end = offset + HEADER_BYTES + length
    # The padding counts: a record without it would put the next one where nobody looks for it.
    whole = offset + padded(HEADER_BYTES + length) <= len(data)
    if length > RECORD_BYTES_MAX or not whole or flags or kind not in RecordKind._value2member_map_:
        return None
    body = bytes(data[offset + 4 : offset + HEADER_BYTES])
    payload = bytes(data[offset + HEADER_BYTES : end])
    if crc32c(payload, crc32c(body, seed)) != crc or digest(payload) != hashed:
        return None
    return Record(RecordKind(kind), index, payload, transaction, durable, term, group, previous, crc)
