"""Batches: rows, weights and frames stay together through every operation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import lift

rows = st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["a", "b", None]), st.integers(0, 3), st.integers(1, 4)))


def batch_of(items, has_row=True, has_weight=True):
    return Batch(
        {"n": lift([i[0] for i in items]), "s": lift([i[1] for i in items])},
        len(items),
        np.array([i[2] for i in items], np.int64) if has_row else None,
        np.array([i[3] for i in items], np.int64) if has_weight else None,
    )


def rows_of(batch):
    return list(
        zip(
            batch.columns["n"].values(),
            batch.columns["s"].values(),
            batch.rows().tolist(),
            batch.weights().tolist(),
            strict=True,
        )
    )


def plain(items, has_row, has_weight):
    return [(n, s, r if has_row else 0, w if has_weight else 1) for n, s, r, w in items]


@given(rows, st.booleans(), st.booleans(), st.data())
def test_take_keeps_row_and_weight(items, has_row, has_weight, data):
    batch = batch_of(items, has_row, has_weight)
    positions = data.draw(st.lists(st.integers(0, len(items) - 1))) if items else []
    expected = plain(items, has_row, has_weight)
    assert rows_of(batch.take(np.array(positions, np.int64))) == [expected[p] for p in positions]


@given(rows, st.integers(0, 9), st.integers(0, 9))
def test_slice_is_pythons(items, start, stop):
    start, stop = min(start, stop, len(items)), max(start, stop)
    batch = batch_of(items)
    assert rows_of(batch.slice(start, stop)) == items[start:stop]
    assert batch.slice(0, len(items)) is batch


@given(rows, st.booleans())
def test_expanding_writes_each_row_as_often_as_it_weighs(items, has_row):
    batch = batch_of(items, has_row)
    expected = [(n, s, r if has_row else 0, 1) for n, s, r, w in items for _ in range(w)]
    assert rows_of(batch.expanded()) == expected
    assert batch.expanded().weight is None
    unweighted = batch_of(items, has_row, False)
    assert unweighted.expanded() is unweighted


@given(st.lists(st.tuples(rows, st.booleans(), st.booleans()), min_size=1, max_size=3))
def test_concat_is_one_after_the_other(parts):
    joined = concat_batches([batch_of(*p) for p in parts])
    assert rows_of(joined) == [row for p in parts for row in plain(*p)]
    assert joined.length == sum(len(p[0]) for p in parts)
    assert (joined.weight is None) == (not any(p[2] for p in parts) or (len(parts) == 1 and not parts[0][2]))


def test_columns_are_added_and_left_out_without_copies():
    batch = batch_of([(1, "a", 0, 2)])
    wider = batch.with_columns({"x": lift([7])})
    assert list(wider.columns) == ["n", "s", "x"]
    assert wider.weight is batch.weight
    assert list(wider.only(["x", "n"]).columns) == ["x", "n"]
    assert wider.columns["n"] is batch.columns["n"]


def test_the_top_level_is_one_row_without_columns():
    unit = Batch.unit()
    assert (unit.length, unit.columns, unit.rows().tolist(), unit.weights().tolist()) == (1, {}, [0], [1])
