"""Message passing gives what making and aggregating rows gives, whatever the graph holds."""

import math
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.errors import MemQLError
from memoradb.memql.exec import factorised, messages
from memoradb.memql.optimize import factorising
from memoradb.memql.session import Options
from memoradb.result import Result

NODES = 6
BOUNDS = (1, 2, 3, None)
PLAIN = [factorising.NAME, "fold_patterns"]

labels = st.sampled_from([(), ("A",), ("B",), ("A", "B"), ("C",)])
kinds = {
    "whole": st.sampled_from([0, 1, 2, -3, 1 << 62]),
    "gaps": st.sampled_from([0, 1, 7, None]),
    "floats": st.sampled_from([0.5, -2.0, math.nan, math.inf, -math.inf, 1e300]),
    "floats and gaps": st.sampled_from([0.5, -2.0, math.nan, None]),
    "strings": st.sampled_from(["a", "b", "cc", None]),
    "misfits": st.sampled_from([1, 2, 3.5, "x", None]),
    "nothing": st.none(),
}


@st.composite
def graphs(draw):
    """(nodes, relationships): labels and x, y of each; type, start and end of each."""
    xs, ys = (kinds[draw(st.sampled_from(sorted(kinds)))] for _ in range(2))
    nodes = [(draw(labels), draw(xs), draw(ys)) for _ in range(draw(st.integers(1, NODES)))]
    ends = st.integers(0, len(nodes) - 1)
    edges = draw(st.lists(st.tuples(st.sampled_from("TTU"), ends, ends), max_size=12))
    if draw(st.booleans()):
        edges = [(kind, a, b) for kind, a, b in edges if a != b]
    return nodes, edges


@st.composite
def queries(draw):
    """An aggregation over a tree of up to four nodes; most are such as message passing may take."""
    names = ["a", "b", "c", "d"]
    hops = []
    count = draw(st.integers(1, 3))
    for number in range(count):
        source = draw(st.sampled_from(names[: number + 1]))
        left, right = draw(st.sampled_from([("-", "->"), ("<-", "-"), ("-", "->"), ("-", "-")]))
        kind = draw(st.sampled_from(["", ":T", ":U", ":T|U"]))
        length = draw(st.sampled_from(["", "", "", "*1..2", "*2..2"]))
        own = draw(st.sampled_from(["", "", ":A", ":B", ":A:B", ":C"]))
        hops.append(f"({source}){left}[{kind}{length}]{right}({names[number + 1]}{own})")
    read = names[: count + 1]
    text = "MATCH " + ", ".join(hops)
    if draw(st.booleans()):
        text = text.replace(", (", "\nMATCH (", 1)
    conditions = []
    for name in read:
        conditions += draw(
            st.sampled_from(
                [[], [], [], [f"{name}:A"], [f"{name}.x < 2"], [f"{name}.y IS NULL"], [f"{name}.x <> 1 OR {name}:B"]]
            )
        )
    if conditions:
        text += " WHERE " + " AND ".join(conditions)
    root = draw(st.sampled_from(read))
    keys = draw(st.sampled_from([[], [], [root], [f"{root}.x"], [f"{root}.x", root], [f"{root}.x", f"{root}.y"]]))
    items = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(read))
        function = draw(st.sampled_from(["count(*)", "count({})", "count", "sum", "avg", "min", "max"]))
        if function.endswith(")"):
            items.append(function.format(name))
        else:
            items.append(f"{function}({name}.{draw(st.sampled_from('xy'))})")
    if draw(st.integers(0, 5)) == 0:
        items.append(f"count(DISTINCT {root})")
    shown = [f"{e} AS k{i}" for i, e in enumerate(keys)] + [f"{e} AS v{i}" for i, e in enumerate(items)]
    return f"{text}\nRETURN {', '.join(shown)}"


def load(database, graph):
    nodes, edges = graph
    ids = []
    for names, x, y in nodes:
        given_values = {k: v for k, v in (("x", x), ("y", y)) if v is not None}
        text = f"CREATE (n{''.join(':' + n for n in names)}) SET n = $p RETURN id(n)"
        ids.append(database.execute(text, {"p": given_values}).rows[0][0])
    for kind, start, end in edges:
        text = f"MATCH (a), (b) WHERE id(a) = $a AND id(b) = $b CREATE (a)-[:{kind}]->(b)"
        database.execute(text, {"a": ids[start], "b": ids[end]})
    return ids


