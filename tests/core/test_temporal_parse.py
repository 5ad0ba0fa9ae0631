"""Temporal text: every form that openCypher reads, and that nothing else gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArgumentError
from memoradb.core.temporal_parse import (
    parse_date,
    parse_datetime,
    parse_local_datetime,
    parse_local_time,
    parse_offset,
    parse_time,
    parse_zone,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-07-21", "2015-07-21"),
        ("20150721", "2015-07-21"),
        ("2015-07", "2015-07-01"),
        ("201507", "2015-07-01"),
        ("2015-W30-2", "2015-07-21"),
        ("2015W302", "2015-07-21"),
        ("2015-W30", "2015-07-20"),
        ("2015W30", "2015-07-20"),
        ("2015-202", "2015-07-21"),
        ("2015202", "2015-07-21"),
        ("2015-Q2-60", "2015-05-30"),
        ("2015Q260", "2015-05-30"),
        ("2015-Q2", "2015-04-01"),
        ("2015", "2015-01-01"),
        ("+999999999-12-31", "+999999999-12-31"),
        ("-999999999-01-01", "-999999999-01-01"),
        ("-0044-03-15", "-0044-03-15"),
        ("2020-W53-7", "2021-01-03"),
    ],
)
def test_dates(text, expected):
    assert str(parse_date(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15-07-21",
        "2015-7-21",
        "2015-13",
        "2015-02-29",
        "2015-00-01",
        "2015-W54",
        "2014-W53-1",
        "2015-W30-8",
        "2015-366",
        "2015-000",
        "2015-Q5-01",
        "2015-Q1-91",
        "2015-07-21T00:00",
        " 2015",
        "+1000000000-01-01",
        "2015-07-21Z",
        "today",
    ],
)
def test_what_is_no_date(text):
    with pytest.raises(ArgumentError):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21:40:32.142", "21:40:32.142"),
        ("214032.142", "21:40:32.142"),
        ("21:40:32,142", "21:40:32.142"),
        ("21:40:32", "21:40:32"),
        ("214032", "21:40:32"),
        ("21:40", "21:40"),
        ("2140", "21:40"),
        ("21", "21:00"),
        ("00:00:00.000000001", "00:00:00.000000001"),
    ],
)
def test_local_times(text, expected):
    assert str(parse_local_time(text)) == expected


@pytest.mark.parametrize("text", ["", "24:00", "23:60", "23:59:60", "1:00", "21:40:32.", "21:40:32.1234567890", "T21"])
def test_what_is_no_time(text):
    with pytest.raises(ArgumentError):
        parse_local_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21:40:32.142+0100", "21:40:32.142+01:00"),
        ("214032.142Z", "21:40:32.142Z"),
        ("21:40:32+01:00", "21:40:32+01:00"),
        ("214032-0100", "21:40:32-01:00"),
        ("21:40-01:30", "21:40-01:30"),
        ("2140-00:00", "21:40Z"),
        ("2140-02", "21:40-02:00"),
        ("22+18:00", "22:00+18:00"),
        ("22", "22:00Z"),
        ("22+00:53:28", "22:00+00:53:28"),
    ],
)
def test_times(text, expected):
    assert str(parse_time(text, 0)) == expected


@pytest.mark.parametrize("text", ["22+19:00", "22[Europe/Stockholm]", "22+1", "22+", "22ZZ", "22Europe/Stockholm"])
def test_what_is_no_time_with_an_offset(text):
    with pytest.raises(ArgumentError):
        parse_time(text, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-07-21T21:40:32.142+0100", "2015-07-21T21:40:32.142+01:00"),
        ("2015-W30-2T214032.142Z", "2015-07-21T21:40:32.142Z"),
        ("2015-202T21:40:32+01:00", "2015-07-21T21:40:32+01:00"),
        ("20150721T21:40-01:30", "2015-07-21T21:40-01:30"),
        ("2015-W30T2140-00:00", "2015-07-20T21:40Z"),
        ("2015T22+18:00", "2015-01-01T22:00+18:00"),
        ("2015-07-21T21:40:32.142[Europe/London]", "2015-07-21T21:40:32.142+01:00[Europe/London]"),
        ("2015-07-21T21:40:32.142-04[America/New_York]", "2015-07-21T21:40:32.142-04:00[America/New_York]"),
        ("1818-07-21T21:40:32.142[Europe/Stockholm]", "1818-07-21T21:40:32.142+00:53:28[Europe/Stockholm]"),
        ("2015-07-21[Europe/London]", "2015-07-21T00:00+01:00[Europe/London]"),
        ("2015-07-21", "2015-07-21T00:00Z"),
    ],
)
def test_datetimes(text, expected):
    assert str(parse_datetime(text, 0)) == expected


@pytest.mark.parametrize(
    "text", ["", "T", "2015T", "2015-07-21T25:00", "2015-07-21 21:40", "2015T22[Mars/Olympus]", "2015T22[Europe/London"]
)
def test_what_is_no_datetime(text):
    with pytest.raises(ArgumentError):
        parse_datetime(text, 0)


@pytest.mark.parametrize(
    ("text", "expected"), [("2015185T19:32:24", "2015-07-04T19:32:24"), ("2015-07-21", "2015-07-21T00:00")]
)
def test_local_datetimes(text, expected):
    assert str(parse_local_datetime(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Z", 0), ("+01", 3600), ("-0130", -5400), ("+00:53:28", 3208), ("Europe/London", "Europe/London"), ("", None)],
)
def test_zones(text, expected):
    assert parse_zone(text) == expected


def test_offsets_have_a_limit():
    assert parse_offset("-18:00") == -64_800
    with pytest.raises(ArgumentError, match="offset must be between"):
        parse_offset("+18:01")


@pytest.mark.parametrize(
    "parse",
    [
        parse_date,
        parse_local_time,
        parse_local_datetime,
        lambda text: parse_time(text, 0),
        lambda text: parse_datetime(text, 0),
    ],
)
@given(text=st.text(alphabet="+-0123456789:.,TWQZz[]/Eu ", max_size=20))
def test_no_text_breaks_a_parser(parse, text):
    try:
        value = parse(text)
    except ArgumentError:
        return
    assert parse(str(value)) == value
