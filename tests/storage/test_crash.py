"""Power is lost at every operation that changes the disk: what was acknowledged is there, and nothing else."""

import sys
from pathlib import Path

import pytest

from memoradb.core.columns import lift
from memoradb.core.errors import DiskFull, ReadOnlyDatabase, StorageError
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import Crashed, Fault, MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, STEPS, commit, open_engine, run_until_failure, states


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 2 KiB, so that the workload fills several."""
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 2_048)


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    return states()


def operations() -> int:
    vfs = MemoryVfs()
    assert run_until_failure(vfs)[1] is None
    return vfs.operations


def test_the_workload_uses_the_whole_disk_interface(expected: list[bytes]) -> None:
    vfs = MemoryVfs()
    done, error = run_until_failure(vfs)
    assert error is None and done == len(expected) - 1 == sum(callable(step) for step in STEPS)
    kinds = {entry.split(" /")[0] for entry in vfs.history}
    assert kinds == {"mkdir", "create", "write", "preallocate", "sync", "rename", "remove", "sync directory"}
    assert sum(name.startswith("/db/log/") for name in vfs.files()) >= 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_crash_at_any_operation_exactly_the_acknowledged_commits_are_there(
    seed: int, expected: list[bytes]
) -> None:
    # The first seed visits every operation, the others every second one: what survives differs from crash to crash.
    for n in range(1, operations() + 1) if seed == 1 else range(seed, operations() + 1, 2):
        vfs = MemoryVfs(1_000 * seed + n)
        vfs.faults.crash_at = n
        done, error = run_until_failure(vfs)
        assert isinstance(error, Crashed), n
        after = vfs.crash()
        engine = open_engine(after)
        found = engine.store.state_hash()
        # The commit that was under way may have become durable or not; nobody was told.
        assert found in expected[done : done + 2], (n, vfs.history[n - 1])
        commit(engine, lambda view: view.create_nodes(1, ["Later"], {}))
        later = engine.store.state_hash()
        engine.close()
        assert check(PATH, after).problems == [], (n, vfs.history[n - 1])
        assert open_engine(after).store.state_hash() == later


def test_a_second_crash_while_recovering_loses_nothing_either(expected: list[bytes]) -> None:
    total = operations()
    for n in range(5, total, max(1, total // 12)):
        for m in range(1, 8):
            vfs = MemoryVfs(n)
            vfs.faults.crash_at = n
            done, _ = run_until_failure(vfs)
            second = vfs.crash()
            second.faults.crash_at = m
            try:
                open_engine(second).close()
            except Crashed:
                second = second.crash()
            else:
                second = second.copy()
            assert open_engine(second).store.state_hash() in expected[done : done + 2], (n, m)


def test_a_full_disk_at_any_moment_refuses_the_commit_and_keeps_the_others(expected: list[bytes]) -> None:
    vfs = MemoryVfs()
    run_until_failure(vfs)
    whole = vfs.used_bytes()
    for capacity in range(60, whole, max(1, whole // 40)):
        vfs = MemoryVfs(capacity)
        vfs.faults.capacity_bytes = capacity
        done, error = run_until_failure(vfs)
        assert isinstance(error, StorageError) or done == len(expected) - 1
        after = vfs.crash()
        assert open_engine(after).store.state_hash() in expected[done : done + 2]


def test_a_full_disk_can_be_emptied_and_the_same_engine_goes_on() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    vfs.faults.capacity_bytes = vfs.used_bytes() + 50
    with pytest.raises(DiskFull):  # the next segment cannot be made
        commit(engine, lambda view: view.create_nodes(1, ["B"], {"text": lift(["x" * 3_000])}))
    assert engine.snapshot().labels() == ["A"]
    vfs.faults.capacity_bytes = None
    commit(engine, lambda view: view.create_nodes(1, ["C"], {}))
    assert engine.snapshot().labels() == ["A", "C"]
    engine.close()
    assert open_engine(vfs.crash()).snapshot().labels() == ["A", "C"]


def test_a_failed_sync_stops_the_writer_and_shows_nobody_what_was_lost() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    vfs.faults.fail_syncs = True
    with pytest.raises(ReadOnlyDatabase) as raised:
        commit(engine, lambda view: view.create_nodes(1, ["B"], {}))
    assert raised.value.hint is not None
    assert engine.snapshot().labels() == ["A"] and engine.snapshot().node_count() == 1
    vfs.faults.fail_syncs = False
    # After a failed sync nobody can know what the disk holds: trying again could only seem to work.
    with pytest.raises(ReadOnlyDatabase):
        commit(engine, lambda view: view.create_nodes(1, ["C"], {}))
    with pytest.raises(ReadOnlyDatabase):
        engine.checkpoint()
    engine.close()
    assert open_engine(vfs.crash()).snapshot().labels() == ["A"]


def test_what_a_failed_sync_left_visible_is_written_again_before_anything_builds_on_it() -> None:
    for seed in range(20):
        vfs = MemoryVfs(seed)
        engine = open_engine(vfs)
        commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
        vfs.faults.fail_syncs = True
        with pytest.raises(ReadOnlyDatabase):
            commit(engine, lambda view: view.create_nodes(1, ["B"], {}))
        # The next process reads from the page cache what the disk never got, and its sync has nothing to write.
        vfs = vfs.restart()
        engine = open_engine(vfs)
        commit(engine, lambda view: view.create_nodes(1, ["C"], {}))
        assert open_engine(vfs.crash()).snapshot().labels() == engine.snapshot().labels()


def test_a_new_database_whose_making_failed_is_made_durable_by_who_opens_it_next() -> None:
    for seed in range(10):
        vfs = MemoryVfs(seed)
        vfs.fail_at(6, Fault.EIO)
        with pytest.raises(StorageError):
            open_engine(vfs)
        assert vfs.history[-1] == "sync directory /db"
        # The next process finds an identity whose name is not on the disk.
        vfs = vfs.restart()
        engine = open_engine(vfs)
        commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
        assert open_engine(vfs.crash()).snapshot().labels() == ["A"]


def test_with_relaxed_durability_a_crash_leaves_some_prefix(expected: list[bytes]) -> None:
    total = operations()
    for n in range(3, total, max(1, total // 40)):
        vfs = MemoryVfs(n)
        vfs.faults.crash_at = n
        done, _ = run_until_failure(vfs, "relaxed")
        found = open_engine(vfs.crash()).store.state_hash()
        assert found in expected[: done + 2], n


@pytest.mark.parametrize("kind", ["sync", "append", "rename", "write"])
def test_an_error_at_any_operation_of_a_kind_loses_nothing_acknowledged(kind: str, expected: list[bytes]) -> None:
    history = MemoryVfs()
    run_until_failure(history)
    places = [n for n, entry in enumerate(history.history, 1) if entry.startswith(f"{kind} /")]
    for n in places:
        vfs = MemoryVfs(n)
        vfs.fail_at(n, Fault.EIO)
        done, _ = run_until_failure(vfs)
        assert open_engine(vfs.crash()).store.state_hash() in expected[done : done + 2], n


def test_an_engine_on_a_dead_disk_can_be_closed() -> None:
    vfs = MemoryVfs()
    engine: Engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    vfs.faults.capacity_bytes = 0
    with pytest.raises(DiskFull):
        engine.close()
    vfs.faults.capacity_bytes = None
    assert open_engine(vfs).snapshot().labels() == ["A"]
