"""The history of one element."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from memoradb.core.columns import ListColumn, lift
from memoradb.core.semantics import equivalence_key
from memoradb.storage.apply import apply
from memoradb.storage.changeset import Changeset
from memoradb.storage.engine import Engine
from memoradb.storage.history import Commit, History, Version
from memoradb.storage.history.memory_records import MemoryRecords
from memoradb.storage.history.touched import TouchedBlocks
from memoradb.storage.history.versions import version_at, versions
from memoradb.storage.store import GraphStore
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parents[1]))

import workload
from changesets import histories
from workload import commit, slots


def test_a_node_has_a_version_for_each_transaction_that_changed_it() -> None:
    engine = Engine.open(workload.PATH, vfs=MemoryVfs(), new_uuid=lambda: workload.UUID, background=False)
    commit(engine, lambda view: view.create_nodes(2, ["A"], {"x": lift([1, 2])}))
    commit(engine, lambda view: view.set_property(Element.NODE, slots(0), "y", ListColumn(["new"])))
    commit(engine, lambda view: view.set_property(Element.NODE, slots(1), "y", ListColumn(["another node"])))
    commit(engine, lambda view: view.add_labels(slots(0), ["B"]))
    commit(engine, lambda view: view.create_relationships("R", slots(0), slots(1), {"w": lift([0.5])}))
    commit(engine, lambda view: view.set_property(Element.NODE, slots(0), "x", ListColumn([None])))
    commit(engine, lambda view: view.delete_nodes(slots(0), detach=True))
    found = list(engine.history.element_history(Element.NODE, 0))
    assert [(v.transaction, v.position, v.kind, v.labels, dict(v.properties)) for v in found] == [
        (1, 1, "created", ("A",), {"x": 1}),
        (2, 2, "changed", ("A",), {"x": 1, "y": "new"}),
        (4, 4, "changed", ("A", "B"), {"x": 1, "y": "new"}),
        (6, 6, "changed", ("A", "B"), {"y": "new"}),
        (7, 7, "deleted", (), {}),
    ]
    (made, gone) = engine.history.element_history(Element.RELATIONSHIP, 0)
    assert (made.kind, made.type, made.source, made.target, made.properties) == ("created", "R", 0, 1, (("w", 0.5),))
    assert (gone.kind, gone.type, gone.transaction) == ("deleted", "R", 7)
    assert list(engine.history.element_history(Element.NODE, 99)) == []
    assert [v.position for v in engine.history.element_history(Element.NODE, 0, upto=4)] == [1, 2, 4]
    engine.close()


def told(version: Version | None) -> object:
    if version is None:
        return None
    values = [(key, equivalence_key(value)) for key, value in version.properties]
    return (sorted(version.labels), values, version.type, version.source, version.target)


@given(histories(schema=False))
@settings(max_examples=60)
def test_versions_are_what_the_states_show(changesets: list[Changeset]) -> None:
    records = MemoryRecords(workload.UUID)
    store = GraphStore(workload.UUID)
    shown: dict[tuple[Element, int], list[object]] = {}
    for position, changeset in enumerate(changesets, 1):
        records.append(position, position, position, changeset)
        apply(store, changeset, position)
        store.publish(position)
        view = store.snapshot()
        for element in Element:
            for identity in range(store.table(element).next_id):
                now = told(version_at(view, element, identity, Commit(position, position, position, Changeset())))
                states = shown.setdefault((element, identity), [])
                states += [None] * (position - 1 - len(states))
                states.append(now)
    history = History(records, store.snapshot)
    for (element, identity), states in shown.items():
        expected = [None, *states]
        current: object = None
        found = {v.position: v for v in history.element_history(element, identity)}
        for position, state in enumerate(expected):
            version = found.get(position)
            if version is not None:
                assert (version.kind == "created") == (current is None)
                current = None if version.kind == "deleted" else told(version)
            assert current == state, (element, identity, position)


def test_history_that_begins_at_a_horizon_begins_with_what_was_there() -> None:
    first = Version(3, 3, 30, "kept", ("A",), (("x", 1),))
    assert list(versions([], Element.NODE, 0, first)) == [first]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.history.touched.BLOCK", 8)
    monkeypatch.setattr("memoradb.storage.history.touched.FILE_BLOCKS", 4)


@given(changesets=histories(most=40, schema=False))
@settings(max_examples=40)
def test_blocks_name_every_element_that_they_touch(changesets: list[Changeset]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memoradb.storage.history.touched.BLOCK", 8)
        patch.setattr("memoradb.storage.history.touched.FILE_BLOCKS", 2)
        records = MemoryRecords(workload.UUID)
        for position, changeset in enumerate(changesets, 1):
            records.append(position, position, position, changeset)
        vfs = MemoryVfs()
        plain, kept = TouchedBlocks(records), TouchedBlocks(records, vfs, "/kept")
        top = len(changesets)
        for element in Element:
            for identity in range(6):
                expected = [
                    position
                    for position, changeset in enumerate(changesets, 1)
                    if touches(changeset, element, identity)
                ]
                again = TouchedBlocks(records, vfs, "/kept")
                for blocks in (plain, kept, plain, again):
                    found = [entry.position for entry in blocks.entries_of(element, identity, 0, top)]
                    assert found == expected


def touches(changeset: Changeset, element: Element, identity: int) -> bool:
    """The slow twin of what a block knows."""
    ids = [p.ids for p in changeset.properties if p.element is element]
    if element is Element.NODE:
        made = [range(n.first_id, n.first_id + n.count) for n in changeset.new_nodes]
        ids += [*(x.ids for x in changeset.labels), changeset.delete_nodes]
    else:
        made = [range(r.first_id, r.first_id + r.count) for r in changeset.new_relationships]
        ids.append(changeset.delete_relationships)
    return any(identity in part for part in made) or any(identity in part.tolist() for part in ids)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_that_have_nothing_of_an_element_are_not_read_and_files_keep_what_was_found() -> None:
    vfs = MemoryVfs()
    engine = Engine.open(workload.PATH, vfs=vfs, new_uuid=lambda: workload.UUID, background=False)
    for i in range(64):
        commit(engine, lambda view, i=i: view.create_nodes(1, [], {"x": lift([i])}))
    commit(engine, lambda view: view.set_property(Element.NODE, slots(3), "x", lift([7])))
    assert [v.position for v in engine.history.element_history(Element.NODE, 3)] == [4, 65]
    files = [name for name in vfs.list(f"{workload.PATH}/metadata") if name.startswith("touched-")]
    assert files == ["touched-000000.bin", "touched-000001.bin"]
    records = engine.history._records
    for damage in (False, True):
        if damage:
            path = f"{workload.PATH}/metadata/{files[0]}"
            raw = bytearray(vfs.read(path))
            raw[40] ^= 1
            vfs.write_atomically(path, bytes(raw))
        reads: list[tuple[int, int]] = []

        class Counted:
            def entries(self, after: int, upto: int, reads: list[tuple[int, int]] = reads) -> object:
                reads.append((after, upto))
                return records.entries(after, upto)

        blocks = TouchedBlocks(Counted(), vfs, f"{workload.PATH}/metadata")  # pyright: ignore[reportArgumentType]
        assert [e.position for e in blocks.entries_of(Element.NODE, 3, 0, 65)] == [4, 65]
        assert reads == ([(0, 8), (8, 16), (16, 24), (24, 32), (64, 65)] if damage else [(0, 8), (64, 65)])
    engine.close()
