"""How many rows a pattern gives for one row of its argument: for EXISTS and COUNT, before they are planned."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import TYPE_CHECKING

from memoradb.storage.view import Direction, Statistics

from ..plan.pattern import PatternGraph
from .cardinality import degree, label_rows, pair_share, trail_rows

if TYPE_CHECKING:
    from .selectivity import Selectivity


def exists_share(
    graph: PatternGraph, outer: Mapping[str, tuple[str, ...]], statistics: Statistics, inner: Selectivity
) -> float:
    """The share of argument rows for which a pattern has a match; ``outer``: labels of what it starts from."""
    rows, branches = pattern_rows(graph, outer, statistics, inner)
    if branches == 1 and not graph.predicates:
        (relationship,) = graph.relationships
        start, far, direction = relationship.source, relationship.target, relationship.direction
        if start not in graph.arguments:
            start, far, direction = far, start, direction.reversed
        labels = {n.variable: n.labels for n in graph.nodes}
        label = min(outer.get(start, ()), key=statistics.nodes_with_label, default=None)
        type = relationship.types[0] if len(relationship.types) == 1 else None
        if far not in graph.arguments and relationship.length is None and len(relationship.types) <= 1:
            summary = statistics.degrees(label, type, direction)
            some = 1.0 - summary.without / summary.nodes if summary.nodes else 0.0
            if not labels.get(far) or not some:
                return some
            # Those that have some have more than the mean.
            return some * (1.0 - exp(-rows / some))
    return 1.0 - exp(-rows)


def pattern_rows(
    graph: PatternGraph, outer: Mapping[str, tuple[str, ...]], statistics: Statistics, inner: Selectivity
) -> tuple[float, int]:
    """(matches of one argument row, relationships): what follows from what is bound, in the order of the pattern."""
    labels = {n.variable: tuple(dict.fromkeys((*outer.get(n.variable, ()), *n.labels))) for n in graph.nodes}
    bound = set(graph.arguments)
    rows = 1.0
    left = list(graph.relationships)
    while left:
        ready = next((r for r in left if r.source in bound or r.target in bound), None)
        if ready is None:
            start = left[0].source
            rows *= label_rows(statistics, labels.get(start, ()))
            bound.add(start)
            continue
        left.remove(ready)
        forwards = ready.source in bound
        near, far = (ready.source, ready.target) if forwards else (ready.target, ready.source)
        direction = ready.direction if forwards else ready.direction.reversed
        rows *= _followed(ready.types, labels.get(near, ()), labels.get(far, ()), direction, far in bound, statistics)
        if ready.length is not None:
            ends = (labels.get(near, ()), ready.types, labels.get(far, ()), direction)
            rows *= max(1.0, trail_rows(statistics, *ends, ready.length.low, ready.length.high)[0])
        bound |= {near, far}
    for node in graph.nodes:
        if node.variable not in bound:
            rows *= label_rows(statistics, node.labels)
    return rows * inner.together(graph.predicates), len(graph.relationships)


def _followed(
    types: tuple[str, ...],
    near: tuple[str, ...],
    far: tuple[str, ...],
    direction: Direction,
    into: bool,
    statistics: Statistics,
) -> float:
    count = pair_share if into else degree
    return count(statistics, near, types, far, direction)
