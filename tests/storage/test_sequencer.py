"""The sequencer: positions and transaction numbers, with a log and without."""

from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import RecordKind
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.sequencer import LocalSequencer, MemorySequencer, Sequencer
from memoradb.storage.vfs_memory import MemoryVfs

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"


def a_local_one(vfs: MemoryVfs, durability: str = "strict") -> LocalSequencer:
    vfs.make_directory("/log")
    reader = LogReader(vfs, "/log", UUID)
    list(reader.records())
    return LocalSequencer(LogWriter(vfs, "/log", UUID, reader, durability))


def test_positions_go_up_by_one_and_what_was_waited_for_is_committed() -> None:
    sequencers: list[Sequencer] = [a_local_one(MemoryVfs()), a_local_one(MemoryVfs(), "relaxed"), MemorySequencer()]
    for sequencer in sequencers:
        for position in (1, 2, 3):
            assert sequencer.append(b"x", position) == position
            assert sequencer.transaction == position
            sequencer.wait(position)
            assert sequencer.committed == position
        sequencer.close()


def test_what_is_not_durable_is_not_committed_unless_durability_is_relaxed() -> None:
    for durability, committed in (("strict", 0), ("group", 0), ("relaxed", 1)):
        sequencer = a_local_one(MemoryVfs(), durability)
        sequencer.append(b"x", 1)
        assert sequencer.committed == committed


def test_numbers_of_transactions_go_on_after_opening_again_apart_from_positions() -> None:
    vfs = MemoryVfs()
    sequencer = a_local_one(vfs)
    sequencer.append(b"x", 1)
    sequencer.writer.append(b"", RecordKind.EMPTY)
    sequencer.append(b"y", 2)
    sequencer.close()
    again = a_local_one(vfs)
    assert (again.transaction, again.committed) == (2, 3)
    assert again.append(b"z", 3) == 4 and again.transaction == 3
