"""Commits: group commit, visibility, conflicts, checkpoints, metrics."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import (
    ConfigurationError,
    DatabaseClosed,
    DiskFull,
    ReadOnlyDatabase,
    TransactionClosed,
    UniqueViolation,
    WriteConflict,
)
from memoradb.storage.engine import Engine
from memoradb.storage.overlay import Overlay
from memoradb.storage.sequencer import MemorySequencer
from memoradb.storage.store import GraphStore
from memoradb.storage.undo import RECORD_BYTES
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, index, open_engine, slots


class GatedVfs(MemoryVfs):
    """Syncs of log segments wait until the gate is open; ``arrived`` tells that one waits."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()
        self.log_syncs = 0

    def sync_content(self, path: str, content: object) -> None:
        if "/log/" in path:
            self.log_syncs += 1
            self.arrived.set()
            assert self.gate.wait(10)
        super().sync_content(path, content)  # type: ignore[arg-type]


def a_node(label: str = "A") -> "object":
    return lambda view: view.create_nodes(1, [label], {})


def committing(engine: Engine, label: str, done: list[str]) -> threading.Thread:
    def work() -> None:
        commit(engine, lambda view: view.create_nodes(1, [label], {}))
        done.append(label)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def until_appended(engine: Engine, position: int) -> None:
    """Wait until the writer is there; the store's position is the last thing that applying sets."""
    ready = threading.Event()
    for _ in range(1_000):
        if engine.store.position >= position:
            return
        ready.wait(0.005)
    raise AssertionError(f"position {position} was not reached")


def test_commits_that_come_while_the_disk_works_share_one_sync_and_are_seen_only_when_it_is_done() -> None:
    vfs = GatedVfs()
    engine = open_engine(vfs)
    vfs.gate.clear()
    vfs.arrived.clear()
    before, done = vfs.log_syncs, []
    threads = [committing(engine, "L0", done)]
    assert vfs.arrived.wait(10)
    threads += [committing(engine, f"L{i}", done) for i in range(1, 9)]
    until_appended(engine, 9)
    # All nine are in the log and in the writer's state; none is durable, so none is visible or acknowledged.
    assert engine.snapshot().node_count() == 0 and engine.position == 0 and done == []
    vfs.gate.set()
    for thread in threads:
        thread.join(10)
    assert engine.snapshot().node_count() == 9 and engine.position == 9 and len(done) == 9
    assert vfs.log_syncs - before == 2  # the one that was under way, and one for the eight that had gathered
    assert engine.metrics()["durable_position"] == 9
    engine.close()


def test_the_next_writer_builds_on_what_is_still_on_its_way_to_the_disk() -> None:
    vfs = GatedVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["Counter"], {"n": lift([0])}))

    def increment(view: Overlay) -> None:
        one = slots(0)
        (old,) = view.property(Element.NODE, one, "n").values()
        view.set_property(Element.NODE, one, "n", lift([old + 1]))

    vfs.gate.clear()
    threads = [threading.Thread(target=commit, args=(engine, increment)) for _ in range(20)]
    for thread in threads:
        thread.start()
    until_appended(engine, 21)
    assert engine.snapshot().property(Element.NODE, slots(0), "n").values() == [0]
    vfs.gate.set()
    for thread in threads:
        thread.join(10)
    assert engine.snapshot().property(Element.NODE, slots(0), "n").values() == [20]
    engine.close()


def test_a_statement_that_changed_nothing_waits_for_what_it_saw() -> None:
    vfs = GatedVfs()
    engine = open_engine(vfs)
    vfs.gate.clear()
    vfs.arrived.clear()
    threads = [committing(engine, "Seen", done := [])]
    assert vfs.arrived.wait(10)
    until_appended(engine, 1)
    answered: list[int] = []

    def look() -> None:
        with engine.begin(exclusive=True) as transaction:
            count = transaction.view.node_count()
            transaction.commit()
        answered.append(count)

    threads.append(threading.Thread(target=look))
    threads[-1].start()
    threads[-1].join(0.05)
    assert answered == []
    vfs.gate.set()
    for thread in threads:
        thread.join(10)
    assert answered == [1] and done == ["Seen"]
    engine.close()


def test_a_failed_sync_fails_every_commit_that_waited_for_it() -> None:
    vfs = GatedVfs()
    engine = open_engine(vfs)
    vfs.gate.clear()
    vfs.arrived.clear()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
        except ReadOnlyDatabase as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    until_appended(engine, 5)
    vfs.faults.fail_syncs = True
    vfs.gate.set()
    for thread in threads:
        thread.join(10)
    assert len(errors) == 5 and engine.snapshot().node_count() == 0
    engine.close()
    assert open_engine(vfs.crash()).snapshot().node_count() == 0


# --- conflicts ---------------------------------------------------------------


