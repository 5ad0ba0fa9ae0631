"""Ask whether there is a row instead of how many there are.

    COUNT { q } > 0, >= 1, <> 0     =>     EXISTS { q }
    COUNT { q } = 0, < 1, <= 0      =>     NOT EXISTS { q }

Holds because a count is a number of 0 or more, never null. The plan must not fail: EXISTS stops at the first row. Also
with the sides exchanged. Helps because it stops there.
"""

from __future__ import annotations

from dataclasses import replace

from ..cost.selectivity import MIRRORED
from ..plan.expr import Call, Expr, Literal, Subquery, rewrite_up
from ..plan.failure import plan_is_safe
from ..plan.nodes import LogicalNode
from ..plan.transform import is_logical
from ..syntax.ast_expr import SubqueryKind
from .expressions import map_expressions
from .rule import RuleCatalog

_SOME = frozenset(((">", 0), (">=", 1), ("<>", 0)))
_NONE = frozenset((("=", 0), ("<", 1), ("<=", 0)))


def count_to_exists(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    return map_expressions(node, lambda expr: rewrite_up(expr, _asked))


def _asked(expr: Expr) -> Expr:
    match expr:
        case Call(operator, (Subquery() as counted, Literal(int(bound)))):
            pass
        case Call(operator, (Literal(int(bound)), Subquery() as counted)):
            operator = MIRRORED.get(operator, operator)
        case _:
            return expr
    plan = counted.plan
    if counted.kind is not SubqueryKind.COUNT or isinstance(bound, bool) or not is_logical(plan):
        return expr
    if (operator, bound) not in _SOME | _NONE or not plan_is_safe(plan):  # pyright: ignore[reportArgumentType]
        return expr
    exists = replace(counted, kind=SubqueryKind.EXISTS)
    return exists if (operator, bound) in _SOME else Call("NOT", (exists,), expr.span)
