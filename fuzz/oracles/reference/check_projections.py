"""Checks of WITH and RETURN: names, grouping, and what ORDER BY, SKIP, LIMIT and WHERE may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from memoradb.core.errors import AmbiguousAggregation, SemanticError, UndefinedVariable
from memoradb.memql.bind.aggregation import Aggregation, contains_aggregate
from memoradb.memql.bind.scope import BoundVariable, Scope
from memoradb.memql.bind.types import Type
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e

from .projection import item_names

if TYPE_CHECKING:
    from .checks import Checks

Known = list[tuple[e.Expression, BoundVariable]]
"""Projected items: what ORDER BY and WHERE may name after DISTINCT or grouping."""


class ProjectionChecks:
    """Checks the projections of one statement."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def passing(self, clause: a.With, scope: Scope) -> Scope:
        """WITH: the scope after it."""
        after = self._project(clause.projection, scope, clause.where)
        for item in clause.projection.items:
            if item.alias is None and not isinstance(item.expression, e.Variable):
                raise SemanticError("An expression in WITH needs a name.", span=item.span, detail="NoExpressionAlias")
        return after

    def returning(self, clause: a.Return, scope: Scope) -> tuple[tuple[str, ...], Scope]:
        """RETURN: its columns, and the scope after it."""
        if clause.projection.star and not clause.projection.items and not any(True for _ in scope.names()):
            raise SemanticError("RETURN * needs a variable in scope.", span=clause.span, detail="NoVariablesInScope")
        after = self._project(clause.projection, scope, None)
        return self._checks.columns[id(clause.projection)], after

    def _project(self, projection: a.Projection, scope: Scope, where: e.Expression | None) -> Scope:
        items = item_names(projection, scope.names())
        names = [n for n, _ in items]
        for i, (name, expression) in enumerate(items):
            if name in names[:i]:
                raise SemanticError(
                    f"Two columns are called `{name}`.", span=expression.span, detail="ColumnNameConflict"
                )
        self._checks.columns[id(projection)] = tuple(names)
        after = Scope()
        aggregating = any(contains_aggregate(x) for _, x in items)
        keys: Known = []
        collected = Aggregation(keys) if aggregating else None
        # Keys first: aggregating items may name them.
        for name, expression in sorted(items, key=lambda item: contains_aggregate(item[1])):
            inside = collected if contains_aggregate(expression) else None
            _, kind = self._checks.expressions.bind(expression, scope, inside)
            if isinstance(expression, e.Variable):
                variable = scope.need(expression.name, expression.span)
            else:
                variable = BoundVariable(self._checks.names.user(name), kind)
            after.add(name, variable)
            if inside is None and isinstance(expression, (e.Variable, e.Property)):
                keys.append((expression, variable))
        grouped = aggregating or projection.distinct
        both = _over(after, scope)
        projected: Known = [
            (x, v) for n, x in items if (v := after.get(n)) is not None and not isinstance(x, e.Literal)
        ]
        known = projected + keys
        for item in projection.order_by:
            self._sort_key(item.expression, after, both, known if grouped else None, collected)
        for count, clause in ((projection.skip, "SKIP"), (projection.limit, "LIMIT")):
            if count is not None:
                self._count(count, clause)
        if where is not None:
            if grouped:
                self._checks.expressions.predicate(_named(where, known), _with_names(after, known))
            else:
                self._checks.expressions.predicate(where, both)
        return after

    def _sort_key(
        self,
        expression: e.Expression,
        after: Scope,
        both: Scope,
        known: Known | None,
        collected: Aggregation | None,
    ) -> None:
        """ORDER BY: anything in sight, or after DISTINCT and grouping only what is projected."""
        if not contains_aggregate(expression):
            if known is None:
                self._checks.expressions.bind(expression, both)
            else:
                self._checks.expressions.bind(_named(expression, known), _with_names(after, known))
            return
        if collected is None:
            raise SemanticError(
                "ORDER BY cannot aggregate where the projection does not.",
                span=expression.span,
                detail="InvalidAggregation",
            )
        before = len(collected.found)
        names: Known = [(e.Variable(n), v) for n, v in after.items()]
        visible = Aggregation([*collected.keys, *names], list(collected.found))
        try:
            self._checks.expressions.bind(expression, both, visible)
        except AmbiguousAggregation as error:
            if _lone_lookups(expression):
                raise UndefinedVariable("ORDER BY names what the projection does not keep.", span=error.span) from None
            raise
        if len(visible.found) > before:
            raise UndefinedVariable("ORDER BY aggregates what the projection does not.", span=expression.span)

    def _count(self, expression: e.Expression, clause: str) -> None:
        """SKIP and LIMIT: constant, and where known, a whole number that is not negative."""
        try:
            _, kind = self._checks.expressions.bind(expression, Scope())
        except UndefinedVariable:
            raise SemanticError(
                f"{clause} cannot depend on a row.", span=expression.span, detail="NonConstantExpression"
            ) from None
        if isinstance(expression, e.Literal) and type(expression.value) is int and expression.value < 0:
            raise SemanticError(f"{clause} takes 0 or more.", span=expression.span, detail="NegativeIntegerArgument")
        if not kind & Type.INTEGER:
            raise SemanticError(f"{clause} takes a whole number.", span=expression.span, detail="InvalidArgumentType")


def _over(new: Scope, old: Scope) -> Scope:
    """Both scopes, new names first."""
    scope = Scope(old)
    for name, variable in new.items():
        scope.add(name, variable)
    return scope


def _placeholder(i: int) -> str:
    return f" projected {i}"


def _with_names(scope: Scope, known: Known) -> Scope:
    holder = Scope(scope)
    for i, (_, variable) in enumerate(known):
        holder.add(_placeholder(i), variable)
    return holder


def _named(expression: e.Expression, known: Known) -> e.Expression:
    """``expression`` with each part that is a projected item replaced by that item's name."""
    for i, (item, _) in enumerate(known):
        if item == expression:
            return e.Variable(_placeholder(i), span=expression.span)
    if isinstance(expression, (e.SubqueryExpression, e.PatternExpression)):
        return expression
    changes = {}
    for name in expression.__dataclass_fields__:
        value = getattr(expression, name)
        if isinstance(value, e.Syntax):
            changes[name] = _named(value, known)  # pyright: ignore[reportArgumentType]
        elif isinstance(value, tuple) and value and all(isinstance(v, e.Syntax) for v in value):
            changes[name] = tuple(_named(v, known) for v in value)
    return replace(expression, **changes)


def _lone_lookups(expression: e.Expression) -> bool:
    """Whether single look-ups stand beside the aggregates: names that are simply gone, rather than ambiguous."""
    if not isinstance(expression, e.Binary):
        return False
    sides: Iterable[e.Expression] = (expression.left, expression.right)
    return any(isinstance(s, (e.Property, e.Variable)) for s in sides) and not any(
        isinstance(s, e.Binary) for s in sides
    )
