"""Components of whole columns against those of single values."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_MIN
from memoradb.core.calendar import civil_from_days as civil_of_one
from memoradb.core.columns import ConstantColumn, TypedColumn, lift
from memoradb.core.temporal import Date, at_instant
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.temporal_components import civil_from_days, component_column

sys.path.insert(0, str(Path(__file__).parent))
from temporal_values import lists_of_one_kind

KEYS = (
    "year month day quarter week weekYear dayOfWeek weekDay ordinalDay dayOfYear dayOfQuarter "
    "hour minute second millisecond microsecond nanosecond "
    "timezone offset offsetMinutes offsetSeconds epochSeconds epochMillis nonsense"
).split()


@given(lists_of_one_kind, st.sampled_from(KEYS))
def test_a_component_of_a_column_is_that_of_its_values(items, key):
    column = lift(items)
    assert isinstance(column, TemporalColumn)
    expected = [None if v is None else v.component(key) for v in items]
    assert component_column(column, key).values() == expected


@given(st.lists(st.integers(DAY_MIN, DAY_MAX)))
def test_the_calendar_on_arrays_is_that_on_single_days(days):
    parts = [part.tolist() for part in civil_from_days(np.array(days, np.int64))]
    assert list(zip(*parts, strict=True)) == [civil_of_one(d) for d in days]


@pytest.mark.parametrize("key", ["year", "week", "weekYear", "dayOfWeek", "ordinalDay", "dayOfQuarter", "quarter"])
def test_every_day_of_eight_centuries_has_its_components(key):
    days = np.arange(-146_097, 146_097, 3)
    column = lift([Date(d) for d in days.tolist()])
    assert isinstance(column, TemporalColumn)
    assert component_column(column, key).values() == [Date(d).component(key) for d in days.tolist()]


def test_numbers_come_in_typed_columns():
    column = lift([at_instant(0, 0), None])
    assert isinstance(column, TemporalColumn)
    assert isinstance(component_column(column, "year"), TypedColumn)
    assert isinstance(component_column(column, "epochMillis"), TypedColumn)
    assert isinstance(component_column(column, "nonsense"), ConstantColumn)
