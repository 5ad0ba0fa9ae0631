"""Temporal values: text, components, order, arithmetic, zones, Python's own types."""

import datetime
import sys
import zoneinfo
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS, SECOND_NS, zone
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.temporal import (
    Date,
    DateTime,
    Duration,
    LocalDateTime,
    LocalTime,
    Time,
    at_instant,
    at_zone,
    days_of,
    from_python,
    ns_of,
    zone_of,
)
from memoradb.core.temporal_parse import (
    parse_date,
    parse_datetime,
    parse_local_datetime,
    parse_local_time,
    parse_time,
)

sys.path.insert(0, str(Path(__file__).parent))
from core_values import (
    ZONES,
    dates,
    datetimes,
    durations,
    local_datetimes,
    local_times,
    moments_ns,
    offsets,
    temporals,
    times,
    zone_names,
)

# --- text


@given(temporals)
def test_every_value_survives_its_text(value):
    parse = {
        Date: parse_date,
        LocalTime: parse_local_time,
        Time: lambda text: parse_time(text, 0),
        LocalDateTime: parse_local_datetime,
        DateTime: lambda text: parse_datetime(text, 0),
    }[type(value)]
    assert parse(str(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Date(0), "1970-01-01"),
        (Date(DAY_MAX), "+999999999-12-31"),
        (Date(DAY_MIN), "-999999999-01-01"),
        (Date(-719_528), "0000-01-01"),
        (Date(-719_529), "-0001-12-31"),
        (LocalTime(0), "00:00"),
        (LocalTime(SECOND_NS), "00:00:01"),
        (LocalTime(DAY_NS - 1), "23:59:59.999999999"),
        (LocalTime(1_000_000), "00:00:00.001"),
        (Time(0, 3600), "00:00+01:00"),
        (Time(0, -3215), "00:00-00:53:35"),
        (Time(0, 0), "00:00Z"),
        (LocalDateTime(0, 0), "1970-01-01T00:00"),
        (DateTime(0, 0, 0), "1970-01-01T00:00Z"),
        (DateTime(0, 0, 3600, "Europe/Stockholm"), "1970-01-01T00:00+01:00[Europe/Stockholm]"),
    ],
)
def test_text_by_example(value, text):
    assert str(value) == text


# --- components and parts


@given(st.one_of(dates, local_datetimes, datetimes))
def test_date_components_name_the_day(value):
    c = value.component
    assert parse_date(f"{c('year'):+05d}-{c('month'):02d}-{c('day'):02d}").days == value.days
    assert parse_date(f"{c('year'):+05d}-{c('ordinalDay'):03d}").days == value.days
    assert c("ordinalDay") == c("dayOfYear")
    assert c("quarter") == (c("month") + 2) // 3
    assert 1 <= c("dayOfQuarter") <= 92
    assert c("dayOfWeek") == c("weekDay")
    if abs(c("year")) < 999_999_999:
        assert parse_date(f"{c('weekYear'):+05d}-W{c('week'):02d}-{c('dayOfWeek')}").days == value.days


@given(st.one_of(local_times, times, local_datetimes, datetimes))
def test_time_components_name_the_nanosecond(value):
    c = value.component
    seconds = (c("hour") * 60 + c("minute")) * 60 + c("second")
    assert seconds * SECOND_NS + c("nanosecond") == value.ns
    assert c("millisecond") == c("nanosecond") // 10**6
    assert c("microsecond") == c("nanosecond") // 1000


@given(datetimes)
def test_epoch_components_are_of_the_moment(value):
    assert value.component("epochSeconds") == value.utc_ns() // SECOND_NS
    assert value.component("epochMillis") == value.utc_ns() // 10**6
    assert value.component("offsetSeconds") == value.offset
    assert value.component("offsetMinutes") == value.offset // 60
    assert value.component("timezone") == (value.zone or value.component("offset"))


@pytest.mark.parametrize("key", ["hour", "offset", "timezone", "epochSeconds", "", "Year"])
def test_a_date_has_no_time_of_day(key):
    assert Date(0).component(key) is None