def test_the_first_committer_wins_and_the_second_may_try_again() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(2, ["A"], {"x": lift([1, 2])}))
    first, second, third = engine.begin(), engine.begin(), engine.begin()
    first.view.set_property(Element.NODE, slots(0), "x", lift([10]))
    second.view.set_property(Element.NODE, slots(0), "y", lift([20]))
    third.view.set_property(Element.NODE, slots(1), "x", lift([30]))
    first.commit()
    with pytest.raises(WriteConflict) as raised:
        second.commit()
    assert raised.value.retryable
    third.commit()
    assert engine.snapshot().property(Element.NODE, slots(0, 1), "x").values() == [10, 30]
    assert engine.snapshot().property_keys() == ["x"]
    assert not second.is_open
    engine.close()


def test_two_may_connect_to_a_node_but_not_one_connect_and_the_other_delete_it() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(3, ["A"], {}))
    one, two, gone = engine.begin(), engine.begin(), engine.begin()
    one.view.create_relationships("R", slots(0), slots(1), {})
    two.view.create_relationships("R", slots(2), slots(1), {})
    gone.view.delete_nodes(slots(1), detach=True)
    one.commit()
    two.commit()
    with pytest.raises(WriteConflict):
        gone.commit()
    late = engine.begin()
    commit(engine, lambda view: view.delete_nodes(slots(2), detach=True))
    late.view.create_relationships("R", slots(2), slots(0), {})
    with pytest.raises(WriteConflict):
        late.commit()
    assert engine.snapshot().relationship_count() == 1
    engine.close()


def test_relationships_changed_by_two_conflict() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_relationships("R", made := view.create_nodes(2, [], {}), made[::-1], {}))
    one, two = engine.begin(), engine.begin()
    one.view.set_property(Element.RELATIONSHIP, slots(0), "w", lift([1]))
    two.view.delete_relationships(slots(0))
    one.commit()
    with pytest.raises(WriteConflict):
        two.commit()
    engine.close()


def test_a_conflict_is_found_with_a_commit_that_was_not_durable_when_the_transaction_began() -> None:
    vfs = GatedVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["A"], {"x": lift([1])}))
    vfs.gate.clear()
    vfs.arrived.clear()
    writer = threading.Thread(
        target=commit, args=(engine, lambda view: view.set_property(Element.NODE, slots(0), "x", lift([2])))
    )
    writer.start()
    assert vfs.arrived.wait(10)
    until_appended(engine, 2)
    late = engine.begin()
    assert late.view.property(Element.NODE, slots(0), "x").values() == [1]
    late.view.set_property(Element.NODE, slots(0), "x", lift([3]))
    vfs.gate.set()
    writer.join(10)
    with pytest.raises(WriteConflict):
        late.commit()
    engine.close()


def test_a_transaction_older_than_the_undo_must_try_again() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(9, ["A"], {}))
    engine.store.undo._bytes_max = 3 * RECORD_BYTES
    old = engine.begin()
    old.view.set_property(Element.NODE, slots(8), "x", lift([1]))
    for i in range(6):
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(i), "x", lift([i])))
    with pytest.raises(WriteConflict, match="too old") as raised:
        old.commit()
    assert raised.value.retryable
    engine.close()


# --- uniqueness --------------------------------------------------------------


def test_a_unique_index_holds_between_transactions_and_within_one() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_index(index("one", IndexKind.UNIQUE, "A", "id")))
    commit(engine, lambda view: view.create_nodes(1, ["A"], {"id": lift([1])}))
    one, two = engine.begin(), engine.begin()
    one.view.create_nodes(1, ["A"], {"id": lift([2])})
    two.view.create_nodes(1, ["A"], {"id": ListColumn([2.0])})
    one.commit()
    with pytest.raises(WriteConflict, match=r"id = 2\.0"):  # lost a race: what it finds next time is another matter
        two.commit()
    with pytest.raises(UniqueViolation, match=r"id = 2\.0"):
        commit(engine, lambda view: view.create_nodes(1, ["A"], {"id": ListColumn([2.0])}))
    with pytest.raises(UniqueViolation):
        commit(engine, lambda view: view.create_nodes(2, ["A"], {"id": lift([5, 5])}))
    commit(engine, lambda view: view.create_nodes(3, ["A", "B"], {"id": ListColumn([None, None, float("nan")])}))
    commit(engine, lambda view: view.create_nodes(1, ["B"], {"id": lift([1])}))
    with pytest.raises(UniqueViolation):  # a label makes it a duplicate, too
        commit(engine, lambda view: view.add_labels(slots(5), ["A"]))
    # A value may pass from one node to another in one transaction.

    def swap(view: Overlay) -> None:
        view.set_property(Element.NODE, slots(0, 1), "id", lift([2, 1]))

    commit(engine, swap)
    assert engine.snapshot().index_seek("one", [1, 2])[1].tolist() == [1, 0]
    engine.close()


def test_a_unique_index_that_is_made_together_with_duplicates_is_refused() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(1, ["A"], {"id": lift([1])}))

    def later(view: Overlay) -> None:
        view.create_index(index("one", IndexKind.UNIQUE, "A", "id"))
        view.create_nodes(1, ["A"], {"id": lift([1])})

    with pytest.raises(UniqueViolation):
        commit(engine, later)
    with pytest.raises(UniqueViolation):
        commit(
            engine,
            lambda view: (
                view.create_nodes(1, ["A"], {"id": lift([1])}),
                view.create_index(index("one", IndexKind.UNIQUE, "A", "id")),
            ),
        )
    assert engine.snapshot().indexes() == [] and engine.snapshot().node_count() == 1
    engine.close()


