"""Rows of compressed sparse rows: compiled and in numpy, they are what slices give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.storage.graph.csr import Csr
from memoradb.storage.graph.row_gather import COMPILED_MIN, _compiled, gather_rows_slowly

degrees = st.lists(st.integers(0, 12), min_size=1, max_size=30)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@given(degrees, st.data())
def test_rows_are_gathered_in_order_and_as_often_as_they_come(dtype, degrees, data):
    offsets = np.concatenate([[0], np.cumsum(degrees)]).astype(dtype)
    node = (np.arange(offsets[-1]) * 7 % 31).astype(np.int32)
    relationship = np.arange(100, 100 + offsets[-1]).astype(np.int32)
    for array in (offsets, node, relationship):
        array.flags.writeable = False  # as those that are mapped from a file
    rows = data.draw(st.lists(st.integers(0, len(degrees) + 2), max_size=60))
    positions, nodes, relationships = Csr(offsets, node, relationship).follow(np.array(rows, np.int64))
    slices = [range(*offsets[row : row + 2].tolist()) if row < len(degrees) else range(0) for row in rows]
    places = [place for part in slices for place in part]
    assert positions.tolist() == [i for i, part in enumerate(slices) for _ in part]
    assert nodes.tolist() == node.take(places).tolist() if places else not len(nodes)
    assert relationships.tolist() == [100 + place for place in places]
    inside = np.array([row for row in rows if row < len(degrees)], np.int64)
    starts = offsets.take(inside).astype(np.int64)
    ends = np.cumsum(offsets.take(inside + 1) - starts)
    slow = gather_rows_slowly(node, relationship, starts, ends)
    assert slow[0].tolist() == nodes.tolist() and slow[1].tolist() == relationships.tolist()


def test_the_compiled_one_is_there_and_serves_many_rows():
    assert _compiled() is not None, "SciPy is a dependency: without its routine expansions take five times as long"
    rows = np.arange(COMPILED_MIN)
    csr = Csr(np.arange(COMPILED_MIN + 1, dtype=np.int32), rows.astype(np.int32), rows.astype(np.int32))
    assert csr.follow(rows)[2].tolist() == rows.tolist()
