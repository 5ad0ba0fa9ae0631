"""The newest segment and the one after it: room for records, full disks, growth."""

import contextlib
import sys
from pathlib import Path

import pytest

from memoradb.core.errors import (
    ConfigurationError,
    DiskFull,
)
from memoradb.storage.log.place import segments
from memoradb.storage.log.record import RecordKind

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import a_disk, a_writer, read, write


def test_a_segment_s_room_is_set_aside_so_that_a_full_disk_is_noticed_between_records() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    vfs.faults.capacity_bytes = vfs.used_bytes()
    count = 0
    with contextlib.suppress(DiskFull):
        while count < 20:
            write(writer, b"x" * 50)
            count += 1
    assert 2 <= count == len(read(vfs)[1]) and len(vfs.list("/log")) == 1
    vfs.faults.capacity_bytes = None
    write(writer, b"y")
    assert len(read(vfs)[1]) == count + 1


def test_a_segment_that_cannot_be_made_leaves_the_old_one_in_use() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"x" * 350)
    vfs.faults.capacity_bytes = vfs.used_bytes() + 20
    with pytest.raises(DiskFull):
        writer.append(b"y" * 350)
    assert len(vfs.list("/log")) == 1
    vfs.faults.capacity_bytes = None
    write(writer, b"y" * 350)
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
    with pytest.raises(ConfigurationError, match="too large"):
        writer.append(bytes(1 << 16), RecordKind.HARD_STATE)  # it would not fit into a segment's header
    with pytest.raises(ConfigurationError, match="0 to 65535, not 65536"):
        writer.append(b"x", group=1 << 16)
    writer.append(bytes((1 << 16) - 1), RecordKind.HARD_STATE, group=(1 << 16) - 1)
    write(writer, b"x" * 100)
    writer.close()
    assert read(vfs)[0].group((1 << 16) - 1).hard_state == bytes((1 << 16) - 1)


def test_segments_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_000)
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES_FIRST", 500)
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, *[b"x" * 100] * 100)
    sizes = [header.bytes for header, _ in segments(vfs, "/log")]
    assert sizes[:5] == [500, 1_000, 2_000, 4_000, 4_000] and len(read(vfs)[1]) == 100
