"""What happens when nothing happens, driven by a clock in hand."""

import sys
import threading
from pathlib import Path

import pytest

from memoradb.core.clock import ManualClock
from memoradb.core.errors import CorruptionError
from memoradb.storage.engine import Engine
from memoradb.storage.idle import IDLE_NS
from memoradb.storage.log.superblock import read_superblock
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
    assert read_superblock(vfs, f"{PATH}/superblock.json") == 0
    clock.advance(IDLE_NS)
    engine.rest()
    assert read_superblock(vfs, f"{PATH}/superblock.json") == 1
    operations = vfs.operations
    engine.rest()
    assert vfs.operations == operations  # nothing new to say
    # Now losing the record is damage, not a torn tail.
    (segment,) = vfs.list(f"{PATH}/log")
    damaged = vfs.crash()
    damaged.overwrite(f"{PATH}/log/{segment}", damaged.read(f"{PATH}/log/{segment}")[:-8])
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
    superblock = tmp_path / "db" / "superblock.json"
    waiting = threading.Event()
    for _ in range(400):
        if superblock.exists():
            break
        waiting.wait(0.01)
    assert b'"durable":1' in superblock.read_bytes()
    engine.close()
    assert not thread.is_alive()
