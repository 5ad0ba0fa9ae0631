"""WITH and RETURN to the logical algebra: items, implicit grouping, ORDER BY, SKIP, LIMIT and the names they see."""

from __future__ import annotations

from dataclasses import replace

from memoradb.core.errors import AmbiguousAggregation, SemanticError, UndefinedVariable

from ..bind.aggregation import Aggregation as Collected
from ..bind.aggregation import contains_aggregate
from ..bind.expressions import ExpressionBinder
from ..bind.scope import BoundVariable, Names, Scope
from ..bind.types import Type
from ..syntax import ast as a
from ..syntax import ast_expr as e
from . import expr as b
from . import nodes
from .nodes import LogicalNode
from .properties import output_columns


class ProjectionBuilder:
    """Builds the projections of one statement."""

    def __init__(self, expressions: ExpressionBinder, names: Names) -> None:
        self._expressions = expressions
        self._names = names

    def with_clause(self, clause: a.With, plan: LogicalNode, scope: Scope) -> tuple[LogicalNode, Scope]:
        plan, after, _ = self.project(clause.projection, plan, scope, clause.where)
        for item in clause.projection.items:
            if item.alias is None and not isinstance(item.expression, e.Variable):
                raise SemanticError(
                    "An expression in WITH needs a name.",
                    span=item.span,
                    hint=f"Write {item.text} AS name.",
                    detail="NoExpressionAlias",
                )
        return plan, after

    def return_clause(
        self, clause: a.Return, plan: LogicalNode, scope: Scope
    ) -> tuple[LogicalNode, Scope, tuple[tuple[str, str], ...]]:
        if clause.projection.star and not list(scope.names()) and not clause.projection.items:
            raise SemanticError(
                "RETURN * needs at least one variable in scope.", span=clause.span, detail="NoVariablesInScope"
            )
        return self.project(clause.projection, plan, scope, None)

    def _items(self, projection: a.Projection, scope: Scope) -> list[tuple[str, e.Expression]]:
        items: list[tuple[str, e.Expression]] = []
        if projection.star:
            items.extend((name, e.Variable(name)) for name in sorted(scope.names()))
        for item in projection.items:
            items.append((item.text if item.alias is None else item.alias.name, item.expression))
        seen: set[str] = set()
        for name, expression in items:
            if name in seen:
                raise SemanticError(
                    f"Two columns are called `{name}`.",
                    span=expression.span,
                    hint="Give one of them another name with AS.",
                    detail="ColumnNameConflict",
                )
            seen.add(name)
        return items

    def project(
        self, projection: a.Projection, plan: LogicalNode, scope: Scope, where: e.Expression | None
    ) -> tuple[LogicalNode, Scope, tuple[tuple[str, str], ...]]:
        items = self._items(projection, scope)
        aggregating = any(contains_aggregate(x) for _, x in items)
        after = Scope()
        if aggregating:
            plan, sort_scope, substitutes, collected = self._aggregate(items, projection, plan, scope, after)
        else:
            plan = self._plain(items, plan, scope, after)
            sort_scope = after if projection.distinct else _Shadow(after, scope)
            substitutes, collected = [], None
        if projection.distinct:
            plan = nodes.Distinct(plan_narrowed(plan, after.columns()), after.columns())
        if projection.distinct or aggregating:
            matched = [
                (x, v) for name, x in items if (v := after.get(name)) is not None and not isinstance(x, e.Literal)
            ]
            substitutes = matched + substitutes
        grouped = aggregating or projection.distinct
        if grouped:
            after.lose(
                scope.names(), "After DISTINCT or an aggregate only projected columns are left, and `{}` is none."
            )
        plan = self._sorted(projection, plan, sort_scope, _Shadow(after, scope), substitutes, collected, grouped)
        if where is not None:
            if grouped:
                where, visible = substitute(where, substitutes), _substituted(after, substitutes)
            else:
                visible = _Shadow(after, scope)
            plan = nodes.Selection(plan, self._expressions.predicate(where, visible))
        after.lose(scope.names(), "`{}` is not among what the WITH before keeps: add it there.")
        columns = tuple((name, v.column) for name, _ in items if (v := after.get(name)) is not None)
        kept = tuple(dict.fromkeys(c for _, c in columns))
        return plan_narrowed(plan, kept), after, columns

    def _plain(
        self, items: list[tuple[str, e.Expression]], plan: LogicalNode, scope: Scope, after: Scope
    ) -> LogicalNode:
        made: list[tuple[str, b.Expr]] = []
        for name, expression in items:
            bound, kind = self._expressions.bind(expression, scope)
            if isinstance(expression, e.Variable):
                known = scope.need(expression.name, expression.span)
                after.add(name, known)
                continue
            column = self._names.user(name)
            made.append((column, bound))
            after.add(name, BoundVariable(column, kind))
        return nodes.Projection(plan, tuple(made), True) if made else plan

    def _aggregate(
        self,
        items: list[tuple[str, e.Expression]],
        projection: a.Projection,
        plan: LogicalNode,
        scope: Scope,
        after: Scope,
    ) -> tuple[LogicalNode, Scope, list[tuple[e.Expression, BoundVariable]], Collected]:
        keys: list[tuple[str, b.Expr]] = []
        simple: list[tuple[e.Expression, BoundVariable]] = []
        for name, expression in items:
            if contains_aggregate(expression):
                continue
            bound, kind = self._expressions.bind(expression, scope)
            if isinstance(expression, e.Variable):
                known = scope.need(expression.name, expression.span)
                column, variable = known.column, known
            else:
                column = self._names.user(name)
                variable = BoundVariable(column, kind)
            if column not in [k for k, _ in keys]:
                keys.append((column, bound))
            after.add(name, variable)
            if isinstance(expression, (e.Variable, e.Property)):
                simple.append((expression, variable))
        collected = Collected(simple)
        made: list[tuple[str, b.Expr]] = []
        for name, expression in items:
            if not contains_aggregate(expression):
                continue
            bound, kind = self._expressions.bind(expression, scope, collected)
            if isinstance(bound, b.Variable):
                after.add(name, BoundVariable(bound.name, kind))
                continue
            column = self._names.user(name)
            made.append((column, bound))
            after.add(name, BoundVariable(column, kind))
        self._check_sorting([s.expression for s in projection.order_by], simple, collected, scope, after)
        plan = nodes.Aggregation(plan, tuple(keys), tuple(collected.found))
        if made:
            plan = nodes.Projection(plan, tuple(made), True)
        return plan, after, list(simple), collected

    def _check_sorting(
        self,
        sorting: list[e.Expression],
        simple: list[tuple[e.Expression, BoundVariable]],
        collected: Collected,
        scope: Scope,
        after: Scope,
    ) -> None:
        """ORDER BY may use the projection's own aggregates, and nothing else of what was before it."""
        for expression in sorting:
            if not contains_aggregate(expression):
                continue
            known = len(collected.found)
            visible = Collected([*simple, *((e.Variable(n), v) for n, v in after.items())], list(collected.found))
            try:
                self._expressions.bind(expression, _Shadow(after, scope), visible)
            except AmbiguousAggregation as error:
                if _lone_lookups(expression):
                    raise UndefinedVariable(
                        "ORDER BY names what the projection does not keep.", span=error.span, hint=error.hint
                    ) from None
                raise
            if len(visible.found) > known:
                raise UndefinedVariable(
                    "ORDER BY aggregates what the projection does not.",
                    span=expression.span,
                    hint="Project the aggregate with a name, and sort by that.",
                )

    def _sorted(
        self,
        projection: a.Projection,
        plan: LogicalNode,
        scope: Scope,
        both: Scope,
        substitutes: list[tuple[e.Expression, BoundVariable]],
        collected: Collected | None,
        grouped: bool,
    ) -> LogicalNode:
        if projection.order_by:
            keys = []
            for item in projection.order_by:
                bound = self._sort_key(item.expression, scope, both, substitutes, collected, grouped)
                keys.append(nodes.SortKey(bound, item.descending))
            plan = nodes.Sort(plan, tuple(keys))
        if projection.skip is not None:
            plan = nodes.Skip(plan, self._count(projection.skip, "SKIP"))
        if projection.limit is not None:
            plan = nodes.Limit(plan, self._count(projection.limit, "LIMIT"))
        return plan

    def _sort_key(
        self,
        expression: e.Expression,
        scope: Scope,
        both: Scope,
        substitutes: list[tuple[e.Expression, BoundVariable]],
        collected: Collected | None,
        grouped: bool,
    ) -> b.Expr:
        if contains_aggregate(expression):
            if collected is None:
                raise SemanticError(
                    "ORDER BY cannot aggregate where the projection does not.",
                    span=expression.span,
                    detail="InvalidAggregation",
                )
            for known, variable in substitutes:
                if _same(known, expression):
                    return b.Variable(variable.column)
            names = [(e.Variable(n), v) for n, v in scope.items()]
            visible = Collected([*collected.keys, *names], list(collected.found))
            bound, _ = self._expressions.bind(expression, both, visible)
            return bound
        if grouped:
            replaced = substitute(expression, substitutes)
            return self._expressions.bind(replaced, _substituted(scope, substitutes))[0]
        return self._expressions.bind(expression, scope)[0]

    def _count(self, expression: e.Expression, clause: str) -> b.Expr:
        """SKIP and LIMIT: constant, and where known, not negative."""
        try:
            bound, kind = self._expressions.bind(expression, Scope())
        except SemanticError as error:
            if error.detail == "UndefinedVariable":
                raise SemanticError(
                    f"{clause} cannot depend on a row.",
                    span=expression.span,
                    hint="It takes a number, a parameter, or an expression of these.",
                    detail="NonConstantExpression",
                ) from None
            raise
        if isinstance(bound, b.Literal):
            if type(bound.value) is not int:
                raise SemanticError(
                    f"{clause} takes a whole number.", span=expression.span, detail="InvalidArgumentType"
                )
            if bound.value < 0:
                raise SemanticError(
                    f"{clause} takes 0 or more.", span=expression.span, detail="NegativeIntegerArgument"
                )
        elif not kind & Type.INTEGER:
            raise SemanticError(f"{clause} takes a whole number.", span=expression.span, detail="InvalidArgumentType")
        return bound


