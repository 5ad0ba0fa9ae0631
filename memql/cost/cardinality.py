"""How many rows a step of a pattern yields, from exact counts."""

from __future__ import annotations

from collections.abc import Sequence

from memoradb.storage.view import Direction, Statistics


def label_rows(statistics: Statistics, labels: Sequence[str]) -> float:
    """Nodes that carry all of ``labels``: the rarest, the others taken as independent."""
    total = statistics.nodes()
    if not labels:
        return float(total)
    counts = sorted(statistics.nodes_with_label(label) for label in labels)
    rows = float(counts[0])
    for count in counts[1:]:
        rows *= count / total if total else 0.0
    return rows


def _between(
    statistics: Statistics, source: str | None, types: Sequence[str], target: str | None, direction: Direction
) -> float:
    wanted: Sequence[str | None] = types or (None,)
    count = 0.0
    for type in wanted:
        if direction in (Direction.OUT, Direction.BOTH):
            count += statistics.relationships_between(source, type, target)
        if direction in (Direction.IN, Direction.BOTH):
            count += statistics.relationships_between(target, type, source)
    return count


def degree(
    statistics: Statistics,
    source_labels: Sequence[str],
    types: Sequence[str],
    target_labels: Sequence[str],
    direction: Direction,
) -> float:
    """Mean number of matching relationships of one source node, over the best-known label of each end.

    The minimum over the labels of each end: a node that has two labels is in the rarer label's counts too.
    """
    best = None
    for source in source_labels or (None,):
        sources = statistics.nodes() if source is None else statistics.nodes_with_label(source)
        if sources == 0:
            return 0.0
        for target in target_labels or (None,):
            mean = _between(statistics, source, types, target, direction) / sources
            best = mean if best is None else min(best, mean)
    return best or 0.0
