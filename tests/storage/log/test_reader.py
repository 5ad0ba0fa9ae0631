"""Reading back: the torn tail told from corruption."""

import sys
from pathlib import Path

import pytest

from memoradb.core.errors import (
    CorruptionError,
    ForeignDirectory,
)
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import HEADER_BYTES as RECORD_HEADER_BYTES
from memoradb.storage.log.record import RecordKind, padded
from memoradb.storage.log.segment import HEADER_BYTES, segment_name

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import (
    FIRST,
    PAYLOADS,
    UUID,
    a_consensus_writer,
    a_disk,
    a_writer,
    read,
    same,
    write,
    writer_path,
    written,
)


def test_what_was_written_is_read_in_order_across_segments() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    assert len(vfs.list("/log")) > 2
    reader = LogReader(vfs, "/log", UUID)
    records = list(reader.records())
    assert [r.payload for r in records] == PAYLOADS
    assert [r.index for r in records] == [r.transaction for r in records] == list(range(1, 13))
    assert all(r.durable == r.committed == r.index - 1 for r in records)
    assert same(reader.place, writer.place) and reader.torn_bytes == 0


def test_transactions_are_counted_apart_from_the_index() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    for kind, term in (
        (RecordKind.CHANGESET, 1),
        (RecordKind.EMPTY, 2),
        (RecordKind.MEMBERSHIP, 2),
        (RecordKind.CHANGESET, 3),
    ):
        writer.append(b"x", kind, term=term)
    records = list(LogReader(vfs, "/log", UUID).records())
    assert [(r.index, r.transaction, r.term) for r in records] == [(1, 1, 1), (2, 1, 2), (3, 1, 2), (4, 2, 3)]
    assert a_writer(vfs).transaction == 2


def test_the_time_of_a_record_is_never_less_than_that_of_the_one_before() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    for time_us in (5, 9, 3, 12):
        writer.append(b"x", time_us=time_us)
    assert [r.time_us for r in LogReader(vfs, "/log", UUID).records()] == [5, 9, 9, 12]
    again = a_writer(vfs)
    again.append(b"x", time_us=1)
    assert writer.place.time_us == 12 == again.place.time_us


def test_reading_can_begin_at_any_place() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    places = [writer.place]
    for payload in PAYLOADS:
        write(writer, payload)
        places.append(writer.place)
    for i, place in enumerate(places):
        reader, found = read(vfs, place)
        assert found == PAYLOADS[i:] and same(reader.place, places[-1])


def test_a_torn_last_record_is_dropped_and_writing_goes_on() -> None:
    for cut in range(1, padded(RECORD_HEADER_BYTES + 3)):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, b"one", b"two")
        whole = vfs.read(FIRST)
        data = written(vfs)[:-cut]
        vfs.overwrite(FIRST, data.ljust(len(whole), b"\0") if cut % 2 else data)
        reader, found = read(vfs)
        if cut == 1:
            assert found == [b"one", b"two"]  # a byte of padding
            continue
        assert found == [b"one"] and reader.torn_bytes == len(data.rstrip(b"\0")) - reader.place.offset_bytes
        again = a_writer(vfs)
        write(again, b"three")
        assert read(vfs)[1] == [b"one", b"three"]


def test_a_tail_of_zeros_is_no_damage() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one")
    vfs.overwrite(FIRST, vfs.read(FIRST) + bytes(100))
    reader, found = read(vfs)
    assert found == [b"one"] and reader.torn_bytes == 0


def test_a_bad_record_that_a_later_one_calls_durable_is_corruption_with_file_and_offset() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one", b"two", b"three")
    data = bytearray(vfs.read(FIRST))
    data[HEADER_BYTES + 66] ^= 1
    vfs.overwrite(FIRST, bytes(data))
    with pytest.raises(CorruptionError) as raised:
        read(vfs)
    assert raised.value.file == FIRST and raised.value.offset_bytes == HEADER_BYTES
    assert vfs.read(FIRST) == bytes(data)  # reported, never mended


