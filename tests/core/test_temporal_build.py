"""Temporal values from maps and from each other."""

import sys
from pathlib import Path

import pytest
from hypothesis import given

from memoradb.core import temporal_build as build
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from memoradb.core.temporal_parse import parse_datetime, parse_local_datetime, parse_local_time, parse_time

sys.path.insert(0, str(Path(__file__).parent))
from core_values import dates, datetimes, local_datetimes, local_times, times

NOW = parse_datetime("2020-02-29T23:30:15.123456789Z", 0)
DAY = Date(16_637)  # 2015-07-21
HALF = parse_local_datetime("2015-07-21T12:30:45.123456789")
ZONED = parse_datetime("2015-07-21T12:30+02:00[Europe/Stockholm]", 0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"year": 1984, "month": 10, "day": 11}, "1984-10-11"),
        ({"year": 1984, "month": 10}, "1984-10-01"),
        ({"year": 1984}, "1984-01-01"),
        ({"year": 1984, "week": 10, "dayOfWeek": 3}, "1984-03-07"),
        ({"year": 1984, "week": 10}, "1984-03-05"),
        ({"year": 1984, "ordinalDay": 202}, "1984-07-20"),
        ({"year": 1984, "quarter": 3, "dayOfQuarter": 45}, "1984-08-14"),
        ({"date": DAY}, "2015-07-21"),
        ({"date": DAY, "day": 1}, "2015-07-01"),
        ({"date": DAY, "week": 1}, "2014-12-30"),
        ({"date": DAY, "quarter": 1}, "2015-01-21"),
        ({"datetime": ZONED, "month": 1}, "2015-01-21"),
        ({"year": -999_999_999}, "-999999999-01-01"),
        ({"timezone": "Pacific/Auckland"}, "2020-03-01"),
        ({"timezone": "Pacific/Honolulu"}, "2020-02-29"),
    ],
)
def test_a_date_from_a_map(parts, expected):
    assert str(build.date(parts, NOW)) == expected


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({}, ArgumentError),
        ({"month": 1}, ArgumentError),
        ({"year": 1984, "day": 1}, ArgumentError),
        ({"year": 1984, "month": 2, "day": 30}, ArgumentError),
        ({"year": 1984.0}, TypeMismatch),
        ({"year": "1984"}, TypeMismatch),
        ({"year": 1984, "hour": 1}, ArgumentError),
        ({"year": 1984, "decade": 1}, ArgumentError),
        ({"date": "2015-01-01"}, TypeMismatch),
        ({"date": LocalTime(0)}, TypeMismatch),
        ({"year": 10**10}, ArgumentError),
        ({"timezone": 1}, TypeMismatch),
        ({"timezone": "Mars"}, ArgumentError),
    ],
)
def test_a_map_that_is_no_date(parts, error):
    with pytest.raises(error):
        build.date(parts, NOW)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"hour": 12}, "12:00"),
        ({"hour": 12, "minute": 31, "second": 14, "millisecond": 645}, "12:31:14.645"),
        ({"hour": 1, "minute": 0, "second": 0, "microsecond": 645_876}, "01:00:00.645876"),
        ({"hour": 1, "minute": 0, "second": 0, "nanosecond": 645_876_123}, "01:00:00.645876123"),
        (
            {"hour": 1, "minute": 0, "second": 0, "millisecond": 1, "microsecond": 2, "nanosecond": 3},
            "01:00:00.001002003",
        ),
        ({"time": HALF}, "12:30:45.123456789"),
        ({"time": HALF, "second": 1}, "12:30:01.123456789"),
        ({"time": HALF, "millisecond": 1}, "12:30:45.001"),
    ],
)
def test_a_local_time_from_a_map(parts, expected):
    assert str(build.localtime(parts, NOW)) == expected


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({"minute": 1}, ArgumentError),
        ({"hour": 1, "second": 1}, ArgumentError),
        ({"hour": 24}, ArgumentError),
        ({"hour": 1, "minute": 60}, ArgumentError),
        ({"hour": 1, "nanosecond": 10**9}, ArgumentError),
        ({"hour": 1, "year": 1}, ArgumentError),
        ({"hour": True}, TypeMismatch),
    ],
)
def test_a_map_that_is_no_time(parts, error):
    with pytest.raises(error):
        build.localtime(parts, NOW)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"hour": 12}, "12:00Z"),
        ({"hour": 12, "timezone": "+01:00"}, "12:00+01:00"),
        ({"hour": 12, "timezone": "Europe/Stockholm"}, "12:00+01:00"),
        ({"time": Time(0, 3600)}, "00:00+01:00"),
        ({"time": Time(0, 3600), "timezone": "+02:00"}, "01:00+02:00"),
        ({"time": Time(0, 3600), "second": 1, "timezone": "+02:00"}, "01:00:01+02:00"),
        ({"time": LocalTime(0), "timezone": "+02:00"}, "00:00+02:00"),
        ({"datetime": ZONED, "timezone": "Z"}, "10:30Z"),
    ],
)
def test_a_time_from_a_map(parts, expected):
    assert str(build.time(parts, NOW)) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"year": 1984, "hour": 12}, "1984-01-01T12:00Z"),
        ({"year": 1984, "timezone": "+01:00"}, "1984-01-01T00:00+01:00"),
        ({"year": 1984, "month": 7, "timezone": "Europe/Stockholm"}, "1984-07-01T00:00+02:00[Europe/Stockholm]"),
        ({"date": DAY, "time": HALF}, "2015-07-21T12:30:45.123456789Z"),
        ({"date": DAY, "time": Time(0, 3600)}, "2015-07-21T00:00+01:00"),
        ({"date": DAY, "time": Time(0, 3600), "timezone": "+03:00"}, "2015-07-21T02:00+03:00"),
        ({"datetime": ZONED}, "2015-07-21T12:30+02:00[Europe/Stockholm]"),
        ({"datetime": ZONED, "timezone": "America/New_York"}, "2015-07-21T06:30-04:00[America/New_York]"),
        ({"datetime": ZONED, "day": 1, "hour": 1}, "2015-07-01T01:30+02:00[Europe/Stockholm]"),
        ({"epochSeconds": 416_779, "nanosecond": 42}, "1970-01-05T19:46:19.000000042Z"),
        ({"epochMillis": 237_821_673_987, "timezone": "+01:00"}, "1977-07-15T14:34:33.987+01:00"),
        ({"timezone": "Pacific/Auckland"}, "2020-03-01T12:30:15.123456789+13:00[Pacific/Auckland]"),
    ],
)
def test_a_datetime_from_a_map(parts, expected):
    assert str(build.datetime(parts, NOW)) == expected


