"""Sums over neighbours are what adding them up one by one gives: over base, delta, and any choice of sources."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.storage.graph import sums
from memoradb.storage.graph.adjacency import AdjacencyState
from memoradb.storage.graph.csr import Csr
from memoradb.storage.graph.delta import Delta

NODES = 9
ends = st.integers(0, NODES - 1)
edges = st.lists(st.tuples(ends, ends), max_size=30)
sources = st.one_of(
    st.lists(st.integers(0, NODES + 2), max_size=12),
    st.tuples(st.integers(0, NODES), st.integers(0, NODES)).map(lambda x: list(range(x[0], sum(x)))),
)


def state_of(pairs, in_base):
    """The first of the relationships in the base, the others in the delta."""
    source = np.array([a for a, _ in pairs], np.int32)
    target = np.array([b for _, b in pairs], np.int32)

    def csr(near, far):
        order = np.argsort(near[:in_base], kind="stable")
        offsets = np.zeros(NODES + 1, np.int32)
        np.cumsum(np.bincount(near[:in_base], minlength=NODES), out=offsets[1:])
        return Csr(offsets, far[:in_base].take(order), order.astype(np.int32))

    delta = Delta()
    delta.append(source[in_base:], target[in_base:], np.arange(in_base, len(pairs), dtype=np.int32))
    return AdjacencyState(csr(source, target), csr(target, source), delta, in_base, in_base)


@pytest.mark.parametrize("part", [1, 3, 1 << 17])
@given(edges, sources, st.booleans(), st.integers(0, 30), st.integers(0, 30), st.integers(1, NODES + 2), st.randoms())
def test_sums_are_those_of_each_neighbour(part, pairs, wanted, outgoing, in_base, seen, known, random):
    in_base = min(in_base, len(pairs))
    top = min(max(seen, in_base), len(pairs))
    state, wanted = state_of(pairs, in_base), np.array(wanted, np.int64)
    whole = np.array([random.randint(-5, 9) for _ in range(known)], np.int64)
    for values in (None, whole, whole / 4):

        def number(node, values=values):
            return 1 if values is None else values[node] if node < len(values) else 0

        expected = [
            sum(number(b if outgoing else a) for a, b in pairs[:top] if (a if outgoing else b) == source)
            for source in wanted.tolist()
        ]
        for many in (0, 1_024):
            sums._ones.cache_clear()
            with patch.object(sums, "PART_EDGES", part), patch.object(sums, "MANY", many):
                found = sums.neighbour_sums(state, wanted, outgoing, values, top)
            assert found.tolist() == expected
            assert found.dtype == (np.int64 if values is None else values.dtype)
    sums._ones.cache_clear()
