"""Going on after a crash: what is behind the end is wiped, what is before it becomes durable."""

import sys
from pathlib import Path

import pytest

from memoradb.core.errors import StorageError
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.resume import record_end, resume
from memoradb.storage.log.segment import decode_header
from memoradb.storage.vfs_memory import Fault, MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import FIRST, PAYLOADS, UUID, a_disk, a_writer, read, write, written


def test_a_record_s_end_is_found_by_the_lengths() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    ends = [writer.place.offset_bytes]
    for payload in (b"", b"12345678", b"x"):
        write(writer, payload)
        ends.append(writer.place.offset_bytes)
    data = vfs.map(FIRST)
    header = decode_header(data, FIRST)
    assert [record_end(data, header, last) for last in (1, 2, 3)] == ends[1:] and record_end(data, header, 0) == 0


def test_what_is_known_to_be_durable_is_not_written_again() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one", b"two")
    writer = a_writer(vfs)
    writer.append(b"three")
    del vfs.history[:]
    again = a_writer(vfs)
    assert vfs.history == [f"write {FIRST}", f"sync {FIRST}"]
    again.close()
    operations = vfs.operations
    a_writer(vfs)
    assert vfs.operations == operations  # a log that was closed is as it should be


def test_after_a_sync_that_failed_what_was_lost_unnoticed_is_written_again() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one")
    index = writer.append(b"two")
    vfs.faults.fail_syncs = True
    with pytest.raises(StorageError):
        writer.wait(index)
    vfs.faults.fail_syncs = False
    found = read(vfs)[1]  # the pages may still show it
    a_writer(vfs)
    assert read(vfs.crash())[1] == found


def test_garbage_after_the_end_is_wiped_durably() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one")
    end, size = len(written(vfs)), len(vfs.read(FIRST))
    vfs.overwrite(FIRST, vfs.read(FIRST)[:end] + b"\xab" * (size - end))
    a_writer(vfs)
    assert vfs.crash().read(FIRST)[end:] == bytes(size - end)


def test_a_segment_that_a_crash_made_shorter_gets_its_room_back() -> None:
    vfs = a_disk()
    write(a_writer(vfs), b"one")
    size = len(vfs.read(FIRST))
    vfs.overwrite(FIRST, written(vfs))
    a_writer(vfs)
    assert len(vfs.crash().read(FIRST)) == size


def test_a_log_whose_newest_segment_is_compressed_goes_on_in_the_next() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    writer.tend()
    writer.close()
    newest = vfs.list("/log")[-1]
    kept = [r.payload for r in LogReader(vfs, "/log", UUID).records()]
    vfs.overwrite(f"/log/{newest}", b"")  # begun, and lost with all that was in it
    vfs.remove("/super/superblock-0.json")
    vfs.remove("/super/superblock-1.json")
    found = read(vfs)[1]
    assert found == kept[: len(found)] and len(found) < len(kept)
    write(a_writer(vfs), b"new")
    assert read(vfs)[1] == [*found, b"new"]


@pytest.mark.parametrize("fault", [Fault.EIO, Fault.ENOSPC, Fault.CRASH])
def test_an_error_while_going_on_loses_nothing(fault: Fault) -> None:
    whole = a_disk()
    write(a_writer(whole), b"one", b"two")
    whole.overwrite(FIRST, written(whole) + b"\xab" * 40)
    for n in range(1, 6):
        vfs = whole.copy()
        vfs.fail_at(n, fault)
        try:
            a_writer(vfs)
        except Exception:
            vfs.faults.at.clear()
        assert read(vfs.crash())[1] == [b"one", b"two"]


def test_an_empty_directory_has_no_segment_to_go_on_in() -> None:
    vfs = MemoryVfs()
    reader = LogReader(vfs, "/log", UUID)
    list(reader.records())
    assert resume(vfs, "/log", reader, lambda file: file.sync()) is None and vfs.operations == 0
