"""How many rows a step yields, from exact counts and summaries.

Whoever orders patterns asks: ``label_rows`` for the nodes with some labels, ``degree`` for the relationships of a mean
node, ``degree_of_reached`` for those of a node that a relationship led to (it met hubs more often), ``pair_share`` for
the relationships between two nodes that are both bound, ``trail_rows`` for variable lengths, ``distinct_rows`` for
what DISTINCT, a grouping or a set of ends keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log1p
from typing import Final

from memoradb.core.values import Value
from memoradb.storage.view import Direction, Follows, Statistics

from ..plan.expr import Call, Expr, ListOf, Literal, Parameter

LIST_GUESS: Final = 10.0
"""Elements of a list that is not known."""

UNBOUNDED_HOPS: Final = 6
"""Hops that an unbounded variable length is estimated at."""

LABELS_MAX: Final = 12
"""Labels up to which variable lengths are followed label by label."""

HOPS_MAX: Final = 12
"""Hops beyond which rows are not estimated any more."""


def label_rows(statistics: Statistics, labels: Sequence[str]) -> float:
    """Nodes that carry all of ``labels``."""
    return float(statistics.nodes_with_labels(labels))


def label_share(statistics: Statistics, labels: Sequence[str], among: Sequence[str] = ()) -> float:
    """Share of the nodes with the labels ``among`` that carry all of ``labels`` too."""
    total = statistics.nodes_with_labels(among)
    return statistics.nodes_with_labels(tuple(dict.fromkeys((*among, *labels)))) / total if total else 0.0


def relationship_rows(
    statistics: Statistics, source: str | None, types: Sequence[str], target: str | None, direction: Direction
) -> float:
    """Relationships of ``types`` (none named: of any) between two labels, as seen from the source."""
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
            mean = relationship_rows(statistics, source, types, target, direction) / sources
            best = mean if best is None else min(best, mean)
    return best or 0.0


def degree_of_reached(
    statistics: Statistics,
    labels: Sequence[str],
    reached_by: Follows,
    types: Sequence[str],
    target_labels: Sequence[str],
    direction: Direction,
) -> float:
    """The same of a node that was reached: by ``reached_by`` as seen from where that began.

    A node of many relationships is reached more often. Where the same types are followed on in the same direction from
    a node that was followed from already, ``reached_by`` is those, reversed.
    """
    kept = degree(statistics, labels, types, target_labels, direction)
    mean = degree(statistics, labels, types, (), direction) if target_labels else kept
    if not mean:
        return kept
    before = Follows(reached_by.types, reached_by.direction.reversed)
    after = statistics.degree_after(labels, before, Follows(tuple(types), direction))
    return kept * after / mean if after else kept


def pair_share(
    statistics: Statistics,
    source_labels: Sequence[str],
    types: Sequence[str],
    target_labels: Sequence[str],
    direction: Direction,
) -> float:
    """Relationships between one source node and one target node, both given: their mean over all pairs."""
    targets = label_rows(statistics, target_labels)
    return degree(statistics, source_labels, types, target_labels, direction) / targets if targets else 0.0


def trail_rows(
    statistics: Statistics,
    source_labels: Sequence[str],
    types: Sequence[str],
    target_labels: Sequence[str],
    direction: Direction,
    low: int,
    high: int | None,
) -> tuple[float, float]:
    """(trails from one source node, relationships walked for them): of ``low`` to ``high`` hops, None is unbounded.

    After the first hop a node has as many relationships as one that was reached by such a relationship.
    """
    hops = UNBOUNDED_HOPS if high is None else min(high, HOPS_MAX)
    labels = statistics.labels()
    if len(labels) <= LABELS_MAX:
        return _walk(statistics, labels, source_labels, types, target_labels, direction, low, hops)
    follows = Follows(tuple(types), direction)
    level = degree(statistics, source_labels, types, (), direction)
    onward = degree_of_reached(statistics, (), follows, types, (), direction)
    if direction is Direction.BOTH:
        onward = max(0.0, onward - 1.0)  # a trail does not turn back
    ends = trail_end_share(statistics, types, target_labels, direction)
    rows = label_share(statistics, target_labels, source_labels) if low == 0 else 0.0
    walked = 0.0
    for hop in range(1, hops + 1):
        walked += level
        rows += level * ends if hop >= low else 0.0
        level *= onward
    return rows, walked


def _walk(
    statistics: Statistics,
    labels: Sequence[str],
    source_labels: Sequence[str],
    types: Sequence[str],
    target_labels: Sequence[str],
    direction: Direction,
    low: int,
    hops: int,
) -> tuple[float, float]:
    """Trails by the labels of the nodes that they pass: what a node has depends on what it is.

    Labels that share nodes with a larger one are left out: what has both counts as the larger.
    """
    follows = Follows(tuple(types), direction)
    counts = {label: statistics.nodes_with_label(label) for label in labels}
    apart = _apart(statistics, counts)
    onward: dict[str, dict[str, float]] = {}
    hubs: dict[str, float] = {}

    def steps(label: str) -> dict[str, float]:
        known = onward.get(label)
        if known is None:
            known = {to: degree(statistics, (label,), types, (to,), direction) for to in apart}
            onward[label] = known = {to: mean for to, mean in known.items() if mean}
            mean = sum(known.values())
            after = degree_of_reached(statistics, (label,), follows, types, (), direction) if mean else 0.0
            turned = 1.0 if direction is Direction.BOTH else 0.0  # a trail does not turn back
            hubs[label] = max(0.0, after - turned) / mean if mean else 0.0
        return known

    begin = min(source_labels, key=statistics.nodes_with_label, default=None)
    if begin is None:
        total = max(1.0, sum(counts[label] for label in apart))
        at = {label: counts[label] / total for label in apart}
    else:
        at = {begin: 1.0}
    rows = label_share(statistics, target_labels, source_labels) if low == 0 else 0.0
    shares = {to: label_share(statistics, target_labels, (to,)) if target_labels else 1.0 for to in apart}
    walked = 0.0
    for hop in range(1, hops + 1):
        reached: dict[str, float] = {}
        for label, count in at.items():
            for to, mean in steps(label).items():
                reached[to] = reached.get(to, 0.0) + count * mean * (hubs[label] if hop > 1 else 1.0)
        walked += sum(reached.values())
        if hop >= low:
            rows += sum(count * shares[to] for to, count in reached.items())
        at = reached
    return rows, walked


def _apart(statistics: Statistics, counts: Mapping[str, int]) -> list[str]:
    """Labels of which no two have a node in common, the largest first."""
    found: list[str] = []
    for label in sorted(counts, key=lambda name: (-counts[name], name)):
        if counts[label] and not any(statistics.nodes_with_labels((label, other)) for other in found):
            found.append(label)
    return found


def trail_end_share(
    statistics: Statistics, types: Sequence[str], target_labels: Sequence[str], direction: Direction
) -> float:
    """Share of the relationships of ``types`` that end, as followed, at a node with the labels."""
    if not target_labels:
        return 1.0
    total = relationship_rows(statistics, None, types, None, direction)
    if not total:
        return 0.0
    return min(relationship_rows(statistics, None, types, label, direction) for label in target_labels) / total


def distinct_rows(rows: float, values: float) -> float:
    """How many of ``values`` equally likely values ``rows`` rows have among them (Cardenas 1975)."""
    if values <= 1.0:
        return min(rows, max(values, 1.0)) if rows > 0 else 0.0
    if rows <= 0.0:
        return 0.0
    return min(rows, values * (1.0 - exp(rows * log1p(-1.0 / values))))


def group_rows(rows: float, values: Iterable[float | None], unknown_share: float) -> float:
    """Groups of ``rows`` rows by keys of so many distinct values each; None: nothing is known of a key."""
    product, unknown = 1.0, False
    for count in values:
        if count is None:
            unknown = True
        else:
            product *= max(1.0, count)
    known = distinct_rows(rows, product)
    return max(known, min(rows, known + rows * unknown_share)) if unknown else known


def list_rows(source: Expr, parameters: Mapping[str, Value]) -> float:
    """Elements of a list that UNWIND takes apart."""

    def known(expr: Expr) -> Value:
        return parameters.get(expr.name) if isinstance(expr, Parameter) else getattr(expr, "value", None)

    match source:
        case Parameter(name) if name in parameters:
            found = parameters[name]
            return float(len(found)) if isinstance(found, list) else 1.0
        case Literal(value):
            return float(len(value)) if isinstance(value, list) else 0.0 if value is None else 1.0
        case ListOf(items):
            return float(len(items))
        case Call("range", (first, last, *step)):
            bounds = [known(x) for x in (first, last, *step)]
            if all(isinstance(x, int) for x in bounds) and (len(bounds) < 3 or bounds[2]):
                return float(max(0, (bounds[1] - bounds[0]) // (bounds[2] if step else 1) + 1))
            return LIST_GUESS
        case _:
            return LIST_GUESS
