"""Conversions, and that what is formatted reads back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.coercion import format_float, to_boolean, to_float, to_integer, to_string
from memoradb.core.errors import TypeMismatch
from memoradb.core.spatial import Point
from memoradb.core.temporal import Date, Duration
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef


@given(st.integers(INTEGER_MIN, INTEGER_MAX))
def test_an_integer_survives_its_text(value):
    assert to_integer(to_string(value)) == value


@given(st.floats())
def test_a_float_survives_its_text(value):
    again = to_float(format_float(value))
    assert type(again) is float
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert math.copysign(1, again) == math.copysign(1, value) or math.isnan(value)


@given(st.booleans())
def test_a_boolean_survives_its_text(value):
    assert to_boolean(to_string(value)) is value


@given(st.text(max_size=12))
def test_no_text_breaks_a_conversion(text):
    assert to_integer(text) is None or type(to_integer(text)) is int
    assert to_float(text) is None or type(to_float(text)) is float
    assert to_boolean(text) in (True, False, None)
    assert to_string(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("+7", 7),
        ("-1.9", -1),
        ("1e3", 1000),
        (".5", 0),
        ("5.", 5),
        ("0" * 40 + "7", 7),
        ("9223372036854775807", INTEGER_MAX),
        ("9223372036854775808", None),
        ("1e400", None),
        ("0x10", None),
        ("1_000", None),
        ("", None),
        ("NaN", None),
        (True, 1),
        (2.9, 2),
        (-2.9, -2),
        (1e300, INTEGER_MAX),
        (-1e300, INTEGER_MIN),
        (math.nan, None),
        (None, None),
    ],
)
def test_to_integer(value, expected):
    assert to_integer(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.5", 1.5), ("-Infinity", -math.inf), ("1e400", math.inf), ("infinity", None), ("1_0", None), (3, 3.0)],
)
def test_to_float(value, expected):
    assert to_float(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("TRUE", True), (" false ", False), ("yes", None), (0, False), (-2, True), (None, None)],
)
def test_to_boolean(value, expected):
    assert to_boolean(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1.0"),
        (1e16, "1.0E16"),
        (1.5e-7, "1.5E-7"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (-0.0, "-0.0"),
        (True, "true"),
        (Date(0), "1970-01-01"),
        (Duration(), "PT0S"),
        (Point(7203, (1.0, 2.0)), "point({x: 1.0, y: 2.0, crs: 'cartesian'})"),
        (None, None),
    ],
)
def test_to_string(value, expected):
    assert to_string(value) == expected


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (to_integer, []),
        (to_integer, Date(0)),
        (to_float, True),
        (to_float, {}),
        (to_boolean, 1.5),
        (to_string, []),
        (to_string, NodeRef(0)),
    ],
)
def test_what_cannot_be_converted_is_a_type_error(convert, value):
    with pytest.raises(TypeMismatch) as caught:
        convert(value)
    assert caught.value.detail == "InvalidArgumentValue"