def test_parts_of_any_value():
    assert days_of(Date(3)) == 3
    assert ns_of(Date(3)) == 0
    assert ns_of(LocalTime(7)) == 7
    assert zone_of(Time(0, 60)) == 60
    assert zone_of(DateTime(0, 0, 3600, "Europe/Stockholm")) == "Europe/Stockholm"
    assert zone_of(LocalDateTime(0, 0)) is None
    with pytest.raises(TypeMismatch, match="A time has no date"):
        days_of(LocalTime(0))


# --- order


@given(datetimes, datetimes)
def test_moments_order_by_the_clock_of_utc(a, b):
    if a.utc_ns() < b.utc_ns():
        assert a.sort_key() < b.sort_key()
    assert (a.sort_key() == b.sort_key()) == (a == b)


@given(times, times)
def test_times_order_by_the_moment_in_utc(a, b):
    if a.ns - a.offset * SECOND_NS < b.ns - b.offset * SECOND_NS:
        assert a.sort_key() < b.sort_key()


# --- arithmetic


@given(temporals)
def test_adding_nothing_changes_nothing(value):
    assert value.plus(Duration()) == value


@given(local_datetimes, st.integers(-(10**5), 10**5), st.integers(-(10**15), 10**15))
def test_days_and_time_can_be_taken_back(value, day, ns):
    assume(abs(value.days) < DAY_MAX - 10**6)
    duration = Duration.of(0, day, ns)
    assert value.plus(duration).plus(duration.negated()) == value


@given(dates, st.integers(-(10**5), 10**5), st.integers(-(10**5), 10**5))
def test_days_add_up(value, a, b):
    assume(abs(value.days) < DAY_MAX - 10**6)
    assert value.plus(Duration(0, a)).plus(Duration(0, b)) == value.plus(Duration(0, a + b))


