"""Drop a DISTINCT whose input has distinct rows already.

    Distinct(columns)                     Aggregation(keys, aggregates)
      Aggregation(keys, aggregates)  =>                                     where keys are among the columns

    Distinct(p.id AS id, ...)             Projection(p.id AS id, ...)       min(DISTINCT x)  =>  min(x)
      Projection(p.id AS id, ...)    =>     Match((p:Person))
        Match((p:Person))

Holds because an aggregation yields one row for each combination of its keys, so rows that show all keys differ. Not
where an aggregate may fail: DISTINCT reads its value, and what nothing reads is not computed. A match of one node gives
each node once, so rows differ that show the node, or a property of it that is unique among the nodes of one of its
labels and that none of them lacks (a fact about the graph). The least of all values is the least of the distinct ones.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Property, Variable
from ..plan.failure import SAFE_AGGREGATES, is_safe
from ..plan.nodes import Aggregation, Argument, Distinct, LogicalNode, Match, Projection, Selection
from .identity import identifies
from .rule import RuleCatalog
from .substitution import below


def remove_redundant_distinct(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Distinct(Distinct() as inner, columns) if inner.columns == columns:
            return inner
        case Distinct(Aggregation() as aggregation, columns):
            shown = {name for name, _ in aggregation.keys} | {a.variable for a in aggregation.aggregates}
            keys = {name for name, _ in aggregation.keys}
            safe = all(a.function in SAFE_AGGREGATES and all(map(is_safe, a.arguments)) for a in aggregation.aggregates)
            return aggregation if safe and keys <= set(columns) and set(columns) == shown else node
        case Distinct(input, columns) if _differ(input, [Variable(c) for c in columns], catalog):
            return input
        case Aggregation(_, _, aggregates) if any(a.distinct and a.function in ("min", "max") for a in aggregates):
            plain = tuple(replace(a, distinct=False) if a.function in ("min", "max") else a for a in aggregates)
            return replace(node, aggregates=plain)
        case _:
            return node


def _differ(node: LogicalNode, shown: list[Expr], catalog: RuleCatalog) -> bool:
    """Whether no two rows of ``node`` have the same values of ``shown``."""
    match node:
        case Selection(input):
            return _differ(input, shown, catalog)
        case Projection(input, items, _):
            # DISTINCT reads every item, which must not fail any less for it.
            lowered = [below(expr, dict(items)) for expr in shown]
            safe = all(is_safe(e) for _, e in items)
            return safe and _differ(input, [x for x in lowered if x is not None], catalog)
        case Match(Argument(), graph) if len(graph.nodes) == 1 and not graph.relationships:
            found = graph.nodes[0]
            if found.variable in graph.arguments:
                return False
            return any(_is(expr, found.variable, found.labels, catalog) for expr in shown)
        case _:
            return False


def _is(expr: Expr, variable: str, labels: tuple[str, ...], catalog: RuleCatalog) -> bool:
    match expr:
        case Variable(name):
            return name == variable
        case Property(Variable(name)):
            return name == variable and identifies(expr, labels, catalog)
        case _:
            return False