class _Shadow(Scope):
    """What ORDER BY and WHERE see after a plain projection: new names first, then the old ones."""

    def __init__(self, new: Scope, old: Scope) -> None:
        super().__init__(old)
        for name, variable in new.items():
            self.add(name, variable)


def _substituted(scope: Scope, substitutes: list[tuple[e.Expression, BoundVariable]]) -> Scope:
    """``scope`` with the names that ``substitute`` puts in."""
    holder = Scope(scope)
    for i, (_, variable) in enumerate(substitutes):
        holder.add(f" substitute {i}", variable)
    return holder


def plan_narrowed(plan: LogicalNode, columns: tuple[str, ...]) -> LogicalNode:
    """``plan`` with only these columns; the same where it has no others."""
    if output_columns(plan) == frozenset(columns):
        return plan
    return nodes.Projection(plan, tuple((c, b.Variable(c)) for c in columns))


def _lone_lookups(expression: e.Expression) -> bool:
    """Whether what stands beside the aggregates are single property look-ups, of variables that are gone."""
    if isinstance(expression, e.Binary):
        sides = [expression.left, expression.right]
        return any(isinstance(s, (e.Property, e.Variable)) for s in sides) and not any(
            isinstance(s, e.Binary) for s in sides
        )
    return False


def _same(left: e.Expression, right: e.Expression) -> bool:
    """Whether two expressions are the same as written: 1, 1.0 and true are equal in Python alone."""
    return left == right and repr(left) == repr(right)


def substitute(expression: e.Expression, known: list[tuple[e.Expression, BoundVariable]]) -> e.Expression:
    """``expression`` with every part that equals a projected item replaced by a name for its column."""
    for i, (part, _) in enumerate(known):
        if _same(part, expression):
            return e.Variable(f" substitute {i}", span=expression.span)
    changes = {}
    for name in expression.__dataclass_fields__:
        value = getattr(expression, name)
        if isinstance(value, e.Syntax) and not isinstance(expression, (e.SubqueryExpression, e.PatternExpression)):
            replaced = substitute(value, known)  # pyright: ignore[reportArgumentType]
            if replaced is not value:
                changes[name] = replaced
        elif isinstance(value, tuple) and value and isinstance(value[0], e.Syntax):
            replaced_all = tuple(substitute(v, known) for v in value)
            if any(x is not y for x, y in zip(value, replaced_all, strict=True)):
                changes[name] = replaced_all
    return replace(expression, **changes) if changes else expression
