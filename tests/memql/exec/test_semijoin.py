"""EXISTS as a set of nodes, and subqueries that are run once, against the same looked for row by row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.memql.session import Options

ARROWS = ("-[:R]->", "<-[:R]-", "-[:R]-", "-[:S]->", "-->", "--")
ENDS = ("", ":A", ":A {x: 1}", ":B WHERE {} .x > 0", ":A:B")


@st.composite
def graphs(draw):
    """Statements that make a graph of at most five nodes, with self-loops, parallel edges and cycles of two."""
    count = draw(st.integers(1, 5))
    nodes = [
        f"(n{i}{draw(st.sampled_from(('', ':A', ':B', ':A:B')))} {{id: {i}, x: {draw(st.integers(0, 2))}}})"
        for i in range(count)
    ]
    end = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(end, end, st.sampled_from("RS")), max_size=8))
    return "CREATE " + ", ".join([*nodes, *(f"(n{a})-[:{t}]->(n{b})" for a, b, t in edges)])


@st.composite
def trees(draw):
    """A tree that hangs from n."""
    names, parts = ["n"], []
    for i in range(draw(st.integers(1, 3))):
        source = draw(st.sampled_from(names))
        name = f"m{i}"
        end = draw(st.sampled_from(ENDS)).replace("{} ", name)
        parts.append(f"({source}){draw(st.sampled_from(ARROWS))}({name}{end})")
        names.append(name)
    return ", ".join(parts)


def answers(database, query, **options):
    return sorted(map(repr, database.execute(query, options=Options(**options)).rows))


@settings(max_examples=60)
@given(graphs(), trees(), st.sampled_from((None, 1, 2, 3)))
def test_a_set_of_nodes_says_the_same_as_looking_for_a_match_from_each(graph, tree, batch_rows):
    database = memoradb.open(None)
    database.execute(graph)
    query = f"MATCH (n) RETURN n.id AS i, EXISTS {{ {tree} }} AS e, COUNT {{ {tree} }} > 0 AS c"
    found = answers(database, query, batch_rows=batch_rows)
    assert found == answers(database, query, disabled_rules=("semijoin_exists", "count_to_exists"))
    assert found == answers(database, query, disabled_rules=("semijoin_exists", "fold_patterns", "count_to_exists"))


def plan_of(database, query):
    return str(database.execute("EXPLAIN " + query).summary.plan)


def test_a_null_or_a_missing_node_has_no_match_and_another_value_is_an_error():
    database = memoradb.open(None)
    database.execute("CREATE (:A {id: 1})-[:R]->(:B)")
    query = "UNWIND $items AS n WITH n WHERE NOT EXISTS { (n)-[:R]->(:B) } RETURN n IS NULL AS missing"
    assert [tuple(r) for r in database.execute(query, {"items": [None]}).rows] == [(True,)]
    with pytest.raises(memoradb.MemoraDBError, match="node"):
        database.execute("UNWIND $items AS n WITH n WHERE EXISTS { (n)-[:R]->(:B) } RETURN n", {"items": [1]})


def test_few_rows_look_for_their_match_and_many_ask_a_set():
    database = memoradb.open(None)
    database.execute("UNWIND range(0, 999) AS i CREATE (:A {id: i})-[:R]->(:B {x: i % 7})")
    query = "MATCH (n:A) WHERE n.id < $most AND EXISTS { (n)-[:R]->(m:B) WHERE m.x = 3 } RETURN count(*)"
    assert "Semijoin" in plan_of(database, query.replace("$most", "5"))
    profiled = str(database.execute("PROFILE " + query, {"most": 5}).summary.plan)
    assert "Semijoin" in profiled
    for most in (0, 1, 5, 30, 999):
        expected = sum(1 for i in range(most) if i % 7 == 3)
        assert [tuple(r) for r in database.execute(query, {"most": most}).rows] == [(expected,)]


def test_a_subquery_that_reads_nothing_of_the_row_is_run_once():
    database = memoradb.open(None)
    database.execute("UNWIND range(0, 49) AS i CREATE (:A {id: i}), (:B {x: i % 5})")
    query = "MATCH (n:A) CALL () { MATCH (m:B) RETURN DISTINCT m.x AS x } RETURN n.id AS i, x"
    assert "Once" in plan_of(database, query)
    for batch_rows in (None, 1, 2, 3):
        found = answers(database, query, batch_rows=batch_rows)
        assert found == answers(database, query, disabled_rules=("run_once",))
        assert len(found) == 250


def test_what_a_statement_writes_is_seen_by_a_subquery_that_reads_nothing_of_the_row():
    database = memoradb.open(None)
    rows = database.execute("UNWIND [1, 2, 3] AS i CREATE (:New {c: COUNT { (:New) }}) WITH i MATCH (n:New) RETURN n.c")
    assert sorted(tuple(r) for r in rows.rows) == sorted([(0,), (1,), (2,)] * 3)


def test_an_uncorrelated_subquery_that_fails_does_so_only_where_a_row_asks():
    database = memoradb.open(None)
    database.execute("CREATE (:B {x: 0})")
    query = "UNWIND $items AS i RETURN i OR EXISTS { MATCH (m:B) WHERE 1 / m.x > 0 } AS v"
    assert [tuple(r) for r in database.execute(query, {"items": [True, True]}).rows] == [(True,), (True,)]
    with pytest.raises(memoradb.MemoraDBError, match="zero"):
        database.execute(query, {"items": [True, False]})
