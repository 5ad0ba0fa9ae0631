"""Which matches are read as sets of rows: however often a row comes, whoever reads it takes it once.

DISTINCT, grouping with aggregates that take each value once, EXISTS and semi-joins do not count the rows they read. Nor
does what only passes rows on to such a reader: a projection, a filter, a join with another match. LIMIT, SKIP, a plain
count or collect() do, and so does everything that writes, or that may give another value each time it is evaluated. A
match that is read as a set may leave out repeated rows: ``exec.reach``.
"""

from __future__ import annotations

from typing import Final

from ..plan import expr as e
from ..plan import nodes
from ..plan.nodes import ApplyKind, LogicalNode
from ..plan.properties import expressions_of, is_volatile, plan_is_volatile, writes
from ..plan.transform import children
from ..syntax.ast_expr import SubqueryKind

_ONCE: Final = frozenset(("min", "max"))
"""Aggregates to which repeated values make no difference."""


def matches_as_sets(root: LogicalNode) -> frozenset[int]:
    """The identities (``id``) of the Match nodes in ``root`` whose rows nobody counts."""
    sets: set[int] = set()
    bags: set[int] = set()

    def visit(node: LogicalNode, as_set: bool) -> None:
        if isinstance(node, nodes.Match):
            (sets if as_set else bags).add(id(node))
        expressions = expressions_of(node)
        for expr in expressions:
            inside(expr)
        for child, counts in zip(children(node), _counted(node, as_set, expressions), strict=True):
            visit(child, not counts)

    def inside(expr: e.Expr) -> None:
        if isinstance(expr, e.Subquery):
            visit(expr.plan, expr.kind is SubqueryKind.EXISTS)  # pyright: ignore[reportArgumentType]
        for child in e.children(expr):
            inside(child)

    visit(root, False)
    return frozenset(sets - bags)  # one that stands in two places is a set only where it is in both


def _counted(node: LogicalNode, as_set: bool, expressions: list[e.Expr]) -> list[bool]:
    """For each child whether its rows are counted, where this node's own are a set or not."""
    below = children(node)
    all_counted = [True] * len(below)
    if any(map(is_volatile, expressions)):
        return all_counted
    match node:
        case nodes.Distinct():
            return [False]
        case nodes.Aggregation(_, _, aggregates):
            return [not all(a.distinct or a.function in _ONCE for a in aggregates)]
        case nodes.Union(_, _, keeps_repeats):
            return [keeps_repeats and not as_set] * len(below)
        case nodes.Apply(outer, inner, kind):
            if kind is ApplyKind.UNIT or writes(inner) or writes(outer) or plan_is_volatile(inner):
                return all_counted
            return [not as_set, kind not in (ApplyKind.SEMI, ApplyKind.ANTI) and not as_set]
        case nodes.Match() | nodes.Selection() | nodes.Projection() | nodes.Unwind() | nodes.Sort():
            return [not as_set] * len(below)
        case _:
            return all_counted
