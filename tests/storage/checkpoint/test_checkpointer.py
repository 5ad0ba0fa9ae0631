"""Checkpoints while everything goes on: what is written is the pinned state, what is read is what it was."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.core.clock import ManualClock
from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import DiskFull
from memoradb.core.values import Value
from memoradb.storage.checkpoint.contents import load
from memoradb.storage.checkpoint.manifest import manifest_numbers, open_checkpoint, read_manifest, verify_checkpoint
from memoradb.storage.engine import Engine
from memoradb.storage.overlay import Overlay
from memoradb.storage.retention import Retention
from memoradb.storage.snapshot import Snapshot
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Direction, Element

sys.path.insert(0, str(Path(__file__).parents[1]))

from workload import PATH, STEPS, commit, open_engine, slots


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Data files of four rows, regions of any size: everything is cut, and put in the place of memory."""
    with monkeypatch.context() as patch:
        _make_small(patch, 4, 1)
        yield


def _make_small(patch: pytest.MonkeyPatch, rows: int, region: int) -> None:
    for module in ("section", "properties.column", "properties.forms", "graph.slots"):
        patch.setattr(f"memoradb.storage.{module}.CHUNK_ROWS", rows)
    patch.setattr("memoradb.core.regions.REGION_BYTES", region)
    patch.setattr("memoradb.storage.properties.dictionary.PART", 8)
    patch.setattr("memoradb.storage.properties.dictionary.PACKED_MIN", 8)


VALUES: list[Value] = [None, 1, -7, 2**40, "a", "b", "some longer string", 2.5, True, [1, 2], ["p"]]
values = st.sampled_from(VALUES)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("nodes"), st.integers(1, 9), st.sampled_from(["A", "B"]), values),
        st.tuples(st.just("set"), st.integers(0, 99), st.sampled_from(["x", "y"]), values),
        st.tuples(st.just("relate"), st.integers(0, 99), st.integers(0, 99), st.sampled_from(["R", "S"])),
        st.tuples(st.just("delete"), st.integers(0, 99), st.booleans(), st.none()),
        st.tuples(st.just("unused"), st.integers(1, 3), st.none(), st.none()),
        st.tuples(st.just("pin"), st.none(), st.none(), st.none()),
        st.tuples(st.just("checkpoint"), st.integers(0, 5), st.none(), st.none()),
    ),
    min_size=3,
    max_size=30,
)


class Machine:
    """One engine, what its snapshots are to show, and a script that goes on inside its checkpoints."""

    def __init__(self, script: list[tuple[Any, ...]]) -> None:
        self.vfs = MemoryVfs()
        self.engine = open_engine(self.vfs)
        self.script = list(script)
        self.pinned: list[tuple[Snapshot, bytes]] = []
        self.inside = 0

    def run(self) -> None:
        self.vfs.before = self._between
        while self.script:
            self.step(*self.script.pop(0))
            self.check()
        self.vfs.before = None
        self.engine.checkpoint()
        self.check()
        expected = self.engine.snapshot().state_hash()
        numbers = manifest_numbers(self.vfs, PATH)
        manifest = read_manifest(self.vfs, PATH, numbers[-1])
        assert verify_checkpoint(self.vfs, PATH, manifest) == [] and manifest.state_hash == expected.hex()
        found = load(open_checkpoint(self.vfs, PATH, manifest))
        assert found.state_hash() == expected and found.position == manifest.position
        again = open_engine(self.vfs.copy())
        assert again.snapshot().state_hash() == expected
        again.store.fold()
        assert again.snapshot().state_hash() == expected
        self.check()

    def _between(self, _: int) -> None:
        """Before an operation of a checkpoint on the disk: go on with the script, a step at a time."""
        if self.inside > 0 and self.script and self.script[0][0] != "checkpoint":
            left, self.inside = self.inside, 0  # the step has operations of its own
            self.step(*self.script.pop(0))
            self.inside = left - 1

    def step(self, what: str, a: Any, b: Any, c: Any) -> None:
        engine = self.engine
        if what == "checkpoint":
            self.inside = a
            engine.checkpoint()
            self.inside = 0
        elif what == "pin":
            snapshot = engine.snapshot()
            self.pinned.append((snapshot, snapshot.state_hash()))
        elif what == "unused":
            engine.store.reserve(Element.NODE, a)
        else:
            commit(engine, lambda view: self.change(view, what, a, b, c))

    def change(self, view: Overlay, what: str, a: Any, b: Any, c: Any) -> None:
        live = list(view.nodes())
        if what == "nodes":
            view.create_nodes(a, [b], {"x": ListColumn([c] * a), "y": lift([f"{b}{i}" for i in range(a)])})
        elif live and what == "set":
            view.set_property(Element.NODE, slots(live[a % len(live)]), b, ListColumn([c]))
        elif live and what == "relate":
            ends = slots(live[a % len(live)]), slots(live[b % len(live)])
            view.create_relationships(c, *ends, {"w": lift([a])})
        elif live and what == "delete":
            relationships = view.relationships()
            if b and len(relationships):
                view.delete_relationships(relationships[a % len(relationships)][None])
            else:
                view.delete_nodes(slots(live[a % len(live)]), detach=True)

    def check(self) -> None:
        for snapshot, expected in self.pinned:
            assert snapshot.state_hash() == expected


