"""Both sides of a comparison: the database and the reference interpreter, over the same generated graph."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.errors import MemoraDBError, TransactionError
from memoradb.core.rng import SeededRandom
from memoradb.core.values import Node, Relationship
from memoradb.memql.session import Options
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax.parser import parse

from ..strategies.queries import Query
from .outcomes import Known, Outcome
from .reference.graph import NodeRecord, PlainGraph, RelationshipRecord
from .reference.interpreter import Reference


def _numbers(up_to: int | None) -> list[dict[str, Any]]:
    return [{"number": i, "text": str(i) if i else None} for i in range(up_to or 0)]


PROCEDURES: Final[tuple[tuple[Any, ...], ...]] = (
    ("fuzz.numbers", [("upTo", "INTEGER?")], [("number", "INTEGER"), ("text", "STRING?")], _numbers),
    ("fuzz.nothing", [], [], lambda: None),
)
"""Procedures that both sides register: name, inputs, outputs, function."""

CHANGES: Final = (
    "MATCH (n) SET n.x = 7, n.s = 'later', n.m = true, n:C REMOVE n:A, n.y",
    "MATCH ()-[r]->() SET r.x = 7",
    "MATCH (n) WITH n ORDER BY n.id LIMIT 1 DETACH DELETE n",
    "CREATE (:A:Later {x: 1, s: 'new'})-[:R {x: 2}]->(:B)-[:LATER]->(:Later)",
    "CREATE INDEX fuzz_later FOR (n:A) ON (n.x)",
    "MATCH (n:B) WITH n LIMIT 2 CREATE (n)-[:R]->(n)",
)
"""What happens after the moment that the oracle of the past looks back at."""

NOW_NS: Final = 1_715_936_400_000_000_000
"""Every clock of a campaign stands still at 17 May 2024, 9:00 UTC."""

TIMEOUT_MS: Final = 10_000
STEPS_MAX: Final = 150_000
"""What the reference interpreter may try on one query: a fraction of a second."""


@dataclass(frozen=True)
class Prepared:
    """A query parsed once for all oracles; None where it does not parse."""

    query: Query
    statement: a.Statement | None

    @staticmethod
    def of(query: Query) -> Prepared:
        """Parse it."""
        try:
            return Prepared(query, parse(query.text))
        except MemoraDBError:
            return Prepared(query, None)


class Bench:
    """One graph in the engine and in the reference interpreter, with the same ids. ``fired``: rules seen to fire."""

    def __init__(self, graph: str, path: str | None = None) -> None:
        """``graph``: the statement that makes it; not run again where ``path`` holds it already."""
        self.graph = graph
        self.fired: set[str] = set()
        self._changed: tuple[Bench, int] | None = None
        self.database = memoradb.open(path, durability="relaxed", clock=ManualClock(NOW_NS), random=SeededRandom(0))
        if graph and not self.database.snapshot().node_count():
            self.database.execute(graph)
        for procedure in PROCEDURES:
            self.database.register_procedure(*procedure)
        nodes = self._rows("MATCH (n) RETURN n ORDER BY n")
        relationships = self._rows("MATCH ()-[r]->() RETURN r ORDER BY r")
        self.known = Known(frozenset(n.id for n in nodes), frozenset(r.id for r in relationships))
        self._plain = PlainGraph(
            {n.id: NodeRecord(dict.fromkeys(n.labels), n.properties) for n in nodes},
            {r.id: RelationshipRecord(r.type, r.start, r.end, r.properties) for r in relationships},
            next_node=1 + max(self.known.nodes, default=-1),
            next_relationship=1 + max(self.known.relationships, default=-1),
        )

    def close(self) -> None:
        """Close the database."""
        self.database.close()
        if self._changed is not None:
            self._changed[0].close()

    # --- the past

    def changed(self) -> tuple[Bench, int]:
        """Another bench with the same graph, on which more was written since, and the transaction to look back at."""
        if self._changed is None:
            other = Bench(self.graph)
            self._changed = other, other.write_on()
        return self._changed

    def write_on(self) -> int:
        """Change the graph, its schema too; the number of the last transaction before that, 0 where there is none."""
        storage = self.database.storage
        before = storage.history.commit_at(storage.position)
        for statement in CHANGES:
            self.database.execute(statement)
        return 0 if before is None else before.transaction

    def _rows(self, text: str) -> list[Any]:
        return [row[0] for row in self.database.execute(text).rows]

    # --- the engine

    def engine(self, query: Query, options: Options | None = None) -> Outcome:
        """What the database answers. What it writes is looked at and rolled back."""
        options = options or Options()
        options.timeout_ms = TIMEOUT_MS
        if not query.writes:
            return self._outcome(lambda: self.database.execute(query.text, query.parameters, options=options))
        storage = self.database.storage.begin(exclusive=True)
        try:
            run = self.database.query_engine.execute

            def written() -> Any:
                from memoradb.result import Result

                return Result(run(query.text, query.parameters, transaction=storage, options=options))

            outcome = self._outcome(written)
            if outcome.error is None:
                found = [run(text, {}, transaction=storage).values for text in _WHOLE]
                outcome.graph = self.known.graph(*(list(values[0]) for values in found))
            return outcome
        finally:
            storage.rollback()

    def _outcome(self, execute: Any) -> Outcome:
        try:
            result = execute()
        except TransactionError:
            raise
        except MemoraDBError as error:
            return Outcome(_error(error))
        shown = [tuple(row) for row in result.rows]
        return Outcome(None, tuple(result.columns), self._forms(shown), None, None, shown)

    def _forms(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [tuple(map(self.known.form, row)) for row in rows]

    def fired_rules(self, query: Query) -> tuple[str, ...]:
        """The rewrite rules that the query's plan went through, noted in ``fired``; none where it does not compile."""
        try:
            rules = self.database.query_engine.prepare(query.text, self.database.snapshot()).plan.rules
        except MemoraDBError:
            return ()
        self.fired.update(rules)
        return rules

    # --- the reference

    def reference(self, prepared: Prepared, shuffle: random.Random | None = None, eager: bool = False) -> Outcome:
        """What the reference interpreter answers; its graph stays as it was.

        Raises:
            Exhausted: there was too much to try.
        """
        query = prepared.query
        graph = self._plain.copy() if query.writes else self._plain
        reference = Reference(graph, clock=ManualClock(NOW_NS), random=SeededRandom(0), steps_max=STEPS_MAX)
        for procedure in PROCEDURES:
            reference.procedures.register(*procedure)
        try:
            answer = reference.execute(
                query.text, query.parameters, statement=prepared.statement, shuffle=shuffle, eager=eager
            )
        except MemoraDBError as error:
            return Outcome(_error(error))
        # New elements sort by ids, which depend on the order of rows: after a write only the bag of rows is sure.
        keys = None if query.writes else answer.keys
        outcome = Outcome(None, answer.columns, self._forms(answer.rows), keys, None, answer.rows)
        if query.writes:
            outcome.graph = self.known.graph(*whole(reference.graph))
        return outcome


_WHOLE = ("MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r")


def whole(graph: PlainGraph) -> tuple[list[Node], list[Relationship]]:
    """All elements of a plain graph as they are handed out."""
    from memoradb.core.values import NodeRef, RelationshipRef

    nodes = [graph.value(NodeRef(n)) for n in graph.nodes]
    return nodes, [graph.value(RelationshipRef(r)) for r in graph.relationships]


def _error(error: MemoraDBError) -> str:
    return f"{type(error).__name__} at {error.phase}"
