"""Durations of four parts: arithmetic, components, text."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.duration import Duration, duration_from_map, fraction, parse_duration
from memoradb.core.errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from memoradb.core.values import INTEGER_MAX

sys.path.insert(0, str(Path(__file__).parent))
from core_values import durations


@given(durations)
def test_a_duration_survives_its_text(duration):
    assert parse_duration(str(duration)) == duration


@given(durations, durations, durations)
def test_durations_are_a_commutative_group(a, b, c):
    assert a.plus(b) == b.plus(a)
    assert a.plus(b).plus(c) == a.plus(b.plus(c))
    assert a.plus(Duration()) == a
    assert a.plus(a.negated()) == Duration()
    assert a.negated().negated() == a


@given(durations, st.integers(-1000, 1000))
def test_whole_factors_scale_each_part(duration, factor):
    scaled = duration.times(factor)
    assert scaled.months == duration.months * factor
    assert scaled.days == duration.days * factor
    assert scaled.time_ns == duration.time_ns * factor


@given(durations, st.integers(1, 1000))
def test_multiplying_undoes_a_division_in_even_parts(duration, by):
    assert duration.times(by).divided(by) == duration


@given(durations, durations)
def test_the_order_is_by_mean_length_and_only_equals_tie(a, b):
    assert (a.sort_key() == b.sort_key()) == (a == b)

    def length(d: Duration) -> Fraction:
        return (d.months * Fraction(30436875, 1000000) + d.days) * 86_400 + Fraction(d.time_ns, 10**9)

    if length(a) + 1 < length(b):
        assert a.sort_key() < b.sort_key()


@given(durations)
def test_components_of_a_part_add_up_to_it(d):
    def part(key: str) -> int:
        value = d.component(key)
        assert type(value) is int
        return value

    assert part("years") * 12 + part("monthsOfYear") == d.months
    assert part("quarters") * 3 + part("monthsOfQuarter") == d.months
    assert part("weeks") * 7 + part("daysOfWeek") == d.days
    assert part("hours") * 3600 + part("minutesOfHour") * 60 + part("secondsOfMinute") == d.seconds
    assert part("seconds") * 10**9 + part("nanosecondsOfSecond") == part("nanoseconds") == d.time_ns
    assert part("milliseconds") == d.time_ns // 10**6
    assert part("microseconds") == d.time_ns // 1000
    assert d.component("fortnights") is None


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(), "PT0S"),
        (Duration(14, -3, 3661, 500_000_000), "P1Y2M-3DT1H1M1.5S"),
        (Duration(-14), "P-1Y-2M"),
        (Duration.of(0, 0, -1), "PT-0.000000001S"),
        (Duration.of(0, 0, -1_500_000_000), "PT-1.5S"),
        (Duration(0, 0, 90_000), "PT25H"),
        (Duration.of(0, 0, -3_661_000_000_000), "PT-1H-1M-1S"),
    ],
)
def test_text_normalises_time_but_never_to_days(duration, text):
    assert str(duration) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P14DT16H12M", Duration(0, 14, 58_320)),
        ("P5M1.5D", Duration(5, 1, 43_200)),
        ("P0.75M", Duration(0, 22, 71_509, 500_000_000)),
        ("PT0.75M", Duration(0, 0, 45)),
        ("P2.5W", Duration(0, 17, 43_200)),
        ("-P1D", Duration(0, -1)),
        ("P1Y2M10DT2H30M", Duration(14, 10, 9000)),
        ("P2012-02-02T14:37:21.545", Duration(24_146, 2, 52_641, 545_000_000)),
        ("PT,5S", Duration(0, 0, 0, 500_000_000)),
    ],
)
def test_parsing_by_example(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1", "P1S", "P1DT", "P1H", "PX", "P1D ", "--P1D", "P1D2D"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ArgumentError, match="is not a duration"):
        parse_duration(text)


@given(st.text(alphabet="P-+T0123456789.,YMWDHS", max_size=14))
def test_no_text_breaks_the_parser(text):
    try:
        found = parse_duration(text)
    except (ArgumentError, ArithmeticOverflow):
        return
    assert parse_duration(str(found)) == found


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"years": 1, "months": 2, "days": 3}, Duration(14, 3)),
        ({"months": 0.75}, Duration(0, 22, 71_509, 500_000_000)),
        ({"quarters": 1, "weeks": 1}, Duration(3, 7)),
        ({"hours": 1.5, "milliseconds": 1, "microseconds": 1, "nanoseconds": 1}, Duration(0, 0, 5400, 1_001_001)),
        ({"seconds": 0.1}, Duration(0, 0, 0, 100_000_000)),
        ({"minutes": -1}, Duration(0, 0, -60)),
        ({}, Duration()),
        ({"days": None}, None),
    ],
)
def test_a_duration_from_a_map(parts, expected):
    assert duration_from_map(parts) == expected


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({"day": 1}, ArgumentError),
        ({"days": "1"}, TypeMismatch),
        ({"days": True}, TypeMismatch),
        ({"days": float("nan")}, ArgumentError),
        ({"days": float("inf")}, ArgumentError),
        ({"years": INTEGER_MAX}, ArithmeticOverflow),
    ],
)
def test_a_map_that_is_no_duration(parts, error):
    with pytest.raises(error):
        duration_from_map(parts)


def test_a_part_beyond_64_bits_overflows():
    with pytest.raises(ArithmeticOverflow):
        Duration(INTEGER_MAX).plus(Duration(1))
    with pytest.raises(ArithmeticOverflow):
        Duration(0, 0, INTEGER_MAX).times(2.0)


def test_a_fraction_is_what_was_written():
    assert fraction(0.1) == Fraction(1, 10)
    assert fraction(3) == 3