# --- ids ---------------------------------------------------------------------


def test_ids_that_concurrent_transactions_reserve_are_all_different() -> None:
    store = GraphStore("00000000-0000-0000-0000-000000000000")
    start, found = threading.Barrier(4), []

    def reserve() -> None:
        start.wait()
        found.append([store.reserve(Element.NODE, 3) for _ in range(2_000)])

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({first for part in found for first in part}) == 8_000


def test_an_abandoned_transaction_leaves_a_hole_in_the_ids() -> None:
    engine = open_engine(MemoryVfs())
    with engine.begin() as transaction:
        lost = transaction.view.ids(Element.NODE, transaction.view.create_nodes(2, [], {})).tolist()
    commit(engine, lambda view: view.create_nodes(1, [], {}))
    view = engine.snapshot()
    assert view.ids(Element.NODE, slots(0)).tolist() == [2] and lost == [0, 1]
    assert view.slots_of_ids(Element.NODE, slots(0, 1, 2, 99)).tolist() == [-1, -1, 0, -1]
    engine.close()


# --- the rest ----------------------------------------------------------------


def test_a_commit_that_cannot_be_applied_stops_the_engine_and_is_there_after_opening(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    with monkeypatch.context() as patch:
        patch.setattr("memoradb.storage.engine.apply", lambda *_: (_ for _ in ()).throw(MemoryError("no more")))
        with pytest.raises(MemoryError):
            commit(engine, lambda view: view.create_nodes(1, ["B"], {}))
    assert engine.snapshot().node_count() == 1
    with pytest.raises(ReadOnlyDatabase, match="half-way"):
        commit(engine, lambda view: view.create_nodes(1, ["C"], {}))
    engine.close()
    assert open_engine(vfs).snapshot().labels() == ["A", "B"]


def test_a_checkpoint_that_fails_on_its_own_does_not_fail_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.core.limits.CHECKPOINT_LOG_BYTES", 500)
    vfs = MemoryVfs()
    engine = open_engine(vfs)

    def full(*_: object, **__: object) -> None:
        raise DiskFull("No room left.")

    with monkeypatch.context() as patch:
        patch.setattr("memoradb.storage.checkpoint.checkpointer.write_checkpoint", full)
        for _ in range(8):
            commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    assert engine.metrics()["checkpoint_failures"] >= 1 and not vfs.exists("/db/metadata")
    for _ in range(8):
        commit(engine, lambda view: view.create_nodes(1, ["A"], {}))
    assert vfs.exists("/db/metadata/snapshot-000001.json")
    engine.close()


def test_an_unknown_durability_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="strict, group, relaxed"):
        Engine.open(str(tmp_path / "db"), durability="maybe")
    assert not (tmp_path / "db").exists()


def test_a_closed_engine_says_so_and_closing_twice_is_no_error() -> None:
    engine = open_engine(MemoryVfs())
    open_one = engine.begin()
    open_one.view.create_nodes(1, [], {})
    engine.close()
    engine.close()
    for use in (engine.snapshot, engine.begin, open_one.commit):
        with pytest.raises(DatabaseClosed):
            use()


def test_an_ended_transaction_takes_nothing_more() -> None:
    engine = Engine(GraphStore("00000000-0000-0000-0000-000000000000"), MemorySequencer(), MemoryVfs())
    transaction = engine.begin()
    transaction.view.create_nodes(1, [], {})
    assert transaction.commit().transaction == 1
    transaction.rollback()
    with pytest.raises(TransactionClosed):
        transaction.commit()
    empty = engine.begin().commit()
    assert (empty.position, empty.transaction) == (1, None)


def test_after_a_bulk_load_readers_get_the_folded_base() -> None:
    engine = open_engine(MemoryVfs())

    def load(view: Overlay) -> None:
        made = view.create_nodes(100, ["A"], {})
        view.create_relationships("R", made, np.roll(made, 1), {})

    commit(engine, load)
    before = engine.snapshot()
    engine.settle()
    state = engine.snapshot().adjacency_state("R")
    assert state is not None and state.delta.count == 0 and state.outgoing.rows == 100
    assert engine.snapshot() is not before and engine.position == 1
    engine.close()


def test_a_statement_that_waited_for_the_writer_is_planned_again_where_its_index_is_gone() -> None:
    import memoradb

    database = memoradb.open(None)
    database.execute("CREATE INDEX by_x FOR (n:A) ON (n.x)")
    database.execute("UNWIND range(1, 50) AS i CREATE (:A {x: i})")
    done: list[object] = []
    blocker = database.storage.begin(exclusive=True)
    blocker.view.drop_index("by_x")

    def update() -> None:
        done.extend(database.execute("MATCH (n:A {x: 7}) SET n.seen = true RETURN n.x").rows)

    thread = threading.Thread(target=update)
    thread.start()
    thread.join(0.1)  # it has its plan, and waits
    assert done == []
    blocker.commit()
    thread.join(10)
    assert done == [(7,)]
    database.close()
