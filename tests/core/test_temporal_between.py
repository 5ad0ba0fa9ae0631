"""Durations between temporal values."""

import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX
from memoradb.core.errors import TypeMismatch
from memoradb.core.temporal import Date, Duration, LocalTime, Time
from memoradb.core.temporal_between import (
    duration_between,
    duration_in_days,
    duration_in_months,
    duration_in_seconds,
)
from memoradb.core.temporal_parse import parse_date, parse_datetime, parse_local_datetime

sys.path.insert(0, str(Path(__file__).parent))
from core_values import datetimes, local_datetimes, local_times, temporals, times

ALL = (duration_between, duration_in_months, duration_in_days, duration_in_seconds)


@given(local_datetimes, local_datetimes)
def test_what_lies_between_leads_from_one_to_the_other(a, b):
    assume(max(abs(a.days), abs(b.days)) < DAY_MAX - 400)
    assert a.plus(duration_between(a, b)) == b
    assert a.plus(duration_in_seconds(a, b)) == b


@given(datetimes, datetimes)
def test_between_moments_too(a, b):
    assert a.plus(duration_in_seconds(a, b)).utc_ns() == b.utc_ns()
    assert a.plus(duration_between(a, b)).utc_ns() == b.utc_ns()


@given(st.one_of(local_datetimes, datetimes), st.one_of(local_datetimes, datetimes))
def test_all_parts_point_the_same_way(a, b):
    d = duration_between(a, b)
    signs = {(part > 0) - (part < 0) for part in (d.months, d.days)} - {0}
    assert len(signs) <= 1


@given(st.one_of(local_times, times), st.one_of(local_times, times))
def test_times_have_seconds_between_them_alone(a, b):
    assert duration_in_months(a, b) == duration_in_days(a, b) == Duration()
    assert duration_between(a, b) == duration_in_seconds(a, b)
    assert (duration_between(a, b).months, duration_between(a, b).days) == (0, 0)


@given(temporals)
def test_nothing_lies_between_a_value_and_itself(value):
    for between in ALL:
        assert between(value, value) == Duration()


@pytest.mark.parametrize("between", ALL)
def test_null_and_other_types(between):
    assert between(None, Date(0)) is None
    assert between(Date(0), None) is None
    with pytest.raises(TypeMismatch):
        between(Date(0), 1)
    with pytest.raises(TypeMismatch):
        between("1970-01-01", Date(0))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("1984-10-11", "2015-06-24", "P30Y8M13D"),
        ("2015-06-24", "1984-10-11", "P-30Y-8M-13D"),
        ("2018-01-31", "2018-02-28", "P28D"),
        ("2018-02-28", "2018-01-31", "P-28D"),
        ("2016-01-30", "2016-03-01", "P1M1D"),
        ("2018-03-31", "2018-02-28", "P-1M"),
    ],
)
def test_dates_by_example(a, b, expected):
    assert str(duration_between(parse_date(a), parse_date(b))) == expected


def test_a_change_of_clocks_makes_a_day_longer_or_shorter():
    a = parse_datetime("2017-10-28T23:00[Europe/Stockholm]", 0)
    b = parse_datetime("2017-10-29T04:00[Europe/Stockholm]", 0)
    assert str(duration_between(a, b)) == "PT6H"
    assert str(duration_in_seconds(a, parse_local_datetime("2017-10-29T04:00"))) == "PT6H"
    assert str(duration_in_seconds(parse_date("2017-10-29"), b)) == "PT5H"
    assert str(duration_between(Time(0, 0), Time(0, 3600))) == "PT-1H"
    assert str(duration_between(LocalTime(0), Time(10**9, 3600))) == "PT1S"
