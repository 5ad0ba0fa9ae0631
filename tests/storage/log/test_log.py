"""Writer and reader together: the torn tail, corruption, rolling, cutting, group commit."""

import threading
from collections.abc import Callable

import pytest

from memoradb.core.errors import ConfigurationError, CorruptionError, DiskFull, ForeignDirectory, ReadOnlyDatabase
from memoradb.storage.log.reader import START, LogPlace, LogReader
from memoradb.storage.log.record import RecordKind
from memoradb.storage.log.segment import HEADER_BYTES, segment_name
from memoradb.storage.log.superblock import read_superblock, write_superblock
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.vfs_memory import Crashed, MemoryVfs

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"
FIRST = f"/log/{segment_name(1)}"


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.writer.SEGMENT_BYTES", 400)


def a_disk(seed: int = 0) -> MemoryVfs:
    vfs = MemoryVfs(seed)
    vfs.make_directory("/log")
    return vfs


def read(vfs: MemoryVfs, start: LogPlace = START) -> tuple[LogReader, list[bytes]]:
    reader = LogReader(vfs, "/log", UUID, read_superblock(vfs, "/super"), start)
    return reader, [record.payload for record in reader.records()]


def a_writer(vfs: MemoryVfs, durability: str = "strict", pause: Callable[[float], None] = lambda _: None) -> LogWriter:
    reader, _ = read(vfs)
    return LogWriter(vfs, "/log", UUID, reader, durability, "/super", pause)


def write(writer: LogWriter, *payloads: bytes) -> None:
    for payload in payloads:
        writer.wait(writer.append(payload))


PAYLOADS = [bytes([65 + i]) * (20 * i) for i in range(12)]


def test_what_was_written_is_read_in_order_across_segments() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    assert len(vfs.list("/log")) > 2
    reader = LogReader(vfs, "/log", UUID)
    records = list(reader.records())
    assert [r.payload for r in records] == PAYLOADS
    assert [r.index for r in records] == [r.transaction for r in records] == list(range(1, 13))
    assert all(r.durable == r.index - 1 for r in records)
    assert reader.place == writer.place and reader.torn_bytes == 0


def test_transactions_are_counted_apart_from_the_index() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    for kind, term in (
        (RecordKind.CHANGESET, 1),
        (RecordKind.EMPTY, 2),
        (RecordKind.MEMBERSHIP, 2),
        (RecordKind.CHANGESET, 3),
    ):
        writer.append(b"x", kind, term=term, group=7)
    records = list(LogReader(vfs, "/log", UUID).records())
    assert [(r.index, r.transaction, r.term, r.group) for r in records] == [
        (1, 1, 1, 7),
        (2, 1, 2, 7),
        (3, 1, 2, 7),
        (4, 2, 3, 7),
    ]
    assert a_writer(vfs).transaction == 2


def test_reading_can_begin_at_any_place() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    places = [writer.place]
    for payload in PAYLOADS:
        write(writer, payload)
        places.append(writer.place)
    for i, place in enumerate(places):
        reader, found = read(vfs, place)
        assert found == PAYLOADS[i:] and reader.place == places[-1]


def test_a_torn_last_record_is_dropped_and_writing_goes_on() -> None:
    for cut in range(1, 72):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, b"one", b"two")
        data = vfs.read(FIRST)
        vfs.overwrite(FIRST, data[:-cut])
        reader, found = read(vfs)
        assert found == [b"one"] and reader.torn_bytes == len(data[:-cut]) - reader.place.offset_bytes
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
    data = vfs.read(FIRST)
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
    data = vfs.read(FIRST)
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


def test_a_segment_that_the_crash_left_without_a_header_is_made_again() -> None:
    vfs = a_disk()
    write(a_writer(vfs), *PAYLOADS[:6])
    index = len(PAYLOADS[:6]) + 1
    for content in (b"", b"MEM", bytes(HEADER_BYTES), bytes(300)):
        half = vfs.copy()
        path = f"/log/{segment_name(index)}"
        half.write_atomically(path, content)
        reader, found = read(half)
        assert found == PAYLOADS[:6] and half.exists(path)  # reading changes nothing
        assert reader.torn_segment == path
        write(a_writer(half), *PAYLOADS[6:])
        assert read(half)[1] == PAYLOADS


def test_a_record_that_does_not_fit_is_taken_back() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one")
    vfs.faults.capacity_bytes = vfs.used_bytes() + 80
    with pytest.raises(DiskFull):
        writer.append(b"x" * 200)
    write(writer, b"2")
    vfs.faults.capacity_bytes = None
    write(writer, b"three")
    assert read(vfs)[1] == [b"one", b"2", b"three"]


def test_a_segment_that_cannot_be_made_leaves_the_old_one_in_use() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"x" * 250)
    vfs.faults.capacity_bytes = vfs.used_bytes() + 20
    with pytest.raises(DiskFull):
        writer.append(b"y" * 250)
    assert len(vfs.list("/log")) == 1
    vfs.faults.capacity_bytes = None
    write(writer, b"y" * 250)
    assert len(vfs.list("/log")) == 2 and len(read(vfs)[1]) == 2


