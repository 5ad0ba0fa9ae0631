"""The delta of adjacency: relationships since the base, as linked chains in int32 arrays (DESIGN 5.2).

``head[node]`` names the newest relationship of a node, ``next[edge]`` the one before it. An insert costs two writes in
each direction. Readers walk while the writer links: an array is replaced by a larger one before anything points beyond
the old one, and a chain is whole before its head is set. So a reader takes ``head`` first and the other arrays after.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray

from ..growth import grown

Int32Array = NDArray[np.int32]

_NONE = np.zeros(0, np.int64)

COUNTED_MIN = 1_024
"""Nodes whose degrees are asked for together, from which on those of all nodes are counted."""


class Chains:
    """One direction: linked lists in arrays."""

    __slots__ = ("head", "next")

    def __init__(self) -> None:
        self.head: Int32Array = np.zeros(0, np.int32)
        self.next: Int32Array = np.zeros(0, np.int32)

    def link(self, keys: Int32Array, first: int) -> None:
        """Edges ``first``, ``first + 1``, ... with these keys."""
        count = len(keys)
        self.head = grown(self.head, int(keys.max()) + 1, len(self.head), -1)
        self.next = grown(self.next, first + count, first, -1)
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
        self.head[ordered.take(ends)] = edges.take(ends)

    def link_one(self, key: int, edge: int) -> None:
        """One edge."""
        if key >= len(self.head):
            self.head = grown(self.head, key + 1, len(self.head), -1)
        if edge >= len(self.next):
            self.next = grown(self.next, edge + 1, edge, -1)
        self.next[edge] = self.head[key]
        self.head[key] = edge


class Delta:
    """The relationships since the base: their ends and slots, linked in both directions."""

    __slots__ = ("_degrees", "count", "incoming", "outgoing", "relationship", "source", "target")

    def __init__(self) -> None:
        self.source: Int32Array = np.zeros(0, np.int32)
        self.target: Int32Array = np.zeros(0, np.int32)
        self.relationship: Int32Array = np.zeros(0, np.int32)
        self.count = 0
        self.outgoing = Chains()
        self.incoming = Chains()
        self._degrees: dict[bool, tuple[int, IntArray]] = {}
        """By direction: how many relationships there were when they were counted, and how many each node has."""

    def append(self, sources: Int32Array, targets: Int32Array, relationships: Int32Array) -> None:
        """New relationships, by ascending slot."""
        first, stop = self.count, self.count + len(sources)
        if first == stop:
            return
        self.source = grown(self.source, stop, first)
        self.target = grown(self.target, stop, first)
        self.relationship = grown(self.relationship, stop, first)
        self.source[first:stop] = sources
        self.target[first:stop] = targets
        self.relationship[first:stop] = relationships
        self.outgoing.link(sources, first)
        self.incoming.link(targets, first)
        self.count = stop

    def append_one(self, source: int, target: int, relationship: int) -> None:
        """One new relationship, of a higher slot."""
        first = self.count
        if first >= min(len(self.source), len(self.target), len(self.relationship)):
            self.source = grown(self.source, first + 1, first)
            self.target = grown(self.target, first + 1, first)
            self.relationship = grown(self.relationship, first + 1, first)
        self.source[first], self.target[first], self.relationship[first] = source, target, relationship
        self.outgoing.link_one(source, first)
        self.incoming.link_one(target, first)
        self.count = first + 1

    def edges(self) -> tuple[Int32Array, Int32Array, Int32Array]:
        """(source, target, relationship) of all, by ascending slot."""
        count = self.count
        return self.source[:count], self.target[:count], self.relationship[:count]

    def degrees(self, outgoing: bool, at_once: int) -> tuple[int, IntArray] | None:
        """How many relationships were counted, and how many of them each node has; nodes above have none.

        Kept until there are more; None where they would have to be counted for fewer than ``COUNTED_MIN`` nodes.
        """
        count = self.count
        known = self._degrees.get(outgoing)
        if known is None or known[0] != count:
            if at_once < COUNTED_MIN:
                return None
            near = self.source if outgoing else self.target
            known = self._degrees[outgoing] = count, np.bincount(near[:count])
        return known

    def walk(self, sources: IntArray, outgoing: bool) -> tuple[IntArray, IntArray, IntArray]:
        """(position in ``sources``, far end, relationship) of every chained edge, in no order."""
        chains = self.outgoing if outgoing else self.incoming
        head = chains.head
        inside = np.flatnonzero(sources < len(head))
        edges = head.take(sources.take(inside))
        following = chains.next
        positions: list[IntArray] = []
        found: list[Int32Array] = []
        while True:
            live = np.flatnonzero(edges >= 0)
            if not len(live):
                break
            if len(live) != len(edges):
                inside, edges = inside.take(live), edges.take(live)
            positions.append(inside)
            found.append(edges)
            edges = following.take(edges)
        if not found:
            return _NONE, _NONE, _NONE
        all_edges = np.concatenate(found)
        ends = self.target if outgoing else self.source
        return (
            np.concatenate(positions),
            ends.take(all_edges).astype(np.int64),
            self.relationship.take(all_edges).astype(np.int64),
        )
