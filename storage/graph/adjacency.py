"""Adjacency of one relationship type: CSR arrays, a delta of linked chains, roaring neighbour sets on demand.

The base is immutable and in relationship-slot order for each node (counting sort). New relationships go into chains in
int32 arrays: ``head[node]`` names the newest, ``next[edge]`` the one before. A relationship is visible to a snapshot
when its slot is below the snapshot's and it is not deleted by then. ``fold`` makes a new base of both; readers hold the
state they began with.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import IntArray

Int32Array = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Csr:
    """Row i's relationships are ``relationship[offsets[i]:offsets[i+1]]``, their far ends ``node[...]``."""

    offsets: IntArray
    node: Int32Array
    relationship: Int32Array

    @property
    def rows(self) -> int:
        """Nodes that the arrays cover."""
        return len(self.offsets) - 1


def build_csr(keys: Int32Array, nodes: Int32Array, relationships: Int32Array, rows: int) -> Csr:
    """A CSR by stable counting sort on ``keys``."""
    counts = np.bincount(keys, minlength=rows) if len(keys) else np.zeros(rows, np.int64)
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    order = np.argsort(keys, kind="stable")
    return Csr(offsets, nodes.take(order), relationships.take(order))


EMPTY_CSR = Csr(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))


@dataclass(slots=True)
class Chains:
    """The delta of one direction: linked lists in arrays."""

    head: Int32Array = field(default_factory=lambda: np.full(16, -1, np.int32))
    next: Int32Array = field(default_factory=lambda: np.full(16, -1, np.int32))

    def link(self, keys: Int32Array, first: int) -> None:
        """Edges ``first``, ``first + 1``, ... with these keys; readers may walk meanwhile."""
        count = len(keys)
        top = int(keys.max()) + 1
        if top > len(self.head):
            grown = np.full(max(top, 2 * len(self.head)), -1, np.int32)
            grown[: len(self.head)] = self.head
            self.head = grown
        if first + count > len(self.next):
            grown = np.full(max(first + count, 2 * len(self.next)), -1, np.int32)
            grown[: len(self.next)] = self.next
            self.next = grown
        if count == 1:
            key = int(keys[0])
            self.next[first] = self.head[key]
            self.head[key] = first
            return
        order = np.argsort(keys, kind="stable")
        ordered = keys.take(order)
        edges = (order + first).astype(np.int32)
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        links = np.empty(count, np.int32)
        links[1:] = edges[:-1]
        links[starts] = self.head.take(ordered.take(starts))
        self.next[edges] = links
        ends = np.concatenate([starts[1:], [count]]) - 1
        self.head[ordered.take(ends)] = edges.take(ends)  # last: a chain is whole before it is reachable


@dataclass(slots=True)
class Delta:
    """Relationships since the base: their ends and slots, linked in both directions."""

    source: Int32Array = field(default_factory=lambda: np.zeros(16, np.int32))
    target: Int32Array = field(default_factory=lambda: np.zeros(16, np.int32))
    relationship: Int32Array = field(default_factory=lambda: np.zeros(16, np.int32))
    count: int = 0
    outgoing: Chains = field(default_factory=Chains)
    incoming: Chains = field(default_factory=Chains)

    def append(self, sources: Int32Array, targets: Int32Array, relationships: Int32Array) -> None:
        """New relationships, by ascending slot."""
        first, count = self.count, len(sources)
        if first + count > len(self.source):
            size = max(first + count, 2 * len(self.source))
            for name in ("source", "target", "relationship"):
                grown = np.zeros(size, np.int32)
                grown[:first] = getattr(self, name)[:first]
                setattr(self, name, grown)
        self.source[first : first + count] = sources
        self.target[first : first + count] = targets
        self.relationship[first : first + count] = relationships
        self.outgoing.link(sources, first)
        self.incoming.link(targets, first)
        self.count = first + count

    def walk(self, sources: IntArray, outgoing: bool) -> tuple[IntArray, IntArray, IntArray]:
        """(position in ``sources``, far end, relationship) of every chained edge, unordered."""
        chains = self.outgoing if outgoing else self.incoming
        head, following = chains.head, chains.next
        inside = np.flatnonzero(sources < len(head))
        edges = head.take(sources.take(inside))
        positions: list[IntArray] = []
        found: list[NDArray[Any]] = []
        while len(edges):
            live = np.flatnonzero(edges >= 0)
            if len(live) != len(edges):
                inside, edges = inside.take(live), edges.take(live)
            if not len(edges):
                break
            positions.append(inside)
            found.append(edges)
            edges = following.take(edges)
        if not found:
            none = np.zeros(0, np.int64)
            return none, none, none
        all_edges = np.concatenate(found)
        ends = self.target if outgoing else self.source
        return (
            np.concatenate(positions),
            ends.take(all_edges).astype(np.int64),
            self.relationship.take(all_edges).astype(np.int64),
        )


