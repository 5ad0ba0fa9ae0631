"""Count rows where a value that is never null is counted.

    Aggregation(count(f))                 Aggregation(count(*))
      Match((:A)-[f:T]->(b:B))     =>       Match((:A)-[f:T]->(b:B))
    Aggregation(count(b.k))

Holds for variables that a Match binds below, through whatever keeps them (not through OPTIONAL MATCH), and for a
property that every node with one of the variable's labels has: a fact about the graph, on which the plan then rests.
Not for count(DISTINCT x). Helps because nothing reads the variable any more: its part of the pattern may be folded.
"""

from __future__ import annotations

from dataclasses import replace

from memoradb.storage.view import NeverNull

from ..plan.expr import Expr, Property, Variable
from ..plan.nodes import Aggregate, Aggregation, LogicalNode
from ..plan.properties import bound_elements
from .rule import RuleCatalog


def count_never_null(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Aggregation(input, keys, aggregates) if any(a.function == "count" and a.arguments for a in aggregates):
            bound = bound_elements(input)

            def counted(item: Aggregate) -> Aggregate:
                plain = item.function == "count" and not item.distinct and len(item.arguments) == 1
                if plain and _never_null(item.arguments[0], bound, catalog):
                    return replace(item, arguments=())
                return item

            changed = tuple(map(counted, aggregates))
            same = all(a is b for a, b in zip(changed, aggregates, strict=True))
            return node if same else Aggregation(input, keys, changed)
        case _:
            return node


def _never_null(expr: Expr, bound: dict[str, tuple[str, ...]], catalog: RuleCatalog) -> bool:
    match expr:
        case Variable(name):
            return name in bound
        case Property(Variable(name), key):
            return any(catalog.fact(NeverNull(label, key)) for label in bound.get(name, ()))
        case _:
            return False
