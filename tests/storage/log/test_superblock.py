"""The two superblocks."""

import sys
from pathlib import Path

import pytest

from memoradb.core.errors import (
    CorruptionError,
    ForeignDirectory,
)
from memoradb.storage.log.groups import GroupState
from memoradb.storage.log.superblock import NAMES, Superblock, read_superblock, read_superblocks, write_superblock

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import a_disk, a_writer, write


def test_the_superblock_is_read_as_written() -> None:
    vfs = a_disk()
    assert read_superblock(vfs, "/super") == Superblock()
    state = GroupState(3, 9, 2, 7, 5, b"x" * 32, 9, b"hard")
    for generation in (1, 2, 3):
        write_superblock(vfs, "/super", Superblock(generation, 10 * generation, (state,)))
        found = read_superblock(vfs, "/super")
        assert (found.generation, found.durable, found.groups) == (generation, 10 * generation, (state,))


def test_either_damaged_superblock_is_survived_and_both_are_corruption() -> None:
    for at in range(0, 120, 7):
        vfs = a_disk()
        for generation in (1, 2):
            write_superblock(vfs, "/super", Superblock(generation, 10 * generation))
        whole = vfs.files()
        for broken, durable in ((0, 10), (1, 20)):
            raw = bytearray(whole[f"/super/{NAMES[broken]}"])
            raw[at % len(raw)] ^= 0x04
            vfs.overwrite(f"/super/{NAMES[broken]}", bytes(raw))
            if broken == 0:
                assert read_superblock(vfs, "/super").durable == durable
            else:
                with pytest.raises(CorruptionError) as raised:
                    read_superblock(vfs, "/super")
                assert raised.value.file == f"/super/{NAMES[0]}"
        vfs.overwrite(f"/super/{NAMES[0]}", whole[f"/super/{NAMES[0]}"])
        assert read_superblock(vfs, "/super").durable == 20


def test_a_writer_goes_on_over_the_damaged_superblock() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    for payload in (b"one", b"two", b"three"):
        write(writer, payload)
        writer.mark()
    vfs.overwrite(f"/super/{NAMES[1]}", b"rubbish")
    again = a_writer(vfs)
    write(again, b"four")
    again.mark()
    assert read_superblock(vfs, "/super").durable == 4 and read_superblocks(vfs, "/super")[1] == []


def test_a_superblock_from_the_future_is_refused_with_a_sentence() -> None:
    vfs = a_disk()
    write_superblock(vfs, "/super", Superblock(1, 10, format=9))
    with pytest.raises(ForeignDirectory, match="format 9"):
        read_superblock(vfs, "/super")
