"""Full segments: compressed, and removed when nobody needs them."""

import contextlib
import sys
import threading
from pathlib import Path

import pytest

from memoradb.core.errors import CorruptionError, DiskFull, ForeignDirectory
from memoradb.storage.log.archive import RECORDS_AT_ONCE, Archive
from memoradb.storage.log.place import LogPlace, place_of, segments
from memoradb.storage.log.segment import HEADER_BYTES, decode_header, segment_name, segment_numbers
from memoradb.storage.vfs_memory import Crashed, Fault

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import FIRST, PAYLOADS, a_consensus_writer, a_disk, a_writer, a_writer_from, read, same, write, writer_end


def test_full_segments_are_compressed_and_read_as_before() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    places = [writer.place]
    for i in range(12):
        write(writer, b"text " * 20 + bytes(i))
        places.append(writer.place)
    payloads = read(vfs)[1]
    before = {name: len(vfs.read(f"/log/{name}")) for name in vfs.list("/log")}
    writer.tend()
    blank = segment_name(len(before) + 1)
    after = {name: len(vfs.read(f"/log/{name}")) for name in vfs.list("/log") if name != blank}
    assert all(after[n] < before[n] for n in list(before)[:-1])
    assert [h.compressed for h, _ in segments(vfs, "/log")] == [True] * (len(before) - 1) + [False]
    for i, place in enumerate(places):
        reader, found = read(vfs, place)
        assert found == payloads[i:] and same(reader.place, writer.place)
    assert writer.archive.compressed_bytes == sum(list(after.values())[:-1])
    operations = vfs.operations
    writer.tend()
    assert vfs.operations == operations  # nothing left to do
    write(writer, b"more")
    writer.close()
    assert read(vfs.crash())[1] == [*payloads, b"more"]


def test_a_damaged_byte_of_a_compressed_segment_is_noticed_or_harmless() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *[b"text " * 20] * 12)
    writer.tend()
    payloads = read(vfs)[1]
    data = vfs.read(FIRST)
    noticed = 0
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x10
        vfs.overwrite(FIRST, bytes(changed))
        try:
            assert read(vfs)[1] == payloads
        except (CorruptionError, ForeignDirectory):
            noticed += 1
    assert noticed >= len(data) - 8  # padding, and a bit that zstd does not use


def test_a_damaged_segment_is_not_compressed_and_those_after_it_are() -> None:
    for at in (HEADER_BYTES + 17, HEADER_BYTES + 200, 30):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, *PAYLOADS)
        changed = bytearray(vfs.read(FIRST))
        changed[at] ^= 1
        vfs.overwrite(FIRST, bytes(changed))
        writer.tend()
        assert vfs.read(FIRST) == changed
        numbers = segment_numbers(vfs.list("/log"))
        second = f"/log/{segment_name(2)}"
        assert len(numbers) > 3 and decode_header(vfs.map(second), second).compressed


def test_a_full_disk_leaves_a_segment_as_it_is_and_it_is_tried_again() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *[b"text " * 20] * 12)
    payloads = read(vfs)[1]
    archive = Archive(vfs, "/log")
    newest = writer.place.segment
    vfs.fail_at(vfs.operations + 2, Fault.ENOSPC)
    with pytest.raises(DiskFull):
        archive.pack_next(newest)
    assert archive.compressed_bytes == 0 and not any(h.compressed for h, _ in segments(vfs, "/log"))
    while archive.pack_next(newest):
        pass
    assert [h.compressed for h, _ in segments(vfs, "/log")] == [True] * (newest - 1) + [False]
    assert read(vfs)[1] == payloads


def test_packing_in_the_background_gives_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 1 << 16)
    rests: list[float] = []
    writer = a_writer(a_disk(), "relaxed", rests.append)
    while writer.place.segment == 1:
        writer.append(b"x" * 10)
    writer.tend()
    assert len(rests) == writer.appended // RECORDS_AT_ONCE > 3


def test_what_was_compressed_before_is_known_after_opening_again() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *[b"text " * 20] * 12)
    writer.tend()
    known = writer.archive.compressed_bytes
    writer.close()
    again = a_writer(vfs)
    del vfs.history[:]
    again.tend()
    assert again.archive.compressed_bytes == known > 0
    assert not [entry for entry in vfs.history if entry.endswith(".tmp")]


def test_a_segment_that_was_forgotten_while_it_was_compressed_does_not_come_back() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *[b"x" * 100] * 20)
    packing, go_on = threading.Event(), threading.Event()
    newest = writer.place.segment

    def rest() -> None:
        packing.set()
        assert go_on.wait(10)

    archive = Archive(vfs, "/log", rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memoradb.storage.log.archive.RECORDS_AT_ONCE", 1)
        packer = threading.Thread(target=archive.pack_next, args=(newest,))
        packer.start()
        assert packing.wait(10)
        forgetter = threading.Thread(target=archive.forget, args=({0: 10**9},))
        forgetter.start()
        go_on.set()
        packer.join()
        forgetter.join()
    assert segment_numbers(vfs.list("/log")) == [newest] and archive.oldest == newest
    assert archive.compressed_bytes == 0 and not archive.pack_next(newest)


def test_forgetting_removes_segments_that_no_group_needs() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    places: list[LogPlace] = []
    for i in range(20):
        writer.append(b"x" * 100)
        places.append(writer.place)
        if i % 4 == 0:
            writer.append(b"y" * 100, group=1)
    writer.sync()
    count = len(vfs.list("/log"))
    writer.forget(16)
    assert len(vfs.list("/log")) == count  # the other group has not forgotten
    writer.forget(3, group=1)
    assert 1 < len(vfs.list("/log")) < count
    for place in places[15:]:
        assert len(read(vfs, place)[1]) == 20 - place.index
    with pytest.raises(CorruptionError, match="missing"):
        read(vfs)
    oldest, _ = segments(vfs, "/log")[0]
    assert len(read(vfs, place_of(oldest))[1]) == 20 - place_of(oldest).index
    writer.forget(10**9)
    writer.forget(10**9, group=1)
    assert len(vfs.list("/log")) == 1  # never the newest
    writer.append(b"z")
    writer.close()


def test_what_a_crash_leaves_of_forgetting_has_no_gap() -> None:
    whole = a_disk()
    write(a_writer(whole), *[b"x" * 100] * 20)
    place = writer_end(whole)
    for n in range(1, 20):
        vfs = whole.copy()
        forgetful = a_writer(vfs)
        vfs.faults.crash_at = vfs.operations + n
        with contextlib.suppress(Crashed):
            forgetful.forget(18)
        after = vfs.crash()
        kept = [header.number for header, _ in segments(after, "/log")]
        assert len(kept) == len(after.list("/log")) and kept[-1] == place.segment
        a_writer_from(after, segments(after, "/log")[0][0])
