"""Statements from text to rows: the entry of the reference interpreter."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import MemQLError, ParameterMissing, UnsupportedFeature
from memoradb.core.rng import Random, SystemRandom
from memoradb.core.values import Value
from memoradb.memory.functions import register_functions
from memoradb.memql.bind.scope import Scope
from memoradb.memql.functions.registry import FunctionDefinition, FunctionRegistry
from memoradb.memql.parameters import normalise_parameters
from memoradb.memql.procedures.registry import Procedure, ProcedureRegistry
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax.parser import parse

from .checks import Checks
from .clauses import Clauses, updates_in
from .expressions import Expressions
from .graph import PlainGraph
from .matching import Matcher
from .run import Run, read


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows as handed out. ``keys``: the sort key of each row where the last clause sorts: equal keys, any order."""

    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    keys: list[Any] | None = None


class _Catalog:
    """What the binder may ask: there are functions, procedures and the graph's names, and no indexes."""

    def __init__(self, graph: PlainGraph, functions: FunctionRegistry, procedures: ProcedureRegistry) -> None:
        self._graph = graph
        self._functions = functions
        self._procedures = procedures

    def function(self, name: str) -> FunctionDefinition | None:
        return self._functions.lookup(name)

    def function_names(self) -> Sequence[str]:
        return [f.name for f in self._functions]

    def procedure(self, name: str) -> Procedure | None:
        return self._procedures.lookup(name)

    def procedure_names(self) -> Sequence[str]:
        return [p.name for p in self._procedures]

    def indexes(self) -> Sequence[Any]:
        return ()

    def labels(self) -> frozenset[str]:
        return frozenset(label for node in self._graph.nodes.values() for label in node.labels)

    def relationship_types(self) -> frozenset[str]:
        return frozenset(r.type for r in self._graph.relationships.values())

    def property_keys(self) -> frozenset[str]:
        records = (*self._graph.nodes.values(), *self._graph.relationships.values())
        return frozenset(key for record in records for key in record.properties)

    def nodes_with_label(self, label: str) -> int:
        return sum(label in node.labels for node in self._graph.nodes.values())


class Reference:
    """A graph and an interpreter over it, with the interface of a database that a test needs."""

    def __init__(
        self,
        graph: PlainGraph | None = None,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        steps_max: int | None = None,
    ) -> None:
        self.graph = graph or PlainGraph()
        self.functions = FunctionRegistry()
        self.procedures = ProcedureRegistry()
        register_functions(self.functions)
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._steps_max = steps_max

    def execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        statement: a.Statement | None = None,
        shuffle: random.Random | None = None,
        eager: bool = False,
    ) -> Answer:
        """Run one statement to its end; one that fails changes nothing.

        Args:
            query: its text.
            parameters: values for its ``$names``.
            statement: the text parsed before, so that it need not be again.
            shuffle: vary every order that the language leaves open.
            eager: compute also what nothing reads.

        Raises:
            MemoraDBError: as the engine would.
            Exhausted: there was more to try than ``steps_max`` allows.
        """
        try:
            return self._execute(statement or parse(query), parameters or {}, shuffle, eager)
        except MemQLError as error:
            raise error.located(query) from None

    def _execute(
        self, statement: a.Statement, parameters: Mapping[str, Any], shuffle: random.Random | None, eager: bool
    ) -> Answer:
        body = statement.body
        if not isinstance(body, (a.SingleQuery, a.Union)) or statement.mode is not a.StatementMode.EXECUTE:
            raise UnsupportedFeature("The reference interpreter runs queries only.", span=statement.span)
        given = normalise_parameters(parameters)
        checks = Checks(_Catalog(self.graph, self.functions, self.procedures))
        columns = checks.query(body, Scope()) or ()
        missing = checks.parameters - given.keys()
        if missing:
            raise ParameterMissing(f"Expected parameter: {min(missing)}.")
        before = self.graph.copy() if updates_in(body) else None
        try:
            run = self._run(given, checks, shuffle)
            run.eager = eager
            return self._rows(run, body, columns)
        except BaseException:
            if before is not None:
                self.graph = before
            raise

    def _run(self, parameters: Mapping[str, Value], checks: Checks, shuffle: random.Random | None) -> Run:
        run = Run(
            self.graph,
            parameters,
            self.functions,
            self.procedures,
            self._clock,
            self._clock.now_ns(),
            self._random,
            checks.columns,
            shuffle,
            self._steps_max,
        )
        run.expressions, run.matcher, run.clauses = Expressions(run), Matcher(run), Clauses(run)
        return run

    def _rows(self, run: Run, body: a.Query, columns: tuple[str, ...]) -> Answer:
        table = run.clauses.query(body, [{}])
        rows = list(table.rows)
        shown = [tuple(run.graph.value(read(row, name)) for name in columns) for row in rows]
        run.graph.end_statement()
        return Answer(columns, shown if columns else [], table.keys)
