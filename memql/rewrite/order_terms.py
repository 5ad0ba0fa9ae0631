"""Test what is cheap before what is not.

    Selection(EXISTS { ... } AND p.name CONTAINS 'a' AND p.age > 3)
        =>     Selection(p.age > 3 AND p.name CONTAINS 'a' AND EXISTS { ... })

Holds for the terms of an AND that cannot fail: later ones are evaluated on the rows that the earlier ones keep, and
where none can fail all orders keep the same rows. A term that may fail stays in its place, and none passes it. Terms of
the same cost stay in their order. Helps because a subquery is run for the rows that all else keeps (predicate
migration, Hellerstein and Stonebraker 1993).
"""

from __future__ import annotations

from ..cost.evaluation import cheap_first
from ..plan.expr import And, Expr, rewrite_up
from ..plan.nodes import LogicalNode
from .expressions import map_expressions
from .rule import RuleCatalog


def order_terms(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    return map_expressions(node, lambda expr: rewrite_up(expr, _ordered))


def _ordered(expr: Expr) -> Expr:
    if not isinstance(expr, And):
        return expr
    ordered = cheap_first(expr.operands)
    return expr if all(a is b for a, b in zip(ordered, expr.operands, strict=True)) else And(tuple(ordered))