@given(dates, st.integers(0, 10**5), st.integers(-5, 5))
def test_a_date_feels_whole_days_of_time_alone(value, seconds, day):
    assume(abs(value.days) < DAY_MAX - 10**6)
    assert value.plus(Duration(0, day, seconds)) == value.plus(Duration(0, day + seconds // 86_400))


@given(st.one_of(local_times, times), durations)
def test_a_time_goes_round_the_clock(value, duration):
    moved = value.plus(duration)
    assert 0 <= moved.ns < DAY_NS
    assert (moved.ns - value.ns - duration.time_ns) % DAY_NS == 0


@given(datetimes, st.integers(-(10**15), 10**15))
def test_time_is_added_on_the_clock_of_utc(value, ns):
    moved = value.plus(Duration.of(0, 0, ns))
    assert moved.utc_ns() == value.utc_ns() + ns
    assert moved.zone == value.zone


@given(datetimes, st.integers(-1000, 1000))
def test_days_are_added_on_the_local_calendar(value, day):
    moved = value.plus(Duration(0, day))
    local = (value.days + day, value.ns)
    # Where the clocks never show that time, they show it as much later as they jumped.
    assert (moved.days, moved.ns) >= local
    if value.zone is None:
        assert (moved.days, moved.ns, moved.offset) == (*local, value.offset)


def test_beyond_the_last_year_is_an_error():
    with pytest.raises(ArgumentError, match="year must be between"):
        Date(DAY_MAX).plus(Duration(0, 1))
    with pytest.raises(ArgumentError):
        LocalDateTime(DAY_MIN, 0).plus(Duration.of(0, 0, -1))
    with pytest.raises(ArgumentError):
        DateTime(DAY_MAX, DAY_NS - 1, 0).plus(Duration(1))


# --- zones


@given(moments_ns, zone_names)
def test_a_moment_in_a_zone_is_that_moment(moment, name):
    assert at_instant(moment, name).utc_ns() == moment


@given(moments_ns, zone_names)
def test_local_time_and_offset_name_the_moment(moment, name):
    value = at_instant(moment, name)
    assert at_zone(LocalDateTime(value.days, value.ns), name, value.offset) == value


@given(local_datetimes, st.one_of(zone_names, offsets))
def test_a_local_time_in_a_zone_is_shown_by_clocks_there(local, where):
    assume(abs(local.days) < DAY_MAX - 2)
    value = at_zone(local, where)
    assert at_instant(value.utc_ns(), where) == value
    assert (value.days, value.ns) >= (local.days, local.ns)


def stockholm(text: str) -> str:
    return str(parse_datetime(text + "[Europe/Stockholm]", 0))


def test_a_time_that_clocks_leave_out_is_as_much_later():
    assert stockholm("2021-03-28T02:30") == "2021-03-28T03:30+02:00[Europe/Stockholm]"
    before = parse_datetime("2021-03-27T02:30[Europe/Stockholm]", 0)
    assert str(before.plus(Duration(0, 1))) == "2021-03-28T03:30+02:00[Europe/Stockholm]"
    assert str(before.plus(Duration(0, 0, 86_400))) == "2021-03-28T03:30+02:00[Europe/Stockholm]"


def test_a_time_that_clocks_show_twice_is_the_first_unless_its_offset_is_given():
    assert stockholm("2021-10-31T02:30") == "2021-10-31T02:30+02:00[Europe/Stockholm]"
    assert stockholm("2021-10-31T02:30+01:00") == "2021-10-31T02:30+01:00[Europe/Stockholm]"
    second = parse_datetime("2021-10-31T02:30+01:00[Europe/Stockholm]", 0)
    assert second.plus(Duration(0, 1)).plus(Duration(0, -1)) == second
    assert second.plus(Duration()) == second
    assert second.plus(Duration(0, 0, -3600)).offset == 7200


def test_an_offset_that_the_zone_never_has_then_is_refused():
    with pytest.raises(ArgumentError, match="leave one of the two out"):
        stockholm("2021-07-01T12:00+01:00")
    with pytest.raises(ArgumentError):
        stockholm("2021-07-01T12:00Z")


def test_a_zone_is_known_by_one_spelling():
    assert parse_datetime("2021-07-01T12:00[europe/stockholm]", 0) == parse_datetime(
        "2021-07-01T12:00[Europe/Stockholm]", 0
    )


# --- Python's own types


@given(st.dates(), st.times(), st.datetimes(), st.timedeltas(), st.integers(-1000, 1000))
def test_pythons_values_come_back_as_they_were(date, time, moment, delta, minutes):
    fixed = datetime.timezone(datetime.timedelta(minutes=minutes))
    for value in (date, time, moment, time.replace(tzinfo=fixed), moment.replace(tzinfo=fixed)):
        try:
            assert from_python(value).to_python() == value
        except OverflowError:
            assert isinstance(value, datetime.datetime) and value.year in (1, 9999)
    duration = from_python(delta)
    assert (duration.months, duration.days) == (0, delta.days)
    assert duration.time_ns == (delta.seconds * 10**6 + delta.microseconds) * 1000


@given(moments_ns, st.sampled_from(ZONES))
def test_a_zoned_datetime_survives_a_trip_through_python(moment, name):
    value = at_instant(moment // 1000 * 1000, name)
    python = value.to_python()
    assert from_python(python) == value
    assert isinstance(python.tzinfo, zoneinfo.ZoneInfo)


def test_both_halves_of_an_overlap_survive_a_trip_through_python():
    for offset in (7200, 3600):
        value = at_zone(parse_local_datetime("2021-10-31T02:30"), "Europe/Stockholm", offset)
        assert from_python(value.to_python()) == value


def test_a_python_datetime_in_a_gap_is_the_moment_it_stands_for():
    ghost = datetime.datetime(2021, 3, 28, 2, 30, tzinfo=zone("Europe/Stockholm"))
    assert str(from_python(ghost)) == "2021-03-28T03:30+02:00[Europe/Stockholm]"


def test_years_that_python_has_not_overflow():
    with pytest.raises(OverflowError):
        Date(DAY_MAX).to_python()
