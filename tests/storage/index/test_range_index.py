"""The range index against a scan: seeks, ranges and prefixes, now and as of older positions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ListColumn, lift
from memoradb.core.semantics import equals
from memoradb.core.spatial import Point
from memoradb.core.temporal import Date
from memoradb.core.values import Value
from memoradb.storage.index.condition import between
from memoradb.storage.index.range_index import RangeIndex
from memoradb.storage.view import Element, IndexDefinition, IndexKind, RangeBound

DEFINITION = IndexDefinition("i", IndexKind.RANGE, Element.NODE, ("A",), ("x",))
values = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.floats(-2, 2, width=16),
    st.just(float("nan")),
    st.booleans(),
    st.text("ab", max_size=3),
    st.lists(st.integers(0, 2), max_size=2),
    st.builds(Date, st.integers(0, 4)),
    st.builds(lambda x, y: Point(7203, (x, y)), st.integers(0, 2).map(float), st.integers(0, 2).map(float)),
)
changes = st.lists(st.one_of(values, st.tuples(st.integers(0, 50), values)), max_size=30)
bounds = st.one_of(st.none(), st.builds(RangeBound, values, st.booleans()))


def build(script: list) -> tuple[RangeIndex, dict[int, Value]]:
    index, held = RangeIndex(DEFINITION), {}
    for position, step in enumerate(script, 1):
        if isinstance(step, tuple):
            slot = step[0] % (len(held) or 1)
            if slot in held:
                index.replace(slot, [held[slot]], [step[1]], position)
                held[slot] = step[1]
        else:
            slot = len(held)
            index.add(np.array([slot]), [ListColumn([step])], position)
            held[slot] = step
        if position % 7 == 0:
            index.range(RangeBound(0, True), None, position)  # sorts what is there
    return index, held


@given(changes, values)
def test_a_seek_finds_what_is_equal(script: list, wanted: Value) -> None:
    index, held = build(script)
    assert index.seek(wanted, len(script)) == [s for s, v in held.items() if equals(v, wanted) is True]


@given(changes, bounds, bounds)
def test_a_range_finds_what_is_comparable_and_between(
    script: list, low: RangeBound | None, high: RangeBound | None
) -> None:
    index, held = build(script)
    expected = [s for s, v in held.items() if v is not None and v == v and between(v, low, high)]
    assert index.range(low, high, len(script)).tolist() == expected


@given(changes, st.text("ab", max_size=2))
def test_a_prefix_finds_strings_alone(script: list, prefix: str) -> None:
    index, held = build(script)
    expected = [s for s, v in held.items() if type(v) is str and v.startswith(prefix)]
    assert index.prefix(prefix, len(script)).tolist() == expected


@given(changes, changes, values)
def test_older_readers_get_all_that_they_may_see_until_it_is_pruned(before: list, after: list, wanted: Value) -> None:
    index, held = build(before)
    then, position = dict(held), len(before)
    for at, step in enumerate(after, position + 1):
        if isinstance(step, tuple) and step[0] in held:
            index.replace(step[0], [held[step[0]]], [step[1]], at)
            held[step[0]] = step[1]
    expected = {s for s, v in then.items() if equals(v, wanted) is True}
    assert expected <= set(index.seek(wanted, position))
    bound = RangeBound(wanted, True)
    in_range = {s for s, v in then.items() if v is not None and between(v, bound, None)}
    assert in_range <= set(index.range(bound, None, position).tolist())
    index.prune(position)
    assert expected <= set(index.seek(wanted, position))
    index.prune(None)
    assert set(index.seek(wanted, position)) == {s for s, v in held.items() if equals(v, wanted) is True}


def test_distinct_values_of_one_type_are_taken_in_bulk_and_are_the_same_as_one_by_one() -> None:
    for items in ([3, 1, 2], ["b", "a"], [1, 2, 1], ["a", None], [1, "a"], [True, False]):
        bulk, single = RangeIndex(DEFINITION), RangeIndex(DEFINITION)
        bulk.add(np.arange(len(items)), [lift(list(items))], 1)
        for slot, value in enumerate(items):
            single.add(np.array([slot]), [ListColumn([value])], 1)
        for value in (1, 2, 3, "a", "b", True, 1.0):
            assert bulk.seek(value, 1) == single.seek(value, 1)
        assert len(bulk) == len(single)


def test_an_index_left_for_later_is_filled_when_first_used_and_only_once() -> None:
    calls = []

    def fill() -> tuple[np.ndarray, list[ListColumn]]:
        calls.append(1)
        return np.array([4, 7]), [ListColumn(["x", "y"])]

    index = RangeIndex(DEFINITION)
    index.fill_later(fill)
    assert not calls
    assert index.seek("y", 0) == [7] and index.prefix("x", 0).tolist() == [4] and len(index) == 2
    assert calls == [1]


@given(changes, st.lists(values, max_size=8), st.integers(0, 30))
def test_many_values_are_sought_as_each_of_them_is(script: list, wanted: list[Value], position: int) -> None:
    index, _ = build(script)
    owners, slots = index.seek_all(wanted, position)
    expected = [(i, slot) for i, value in enumerate(wanted) for slot in index.seek(value, position)]
    assert list(zip(owners, slots, strict=True)) == expected
