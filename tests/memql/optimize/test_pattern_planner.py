"""Every plan of a pattern finds the same matches: joined, intersected, expanded; against walking over lists."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.errors import QueryTooComplex
from memoradb.memql.optimize import pattern_index, pattern_planner
from memoradb.memql.optimize.subgraphs import connected_pairs
from memoradb.memql.plan.explain import physical_lines
from memoradb.memql.session import Options
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parents[1] / "exec"))
from simple_graph import SimpleGraph  # pyright: ignore[reportMissingImports]

NODES = 4
labels = st.sampled_from([(), ("A",), ("A", "B"), ("B",)])
nodes = st.lists(
    st.tuples(labels, st.fixed_dictionaries({"x": st.sampled_from([0, 1, 2])})), min_size=NODES, max_size=NODES
)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=8)
graphs = st.builds(SimpleGraph, nodes, edges)
WAYS = {
    "as planned": (),
    "joined": ("expand_halves", "fold_patterns"),
    "intersected": ("expand_into", "fold_patterns"),
    "expanded": ("hash_join", "multiway_intersection", "fold_patterns"),
    "joined and intersected": ("expand_halves", "expand_into"),
}


@st.composite
def patterns(draw):
    """Hops as (source, target, types, direction), over up to five nodes, with cycles; labels and conditions by node."""
    names = ["a", "b", "c", "d", "e"]
    hops = []
    for number in range(draw(st.integers(1, 5))):
        known = names[: min(number + 1, 4)]
        source = draw(st.sampled_from(known))
        target = draw(st.sampled_from([names[min(number + 1, 4)], names[min(number + 1, 4)], *known]))
        kind = draw(st.sampled_from([("T",), ("U",), ()]))
        hops.append((source, target, kind, draw(st.sampled_from(list(Direction)))))
    read = sorted({n for hop in hops for n in hop[:2]})
    labelled = {n: draw(st.sampled_from([None, None, "A", "B"])) for n in read}
    small = {n: draw(st.sampled_from([None, None, 1])) for n in read}
    return hops, labelled, small


def text_of(pattern) -> str:
    hops, labelled, small = pattern
    parts = []
    for number, (source, target, kind, direction) in enumerate(hops):
        left, right = {Direction.OUT: ("-", "->"), Direction.IN: ("<-", "-"), Direction.BOTH: ("-", "-")}[direction]
        parts.append(f"({source}){left}[r{number}{':' if kind else ''}{'|'.join(kind)}]{right}({target})")
    conditions = [f"{n}:{label}" for n, label in labelled.items() if label]
    conditions += [f"{n}.x < {x + 1}" for n, x in small.items() if x is not None]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"MATCH {', '.join(parts)}{where}"


def matches(graph: SimpleGraph, pattern, given_nodes=None):
    """Every match as (nodes by name, relationships in order)."""
    hops, labelled, small = pattern

    def fits(name: str, slot: int) -> bool:
        node_labels, properties = graph.node_list[slot]
        if labelled[name] and labelled[name] not in node_labels:
            return False
        return small[name] is None or properties["x"] < small[name] + 1

    def go_on(number: int, bound: dict[str, int], used: tuple[int, ...]):
        if number == len(hops):
            yield bound, used
            return
        source, target, kind, direction = hops[number]
        starts = [bound[source]] if source in bound else range(NODES)
        for start in starts:
            if not fits(source, start):
                continue
            for relationship, end in graph.steps(start, kind or None, direction):
                if relationship in used or not fits(target, end):
                    continue
                here = {**bound, source: start}
                if here.get(target, end) == end:
                    yield from go_on(number + 1, {**here, target: end}, (*used, relationship))

    yield from go_on(0, dict(given_nodes or {}), ())


def loaded(graph: SimpleGraph) -> memoradb.Database:
    database = memoradb.open(None)
    ids = [
        database.import_nodes(list(ls), {k: [v] for k, v in (p | {"n": i}).items()})[0]
        for i, (ls, p) in enumerate(graph.node_list)
    ]
    for number, (kind, start, end) in enumerate(graph.edges):
        database.import_relationships(kind, [ids[start]], [ids[end]], {"n": [number]})
    return database


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, patterns(), st.sampled_from([None, 1, 2, 3]))
def test_every_way_finds_the_same_matches(graph, pattern, bound):
    names = sorted({n for hop in pattern[0] for n in hop[:2]})
    expected = Counter((*(found[n] for n in names), *used) for found, used in matches(graph, pattern))
    shown = [f"{n}.n" for n in names] + [f"r{i}.n" for i in range(len(pattern[0]))]
    text = text_of(pattern)
    with loaded(graph) as database:
        for way, disabled in WAYS.items():
            options = Options(disabled_rules=disabled, batch_rows=bound)
            rows = database.execute(f"{text} RETURN {', '.join(shown)}", options=options).rows
            assert Counter(map(tuple, rows)) == expected, way
            counted = database.execute(f"{text} RETURN count(*)", options=options).rows
            assert counted == [(expected.total(),)], way
            ends = Counter(row[len(names) - 1] for row in expected.elements())
            by_last = database.execute(f"{text} RETURN {names[-1]}.n, count(*)", options=options).rows
            assert Counter(dict(map(tuple, by_last))) == ends, way


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, patterns(), st.sampled_from([None, 1, 2, 3]), st.booleans())
def test_every_way_begins_with_each_row_of_its_input(graph, pattern, bound, from_nodes):
    names = sorted({n for hop in pattern[0] for n in hop[:2]})
    text = text_of(pattern)
    if from_nodes:  # both ends of the pattern are given by the row
        first, last = names[0], names[-1]
        before = f"MATCH ({first}), ({last}) WHERE {first}.n <= {last}.n WITH {first}, {last}, 1 AS one ORDER BY one"
        starts = [{first: i, last: j} for i in range(NODES) for j in range(i, NODES) if first != last or i == j]
        if first == last:
            before = f"MATCH ({first}) WITH {first}, 1 AS one ORDER BY one"
    else:  # looked up by what is in the row
        first = last = names[0]
        before = "UNWIND [2, 0, 3, 2] AS n"
        text += (" AND " if " WHERE " in text else " WHERE ") + f"{first}.n = n"
        starts = [{first: i} for i in (2, 0, 3, 2)]
    expected = Counter(
        tuple(found[n] for n in names) for start in starts for found, _ in matches(graph, pattern, start)
    )
    with loaded(graph) as database:
        database.execute("CREATE INDEX FOR (n:A) ON (n.n)")
        for way, disabled in WAYS.items():
            options = Options(disabled_rules=disabled, batch_rows=bound)
            rows = database.execute(
                f"{before} {text} RETURN {', '.join(f'{n}.n' for n in names)}", options=options
            ).rows
            assert Counter(map(tuple, rows)) == expected, way


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, patterns())
def test_large_patterns_are_planned_greedily_to_the_same_matches(graph, pattern):
    names = sorted({n for hop in pattern[0] for n in hop[:2]})
    expected = Counter(tuple(found[n] for n in names) for found, _ in matches(graph, pattern))
    with loaded(graph) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pattern_planner, "PAIRS_MAX", -1)
        patch.setattr(pattern_index, "FEW", 0)
        rows = database.execute(f"{text_of(pattern)} RETURN {', '.join(f'{n}.n' for n in names)}").rows
        assert Counter(map(tuple, rows)) == expected


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_each_pair_of_connected_sets_is_named_once_and_after_its_halves(case):
    size, joined = case
    neighbours = [0] * size
    for a, b in joined:
        if a != b:
            neighbours[a] |= 1 << b
            neighbours[b] |= 1 << a

    def connected(members: int) -> bool:
        reached = members & -members
        while True:
            more = reached
            for v in range(size):
                if reached >> v & 1:
                    more |= neighbours[v] & members
            if more == reached:
                return reached == members
            reached = more

    pairs = list(connected_pairs(neighbours))
    whole = {1 << v for v in range(size)}
    for first, second in pairs:
        assert first in whole and second in whole
        whole.add(first | second)
    expected = {
        frozenset((a, b))
        for a in range(1, 1 << size)
        for b in range(1, 1 << size)
        if not a & b and connected(a) and connected(b) and any(a >> v & 1 and neighbours[v] & b for v in range(size))
    }
    assert len(pairs) == len(expected)
    assert set(map(frozenset, pairs)) == expected


# --- shapes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def social():
    """A thousand people who follow five others each, half of whom live in one city."""
    with memoradb.open(None) as database:
        database.execute("CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE")
        database.execute("UNWIND range(0, 999) AS i CREATE (:Person {id: i, age: i % 50})")
        database.execute("UNWIND range(0, 19) AS i CREATE (:City {id: i})")
        database.execute(
            "UNWIND range(0, 4999) AS i MATCH (a:Person {id: i % 1000}), (b:Person {id: (i * 7 + i / 1000) % 1000}) "
            "WHERE a <> b CREATE (a)-[:FOLLOWS]->(b)"
        )
        database.execute(
            "MATCH (p:Person), (c:City) WHERE c.id = CASE WHEN p.id % 2 = 0 THEN 0 ELSE p.id % 20 END "
            "CREATE (p)-[:LIVES_IN]->(c)"
        )
        yield database


def plan_of(database: memoradb.Database, text: str, disabled: tuple[str, ...] = ()) -> list[str]:
    """The operators of a plan."""
    plan = database.query_engine.prepare(text, database.storage.snapshot(), disabled).plan
    return [line.name for line in physical_lines(plan.root)]


def test_two_selective_ends_are_joined_in_the_middle(social):
    to_middle = "-[:FOLLOWS]->()-[:FOLLOWS]->(m)<-[:FOLLOWS]-()<-[:FOLLOWS]-"
    text = f"MATCH (a:Person {{id: 1}}){to_middle}(b:Person {{id: 2}}) RETURN m.id"
    assert "HashJoin" in plan_of(social, text)
    assert "HashJoin" not in plan_of(social, text, ("hash_join",))
    assert sorted(social.execute(text).rows) == sorted(
        social.execute(text, options=Options(disabled_rules=["hash_join"])).rows
    )


def test_a_cycle_of_four_is_two_halves_or_closed_from_both_sides_at_once(social):
    text = (
        "MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(c:Person), (a)-[:FOLLOWS]->(d:Person)-[:FOLLOWS]->(c) "
        "WHERE b.age < d.age RETURN a.id, c.id"
    )
    assert "HashJoin" in plan_of(social, text)
    assert "Intersect" in plan_of(social, text, ("hash_join",))
    assert not {"Intersect", "HashJoin"} & set(plan_of(social, text, ("hash_join", "multiway_intersection")))


def test_a_plain_hop_is_no_join_although_it_could_be_one(social):
    assert "HashJoin" not in plan_of(social, "MATCH (a:Person)-[:FOLLOWS]->(b)-[:FOLLOWS]->(c) RETURN a.id, c.id")
    forced = plan_of(social, "MATCH (a:Person)-[:FOLLOWS]->(b)-[:FOLLOWS]->(c) RETURN a.id, c.id", ("expand_halves",))
    assert "HashJoin" in forced


def test_two_matches_of_existing_nodes_after_unwind_have_the_plan_of_one(social):
    rows = "UNWIND $rows AS r "
    one = rows + "MATCH (a:Person {id: r.a}), (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)"
    two = rows + "MATCH (a:Person {id: r.a}) MATCH (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)"

    def lines(text: str) -> list[str]:
        plan = social.query_engine.prepare(text, social.storage.snapshot()).plan
        return [f"{x.depth} {x.name} {x.details}" for x in physical_lines(plan.root)]

    assert lines(one) == lines(two)
    assert sum("NodeIndexSeek" in line for line in lines(two)) == 2


def test_the_ways_not_taken_are_kept_with_the_step(social):
    to_middle = "-[:FOLLOWS]->()-[:FOLLOWS]->(m)<-[:FOLLOWS]-()<-[:FOLLOWS]-"
    text = f"MATCH (a:Person {{id: 1}}){to_middle}(b:Person {{id: 2}}) RETURN m.id"
    found = []
    waiting = [social.query_engine.prepare(text, social.storage.snapshot()).plan.root]
    while waiting:
        operator = waiting.pop()
        waiting.extend(operator.children)
        assert operator.estimate is not None
        others = operator.estimate.alternatives
        assert [o.cost for o in others] == sorted(o.cost for o in others)
        found.extend(others)
    assert any(other.joins and other.description.startswith("join on m with b by ") for other in found)
    assert any(not other.joins and "scan" in other.description for other in found)


def test_a_limit_takes_no_join_that_must_find_a_half_first(social):
    to_middle = "-[:FOLLOWS]->()-[:FOLLOWS]->(m)<-[:FOLLOWS]-()<-[:FOLLOWS]-"
    text = f"MATCH (a:Person {{id: 1}}){to_middle}(b:Person {{id: 2}}) RETURN m.id"
    assert "HashJoin" not in plan_of(social, f"{text} LIMIT 3")
    assert "HashJoin" in plan_of(social, f"{text} ORDER BY m.id LIMIT 3")
    assert "HashJoin" in plan_of(social, f"{text} LIMIT 1000000")


def test_a_pattern_over_the_limit_is_refused_at_once():
    with memoradb.open(None) as database:
        text = "MATCH (n0)" + "".join(f"-->(n{i})" for i in range(1, 10_001)) + " RETURN count(*)"
        with pytest.raises(QueryTooComplex, match="MATCH"):
            database.execute(text)
