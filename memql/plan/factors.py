"""A pattern as a tree of factors, for aggregates that are computed by message passing (``exec.factorised``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.storage.view import Direction

from .expr import Expr


@dataclass(frozen=True, slots=True)
class Measure:
    """What is carried of a variable's property to the root: its ``sum``, ``count``, ``min`` or ``max``."""

    variable: str
    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class FactorNode:
    """A node with the branches that hang from it. ``rows``: how many nodes are expected to satisfy its own terms.

    ``pairs``: positions in ``edges`` of two whose relationships must differ, though they lead the same way.
    """

    variable: str
    labels: tuple[str, ...] = ()
    predicate: Expr | None = None
    edges: tuple[FactorEdge, ...] = ()
    measures: tuple[Measure, ...] = ()
    rows: float = 1.0
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def carries(self) -> bool:
        """Whether a measure is of this node or of one below it."""
        return bool(self.measures) or any(edge.node.carries for edge in self.edges)

    def nodes(self) -> Iterator[FactorNode]:
        """This node and all below it."""
        yield self
        for edge in self.edges:
            yield from edge.node.nodes()


@dataclass(frozen=True, slots=True)
class FactorEdge:
    """A relationship; ``direction`` as seen from the node that it hangs from, ``high`` hops at most.

    ``labels``: those of ``node`` that the relationship does not imply. ``back``: the position among the branches of
    ``node`` of one that must not be this very relationship, followed back. No relationship is in two such pairs.
    """

    types: tuple[str, ...]
    direction: Direction
    low: int
    high: int
    labels: tuple[str, ...]
    node: FactorNode
    back: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether every relationship counts once: then a node's number is its degree."""
        node = self.node
        return self.high == 1 and not self.labels and node.predicate is None and not node.edges and not node.measures


@dataclass(frozen=True, slots=True)
class Guard:
    """What must be true of a view for the factors to be independent; looked at when the plan runs.

    ``loop_free``: relationship types, each group without self-loops (an empty one: all types). ``apart``: pairs of
    label sets that no node has both of.
    """

    loop_free: frozenset[tuple[str, ...]] = frozenset()
    apart: frozenset[tuple[tuple[str, ...], tuple[str, ...]]] = frozenset()


@dataclass(frozen=True, slots=True)
class First:
    """No more is asked of the groups than the first ``limit`` after ``skip``, by the aggregate ``variable`` first."""

    variable: str
    descending: bool
    limit: Expr
    skip: Expr | None = None


def common_types(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The types that a relationship of both may have; none is any."""
    return tuple(sorted(set(a) & set(b))) if a and b else a or b
