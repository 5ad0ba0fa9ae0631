"""Move a selection's terms to where they can filter first.

    Selection(p)                        Match(graph, predicates + p)
      Match(graph)               =>

    Selection(p)                        Projection(keep x)
      Projection(keep x)         =>       Selection(p)               where p reads nothing that the projection makes

Holds for any term of an AND. One inside the pattern graph is applied by the planner as soon as its variables are
bound, or becomes an index look-up. Terms with a subquery stay above the match when it would bring others down with it:
they move like any other, since they read their arguments only. Nothing passes an Aggregation, Distinct, Limit, Skip,
Unwind of a volatile source, an update or a procedure call. A projection's own expressions may fail on rows that the
selection would have dropped; running them on fewer rows raises fewer errors, which the lazy law allows only where they
cannot fail: so the second form asks that the items be variables, properties or literals.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Literal, PathOf, Property, Variable, conjunction, conjuncts, free_variables
from ..plan.nodes import LogicalNode, Match, Projection, Selection
from .rule import RuleCatalog


def push_filter_down(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Match() as match, predicate):
            graph = match.graph
            return replace(match, graph=replace(graph, predicates=graph.predicates + conjuncts(predicate)))
        case Selection(Selection(input, inner), outer):
            return Selection(input, conjunction(conjuncts(inner) + conjuncts(outer)))
        case Selection(Projection(input, items, True) as projection, predicate):
            if not all(_cannot_fail(expression) for _, expression in items):
                return node
            made = frozenset(name for name, _ in items)
            down = tuple(t for t in conjuncts(predicate) if not free_variables(t) & made)
            if not down:
                return node
            stay = tuple(t for t in conjuncts(predicate) if free_variables(t) & made)
            lowered = replace(projection, input=Selection(input, conjunction(down)))
            return Selection(lowered, conjunction(stay)) if stay else lowered
        case _:
            return node


def _cannot_fail(expr: Expr) -> bool:
    match expr:
        case Variable() | Literal() | PathOf():
            return True
        case Property(Variable(), _):
            return True
        case _:
            return False
