"""Drop a DISTINCT whose input has distinct rows already.

    Distinct(columns)                     Aggregation(keys, aggregates)
      Aggregation(keys, aggregates)  =>                                     where keys are among the columns

Holds because an aggregation yields one row for each combination of its keys, so rows that show all keys differ. Not
where an aggregate may fail: DISTINCT reads its value, and what nothing reads is not computed.
"""

from __future__ import annotations

from typing import Final

from ..plan.failure import is_safe
from ..plan.nodes import Aggregation, Distinct, LogicalNode
from .rule import RuleCatalog

_SAFE: Final = frozenset(("count", "collect", "min", "max"))
"""Aggregates that take any value."""


def remove_redundant_distinct(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Distinct(Distinct() as inner, columns) if inner.columns == columns:
            return inner
        case Distinct(Aggregation() as aggregation, columns):
            shown = {name for name, _ in aggregation.keys} | {a.variable for a in aggregation.aggregates}
            keys = {name for name, _ in aggregation.keys}
            safe = all(a.function in _SAFE and all(map(is_safe, a.arguments)) for a in aggregation.aggregates)
            return aggregation if safe and keys <= set(columns) and set(columns) == shown else node
        case _:
            return node