@given(steps)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_the_pinned_state_and_every_snapshot_reads_as_before(script: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch, 4, 1)
        Machine(script).run()


def test_every_step_of_the_workload_is_the_same_from_its_checkpoint(small_chunks: None) -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    for step in STEPS:
        if callable(step):
            commit(engine, step)
        engine.checkpoint()
        manifest = read_manifest(vfs, PATH, manifest_numbers(vfs, PATH)[-1])
        assert load(open_checkpoint(vfs, PATH, manifest)).state_hash() == engine.store.state_hash()
        assert manifest.transaction == engine.metrics()["log_position"]
        assert manifest.time_us > 0 and len(manifest.audit) == 64


def written(vfs: MemoryVfs, before: set[str]) -> list[str]:
    return sorted(p for p in vfs.files() if p.endswith(".bin") and p not in before)


def test_one_value_of_many_writes_one_chunk_anew(small_chunks: None) -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda v: v.create_nodes(40, ["A"], {"x": lift(list(range(40))), "y": lift([0.5] * 40)}))
    commit(engine, lambda v: v.create_relationships("R", slots(*range(39)), slots(*range(1, 40)), {}))
    engine.checkpoint()
    before = set(vfs.files())
    commit(engine, lambda v: v.set_property(Element.NODE, slots(17), "x", lift([-1])))
    engine.checkpoint()
    names = [path.rpartition("-")[0] for path in written(vfs, before)]
    assert names == [f"{PATH}/nodes/indexes", f"{PATH}/nodes/property-0-4"]
    chunk = next(f for f in read_manifest(vfs, PATH, 2).files if f.section == "nodes/property-0-4")
    assert (chunk.rows, chunk.min, chunk.max) == (4, -1, 19)


def test_a_checkpoint_without_any_change_writes_nothing() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda v: v.create_nodes(1, ["A"], {}))
    engine.checkpoint()
    before = vfs.operations
    engine.checkpoint()
    assert vfs.operations == before


def test_a_few_new_relationships_do_not_write_their_base_anew() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda v: v.create_nodes(50, [], {}))
    commit(engine, lambda v: v.create_relationships("R", slots(*range(49)), slots(*range(1, 50)), {}))
    engine.checkpoint()
    before = set(vfs.files())
    commit(engine, lambda v: v.create_relationships("R", slots(3), slots(9), {}))
    engine.checkpoint()
    names = {path.rpartition("-")[0].removeprefix(PATH) for path in written(vfs, before)}
    assert "/edges/adjacency-0" not in names and "/edges/fresh-0" in names
    found = open_engine(vfs.copy()).snapshot().expand(slots(3), ["R"], Direction.OUT)
    assert found.node.tolist() == [4, 9]


def test_a_checkpoint_that_fails_leaves_all_of_its_work_to_the_next(small_chunks: None) -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda v: v.create_nodes(9, ["A"], {"x": lift(list(range(9)))}))
    engine.checkpoint()
    commit(engine, lambda v: v.set_property(Element.NODE, slots(2), "x", lift([77])))

    def full(number: int) -> None:
        raise DiskFull("No room left.")

    vfs.before = full
    with pytest.raises(DiskFull):
        engine.checkpoint()
    vfs.before = None
    engine.checkpoint()
    assert load(open_checkpoint(vfs, PATH, read_manifest(vfs, PATH, 2))).state_hash() == engine.store.state_hash()


def old_checkpoints(vfs: MemoryVfs, engine: Engine, count: int, patch: pytest.MonkeyPatch) -> list[bytes]:
    patch.setattr("memoradb.storage.checkpoint.checkpointer.SPACING_TRANSACTIONS", 2)
    hashes = []
    for i in range(count):
        commit(engine, lambda v, i=i: v.create_nodes(30, ["A"], {"x": lift([i] * 30)}))
        commit(engine, lambda v, i=i: v.set_property(Element.NODE, slots(0), "x", lift([-i])))
        engine.checkpoint()
        hashes.append(engine.store.state_hash())
    return hashes


