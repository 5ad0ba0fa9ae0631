"""The calendar: any day to the year 999,999,999, ISO weeks, and zones with their gaps and overlaps."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import (
    DAY_MAX,
    DAY_MIN,
    SECOND_NS,
    YEAR_MAX,
    add_months,
    civil_from_days,
    date_days,
    days_from_civil,
    is_leap,
    iso_week,
    month_days,
    offset_at_instant,
    offsets_at_local,
    week_start,
    weekday,
    zone,
)
from memoradb.core.errors import ArgumentError

days = st.integers(DAY_MIN, DAY_MAX)
python_days = st.dates().map(lambda d: (d - datetime.date(1970, 1, 1)).days)


@given(days)
def test_days_and_dates_are_inverse(day):
    year, month, of_month = civil_from_days(day)
    assert days_from_civil(year, month, of_month) == day
    assert 1 <= month <= 12
    assert 1 <= of_month <= month_days(year, month)


@given(python_days)
def test_the_calendar_is_pythons_where_python_has_one(day):
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    assert civil_from_days(day) == (date.year, date.month, date.day)
    assert (*iso_week(day), weekday(day)) == tuple(date.isocalendar())


@given(days)
def test_the_next_day_is_the_next_date(day):
    year, month, of_month = civil_from_days(day)
    if of_month < month_days(year, month):
        expected = (year, month, of_month + 1)
    elif month < 12:
        expected = (year, month + 1, 1)
    else:
        expected = (year + 1, 1, 1)
    assert civil_from_days(day + 1) == expected
    assert weekday(day + 1) == weekday(day) % 7 + 1


@given(days)
def test_a_week_has_seven_days_from_its_monday(day):
    year, week = iso_week(day)
    assert week_start(year) + (week - 1) * 7 + weekday(day) - 1 == day


@given(days, st.integers(-50_000, 50_000))
def test_adding_months_keeps_the_day_or_takes_the_months_last(day, months):
    year, month, of_month = civil_from_days(day)
    total = year * 12 + month - 1 + months
    if not -YEAR_MAX <= total // 12 <= YEAR_MAX:
        with pytest.raises(ArgumentError):
            add_months(day, months)
        return
    reached = civil_from_days(add_months(day, months))
    assert reached[:2] == (total // 12, total % 12 + 1)
    assert reached[2] == min(of_month, month_days(*reached[:2]))


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2021, 2, 29), (2021, 0, 1), (2021, 13, 1), (2021, 4, 31), (YEAR_MAX + 1, 1, 1), (-YEAR_MAX - 1, 12, 31)],
)
def test_there_is_no_such_day(year, month, day):
    with pytest.raises(ArgumentError, match="must be between"):
        date_days(year, month, day)


def test_leap_years_are_gregorian():
    assert [y for y in (1900, 2000, 2004, 2100, -4, 0, -100) if is_leap(y)] == [2000, 2004, -4, 0]


# --- zones


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> tuple[int, int]:
    return days_from_civil(year, month, day), (hour * 60 + minute) * 60 * SECOND_NS


def test_offsets_before_in_and_after_a_gap():
    assert offsets_at_local("Europe/Stockholm", *local(2021, 3, 28, 1, 59)) == (3600, 3600)
    assert offsets_at_local("Europe/Stockholm", *local(2021, 3, 28, 2, 30)) == (3600, 7200)
    assert offsets_at_local("Europe/Stockholm", *local(2021, 3, 28, 3, 0)) == (7200, 7200)


def test_offsets_in_an_overlap():
    assert offsets_at_local("Europe/Stockholm", *local(2021, 10, 31, 2, 30)) == (7200, 3600)
    assert offsets_at_local("Australia/Lord_Howe", *local(2021, 4, 4, 1, 45)) == (39_600, 37_800)


def test_a_day_that_a_zone_left_out_is_a_gap_of_a_day():
    before, after = offsets_at_local("Pacific/Apia", *local(2011, 12, 30, 12))
    assert after - before == 86_400


@given(st.integers(-200 * 365, 200 * 365), st.integers(0, 86_399))
def test_an_instant_has_the_offset_that_python_says(day, second):
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=day, seconds=second)
    offset = moment.astimezone(zone("America/New_York")).utcoffset()
    assert offset is not None
    assert offset_at_instant("America/New_York", day, second * SECOND_NS) == offset.total_seconds()


def test_before_zones_there_is_local_mean_time_however_early():
    mean = offset_at_instant("Europe/Stockholm", *local(1800, 1, 1))
    assert mean == 53 * 60 + 28
    for year in (1, 0, -5, -399, -12_345, -999_999_999):
        for month in (1, 7):
            assert offset_at_instant("Europe/Stockholm", *local(year, month, 1)) == mean


def test_the_last_rules_hold_for_ever():
    for year in (2100, 9999, 10_000, 12_345, 999_999_999):
        assert offset_at_instant("Europe/Stockholm", *local(year, 1, 10)) == 3600
        assert offset_at_instant("Europe/Stockholm", *local(year, 7, 10)) == 7200


def test_zone_names_are_known_in_any_case_and_unknown_ones_refused():
    assert zone("europe/STOCKHOLM").key == "Europe/Stockholm"
    for name in ("Europe/Atlantis", "", "../etc/passwd", "Europe"):
        with pytest.raises(ArgumentError, match="Unknown time zone"):
            zone(name)