def test_a_bad_record_that_the_superblock_calls_durable_is_corruption() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one", b"two")
    data = written(vfs)
    vfs.overwrite(FIRST, data[:-8])
    assert read(vfs)[1] == [b"one"]  # without it nobody can tell
    vfs.overwrite(FIRST, data)
    writer.mark()
    vfs.overwrite(FIRST, data[:-8])
    with pytest.raises(CorruptionError, match="durable"):
        read(vfs)


def test_a_bad_record_in_a_segment_that_is_not_the_last_is_corruption() -> None:
    vfs = a_disk()
    write(a_writer(vfs, "relaxed"), *PAYLOADS)
    data = written(vfs)
    vfs.overwrite(FIRST, data[:-8])
    with pytest.raises(CorruptionError) as raised:
        read(vfs)
    assert raised.value.file == FIRST


def test_a_missing_segment_is_corruption() -> None:
    for number in range(3):
        vfs = a_disk()
        write(a_writer(vfs), *PAYLOADS)
        vfs.remove(f"/log/{vfs.list('/log')[number]}")
        with pytest.raises(CorruptionError):
            read(vfs)


def test_a_segment_of_another_database_is_foreign() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one")
    with pytest.raises(ForeignDirectory, match="another database"):
        list(LogReader(vfs, "/log", UUID.replace("0", "1")).records())


def test_a_segment_that_was_never_begun_is_made_again() -> None:
    vfs = a_disk()
    write(a_writer(vfs), *PAYLOADS[:6])
    number = len(vfs.list("/log")) + 1
    stale = written(vfs)
    for content in (b"", b"MEM", bytes(HEADER_BYTES), bytes(300), b"\xab" * 600, stale):
        half = vfs.copy()
        path = f"/log/{segment_name(number)}"
        half.write_atomically(path, content)
        reader, found = read(half)
        assert found == PAYLOADS[:6] and half.exists(path)  # reading changes nothing
        assert reader.unbegun == [path]
        write(a_writer(half), *PAYLOADS[6:])
        assert read(half)[1] == PAYLOADS


def test_a_damaged_header_of_a_segment_that_was_begun_is_corruption() -> None:
    for at in (0, 9, 30, HEADER_BYTES + 20):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, *PAYLOADS)
        writer.mark()  # else nobody could tell it from one that was never begun
        path = writer_path(writer)
        data = bytearray(vfs.read(path))
        data[at] ^= 0x40
        vfs.overwrite(path, bytes(data))
        with pytest.raises((CorruptionError, ForeignDirectory), match=path):
            read(vfs)


def test_old_garbage_after_the_end_of_a_segment_is_never_read() -> None:
    other = a_disk()
    write(a_writer(other), *PAYLOADS)
    vfs = a_disk()
    write(a_writer(vfs), b"one")
    end, size = len(written(vfs)), len(vfs.read(FIRST))
    vfs.overwrite(FIRST, (written(vfs) + other.read(f"/log/{segment_name(2)}")[end:]).ljust(size, b"\0"))
    reader, found = read(vfs)
    assert found == [b"one"] and reader.torn_bytes
    write(a_writer(vfs), b"two")
    reader, found = read(vfs)
    assert found == [b"one", b"two"] and not reader.torn_bytes  # it was wiped


def test_entries_are_given_when_they_are_known_to_be_committed_and_the_others_at_the_end() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    write(writer, b"1", b"2", b"3")
    writer.commit(2)
    write(writer, b"4")
    reader = LogReader(vfs, "/log", UUID)
    seen = [(record.payload, reader.group().committed >= record.index) for record in reader.records()]
    assert seen == [(b"1", True), (b"2", True), (b"3", False), (b"4", False)]


def test_a_reader_beside_the_writer_ends_where_it_is_told() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    for upto in range(13):
        found = [r.payload for r in LogReader(vfs, "/log", UUID).records(upto=upto)]
        assert found == PAYLOADS[:upto]


def test_a_record_of_the_suffix_that_a_disk_brings_back_does_not_follow_a_new_one() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    writer.append(b"one")
    writer.sync()
    old = vfs.image()
    a_writer(old).append(b"old2")
    other = a_writer(old)
    other.append(b"old3")
    writer.append(b"new2")
    new = written(vfs)
    back = old.read(FIRST)
    vfs.overwrite(FIRST, new + back[len(new) :])
    assert read(vfs)[1] == [b"one", b"new2"]
