"""Typed columns of dates and times against the values they stand for: exact, ordered and equal as the law says."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_NS, OFFSET_MAX
from memoradb.core.columns import ListColumn, concat, lift, take_or_null
from memoradb.core.duration import Duration
from memoradb.core.semantics import compare, equals
from memoradb.core.serde import decode_column, encode_column
from memoradb.core.temporal import Date, DateTime, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.temporal_columns import (
    TemporalColumn,
    TemporalKind,
    comparable_arrays,
    datetimes_at,
    numbers_of,
    valid,
    value_of,
)
from memoradb.core.zones import ZoneDictionary

sys.path.insert(0, str(Path(__file__).parent))
from temporal_values import columns_of, kinds, lists_of_one_kind, moments, names, offsets, one_kind


def same(column, items):
    assert len(column) == len(items)
    assert [repr(v) for v in column.values()] == [repr(v) for v in items]
    assert [repr(column.item(i)) for i in range(len(items))] == [repr(v) for v in items]
    nulls = column.nulls()
    assert ([False] * len(items) if nulls is None else nulls.tolist()) == [v is None for v in items]


@given(lists_of_one_kind)
def test_values_come_back_exactly_as_they_went_in(items):
    column = lift(items)
    assert isinstance(column, TemporalColumn) and column.in_range()
    same(column, items)
    assert repr(column).startswith(f"TemporalColumn({column.kind.name}")


@given(lists_of_one_kind, st.data())
def test_take_slice_and_misses_are_those_of_the_list(items, data):
    column = lift(items)
    positions = data.draw(st.lists(st.integers(-1, len(items) - 1), max_size=10))
    hits = [p for p in positions if p >= 0]
    same(column.take(np.array(hits, np.int64)), [items[p] for p in hits])
    same(take_or_null(column, np.array(positions, np.int64)), [None if p < 0 else items[p] for p in positions])
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(items)), st.integers(0, len(items)))))
    same(column.slice(start, stop), items[start:stop])


@given(kinds.flatmap(lambda k: st.lists(st.integers(1, 4).flatmap(lambda n: columns_of(k, n)), min_size=1, max_size=4)))
def test_columns_of_one_kind_join_whatever_their_zones(parts):
    joined = concat([lift(part) for part in parts])
    assert isinstance(joined, TemporalColumn)
    same(joined, [v for part in parts for v in part])


def test_columns_of_two_kinds_join_as_a_list():
    assert isinstance(concat([lift([Date(1)]), lift([LocalTime(1)])]), ListColumn)


@given(one_kind.flatmap(lambda values: st.tuples(values, values)))
def test_arrays_are_equal_and_ordered_exactly_as_values_are(pair):
    a, b = pair
    one, other = lift([a]), lift([b])
    assert isinstance(one, TemporalColumn) and isinstance(other, TemporalColumn)
    x, y = ([array[0].item() for array in arrays] for arrays in comparable_arrays(one, other))
    assert (x > y) - (x < y) == compare(a, b)
    assert (x == y) == equals(a, b)
    together = lift([a, b])
    assert isinstance(together, TemporalColumn)
    x, y = ([array[i].item() for array in together.order_arrays()] for i in (0, 1))
    assert (x > y) - (x < y) == compare(a, b)


def test_one_moment_by_two_clocks_is_ordered_but_not_equal():
    utc, berlin, stockholm = at_instant(0, 0), at_instant(0, "Europe/Berlin"), at_instant(0, "Europe/Stockholm")
    column = lift([stockholm, berlin, utc, at_instant(0, 3600)])
    assert isinstance(column, TemporalColumn)
    assert len(set(column.arrays[0].tolist())) == 1
    assert np.argsort(column.order_arrays()[-1]).tolist() == [2, 3, 1, 0]  # by offset, then by name


@given(one_kind.flatmap(lambda values: values))
def test_one_value_is_its_numbers(value):
    assert valid(value)
    column = lift([value])
    assert isinstance(column, TemporalColumn)
    zones = None if column.zones is None else ZoneDictionary()
    numbers = numbers_of(value, zones)
    assert value_of(column.kind, numbers, zones) == value
    assert list(numbers[:-1]) == [array[0] for array in column.arrays[:-1]]


OUT_OF_BOUNDS = [
    Date(DAY_MAX + 1),
    Date(10**30),
    LocalTime(DAY_NS),
    LocalTime(-1),
    LocalDateTime(-DAY_MAX * 2, 0),
    LocalDateTime(0, DAY_NS),
    Time(0, OFFSET_MAX + 1),
    DateTime(0, 0, -OFFSET_MAX - 1),
    DateTime(1 << 70, 0, 0),
]


@pytest.mark.parametrize("value", OUT_OF_BOUNDS, ids=lambda v: type(v).__name__)
def test_a_value_out_of_bounds_stays_in_a_list(value):
    assert not valid(value)
    assert isinstance(lift([value, None]), ListColumn)


def test_columns_out_of_bounds_are_told():
    def column(kind, *numbers, zones=None, mask=None):
        return TemporalColumn(kind, tuple(np.array([n]) for n in numbers), zones, mask)

    zones = ZoneDictionary([(0, None), (OFFSET_MAX, None)])
    assert not column(TemporalKind.DATE, DAY_MAX + 1).in_range()
    assert column(TemporalKind.DATE, DAY_MAX + 1, mask=np.array([True])).in_range()  # nobody looks under a null
    assert not column(TemporalKind.LOCAL_DATETIME, (1 << 63) - 1, 0).in_range()
    assert not column(TemporalKind.LOCAL_DATETIME, 0, 1_000_000_000).in_range()
    assert column(TemporalKind.DATETIME, (DAY_MAX + 1) * 86_400 - OFFSET_MAX - 1, 0, 1, zones=zones).in_range()
    assert not column(TemporalKind.DATETIME, (DAY_MAX + 1) * 86_400 - OFFSET_MAX, 0, 1, zones=zones).in_range()
    assert not column(TemporalKind.TIME, 0, 2, zones=zones).in_range()
    assert not column(TemporalKind.TIME, 0, 0, zones=ZoneDictionary([(OFFSET_MAX + 1, None)])).in_range()


def test_durations_and_mixed_kinds_stay_lists():
    for items in ([Duration.of(1, 0, 0)], [Date(1), LocalTime(1)], [Date(1), 1]):
        assert isinstance(lift(items), ListColumn)


@given(lists_of_one_kind)
def test_bytes_are_the_same_from_a_list_and_from_a_column_with_other_codes(items):
    column = lift(items)
    assert isinstance(column, TemporalColumn)
    found = encode_column(column)
    assert encode_column(ListColumn(items)) == found
    turned = concat([lift(items[::-1]), lift(items)]).slice(len(items), 2 * len(items))
    assert encode_column(turned) == found
    back = decode_column(found)
    assert isinstance(back, TemporalColumn)
    same(back, items)


@given(
    st.lists(st.one_of(moments, st.integers(1_700_000_000, 1_720_000_000).map(lambda s: s * 10**9))),
    st.one_of(names, offsets),
)
def test_many_moments_in_a_zone_are_what_each_alone_is(instants, zone):
    seconds = np.array([i // 10**9 for i in instants], np.int64)
    rest = np.array([i % 10**9 for i in instants], np.int32)
    assert datetimes_at(seconds, rest, zone).values() == [at_instant(i, zone) for i in instants]
