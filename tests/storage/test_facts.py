"""Facts, degrees, sums and parts of expansions: exact with deletions, a delta, older snapshots, and own changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.storage.view import Direction, Element, EndsLabelled, LoopFree, NeverNull, part_of, sums_of

NODES = 5
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edge"), st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("label"), st.integers(0, NODES - 1), st.booleans()),
        st.tuples(st.just("key"), st.integers(0, NODES - 1), st.booleans()),
        st.just(("fold",)),
        st.just(("keep",)),
    ),
    max_size=14,
)


def built(history):
    """(database, snapshots kept on the way, the last of them the newest)."""
    database = memoradb.open(None)
    database.execute(f"UNWIND range(0, {NODES - 1}) AS i CREATE (:A:N {{i: i, k: i}})")
    kept = []
    for step in history:
        match step:
            case ("edge", type, a, b):
                database.execute(f"MATCH (a:N {{i: {a}}}), (b:N {{i: {b}}}) CREATE (a)-[:{type}]->(b)")
            case ("delete", number):
                database.execute(f"MATCH ()-[r]->() WITH r ORDER BY id(r) SKIP {number} LIMIT 1 DELETE r")
            case ("label", node, add):
                database.execute(f"MATCH (n:N {{i: {node}}}) {'SET' if add else 'REMOVE'} n:A")
            case ("key", node, add):
                database.execute(f"MATCH (n:N {{i: {node}}}) SET n.k = {1 if add else 'null'}")
            case ("fold",):
                store = database.storage.store
                for adjacency in store.adjacency.values():
                    adjacency.fold(store.nodes.count)
            case _:
                kept.append(database.storage.snapshot())
    return database, [*kept, database.storage.snapshot()]


@settings(max_examples=60)
@given(steps, st.sampled_from(list(Direction)), st.sampled_from([None, ("T",), ("T", "U"), ("Absent",)]), st.data())
def test_sums_and_parts_are_those_of_the_expansion(history, direction, types, data):
    database, views = built(history)
    with database:
        transaction = database.storage.begin()
        transaction.view.create_relationships("T", np.array([0, 1]), np.array([0, 2]), {})
        for view in [*views, transaction.view]:
            sources = np.array(data.draw(st.lists(st.integers(0, NODES - 1), min_size=1, max_size=6)), np.int64)
            values = np.array(data.draw(st.lists(st.integers(0, 9), min_size=NODES, max_size=NODES)), np.int64)
            found = view.expand(sources, types, direction)
            ones = np.ones(NODES, np.int64)
            assert view.degrees(sources, types, direction).tolist() == sums_of(found, ones, len(sources)).tolist()
            sums = view.neighbour_sums(sources, values, types, direction)
            assert sums.tolist() == sums_of(found, values, len(sources)).tolist()
            first, stop = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 5)))
            part, twin = view.expand_part(sources, types, direction, first, stop), part_of(found, first, stop)
            assert part.source_position.tolist() == twin.source_position.tolist()
            assert sorted(part.relationship.tolist()) == sorted(twin.relationship.tolist())
        transaction.rollback()


@settings(max_examples=60)
@given(steps)
def test_a_fact_is_never_claimed_where_it_is_not_true(history):
    database, views = built(history)
    with database:
        for view in views:
            for type in ("T", "U", "Absent"):
                starts, ends = view.endpoints(view.relationships([type]))
                assert not view.fact(LoopFree(type)) or not (starts == ends).any()
                for outgoing, nodes in ((True, ends), (False, starts)):
                    for label in ("A", "N"):
                        labelled = bool(view.has_label(nodes, label).all())
                        assert labelled or not view.fact(EndsLabelled(type, outgoing, label))
            for label in ("A", "N", "Absent"):
                slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
                whole = view.property(Element.NODE, slots, "k").nulls() is None
                assert view.fact(NeverNull(label, "k")) == whole


@pytest.mark.parametrize("fact", [LoopFree("T"), EndsLabelled("T", True, "N"), NeverNull("N", "k")])
def test_a_fact_that_is_true_is_claimed_but_not_inside_changes(fact):
    database, (view,) = built([("edge", "T", 0, 1), ("edge", "T", 1, 2), ("fold",), ("edge", "T", 2, 3)])
    with database:
        assert view.fact(fact)
        transaction = database.storage.begin()
        assert transaction.view.fact(fact)
        transaction.view.create_nodes(1, ("N",), {})
        assert not transaction.view.fact(fact)
        transaction.rollback()


def test_a_deleted_node_takes_no_fact_with_it():
    database, _ = built([("edge", "T", 0, 1), ("edge", "T", 1, 2), ("fold",)])
    with database:
        database.execute("MATCH (n:N {i: 2}) DETACH DELETE n")
        assert database.storage.snapshot().fact(EndsLabelled("T", True, "N"))
