"""Applying changesets: indexes follow every change of values and labels."""

import sys
from pathlib import Path

import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import SchemaError, WriteConflict
from memoradb.core.semantics import equals
from memoradb.core.values import Value
from memoradb.storage.apply import check
from memoradb.storage.changeset import Changeset, NewRelationships
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, index, open_engine, slots


@pytest.mark.parametrize(
    ("before", "after"),
    [(True, 1), (1, True), ([1], [True]), ("1", 1), (1, None), (None, 1), (0, -0.0), ([1, 2], [2, 1])],
)
def test_an_index_follows_a_change_that_python_calls_equal(before: Value, after: Value) -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_index(index("by_x", IndexKind.RANGE, "A", "x")))
    commit(engine, lambda view: view.create_nodes(1, ["A"], {"x": ListColumn([before])}))
    old = engine.snapshot()
    commit(engine, lambda view: view.set_property(Element.NODE, slots(0), "x", ListColumn([after])))
    new = engine.snapshot()
    same = equals(before, after) is True
    for value, view, found in ((before, old, True), (after, new, True), (before, new, same), (after, old, same)):
        expected = [0] if found and value is not None else []
        assert view.index_seek("by_x", [value])[1].tolist() == expected, (value, view.position)
    engine.close()


def test_labels_and_deletions_move_nodes_in_and_out_of_indexes() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_index(index("by_x", IndexKind.RANGE, "A", "x")))
    commit(engine, lambda view: view.create_index(index("words", IndexKind.FULLTEXT, "A", "t", analyzer="simple")))
    commit(engine, lambda view: view.create_nodes(3, ["B"], {"x": lift([1, 1, 1]), "t": lift(["a", "a", "b"])}))

    def found() -> tuple[list[int], list[int]]:
        view = engine.snapshot()
        return view.index_seek("by_x", [1])[1].tolist(), sorted(view.text_search("words", "a").slots.tolist())

    assert found() == ([], [])
    commit(engine, lambda view: view.add_labels(slots(0, 2), ["A"]))
    assert found() == ([0, 2], [0])
    commit(engine, lambda view: view.remove_labels(slots(0), ["A"]))
    assert found() == ([2], [])
    commit(engine, lambda view: view.add_labels(slots(0, 1), ["A"]))
    commit(engine, lambda view: view.delete_nodes(slots(1), detach=False))
    assert found() == ([0, 2], [0])
    engine.close()


def test_a_relationship_to_a_node_that_is_not_there_cannot_be_applied() -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda view: view.create_nodes(2, [], {}))
    commit(engine, lambda view: view.delete_nodes(slots(1), detach=False))
    for missing in (1, 7):
        changeset = Changeset(new_relationships=(NewRelationships(0, "R", slots(0), slots(missing), {}),))
        with pytest.raises(WriteConflict):
            check(engine.store, changeset)
    engine.close()


def test_an_index_whose_name_was_taken_meanwhile_is_refused() -> None:
    engine = open_engine(MemoryVfs())
    one, two = (engine.begin(isolation="snapshot") for _ in range(2))
    for transaction, key in ((one, "x"), (two, "y")):
        transaction.view.create_index(index("same", IndexKind.RANGE, "A", key))
    one.commit()
    with pytest.raises(SchemaError):
        two.commit()
    engine.close()
