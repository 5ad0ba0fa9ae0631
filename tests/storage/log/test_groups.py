"""The audit chain."""

import sys
from pathlib import Path

import pytest

from memoradb.core.errors import (
    CorruptionError,
)
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import HEADER_BYTES as RECORD_HEADER_BYTES

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import FIRST, UUID, a_consensus_writer, a_disk, a_writer, audits, read, same, write


def test_the_audit_covers_every_entry_and_is_the_same_for_the_same_history() -> None:
    chains: list[list[bytes]] = []
    for change in (None, "payload", "time", "term"):
        vfs = a_disk()
        writer = a_writer(vfs)
        for i in range(6):
            changed = change if i == 3 else None
            writer.append(
                b"other" if changed == "payload" else b"%d" % i,
                time_us=i + (changed == "time"),
                term=int(changed == "term"),
            )
        chains.append([state.audit for state in audits(vfs)])
    again, *others = chains
    for other in others:
        assert other[:3] == again[:3] and not set(other[3:]) & set(again[3:])


def test_a_history_that_is_not_what_the_superblock_says_is_corruption() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one", b"two")
    writer.mark()
    forged = a_disk()
    write(a_writer(forged), b"one", b"TWO", b"three")
    vfs.overwrite(FIRST, forged.read(FIRST))
    with pytest.raises(CorruptionError, match="superblock"):
        read(vfs)


def test_the_superblock_tells_of_the_entry_that_stayed_and_not_of_one_that_was_cut_off() -> None:
    vfs = a_disk()
    writer = a_consensus_writer(vfs)
    writer.append(b"voted down")
    writer.cut(0)
    write(writer, b"chosen")
    writer.commit(1)
    writer.mark()
    assert read(vfs)[1] == [b"chosen"]


def test_a_payload_can_be_erased_and_everything_still_holds() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one", b"secret", b"three")
    writer.close()
    data = bytearray(vfs.read(FIRST))
    at = bytes(data).index(b"secret")
    data[at : at + 6] = bytes(6)
    vfs.overwrite(FIRST, bytes(data))
    with pytest.raises(CorruptionError):
        read(vfs)  # zeros alone are damage
    data[at - RECORD_HEADER_BYTES + 4] = 1
    vfs.overwrite(FIRST, bytes(data))
    reader, found = read(vfs)
    assert found == [b"one", bytes(6), b"three"] and same(reader.place, writer.place)
    assert [r.erased for r in LogReader(vfs, "/log", UUID).records()] == [False, True, False]
