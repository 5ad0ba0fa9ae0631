"""Evaluate what is known before the query runs.

    Selection(n.x > 1 + 2)      =>      Selection(n.x > 3)
    range(1, 2 * 3)                     range(1, 6)

Holds for strict, pure operators on literals. Where evaluation fails (``1 / 0``, an overflow) the expression stays,
so that the error comes when a row reaches it and not before: ``MATCH (n) RETURN 1 / 0`` on an empty graph is no
error. Literals of lists and maps stay expressions; kernels make them constants of a batch anyway.
"""

from __future__ import annotations

from typing import Final

from memoradb.core.errors import MemQLError

from ..functions.registry import lookup
from ..plan.expr import Call, Expr, Literal, rewrite_up
from ..plan.nodes import LogicalNode
from .expressions import map_expressions
from .rule import RuleCatalog

FOLDED: Final = frozenset(("+", "-", "*", "/", "%", "^", "=", "<>", "<", "<=", ">", ">=", "NOT", "unary -", "unary +"))


def fold_constants(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    return map_expressions(node, lambda expr: rewrite_up(expr, _fold))


def _fold(expr: Expr) -> Expr:
    match expr:
        case Call(name, arguments) if name in FOLDED and all(isinstance(a, Literal) for a in arguments):
            definition = lookup(name)
            assert definition is not None, name
            try:
                return Literal(definition.evaluate(*(a.value for a in arguments if isinstance(a, Literal))))
            except MemQLError:
                return expr
        case _:
            return expr