def test_a_local_datetime_from_a_map():
    assert str(build.localdatetime({"date": DAY, "time": HALF, "second": 1}, NOW)) == "2015-07-21T12:30:01.123456789"
    assert str(build.localdatetime({"year": 1984, "week": 1, "hour": 1}, NOW)) == "1984-01-02T01:00"


@given(dates, local_times, times, local_datetimes, datetimes)
def test_values_are_made_from_richer_ones_by_leaving_out(date, localtime, time, local, moment):
    assert build.date(moment, NOW) == Date(moment.days)
    assert build.date(date, NOW) == date
    assert build.localtime(time, NOW) == LocalTime(time.ns)
    assert build.time(moment, NOW) == Time(moment.ns, moment.offset)
    assert build.time(localtime, NOW) == Time(localtime.ns, 0)
    assert build.localdatetime(moment, NOW) == LocalDateTime(moment.days, moment.ns)
    assert build.localdatetime(date, NOW) == LocalDateTime(date.days, 0)
    assert build.datetime(moment, NOW) == moment
    assert build.datetime(local, NOW) == DateTime(local.days, local.ns, 0)
    assert build.datetime({"datetime": moment}, NOW) == moment


MAKERS = (build.date, build.localtime, build.time, build.localdatetime, build.datetime)


@pytest.mark.parametrize("make", MAKERS)
def test_null_and_a_map_with_null_are_null(make):
    assert make(None, NOW) is None
    assert make({"timezone": None}, NOW) is None


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", [1, 1.5, True, [], Duration()])
def test_other_types_are_refused(make, value):
    with pytest.raises(TypeMismatch, match="takes a string, a map or a temporal value"):
        make(value, NOW)


@pytest.mark.parametrize(("make", "value"), [(build.date, LocalTime(0)), (build.localtime, DAY), (build.datetime, NOW)])
def test_a_value_that_lacks_the_part_is_refused(make, value):
    if value is NOW:
        assert make(value, NOW) == NOW
    else:
        with pytest.raises(TypeMismatch):
            make(value, NOW)


def test_strings_are_parsed():
    assert build.time("01:00+01:00", NOW) == parse_time("01:00+01:00", 0)
    assert build.localtime("01:00", NOW) == parse_local_time("01:00")
    assert build.duration("P1D") == Duration(0, 1)


def test_durations_come_from_strings_and_maps():
    assert build.duration({"days": 1}) == Duration(0, 1)
    assert build.duration(None) is None
    with pytest.raises(TypeMismatch):
        build.duration(1)


def test_moments_from_the_epoch():
    assert str(build.datetime_from_epoch(-1, 1)) == "1969-12-31T23:59:59.000000001Z"
    assert str(build.datetime_from_epoch_millis(-1)) == "1969-12-31T23:59:59.999Z"
    assert build.datetime_from_epoch(None, 0) is None
    assert build.datetime_from_epoch_millis(None) is None
    with pytest.raises(TypeMismatch):
        build.datetime_from_epoch(1.0, 0)
    with pytest.raises(TypeMismatch):
        build.datetime_from_epoch_millis("1")
    with pytest.raises(ArgumentError, match="year must be between"):
        build.datetime_from_epoch(2**62, 0)
