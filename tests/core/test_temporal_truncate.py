"""Truncation to units, with overrides."""

import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.temporal import Date, LocalTime, Time
from memoradb.core.temporal_parse import parse_datetime, parse_local_datetime
from memoradb.core.temporal_truncate import truncate

sys.path.insert(0, str(Path(__file__).parent))
from core_values import datetimes, local_datetimes

NOW = parse_datetime("2020-01-01T00:00Z", 0)
MOMENT = parse_local_datetime("1984-10-11T12:31:14.645876123")
DATE_UNITS = ["millennium", "century", "decade", "year", "weekyear", "quarter", "month", "week", "day"]
TIME_UNITS = ["hour", "minute", "second", "millisecond", "microsecond"]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("millennium", "1000-01-01T00:00"),
        ("century", "1900-01-01T00:00"),
        ("decade", "1980-01-01T00:00"),
        ("year", "1984-01-01T00:00"),
        ("weekYear", "1984-01-02T00:00"),
        ("quarter", "1984-10-01T00:00"),
        ("month", "1984-10-01T00:00"),
        ("week", "1984-10-08T00:00"),
        ("day", "1984-10-11T00:00"),
        ("hour", "1984-10-11T12:00"),
        ("minute", "1984-10-11T12:31"),
        ("second", "1984-10-11T12:31:14"),
        ("millisecond", "1984-10-11T12:31:14.645"),
        ("microsecond", "1984-10-11T12:31:14.645876"),
    ],
)
def test_every_unit(unit, expected):
    assert str(truncate("localdatetime", unit, MOMENT, None, NOW)) == expected


@pytest.mark.parametrize("unit", DATE_UNITS + TIME_UNITS)
@given(value=st.one_of(local_datetimes, datetimes))
def test_truncation_goes_back_and_twice_is_once(unit, value):
    kind = "datetime" if hasattr(value, "offset") else "localdatetime"
    assume(abs(value.component("year")) < 999_990_000)
    cut = truncate(kind, unit, value, None, NOW)
    assert truncate(kind, unit, cut, None, NOW) == cut
    if unit in TIME_UNITS and kind == "datetime" and value.zone:
        return  # an hour may begin before a change of clocks in it
    assert (cut.days, cut.ns) <= (value.days, value.ns)


@pytest.mark.parametrize(
    ("kind", "unit", "value", "overrides", "expected"),
    [
        ("date", "month", MOMENT, {"day": 5}, "1984-10-05"),
        ("date", "week", MOMENT, {"dayOfWeek": 2}, "1984-10-09"),
        ("time", "hour", MOMENT, {"minute": 1}, "12:01Z"),
        ("time", "day", Time(3600 * 10**9, 3600), None, "00:00+01:00"),
        ("localtime", "millisecond", MOMENT, {"nanosecond": 2}, "12:31:14.645000002"),
        ("localtime", "microsecond", MOMENT, {"nanosecond": 2}, "12:31:14.645876002"),
        ("datetime", "day", MOMENT, {"timezone": "Europe/Stockholm"}, "1984-10-11T00:00+01:00[Europe/Stockholm]"),
        ("datetime", "month", Date(0), {"hour": 3}, "1970-01-01T03:00Z"),
        ("date", "decade", MOMENT, {"month": 2, "day": 3}, "1980-02-03"),
    ],
)
def test_overrides_are_set_after_the_cut(kind, unit, value, overrides, expected):
    assert str(truncate(kind, unit, value, overrides, NOW)) == expected


def test_an_hour_that_comes_twice_stays_the_one_it_was():
    for offset in ("+02:00", "+01:00"):
        value = parse_datetime(f"2021-10-31T02:30{offset}[Europe/Stockholm]", 0)
        assert str(truncate("datetime", "hour", value, None, NOW)) == f"2021-10-31T02:00{offset}[Europe/Stockholm]"


@pytest.mark.parametrize(
    ("kind", "unit", "value", "overrides", "error"),
    [
        ("date", "hour", MOMENT, None, ArgumentError),
        ("datetime", "hour", Date(0), None, ArgumentError),
        ("time", "month", MOMENT, None, ArgumentError),
        ("date", "fortnight", MOMENT, None, ArgumentError),
        ("date", "day", LocalTime(0), None, TypeMismatch),
        ("date", 1, MOMENT, None, TypeMismatch),
        ("date", "day", "2015-01-01", None, TypeMismatch),
        ("date", "day", MOMENT, 1, TypeMismatch),
        ("date", "day", MOMENT, {"hour": 1}, ArgumentError),
    ],
)
def test_what_cannot_be_cut_so(kind, unit, value, overrides, error):
    with pytest.raises(error):
        truncate(kind, unit, value, overrides, NOW)


def test_null_gives_null():
    assert truncate("date", None, MOMENT, None, NOW) is None
    assert truncate("date", "day", None, None, NOW) is None
