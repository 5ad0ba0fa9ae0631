"""Adjacency of one relationship type: a base in compressed rows, a delta of chains, neighbour sets on demand.

The base is immutable and in relationship-slot order for each node. A relationship is visible to a snapshot when its
slot is below the snapshot's and it is not deleted by then. ``fold`` makes a new base of both; readers hold the state
they began with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import IntArray

from ..section import Section
from .bitmaps import bitmap_of
from .csr import EMPTY_CSR, Csr, build_csr
from .delta import Delta


@dataclass(frozen=True, slots=True)
class NeighbourSet:
    """One node's neighbours in the base, and the relationships that lead to them."""

    nodes: BitMap
    relationships: BitMap


@dataclass(slots=True)
class AdjacencyState:
    """Base and delta that belong together; replaced as a whole by ``fold``."""

    outgoing: Csr = EMPTY_CSR
    incoming: Csr = EMPTY_CSR
    delta: Delta = field(default_factory=Delta)
    top: int = 0
    """One above the highest relationship slot in the base."""
    sets: dict[tuple[int, bool], NeighbourSet] = field(default_factory=dict)
    """Neighbour sets made so far, for the base alone, by node and whether going out."""
    facts: dict[object, object] = field(default_factory=dict)
    """What ``storage.facts`` found out about the base."""

    def follow(self, sources: IntArray, outgoing: bool) -> tuple[IntArray, IntArray, IntArray]:
        """(position, far end, relationship) of base and delta, by position and relationship; deleted ones too."""
        found = (self.outgoing if outgoing else self.incoming).follow(sources)
        if not self.delta.count:
            return found
        more = self.delta.walk(sources, outgoing)
        if not len(more[0]):
            return found
        positions, nodes, relationships = (np.concatenate(pair) for pair in zip(found, more, strict=True))
        order = np.lexsort((relationships, positions))
        return positions.take(order), nodes.take(order), relationships.take(order)

    def neighbours(self, node: int, outgoing: bool, top: int, dead: BitMap) -> BitMap | None:
        """The distinct neighbours of one node by relationships below ``top`` that are not ``dead``.

        The base's part is made once and kept. None where it does not serve: the snapshot is older than the base, or
        some of the node's relationships are deleted.
        """
        if self.top > top:
            return None
        known = self.sets.get((node, outgoing))
        if known is None:
            csr = self.outgoing if outgoing else self.incoming
            row = csr.row(node)
            known = NeighbourSet(bitmap_of(csr.node[row]), bitmap_of(csr.relationship[row]))
            self.sets[node, outgoing] = known
        if known.relationships.intersect(dead):
            return None
        if not self.delta.count:
            return known.nodes
        _, nodes, relationships = self.delta.walk(np.array([node], np.int64), outgoing)
        keep = [n for n, r in zip(nodes.tolist(), relationships.tolist(), strict=True) if r < top and r not in dead]
        return known.nodes | BitMap(keep) if keep else known.nodes


class Adjacency:
    """One type's relationships. One writer; any number of readers."""

    def __init__(self, state: AdjacencyState | None = None, origin: Section | None = None) -> None:
        self.state = state or AdjacencyState()
        self._origin = origin
        """The section of a checkpoint that the base was read from, as long as it is the base."""

    def append(self, sources: IntArray, targets: IntArray, relationships: IntArray) -> None:
        """New relationships by ascending slot."""
        self.state.delta.append(sources.astype(np.int32), targets.astype(np.int32), relationships.astype(np.int32))

    def fold(self, nodes: int) -> None:
        """Base and delta into a new base that covers ``nodes`` nodes."""
        state = self.state
        count = state.delta.count
        if not count:
            return
        delta = state.delta
        sources, targets, slots = delta.source[:count], delta.target[:count], delta.relationship[:count]
        # The delta's slots are above all of the base's, so that appending them keeps every row in order.
        out, into = state.outgoing, state.incoming
        self.state = AdjacencyState(
            build_csr(*_joined((out.keys(), out.node, out.relationship), (sources, targets, slots)), nodes),
            build_csr(*_joined((into.keys(), into.node, into.relationship), (targets, sources, slots)), nodes),
            Delta(),
            int(slots[-1]) + 1,
        )
        self._origin = None

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """(source, target, slot) of all relationships, deleted ones too, in no order."""
        state = self.state
        base, delta = state.outgoing, state.delta
        count = delta.count
        fresh = (delta.source[:count], delta.target[:count], delta.relationship[:count])
        return _joined((base.keys(), base.node, base.relationship), fresh)

    # --- dump and load

    def dump(self, name: str, live: int) -> Section:
        """The base; ``fold`` comes before. ``live`` is how many relationships are not deleted."""
        state, origin = self.state, self._origin
        if origin is not None and origin.name == name and origin.metadata["live"] == live:
            return origin
        arrays = {**state.outgoing.arrays("out_"), **state.incoming.arrays("in_")}
        return Section(name, arrays, {"top": state.top, "live": live})

    @staticmethod
    def load(section: Section) -> Adjacency:
        """The inverse of ``dump``; arrays are read when first used."""
        arrays = section.arrays
        state = AdjacencyState(Csr.mapped(arrays, "out_"), Csr.mapped(arrays, "in_"), Delta(), section.metadata["top"])
        return Adjacency(state, section)


Triple = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


def _joined(first: Triple, second: Triple) -> Triple:
    a, b, c = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return a, b, c
