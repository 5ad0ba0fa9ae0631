"""Records: what is written is read; what is anything else is no record."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memoradb.storage.log.record import HEADER_BYTES, Record, RecordKind, decode, encode, padded, payload_digest

FIELDS = (
    *("kind", "index", "payload", "transaction", "durable", "term", "group", "previous"),
    *("time_us", "sequence", "committed", "digest", "erased"),
)
numbers = st.integers(0, 2**64 - 1)
records = st.builds(
    Record,
    kind=st.sampled_from(RecordKind),
    index=numbers,
    payload=st.binary(max_size=200),
    transaction=numbers,
    durable=numbers,
    term=numbers,
    group=st.integers(0, 2**16 - 1),
    previous=st.integers(0, 2**32 - 1),
    time_us=numbers,
    sequence=numbers,
    committed=numbers,
).map(lambda record: msgspec.structs.replace(record, digest=payload_digest(record.payload)))


@given(records, st.integers(0, 2**32 - 1), st.binary(max_size=40))
def test_a_record_is_read_as_it_was_written(record: Record, seed: int, before: bytes) -> None:
    raw, crc = encode(record, seed)
    assert len(raw) == record.size == padded(HEADER_BYTES + len(record.payload)) and len(raw) % 8 == 0
    found = decode(memoryview(before + raw), len(before), seed, verify=True)
    assert found is not None and found.size == record.size
    assert [getattr(found, f) for f in FIELDS] == [getattr(record, f) for f in FIELDS] and found.crc == crc


@given(records, st.data())
def test_any_changed_bit_of_header_or_payload_is_noticed(record: Record, data: st.DataObject) -> None:
    raw = bytearray(encode(record, 7)[0])
    bit = data.draw(st.integers(0, 8 * (HEADER_BYTES + len(record.payload)) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert decode(memoryview(raw), 0, 7) is None


@given(records, st.data())
def test_a_truncated_record_is_none(record: Record, data: st.DataObject) -> None:
    raw, _ = encode(record, 7)
    kept = data.draw(st.integers(0, len(raw) - 1))
    assert decode(memoryview(raw[:kept]), 0, 7) is None


@given(records)
def test_a_record_of_another_segment_is_none(record: Record) -> None:
    raw, _ = encode(record, 1)
    assert decode(memoryview(raw), 0, 2) is None


@given(records)
def test_a_payload_can_be_erased_and_the_header_still_holds(record: Record) -> None:
    raw = bytearray(encode(record, 7)[0])
    raw[4] = 1
    raw[HEADER_BYTES : HEADER_BYTES + len(record.payload)] = bytes(len(record.payload))
    found = decode(memoryview(raw), 0, 7, verify=True)
    if record.payload.strip(b"\0"):
        assert found is not None and found.erased and found.digest == record.digest
    else:
        assert found is None  # nothing was there to erase: the flag is damage


@given(records)
def test_a_payload_with_the_right_checksum_and_another_digest_is_noticed_where_digests_are_verified(
    record: Record,
) -> None:
    forged = msgspec.structs.replace(record, digest=bytes(16))
    raw, _ = encode(forged, 7)
    assert decode(memoryview(raw), 0, 7) is not None and decode(memoryview(raw), 0, 7, verify=True) is None


@given(st.binary(max_size=300))
def test_noise_is_no_record(noise: bytes) -> None:
    assert decode(memoryview(noise), 0, 0) is None
