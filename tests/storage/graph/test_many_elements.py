"""What a view says of many elements at once, against what it says of each: committed, changed, deleted, from before."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.storage.view import Direction, Element

NODES = 80
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=40)
gone = st.lists(st.integers(0, 39), max_size=4)
CREATE = """UNWIND $edges AS e MATCH (a {i: e[1]}), (b {i: e[2]})
            FOREACH (_ IN CASE e[0] WHEN 'T' THEN [1] ELSE [] END | CREATE (a)-[:T {w: e[1]}]->(b))
            FOREACH (_ IN CASE e[0] WHEN 'U' THEN [1] ELSE [] END | CREATE (a)-[:U]->(b))"""


def agrees(view):
    sources = np.array([0, NODES - 1, 7, 7, *range(20, 40)], np.int64)
    for types in (None, ["T"], ["T", "U"], ["Absent"]):
        for direction in Direction:
            some, all_of = view.far_ends(sources, types, direction), view.expand(sources, types, direction).node
            assert set(some.tolist()) == set(all_of.tolist())
            one = np.array([7], np.int64)
            assert set(view.far_ends(one, types, direction)) == set(view.expand(one, types, direction).node)
            assert not len(view.far_ends(one[:0], types, direction))
    slots = np.asarray(view.nodes().to_array(), np.int64)
    assert not len(slots) or slots.max() < view.nodes_top
    assert view.labels_of(slots) == [view.node_labels(s) for s in slots.tolist()]
    assert view.labels_of(slots[:3]) == [view.node_labels(s) for s in slots[:3].tolist()]
    for element, some in ((Element.NODE, slots), (Element.RELATIONSHIP, view.relationships())):
        columns = view.all_properties(element, some)
        rows = [{k: v for k, c in columns.items() if (v := c.item(i)) is not None} for i in range(len(some))]
        assert rows == [view.properties(element, s) for s in some.tolist()]


@settings(max_examples=15, deadline=None)
@given(edges, edges, gone)
def test_of_many_elements_the_same_is_said_as_of_each(first, later, gone):
    with memoradb.open(None) as database:
        database.execute("UNWIND range(0, $n) AS i CREATE (:A {i: i})", {"n": NODES - 1})
        database.execute("MATCH (n) WHERE n.i % 2 = 0 SET n.even = 'yes'")
        database.execute("MATCH (n) WHERE n.i % 3 = 0 SET n:B")
        database.execute(CREATE, {"edges": first})
        before = database.storage.snapshot()
        agrees(before)
        database.execute(CREATE, {"edges": later})
        database.execute("MATCH ()-[r]->() WITH r SKIP 3 LIMIT 2 DELETE r")
        database.execute("MATCH (n) WHERE n.i IN $gone DETACH DELETE n", {"gone": gone})
        agrees(before)
        agrees(database.storage.snapshot())
        transaction = database.storage.begin()
        transaction.view.create_nodes(2, ["C"], {})
        agrees(transaction.view)
        transaction.rollback()