def shown(value):
    """A value to compare by: floats to twelve digits."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.12g}" if math.isfinite(value) else str(value)
    return repr(value)


def answer(execute, text, **options):
    try:
        return Counter(tuple(map(shown, row)) for row in execute(text, {}, options=Options(**options)))
    except MemQLError as error:
        return type(error)


def same_every_way(execute, text):
    expected = answer(execute, text, disabled_rules=PLAIN)
    for bound in BOUNDS:
        assert answer(execute, text, batch_rows=bound) == expected, (text, bound)
    assert answer(execute, text, kernels="never") == expected, text
    assert answer(execute, text, disabled_rules=["fold_patterns"]) == expected, text


@pytest.fixture(autouse=True)
def always_chosen(monkeypatch):
    """Graphs here are so small that rows are as cheap."""
    monkeypatch.setattr(factorising, "_cost", lambda *_: (1.0, 0.0))


@pytest.fixture(params=["as it is", "listed", "added up"], autouse=True)
def sides(request, monkeypatch):
    """From which side relationships are looked at."""
    if request.param != "as it is":
        monkeypatch.setattr(messages, "LISTED_SHARE", 0 if request.param == "listed" else 1 << 20)


SLOW = settings(
    phases=[p for p in __import__("hypothesis").Phase if p.name != "shrink"],
    max_examples=int(os.environ.get("MEMORADB_FACTORISED_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW
@given(graphs(), queries())
def test_messages_add_up_to_what_rows_do(graph, query):
    with memoradb.open(None) as database:
        load(database, graph)
        same_every_way(database.execute, query)


@SLOW
@given(graphs(), queries(), st.data())
def test_what_is_deleted_or_new_in_a_transaction_is_seen(graph, query, data):
    with memoradb.open(None) as database:
        ids = load(database, graph)
        same_every_way(database.execute, query)
        gone = data.draw(st.sampled_from(ids))
        database.execute("MATCH (n) WHERE id(n) = $id DETACH DELETE n", {"id": gone})
        database.execute("MATCH ()-[r]->() WITH r LIMIT 1 DELETE r")
        same_every_way(database.execute, query)
        storage = database.storage.begin(exclusive=True)

        def run(text, parameters=None, options=None):
            return Result(database.query_engine.execute(text, parameters or {}, transaction=storage, options=options))

        try:
            same_every_way(run, query)
            run("CREATE (:A {x: 1})-[:T]->(n:B {x: 2, y: 'new'}), (n)-[:T]->(n), (:A:B)-[:U]->(n)")
            same_every_way(run, query)
            run("MATCH (n:A) WITH n LIMIT 1 SET n.x = 9 SET n:C")
            run("MATCH (n:B) WITH n LIMIT 1 DETACH DELETE n")
            same_every_way(run, query)
        finally:
            storage.rollback()


@SLOW
@given(
    st.lists(st.integers(-2, 4), min_size=1, max_size=30),
    st.sampled_from(["count(*)", "sum(b.x)"]),
    st.sampled_from(["n", "n DESC", "n DESC, k.x", "n, k.y DESC"]),
    st.sampled_from(["LIMIT 1", "LIMIT 3", "SKIP 1 LIMIT 2", "LIMIT 0"]),
)
def test_what_comes_first_is_found_among_the_best_of_ranges(numbers, number, order, limit):
    before = factorised.RANGES, factorised.RANGES_PER_ROW
    factorised.RANGES = factorised.RANGES_PER_ROW = 1
    try:
        with memoradb.open(None) as database:
            text = "UNWIND range(0, size($l) - 1) AS i CREATE (a:A {x: i, y: i % 3}) WITH a, $l[i] AS n"
            database.execute(text + " UNWIND range(0, n) AS j CREATE (a)-[:T]->(:B {x: n})", {"l": numbers})
            text = f"MATCH (a:A)-[:T]->(b:B) WITH a AS k, {number} AS n ORDER BY {order} {limit} RETURN k.x, n"
            expected = database.execute(text, options=Options(disabled_rules=[*PLAIN, factorising.FIRST])).rows
            found = database.execute(text).rows
            assert [n for _, n in found] == [n for _, n in expected]
            assert found == expected or "k." not in order
    finally:
        factorised.RANGES, factorised.RANGES_PER_ROW = before


def operators(database, text):
    plan = database.query_engine.prepare(text, database.storage.snapshot()).plan
    return [line.name for line in memoradb.memql.plan.explain.physical_lines(plan.root)]


def test_only_trees_whose_relationships_cannot_be_the_same_are_taken():
    with memoradb.open(None) as database:
        database.execute("CREATE (a:A {x: 1})-[:T]->(b:B {x: 2})-[:T]->(c:C {x: 3}), (b)-[:U]->(c)")
        taken = [
            "MATCH (a)-[:T]->(b) RETURN a.x, sum(b.x)",
            "MATCH (a)-[:T]->(b)-[:T]->(c) RETURN a.x, avg(c.x), max(b.x), count(*)",
            "MATCH (a:A)-[:T]->(b:B)-[*1..2]->(c:C) RETURN b.x, avg(a.x)",
            "MATCH (a:A)-[:T]->(b)<-[:T]-(c:C) RETURN b.x, count(*)",
            "MATCH (a)-[:T]->(b)<-[:T]-(c) RETURN b.x, count(*)",
            "MATCH (a)-[:T]->(b)<-[]-(c) RETURN a.x, count(*), sum(b.x), avg(c.x)",
            "MATCH (a)-[:T]->(b) WITH b AS n, a RETURN n.x AS k, min(a.x)",
            "MATCH (a)-[:T]->(b) WHERE a.x > 0 RETURN count(DISTINCT a)",
        ]
        left = [
            "MATCH (a)-[:T]->(b)<-[:T]-(c) RETURN b.x, max(a.x)",
            "MATCH (a)-[:T]->(b)<-[:T]-(c), (b)<-[:T]-(d) RETURN b.x, count(*)",
            "MATCH (a)-[:T]->(b)-[:T]->(c)-[:T]->(d) RETURN a.x, count(*)",
            "MATCH (a)-[:T]->(b)-[:T]->(a) RETURN a.x, count(*)",
            "MATCH (a)-[:T]->(b) RETURN a.x, b.x, count(*)",
            "MATCH (a)-[r:T]->(b) RETURN a.x, count(r.x)",
            "MATCH (a)-[r:T]->(b) WHERE r.x = 1 RETURN a.x, count(*)",
            "MATCH (a)-[:T]->(b) WHERE a.x + 1 > b.x RETURN a.x, count(*)",
            "MATCH (a)-[:T]->(b) WHERE 1 / a.x > 0 RETURN b.x, count(*)",
            "MATCH (a)-[:T]->(b) RETURN a.x, collect(b.x)",
            "MATCH (a)-[:T]->(b) RETURN a.x, sum(DISTINCT b.x)",
            "MATCH (a)-[:T*1..3]->(b) RETURN a.x, count(*)",
            "MATCH (a)-[:T*0..1]->(b) RETURN a.x, count(*)",
        ]
        assert [t for t in taken if "FactorisedAggregation" not in operators(database, t)] == []
        assert [t for t in left if "FactorisedAggregation" in operators(database, t)] == []


def test_a_self_loop_that_comes_later_is_seen_by_a_plan_made_before():
    with memoradb.open(None) as database:
        database.execute("CREATE (:A {x: 1})-[:T]->(:A {x: 2})-[:T]->(:A {x: 3})")
        text = "MATCH (a:A)-[:T]->(b:A)-[:T]->(c:A) RETURN a.x, sum(c.x)"
        assert database.execute(text).rows == [(1, 3)]
        database.execute("MATCH (a:A {x: 2}) CREATE (a)-[:T]->(a)")
        same_every_way(database.execute, text)


def test_a_string_among_ages_is_the_error_that_it_is_row_by_row():
    with memoradb.open(None) as database:
        database.execute("UNWIND [1, 2, 'three', 4, 5, 6] AS x CREATE (:A)-[:T]->(:B {x: x})")
        with pytest.raises(MemQLError) as error:
            database.execute("MATCH (a:A)-[:T]->(b:B) RETURN sum(b.x)")
        assert "Cannot sum" in str(error.value)
        assert database.execute("MATCH (a:A)-[:T]->(b:B) WHERE b.x < 3 RETURN sum(b.x)").rows == [(3,)]
