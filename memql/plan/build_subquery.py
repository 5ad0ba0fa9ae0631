"""CALL { } and the subquery expressions EXISTS, COUNT and COLLECT to the logical algebra."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memoradb.core.errors import SemanticError, UnsupportedFeature

from ..bind.expressions import Bound
from ..bind.scope import BoundVariable, Scope
from ..bind.types import Type
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax.ast_expr import SubqueryKind
from . import expr as b
from . import nodes
from .arguments import with_arguments_read
from .build_write import UPDATES
from .nodes import ApplyKind, LogicalNode
from .properties import argument_variables, writes

if TYPE_CHECKING:
    from .build import StatementBuilder


class SubqueryBuilder:
    """Builds the subqueries for a ``StatementBuilder``."""

    def __init__(self, builder: StatementBuilder) -> None:
        self._builder = builder

    def clause(self, clause: a.CallSubquery, plan: LogicalNode, scope: Scope) -> LogicalNode:
        if clause.in_transactions is not None:
            raise UnsupportedFeature("CALL { } IN TRANSACTIONS is not supported yet.", span=clause.span)
        inner_scope = Scope()
        if clause.imports is not None or clause.import_star:
            wanted = scope.names() if clause.import_star else [v.name for v in clause.imports or ()]
            for name in list(wanted):
                inner_scope.add(name, scope.need(name, clause.span))
            query = clause.query
        else:
            query = self._importing_with(clause.query, scope, inner_scope)
        start = nodes.Argument(inner_scope.columns())
        inner, columns, _ = self._builder.query(query, inner_scope, start)
        if columns is None:
            return nodes.Apply(plan, inner, ApplyKind.UNIT)
        if clause.optional:
            # A miss makes the subquery's columns null: not those of the outer variables that it returns as they are.
            names = {c: self._builder.names.fresh(n) for n, c in columns if c in scope.columns()}
            if names:
                inner = nodes.Projection(inner, tuple((new, b.Variable(old)) for old, new in names.items()), True)
                columns = tuple((n, names.get(c, c)) for n, c in columns)
        for name, column in columns:
            if scope.get(name) is not None:
                raise SemanticError(
                    f"The subquery returns `{name}`, which is bound outside already.",
                    span=clause.span,
                    detail="VariableAlreadyBound",
                )
            scope.add(name, BoundVariable(column))
        kind = ApplyKind.OPTIONAL if clause.optional else ApplyKind.CROSS
        if not writes(inner) and not any(c in inner_scope.columns() for _, c in columns):
            inner = with_arguments_read(inner)
        return nodes.Apply(plan, inner, kind, tuple(dict.fromkeys(c for _, c in columns)))

    def _importing_with(self, query: a.Query, scope: Scope, inner: Scope) -> a.Query:
        """The older form: a first ``WITH a, b`` of plain variables imports them."""
        if isinstance(query, a.Union):
            left = self._importing_with(query.left, scope, inner)
            right = self._importing_with(query.right, scope, inner)
            assert isinstance(right, a.SingleQuery)
            return replace(query, left=left, right=right)
        first = query.clauses[0]
        if not isinstance(first, a.With) or first.where is not None or len(query.clauses) < 2:
            return query
        projection = first.projection
        if projection.star:
            for name in list(scope.names()):
                inner.add(name, scope.need(name, first.span))
            return replace(query, clauses=query.clauses[1:])
        names = [
            i.expression.name for i in projection.items if isinstance(i.expression, e.Variable) and i.alias is None
        ]
        if len(names) != len(projection.items) or not names:
            return query
        for item in projection.items:
            assert isinstance(item.expression, e.Variable)
            inner.add(item.expression.name, scope.need(item.expression.name, item.span))
        return replace(query, clauses=query.clauses[1:])

    def expression(self, expr: e.SubqueryExpression, scope: Scope) -> Bound:
        inner_scope = scope.copy()
        result: str | None = None
        if expr.query is None:
            builder = self._builder.patterns.bind_all(expr.patterns, inner_scope)
            test = None if expr.where is None else self._builder.expressions.predicate(expr.where, inner_scope)
            plan = self._builder.patterns.matched(builder, scope, test)
        else:
            self._check_reading(expr)
            outer = nodes.Argument(scope.columns())
            query = expr.query
            plan, columns, _ = self._inner_query(query, inner_scope, outer)
            plan = with_arguments_read(plan)
            if expr.kind is SubqueryKind.COLLECT:
                if columns is None or len(columns) != 1:
                    raise SemanticError("COLLECT { } must return one column.", span=expr.span)
                result = columns[0][1]
        if expr.kind is SubqueryKind.COLLECT and result is None:
            raise SemanticError("COLLECT { } must return one column.", span=expr.span)
        kinds = {SubqueryKind.EXISTS: Type.BOOLEAN, SubqueryKind.COUNT: Type.INTEGER, SubqueryKind.COLLECT: Type.LIST}
        return b.Subquery(expr.kind, plan, argument_variables(plan), result), kinds[expr.kind]

    def _inner_query(
        self, query: a.Query, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """A query inside EXISTS or COUNT may do without RETURN."""
        last = query
        while isinstance(last, a.Union):
            last = last.right
        if not isinstance(last.clauses[-1], (a.Return, a.Call, a.CallSubquery)) and isinstance(query, a.SingleQuery):
            everything = a.Return(a.Projection((a.ProjectionItem(e.Literal(1), e.Variable("1"), "1"),)))
            query = replace(query, clauses=(*query.clauses, everything))
        return self._builder.query(query, scope, start)

    def _check_reading(self, expr: e.SubqueryExpression) -> None:
        query = expr.query
        parts: list[a.SingleQuery] = []
        while isinstance(query, a.Union):
            parts.append(query.right)
            query = query.left
        if query is not None:
            parts.append(query)
        for part in parts:
            for clause in part.clauses:
                if isinstance(clause, UPDATES):
                    raise SemanticError(
                        f"{expr.kind.value} {{ }} cannot write.", span=clause.span, detail="InvalidClauseComposition"
                    )
