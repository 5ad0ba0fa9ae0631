"""EXPLAIN and PROFILE: both plans, estimates, and what was seen."""

import re

import pytest

import memoradb


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 20) AS i CREATE (:A {k: i})-[:T]->(:B {k: i % 3})")
        yield database


def test_explain_shows_both_plans_and_runs_nothing(db):
    result = db.execute("EXPLAIN MATCH (a:A)-[:T]->(b:B) WHERE a.k > 3 CREATE (:C) RETURN a.k AS k ORDER BY k LIMIT 2")
    plan = result.summary.plan
    assert plan is not None and list(result) == [] and result.columns == ()
    logical, physical, rules = plan.split("\n\n")
    assert logical.startswith("Logical plan\n") and "Match  " in logical and "Top  " in logical
    assert physical.startswith("Physical plan\n") and "estimated" in physical
    assert rules.startswith("Rules that fired: order_by_limit_to_top")
    assert db.execute("MATCH (c:C) RETURN count(*)").rows == [(0,)]


def test_explain_needs_no_parameters_and_says_what_kind_of_statement_it_is(db):
    assert db.execute("EXPLAIN MATCH (a:A {k: $k}) RETURN a").summary.query_type == "r"
    assert db.execute("EXPLAIN CREATE (a:A {k: $k})").summary.query_type == "w"


def test_profile_gives_rows_and_adds_what_was_seen(db):
    result = db.execute("PROFILE MATCH (a:A)-[:T]->(b:B) WHERE b.k = 1 RETURN a.k AS k")
    assert len(result.rows) == 7
    plan = result.summary.plan
    assert plan is not None and re.search(r"estimated +rows +q-error +batches +ms +total ms", plan)
    lines = {line.split()[0]: line for line in plan.split("\n\n")[1].splitlines() if line.strip()}
    assert re.search(r"\b40\b|\b20\b", lines["NodeScan"])
    assert re.search(r" 7 +\d+\.\d +\d+ +\d+\.\d{3} +\d+\.\d{3}$", lines["ProduceResults"])


def test_a_plan_is_also_a_tree_of_maps(db):
    tree = db.execute("PROFILE MATCH (a:A)-[:T]->() RETURN count(*)").summary.plan_tree
    assert tree is not None and tree["operator"] == "ProduceResults" and tree["rows"] == 1
    names, node = [], tree
    while True:
        names.append(node["operator"])
        assert node["rows_estimated"] >= 0 and node["time_ms"] >= 0
        if not node["children"]:
            break
        node = node["children"][0]
    assert names == ["ProduceResults", "FactorisedAggregation", "Aggregation", "Fold", "NodeScan", "ArgumentScan"]


def test_weights_count_as_the_rows_that_they_stand_for(db):
    tree = db.execute("PROFILE MATCH (a:A), (b:B) RETURN count(*)").summary.plan_tree
    assert tree is not None and tree["children"][0]["children"][0]["rows"] == 400


def test_the_plan_of_a_subquery_is_shown_and_measured_below_its_operator(db):
    plan = db.execute("PROFILE MATCH (a:A) WHERE EXISTS { (a)-[:T]->(b) WHERE b.k = 1 } RETURN a.k").summary.plan
    assert plan is not None
    physical = plan.split("\n\n")[1].splitlines()
    exists = next(i for i, line in enumerate(physical) if line.split()[:1] == ["EXISTS"])
    shown = [line.split()[0] for line in physical[exists + 1 : exists + 5]]
    assert shown[:2] == ["Semijoin", "{set"] and "{set of nodes; semijoin_exists}" in physical[exists + 2]
    assert re.search(r" 7 +\d", physical[exists + 1])
    assert "EXISTS" in plan.split("\n\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        "MATCH p = shortestPath((a:A {k: 1})-[*..3]-(b:B)) RETURN p",
        "MATCH (a:A) CALL { WITH a RETURN a.k AS x UNION RETURN 1 AS x } RETURN x",
        "UNWIND [1] AS x MERGE (n:D {k: x}) ON CREATE SET n.a = 1 ON MATCH SET n += {b: 2}, n:E REMOVE n.c, n:F",
        "MATCH (a:A) FOREACH (x IN [1] | CREATE (a)-[:U {w: x}]->(:G))",
        "MATCH (a:D) DETACH DELETE a",
        "CALL db.labels() YIELD label RETURN label SKIP 1",
        "RETURN CASE WHEN 1 > 2 THEN [x IN [1] WHERE x > 0 | x] ELSE reduce(s = 0, x IN [1] | s + x) END AS x",
        "MATCH (a) WHERE a:A|B AND NOT a:!C AND all(x IN [1] WHERE x = 1) RETURN a {.k, x: -a.k}, a['k'], [1, 2][0..1]",
        "SHOW INDEXES",
        "CREATE INDEX i IF NOT EXISTS FOR (n:Z) ON (n.z)",
        "DROP INDEX i IF EXISTS",
        "OPTIONAL MATCH (a:Z) RETURN coalesce(a.k, 1), a IS NULL,  'a' + \"\\n\", date()",
    ],
)
def test_every_operator_can_be_shown_and_profiled(db, text):
    for mode in ("EXPLAIN", "PROFILE"):
        plan = db.execute(f"{mode} {text}").summary.plan
        assert plan is not None and all(len(line) < 400 for line in plan.splitlines())
