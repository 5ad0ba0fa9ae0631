"""Count the matches of an OPTIONAL MATCH without making them.

    Aggregation(p; n = count(q))            Aggregation(p; n = count(hit))
      OptionalApply(q)               =>       OptionalApply(hit)
        outer                                   outer
        Match((p)-->(q))                        Projection(+ true AS hit)
                                                  Match((p)-->(q))

Holds for a variable that the inner plan binds to an element in every row: it is null on a miss alone, and so is
``hit``. Not for count(DISTINCT q). Helps because nothing reads q any more, so its part of the pattern is folded into
weights.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import TRUE, Variable
from ..plan.nodes import Aggregate, Aggregation, Apply, ApplyKind, LogicalNode, Projection
from ..plan.properties import bound_elements
from .rule import RuleCatalog

HIT = " hit "
"""What the name of the column begins with: no user's does, and with the variable's name it is unique as that is."""


def count_optional_hits(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Aggregation(input, keys, aggregates):
            counted = {a.arguments[0].name for a in aggregates if _is_plain(a) and isinstance(a.arguments[0], Variable)}
            counted = {name for name in counted if not name.startswith(HIT)}
            marked: set[str] = set()
            below = _marked(input, counted, marked) if counted else input
            if not marked:
                return node

            def of_hits(item: Aggregate) -> Aggregate:
                match item.arguments:
                    case (Variable(name),) if _is_plain(item) and name in marked:
                        return replace(item, arguments=(Variable(HIT + name),))
                return item

            return Aggregation(below, keys, tuple(map(of_hits, aggregates)))
        case _:
            return node


def _is_plain(item: Aggregate) -> bool:
    return item.function == "count" and not item.distinct and len(item.arguments) == 1


def _marked(node: LogicalNode, counted: set[str], marked: set[str]) -> LogicalNode:
    """``node`` whose optional parts mark their matches with a column for one variable that is counted."""
    match node:
        case Apply(outer, inner, ApplyKind.OPTIONAL, variables):
            bound = bound_elements(inner)
            here = sorted(name for name in variables if name in counted and name in bound)
            below = _marked(outer, counted - set(here), marked)
            if not here:
                return node if below is outer else replace(node, outer=below)
            marked.update(here)
            columns = tuple((HIT + name, TRUE) for name in here)
            names = tuple(name for name, _ in columns)
            return replace(node, outer=below, inner=Projection(inner, columns, True), variables=variables + names)
        case _:
            return node
