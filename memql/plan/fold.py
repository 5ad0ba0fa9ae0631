"""Folded parts of a pattern: trees whose variables nothing reads, of which only the number of matches matters."""

from __future__ import annotations

from dataclasses import dataclass

from memoradb.storage.view import Direction

from .expr import Expr


@dataclass(frozen=True, slots=True)
class FoldNode:
    """A dead node at the end of a folded relationship, with the branches that hang from it."""

    labels: tuple[str, ...] = ()
    predicate: Expr | None = None
    variable: str = ""
    branches: Branches | None = None


@dataclass(frozen=True, slots=True)
class FoldEdge:
    """A dead relationship; ``direction`` as seen from the node that it hangs from."""

    relationship: str
    types: tuple[str, ...]
    direction: Direction
    node: FoldNode


@dataclass(frozen=True, slots=True)
class Branches:
    """What hangs from one node. ``pairs``: positions in ``edges`` of two that must not be one relationship.

    No edge is in two pairs.
    """

    edges: tuple[FoldEdge, ...]
    pairs: tuple[tuple[int, int], ...] = ()
