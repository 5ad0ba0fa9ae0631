"""Aggregates: declarations, and which accumulator an aggregate has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from memoradb.core.columns import lift
from memoradb.core.values import Value

from ..bind.types import Type
from .aggregate_extremes import Extreme
from .aggregate_gathered import Gathered, Percentile, deviation, discrete, interpolated
from .aggregate_numbers import Count, CountDistinct, Sum
from .aggregator import Aggregator
from .registry import declare_aggregate

_SUMMED = Type.NUMBER | Type.DURATION

declare_aggregate("count", (Type.ANY,), Type.INTEGER, "How many values are not null; count(*) counts rows.")
declare_aggregate("sum", (_SUMMED,), _SUMMED, "The sum; 0 for no values.")
declare_aggregate("avg", (_SUMMED,), Type.FLOAT | Type.DURATION, "The mean; null for no values.")
declare_aggregate("min", (Type.ANY,), Type.ANY, "The least value by the order of ORDER BY.")
declare_aggregate("max", (Type.ANY,), Type.ANY, "The greatest value by the order of ORDER BY.")
declare_aggregate("collect", (Type.ANY,), Type.LIST, "The values as a list, nulls left out.")
declare_aggregate("percentileCont", (Type.NUMBER, Type.NUMBER), Type.FLOAT, "A percentile, interpolated.")
declare_aggregate("percentileDisc", (Type.NUMBER, Type.NUMBER), Type.NUMBER, "A percentile, one of the values.")
declare_aggregate("stDev", (Type.NUMBER,), Type.FLOAT, "The standard deviation of a sample.")
declare_aggregate("stDevP", (Type.NUMBER,), Type.FLOAT, "The standard deviation of a population.")


def _added(values: list[Value], mean: bool) -> Value:
    total = Sum(mean)
    total.grow(1)
    total.update(None, [lift(values)], None, len(values))
    return total.result().item(0)


_FINISH: Final[dict[str, Callable[[list[Value], Value], Value]]] = {
    "collect": lambda values, _: values,
    "percentilecont": interpolated,
    "percentiledisc": discrete,
    "stdev": lambda values, _: deviation(values, False),
    "stdevp": lambda values, _: deviation(values, True),
    "sum": lambda values, _: _added(values, False),
    "avg": lambda values, _: _added(values, True),
}


def aggregator(function: str, distinct: bool) -> Aggregator:
    """A fresh aggregator for an aggregate function in lower case."""
    if function == "count":
        return CountDistinct() if distinct else Count()
    if function in ("min", "max"):
        return Extreme(function == "max")
    if function in ("sum", "avg") and not distinct:
        return Sum(function == "avg")
    if function in ("percentilecont", "percentiledisc") and not distinct:
        return Percentile(function == "percentilecont")
    return Gathered(_FINISH[function], distinct)
