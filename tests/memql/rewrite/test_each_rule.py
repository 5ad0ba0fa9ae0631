"""Each rewrite rule, physical alternative and kernel alone off and alone on, against the reference interpreter.

Queries are generated so that the switch in question fires (``biased``); each is answered with everything on, with this
one off, and with this one alone, at a batch bound and with kernels that change from query to query. Their number comes
from ``MEMORADB_EACH_RULE_QUERIES``: few by default, 2,000 in ``make sweep``. A switch that never fires proves nothing
and fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memoradb.core.errors import MemoraDBError
from memoradb.fuzz.oracles.agreement import Comparison, Verdict
from memoradb.fuzz.oracles.engine import Bench, Prepared
from memoradb.fuzz.oracles.reference.run import Exhausted
from memoradb.fuzz.strategies.drawing import RandomDraw
from memoradb.fuzz.strategies.graphs import generate_graph
from memoradb.fuzz.strategies.queries import Query
from memoradb.fuzz.strategies.values import generate_value
from memoradb.fuzz.strategies.vocabulary import PARAMETERS
from memoradb.memql.exec.context import KernelUse
from memoradb.memql.kernels import compile as compiler
from memoradb.memql.kernels.repeated import REPEATED
from memoradb.memql.rewrite.switches import KERNEL, all_but, switches
from memoradb.memql.session import Options

sys.path.insert(0, str(Path(__file__).parent))
from biased import BIASED, SCHEMA, Pieces

QUERIES = int(os.environ.get("MEMORADB_EACH_RULE_QUERIES", "14"))
QUERIES_PER_GRAPH = 7
FIRED_SHARE = 0.1
ANSWERED_SHARE = 0.4
BOUNDS = (None, 1, 2, 3)
KERNELS: tuple[KernelUse, ...] = ("auto", "always", "never")


def generated(name: str) -> Iterator[tuple[Bench, Prepared]]:
    """Graphs and queries for one switch."""
    bench: Bench | None = None
    try:
        for number in range(QUERIES):
            if number % QUERIES_PER_GRAPH == 0 or bench is None:
                if bench is not None:
                    bench.close()
                graph = generate_graph(RandomDraw(f"graph {name} {number}"), 3, 7)
                bench = Bench(graph.statement())
                if number // QUERIES_PER_GRAPH % 2 == 0:
                    for statement in SCHEMA:
                        bench.database.execute(statement)
            draw = RandomDraw(f"query {name} {number}")
            text = BIASED[name](Pieces(draw))
            given = {p: generate_value(draw, kind) for p, kind in PARAMETERS.items() if f"${p}" in text}
            yield bench, Prepared.of(Query(text, given))
    finally:
        if bench is not None:
            bench.close()


def rules_of(bench: Bench, prepared: Prepared, disabled: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The rules and alternatives that a query's plan went through; none where it does not compile."""
    try:
        return bench.database.query_engine.prepare(prepared.query.text, bench.database.snapshot(), disabled).plan.rules
    except MemoraDBError:
        return ()


class Watched:
    """Which kernels gave an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: set[str] = set()
        whole = compiler._kernel

        def watched(name):
            kernel = whole(name)
            if kernel is None:
                return None

            def noted(*columns, **more):
                found = kernel(*columns, **more)
                if found is not None:
                    self.seen.add(KERNEL + name)
                return found

            return noted

        remembered = compiler._remembered

        def remembering(evaluate):
            self.seen.add(KERNEL + REPEATED)
            return remembered(evaluate)

        monkeypatch.setattr(compiler, "_kernel", watched)
        monkeypatch.setattr(compiler, "_remembered", remembering)


def test_every_switch_has_queries_that_make_it_fire():
    assert set(BIASED) == set(switches())


@pytest.mark.timeout(max(60, QUERIES))
@pytest.mark.parametrize("name", switches())
def test_a_switch_changes_no_answer_alone_off_or_alone_on(name, monkeypatch):
    of_kernels = name.startswith(KERNEL)
    watched = Watched(monkeypatch) if of_kernels else None
    fired = compared = answered = 0
    for number, (bench, prepared) in enumerate(generated(name)):
        assert prepared.statement is not None, prepared.query.text
        try:
            comparison = Comparison(bench, prepared)
        except Exhausted:
            continue
        bound = BOUNDS[number % len(BOUNDS)]
        use: KernelUse = "always" if of_kernels else KERNELS[number % len(KERNELS)]
        if watched is None:
            fired += name in rules_of(bench, prepared) or name in rules_of(bench, prepared, all_but((name,)))
        for how, disabled in (("on", ()), ("off", (name,)), ("alone on", all_but((name,)))):
            if watched is not None:
                watched.seen.clear()
            options = Options(disabled_rules=disabled, batch_rows=bound, kernels=use)
            found = bench.engine(prepared.query, options)
            if watched is not None:
                fired += how == "alone on" and name in watched.seen
            assert comparison.judge(found) is not Verdict.WRONG, (
                f"{name} {how}, bound {bound}, kernels {use}:\n{bench.graph}\n\n{prepared.query.text}\n"
                f"{prepared.query.parameters}\nexpected: {comparison.expected.text()}\nfound: {found.text()}"
            )
        compared += 1
        answered += comparison.expected.error is None
    assert answered >= ANSWERED_SHARE * compared, f"only {answered} of {compared} queries are no error"
    assert fired >= max(1, FIRED_SHARE * compared), f"{name} fires on {fired} of {compared} queries"
