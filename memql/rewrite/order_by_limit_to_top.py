"""Sort only as many rows as are wanted.

    Limit(k)                Top(keys, k)          Limit(k)               Top(keys, k, skip s)
      Sort(keys)     =>                             Skip(s)        =>
                                                      Sort(keys)

Holds also through a projection between, which keeps rows and order:  Limit(Projection(Sort)) => Projection(Top). The
projection then runs on the rows that remain: fewer errors than before, as a lazy pull would have it.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.nodes import Limit, LogicalNode, Projection, Skip, Sort, Top
from .rule import RuleCatalog


def order_by_limit_to_top(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Limit(Sort(input, keys), count):
            return Top(input, keys, count)
        case Limit(Skip(Sort(input, keys), skip), count):
            return Top(input, keys, count, skip)
        case Limit(Projection() as projection, count) if _sorted_below(projection):
            return replace(projection, input=Limit(projection.input, count))
        case Limit(Skip(Projection() as projection, skip), count) if _sorted_below(projection):
            return replace(projection, input=Limit(Skip(projection.input, skip), count))
        case _:
            return node


def _sorted_below(projection: Projection) -> bool:
    return isinstance(projection.input, Sort)
