"""Segments ahead of need."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import a_disk, a_writer, read, write


def test_the_next_segment_is_set_aside_in_time_and_beginning_it_makes_no_file() -> None:
    vfs = a_disk()
    writer = a_writer(vfs, "relaxed")
    wishes: list[int] = []
    writer.on_due = lambda: wishes.append(writer.appended)
    write(writer, b"x" * 100)
    assert not wishes and len(vfs.list("/log")) == 1
    write(writer, b"x" * 100)
    assert wishes == [2]  # half full
    writer.tend()
    writer.tend()
    assert len(vfs.list("/log")) == 2
    before = vfs.operations
    while writer.place.segment == 1:
        write(writer, b"x" * 100)
    assert {entry.split(" /")[0] for entry in vfs.history[before:]} == {"write", "sync"}
    writer.close()
    assert len(read(vfs.crash())[1]) == writer.appended


def test_a_segment_that_was_set_aside_and_not_begun_goes_with_the_writer() -> None:
    for clean in (True, False):
        vfs = a_disk()
        writer = a_writer(vfs)
        write(writer, b"x" * 250)
        writer.tend()
        assert len(vfs.list("/log")) == 2
        if clean:
            writer.close()
            assert len(vfs.list("/log")) == 1
        after = vfs.crash()
        again = a_writer(after)
        assert len(after.list("/log")) == 1
        write(again, b"y" * 250, b"z" * 250)
        assert len(read(after)[1]) == 3
