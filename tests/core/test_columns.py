"""Every form of column against the plain list that it stands for."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import (
    ConstantColumn,
    Kind,
    ListColumn,
    PathColumn,
    RaggedColumn,
    StringColumn,
    TypedColumn,
    concat,
    lift,
    node_column,
    ragged_positions,
    relationship_column,
    take_or_null,
)
from memoradb.core.values import NodeRef, PathRef, RelationshipRef

sys.path.insert(0, str(Path(__file__).parent))
from core_values import dates, datetimes, integers, scalars


class Words:
    """A dictionary of distinct strings."""

    def __init__(self, strings):
        self._strings = list(strings)

    def __len__(self):
        return len(self._strings)

    def string(self, code):
        return self._strings[code]

    def strings(self):
        return self._strings

    def code(self, string):
        return self._strings.index(string) if string in self._strings else -1

    def ranks(self):
        return np.argsort(np.argsort(np.array(self._strings)))


WORDS = Words(["b", "a", "ab", ""])


def array(items):
    return np.array(items, np.int64)


def optional(items):
    return st.lists(st.one_of(st.none(), items), max_size=8)


def of_strings(items):
    return StringColumn(np.array([-1 if v is None else WORDS.code(v) for v in items], np.int32), WORDS)


def of_lists(items):
    flat = [x for v in items if v is not None for x in v]
    offsets = np.concatenate([[0], np.cumsum([0 if v is None else len(v) for v in items])]).astype(np.int64)
    mask = np.array([v is None for v in items], np.bool_)
    return RaggedColumn(offsets, lift(flat), mask if mask.any() else None)


def of_paths(items):
    offsets = np.concatenate([[0], np.cumsum([len(p.relationships) for p in items])]).astype(np.int64)
    nodes = array([n for p in items for n in p.nodes])
    return PathColumn(offsets, nodes, array([r for p in items for r in p.relationships]))


paths = st.integers(0, 3).flatmap(
    lambda k: st.builds(PathRef, st.tuples(*[st.integers(0, 9)] * (k + 1)), st.tuples(*[st.integers(0, 9)] * k))
)
cases = st.one_of(
    st.lists(scalars, max_size=8).map(lambda v: (ListColumn(v), v)),
    optional(integers).map(lambda v: (lift(v), v)),
    optional(st.booleans()).map(lambda v: (lift(v), v)),
    optional(st.floats(allow_nan=False)).map(lambda v: (lift(v), v)),
    optional(dates).map(lambda v: (lift(v), v)),
    optional(datetimes).map(lambda v: (lift(v), v)),
    optional(st.builds(NodeRef, st.integers(0, 9))).map(lambda v: (lift(v), v)),
    optional(st.builds(RelationshipRef, st.integers(0, 9))).map(lambda v: (lift(v), v)),
    optional(st.sampled_from(WORDS.strings())).map(lambda v: (of_strings(v), v)),
    optional(st.lists(st.integers(0, 9), max_size=3)).map(lambda v: (of_lists(v), v)),
    st.lists(paths, max_size=6).map(lambda v: (of_paths(v), v)),
    st.tuples(scalars, st.integers(0, 5)).map(lambda p: (ConstantColumn(*p), [p[0]] * p[1])),
)


def same(column, items):
    assert len(column) == len(items)
    assert repr(list(column.values())) == repr(list(items))
    assert [repr(column.item(i)) for i in range(len(items))] == [repr(v) for v in items]
    nulls = column.nulls()
    found = [False] * len(items) if nulls is None else nulls.tolist()
    assert found == [v is None for v in items]


@given(cases)
def test_a_column_is_its_values(case):
    same(*case)
    assert repr(case[0]).startswith(type(case[0]).__name__)


@given(cases, st.data())
def test_take_is_a_gather(case, data):
    column, items = case
    positions = data.draw(st.lists(st.integers(0, len(items) - 1), max_size=10)) if items else []
    same(column.take(array(positions)), [items[i] for i in positions])


@given(cases, st.integers(0, 10), st.integers(0, 10))
def test_slice_is_pythons(case, start, stop):
    column, items = case
    start, stop = min(start, stop, len(items)), max(start, stop)
    same(column.slice(start, stop), items[start:stop])


@given(cases, st.data())
def test_take_or_null_gives_null_for_a_miss(case, data):
    column, items = case
    positions = data.draw(st.lists(st.integers(-1, len(items) - 1), max_size=10))
    same(take_or_null(column, array(positions)), [None if i < 0 else items[i] for i in positions])


@given(st.lists(cases, min_size=1, max_size=3))
def test_concat_is_one_after_the_other(parts):
    same(concat([c for c, _ in parts]), [v for _, items in parts for v in items])


@given(cases, st.integers(0, 8))
def test_concat_of_a_columns_parts_keeps_its_form(case, at):
    column, items = case
    joined = concat([column.slice(0, at), column.slice(min(at, len(items)), len(items))])
    same(joined, items)
    if isinstance(column, (TypedColumn, StringColumn)):
        assert type(joined) is type(column)


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([1, None], Kind.INTEGER),
        ([1.5], Kind.FLOAT),
        ([True, False], Kind.BOOLEAN),
        ([NodeRef(1), None], Kind.NODE),
        ([RelationshipRef(1)], Kind.RELATIONSHIP),
    ],
)
def test_lift_finds_the_type(items, kind):
    column = lift(items)
    assert isinstance(column, TypedColumn)
    assert column.kind == kind
    same(column, items)


@pytest.mark.parametrize("items", [[], [None], [1, 2.0], [True, 1], ["a"], [[1]], [NodeRef(1), RelationshipRef(1)]])
def test_lift_leaves_mixed_and_other_values_as_a_list(items):
    assert isinstance(lift(items), ListColumn)


def test_columns_of_elements_hold_references():
    assert node_column(array([3])).item(0) == NodeRef(3)
    assert relationship_column(array([3]), np.array([True])).item(0) is None


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.data())
def test_ragged_positions_name_the_flattened_items(lengths, data):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6))
    out, inner = ragged_positions(offsets, array(rows))
    assert np.diff(out).tolist() == [lengths[r] for r in rows]
    assert inner.tolist() == [p for r in rows for p in range(offsets[r], offsets[r + 1])]


@given(st.lists(st.lists(st.none() | st.lists(st.integers(0, 99), max_size=3), max_size=4), min_size=2, max_size=4))
def test_lists_and_paths_stay_what_they_are_when_they_are_put_together(parts):
    def masked(part):
        mask = np.array([x is None for x in part], np.bool_)
        return mask if mask.any() else None

    def offsets(part):
        return np.cumsum([0, *(len(x or ()) for x in part)])

    def flat(part):
        return np.array([v for x in part for v in x or ()], np.int64)

    def a_path(part):
        nodes = np.array([v for x in part for v in [0, *(x or ())]], np.int64)
        return PathColumn(offsets(part), nodes, flat(part), masked(part))

    lists = [RaggedColumn(offsets(part), node_column(flat(part)), masked(part)) for part in parts]
    paths = [a_path(part) for part in parts]
    for columns, form in (
        (lists, RaggedColumn),
        (paths, PathColumn),
        ([c.slice(len(c) // 2, len(c)) for c in lists], RaggedColumn),
    ):
        joined = concat(columns)
        assert isinstance(joined, form)
        assert joined.values() == [value for column in columns for value in column.values()]
