"""Salvage: what can be proven good goes into another directory, and what was lost is said exactly."""

import sys
from pathlib import Path

import pytest

from memoradb.core.columns import lift
from memoradb.core.errors import CorruptionError, DatabaseLocked, ForeignDirectory
from memoradb.storage.check import check
from memoradb.storage.salvage import salvage
from memoradb.storage.vfs_memory import MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, commit, open_engine, run_until_failure, states

TARGET = "/saved"


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 2 KiB, so that a few commits fill several."""
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 2_048)
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES_FIRST", 2_048)


def a_database(commits: int = 60) -> tuple[MemoryVfs, list[bytes]]:
    """One with a checkpoint in the middle and more log after it, and its state after each commit."""
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    found = [engine.store.state_hash()]
    for i in range(commits):
        commit(engine, lambda view, i=i: view.create_nodes(1, ["N"], {"i": lift([i]), "text": lift(["x" * 100])}))
        found.append(engine.store.state_hash())
        if i == commits // 2:
            engine.checkpoint()
    engine._idle = None
    engine._sequencer.close()  # a crash after an idle moment: a superblock, no checkpoint at the end
    assert engine._lock is not None
    engine._lock.release()
    return vfs, found


def flip(vfs: MemoryVfs, path: str, offset: int) -> None:
    data = bytearray(vfs.read(path))
    data[offset] ^= 0x20
    vfs.overwrite(path, bytes(data))


def segments(vfs: MemoryVfs) -> list[str]:
    return [path for path in vfs.files() if "/db/log/" in path]


def test_a_sound_database_is_copied_whole_with_its_history() -> None:
    vfs = MemoryVfs()
    run_until_failure(vfs)
    before = vfs.files()
    found = salvage(PATH, TARGET, vfs)
    assert found.ok and found.damage == [] and found.horizon == 0 and found.checkpoints >= 1
    assert {path: data for path, data in vfs.files().items() if path.startswith(PATH)} == before
    assert check(TARGET, vfs).ok
    engine = open_engine(vfs, path=TARGET)
    assert engine.store.state_hash() == states()[-1]
    assert engine.uuid == open_engine(vfs).uuid  # ids of elements stay what they are


def test_damage_in_the_newest_log_saves_everything_before_it_and_says_what_is_lost() -> None:
    vfs, found = a_database()
    path = segments(vfs)[-3]
    flip(vfs, path, 700)
    with pytest.raises(CorruptionError) as raised:
        open_engine(vfs)
    assert raised.value.file == path and raised.value.offset_bytes > 0
    assert raised.value.hint is not None and "--salvage" in raised.value.hint and path in raised.value.hint
    before = vfs.files()
    saved = salvage(PATH, TARGET, vfs)
    assert {path: data for path, data in vfs.files().items() if path.startswith(PATH)} == before
    assert 30 < saved.position < 60 and not saved.ok
    assert (
        saved.lost_known is not None and saved.lost_known == 60 - saved.position and 0 < saved.behind < saved.lost_known
    )
    assert saved.behind_transactions is not None and saved.behind_transactions[1] == 60
    assert len(saved.damage) == 1 and path in saved.damage[0]
    assert check(TARGET, vfs).ok
    engine = open_engine(vfs, path=TARGET)
    assert engine.store.state_hash() == found[saved.position]
    commit(engine, lambda view: view.create_nodes(1, ["Later"], {}))
    engine.close()
    assert check(TARGET, vfs).ok
    assert "lost: " in saved.text() and saved.to_dict()["ok"] is False


def test_damage_before_a_checkpoint_costs_history_alone() -> None:
    vfs, found = a_database()
    flip(vfs, segments(vfs)[1], 700)
    saved = salvage(PATH, TARGET, vfs)
    assert saved.ok and saved.position == 60 and saved.horizon == 31 and saved.damage
    assert check(TARGET, vfs).ok
    assert open_engine(vfs, path=TARGET).store.state_hash() == found[-1]


def test_a_damaged_checkpoint_is_left_behind_and_the_log_tells_the_same() -> None:
    vfs, found = a_database()
    data_files = [path for path in vfs.files() if path.endswith(".bin")]
    flip(vfs, data_files[0], len(vfs.read(data_files[0])) - 1)
    saved = salvage(PATH, TARGET, vfs)
    assert saved.ok and saved.checkpoints == 0 and saved.damage
    assert check(TARGET, vfs).ok
    assert open_engine(vfs, path=TARGET).store.state_hash() == found[-1]


def test_a_lost_identity_and_lost_superblocks_are_no_obstacle() -> None:
    vfs, found = a_database()
    vfs.overwrite("/db/memoradb.json", b"")
    for name in ("superblock-0.json", "superblock-1.json"):
        vfs.overwrite(f"/db/{name}", b"not one")
    saved = salvage(PATH, TARGET, vfs)
    assert saved.position == 60 and saved.lost_known is None and len(saved.damage) == 3
    assert open_engine(vfs, path=TARGET).store.state_hash() == found[-1]


def test_where_nothing_can_be_proven_that_is_said_and_nothing_is_written() -> None:
    vfs, _ = a_database()
    for path in vfs.files():
        if "/log/" in path or "/metadata/" in path:
            vfs.overwrite(path, b"\1" * 2_048)
    with pytest.raises(CorruptionError):
        salvage(PATH, TARGET, vfs)
    assert not any(path.startswith(TARGET) for path in vfs.files())


def test_an_open_source_and_a_full_target_are_refused() -> None:
    vfs, _ = a_database(2)
    vfs.write_atomically("/full/file", b"")
    with pytest.raises(ForeignDirectory, match="not empty"):
        salvage(PATH, "/full", vfs)
    with pytest.raises(ForeignDirectory, match="no database"):
        salvage("/nowhere", TARGET, vfs)
    engine = open_engine(vfs)
    with pytest.raises(DatabaseLocked):
        salvage(PATH, TARGET, vfs)
    engine.close()