def test_a_record_larger_than_a_segment_gets_one_of_its_own_and_one_beyond_all_bounds_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"small", b"L" * 2_000, b"small")
    assert [len(p) for p in read(vfs)[1]] == [5, 2_000, 5]
    monkeypatch.setattr("memoradb.storage.log.writer.RECORD_BYTES_MAX", 100)
    with pytest.raises(ConfigurationError, match="too large"):
        writer.append(b"x" * 101)


# --- cutting -----------------------------------------------------------------


def test_cutting_drops_the_suffix_and_another_takes_its_place() -> None:
    for index in range(13):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, *PAYLOADS)
        writer.mark()
        writer.cut(index, committed=min(index, 2))
        assert writer.appended == writer.durable == writer.transaction == index
        assert read(vfs)[1] == PAYLOADS[:index]
        write(writer, b"new", b"er")
        writer.close()
        assert read(vfs)[1] == [*PAYLOADS[:index], b"new", b"er"]


def test_what_is_committed_cannot_be_cut() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    for index, committed in ((3, 4), (13, 0), (-1, 0)):
        with pytest.raises(ConfigurationError, match="committed"):
            writer.cut(index, committed)
    assert read(vfs)[1] == PAYLOADS


def test_a_crash_while_cutting_leaves_a_prefix_that_holds_what_is_committed() -> None:
    whole = a_disk()
    writer = a_writer(whole)
    write(writer, *PAYLOADS)
    writer.mark()
    lengths: set[int] = set()
    for n in range(1, 40):
        vfs = whole.copy()
        vfs.faults.crash_at = n
        cutter = a_writer(vfs)
        try:
            cutter.cut(4, committed=4)
            write(cutter, b"new")
        except Crashed:
            pass
        else:
            break
        found = read(vfs.crash())[1]
        if found[-1] == b"new":
            assert found == [*PAYLOADS[:4], b"new"]
        else:
            assert found == PAYLOADS[: len(found)] and len(found) >= 4
            lengths.add(len(found))
    assert {4, 12} <= lengths


def test_a_record_of_the_suffix_that_a_disk_brings_back_does_not_follow_a_new_one() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one", b"old2", b"old3")
    old = vfs.read(FIRST)
    writer.cut(1, committed=1)
    write(writer, b"new2")
    new = vfs.read(FIRST)
    assert len(new) == len(old) - 72
    vfs.overwrite(FIRST, new + old[len(new) :])
    assert read(vfs)[1] == [b"one", b"new2"]


# --- durability --------------------------------------------------------------


def test_in_group_mode_a_committer_that_is_not_alone_waits_for_company() -> None:
    vfs = a_disk()
    pauses: list[float] = []
    writer = a_writer(vfs, "group", pauses.append)
    write(writer, b"alone")
    assert pauses == []
    writer.append(b"one")
    writer.append(b"two")
    writer.wait(2)
    assert len(pauses) == 1 and writer.durable == 3


def test_relaxed_returns_at_once_and_syncs_when_a_segment_is_full_and_at_the_end() -> None:
    vfs = a_disk()
    writer = a_writer(vfs, "relaxed")
    write(writer, b"one")
    assert writer.durable == 0
    write(writer, *[b"x" * 100] * 3)
    assert writer.durable >= 2
    writer.close()
    assert read_superblock(vfs, "/super") == 4 and len(read(vfs.crash())[1]) == 4


def test_a_failed_sync_stops_the_writer_for_good() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    index = writer.append(b"one")
    vfs.faults.fail_syncs = True
    with pytest.raises(ReadOnlyDatabase):
        writer.wait(index)
    vfs.faults.fail_syncs = False
    assert writer.is_failed
    for use in (lambda: writer.append(b"two"), writer.sync, lambda: writer.wait(index), lambda: writer.cut(0, 0)):
        with pytest.raises(ReadOnlyDatabase, match="stopped"):
            use()
    writer.close()


def test_many_threads_append_and_wait_and_every_record_is_there_once() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    start = threading.Barrier(4)

    def work(name: int) -> None:
        start.wait()
        for i in range(50):
            index = writer.append(b"%d:%d" % (name, i))
            writer.wait(index)
            assert writer.durable >= index

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(read(vfs.crash())[1]) == sorted(b"%d:%d" % (n, i) for n in range(4) for i in range(50))


# --- superblock --------------------------------------------------------------


def test_the_superblock_is_read_as_written_and_any_damage_is_noticed() -> None:
    vfs = a_disk()
    assert read_superblock(vfs, "/super") == 0
    write_superblock(vfs, "/super", 12)
    assert read_superblock(vfs, "/super") == 12
    raw = vfs.read("/super")
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 0x04
        vfs.overwrite("/super", bytes(changed))
        with pytest.raises(CorruptionError) as raised:
            read_superblock(vfs, "/super")
        assert raised.value.file == "/super"
