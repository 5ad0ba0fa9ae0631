"""Drop a DISTINCT whose input has distinct rows already.

    Distinct(columns)                     Aggregation(keys, aggregates)
      Aggregation(keys, aggregates)  =>                                     where keys are among the columns

Holds because an aggregation yields one row for each combination of its keys, so rows that show all keys differ.
"""

from __future__ import annotations

from ..plan.nodes import Aggregation, Distinct, LogicalNode
from .rule import RuleCatalog


def remove_redundant_distinct(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Distinct(Distinct() as inner, columns) if inner.columns == columns:
            return inner
        case Distinct(Aggregation() as aggregation, columns):
            shown = {name for name, _ in aggregation.keys} | {a.variable for a in aggregation.aggregates}
            keys = {name for name, _ in aggregation.keys}
            return aggregation if keys <= set(columns) and set(columns) == shown else node
        case _:
            return node
