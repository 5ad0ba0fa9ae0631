"""Adjacency of one relationship type: a base in compressed rows, a delta of chains, neighbour sets on demand.

The base is immutable and in relationship-slot order for each node. A relationship is visible to a snapshot when its
slot is below the snapshot's and it is not deleted by then. ``fold`` makes a new base of both; readers hold the state
they began with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import IntArray
from memoradb.core.limits import DELTA_EDGES_MAX

from ..section import Section
from .bitmaps import bitmap_of
from .csr import EMPTY_CSR, Csr, fold_csr
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
    size: int = 0
    """Relationships in the base."""
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

    def __init__(self) -> None:
        self.state = AdjacencyState()
        self._origin: Section | None = None
        """The section of a checkpoint that holds the base, if one does."""

    def append(self, sources: IntArray, targets: IntArray, relationships: IntArray, nodes: int = 0) -> None:
        """New relationships by ascending slot; very many become part of the base at once, which covers ``nodes``."""
        new = (sources.astype(np.int32), targets.astype(np.int32), relationships.astype(np.int32))
        if len(relationships) <= DELTA_EDGES_MAX:
            self.state.delta.append(*new)
            return
        *_, made = _merged(self.state, _joined(self.state.delta.edges(), new), nodes)
        assert made is not None
        self.state, self._origin = made, None

    def append_one(self, source: int, target: int, relationship: int) -> None:
        """One new relationship."""
        self.state.delta.append_one(source, target, relationship)

    def is_due(self, at_rest: bool = False) -> bool:
        """Whether a new base pays: reading so long a delta costs more. ``at_rest`` a shorter one is enough."""
        state = self.state
        count = state.delta.count
        return count > DELTA_EDGES_MAX or (at_rest and count * 8 > state.size)

    def fold(self, nodes: int) -> None:
        """Base and delta into a new base that covers ``nodes`` nodes; called by the writer."""
        *_, made = self.folded(nodes)
        if made is not None:
            self.install(made)

    def folded(self, nodes: int) -> Iterator[AdjacencyState | None]:
        """The state with what the delta holds now in its base: the last item, after a None for each step.

        The writer may go on meanwhile. Nothing but None where the delta is empty.
        """
        state = self.state
        yield None
        if state.delta.count:
            yield from _merged(state, state.delta.edges(), nodes)

    def install(self, state: AdjacencyState) -> None:
        """Take a folded state, with what came since in a delta of its own; called by the writer."""
        delta = self.state.delta
        done = int(np.searchsorted(delta.relationship[: delta.count], state.top))
        rest = slice(done, delta.count)
        state.delta.append(delta.source[rest], delta.target[rest], delta.relationship[rest])
        self.state = state
        self._origin = None

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """(source, target, slot) of all relationships, deleted ones too, in no order."""
        state = self.state
        base = state.outgoing
        return _joined((base.keys(), base.node, base.relationship), state.delta.edges())

    # --- dump and load

    def dump(self, name: str, state: AdjacencyState) -> Section:
        """The base of ``state``, which was this adjacency's a moment ago; the section that it is in if there is one."""
        origin = self._origin
        if origin is not None and origin.name == name and origin.metadata["top"] == state.top:
            return origin
        arrays = {**state.outgoing.arrays("out_"), **state.incoming.arrays("in_")}
        return Section(name, arrays, {"top": state.top, "count": state.size})

    def installed(self, state: AdjacencyState, section: Section) -> None:
        """The base of ``state`` is in a file now: read it from there. Called by the writer."""
        now = self.state
        if self._origin is section or now.top != state.top:
            return
        csr = (Csr.mapped(section.arrays, "out_"), Csr.mapped(section.arrays, "in_"))
        self.state = replace(now, outgoing=csr[0], incoming=csr[1])
        self._origin = section

    def load(self, section: Section, fresh: Section | None) -> None:
        """Take what ``dump`` made, and the ends and slots of the delta; arrays are read when first used."""
        arrays, self._origin = section.arrays, section
        csr = (Csr.mapped(arrays, "out_"), Csr.mapped(arrays, "in_"))
        self.state = AdjacencyState(*csr, Delta(), section.metadata["top"], section.metadata["count"])
        if fresh is not None:
            self.state.delta.append(*(fresh.arrays[name] for name in FRESH))


Triple = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]

FRESH = ("source", "target", "relationship")
"""The arrays of a delta in a checkpoint."""


def fresh_section(name: str, state: AdjacencyState, top: int) -> Section | None:
    """The relationships below ``top`` that the base of ``state`` lacks, None where there are none."""
    edges = state.delta.edges()
    count = int(np.searchsorted(edges[2], top))
    return Section(name, {n: a[:count] for n, a in zip(FRESH, edges, strict=True)}) if count else None


def _merged(state: AdjacencyState, new: Triple, nodes: int) -> Iterator[AdjacencyState | None]:
    sources, targets, slots = new
    rows = max(nodes, int(sources.max()) + 1, int(targets.max()) + 1)
    outgoing = incoming = None
    for step in fold_csr(state.outgoing, sources, targets, slots, rows):
        outgoing = step
        yield None
    for step in fold_csr(state.incoming, targets, sources, slots, rows):
        incoming = step
        yield None
    assert outgoing is not None and incoming is not None
    yield AdjacencyState(outgoing, incoming, Delta(), int(slots[-1]) + 1, state.size + len(slots))


def _joined(first: Triple, second: Triple) -> Triple:
    a, b, c = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return a, b, c
