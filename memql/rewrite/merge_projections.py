"""Make one projection of two, the upper of which only picks and renames.

    Projection(a AS x, n)                 Projection(p.a AS x, n)
      Projection(+ p.a AS a)       =>       input
        input

Holds when the upper items are variables and none of them shows one computed item of the lower projection twice: it
would be computed twice. What the upper one leaves out is not computed at all, as nothing reads it. Helps because each
projection costs a pass over the batch's columns, which point reads notice.
"""

from __future__ import annotations

from collections import Counter

from ..plan.expr import Variable
from ..plan.nodes import LogicalNode, Projection
from .rule import RuleCatalog


def merge_projections(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Projection(Projection(input, below, _), items, False) if all(isinstance(e, Variable) for _, e in items):
            made = dict(below)
            shown = Counter(e.name for _, e in items if isinstance(e, Variable))
            if any(count > 1 and not isinstance(made.get(n, Variable(n)), Variable) for n, count in shown.items()):
                return node
            merged = ((name, made.get(e.name, e)) for name, e in items if isinstance(e, Variable))
            return Projection(input, tuple(merged))
        case _:
            return node
