"""Sums over neighbours without listing them: degrees, and a step of message passing.

A step is the product of a sparse matrix, the adjacency, with a vector of numbers by node. Rows are taken in parts of a
bounded number of relationships, so that no call takes long; SciPy's product reads the CSR arrays as they are (2.4M
relationships: 3 ms; to gather the numbers and add them up in numpy: 7; by differences of running sums: 15).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import is_run
from memoradb.core.columns import IntArray

from ..view import Number

if TYPE_CHECKING:
    from .adjacency import AdjacencyState, Csr

PART_EDGES: Final = 1 << 17
"""Relationships that are added up in one call: half a millisecond."""

MANY: Final = 1_024
"""Sources from which on it is looked at whether they are most nodes of a range."""

RUN_SHARE: Final = 3
"""Sources with more than one in so many of the relationships of all rows between them are not picked out of these."""


def base_degrees(csr: Csr, sources: IntArray) -> IntArray:
    """How many neighbours each source has in the base."""
    rows, count = csr.rows, len(sources)
    if count < MANY or not rows or not count:
        return csr.degrees(sources)
    run = _run(sources)
    first, last = (run.start, run.stop - 1) if run is not None else (int(sources.min()), int(sources.max()))
    if last >= rows or count * RUN_SHARE < last - first:
        return csr.degrees(sources)
    # Most nodes of a range: the differences of all offsets there, one after the other.
    offsets = csr.offsets[first : last + 2]
    degrees = offsets[1:] - offsets[:-1]
    if run is not None:
        return degrees.astype(np.int64)
    return degrees.take(sources if not first else sources - first).astype(np.int64)


def base_sums(csr: Csr, sources: IntArray, values: NDArray[Number]) -> NDArray[Number]:
    """For each source the sum of ``values``, by node, over its neighbours in the base. They are as many as nodes."""
    rows = csr.rows
    if not rows or not len(sources):
        return np.zeros(len(sources), values.dtype)
    if len(values) < rows:  # a deleted node that its relationships still name adds nothing
        values = np.concatenate([values, np.zeros(rows - len(values), values.dtype)])
    run = _run(sources)
    if run is not None:
        found = np.zeros(len(sources), values.dtype)
        stop = min(run.stop, rows)
        if run.start < stop:
            found[: stop - run.start] = _row_sums(csr.offsets, csr.node, values, run.start, stop)
        return found
    inside = sources if int(sources.max()) < rows else sources.compress(sources < rows)
    if not len(inside):
        return np.zeros(len(sources), values.dtype)
    first, stop = int(inside.min()), int(inside.max()) + 1
    degrees = csr.degrees(inside)
    if int(degrees.sum()) * RUN_SHARE > int(csr.offsets[stop] - csr.offsets[first]):
        sums = _row_sums(csr.offsets, csr.node, values, first, stop).take(inside - first)
    else:
        offsets = np.zeros(len(inside) + 1, np.int64)
        np.cumsum(degrees, out=offsets[1:])
        sums = np.zeros(len(inside), values.dtype)
        starts = csr.offsets.take(inside).astype(np.int64)
        for a, b in _parts(offsets, 0, len(inside)):
            edges = np.repeat(starts[a:b] - offsets[a:b], degrees[a:b])
            edges += np.arange(offsets[a], offsets[b])
            sums[a:b] = _product(offsets[a : b + 1] - offsets[a], csr.node.take(edges), values)
    if len(inside) == len(sources):
        return sums
    found = np.zeros(len(sources), values.dtype)
    found[np.flatnonzero(sources < rows)] = sums
    return found


def neighbour_sums(
    state: AdjacencyState, sources: IntArray, outgoing: bool, values: NDArray[Any] | None, top: int
) -> NDArray[Any]:
    """Sums over base and delta (``values`` None: degrees), by relationships below ``top``; deleted ones too."""
    csr = state.outgoing if outgoing else state.incoming
    sums = base_degrees(csr, sources) if values is None else base_sums(csr, sources, values)
    delta = state.delta
    if not delta.count:
        return sums
    if values is None and (counted := delta.degrees(outgoing, len(sources))) is not None:
        count, degrees = counted
        if int(delta.relationship[count - 1]) < top:
            known = sources < len(degrees)
            more = degrees.take(sources, mode="clip")
            return sums + (more if known.all() else np.where(known, more, 0))
    if len(sources) * 2 < delta.count:
        positions, nodes, relationships = delta.walk(sources, outgoing)
        kept = np.flatnonzero(relationships < top)
        positions, nodes = positions.take(kept), nodes.take(kept)
        if values is None:
            return sums + np.bincount(positions, minlength=len(sources))
        known = np.flatnonzero(nodes < len(values))
        np.add.at(sums, positions.take(known), values.take(nodes.take(known)))
        return sums
    # So many sources that it is less to look at all of the delta than to walk its chains.
    near, far, relationships = delta.edges()
    count = int(np.searchsorted(relationships, top))
    near, far = (near[:count], far[:count]) if outgoing else (far[:count], near[:count])
    size = int(sources.max()) + 1
    if values is None:
        more = np.bincount(near, minlength=size)
    else:
        known = np.flatnonzero(far < len(values))
        more = np.zeros(max(size, int(near.max()) + 1 if count else 0), values.dtype)
        np.add.at(more, near.take(known), values.take(far.take(known)))
    sums += more.take(sources)
    return sums


def _run(sources: IntArray) -> range | None:
    """The sources as a range, where they are one."""
    return range(sources.item(0), sources.item(-1) + 1) if is_run(sources) else None


def _parts(offsets: NDArray[Any], first: int, stop: int) -> list[tuple[int, int]]:
    """Ranges of rows with at most ``PART_EDGES`` relationships together, one row at least."""
    parts: list[tuple[int, int]] = []
    while first < stop:
        end = int(np.searchsorted(offsets[: stop + 1], int(offsets[first]) + PART_EDGES, "right")) - 1
        end = min(max(end, first + 1), stop)
        parts.append((first, end))
        first = end
    return parts


def _row_sums(
    offsets: NDArray[Any], node: NDArray[np.int32], values: NDArray[Number], first: int, stop: int
) -> NDArray[Number]:
    out = np.empty(stop - first, values.dtype)
    for a, b in _parts(offsets, first, stop):
        start = offsets[a]
        out[a - first : b - first] = _product(offsets[a : b + 1] - start, node[start : offsets[b]], values)
    return out


def _product(offsets: NDArray[Any], node: NDArray[np.int32], values: NDArray[Number]) -> NDArray[Number]:
    """The sum of the values of each row's nodes; ``offsets`` from 0."""
    out = np.zeros(len(offsets) - 1, values.dtype)
    count = len(node)
    if not count:
        return out
    ones = _ones(values.dtype.char)[:count] if count <= PART_EDGES else np.ones(count, values.dtype)
    product = _csr_product()
    product(len(out), len(values), offsets.astype(np.int32, copy=False), node, ones, values, out)
    return out


@cache
def _ones(kind: str) -> NDArray[Any]:
    return np.ones(PART_EDGES, np.dtype(kind))


@cache
def _csr_product() -> Any:
    """SciPy's product of a CSR matrix and a vector, on bare arrays; imported when first needed: it takes a while."""
    from scipy.sparse import _sparsetools  # pyright: ignore[reportPrivateUsage]

    return _sparsetools.csr_matvec  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