@dataclass(slots=True)
class AdjacencyState:
    """Base and delta that belong together; replaced as a whole by ``fold``."""

    outgoing: Csr = EMPTY_CSR
    incoming: Csr = EMPTY_CSR
    delta: Delta = field(default_factory=Delta)
    top: int = 0
    """One above the highest relationship slot in the base."""
    sets: dict[tuple[int, bool], BitMap] = field(default_factory=dict)
    """Neighbour sets of nodes, for the base alone."""


class Adjacency:
    """One type's relationships. One writer; any number of readers."""

    def __init__(self) -> None:
        self.state = AdjacencyState()

    def append(self, sources: IntArray, targets: IntArray, relationships: IntArray) -> None:
        """New relationships by ascending slot."""
        self.state.delta.append(sources.astype(np.int32), targets.astype(np.int32), relationships.astype(np.int32))

    def fold(self, nodes: int) -> None:
        """Base and delta into a new base that covers ``nodes`` nodes."""
        state = self.state
        delta = state.delta
        if not delta.count:
            return
        sources, targets, relationships = self.edges()
        top = int(relationships.max()) + 1
        self.state = AdjacencyState(
            build_csr(sources, targets, relationships, nodes),
            build_csr(targets, sources, relationships, nodes),
            Delta(),
            top,
        )

    def edges(self) -> tuple[Int32Array, Int32Array, Int32Array]:
        """(source, target, slot) of all relationships, by ascending slot."""
        state = self.state
        base, delta = state.outgoing, state.delta
        count = delta.count
        sources = np.repeat(np.arange(base.rows, dtype=np.int32), np.diff(base.offsets))
        sources = np.concatenate([sources, delta.source[:count]])
        targets = np.concatenate([base.node, delta.target[:count]])
        relationships = np.concatenate([base.relationship, delta.relationship[:count]])
        order = np.argsort(relationships, kind="stable")
        return sources.take(order), targets.take(order), relationships.take(order)


def rows_of(csr: Csr, sources: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """(position, far end, relationship) of the base's edges of ``sources``, in order."""
    rows = csr.rows
    if len(sources) == 1:
        source = int(sources[0])
        if source >= rows:
            none = np.zeros(0, np.int64)
            return none, none, none
        start, stop = int(csr.offsets[source]), int(csr.offsets[source + 1])
        positions = np.zeros(stop - start, np.int64)
        return positions, csr.node[start:stop].astype(np.int64), csr.relationship[start:stop].astype(np.int64)
    if len(sources) and int(sources.max()) >= rows:
        inside = np.flatnonzero(sources < rows)
        positions, nodes, relationships = rows_of_many(csr, sources.take(inside))
        return inside.take(positions), nodes, relationships
    return rows_of_many(csr, sources)


def rows_of_many(csr: Csr, sources: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The same for sources that are all in the base."""
    starts = csr.offsets.take(sources)
    degrees = csr.offsets.take(sources + 1) - starts
    total = np.cumsum(degrees)
    count = int(total[-1]) if len(total) else 0
    positions = np.repeat(np.arange(len(sources)), degrees)
    edges = np.repeat(starts - (total - degrees), degrees)
    edges += np.arange(count)
    return positions, csr.node.take(edges).astype(np.int64), csr.relationship.take(edges).astype(np.int64)


def bitmap_of(slots: NDArray[Any]) -> BitMap:
    """A set of slots; through ``array`` it is many times faster than from numpy."""
    return BitMap(array("I", np.ascontiguousarray(slots, np.uint32).tobytes()))
