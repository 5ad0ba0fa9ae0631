"""Count different nodes where a property that identifies them is counted.

    Aggregation(count(DISTINCT p.id))     =>     Aggregation(count(DISTINCT p))

Holds for a variable that a Match binds, and a property that is unique among the nodes of a label that it has and that
none of them lacks (facts about the graph): different nodes have different values, and none is null. Helps because nodes
are counted in a bitmap, and no property is read.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Property, Variable
from ..plan.nodes import Aggregate, Aggregation, LogicalNode
from ..plan.properties import bound_elements
from .identity import identifies
from .rule import RuleCatalog


def count_distinct_element(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Aggregation(input, _, aggregates) if any(a.function == "count" and a.distinct for a in aggregates):
            bound = bound_elements(input)

            def counted(item: Aggregate) -> Aggregate:
                match item.arguments:
                    case (Property(Variable(name)) as expr,) if item.function == "count" and item.distinct:
                        if identifies(expr, bound.get(name, ()), catalog):
                            return replace(item, arguments=(Variable(name),))
                return item

            changed = tuple(map(counted, aggregates))
            same = all(a is b for a, b in zip(changed, aggregates, strict=True))
            return node if same else replace(node, aggregates=changed)
        case _:
            return node
