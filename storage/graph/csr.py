"""Compressed sparse rows: the immutable base of adjacency, in memory or mapped from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray
from memoradb.core.regions import allocate

from ..section import ReadLater
from .row_gather import gather_rows

Int32Array = NDArray[np.int32]

Offsets: TypeAlias = NDArray[np.int32 | np.int64]

PARTS = ("offsets", "node", "relationship")

FOLD_EDGES = 1 << 17
"""Relationships that one step of a fold works on: a few milliseconds."""


class Csr(ReadLater):
    """Row i's relationships are ``relationship[offsets[i]:offsets[i+1]]``, ascending, their far ends ``node[...]``."""

    offsets: Offsets
    """In 32 bits as long as they suffice."""
    node: Int32Array
    relationship: Int32Array

    def __init__(self, offsets: Offsets, node: Int32Array, relationship: Int32Array) -> None:
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
        return np.where(sources < rows, found, 0).astype(np.int64)

    def ends(self, sources: IntArray) -> IntArray:
        """The far end of every relationship of the sources, in order: ``follow`` without the rest."""
        if len(sources) == 1:
            return self.node[self.row(int(sources[0]))].astype(np.int64)
        if len(sources) and int(sources.max()) >= self.rows:
            sources = sources.compress(sources < self.rows)
        starts = self.offsets.take(sources).astype(np.int64)
        degrees = self.offsets.take(sources + 1) - starts
        total = np.cumsum(degrees)
        places = np.repeat(starts - (total - degrees), degrees)
        places += np.arange(len(places))
        return self.node.take(places).astype(np.int64)

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
        starts = self.offsets.take(sources).astype(np.int64)
        degrees = self.offsets.take(sources + 1) - starts
        positions = np.repeat(np.arange(len(sources)), degrees)
        ends = np.cumsum(degrees)
        return positions, *gather_rows(self.offsets, self.node, self.relationship, sources, starts, ends)


def fold_csr(
    base: Csr, keys: Int32Array, nodes: Int32Array, relationships: Int32Array, rows: int
) -> Iterator[Csr | None]:
    """A base with more relationships, whose slots are above all of its own: the last item, after a None for each step.

    Rows are merged range by range, so that no step takes long; relationships with one key keep their order.
    """
    order = np.argsort(keys, kind="stable")
    keys = keys.take(order)
    yield None
    total = len(base.node) + len(keys)
    offsets = np.empty(rows + 1, np.int32 if total + FOLD_EDGES < 1 << 31 else np.int64)
    for start in range(0, rows + 1, FOLD_EDGES):
        part = np.arange(start, min(start + FOLD_EDGES, rows + 1), dtype=np.int32)
        offsets[part] = base.offsets.take(part, mode="clip") + np.searchsorted(keys, part)
        yield None
    node, relationship = allocate(total, np.int32), allocate(total, np.int32)
    first = 0
    while first < rows:
        # As many rows as make one step, at least one.
        stop = max(
            first + 1, int(np.searchsorted(offsets, offsets[first] + offsets.dtype.type(FOLD_EDGES), "right")) - 1
        )
        stop = min(stop, rows)
        old = slice(*base.offsets.take([first, stop], mode="clip").tolist())
        new = slice(int(offsets[first]) - old.start, int(offsets[stop]) - old.stop)
        into = slice(int(offsets[first]), int(offsets[stop]))
        picked = order[new]
        if new.start == new.stop:
            node[into], relationship[into] = base.node[old], base.relationship[old]
        elif old.start == old.stop:
            node[into], relationship[into] = nodes.take(picked), relationships.take(picked)
        else:
            last = min(stop, base.rows)
            old_keys = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(base.offsets[first : last + 1]))
            merged = np.argsort(np.concatenate([old_keys, keys[new]]), kind="stable")
            node[into] = np.concatenate([base.node[old], nodes.take(picked)]).take(merged)
            relationship[into] = np.concatenate([base.relationship[old], relationships.take(picked)]).take(merged)
        first = stop
        yield None
    yield Csr(offsets, node, relationship)


EMPTY_CSR = Csr(np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32))
