"""The log's record: a header that proves itself and its payload, and says what is durable and what is committed.

    crc32c  4   over the rest of the header but the flags, seeded by database and segment
    flags   1   1: the payload was erased; zeros stand in its place, and its checksum is that of what was there
    kind    1   changeset | empty | membership | hard state | cut
    group   2   which consensus group's log this record belongs to: 0 where there is one
    length  4   bytes of payload
    payload 4   crc32c of the payload
    sequence 8  position in the stream that all groups share, one more than that of the record before
    index   8   position in the group's log
    term    8   leader's term, 0 with the local sequencer
    time    8   microseconds since 1970 of the append, never less than in the group's record before
    transaction 8  number of the group's newest transaction, counted apart from the index
    durable 8   sequence that was durable when this record was written
    committed 8  index of the group that was committed when this record was written
    digest 16   BLAKE2b-128 of the payload
    previous 4  crc32c of the record before in the stream

Padded with zeros to 8 bytes. Checksum, chain and audit cover the payload's digest, not the payload: it can be erased
and all of them still hold. A record that fails its checksum below a sequence that a later one calls durable is
corruption; above it, it is a torn tail that nobody was told of.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from hashlib import blake2b
from typing import Final

import google_crc32c
import msgspec

from memoradb.core.codec import crc32c
from memoradb.core.limits import RECORD_BYTES_MAX

_BODY: Final = struct.Struct("<BHIIQQQQQQQ16sI")
_BODY_AT: Final = 5
HEADER_BYTES: Final = _BODY_AT + _BODY.size
ALIGNMENT: Final = 8
SEQUENCE_WORD: Final = 2
"""Which 8-byte word of a record is its sequence."""
DURABLE_WORD: Final = 7
ERASED: Final = 1


class RecordKind(IntEnum):
    """What a record is. Changesets, empty ones and memberships are entries of their group's log and take an index."""

    CHANGESET = 1
    EMPTY = 2
    MEMBERSHIP = 3
    HARD_STATE = 4
    """What a group must remember across restarts (term, vote): the newest counts."""
    CUT = 5
    """The group's log ends at ``index``: what it had after that is void. Other fields are those of that entry, the
    payload is its audit."""


ENTRIES: Final = frozenset((RecordKind.CHANGESET, RecordKind.EMPTY, RecordKind.MEMBERSHIP))
_KINDS: Final = {int(kind): kind for kind in RecordKind}


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record; ``crc`` is its own checksum, ``previous`` that of the one before it in the stream."""

    kind: RecordKind
    index: int
    payload: bytes
    transaction: int = 0
    durable: int = 0
    term: int = 0
    group: int = 0
    previous: int = 0
    crc: int = 0
    time_us: int = 0
    sequence: int = 0
    committed: int = 0
    digest: bytes = b""
    erased: bool = False

    @property
    def size(self) -> int:
        """Bytes in the file, padding included."""
        return padded(HEADER_BYTES + len(self.payload))

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry of its group's log."""
        return self.kind in ENTRIES


_PADDING: Final = tuple(bytes(-rest % ALIGNMENT) for rest in range(ALIGNMENT))


def padded(size: int) -> int:
    """``size`` up to the next multiple of 8."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def encode(record: Record, seed: int) -> tuple[bytes, int]:
    """A record's bytes and its checksum; ``record.crc`` is not looked at, and ``record.digest`` is the payload's."""
    payload = record.payload
    length = len(payload)
    body = _BODY.pack(
        record.kind,
        record.group,
        length,
        google_crc32c.extend(seed, payload),
        record.sequence,
        record.index,
        record.term,
        record.time_us,
        record.transaction,
        record.durable,
        record.committed,
        record.digest,
        record.previous,
    )
    crc = google_crc32c.extend(seed, body)
    padding = _PADDING[(HEADER_BYTES + length) % ALIGNMENT]
    return b"".join((crc.to_bytes(4, "little"), b"\0", body, payload, padding)), crc


def payload_digest(payload: bytes) -> bytes:
    """What a record's header holds of its payload."""
    return blake2b(payload, digest_size=16).digest()


def decode(data: memoryview, offset: int, seed: int, *, verify: bool = False) -> Record | None:
    """The record at ``offset``, or None where there is no valid one. Lengths are checked before they are believed.

    Args:
        data: a whole segment.
        offset: where the record begins.
        seed: of the segment.
        verify: check the payload's digest, too, and not its checksum alone.
    """
    after = offset + HEADER_BYTES
    if after > len(data):
        return None
    fields = _BODY.unpack_from(data, offset + _BODY_AT)
    (
        kind,
        group,
        length,
        payload_crc,
        sequence,
        index,
        term,
        time,
        transaction,
        durable,
        committed,
        hashed,
        previous,
    ) = fields
    known = _KINDS.get(kind)
    # The padding counts: a record without it would put the next one where nobody looks for it.
    if known is None or length > RECORD_BYTES_MAX or after + length + -(HEADER_BYTES + length) % ALIGNMENT > len(data):
        return None
    crc = int.from_bytes(data[offset : offset + 4], "little")
    if google_crc32c.extend(seed, bytes(data[offset + _BODY_AT : after])) != crc:
        return None
    payload = bytes(data[after : after + length])
    flags = data[offset + 4]
    is_whole = crc32c(payload, seed) == payload_crc
    if flags:
        if flags != ERASED or is_whole or payload.strip(b"\0"):
            return None
    elif not is_whole or (verify and payload_digest(payload) != hashed):
        return None
    return Record(
        known,
        index,
        payload,
        transaction,
        durable,
        term,
        group,
        previous,
        crc,
        time,
        sequence,
        committed,
        hashed,
        bool(flags),
    )
