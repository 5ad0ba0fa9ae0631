"""Reading the past: any state that is kept, what led to it, and following what comes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.core.clock import ManualClock
from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import ArgumentError, DatabaseClosed, HistoryUnavailable
from memoradb.storage.engine import Engine
from memoradb.storage.history import History
from memoradb.storage.history.log_records import LogRecords
from memoradb.storage.history.memory_records import MemoryRecords
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parents[1]))

import workload
from workload import commit, index, slots

STEP_NS = 1_000_000


def opened(path: str | None = workload.PATH, vfs: MemoryVfs | None = None) -> tuple[Engine, ManualClock]:
    clock = ManualClock(STEP_NS)
    engine = Engine.open(path, vfs=vfs or MemoryVfs(), clock=clock, new_uuid=lambda: workload.UUID, background=False)
    return engine, clock


def node(value: object, label: str = "A") -> Callable[..., object]:
    return lambda view: view.create_nodes(1, [label], {"x": ListColumn([value])})


def numbers(engine: Engine, clock: ManualClock, count: int) -> list[int]:
    """So many commits of one node each, a millisecond apart; their positions."""
    found: list[int] = []
    for i in range(count):
        clock.advance(STEP_NS)
        commit(engine, node(i))
        found.append(engine.position)
    return found


@pytest.mark.parametrize("path", [workload.PATH, None])
def test_every_state_can_be_read_again(path: str | None) -> None:
    engine, _ = opened(path)
    hashes = {0: engine.store.state_hash()}

    def note(of: Engine) -> None:
        hashes[of.position] = of.store.state_hash()

    workload.run(engine, note)
    for order in (sorted(hashes), sorted(hashes, reverse=True)):
        engine.history._views.clear()
        for position in order:
            assert engine.history.at(position).state_hash() == hashes[position], position
    assert engine.history.at(engine.position) is engine.snapshot()
    engine.close()


def test_states_outlive_closing_and_opening_and_need_not_begin_at_a_checkpoint() -> None:
    vfs = MemoryVfs()
    engine, clock = opened(vfs=vfs)
    positions = numbers(engine, clock, 5)
    engine.checkpoint()
    positions += numbers(engine, clock, 5)
    engine.close()
    engine, _ = opened(vfs=vfs)
    for count, position in enumerate(positions, 1):
        assert engine.history.at(position).node_count() == count
    assert engine.history.at(0).node_count() == 0
    assert engine.history.horizon == 0
    engine.close()


def test_a_state_stays_as_it_was_while_later_ones_are_made_from_it() -> None:
    engine, clock = opened()
    numbers(engine, clock, 3)
    for i in range(6):
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(0), "x", lift([100 + i])))
    history = engine.history
    early = history.at(4)
    later = [history.at(position) for position in (5, 7, 8)]
    assert history.metrics()["history_views"] == 1  # one line that moved on
    assert [v.property(Element.NODE, slots(0), "x").values() for v in (early, *later)] == [[100], [101], [103], [104]]
    assert history.at(7) is later[1]
    assert history.at(3).property(Element.NODE, slots(0), "x").values() == [0]
    engine.close()


def test_the_past_has_the_indexes_of_then() -> None:
    engine, _ = opened()
    commit(engine, node(1))
    commit(engine, lambda view: view.create_index(index("by_x", IndexKind.RANGE, "A", "x")))
    commit(engine, node(2))
    with_index = engine.position
    commit(engine, lambda view: view.drop_index("by_x"))
    commit(engine, node(3))
    then = engine.history.at(with_index)
    assert [d.name for d in then.indexes()] == ["by_x"]
    assert then.index_seek("by_x", [2])[1].tolist() == [1]
    before, after = engine.history.at(1), engine.history.at(with_index + 1)
    assert before.schema_version == after.schema_version == engine.snapshot().schema_version
    assert then.schema_version != engine.snapshot().schema_version
    engine.close()


def test_a_position_that_is_not_there_is_refused() -> None:
    engine, clock = opened()
    numbers(engine, clock, 2)
    with pytest.raises(HistoryUnavailable, match="no position 3 yet") as caught:
        engine.history.at(3)
    assert caught.value.horizon == 0
    assert caught.value.to_dict()["horizon"] == 0
    with pytest.raises(ArgumentError):
        engine.history.at(-1)
    with pytest.raises(HistoryUnavailable, match="no transaction 3 yet"):
        engine.history.position_of_transaction(3)
    with pytest.raises(ArgumentError):
        engine.history.position_of_transaction(-1)
    engine.close()


@pytest.mark.parametrize("path", [workload.PATH, None])
def test_transactions_and_times_are_found(path: str | None) -> None:
    engine, clock = opened(path)
    positions = numbers(engine, clock, 40)
    history = engine.history
    for number, position in enumerate(positions, 1):
        assert history.position_of_transaction(number) == position
        time_us = (1 + number) * 1_000
        assert history.position_at(time_us) == history.position_at(time_us + 999) == position
        assert history.position_at(time_us - 1) == position - 1
        made = history.commit_at(position)
        assert made is not None
        assert (made.position, made.transaction, made.time_us) == (position, number, time_us)
    assert history.position_of_transaction(0) == history.position_at(0) == 0
    assert history.position_at(10**15) == positions[-1]
    assert history.commit_at(0) is None
    engine.close()


def test_looking_up_does_not_read_the_log_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.history.log_records.HISTORY_MARK_RECORDS", 16)
    engine, clock = opened()
    numbers(engine, clock, 200)
    list(engine.history.changes(0))
    reads: list[int] = []
    entries = LogRecords.entries

    def counted(self: LogRecords, after: int, upto: int) -> object:
        for entry in entries(self, after, upto):
            reads.append(entry.position)
            yield entry

    monkeypatch.setattr(LogRecords, "entries", counted)
    for number in (3, 100, 199):
        reads.clear()
        assert engine.history.position_of_transaction(number) == number
        assert len(reads) <= 33
        reads.clear()
        assert engine.history.position_at((1 + number) * 1_000) == number
        assert len(reads) <= 34
    engine.close()


@pytest.mark.parametrize("path", [workload.PATH, None])
@given(pauses=st.lists(st.integers(0, 5), max_size=8))
@settings(max_examples=25)
def test_a_feed_that_resumes_sees_every_commit_once(path: str | None, pauses: list[int]) -> None:
    engine, clock = opened(path)
    seen: list[int] = []
    after = 0
    for pause in pauses:
        numbers(engine, clock, pause)
        upto = after + pause // 2
        for part in (engine.history.changes(after, upto), engine.history.changes(upto)):
            for change in part:
                seen.append(change.position)
                after = change.position
                assert change.changeset.new_nodes[0].count == 1
    assert seen == list(range(1, sum(pauses) + 1))
    engine.close()


def test_a_feed_follows_writers_that_commit() -> None:
    engine, _ = opened()
    count, writers = 40, 3
    seen: list[tuple[int, int]] = []

    def write(number: int) -> None:
        for i in range(count):
            commit(engine, node(number * count + i))

    def follow() -> None:
        after = 0
        while len(seen) < count * writers:
            assert engine.history.wait_beyond(after, 10) is not None
            for change in engine.history.changes(after):
                seen.append((change.position, change.changeset.new_nodes[0].properties["x"].item(0)))
                after = change.position

    threads = [threading.Thread(target=follow), *(threading.Thread(target=write, args=(i,)) for i in range(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [position for position, _ in seen] == list(range(1, count * writers + 1))
    assert sorted(value for _, value in seen) == list(range(count * writers))
    engine.close()


def test_waiting_ends_with_a_commit_a_time_out_or_the_database() -> None:
    engine, clock = opened()
    numbers(engine, clock, 1)
    history = engine.history
    assert history.wait_beyond(0) == 1
    assert history.wait_beyond(1, 0.001) is None
    found: list[object] = []

    def wait(position: int) -> None:
        try:
            found.append(history.wait_beyond(position, 30))
        except DatabaseClosed as error:
            found.append(error)

    for position, act in ((1, lambda: numbers(engine, clock, 1)), (2, engine.close)):
        thread = threading.Thread(target=wait, args=(position,))
        thread.start()
        while not history._waiting:
            pass
        act()
        thread.join(30)
    assert found[0] == 2
    assert isinstance(found[1], DatabaseClosed)


def test_states_in_memory_are_bounded_and_the_present_costs_nothing() -> None:
    engine, clock = opened()
    numbers(engine, clock, 20)
    small = History(engine.history._records, engine.snapshot, bytes_max=0)
    view = small.at(5)
    assert view.node_count() == 5
    assert small.metrics()["history_views"] == 0
    assert small.at(5) is not view
    assert small.at(20) is engine.snapshot()
    metrics = engine.metrics()
    assert metrics["history_view_hits"] == metrics["history_view_misses"] == 0
    first = engine.history.at(5)
    assert engine.history.at(5) is first
    assert engine.metrics()["history_view_hits"] == 1
    assert engine.metrics()["history_view_misses"] == 1
    engine.close()


def test_two_threads_that_want_a_state_make_it_once() -> None:
    engine, clock = opened()
    numbers(engine, clock, 50)
    barrier = threading.Barrier(4)
    found: list[object] = []

    def read() -> None:
        barrier.wait()
        found.append(engine.history.at(30))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert engine.history.replayed == 30
    engine.close()


def test_memory_keeps_so_many_bytes_and_names_the_horizon() -> None:
    engine, clock = opened(None)
    records = MemoryRecords(engine.uuid, bytes_max=2_000)
    positions = list(range(1, 31))
    numbers(engine, clock, 30)
    for change in engine.history.changes(0):
        records.append(change.position, change.transaction, change.time_us, change.changeset)
    history = History(records, engine.snapshot)
    horizon = history.horizon
    assert 0 < horizon < 30
    assert records.bytes <= 2_000
    assert [c.position for c in history.changes(horizon)] == positions[horizon:]
    for fail in (
        lambda: list(history.changes(horizon - 1)),
        lambda: history.at(horizon - 1),
        lambda: history.position_of_transaction(horizon - 1),
        lambda: history.position_at(1),
    ):
        with pytest.raises(HistoryUnavailable) as caught:
            fail()
        assert caught.value.horizon == horizon
    assert history.position_of_transaction(horizon) == horizon
    assert history.position_of_transaction(30) == 30
    engine.close()


def test_large_transactions_in_memory_are_kept_as_they_are() -> None:
    engine, _ = opened(None)
    commit(engine, lambda view: view.create_nodes(500, ["A"], {"x": lift(list(range(500))), "s": lift(["a"] * 500)}))
    commit(engine, node(1))
    assert engine.history.at(1).node_count() == 500
    assert engine.history.at(1).property(Element.NODE, np.array([499]), "x").values() == [499]
    engine.close()


def forgetful(vfs: MemoryVfs, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, ManualClock]:
    """A database of small segments that keeps little of its past, with more than it keeps."""
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_096)
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES_FIRST", 4_096)
    clock = ManualClock(STEP_NS)
    engine = Engine.open(
        workload.PATH, vfs=vfs, clock=clock, new_uuid=lambda: workload.UUID, background=False, history="1KB"
    )
    for _ in range(6):
        numbers(engine, clock, 40)
        engine.checkpoint()
    numbers(engine, clock, 10)
    return engine, clock


def test_what_is_not_kept_is_refused_and_the_horizon_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = forgetful(MemoryVfs(), monkeypatch)
    history = engine.history
    horizon = history.horizon
    assert 0 < horizon < 250
    for position in (horizon, horizon + 1, 249):
        assert history.at(position).node_count() == position
    for fail in (
        lambda: history.at(horizon - 1),
        lambda: list(history.changes(horizon - 1)),
        lambda: history.position_of_transaction(horizon - 1),
        lambda: history.position_at(horizon * 1_000),
    ):
        with pytest.raises(HistoryUnavailable, match=str(horizon)) as caught:
            fail()
        assert caught.value.horizon == horizon
    assert [c.position for c in history.changes(horizon)] == list(range(horizon + 1, 251))
    assert history.position_of_transaction(horizon) == history.position_at((horizon + 1) * 1_000) == horizon
    engine.close()


def test_the_history_of_an_element_begins_at_the_horizon_with_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = forgetful(MemoryVfs(), monkeypatch)
    horizon = engine.history.horizon
    commit(engine, lambda view: view.set_property(Element.NODE, slots(3), "x", lift([99])))
    kept, changed = engine.history.element_history(Element.NODE, 3)
    assert (kept.kind, kept.position, kept.transaction, kept.time_us) == (
        "kept",
        horizon,
        horizon,
        (horizon + 1) * 1_000,
    )
    assert (kept.properties, kept.labels) == ((("x", 3),), ("A",))
    assert (changed.kind, changed.position, changed.properties) == ("changed", 251, (("x", 99),))
    engine.close()


def test_a_state_that_was_read_before_is_refused_once_the_horizon_is_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, clock = forgetful(MemoryVfs(), monkeypatch)
    old = engine.history.horizon
    assert engine.history.at(old).node_count() == old
    for _ in range(3):
        numbers(engine, clock, 40)
        engine.checkpoint()
    assert engine.history.horizon > old
    with pytest.raises(HistoryUnavailable):
        engine.history.at(old)
    engine.close()


def test_the_bytes_for_states_and_for_changes_in_memory_are_settings() -> None:
    small = Engine.open(None, background=False, history="2KB", history_cache=0)
    for i in range(40):
        commit(small, node(i))
    assert 0 < small.history.horizon < 40
    small.close()
    cacheless = Engine.open(None, background=False, history_cache=0)
    for i in range(3):
        commit(cacheless, node(i))
    assert cacheless.history.at(2) is not cacheless.history.at(2)
    assert cacheless.metrics()["history_views"] == 0
    cacheless.close()


def test_the_past_can_be_read_while_writers_commit_and_checkpoints_are_made(tmp_path: Path) -> None:
    engine = Engine.open(str(tmp_path / "db"), durability="relaxed", background=False)
    commit(engine, node(0))
    done = threading.Event()
    wrong: list[str] = []

    def write() -> None:
        for i in range(150):
            commit(engine, node(i))
            if i % 50 == 49:
                engine.checkpoint()

    def read(seed: int) -> None:
        step = 0
        while not done.is_set() or step < 20:
            step += 1
            position = 1 + (seed * 7919 + step * 104_729) % engine.position
            found = engine.history.at(position)
            if (found.position, found.node_count()) != (position, position):
                wrong.append(f"{position}: {found.position}, {found.node_count()} nodes")

    writers = [threading.Thread(target=write) for _ in range(2)]
    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert not wrong
    assert engine.position == 301
    engine.close()
