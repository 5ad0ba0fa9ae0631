"""Updates mean the same at every batch size: a clause sees all effects of the clauses before it, row by row its own."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.columns import ListColumn
from memoradb.core.semantics import equals
from memoradb.core.values import NodeRef, PathRef, RelationshipRef
from memoradb.memql.exec.merge import _numbered
from memoradb.memql.exec.write import holds_elements
from memoradb.memql.session import Options

BOUNDS = (1, 2, 3, None)
GRAPH = """CREATE (a:P {i: 1, c: 0}), (b:P {i: 2, c: 0}), (c:Q {i: 3}), (a)-[:T {w: 1}]->(b), (b)-[:T {w: 2}]->(c),
           (a)-[:T {w: 3}]->(a)"""


def a_graph() -> memoradb.Database:
    database = memoradb.open(None)
    database.execute(GRAPH)
    return database


def state(database) -> Counter:
    """The graph without ids."""
    nodes = Counter(
        repr((r[0], sorted(r[1].items()))) for r in database.execute("MATCH (n) RETURN labels(n), properties(n)")
    )
    text = "MATCH (a)-[r]->(b) RETURN type(r), properties(r), labels(a), properties(a), labels(b), properties(b)"
    return nodes + Counter(repr(tuple(r)) for r in database.execute(text))


def outcome(text: str, bound: int | None, parameters=None) -> tuple:
    with a_graph() as database:
        rows = Counter(map(repr, database.execute(text, parameters, options=Options(batch_rows=bound))))
        return rows, state(database)


# Each text with its rows: what a clause at a time, and within one row at a time, gives.
CASES = {
    "MATCH (a:P)-[:T]-(b) SET a.c = a.c + 1 RETURN a.i AS i, a.c AS c": [(1, 2)] * 2 + [(2, 2)] * 2,
    "MATCH (a:P), (b:P) SET a.x = 1, b.x = 2 RETURN a.x AS x, b.x AS y": [(2, 2)] * 4,
    "MATCH (a:P), (b:P) SET a.x = 1 SET b.x = 2 RETURN a.x AS x, b.x AS y": [(2, 2)] * 4,
    "MATCH (a:P) CREATE (:P) RETURN COUNT { (:P) } AS n": [(4,), (4,)],
    "MATCH (a:P) CREATE (:P) WITH a MATCH (b:P) RETURN count(*) AS n": [(8,)],
    "MATCH (a:P)-[r]->() DELETE r WITH a RETURN COUNT { (a)-->() } AS n": [(0,)] * 3,
    "UNWIND [1, 2, 3] AS x CREATE (:N {c: COUNT { (:N) }}) RETURN 1 AS one": [(1,)] * 3,
    "UNWIND [1, 2, 3] AS x CALL { MATCH (n:N) WITH count(n) AS n CREATE (m:N {c: n}) RETURN m } RETURN m.c AS c": [
        (0,),
        (1,),
        (2,),
    ],
    "UNWIND [1, 2] AS x CALL { UNWIND [1, 2] AS y CALL { MATCH (n:N) WITH count(n) AS n CREATE (:N {c: n}) } RETURN y }"
    " MATCH (n:N) RETURN n.c AS c": [(c,) for c in (0, 1, 2, 3) for _ in range(4)],
    "UNWIND [1, 2, 3] AS x CALL { CREATE (:N) } RETURN x": [(1,), (2,), (3,)],
    "UNWIND [3, 1, 3] AS x CREATE (:N {x: x}) WITH x MATCH (n:N {x: x}) RETURN count(*) AS n": [(5,)],
    "MATCH (a:P) SET a:New REMOVE a:P RETURN a:P AS old, a:New AS new": [(False, True)] * 2,
    "MATCH (a:P), (b:P) SET a.seen = b:Mark, b:Mark RETURN a.seen AS x": [(False,)] * 2 + [(True,)] * 2,
    "MATCH (a:P)-[r:T]->(b) SET r = a RETURN r.i AS i": [(1,), (1,), (2,)],
    "MATCH (a:P), (b:P) SET a += {c: b.c + 1} RETURN a.c AS c": [(1,), (1,), (3,), (3,)],
    "MATCH (a:P), (b:P) WHERE a <> b SET a = b RETURN a.i AS i": [(2,), (2,)],
    "MATCH (a:P) FOREACH (x IN [1, 2] | SET a.c = a.c + x) RETURN a.c AS c": [(3,), (3,)],
    "MATCH (a:P) FOREACH (x IN [1, 2] | MERGE (:N {x: x})) RETURN COUNT { (:N) } AS n": [(2,), (2,)],
    "MATCH (a:P)-[:T]->(b) MERGE (a)-[:T]->(c:Q {i: b.i}) RETURN c.i AS i": [(1,), (2,), (3,)],
    "MATCH (a:P), (b:P) MERGE (a)-[r:S]-(b) ON CREATE SET r.n = 1 ON MATCH SET r.n = r.n + 1 RETURN r.n AS n": [
        (1,),
        (2,),
        (2,),
        (1,),
    ],
    "UNWIND [1, 1] AS x MERGE (n:N {k: x}) ON MATCH SET n.k = n.k + 1 RETURN n.k AS k": [(2,), (2,)],
    "UNWIND [1, 2, 1] AS x MERGE (n:N {k: x}) ON CREATE SET n.o = COUNT { (:N) } RETURN n.o AS o": [(1,), (2,), (1,)],
    "MATCH (a:P), (b:P), (c:P) MERGE (a)-[:S]->(b)-[:S]->(c) RETURN count(*) AS n": [(12,)],
    "MATCH (n) DETACH DELETE n RETURN count(*) AS n": [(3,)],
    "MATCH (a:P) WITH a ORDER BY a.i DESC SET a.o = COUNT { (x) WHERE x.o IS NOT NULL } RETURN a.i AS i, a.o AS o": [
        (2, 0),
        (1, 1),
    ],
}


@pytest.mark.parametrize("text", CASES)
def test_an_update_means_the_same_at_every_batch_size(text):
    outcomes = [outcome(text, bound) for bound in BOUNDS]
    assert all(o == outcomes[0] for o in outcomes)
    assert outcomes[0][0] == Counter(map(repr, CASES[text]))


@pytest.mark.parametrize(
    "text", ["MATCH (a:P) CREATE (n:N {i: a.i}) RETURN n.i LIMIT 1", "MATCH (a:P) SET a.x = 1 RETURN a LIMIT 0"]
)
def test_a_limit_does_not_keep_an_update_from_its_end(text):
    for bound in BOUNDS:
        with a_graph() as database:
            database.execute(text, options=Options(batch_rows=bound))
            assert database.execute("MATCH (n) RETURN count(n.x) + COUNT { (:N) }").rows == [(2,)]


def test_a_row_of_weight_two_is_updated_twice():
    with a_graph() as database:
        # Nothing reads b: the hop is a weight, until rows are needed.
        database.execute("MATCH (a:P {i: 1})-[:T]-() CREATE (:N)")
        assert database.execute("MATCH (n:N) RETURN count(*)").rows == [(2,)]
        database.execute("MATCH (a:P {i: 1})-[:T]-() CALL { CREATE (:M) RETURN 1 AS one } RETURN count(*)")
        database.execute("MATCH (a:P {i: 1})-[:T]-() OPTIONAL CALL { CREATE (:M) RETURN 1 AS one } RETURN count(*)")
        assert database.execute("MATCH (n:M) RETURN count(*)").rows == [(4,)]


keys = st.one_of(st.integers(0, 2), st.sampled_from([1.0, 2.0, math.nan, True, "a", [1], [1, 2]]))
HANDLERS = [
    "",
    "ON CREATE SET n.c = 1",
    "ON MATCH SET n.c = coalesce(n.c, 0) + 1",
    "ON CREATE SET n.c = r.v ON MATCH SET n.d = r.v",
]


@settings(max_examples=30)
@given(st.lists(st.tuples(keys, st.integers(0, 3)), max_size=8), st.sampled_from(HANDLERS), st.booleans())
def test_a_batched_merge_is_a_merge_row_by_row(rows, handlers, two_keys):
    matched = "i: r.k, w: r.v" if two_keys else "i: r.k"
    text = f"UNWIND $rows AS r MERGE (n:P {{{matched}}}) {handlers} RETURN n.i, n.c, n.d"
    parameters = {"rows": [{"k": k, "v": v} for k, v in rows]}
    found = [outcome(text, bound, parameters) for bound in BOUNDS]
    assert all(f == found[0] for f in found)
    classes: list[object] = [] if two_keys else [1, 2]
    made = 0
    for k, v in rows:
        key = [k, v] if two_keys else k
        if not any(equals(c, key) is True for c in classes):
            made += 1
            classes.append(key)
    assert sum(found[0][1].values()) == 3 + 3 + made


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1)), max_size=8),
    st.sampled_from(["->", "-"]),
)
def test_a_batched_merge_of_relationships_is_one_row_by_row(rows, arrow):
    text = f"""UNWIND $rows AS r MATCH (a {{i: r.a}}), (b {{i: r.b}}) MERGE (a)-[t:T {{w: r.w}}]{arrow}(b)
               ON CREATE SET t.n = 1 ON MATCH SET t.n = coalesce(t.n, 10) + 1 RETURN a.i, b.i, t.w, t.n"""
    parameters = {"rows": [{"a": a, "b": b, "w": w} for a, b, w in rows]}
    found = [outcome(text, bound, parameters) for bound in BOUNDS]
    assert all(f == found[0] for f in found)


CLAUSES = [
    "CREATE (:P {i: 9})",
    "CREATE (n)-[:T]->(:Q)",
    "SET n.c = coalesce(n.c, 0) + 1",
    "SET n:Q",
    "REMOVE n:P",
    "SET n.i = COUNT { (:P) }",
    "MERGE (:P {i: n.i})",
    "MERGE (n)-[:T]->(:Q {i: 7})",
    "WITH n MATCH (m:P)",
    "WITH n MATCH (n)-[:T]->(m)",
    "WITH n WHERE n:P",
    "WITH DISTINCT n",
    "WITH n, COUNT { (n)--() } AS d",
    "CALL { WITH n MATCH (n)-[r:T]->() DELETE r }",
    "FOREACH (x IN [1, 2] | CREATE (:N {x: x}))",
    "OPTIONAL MATCH (n)-->(o:Q)",
]


@settings(max_examples=50)
@given(st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=4))
def test_sequences_of_clauses_mean_the_same_at_every_batch_size(clauses):
    # Every second WITH would name a variable again: rows of the first n alone go on.
    text = "MATCH (n) " + " WITH n ".join(clauses) + " RETURN count(*) AS rows, sum(n.c) AS c, sum(n.i) AS i"
    found = [outcome(text, bound) for bound in BOUNDS]
    assert all(f == found[0] for f in found), text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, "a", None, 2.5, b"x"], False),
        ([{"a": 1, "b": None}, {"a": "x"}], False),
        ([{"a": {"b": 1}}, 3], False),
        ([{"a": {"b": NodeRef(1)}}], True),
        ([{"a": [1, {"b": RelationshipRef(1)}]}], True),
        ([1, [2, [NodeRef(3)]]], True),
        ([[1, 2], "a"], False),
        ([None, PathRef((1,), ())], True),
        ([NodeRef(1)], True),
        ([], False),
    ],
)
def test_elements_are_seen_in_any_list_or_map_of_a_column(values, expected):
    assert holds_elements(ListColumn(values)) is expected


@given(st.lists(st.one_of(st.integers(0, 5), st.text("ab", max_size=1)), min_size=1))
def test_keys_are_numbered_in_the_order_in_which_they_come(keys):
    groups, first = _numbered(keys)
    assert [keys[i] for i in first.tolist()] == list(dict.fromkeys(keys))
    assert [keys[first[g]] for g in groups.tolist()] == keys
    assert all(keys.index(keys[i]) == i for i in first.tolist())
