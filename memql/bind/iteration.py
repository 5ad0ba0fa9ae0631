"""Forms that bring a variable for each element of a list: comprehensions, quantifiers, reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import SemanticError

from ..plan import expr as b
from ..syntax import ast_expr as e
from .aggregation import Aggregation, contains_aggregate
from .scope import BoundVariable, Scope
from .types import Type, literal_type, require

if TYPE_CHECKING:
    from .expressions import Bound, ExpressionBinder


class IterationBinder:
    """Binds the list forms of one statement."""

    def __init__(self, expressions: ExpressionBinder) -> None:
        self._expressions = expressions

    def _inner(self, scope: Scope, *names: str) -> tuple[Scope, list[str]]:
        inner = LocalScope(scope)
        columns = []
        for name in names:
            column = self._expressions.names.fresh(name)
            inner.add(name, BoundVariable(column))
            columns.append(column)
        return inner, columns

    def _element_scope(self, source: e.Expression, scope: Scope, name: str) -> tuple[Scope, str]:
        """A scope for the elements of ``source``; of a list of relationships they are relationships."""
        inner, (column,) = self._inner(scope, name)
        if isinstance(source, e.Variable):
            known = scope.get(source.name)
            if known is not None and known.of_relationships:
                inner.add(name, BoundVariable(column, Type.RELATIONSHIP))
        if isinstance(source, e.FunctionCall) and source.name.lower() in ("nodes", "relationships"):
            kind = Type.NODE if source.name.lower() == "nodes" else Type.RELATIONSHIP
            inner.add(name, BoundVariable(column, kind))
        if isinstance(source, e.ListLiteral) and source.items:
            kind = Type(0)
            for item in source.items:
                if isinstance(item, e.Literal):
                    kind |= literal_type(item.value)
                elif isinstance(item, e.ListLiteral):
                    kind |= Type.LIST
                elif isinstance(item, e.MapLiteral):
                    kind |= Type.MAP
                else:
                    kind = Type.ANY
                    break
            inner.add(name, BoundVariable(column, kind))
        return inner, column

    def comprehension(self, expr: e.ListComprehension, scope: Scope, aggregation: Aggregation | None) -> Bound:
        source, kind = self._expressions.bind(expr.source, scope, aggregation)
        require(kind, Type.LIST, "be the list of a comprehension", expr.source.span)
        for part in (expr.predicate, expr.projection):
            if part is not None and contains_aggregate(part):
                raise SemanticError(
                    "A list comprehension cannot hold an aggregate.", span=part.span, detail="InvalidAggregation"
                )
        inner, column = self._element_scope(expr.source, scope, expr.variable.name)
        test = None if expr.predicate is None else self._expressions.predicate(expr.predicate, inner)
        body = None if expr.projection is None else self._expressions.bind(expr.projection, inner, None, False)[0]
        return b.ListComprehension(column, source, test, body), Type.LIST | Type.NULL

    def quantifier(self, expr: e.Quantifier, scope: Scope, aggregation: Aggregation | None) -> Bound:
        source, kind = self._expressions.bind(expr.source, scope, aggregation)
        require(kind, Type.LIST, f"be the list of {expr.kind.value}()", expr.source.span)
        inner, column = self._element_scope(expr.source, scope, expr.variable.name)
        if expr.predicate is None:
            raise SemanticError(f"{expr.kind.value}() needs WHERE and a predicate.", span=expr.span)
        test, test_kind = self._expressions.bind(expr.predicate, inner, None, True)
        require(test_kind, Type.BOOLEAN, "be a predicate", expr.predicate.span)
        return b.Quantifier(expr.kind, column, source, test), Type.BOOLEAN | Type.NULL

    def reduce(self, expr: e.Reduce, scope: Scope, aggregation: Aggregation | None) -> Bound:
        initial, _ = self._expressions.bind(expr.initial, scope, aggregation)
        source, kind = self._expressions.bind(expr.source, scope, aggregation)
        require(kind, Type.LIST, "be the list of reduce()", expr.source.span)
        inner, (accumulator, element) = self._inner(scope, expr.accumulator.name, expr.variable.name)
        step, _ = self._expressions.bind(expr.step, inner)
        return b.Reduce(accumulator, initial, element, source, step), Type.ANY


class LocalScope(Scope):
    """Variables of a comprehension, quantifier or fold: always allowed inside an aggregating item."""


def is_local(scope: Scope, name: str) -> bool:
    """Whether ``name`` is a variable of a list form around, rather than of a clause."""
    at: Scope | None = scope
    while isinstance(at, LocalScope):
        if name in at._variables:
            return True
        at = at._outer
    return False
