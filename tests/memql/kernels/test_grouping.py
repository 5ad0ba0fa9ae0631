"""Grouping is equivalence, sorting orderability, whatever the form of the columns."""

import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import concat, lift
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.memql.kernels.grouping import (
    distinct_values,
    group_rows,
    least_positions,
    ranks,
    row_keys,
    sort_positions,
)

sys.path.insert(0, str(Path(__file__).parent))
from test_kernels import columns

several = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(columns(n), min_size=1, max_size=3),
        st.one_of(st.none(), st.lists(st.integers(0, 2), min_size=n, max_size=n)),
    )
)


@given(several)
def test_rows_are_in_one_group_exactly_when_their_keys_are_equivalent(given_columns):
    keys, row = given_columns
    rows = None if row is None else np.array(row, np.int64)
    length = len(keys[0])
    codes, first = group_rows(keys, rows, length)
    naive: dict[object, int] = {}
    for i in range(length):
        key = (0 if row is None else row[i], *(equivalence_key(c.item(i)) for c in keys))
        naive.setdefault(key, i)
    assert first.tolist() == list(naive.values())
    expected = [(0 if row is None else row[i], *(equivalence_key(c.item(i)) for c in keys)) for i in range(length)]
    order = list(naive)
    assert [order[c] for c in codes.tolist()] == expected


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(columns(n), columns(n))))
def test_keys_are_equal_across_batches_of_different_form(parts):
    positions = np.arange(len(parts[0]))
    together = row_keys([concat(parts)], np.arange(2 * len(positions)), None)
    assert row_keys([parts[0]], positions, None) + row_keys([parts[1]], positions, None) == together


@given(several, st.lists(st.booleans(), min_size=3, max_size=3))
def test_sorting_is_stable_and_by_the_order_of_values(given_columns, descending):
    keys, row = given_columns
    rows = None if row is None else np.array(row, np.int64)
    found = sort_positions(list(zip(keys, descending, strict=False)), rows).tolist()
    expected = list(range(len(keys[0])))
    for column, down in reversed(list(zip(keys, descending, strict=False))):
        expected.sort(key=lambda i, column=column: order_key(column.item(i)), reverse=down)
    if row is not None:
        expected.sort(key=row.__getitem__)
    assert found == expected


@given(st.integers(1, 8).flatmap(columns))
def test_ranks_order_as_values_do(column):
    found = ranks(column).tolist()
    for i in range(len(column)):
        for j in range(len(column)):
            a, b = order_key(column.item(i)), order_key(column.item(j))
            assert (found[i] < found[j], found[i] == found[j]) == (a < b, a == b)


@given(st.integers(1, 8).flatmap(columns))
def test_distinct_keeps_the_first_of_each_class(column):
    naive = {}
    for value in column.values():
        naive.setdefault(equivalence_key(value), value)
    assert [repr(v) for v in distinct_values(column.values())] == [repr(v) for v in naive.values()]


@given(
    st.lists(st.tuples(st.sampled_from([-3, 0, 7, 1 << 40]), st.integers(0, 3)), min_size=64, max_size=90),
    st.booleans(),
    st.booleans(),
)
def test_many_rows_are_sorted_as_few_are(pairs, down, again):
    keys = [(lift([a for a, _ in pairs]), down), (lift([b for _, b in pairs]), again)]
    expected = sorted(range(len(pairs)), key=lambda i: pairs[i][1], reverse=again)
    expected.sort(key=lambda i: pairs[i][0], reverse=down)
    assert sort_positions(keys, None).tolist() == expected
    assert least_positions(keys, 10).tolist() == expected[:10]
