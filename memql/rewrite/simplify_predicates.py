"""Drop terms that decide nothing.

    AND(p, true)     =>   p              OR(p, false)     =>   p
    AND(AND(a, b), c) =>  AND(a, b, c)   NOT(NOT(p))      =>   p
    Selection(true)  =>   its input

``AND(p, false)`` stays: ``p`` may be an error on some row, and which rows reach it is the law's to say. The last two
hold because AND, OR and NOT refuse what is not boolean or null, which the binder has checked for literals.
"""

from __future__ import annotations

from ..plan.expr import And, Call, Expr, Literal, Or, rewrite_up
from ..plan.nodes import LogicalNode, Selection
from .expressions import map_expressions
from .rule import RuleCatalog


def simplify_predicates(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    node = map_expressions(node, lambda expr: rewrite_up(expr, _simplify))
    match node:
        case Selection(input, Literal(True)):
            return input
        case _:
            return node


def _is(expr: Expr, value: bool) -> bool:
    return isinstance(expr, Literal) and expr.value is value


def _simplify(expr: Expr) -> Expr:
    match expr:
        case And(operands):
            flat = tuple(x for o in operands for x in (o.operands if isinstance(o, And) else (o,)))
            kept = tuple(o for o in flat if not _is(o, True))
            if len(kept) == len(operands):
                return expr
            # One operand alone would lose AND's check that it is boolean: keep the pair then.
            return And(kept) if len(kept) > 1 else Literal(True) if not kept else expr
        case Or(operands):
            flat = tuple(x for o in operands for x in (o.operands if isinstance(o, Or) else (o,)))
            kept = tuple(o for o in flat if not _is(o, False))
            if len(kept) == len(operands):
                return expr
            return Or(kept) if len(kept) > 1 else Literal(False) if not kept else expr
        case Call("NOT", (Call("NOT", (inner,)),)) if isinstance(inner, (And, Or)):
            return inner
        case _:
            return expr
