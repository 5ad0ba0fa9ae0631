"""Places in the log, and the segments that lead to the newest without a gap."""

import sys
from pathlib import Path

import pytest

from memoradb.core.errors import CorruptionError
from memoradb.storage.log.groups import AUDIT_START, GroupState
from memoradb.storage.log.place import START, LogPlace, place_of, segments
from memoradb.storage.log.segment import segment_name

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import PAYLOADS, a_disk, a_writer, read, same, write


def test_a_place_tells_where_group_0_stands_and_where_any_other_does() -> None:
    place = LogPlace(3, 64, 9, 1, (GroupState(0, 7, 1, 5, 1_000, b"a" * 32), GroupState(4, 2)))
    assert (place.index, place.transaction, place.time_us, place.audit) == (7, 5, 1_000, b"a" * 32)
    assert place.group(4).index == 2 and place.group(9) == GroupState(9)
    assert (START.index, START.transaction, START.audit) == (0, 0, AUDIT_START)


def test_a_segment_begins_at_the_place_where_the_one_before_it_ends() -> None:
    vfs = a_disk()
    write(a_writer(vfs), *PAYLOADS)
    found = segments(vfs, "/log")
    assert [header.number for header, _ in found] == list(range(1, len(found) + 1)) and len(found) > 2
    for header, _ in found:
        place = place_of(header)
        assert read(vfs, place)[1] == PAYLOADS[place.index :]
        assert place.offset_bytes == header.size


def test_segments_before_a_gap_do_not_count_and_a_damaged_header_before_the_newest_is_corruption() -> None:
    vfs = a_disk()
    write(a_writer(vfs), *PAYLOADS)
    newest = segments(vfs, "/log")[-1][0].number
    vfs.remove(f"/log/{segment_name(newest - 1)}")
    assert [header.number for header, _ in segments(vfs, "/log")] == [newest]
    vfs = a_disk()
    write(a_writer(vfs), *PAYLOADS)
    path = f"/log/{segment_name(newest - 1)}"
    data = bytearray(vfs.read(path))
    data[20] ^= 1
    vfs.write_atomically(path, bytes(data))
    with pytest.raises(CorruptionError):
        segments(vfs, "/log")


def test_the_end_of_a_pass_is_the_place_where_the_writer_stands() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *PAYLOADS)
    assert same(read(vfs)[0].place, writer.place)
