"""Which expressions aggregate, and what a projection collects of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..plan.nodes import Aggregate
from ..syntax import ast_expr as e
from ..syntax.walk import walk
from .scope import BoundVariable

AGGREGATES = frozenset(
    ("count", "sum", "avg", "min", "max", "collect", "percentilecont", "percentiledisc", "stdev", "stdevp")
)


@dataclass(slots=True)
class Aggregation:
    """What a projection's aggregating items need: their aggregates, and the grouping keys they may name."""

    keys: Sequence[tuple[e.Expression, BoundVariable]] = ()
    found: list[Aggregate] = field(default_factory=list)


def contains_aggregate(expr: e.Expression) -> bool:
    """Whether an expression has an aggregate function outside subqueries."""
    return any(isinstance(x, e.FunctionCall) and x.name.lower() in AGGREGATES for x in walk(expr, _OF_THEIR_OWN))


_OF_THEIR_OWN = (e.SubqueryExpression, e.PatternComprehension, e.PatternExpression)
