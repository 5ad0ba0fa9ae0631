"""What golden files of plans ask: ``graph`` makes one, ``explain`` and ``logical`` show a plan."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import memoradb
from memoradb.memql.plan.explain import logical_lines, physical_lines
from memoradb.memql.rewrite.switches import all_but
from memoradb.memql.session import Options

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import Case

BOUNDS = (1, 2, 3, None)


class PlanCases:
    """Answers the cases of one file, over the graph that its last ``graph`` case made.

    A case may say ``expect=rule`` or ``expect-not=rule``. Each text is also run: with and without the rule it names,
    with this rule alone and with none, at batch bounds 1, 2, 3 and the usual, with kernels on every batch and on none;
    its rows may not depend on any of it.
    """

    def __init__(self) -> None:
        self._setup = ""
        self._database: memoradb.Database | None = None
        self._parameters: dict[str, object] = {"id": 7, "name": "n7", "k": 3, "list": [1, 2], "vector": [1.0, 0.0]}

    def answer(self, case: Case) -> str:
        """The plan asked for."""
        if case.kind == "graph":
            self._setup = case.text
            self._database = self._fresh()
            return ""
        assert self._database is not None, "a file begins with its graph"
        engine = self._database.query_engine
        plan = engine.prepare(case.text, self._database.storage.snapshot()).plan
        if rule := case.options.get("expect"):
            assert rule in plan.rules, f"{rule} does not fire: {case.text}"
        if rule := case.options.get("expect-not"):
            assert rule not in plan.rules, f"{rule} fires: {case.text}"
        self._run(case)
        if case.kind == "logical":
            lines = [f"{'  ' * x.depth}{x.name}  {x.details}" for x in logical_lines(plan.rewritten)]
        elif "estimates" in case.options:
            lines = [
                f"{'  ' * x.depth}{x.name}  {x.details}  [{0.0 if x.rows_estimated is None else x.rows_estimated:,.0f}]"
                for x in physical_lines(plan.root)
            ]
        else:
            lines = [f"{'  ' * x.depth}{x.name}  {x.details}" for x in physical_lines(plan.root)]
        if plan.facts:
            lines.append("Facts: " + ", ".join(sorted(map(_fact, plan.facts))))
        return "\n".join(lines)

    def _fresh(self) -> memoradb.Database:
        database = memoradb.open(None)
        for statement in self._setup.split(";"):
            if statement.strip():
                database.execute(statement)
        return database

    def _run(self, case: Case) -> None:
        rules = [r for r in (case.options.get("expect"), case.options.get("expect-not")) if r is not None]
        ways = [Options(), Options(disabled_rules=rules), Options(kernels="always"), Options(kernels="never")]
        ways += [Options(disabled_rules=all_but(rules)), Options(disabled_rules=all_but(()))]
        ways += [Options(batch_rows=b) for b in BOUNDS]
        expected: object = None
        for number, options in enumerate(ways):
            database = self._fresh() if "writes" in case.options else self._database
            assert database is not None
            rows = Counter(map(repr, database.execute(case.text, self._parameters, options=options)))
            found = (rows, _state(database) if "writes" in case.options else None)
            if number == 0:
                expected = found
            assert found == expected, f"{options} changes the answer of {case.text}"


def _state(database: memoradb.Database) -> object:
    nodes = Counter(
        (repr(r[0]), repr(sorted(r[1].items()))) for r in database.execute("MATCH (n) RETURN labels(n), properties(n)")
    )
    between = "MATCH (a)-[r]->(b) RETURN type(r), properties(r), labels(a), labels(b)"
    return nodes, Counter(repr(r) for r in database.execute(between))


def _fact(fact: object) -> str:
    values = [str(getattr(fact, name)) for name in fact.__dataclass_fields__]  # pyright: ignore[reportAttributeAccessIssue]
    return f"{type(fact).__name__}({', '.join(values)})"