def test_older_checkpoints_stay_compressed_and_open_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    vfs = MemoryVfs()
    hashes = old_checkpoints(vfs, open_engine(vfs), 5, monkeypatch)
    assert manifest_numbers(vfs, PATH) == [1, 2, 3, 4, 5]
    assert any(path.endswith(".bin.zst") for path in vfs.files())
    newest = {f.path for n in (4, 5) for f in read_manifest(vfs, PATH, n).files}
    assert not any(vfs.exists(f"{PATH}/{path}.zst") for path in newest)
    for number, expected in enumerate(hashes, 1):
        manifest = read_manifest(vfs, PATH, number)
        assert verify_checkpoint(vfs, PATH, manifest) == []
        assert load(open_checkpoint(vfs, PATH, manifest)).state_hash() == expected
    cold = next(path for path in vfs.files() if path.endswith(".zst"))
    damaged = bytearray(vfs.read(cold))
    damaged[len(damaged) // 2] ^= 0x55
    vfs.overwrite(cold, bytes(damaged))
    assert any(verify_checkpoint(vfs, PATH, read_manifest(vfs, PATH, n)) for n in (1, 2, 3))


def test_without_much_between_them_only_the_newest_two_stay() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    for _ in range(4):
        commit(engine, lambda v: v.create_nodes(1, ["A"], {}))
        engine.checkpoint()
    assert manifest_numbers(vfs, PATH) == [3, 4]


def test_what_is_older_than_the_history_setting_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    vfs, clock = MemoryVfs(), ManualClock()
    clock.advance(10**18)
    engine = Engine.open(PATH, vfs=vfs, clock=clock, background=False)
    assert engine.checkpointer is not None
    engine.checkpointer.retention = Retention.parse("1h")
    monkeypatch.setattr("memoradb.storage.checkpoint.checkpointer.SPACING_TRANSACTIONS", 1)
    for _ in range(6):
        commit(engine, lambda v: v.create_nodes(1, ["A"], {}))
        engine.checkpoint()
        clock.advance(25 * 60 * 10**9)
    # The newest that is older than an hour, and all after it.
    assert manifest_numbers(vfs, PATH) == [3, 4, 5, 6]


def test_a_thread_writes_checkpoints_while_writers_and_readers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_small(monkeypatch, 4_096, 4_096)
    monkeypatch.setattr("memoradb.storage.properties.dictionary.PART", 512)
    monkeypatch.setattr("memoradb.core.limits.CHECKPOINT_LOG_BYTES", 30_000)
    path = str(tmp_path / "db")
    engine = Engine.open(path, durability="relaxed")
    rows = 3 * 4_096
    commit(engine, lambda v: v.create_nodes(rows, ["A"], {"x": lift([0] * rows), "y": lift([0] * rows)}))
    stop, wrong, read = threading.Event(), [], []

    def reader() -> None:
        everything = np.arange(rows)
        while not stop.is_set():
            view = engine.snapshot()
            first = view.property(Element.NODE, everything, "x").values()
            second = view.property(Element.NODE, everything, "y").values()
            degree = view.degrees(everything, ["R"], Direction.OUT)
            if first != second or int(degree.sum()) != view.relationship_count():
                wrong.append(view.position)
            read.append(view.position)

    readers = [threading.Thread(target=reader) for _ in range(2)]
    for thread in readers:
        thread.start()
    rng = np.random.default_rng(1)
    assert engine.checkpointer is not None
    for i in range(5_000):
        if i >= 120 and engine.checkpointer.count >= 3:
            break  # the thread made one, too, however late it got its turn
        some = np.unique(rng.integers(0, rows, 5))

        def change(view: Overlay, some: Any = some, i: int = i) -> None:
            for key in ("x", "y"):
                view.set_property(Element.NODE, some, key, lift([i] * len(some)))
            view.create_relationships("R", some, some[::-1].copy(), {})
            view.create_nodes(20, ["A"], {"z": lift([f"{i} {j}" for j in range(20)])})

        commit(engine, change)
        if i % 50 == 20:
            engine.checkpoint()
    stop.set()
    for thread in readers:
        thread.join()
    assert not wrong and read
    assert engine.checkpointer.count >= 3 and engine.checkpointer.failures == 0
    expected = engine.snapshot().state_hash()
    engine.close()
    again = Engine.open(path, background=False)
    assert again.snapshot().state_hash() == expected
    commit(again, lambda v: v.set_property(Element.NODE, slots(5), "x", lift([10**6])))
    assert again.snapshot().property(Element.NODE, slots(4, 5), "x").values()[1] == 10**6
    again.close()


def test_closing_waits_for_a_checkpoint_of_another_thread() -> None:
    vfs = MemoryVfs()
    engine = Engine.open(PATH, vfs=vfs)
    commit(engine, lambda v: v.create_nodes(1, ["A"], {}))
    arrived, gate = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        arrived.set()
        assert gate.wait(10)

    vfs.before = wait
    thread = threading.Thread(target=engine.checkpoint)
    thread.start()
    assert arrived.wait(10)
    closing = threading.Thread(target=engine.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    gate.set()
    thread.join(10)
    closing.join(10)
    assert not thread.is_alive() and not closing.is_alive()
    assert len(open_engine(vfs.copy()).snapshot().labels()) == 1
