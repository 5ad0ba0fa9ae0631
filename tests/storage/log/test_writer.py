"""What the writer does: full disks, cutting, groups that share a stream, durability."""

import sys
import threading
from pathlib import Path

import pytest

from memoradb.core.errors import (
    ConfigurationError,
    CorruptionError,
    ReadOnlyDatabase,
    StorageError,
)
from memoradb.storage.log.durability import GROUP_WAIT_SECONDS
from memoradb.storage.log.groups import AUDIT_START
from memoradb.storage.log.place import place_of, segments
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import HEADER_BYTES as RECORD_HEADER_BYTES
from memoradb.storage.log.record import RecordKind, padded
from memoradb.storage.log.superblock import read_superblock
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.vfs_memory import Crashed, Fault, MemoryFile

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import PAYLOADS, UUID, a_consensus_writer, a_disk, a_writer, audits, read, same, write, writer_end


def test_a_record_that_cannot_be_written_is_taken_back() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one")
    vfs.fail_at(vfs.operations + 1, Fault.SHORT)
    with pytest.raises(StorageError):
        writer.append(b"x" * 200)
    write(writer, b"2", b"three")
    assert read(vfs)[1] == [b"one", b"2", b"three"]
    vfs.fail_at(vfs.operations + 1, Fault.EIO, persistent=True)
    with pytest.raises(StorageError):
        writer.append(b"x" * 200)
    vfs.faults.since = None
    assert writer.is_failed  # it could not be taken back
    assert read(vfs)[1] == [b"one", b"2", b"three"]


def test_cutting_drops_the_suffix_and_another_takes_its_place() -> None:
    for index in range(13):
        vfs = a_disk()
        writer = a_consensus_writer(vfs)
        write(writer, *PAYLOADS)
        writer.commit(min(index, 2))
        writer.mark()
        audit = [AUDIT_START, *(r.audit for r in audits(vfs))][index]
        writer.cut(index)
        log = writer.group()
        assert log.index == log.durable == log.transaction == index and log.audit == audit
        assert read(vfs)[1] == PAYLOADS[:index]
        write(writer, b"new", b"er")
        writer.close()
        assert read(vfs)[1] == [*PAYLOADS[:index], b"new", b"er"]
        assert a_consensus_writer(vfs).group().index == index + 2


def test_what_is_committed_cannot_be_cut() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    write(writer, *PAYLOADS)
    writer.commit(4)
    for index in (3, 13, -1):
        with pytest.raises(ConfigurationError, match="committed"):
            writer.cut(index)
    assert read(vfs)[1] == PAYLOADS
    local = a_writer(vfs)  # commits what is durable
    with pytest.raises(ConfigurationError, match="committed"):
        local.cut(11)


def test_what_was_never_read_cannot_be_cut() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    write(writer, b"1", b"2")
    place = writer.place
    write(writer, b"3")
    reader, _ = read(vfs, place)
    later = LogWriter(vfs, "/log", UUID, reader, commits_durable=False)
    with pytest.raises(ConfigurationError, match="read from a place after entry 1"):
        later.cut(1)
    later.cut(2)
    assert read(vfs)[1] == [b"1", b"2"]


def test_a_cut_of_what_a_record_calls_committed_is_corruption() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    write(writer, b"one", b"two")
    writer.commit(2)
    writer.append(b"", RecordKind.HARD_STATE)
    writer._own.committed = 0  # pyright: ignore[reportPrivateUsage]
    writer._own._pending.extend((i, 0, 0, 0, AUDIT_START) for i in (1, 2))  # pyright: ignore[reportPrivateUsage]
    writer.cut(1)
    with pytest.raises(CorruptionError, match="committed"):
        read(vfs)


def test_groups_share_the_stream_and_each_has_a_log_of_its_own() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    for i in range(6):
        for group in (0, 7, 300):
            assert writer.append(b"%d:%d" % (group, i), term=i, group=group, time_us=i + group) == i + 1
    writer.append(b"vote", RecordKind.HARD_STATE, group=7, term=9)
    writer.commit(2, 7)
    writer.cut(3, 7)
    writer.append(b"other", term=8, group=7)
    writer.append(b"members", RecordKind.MEMBERSHIP, group=300, term=8)
    writer.close()
    assert len(vfs.list("/log")) > 3
    expected = {
        0: [b"0:%d" % i for i in range(6)],
        7: [*(b"7:%d" % i for i in range(3)), b"other"],
        300: [*(b"300:%d" % i for i in range(6)), b"members"],
    }
    for group, payloads in expected.items():
        reader = LogReader(vfs, "/log", UUID)
        found = list(reader.records(group))
        assert [r.payload for r in found] == payloads
        assert [r.index for r in found] == list(range(1, len(payloads) + 1))
        assert reader.group(7).hard_state == b"vote" and reader.group(7).term == 8
        assert reader.group(7).committed == 2 and reader.group(300).committed == 0
    # Every segment begins with where all groups stand: reading can begin at each of them.
    for header, _ in segments(vfs, "/log"):
        reader = LogReader(vfs, "/log", UUID, start=place_of(header))
        tail = [r.payload for r in reader.records(300)]
        assert tail == expected[300][len(expected[300]) - len(tail) :]
        assert reader.group(7).hard_state == b"vote" and same(reader.place, writer_end(vfs))


