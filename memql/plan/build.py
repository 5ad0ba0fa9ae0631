"""A statement's syntax tree to its logical plan, clause by clause.

``plan_statement`` is the entry. The builder carries the plan so far and the scope; each clause puts a node on top and
changes the scope. What is wrong before any row is seen is raised on the way (``bind``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from memoradb.core.errors import SchemaError, SemanticError, UnsupportedFeature
from memoradb.storage.view import IndexKind

from ..bind.catalog import Catalog
from ..bind.expressions import ExpressionBinder
from ..bind.patterns import PatternBinder, with_arguments
from ..bind.remarks import remarks
from ..bind.scope import BoundVariable, Names, Scope
from ..bind.types import Type
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax.suggest import did_you_mean
from . import expr as b
from . import nodes
from .build_call import CallBuilder
from .build_projection import ProjectionBuilder
from .build_schema import build_schema
from .build_subquery import SubqueryBuilder
from .build_write import UPDATES, WriteBuilder
from .logical import LogicalPlan
from .nodes import ApplyKind, LogicalNode
from .properties import effects, output_columns

UNSUPPORTED: Final[dict[type[a.Clause], tuple[str, str]]] = {
    a.Let: ("LET", "WITH *, expression AS name does the same."),
    a.Filter: ("FILTER", "WITH * WHERE condition does the same."),
    a.OrderAndPage: ("ORDER BY, SKIP or LIMIT as a clause of its own", "WITH * ORDER BY ... does the same."),
    a.Finish: ("FINISH", "A query that ends with a clause that writes needs no last word."),
    a.LoadCsv: ("LOAD CSV", "Read the file where you are and pass its rows: UNWIND $rows AS row ..."),
}
"""Clauses that are parsed and not run yet, as they are written, and what to write instead."""


class StatementBuilder:
    """Builds one statement."""

    def __init__(self, text: str, catalog: Catalog, parameter_types: Mapping[str, Type]) -> None:
        self.text = text
        self.catalog = catalog
        self.names = Names()
        self.subqueries = SubqueryBuilder(self)
        self.expressions = ExpressionBinder(catalog, self.names, parameter_types, self.subqueries.expression)
        self.patterns = PatternBinder(self.expressions, self.names)
        self.expressions.patterns = self.patterns
        self.projections = ProjectionBuilder(self.expressions, self.names)
        self.calls = CallBuilder(self)
        self.writes = WriteBuilder(self)

    # --- queries

    def query(
        self, query: a.Query, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """(plan, result columns as (name, variable) or None without RETURN, scope at the end)."""
        if isinstance(query, a.SingleQuery):
            return self.single(query, scope.copy(), start)
        parts: list[a.SingleQuery] = []
        kinds: set[bool] = set()
        at: a.Query = query
        while isinstance(at, a.Union):
            parts.append(at.right)
            kinds.add(at.all)
            at = at.left
        parts.append(at)
        if len(kinds) > 1:
            raise SemanticError(
                "UNION and UNION ALL cannot be mixed.",
                span=parts[0].span,
                hint="Put one of the unions into CALL { ... }.",
                detail="InvalidClauseComposition",
                gqlstatus="42I40",
            )
        inputs: list[LogicalNode] = []
        columns: tuple[str, ...] | None = None
        variables: tuple[str, ...] = ()
        for part in reversed(parts):
            plan, shown, _ = self.single(part, scope.copy(), start)
            names = tuple(n for n, _ in shown or ())
            if columns is None:
                columns = names
                variables = tuple(self.names.fresh("u") for _ in names)
            elif names != columns:
                raise SemanticError(
                    "All parts of a UNION must return the same columns.",
                    span=part.span,
                    hint=f"The first returns {', '.join(columns) or 'none'}; this one {', '.join(names) or 'none'}.",
                    detail="DifferentColumnsInUnion",
                )
            items = tuple((u, b.Variable(v)) for u, (_, v) in zip(variables, shown or (), strict=True))
            inputs.append(nodes.Projection(plan, items))
        assert columns is not None
        end = Scope()
        for name, variable in zip(columns, variables, strict=True):
            end.add(name, BoundVariable(variable))
        shown_columns = tuple(zip(columns, variables, strict=True))
        return nodes.Union(tuple(inputs), variables, kinds == {True}), shown_columns, end

    def single(
        self, query: a.SingleQuery, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """One query without UNION."""
        self._check_order(query)
        plan, columns = start, None
        clauses = query.clauses
        if len(clauses) == 1 and isinstance(clauses[0], a.Call) and isinstance(start, nodes.Argument):
            return self.calls.standalone(clauses[0], scope, plan)
        for clause in clauses:
            match clause:
                case a.Match():
                    plan = self._match(clause, plan, scope)
                case a.Unwind():
                    plan = self._unwind(clause, plan, scope)
                case a.With():
                    plan, scope = self.projections.with_clause(clause, plan, scope)
                case a.Return():
                    plan, scope, columns = self.projections.return_clause(clause, plan, scope)
                case a.Call():
                    plan = self.calls.clause(clause, plan, scope)
                case a.CallSubquery():
                    plan = self.subqueries.clause(clause, plan, scope)
                case a.Create() | a.Merge() | a.Set() | a.Remove() | a.Delete() | a.Foreach():
                    plan = self.writes.clause(clause, plan, scope)
                case a.LoadCsv() | a.Let() | a.Filter() | a.OrderAndPage() | a.Finish():
                    name, hint = UNSUPPORTED[type(clause)]
                    raise UnsupportedFeature(f"{name} is not supported yet.", span=clause.span, hint=hint)
        return plan, columns, scope

    def _check_order(self, query: a.SingleQuery) -> None:
        clauses = query.clauses
        for clause in clauses[:-1]:
            if isinstance(clause, a.Return):
                raise SemanticError(
                    "RETURN must be the last clause.",
                    span=clause.span,
                    hint="To go on with its rows, write WITH.",
                    detail="InvalidClauseComposition",
                    gqlstatus="42I38",
                )
        last = clauses[-1]
        if not isinstance(last, (a.Return, a.Call, a.CallSubquery, *UPDATES, *UNSUPPORTED)):
            raise SemanticError(
                f"A query cannot end with {type(last).__name__.upper()}.",
                span=last.span,
                hint="End it with RETURN, or with a clause that writes.",
                detail="InvalidClauseComposition",
            )

    # --- reading

    def _match(self, clause: a.Match, plan: LogicalNode, scope: Scope) -> LogicalNode:
        if clause.mode is not None:
            raise UnsupportedFeature(f"MATCH {clause.mode.value} is not supported yet.", span=clause.span)
        before = scope.copy()
        builder = self.patterns.bind_all(clause.patterns, scope)
        source: LogicalNode = plan
        if clause.search is not None:
            source = self._search(clause.search, nodes.Argument() if clause.optional else plan, scope, before)
            column = scope.need(clause.search.variable.name, clause.search.span).column
            builder.arguments.add(column)
        where = None if clause.where is None else self.expressions.predicate(clause.where, scope)
        if not clause.optional:
            return self._matched(source, builder, where)
        needed = self._outer_reads(builder, where, before)
        inner_start: LogicalNode = nodes.Argument(needed)
        if clause.search is not None:
            inner_start = self._search(clause.search, inner_start, scope, before)
        inner = self._matched(inner_start, builder, where)
        made = tuple(
            dict.fromkeys(
                [v.column for n, v in scope.items() if before.get(n) != v]
                + [v.column for v in builder.declared.values()]
            )
        )
        for name, variable in builder.declared.items():
            scope.add(name, replace(variable, type=variable.type | Type.NULL))
        missing = frozenset(_reads(inner) - output_columns_of(inner))
        if missing:
            inner = with_arguments(inner, missing & frozenset(v.column for _, v in before.items()))
        return nodes.Apply(plan, inner, ApplyKind.OPTIONAL, made)

    def _outer_reads(self, builder: object, where: b.Expr | None, before: Scope) -> tuple[str, ...]:
        reads: set[str] = set(builder.arguments)  # pyright: ignore[reportAttributeAccessIssue]
        for predicate in builder.predicates:  # pyright: ignore[reportAttributeAccessIssue]
            reads |= b.free_variables(predicate)
        for relationship in builder.relationships:  # pyright: ignore[reportAttributeAccessIssue]
            if relationship.hop_predicate is not None:
                reads |= b.free_variables(relationship.hop_predicate)
        if where is not None:
            reads |= b.free_variables(where)
        outer = {v.column for _, v in before.items()}
        return tuple(sorted(reads & outer))

    def _matched(self, plan: LogicalNode, builder: object, where: b.Expr | None) -> LogicalNode:
        graph = builder.graph()  # pyright: ignore[reportAttributeAccessIssue]
        paths = builder.paths  # pyright: ignore[reportAttributeAccessIssue]
        terms = b.conjuncts(where)
        if paths:
            named = frozenset(name for name, _ in paths)
            inside = tuple(t for t in terms if not b.free_variables(t) & named)
            outside = tuple(t for t in terms if b.free_variables(t) & named)
        else:
            inside, outside = terms, ()
        plan = nodes.Match(plan, replace(graph, predicates=graph.predicates + inside))
        if paths:
            plan = nodes.Projection(plan, tuple(paths), True)
        return nodes.Selection(plan, b.conjunction(outside)) if outside else plan

    def _search(self, search: a.Search, plan: LogicalNode, scope: Scope, before: Scope) -> LogicalNode:
        variable = scope.need(search.variable.name, search.variable.span)
        if before.get(search.variable.name) is not None:
            raise SemanticError(
                f"`{search.variable.name}` is bound before: SEARCH looks for a variable of its own MATCH.",
                span=search.variable.span,
            )
        if search.where is not None:
            raise UnsupportedFeature(
                "WHERE inside SEARCH is not supported yet.", span=search.span, hint="Put it after the MATCH."
            )
        if isinstance(search.index, e.Parameter):
            raise UnsupportedFeature("An index name cannot be a parameter yet.", span=search.span)
        query, _ = self.expressions.bind(search.query, before)
        limit = None if search.limit is None else self.expressions.bind(search.limit, before)[0]
        score = None
        if search.score is not None:
            if scope.get(search.score.name) is not None:
                raise SemanticError(
                    f"`{search.score.name}` is bound already.", span=search.score.span, detail="VariableAlreadyBound"
                )
            score = self.names.user(search.score.name)
            scope.add(search.score.name, BoundVariable(score, Type.FLOAT))
        self._check_index(search, search.index)
        if search.kind is a.SearchKind.VECTOR:
            if limit is None:
                raise SemanticError(
                    "A vector search needs LIMIT.",
                    span=search.span,
                    hint="Every vector is near to some degree: say how many, FOR $vector LIMIT 10.",
                )
            return nodes.VectorSearch(plan, variable.column, search.index, query, limit, score)
        return nodes.TextSearch(plan, variable.column, search.index, query, limit, score)

    def _check_index(self, search: a.Search, name: str) -> None:
        wanted = IndexKind.VECTOR if search.kind is a.SearchKind.VECTOR else IndexKind.FULLTEXT
        there = [index.name for index in self.catalog.indexes() if index.kind is wanted]
        if name not in there:
            raise SchemaError(
                f"There is no {wanted.value.lower()} index `{name}`.",
                span=search.span,
                hint=did_you_mean(name, there) or "SHOW INDEXES lists what there is.",
                detail="IndexNotFound",
            )

    def _unwind(self, clause: a.Unwind, plan: LogicalNode, scope: Scope) -> LogicalNode:
        source, _ = self.expressions.bind(clause.source, scope)
        if scope.get(clause.variable.name) is not None:
            raise SemanticError(
                f"`{clause.variable.name}` is bound already.",
                span=clause.variable.span,
                detail="VariableAlreadyBound",
            )
        column = self.names.user(clause.variable.name)
        kind = Type.ANY
        if isinstance(clause.source, e.Variable):
            known = scope.get(clause.source.name)
            kind = Type.RELATIONSHIP if known is not None and known.of_relationships else Type.ANY
        scope.add(clause.variable.name, BoundVariable(column, kind))
        return nodes.Unwind(plan, source, column)


def output_columns_of(plan: LogicalNode) -> frozenset[str]:
    """Every column that any node of an inner plan has."""
    from .transform import children

    found = output_columns(plan)
    for child in children(plan):
        found |= output_columns_of(child)
    return found


def _reads(plan: LogicalNode) -> set[str]:
    from .properties import expressions_of
    from .transform import children

    found: set[str] = set()
    for expr in expressions_of(plan):
        found |= b.free_variables(expr)
    for child in children(plan):
        found |= _reads(child)
    return found


def plan_statement(
    statement: a.Statement, text: str, catalog: Catalog, parameter_types: Mapping[str, Type] | None = None
) -> LogicalPlan:
    """The logical plan of a statement.

    Raises:
        MemQLError: anything that is wrong before a row is seen, with its span.
    """
    builder = StatementBuilder(text, catalog, parameter_types or {})
    body = statement.body
    if not isinstance(body, (a.SingleQuery, a.Union)):
        root, columns, read_only = build_schema(body, builder)
        kind = "r" if read_only else "s"
        parameters = frozenset(builder.expressions.parameters)
        return LogicalPlan(root, columns, statement.mode, read_only, parameters, kind, verbose=statement.verbose)
    plan, shown, _ = builder.query(body, Scope(), nodes.Argument())
    columns = shown or ()
    root = nodes.ProduceResults(plan, columns)
    writes = bool(effects(root).writes) or _calls_writer(root, catalog)
    kind = ("rw" if columns else "w") if writes else "r"
    return LogicalPlan(
        root,
        tuple(name for name, _ in columns),
        statement.mode,
        not writes,
        frozenset(builder.expressions.parameters),
        kind,
        remarks(statement, catalog),
        statement.verbose,
    )


def _calls_writer(plan: LogicalNode, catalog: Catalog) -> bool:
    from .transform import children

    if isinstance(plan, nodes.ProcedureCall):
        procedure = catalog.procedure(plan.procedure)
        if procedure is not None and procedure.mode != "READ":
            return True
    return any(_calls_writer(child, catalog) for child in children(plan))
