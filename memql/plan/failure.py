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
from .transform import children

_COMPARISONS: Final = frozenset(("=", "<>", "<", "<=", ">", ">=", "STARTS WITH", "ENDS WITH", "CONTAINS"))
_OF_ELEMENTS: Final = frozenset(("id", "elementid", "type"))
_PLAIN: Final = (
    nodes.Argument,
    nodes.Match,
    nodes.Selection,
    nodes.Projection,
    nodes.Distinct,
    nodes.Limit,
)


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
        case e.Subquery(SubqueryKind.EXISTS, plan) if isinstance(plan, _PLAIN):
            return _plan_is_safe(plan)
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
        case e.MapOf(entries):
            return all(is_safe(item) for _, item in entries)
        case _:
            return cannot_fail(value)


def _plan_is_safe(plan: nodes.LogicalNode) -> bool:
    """Whether an inner plan only looks around, by expressions that cannot fail."""
    if not isinstance(plan, _PLAIN):
        return False
    holds = all(cannot_fail(x) or (not isinstance(plan, nodes.Selection) and is_safe(x)) for x in expressions_of(plan))
    return holds and all(map(_plan_is_safe, children(plan)))
