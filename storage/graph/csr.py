"""Compressed sparse rows: the immutable base of adjacency, in memory or mapped from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray

from ..section import ReadLater

Int32Array = NDArray[np.int32]

PARTS = ("offsets", "node", "relationship")


class Csr(ReadLater):
    """Row i's relationships are ``relationship[offsets[i]:offsets[i+1]]``, ascending, their far ends ``node[...]``."""

    offsets: IntArray
    node: Int32Array
    relationship: Int32Array

    def __init__(self, offsets: IntArray, node: Int32Array, relationship: Int32Array) -> None:
        self.offsets = offsets
        self.node = node
        self.relationship = relationship

    @staticmethod
    def mapped(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Csr:
        """One whose arrays are read when first used."""
        csr = Csr.__new__(Csr)
        csr.read_later(**{part: partial(arrays.__getitem__, prefix + part) for part in PARTS})
        return csr

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """What ``mapped`` takes."""
        return {prefix + part: getattr(self, part) for part in PARTS}

    @property
    def rows(self) -> int:
        """Nodes that the arrays cover."""
        return len(self.offsets) - 1

    def keys(self) -> Int32Array:
        """The row of each relationship."""
        return np.repeat(np.arange(self.rows, dtype=np.int32), np.diff(self.offsets))

    def row(self, node: int) -> slice:
        """Where one node's relationships are."""
        if node >= self.rows:
            return slice(0, 0)
        return slice(int(self.offsets[node]), int(self.offsets[node + 1]))

    def degrees(self, sources: IntArray) -> IntArray:
        """How many relationships each source has."""
        rows = self.rows
        if not rows:
            return np.zeros(len(sources), np.int64)
        inside = np.minimum(sources, rows - 1)
        found = self.offsets.take(inside + 1) - self.offsets.take(inside)
        return np.where(sources < rows, found, 0)

    def follow(self, sources: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """(position in ``sources``, far end, relationship) of every relationship of the sources, in order."""
        if len(sources) == 1:
            row = self.row(int(sources[0]))
            nodes, relationships = self.node[row].astype(np.int64), self.relationship[row].astype(np.int64)
            return np.zeros(len(nodes), np.int64), nodes, relationships
        if len(sources) and int(sources.max()) >= self.rows:
            inside = np.flatnonzero(sources < self.rows)
            positions, nodes, relationships = self._follow(sources.take(inside))
            return inside.take(positions), nodes, relationships
        return self._follow(sources)

    def _follow(self, sources: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        starts = self.offsets.take(sources)
        degrees = self.offsets.take(sources + 1) - starts
        total = np.cumsum(degrees)
        count = int(total[-1]) if len(total) else 0
        positions = np.repeat(np.arange(len(sources)), degrees)
        edges = np.repeat(starts - (total - degrees), degrees)
        edges += np.arange(count)
        return positions, self.node.take(edges).astype(np.int64), self.relationship.take(edges).astype(np.int64)


def build_csr(keys: Int32Array, nodes: Int32Array, relationships: Int32Array, rows: int) -> Csr:
    """Rows by ``keys``; relationships with one key keep their order.

    A stable merge sort of the keys: they come as one sorted run (the old base) and a short tail, where it is linear.
    """
    counts = np.bincount(keys, minlength=rows) if len(keys) else np.zeros(rows, np.int64)
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    order = np.argsort(keys, kind="stable")
    return Csr(offsets, nodes.take(order), relationships.take(order))


EMPTY_CSR = Csr(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
