"""Applying changesets: indexes follow every change of values and labels."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


properties = st.dictionaries(
    st.sampled_from(["x", "y"]), st.one_of(st.integers(-5, 5), st.sampled_from(["a", "b"]), st.booleans()), max_size=2
)


@given(
    st.lists(properties, min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), properties), max_size=20),
    st.dictionaries(st.integers(0, 19), st.one_of(st.none(), st.integers(0, 3), st.just("z")), max_size=20),
)
def test_a_graph_made_one_by_one_is_the_one_that_is_made_at_once(
    nodes: list[dict[str, Value]], edges: list[tuple[int, int, dict[str, Value]]], writes: dict[int, Value]
) -> None:
    count = len(nodes)
    edges = [(a % count, b % count, values) for a, b, values in edges]
    writes = {slot % count: value for slot, value in writes.items()}
    apart, together = open_engine(MemoryVfs()), open_engine(MemoryVfs())
    for engine in (apart, together):
        commit(engine, lambda view: view.create_index(index("by_x", IndexKind.RANGE, "A", "x")))

    def column(rows: list[dict[str, Value]]) -> dict[str, ListColumn]:
        return {key: ListColumn([row.get(key) for row in rows]) for key in ("x", "y") if any(key in r for r in rows)}

    for values in nodes:
        commit(apart, lambda view, values=values: view.create_nodes(1, ["A"], column([values])))
    commit(together, lambda view: view.create_nodes(count, ["A"], column(nodes)))
    for a, b, values in edges:
        one = column([values])
        commit(apart, lambda v, a=a, b=b, p=one: v.create_relationships("R", slots(a), slots(b), p))
    if edges:
        sources, targets = slots(*(a for a, _, _ in edges)), slots(*(b for _, b, _ in edges))
        commit(together, lambda v: v.create_relationships("R", sources, targets, column([e[2] for e in edges])))
    for slot, value in writes.items():
        commit(apart, lambda view, s=slot, v=value: view.set_property(Element.NODE, slots(s), "z", ListColumn([v])))
    if writes:
        new = ListColumn(list(writes.values()))
        commit(together, lambda view: view.set_property(Element.NODE, slots(*writes), "z", new))
    assert apart.snapshot().state_hash() == together.snapshot().state_hash()
    for engine in (apart, together):
        assert not [problem for i in engine.store.indexes.values() for problem in i.verify(engine.store)]
        engine.close()
