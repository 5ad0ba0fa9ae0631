"""Which expressions can never raise an error, whatever a row holds.

The law for errors is a lazy pull in row order: a predicate of a MATCH is evaluated on whole matches, so it may not fail
on what never becomes one. What cannot fail may be evaluated anywhere.
"""

from __future__ import annotations

from typing import Final

from ..syntax.ast_expr import SubqueryKind
from . import expr as e
from . import nodes
from .properties import expressions_of
from .transform import children, is_logical

_COMPARISONS: Final = frozenset(("=", "<>", "<", "<=", ">", ">=", "STARTS WITH", "ENDS WITH", "CONTAINS"))
_OF_ELEMENTS: Final = frozenset(("id", "elementid", "type"))
SAFE_AGGREGATES: Final = frozenset(("count", "collect", "min", "max"))
"""Aggregates that take any value."""


def cannot_fail(predicate: e.Expr) -> bool:
    """Whether a predicate is true, false or null on every row."""
    match predicate:
        case e.Literal(value):
            return value is None or isinstance(value, bool)
        case e.Call(operator, arguments) if operator in _COMPARISONS:
            return all(map(is_safe, arguments))
        case e.Call("IN", (item, e.ListOf(items))):
            return is_safe(item) and all(map(is_safe, items))
        case e.Call("NOT" | "XOR", operands) | e.And(operands) | e.Or(operands):
            return all(map(cannot_fail, operands))
        case e.IsNull(operand):
            return is_safe(operand)
        case e.HasLabels(e.Variable()):
            return True
        case e.Subquery(SubqueryKind.EXISTS, plan) if is_logical(plan):
            return plan_is_safe(plan)  # pyright: ignore[reportArgumentType]
        case _:
            return False


def is_safe(value: e.Expr) -> bool:
    """Whether a value can be computed on every row. Variables with properties are taken for elements or maps."""
    match value:
        case e.Literal() | e.Parameter() | e.Variable() | e.PathOf():
            return True
        case e.Property(e.Variable()):
            return True
        case e.Call(function, (e.Variable(),)) if function in _OF_ELEMENTS:
            return True
        case e.ListOf(items) | e.Coalesce(items):
            return all(map(is_safe, items))
        case e.Subquery(_, plan) if is_logical(plan):
            return plan_is_safe(plan)  # pyright: ignore[reportArgumentType]
        case e.MapOf(entries):
            return all(is_safe(item) for _, item in entries)
        case _:
            return cannot_fail(value)


def plan_is_safe(plan: nodes.LogicalNode) -> bool:
    """Whether a plan only looks around, by expressions that cannot fail."""
    match plan:
        case nodes.Match():
            holds = all(map(cannot_fail, expressions_of(plan)))
        case nodes.Selection(_, predicate):
            holds = cannot_fail(predicate)
        case nodes.Limit(_, e.Literal()) | nodes.Skip(_, e.Literal()):
            holds = True
        case nodes.Aggregation(_, _, aggregates) if not all(a.function in SAFE_AGGREGATES for a in aggregates):
            return False
        case nodes.Argument() | nodes.Distinct() | nodes.Union() | nodes.Apply() | nodes.Unwind():
            holds = all(map(is_safe, expressions_of(plan)))
        case nodes.Projection() | nodes.Aggregation() | nodes.Sort():
            holds = all(map(is_safe, expressions_of(plan)))
        case _:
            return False
    return holds and all(map(plan_is_safe, children(plan)))
