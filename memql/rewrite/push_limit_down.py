"""Take LIMIT to where the rows are made.

    Limit(k)                   Projection(items)        Limit(k)               Limit(k)
      Projection(items)   =>     Limit(k)                 OptionalApply   =>     OptionalApply
        input                      input                    outer                  Limit(k)
                                                            inner                    outer
                                                                                   inner
    Limit(k)                   Limit(k)
      Union ALL           =>     Union ALL
        a                          Limit(k)
        b                            a
                                   Limit(k)
                                     b

Holds because a projection keeps rows and their order, an OPTIONAL MATCH gives each outer row at least once and in
order, and UNION ALL shows its parts one after the other. What is not made cannot fail, as in a lazy pull. Not over
updates, which run for all rows whatever is shown. k is a constant. Helps because a subquery in a projection, or an
optional part, is run for the rows that are shown.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Literal, Parameter
from ..plan.nodes import Apply, ApplyKind, Limit, LogicalNode, Projection, Sort, Union
from ..plan.properties import writes
from .rule import RuleCatalog


def push_limit_down(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Limit(below, (Literal() | Parameter()) as count) if not writes(below):
            return _pushed(node, below, count)
        case _:
            return node


def _pushed(node: Limit, below: LogicalNode, count: Expr) -> LogicalNode:
    match below:
        case Projection(input) if not isinstance(input, Sort):
            return replace(below, input=Limit(input, count))
        case Apply(outer, _, ApplyKind.OPTIONAL) if not _has_limit(outer):
            return replace(node, input=replace(below, outer=Limit(outer, count)))
        case Union(inputs, _, True) if not all(map(_has_limit, inputs)):
            return replace(node, input=replace(below, inputs=tuple(Limit(i, count) for i in inputs)))
        case _:
            return node


def _has_limit(node: LogicalNode) -> bool:
    """Whether a limit stands above a plan, or was pushed into it."""
    match node:
        case Limit():
            return True
        case Projection(input):
            return _has_limit(input)
        case Apply(outer, _, ApplyKind.OPTIONAL):
            return _has_limit(outer)
        case _:
            return False
