"""Move a selection's terms to where they can filter first.

    Selection(p)                        Match(graph, predicates + p)
      Match(graph)               =>

    Selection(x > 3)                    Projection(n.a AS x, ...)
      Projection(n.a AS x, ...)  =>       Selection(n.a > 3)
        input                               input

Holds for any term of an AND. One inside the pattern graph is applied by the planner as soon as its variables are
bound, or becomes an index look-up. Terms with a subquery stay above the match when it would bring others down with it:
they move like any other, since they read their arguments only. Below a projection a term is evaluated on the same rows,
so it fails on the same; what it reads of the projection is replaced by its definition where that is a variable, a
property or a constant. The projection's other items are then computed on fewer rows, which is the lazy law: a value is
computed where something reads it. Not where an item is volatile. Aggregations, DISTINCT, UNWIND, UNION and subqueries
have rules of their own; nothing passes LIMIT, SKIP, an update or a procedure call.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import conjunction, conjuncts
from ..plan.nodes import LogicalNode, Match, Projection, Selection
from ..plan.properties import is_volatile
from .rule import RuleCatalog
from .substitution import below, parted


def push_filter_down(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Match() as match, predicate):
            graph = match.graph
            return replace(match, graph=replace(graph, predicates=graph.predicates + conjuncts(predicate)))
        case Selection(Selection(input, inner), outer):
            return Selection(input, conjunction(conjuncts(inner) + conjuncts(outer)))
        case Selection(Projection(input, items, _) as projection, predicate):
            if any(is_volatile(expression) for _, expression in items):
                return node
            made = dict(items)
            down, stay = parted(conjuncts(predicate), lambda term: below(term, made))
            if not down:
                return node
            moved = replace(projection, input=Selection(input, conjunction(down)))
            return Selection(moved, conjunction(stay)) if stay else moved
        case _:
            return node
