"""Find the first rows before optional parts are matched for all of them.

    Top(k, by p.name)                  Top(k, by p.name)
      OptionalApply            =>        OptionalApply
        outer                              Top(k, by p.name)
        inner                                outer
                                           inner

Holds where the sort keys read the outer side alone, through projections that keep their columns too. An OPTIONAL MATCH
gives each outer row at least once and its rows next to each other in the order of the outer ones, so the first k rows
come of the first k outer ones; the sort is stable, so ties fall the same way. The inner plan must not fail, as it is
not run for the others; nothing writes or is volatile, and k is a constant. With SKIP s as many as k + s are kept. Helps
because subqueries are run for k rows.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Literal, Parameter, free_variables
from ..plan.failure import is_safe, plan_is_safe
from ..plan.nodes import Apply, ApplyKind, LogicalNode, Projection, SortKey, Top
from ..plan.properties import is_volatile, output_columns, plan_is_volatile, writes
from .rule import RuleCatalog
from .substitution import below as said_below


def push_top_down(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Top(input, keys, limit, skip):
            count = _sum(limit, skip)
            pushed = None if count is None else _pushed(input, keys, count)
            if pushed is None or writes(input) or plan_is_volatile(input):
                return node
            return replace(node, input=pushed)
        case _:
            return node


def _sum(limit: Expr, skip: Expr | None) -> Expr | None:
    match limit, skip:
        case ((Literal() | Parameter()), None):
            return limit
        case Literal(int(k)), Literal(int(s)):
            return Literal(k + s)
        case _:
            return None


def _pushed(node: LogicalNode, keys: tuple[SortKey, ...], count: Expr) -> LogicalNode | None:
    """``node`` with a Top on the outer side of the first optional part below; None where there is none to gain."""
    match node:
        case Projection(input, items, True):
            lowered = [said_below(k.expression, dict(items)) for k in keys]
            if any(x is None or is_volatile(x) for x in lowered):
                return None
            below = tuple(replace(k, expression=x) for k, x in zip(keys, lowered, strict=True) if x is not None)
            pushed = _pushed(input, below, count)
            return None if pushed is None else replace(node, input=pushed)
        case Apply(outer, inner, ApplyKind.OPTIONAL) if plan_is_safe(inner):
            reads = frozenset[str]().union(*(free_variables(k.expression) for k in keys))
            if not reads <= output_columns(outer) or not all(is_safe(k.expression) for k in keys):
                return None
            further = _pushed(outer, keys, count)
            if further is not None:
                return replace(node, outer=further)
            return None if isinstance(outer, Top) else replace(node, outer=Top(outer, keys, count))
        case _:
            return None
