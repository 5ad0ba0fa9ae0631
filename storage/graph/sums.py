"""Sums over neighbours without listing them: degrees, and a step of message passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.columns import IntArray

if TYPE_CHECKING:
    from .adjacency import AdjacencyState, Csr


def base_sums(csr: Csr, sources: IntArray, values: IntArray | None) -> IntArray:
    """For each source the sum of ``values`` (by node; None: all 1) over its neighbours in the base."""
    rows = csr.rows
    if not rows:
        return np.zeros(len(sources), np.int64)
    inside = np.minimum(sources, rows - 1)
    starts, stops = csr.offsets.take(inside), csr.offsets.take(inside + 1)
    if values is None:
        sums = stops - starts
    else:
        # Differences of running sums: exact even where these wrap around, as long as each sum fits.
        running = np.zeros(len(csr.node) + 1, np.int64)
        np.cumsum(values.take(csr.node), out=running[1:])
        sums = running.take(stops) - running.take(starts)
    return np.where(sources < rows, sums, 0).astype(np.int64)


def neighbour_sums(
    state: AdjacencyState, sources: IntArray, outgoing: bool, values: IntArray | None, top: int
) -> IntArray:
    """The same over base and delta, by relationships below ``top``; deleted ones are counted too."""
    sums = base_sums(state.outgoing if outgoing else state.incoming, sources, values)
    if not state.delta.count:
        return sums
    positions, nodes, relationships = state.delta.walk(sources, outgoing)
    kept = np.flatnonzero(relationships < top)
    positions = positions.take(kept)
    if values is None:
        return sums + np.bincount(positions, minlength=len(sources))
    np.add.at(sums, positions, values.take(nodes.take(kept)))
    return sums
