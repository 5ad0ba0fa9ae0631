"""What is wrong with a statement before a row is seen: scopes, kinds of variables, grouping, shapes of clauses.

Expressions and patterns are bound by the engine's own binder (``memql.bind``), whose bound trees are thrown away: only
its errors and static types count here. What each clause does to the scope is repeated from the specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from memoradb.core.errors import SemanticError, UnsupportedFeature
from memoradb.memql.bind.catalog import Catalog
from memoradb.memql.bind.expressions import Bound, ExpressionBinder
from memoradb.memql.bind.patterns import PatternBinder
from memoradb.memql.bind.scope import BoundVariable, Names, Scope
from memoradb.memql.bind.types import Type
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e

from .check_calls import CallChecks
from .check_projections import ProjectionChecks
from .check_updates import UpdateChecks
from .updates import UPDATES

_KINDS = {
    e.SubqueryKind.EXISTS: Type.BOOLEAN,
    e.SubqueryKind.COUNT: Type.INTEGER,
    e.SubqueryKind.COLLECT: Type.LIST,
}


class Checks:
    """Checks one statement. ``columns``: what each projection shows, by the ``id`` of its syntax node."""

    def __init__(self, catalog: Catalog) -> None:
        self.columns: dict[int, tuple[str, ...]] = {}
        self.catalog = catalog
        self.names = Names()
        self.expressions = ExpressionBinder(catalog, self.names, {}, self._subquery)
        self.patterns = PatternBinder(self.expressions, self.names)
        self.expressions.patterns = self.patterns
        self._projections = ProjectionChecks(self)
        self._calls = CallChecks(self)
        self._updates = UpdateChecks(self)

    @property
    def parameters(self) -> set[str]:
        """The parameters that the statement names."""
        return self.expressions.parameters

    def declare(self, scope: Scope, name: str, kind: Type = Type.ANY, of_relationships: bool = False) -> None:
        """Bring a variable into ``scope``."""
        scope.add(name, BoundVariable(self.names.user(name), kind, of_relationships))

    def declare_new(self, scope: Scope, variable: e.Variable, kind: Type = Type.ANY) -> None:
        """Likewise; VariableAlreadyBound where the name is in sight."""
        if scope.get(variable.name) is not None:
            raise SemanticError(
                f"`{variable.name}` is bound already.",
                span=variable.span,
                detail="VariableAlreadyBound",
                gqlstatus="42N59",
            )
        self.declare(scope, variable.name, kind)

    # --- queries

    def query(self, query: a.Query, scope: Scope, standalone: bool = True) -> tuple[str, ...] | None:
        """The columns of a query, None without RETURN."""
        if isinstance(query, a.SingleQuery):
            return self._single(query, scope.copy(), standalone)
        parts = list(_parts(query))
        if len({all for _, all in parts[1:]}) > 1:
            raise SemanticError(
                "UNION and UNION ALL cannot be mixed.", span=query.span, detail="InvalidClauseComposition"
            )
        first: tuple[str, ...] | None = None
        for part, _ in parts:
            columns = self._single(part, scope.copy(), standalone) or ()
            if first is None:
                first = columns
            elif columns != first:
                raise SemanticError(
                    "All parts of a UNION must return the same columns.",
                    span=part.span,
                    detail="DifferentColumnsInUnion",
                )
        return first

    def _single(self, query: a.SingleQuery, scope: Scope, standalone: bool) -> tuple[str, ...] | None:
        self._check_order(query)
        columns = None
        if len(query.clauses) == 1 and isinstance(query.clauses[0], a.Call):
            return self._calls.standalone(query.clauses[0], scope)
        for clause in query.clauses:
            match clause:
                case a.Match():
                    self._match(clause, scope)
                case a.Unwind():
                    self._unwind(clause, scope)
                case a.With():
                    scope = self._projections.passing(clause, scope)
                case a.Return():
                    columns, scope = self._projections.returning(clause, scope)
                case a.Call():
                    self._calls.in_query(clause, scope)
                case a.CallSubquery():
                    self._call_subquery(clause, scope)
                case a.Create() | a.Merge() | a.Set() | a.Remove() | a.Delete() | a.Foreach():
                    self._updates.clause(clause, scope)
                case _:
                    raise UnsupportedFeature(f"{type(clause).__name__} is not supported yet.", span=clause.span)
        return columns

    def _check_order(self, query: a.SingleQuery) -> None:
        for clause in query.clauses[:-1]:
            if isinstance(clause, a.Return):
                raise SemanticError(
                    "RETURN must be the last clause.", span=clause.span, detail="InvalidClauseComposition"
                )
        last = query.clauses[-1]
        if not isinstance(last, (a.Return, a.Call, a.CallSubquery, *UPDATES)):
            raise SemanticError(
                "A query ends with RETURN, or with a clause that writes.",
                span=last.span,
                detail="InvalidClauseComposition",
            )

    # --- reading

    def _match(self, clause: a.Match, scope: Scope) -> None:
        if clause.mode is not None or clause.search is not None:
            raise UnsupportedFeature("Match modes and SEARCH are not interpreted.", span=clause.span)
        declared = self.patterns.bind_all(clause.patterns, scope).declared
        if clause.where is not None:
            self.expressions.predicate(clause.where, scope)
        if clause.optional:
            for name, variable in declared.items():
                scope.add(name, replace(variable, type=variable.type | Type.NULL))

    def _unwind(self, clause: a.Unwind, scope: Scope) -> None:
        self.expressions.bind(clause.source, scope)
        known = scope.get(clause.source.name) if isinstance(clause.source, e.Variable) else None
        relationships = known is not None and known.of_relationships
        self.declare_new(scope, clause.variable, Type.RELATIONSHIP if relationships else Type.ANY)

    # --- subqueries

    def _subquery(self, expr: e.SubqueryExpression, scope: Scope) -> Bound:
        columns = None
        inner = scope.copy()
        if expr.query is None:
            self.patterns.bind_all(expr.patterns, inner)
            if expr.where is not None:
                self.expressions.predicate(expr.where, inner)
        else:
            for part, _ in _parts(expr.query):
                for clause in part.clauses:
                    if isinstance(clause, UPDATES):
                        raise SemanticError(
                            f"{expr.kind.value} {{ }} cannot write.",
                            span=clause.span,
                            detail="InvalidClauseComposition",
                        )
            columns = self._inner_query(expr.query, inner)
        if expr.kind is e.SubqueryKind.COLLECT and (columns is None or len(columns) != 1):
            raise SemanticError("COLLECT { } must return one column.", span=expr.span)
        return self.expressions.bind(e.Literal(None), scope)[0], _KINDS[expr.kind]

    def _inner_query(self, query: a.Query, scope: Scope) -> tuple[str, ...] | None:
        """A query inside EXISTS or COUNT may do without RETURN."""
        if isinstance(query, a.SingleQuery) and not isinstance(query.clauses[-1], (a.Return, a.Call, a.CallSubquery)):
            item = a.ProjectionItem(e.Literal(1), e.Variable("1"), "1")
            self.query(replace(query, clauses=(*query.clauses, a.Return(a.Projection((item,))))), scope)
            return ("1",)
        return self.query(query, scope)

    def _call_subquery(self, clause: a.CallSubquery, scope: Scope) -> None:
        if clause.in_transactions is not None:
            raise UnsupportedFeature("CALL { } IN TRANSACTIONS is not supported yet.", span=clause.span)
        if clause.imports is not None or clause.import_star:
            wanted = scope.names() if clause.import_star else [v.name for v in clause.imports or ()]
            inner = Scope()
            for name in list(wanted):
                inner.add(name, scope.need(name, clause.span))
            columns = self.query(clause.query, inner)
        else:
            columns = self._importing(clause.query, scope)
        for name in columns or ():
            if scope.get(name) is not None:
                raise SemanticError(
                    f"The subquery returns `{name}`, which is bound outside already.",
                    span=clause.span,
                    detail="VariableAlreadyBound",
                )
            self.declare(scope, name)

    def _importing(self, query: a.Query, scope: Scope) -> tuple[str, ...] | None:
        """The older form of CALL: what the first WITH of each part imports."""
        from .clauses import importing

        imported = Scope()
        parts = list(_parts(query))
        for part, _ in parts:
            if importing(part):
                assert isinstance(part.clauses[0], a.With)
                projection = part.clauses[0].projection
                names = scope.names() if projection.star else [i.text for i in projection.items]
                for name in list(names):
                    imported.add(name.strip("`"), scope.need(name.strip("`"), part.span))
        return self.query(query, imported)


def _parts(query: a.Query) -> Iterator[tuple[a.SingleQuery, bool]]:
    """The parts of a UNION in order, each with whether it was joined by UNION ALL."""
    if isinstance(query, a.Union):
        yield from _parts(query.left)
        yield query.right, query.all
    else:
        yield query, False
