"""``db.stats``: what the optimizer estimates by, of the state that the statement reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.values import Value
from memoradb.storage.view import Direction, Element, Statistics, ValueSummary

if TYPE_CHECKING:
    from ..exec.context import Context

Rows = Iterator[dict[str, Value]]

STATS_OUTPUTS: Final = [
    ("kind", "STRING"),
    ("label", "STRING?"),
    ("type", "STRING?"),
    ("target", "STRING?"),
    ("key", "STRING?"),
    ("count", "INTEGER"),
    ("distinct", "INTEGER?"),
    ("nullShare", "FLOAT?"),
    ("histogram", "LIST?"),
    ("heavyHitters", "LIST?"),
    ("degrees", "MAP?"),
    ("selfLoops", "BOOLEAN?"),
    ("parallelEdges", "BOOLEAN?"),
    ("exact", "BOOLEAN"),
]

STATS_DESCRIPTION: Final = (
    "The statistics that the optimizer estimates by. What a row is of is its `kind`. "
    "`nodes`: nodes, all or with a `label`. "
    "`label pair`: those with `label` and `target`. "
    "`relationships`: relationships, all or of a `type`, and whether one leads from a node to itself (`selfLoops`) or "
    "two have the same ends (`parallelEdges`). "
    "`pattern`: relationships of a `type` from nodes with `label` to nodes with `target`. "
    "`degrees`: the relationships of a `type` that nodes with a `label` have in one `direction`: `mean`, `largest`, "
    "how many nodes have none (`without`), and the degrees that one eighth of the nodes after the other do not exceed "
    "(`quantiles`). "
    "`node property` and `relationship property`: the values of a `key` over the nodes with `label`, or the "
    "relationships of a `type`: how many are `distinct`, the share without one (`nullShare`), the values that stand "
    "out, with their shares (`heavyHitters`), and the bounds of parts of equal size of all others (`histogram`). "
    "`exact` is false where a part of the elements was looked at."
)

_EMPTY: Final[dict[str, Value]] = {name: None for name, _ in STATS_OUTPUTS}


def _row(kind: str, count: int, exact: bool = True, **more: Any) -> dict[str, Value]:
    return {**_EMPTY, "kind": kind, "count": count, "exact": exact, **more}


def stats(context: Context) -> Rows:
    """``db.stats()``."""
    view, statistics = context.view, context.view.measured()
    labels, types = view.labels(), view.relationship_types()
    yield _row("nodes", statistics.nodes())
    for label in labels:
        yield _row("nodes", statistics.nodes_with_label(label), label=label)
    for number, label in enumerate(labels):
        context.check()
        for other in labels[number + 1 :]:
            if both := statistics.nodes_with_labels((label, other)):
                yield _row("label pair", both, label=label, target=other)
    yield _row("relationships", statistics.relationships())
    for type in types:
        context.check()
        yield _row(
            "relationships",
            statistics.relationships(type),
            type=type,
            selfLoops=statistics.has_loops(type),
            parallelEdges=statistics.has_parallels(type),
        )
    yield from _patterns(context, statistics, labels, types)
    yield from _degrees(context, statistics, labels, types)
    yield from _properties(context, statistics, labels, types)


def _patterns(context: Context, statistics: Statistics, labels: Sequence[str], types: Sequence[str]) -> Rows:
    for type in types:
        starts = [label for label in labels if statistics.relationships_between(label, type, None)]
        ends = [label for label in labels if statistics.relationships_between(None, type, label)]
        for source in starts:
            context.check()
            for target in ends:
                if count := statistics.relationships_between(source, type, target):
                    yield _row("pattern", count, label=source, type=type, target=target)


def _degrees(context: Context, statistics: Statistics, labels: Sequence[str], types: Sequence[str]) -> Rows:
    for label in labels:
        for type in types:
            context.check()
            for direction in (Direction.OUT, Direction.IN):
                found = statistics.degrees(label, type, direction)
                if found.relationships:
                    degrees: Value = {
                        "direction": direction.name,
                        "mean": found.mean,
                        "largest": found.largest,
                        "without": found.without,
                        "quantiles": list(found.quantiles),
                    }
                    yield _row("degrees", found.relationships, found.exact, label=label, type=type, degrees=degrees)


def _properties(context: Context, statistics: Statistics, labels: Sequence[str], types: Sequence[str]) -> Rows:
    for key in context.view.property_keys():
        for label in labels:
            context.check()
            found = statistics.values(label, key)
            if found.distinct:
                yield _values("node property", found, label=label, key=key)
        for type in types:
            context.check()
            found = statistics.values(type, key, Element.RELATIONSHIP)
            if found.distinct:
                yield _values("relationship property", found, type=type, key=key)


def _values(kind: str, found: ValueSummary, **of: Value) -> dict[str, Value]:
    return _row(
        kind,
        found.rows,
        found.exact,
        distinct=found.distinct,
        nullShare=found.null_share,
        histogram=[value for _, histogram in found.histograms for value in histogram.samples],
        heavyHitters=[{"value": value, "share": share} for value, share in found.heavy_hitters],
        **of,
    )
