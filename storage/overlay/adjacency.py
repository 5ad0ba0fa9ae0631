"""Adjacency of a transaction's own relationships: look-up tables by node, made when first expanded over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memoradb.core.columns import IntArray

from ..view import Direction
from .changes import Chunks, RelationshipChunk

_Table = dict[int, list[tuple[int, int]]]
"""By node: (relationship, far end)."""


class OwnAdjacency:
    """New relationships by their ends."""

    def __init__(self, chunks: Chunks[RelationshipChunk]) -> None:
        self._chunks = chunks
        self._tables: dict[str, tuple[_Table, _Table]] = {}
        self._linked: list[RelationshipChunk] = []

    def _link(self) -> None:
        items = self._chunks.items
        if self._linked and (len(items) < len(self._linked) or items[len(self._linked) - 1] is not self._linked[-1]):
            self._tables, self._linked = {}, []  # some were taken back
        for chunk in items[len(self._linked) :]:
            outgoing, incoming = self._tables.setdefault(chunk.type, ({}, {}))
            pairs = zip(chunk.sources.tolist(), chunk.targets.tolist(), strict=True)
            for slot, (source, target) in enumerate(pairs, chunk.start):
                outgoing.setdefault(source, []).append((slot, target))
                incoming.setdefault(target, []).append((slot, source))
            self._linked.append(chunk)

    def follow(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction
    ) -> tuple[IntArray, IntArray, IntArray]:
        """(position in ``sources``, far end, relationship), in no order; a self-loop once for BOTH."""
        self._link()
        positions: list[int] = []
        nodes: list[int] = []
        relationships: list[int] = []
        for outgoing, incoming in (t for name, t in self._tables.items() if types is None or name in types):
            for i, source in enumerate(sources.tolist()):
                hits: list[tuple[int, int]] = []
                if direction is not Direction.IN:
                    hits += outgoing.get(source, ())
                if direction is not Direction.OUT:
                    both = direction is Direction.BOTH
                    hits += [hit for hit in incoming.get(source, ()) if not (both and hit[1] == source)]
                for slot, other in hits:
                    positions.append(i)
                    nodes.append(other)
                    relationships.append(slot)
        return np.array(positions, np.int64), np.array(nodes, np.int64), np.array(relationships, np.int64)
