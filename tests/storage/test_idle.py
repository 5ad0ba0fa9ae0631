"""What happens when nothing happens, driven by a clock in hand."""

import sys
import threading
from pathlib import Path

import pytest

from memoradb.core.clock import ManualClock
from memoradb.core.columns import lift
from memoradb.core.errors import CorruptionError, ReadOnlyDatabase
from memoradb.storage.engine import Engine
from memoradb.storage.idle import IDLE_NS, IdleWatch
from memoradb.storage.log.place import segments
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.superblock import read_superblock
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.vfs import RealVfs
from memoradb.storage.vfs_memory import MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, UUID, commit, open_engine


def an_engine(vfs: MemoryVfs, clock: ManualClock, durability: str = "strict") -> Engine:
    return Engine.open(PATH, vfs=vfs, clock=clock, durability=durability, new_uuid=lambda: UUID, background=False)


def test_after_a_moment_of_idleness_the_superblock_says_what_is_durable() -> None:
    vfs, clock = MemoryVfs(), ManualClock()
    engine = an_engine(vfs, clock)
    commit(engine, lambda view: view.create_nodes(1, [], {}))
    engine.rest()
    assert read_superblock(vfs, PATH).durable == 0
    clock.advance(IDLE_NS)
    engine.rest()
    assert read_superblock(vfs, PATH).durable == 1
    operations = vfs.operations
    engine.rest()
    assert vfs.operations == operations  # nothing new to say
    # Now losing the record is damage, not a torn tail.
    (segment,) = vfs.list(f"{PATH}/log")
    damaged = vfs.crash()
    raw = damaged.read(f"{PATH}/log/{segment}")
    damaged.overwrite(f"{PATH}/log/{segment}", raw.rstrip(b"\0")[:-1].ljust(len(raw), b"\0"))
    with pytest.raises(CorruptionError):
        open_engine(damaged)


def test_with_relaxed_durability_rest_makes_durable_what_was_acknowledged() -> None:
    vfs, clock = MemoryVfs(3), ManualClock()
    engine = an_engine(vfs, clock, "relaxed")
    for _ in range(5):
        commit(engine, lambda view: view.create_nodes(1, [], {}))
    assert engine.metrics()["durable_position"] == 0 and engine.snapshot().node_count() == 5
    engine.rest()
    assert engine.metrics()["durable_position"] == 5
    assert open_engine(vfs.crash()).snapshot().node_count() == 5


def test_a_thread_rests_on_its_own_and_ends_with_the_engine(tmp_path: Path) -> None:
    engine = Engine.open(str(tmp_path / "db"))
    (thread,) = (t for t in threading.enumerate() if t.name == "memoradb-idle")
    commit(engine, lambda view: view.create_nodes(1, [], {}))
    waiting = threading.Event()
    for _ in range(400):
        if read_superblock(RealVfs(), str(tmp_path / "db")).durable:
            break
        waiting.wait(0.01)
    assert read_superblock(RealVfs(), str(tmp_path / "db")).durable == 1
    engine.close()
    assert not thread.is_alive()


def a_watch(durability: str = "strict") -> tuple[MemoryVfs, ManualClock, LogWriter, IdleWatch]:
    vfs, clock = MemoryVfs(), ManualClock()
    vfs.make_directory("/log")
    reader = LogReader(vfs, "/log", UUID)
    list(reader.records())
    writer = LogWriter(vfs, "/log", UUID, reader, durability, "/super")
    return vfs, clock, writer, IdleWatch(writer, clock)


def test_segments_are_set_aside_and_compressed_without_waiting_for_idleness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_096)
    vfs, _, writer, watch = a_watch()
    while writer.place.segment < 3:
        writer.append(b"text " * 100)
    watch.touch()
    assert not watch.rest()
    headers = [header for header, _ in segments(vfs, "/log")]
    assert [header.compressed for header in headers] == [True, True, False]


def test_what_fails_in_the_background_is_counted_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_096)
    vfs, _, writer, watch = a_watch()
    while writer.place.segment < 3:
        writer.append(b"text " * 100)
    vfs.faults.capacity_bytes = vfs.used_bytes()
    watch.rest()
    assert watch.failures == 1 and not any(header.compressed for header, _ in segments(vfs, "/log"))
    vfs.faults.capacity_bytes = None
    watch.rest()
    assert watch.failures == 1 and writer.archive.compressed_bytes


def test_a_sync_that_fails_in_the_background_stops_the_writer() -> None:
    vfs, _, writer, watch = a_watch("relaxed")
    writer.wait(writer.append(b"x"))
    vfs.faults.fail_syncs = True
    with pytest.raises(ReadOnlyDatabase):
        watch.rest()
    with pytest.raises(ReadOnlyDatabase, match="stopped"):
        writer.append(b"y")


def test_a_thread_is_woken_when_a_segment_is_half_full(tmp_path: Path) -> None:
    engine = Engine.open(str(tmp_path / "db"), durability="relaxed")
    text = "many words of no importance " * 2_000
    while engine.metrics()["log_segments"] < 3:
        commit(engine, lambda view: view.create_nodes(1, [], {"text": lift([text])}))
    waiting = threading.Event()
    for _ in range(1_000):
        if engine.metrics()["log_archived_bytes"]:
            break
        waiting.wait(0.01)
    assert engine.metrics()["log_archived_bytes"] > 0
    position = engine.position
    engine.close()
    again = Engine.open(str(tmp_path / "db"))
    assert again.position == position and again.metrics()["transactions"] == position
    again.close()
