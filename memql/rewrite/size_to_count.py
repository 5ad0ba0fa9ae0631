"""Count the rows of a subquery instead of collecting them.

    size([(p)-->(q) | q.x]), size(COLLECT { q RETURN x })     =>     COUNT { q }

Holds where the values that would be collected cannot fail, as they are not computed any more. A list has as many items
as the subquery has rows, nulls too. Helps because the rows need not be made, nor the list.
"""

from __future__ import annotations

from ..plan.expr import Call, Expr, Subquery, rewrite_up
from ..plan.failure import is_safe
from ..plan.nodes import LogicalNode, Projection
from ..plan.properties import is_volatile
from ..syntax.ast_expr import SubqueryKind
from .expressions import map_expressions
from .rule import RuleCatalog


def size_to_count(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    return map_expressions(node, lambda expr: rewrite_up(expr, _counted))


def _counted(expr: Expr) -> Expr:
    match expr:
        case Call("size", (Subquery(SubqueryKind.COLLECT, Projection(input, items, _), arguments),)):
            if all(is_safe(e) and not is_volatile(e) for _, e in items):
                return Subquery(SubqueryKind.COUNT, input, arguments)
    return expr
