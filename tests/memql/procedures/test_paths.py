"""Cheapest paths against all paths there are, on graphs with self-loops, parallels, zero weights and short cycles."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core import limits
from memoradb.core.clock import ManualClock
from memoradb.core.errors import ArgumentError, Cancelled, LimitError, QueryMemoryExceeded, TypeMismatch
from memoradb.core.values import Path
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.procedures import paths
from memoradb.memql.session import Options

NODES = 5
weights = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 2.25, None]))
edges = st.lists(
    st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1), weights), max_size=9
)


def a_graph(edges):
    database = memoradb.open(None)
    database.execute("UNWIND range(0, $n) AS i CREATE (:P {i: i})", {"n": NODES - 1})
    for number, (type, start, end, weight) in enumerate(edges):
        database.execute(
            f"MATCH (a {{i: $a}}), (b {{i: $b}}) CREATE (a)-[:{type} {{w: $w, number: $number}}]->(b)",
            {"a": start, "b": end, "w": weight, "number": number},
        )
    return database


def every_path(edges, source, target, direction, types, default):
    """(weight, numbers of relationships) of all paths that visit no node twice."""
    found = []

    def go(node, visited, cost, numbers):
        if node == target:
            found.append((cost, numbers))
            return
        for number, (type, start, end, weight) in enumerate(edges):
            if types and type not in types:
                continue
            weight = default if weight is None else weight
            if weight is None:
                continue
            for a, b, way in ((start, end, "OUT"), (end, start, "IN")):
                if a == node and b not in visited and direction in (way, "BOTH"):
                    go(b, {*visited, b}, cost + weight, (*numbers, number))

    go(source, {source}, 0, ())
    return sorted(found)


CHEAPEST = """MATCH (a {i: $a}), (b {i: $b}) CALL db.path.cheapest(a, b, 'w', $options) YIELD path, weight
              RETURN path, weight, [r IN relationships(path) | r.number] AS numbers"""
K_CHEAPEST = """MATCH (a {i: $a}), (b {i: $b}) CALL db.path.kCheapest(a, b, $k, 'w', $options) YIELD index, path, weight
                RETURN index, weight, [r IN relationships(path) | r.number] AS numbers"""


@pytest.fixture(autouse=True)
def usual_sizes(monkeypatch):
    monkeypatch.setattr(paths, "NODES_BACK_MAX", paths.NODES_BACK_MAX)


@settings(max_examples=25)
@given(
    edges,
    st.sampled_from(["OUT", "IN", "BOTH"]),
    st.sampled_from([None, ["T"]]),
    st.sampled_from([None, 1]),
    st.integers(1, 6),
)
def test_paths_are_the_cheapest_of_all_paths(edges, direction, types, default, back):
    paths.NODES_BACK_MAX = back
    options = {"direction": direction, "types": types, "defaultWeight": default}
    with a_graph(edges) as database:
        for source in range(NODES):
            target = (source * 2 + 1) % NODES
            expected = every_path(edges, source, target, direction, types, default)
            given = {"a": source, "b": target, "options": options}
            rows = list(database.execute(CHEAPEST, given))
            assert [r["weight"] for r in rows] == [c for c, _ in expected[:1]]
            assert all((r["weight"], tuple(r["numbers"])) in expected for r in rows)
            many = list(database.execute(K_CHEAPEST, {**given, "k": 4}))
            assert [r["index"] for r in many] == list(range(1, min(4, len(expected)) + 1))
            assert [r["weight"] for r in many] == [c for c, _ in expected[:4]]
            found = [(r["weight"], tuple(r["numbers"])) for r in many]
            assert len(set(found)) == len(found) and set(found) <= set(expected)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)) | st.none(), min_size=NODES, max_size=NODES),
    st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(0, 3)), max_size=9),
)
def test_a_star_finds_what_dijkstra_finds_whatever_nodes_lack_a_place(places, edges):
    def far(a, b):
        return math.dist(places[a], places[b]) if places[a] and places[b] else 0.0

    whole = [("T", a, b, far(a, b) + more) for a, b, more in edges]
    with a_graph(whole) as database:
        for i, place in enumerate(places):
            if place:
                database.execute(
                    "MATCH (n {i: $i}) SET n.at = point({x: $x, y: $y})", {"i": i, "x": place[0], "y": place[1]}
                )
        for target in range(NODES):
            given = {"a": 0, "b": target}
            plain = [r["weight"] for r in database.execute(CHEAPEST, {**given, "options": {}})]
            by_place = [r["weight"] for r in database.execute(CHEAPEST, {**given, "options": {"place": "at"}})]
            # Beside a node without a place a relationship may be shorter than it is far: then the estimate is wrong.
            if all(places):
                assert by_place == pytest.approx(plain)
            halved = {"place": "at", "costPerUnit": 0}
            assert [r["weight"] for r in database.execute(CHEAPEST, {**given, "options": halved})] == plain


@pytest.fixture
def roads():
    with a_graph([("T", 0, 1, 1), ("T", 1, 2, 1), ("T", 0, 2, 5), ("U", 2, 3, 1), ("T", 3, 4, None)]) as database:
        yield database


def ask(database, a, b, options=None, how=None, query=CHEAPEST, **more):
    return list(database.execute(query, {"a": a, "b": b, "options": options, **more}, options=how or Options()))


def test_a_path_is_a_path_with_its_nodes_and_relationships(roads):
    (row,) = ask(roads, 0, 2)
    assert isinstance(row["path"], Path)
    assert [n["i"] for n in row["path"].nodes] == [0, 1, 2]
    assert row["weight"] == 2.0 and row["numbers"] == [0, 1]


def test_from_a_node_to_itself_is_the_empty_path(roads):
    (row,) = ask(roads, 1, 1)
    assert (len(row["path"]), row["weight"]) == (0, 0.0)


def test_a_relationship_without_the_weight_is_not_followed_unless_it_gets_one(roads):
    assert ask(roads, 0, 4) == []
    assert ask(roads, 0, 4, {"defaultWeight": 10})[0]["weight"] == 13.0


def test_a_path_that_costs_more_than_may_be_is_not_found(roads):
    assert ask(roads, 0, 3, {"maxWeight": 2.9}) == []
    assert ask(roads, 0, 3, {"maxWeight": 3})[0]["weight"] == 3.0


def test_without_a_weight_each_relationship_counts_one(roads):
    query = """MATCH (a {i: 0}), (b {i: 2}) CALL db.path.kCheapest(a, b, 5) YIELD index, path, weight
               RETURN index, length(path) AS hops, weight"""
    assert list(roads.execute(query)) == [(1, 1, 1.0), (2, 2, 2.0)]


@pytest.mark.parametrize("weight", [-1, -0.5, math.nan, math.inf])
def test_a_weight_that_makes_no_sense_is_an_error_where_the_search_meets_it(roads, weight):
    roads.execute("MATCH ()-[r {number: 3}]->() SET r.w = $w", {"w": weight})
    with pytest.raises(ArgumentError, match="finite and not negative"):
        ask(roads, 0, 3)
    assert ask(roads, 0, 1)[0]["weight"] == 1.0


def test_a_weight_that_is_no_number_is_an_error(roads):
    roads.execute("MATCH ()-[r {number: 0}]->() SET r.w = 'far'")
    with pytest.raises(TypeMismatch, match="a number, not STRING"):
        ask(roads, 0, 3)


def test_an_estimate_that_is_too_high_is_an_error_not_a_wrong_path(roads):
    roads.execute("MATCH (n) SET n.at = point({x: n.i * 100, y: 0})")
    with pytest.raises(ArgumentError, match="costPerUnit"):
        ask(roads, 0, 3, {"place": "at"})
    assert ask(roads, 0, 3, {"place": "at", "costPerUnit": 0.01})[0]["weight"] == 3.0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"wieght": 1}, ArgumentError),
        ({"direction": "UP"}, ArgumentError),
        ({"types": "T"}, TypeMismatch),
        ({"types": [1]}, TypeMismatch),
        ({"maxWeight": -1}, ArgumentError),
        ({"maxWeight": "1"}, TypeMismatch),
        ({"defaultWeight": True}, TypeMismatch),
        ({"place": 1}, TypeMismatch),
        ({"costPerUnit": 1}, ArgumentError),
    ],
)
def test_options_that_make_no_sense_are_errors(roads, options, error):
    with pytest.raises(error):
        ask(roads, 0, 3, options)


def test_the_number_of_paths_has_bounds(roads):
    with pytest.raises(ArgumentError):
        ask(roads, 0, 3, query=K_CHEAPEST, k=0)
    with pytest.raises(LimitError):
        ask(roads, 0, 3, query=K_CHEAPEST, k=limits.CHEAPEST_PATHS_MAX + 1)


def test_a_null_node_is_an_error(roads):
    with pytest.raises(TypeMismatch, match="may not be null"):
        roads.execute("MATCH (a {i: 0}) CALL db.path.cheapest(a, null, 'w') YIELD path RETURN path")


@pytest.fixture(scope="module")
def grid():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(0, 2499) AS i CREATE (:P {i: i})")
        database.execute("CREATE INDEX FOR (n:P) ON (n.i)")
        for step in (1, 50):
            database.execute(
                """UNWIND range(0, 2499) AS i MATCH (a:P {i: i}), (b:P {i: i + $step})
                   CREATE (a)-[:T {w: 1 + i % 7}]->(b)""",
                {"step": step},
            )
        yield database


def test_a_search_can_be_cancelled(grid):
    cancellation = Cancellation(ManualClock())
    cancellation.cancel()
    with pytest.raises(Cancelled):
        ask(grid, 0, 2499, how=Options(cancellation=cancellation))


def test_a_search_accounts_its_memory(grid):
    with pytest.raises(QueryMemoryExceeded):
        ask(grid, 0, 2499, how=Options(memory_bytes_max=100_000))


def test_what_a_transaction_changed_counts(roads):
    with roads.begin() as transaction:
        transaction.execute("MATCH (a {i: 0}), (b {i: 3}) CREATE (a)-[:T {w: 0.5, number: 9}]->(b)")
        rows = list(transaction.execute(CHEAPEST, {"a": 0, "b": 3, "options": None}))
        assert [(r["weight"], r["numbers"]) for r in rows] == [(0.5, [9])]
        transaction.rollback()
