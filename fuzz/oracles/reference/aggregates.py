"""Aggregates over the rows of one group, from their definitions."""

from __future__ import annotations

import math
from typing import Any

from memoradb.core.arithmetic import add
from memoradb.core.duration import Duration
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.values import Value


def aggregate(name: str, arguments: list[list[Value]], distinct: bool) -> Value:
    """The aggregate ``name`` (lower case); ``arguments`` holds its arguments on each row of the group."""
    values = [a[0] for a in arguments if a[0] is not None]
    if distinct:
        first: dict[Any, Value] = {}
        for value in values:
            first.setdefault(equivalence_key(value), value)
        values = list(first.values())
    match name:
        case "count":
            return len(values)
        case "collect":
            return values
        case "min":
            return min(values, key=order_key, default=None)
        case "max":
            return max(values, key=order_key, default=None)
        case "sum":
            return _sum(values)
        case "avg":
            return _mean(values)
        case "stdev" | "stdevp":
            return _deviation(_numbers(name, values), 0 if name == "stdevp" else 1)
        case _:
            share = arguments[-1][1] if arguments else None
            return _percentile(name, values, share)


def _numbers(name: str, values: list[Value]) -> list[float]:
    for value in values:
        if type(value) not in (int, float):
            raise TypeMismatch(f"{name}() takes numbers, not {type_name(value)}.")
    return values


def _summable(values: list[Value]) -> None:
    for value in values:
        if type(value) not in (int, float, Duration):
            raise TypeMismatch(f"Cannot sum {type_name(value)}.")


def _sum(values: list[Value]) -> Value:
    """0 for no values; the first value decides whether numbers or durations are added."""
    _summable(values)
    total: Value = Duration() if values and isinstance(values[0], Duration) else 0
    for value in values:
        total = add(total, value)
    return total


def _mean(values: list[Value]) -> Value:
    """A float (or a duration), so the total of integers may pass 64 bits on the way; null for no values."""
    _summable(values)
    if not values:
        return None
    if all(type(v) is int for v in values):
        return sum(values) / len(values)
    total = _sum(values)
    return total.divided(len(values)) if isinstance(total, Duration) else total / len(values)


def _deviation(values: list[float], lost: int) -> float:
    if len(values) <= lost:
        return 0.0
    if any(not math.isfinite(v) for v in values):
        return math.nan
    try:
        mean = math.fsum(values) / len(values)
        return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - lost))
    except OverflowError:
        return math.inf


def _percentile(name: str, values: list[Value], share: Value) -> Value:
    if not values:
        return None
    ordered = sorted(_numbers(name, values), key=order_key)
    if type(share) not in (int, float):
        raise TypeMismatch(f"{name}() takes a number between 0 and 1.")
    if not 0 <= share <= 1:
        raise ArgumentError(f"{name}() takes a number between 0 and 1.", detail="NumberOutOfRange")
    if name == "percentiledisc":
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))