def test_a_crash_while_cutting_leaves_a_log_that_holds_what_is_committed() -> None:
    whole = a_disk()
    writer = a_consensus_writer(whole)
    write(writer, *PAYLOADS)
    writer.commit(4)
    writer.mark()
    outcomes: set[tuple[bytes, ...]] = set()
    for n in range(1, 12):
        for seed in range(4):
            vfs = whole.copy()
            vfs.faults.crash_at = n
            cutter = a_consensus_writer(vfs)
            cutter.commit(4)
            try:
                cutter.cut(4)
                write(cutter, b"new")
            except Crashed:
                pass
            found = read(vfs.crash(sector=512 if seed % 2 else 4096))[1]
            assert found[:4] == PAYLOADS[:4] and found[4:] in ([], [b"new"], PAYLOADS[4:])
            outcomes.add(tuple(found[4:]))
    assert len(outcomes) >= 2


def test_in_group_mode_each_sync_waits_a_moment_for_company_and_in_strict_mode_one_alone_for_nobody() -> None:
    for durability, expected in (("group", 2), ("strict", 0), ("relaxed", 0)):
        vfs = a_disk()
        pauses: list[float] = []
        writer = a_writer(vfs, durability, pauses.append)
        write(writer, b"alone")
        writer.append(b"one")
        writer.append(b"two")
        writer.wait(2)
        writer.wait(3)
        assert pauses == [GROUP_WAIT_SECONDS] * expected and writer.durable == (0 if durability == "relaxed" else 3)


def test_only_where_one_alone_is_on_its_way_the_disk_is_told_to_begin_before_the_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[int] = []
    monkeypatch.setattr(MemoryFile, "start_writing", lambda _, offset, size: begun.append(size))
    for durability, coming in (("strict", 0), ("strict", 2), ("relaxed", 1), ("strict", 1)):
        writer = a_writer(a_disk(), durability)
        writer.expect(lambda coming=coming: coming)
        assert not begun
        writer.append(b"x" * 10)
    assert begun == [padded(RECORD_HEADER_BYTES + 10)]


def test_no_other_durability_is_known() -> None:
    with pytest.raises(ConfigurationError, match="strict, group, relaxed, not 'lax'"):
        a_writer(a_disk(), "lax")


def test_relaxed_returns_at_once_and_syncs_when_a_segment_is_full_and_at_the_end() -> None:
    vfs = a_disk()
    writer = a_writer(vfs, "relaxed")
    write(writer, b"one")
    assert writer.durable == 0
    write(writer, *[b"x" * 150] * 3)
    assert writer.durable >= 2
    writer.close()
    assert read_superblock(vfs, "/super").durable == 4 and len(read(vfs.crash())[1]) == 4


def test_a_failed_sync_stops_the_writer_for_good() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    index = writer.append(b"one")
    vfs.faults.fail_syncs = True
    with pytest.raises(ReadOnlyDatabase):
        writer.wait(index)
    vfs.faults.fail_syncs = False
    assert writer.is_failed
    for use in (lambda: writer.append(b"two"), writer.sync, lambda: writer.wait(index), lambda: writer.cut(0)):
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


def test_waiting_covers_hard_states_and_cuts_too() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    write(writer, b"1", b"2", b"3")
    for group in (0, 5):
        writer.wait(writer.append(b"term 3", RecordKind.HARD_STATE, group=group), group)
        assert writer.durable == writer.appended
        assert read(vfs.image())[0].group(group).hard_state == b"term 3"
    writer.cut(1)
    assert writer.durable < writer.appended
    writer.wait(1)
    assert writer.durable == writer.appended and writer.group().durable == 1
    index = writer.append(b"new")
    assert (index, writer.group().durable) == (2, 1)
    writer.wait(index)
    assert writer.group().durable == 2 and read(vfs.crash())[1] == [b"1", b"new"]
