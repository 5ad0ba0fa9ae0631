"""Plans made with wrong statistics may be slow; they are never wrong.

``MEMORADB_SCRAMBLED_QUERIES`` says how many generated queries are tried: few by default. The openCypher kit runs with
such statistics too (``tests/kit``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from memoradb.fuzz.oracles.agreement import Comparison, Verdict
from memoradb.fuzz.oracles.engine import Bench, Prepared
from memoradb.fuzz.oracles.reference.run import Exhausted
from memoradb.fuzz.strategies.drawing import RandomDraw
from memoradb.fuzz.strategies.graphs import generate_graph
from memoradb.fuzz.strategies.queries import generate_query
from memoradb.memql.session import Options

sys.path.insert(0, str(Path(__file__).parent))
from scrambled import ScrambledStatistics, scramble

QUERIES = int(os.environ.get("MEMORADB_SCRAMBLED_QUERIES", "60"))
SCHEMA = ("CREATE INDEX FOR (n:A) ON (n.x)", "CREATE INDEX FOR (n:B) ON (n.y)", "CREATE INDEX FOR ()-[r:R]-() ON (r.x)")


@pytest.mark.timeout(max(60, QUERIES))
def test_plans_made_with_scrambled_statistics_give_the_same_rows(monkeypatch):
    compared = 0
    bench: Bench | None = None
    for number in range(QUERIES):
        if number % 10 == 0:
            if bench is not None:
                bench.close()
            bench = Bench(generate_graph(RandomDraw(f"scrambled graph {number}"), 3, 7).statement())
            for statement in SCHEMA if number % 20 else ():
                bench.database.execute(statement)
        assert bench is not None
        prepared = Prepared.of(generate_query(RandomDraw(f"scrambled query {number}")))
        if prepared.statement is None:
            continue
        try:
            comparison = Comparison(bench, prepared)
        except Exhausted:
            continue
        for seed in (number, -number - 1):
            scramble(seed, monkeypatch.setattr)
            bench.database.query_engine.forget_plans()
            found = bench.engine(prepared.query, Options(batch_rows=(None, 1, 3)[number % 3]))
            assert comparison.judge(found) is not Verdict.WRONG, (
                f"seed {seed}\n{bench.graph}\n\n{prepared.query.text}\n{prepared.query.parameters}\n"
                f"expected: {comparison.expected.text()}\nfound: {found.text()}"
            )
        compared += 1
    if bench is not None:
        bench.close()
    assert compared > QUERIES // 2


def test_scrambled_statistics_answer_the_same_question_alike_and_lead_to_other_plans(monkeypatch):
    assert ScrambledStatistics(1).values("A", "x") == ScrambledStatistics(1).values("A", "x")
    with Bench("UNWIND range(1, 50) AS i CREATE (:A {x: i})-[:R]->(:B {y: i % 3})-[:S]->(:C)").database as database:
        text = "EXPLAIN MATCH (a:A)-[:R]->(b:B)-[:S]->(c:C) WHERE a.x > 3 AND b.y = 1 RETURN a, b, c"
        plans = set()
        for seed in range(12):
            scramble(seed, monkeypatch.setattr)
            plan = database.execute(text).summary.plan
            assert plan is not None
            plans.add(plan.split("Physical plan")[1].split("Rules")[0])
    assert len(plans) > 3
