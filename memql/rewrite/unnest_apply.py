"""Run a subquery that only matches, filters and projects as part of the query around it.

    Apply(q, n)                           Projection(+ q.name AS n)
      outer                                 Match((p)-->(q))
      Projection(q, q.name AS n)    =>        outer
        Match((p)-->(q))
          Argument(p)

Holds for CALL { } and for what ``optional_to_match`` leaves, where nothing of the inner plan is done for each row apart
(LIMIT, DISTINCT, sorting, grouping, UNION), nothing writes and nothing is volatile: such a plan gives the same rows
over all outer rows at once as row by row, in the same order (the trivial case of Neumann and Kemper 2015). Where there
is but the statement's one row outside, the inner plan may be any. Columns have names that are unique in their
statement, so what the inner plan did not show stays unseen. Helps because the pattern planner sees one pattern where it
saw two.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Variable
from ..plan.nodes import Apply, ApplyKind, Argument, LogicalNode, Match, Projection, Selection, Unwind
from ..plan.properties import plan_is_volatile
from .rule import RuleCatalog


def unnest_apply(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Apply(Argument(()), inner, ApplyKind.CROSS):
            return inner
        case Apply(outer, inner, ApplyKind.CROSS) if not plan_is_volatile(inner):
            return _over(inner, outer) or node
        case _:
            return node


def _over(inner: LogicalNode, outer: LogicalNode) -> LogicalNode | None:
    """``inner`` with ``outer`` where its argument was; None where it does more than pass rows on."""
    match inner:
        case Argument():
            return outer
        case Match(input) | Selection(input) | Unwind(input):
            over = _over(input, outer)
            return None if over is None else replace(inner, input=over)
        case Projection(input, items):
            over = _over(input, outer)
            if over is None:
                return None
            made = tuple((name, e) for name, e in items if e != Variable(name))
            return Projection(over, made, True) if made else over
        case _:
            return None
