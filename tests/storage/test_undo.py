"""Undo is kept while a snapshot may ask for it, and no longer; a budget bounds what old readers can hold."""

import gc
import sys
from pathlib import Path

import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import SnapshotTooOld
from memoradb.storage.properties.column import PropertyColumn
from memoradb.storage.undo import RECORD_BYTES, UndoLog
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, open_engine, slots


def test_pruning_drops_what_the_oldest_snapshot_cannot_see() -> None:
    log = UndoLog()
    column = PropertyColumn(log)
    column.append(0, lift([0, 0]))
    for position in range(1, 6):
        column.put(0, position * 10, position)
    log.prune(2)
    assert [position for position, _ in column.overwrites.by_slot[0]] == [3, 4, 5] and len(log) == 3
    assert [column.item(0, at) for at in (2, 3, 4, 5)] == [20, 30, 40, 50]
    log.prune(None)
    assert not column.overwrites and log.bytes == 0 and log.horizon == -1


def test_beyond_the_budget_the_oldest_undo_goes_and_the_horizon_says_so() -> None:
    log = UndoLog(bytes_max=4 * RECORD_BYTES)
    column = PropertyColumn(log)
    column.append(0, lift([0]))
    for position in range(1, 10):
        column.put(0, position, position)
    log.prune(0)
    assert len(log) == 4 and log.horizon == 5 and log.bytes <= 4 * RECORD_BYTES
    assert [column.item(0, at) for at in range(5, 10)] == [5, 6, 7, 8, 9]


def test_a_reader_beyond_the_budget_is_told_and_the_writer_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.store.PRUNE_CHANGES", 5)
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(3, ["A"], {"x": lift([0, 0, 0])}))
    engine.store.undo._bytes_max = 8 * RECORD_BYTES
    old = engine.snapshot()
    assert old.property(Element.NODE, slots(0), "x").values() == [0]
    for i in range(30):
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(0), "x", ListColumn([f"v{i}" * 50])))
    for use in (lambda: old.property(Element.NODE, slots(0), "x"), lambda: old.properties(Element.NODE, 0)):
        with pytest.raises(SnapshotTooOld) as raised:
            use()
        assert raised.value.retryable and raised.value.hint
    assert engine.snapshot().property(Element.NODE, slots(0), "x").values() == ["v29" * 50]
    engine.close()


def test_undo_goes_when_the_readers_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.store.PRUNE_CHANGES", 5)
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(1, ["A"], {"x": lift([0])}))
    gc.disable()
    kept = [engine.snapshot()]
    for i in range(50):
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(0), "x", lift([i])))
    assert len(engine.store.undo) == 50 and kept[0].property(Element.NODE, slots(0), "x").values() == [0]
    kept.clear()  # without the garbage collector: nothing that a transaction leaves may hold its snapshot
    for i in range(60):
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(0), "x", lift([i])))
    gc.enable()
    assert len(engine.store.undo) < 20
    assert engine.metrics()["undo_bytes"] < 20 * 2 * RECORD_BYTES
    engine.close()
