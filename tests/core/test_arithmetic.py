"""Arithmetic: 64 bits without silent wrapping, IEEE floats, the other types that `+` takes."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.arithmetic import (
    add,
    concatenate,
    divide,
    modulo,
    multiply,
    negate,
    plus_sign,
    power,
    subtract,
)
from memoradb.core.errors import ArithmeticOverflow, DivisionByZero, TypeMismatch
from memoradb.core.temporal import Date, DateTime, Duration, LocalTime
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

sys.path.insert(0, str(Path(__file__).parent))
from core_values import floats, integers, numbers, values

BINARY = (add, subtract, multiply, divide, modulo, power, concatenate)


def same_float(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("operation", BINARY)
@given(value=values)
def test_null_in_is_null_out(operation, value):
    assert operation(None, value) is None
    assert operation(value, None) is None


def test_signs_of_null_are_null():
    assert negate(None) is None
    assert plus_sign(None) is None


@pytest.mark.parametrize(
    ("operation", "exact"),
    [(add, lambda a, b: a + b), (subtract, lambda a, b: a - b), (multiply, lambda a, b: a * b)],
)
@given(a=integers, b=integers)
def test_integers_are_exact_or_overflow(operation, exact, a, b):
    expected = exact(a, b)
    if INTEGER_MIN <= expected <= INTEGER_MAX:
        assert operation(a, b) == expected
        assert type(operation(a, b)) is int
    else:
        with pytest.raises(ArithmeticOverflow) as caught:
            operation(a, b)
        assert (caught.value.gqlstatus, caught.value.kind) == ("22003", "ArithmeticError")


@given(integers, integers)
def test_quotient_and_rest_make_the_dividend_again(a, b):
    if b == 0:
        for operation in (divide, modulo):
            with pytest.raises(DivisionByZero):
                operation(a, b)
    elif (a, b) == (INTEGER_MIN, -1):
        with pytest.raises(ArithmeticOverflow):
            divide(a, b)
        assert modulo(a, b) == 0
    else:
        assert divide(a, b) * b + modulo(a, b) == a
        assert abs(modulo(a, b)) < abs(b)
        assert modulo(a, b) == 0 or (modulo(a, b) < 0) == (a < 0)


@given(numbers, floats)
def test_floats_never_fail(a, b):
    for operation in (add, subtract, multiply, divide, modulo, power):
        assert type(operation(a, b)) is float
        assert type(operation(b, a)) is float


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(1.0, 0.0, math.inf), (1.0, -0.0, -math.inf), (-1, 0.0, -math.inf), (0.0, 0, math.nan), (1.0, 0, math.inf)],
)
def test_a_float_divided_by_zero_follows_ieee(a, b, expected):
    assert same_float(divide(a, b), expected)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (2, 3, 8.0),
        (2, -1, 0.5),
        (0, -1, math.inf),
        (-8, 1 / 3, math.nan),
        (10, 400, math.inf),
        (-10, 401, -math.inf),
        (INTEGER_MAX, 2, float(INTEGER_MAX) ** 2),
        (0, 0, 1.0),
    ],
)
def test_a_power_is_a_float(a, b, expected):
    assert same_float(power(a, b), expected)


def test_an_infinite_dividend_has_no_rest():
    assert math.isnan(modulo(math.inf, 2))
    assert modulo(5, math.inf) == 5.0
    assert modulo(-7.5, 2) == -1.5


def test_negation_overflows_at_the_least_integer_alone():
    assert negate(INTEGER_MAX) == -INTEGER_MAX
    with pytest.raises(ArithmeticOverflow):
        negate(INTEGER_MIN)
    assert math.copysign(1, negate(0.0)) == -1


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a", "b", "ab"),
        ("a", 1, "a1"),
        (1.5, "a", "1.5a"),
        ("a", True, "atrue"),
        ([1], [2], [1, 2]),
        ([1], 2, [1, 2]),
        (1, [2], [1, 2]),
        ([1], "x", [1, "x"]),
        (Date(0), Duration(1, 1), Date(32)),
        (Duration(1, 1), Date(0), Date(32)),
        (Duration(1), Duration(0, 1), Duration(1, 1)),
    ],
)
def test_plus_joins_strings_lists_and_times(a, b, expected):
    assert add(a, b) == expected


def test_durations_are_scaled_and_subtracted():
    assert multiply(Duration(1, 2), 2) == multiply(2, Duration(1, 2)) == Duration(2, 4)
    assert divide(Duration(0, 0, 3), 2) == Duration(0, 0, 1, 500_000_000)
    assert subtract(LocalTime(0), Duration(0, 0, 1)) == LocalTime(86_399_000_000_000)
    assert negate(Duration(1, -1)) == Duration(-1, 1)
    with pytest.raises(DivisionByZero):
        divide(Duration(1), 0)
    with pytest.raises(ArithmeticOverflow):
        multiply(Duration(INTEGER_MAX), 2)


@pytest.mark.parametrize(
    ("operation", "a", "b"),
    [
        (add, 1, True),
        (add, {}, {}),
        (add, "a", Date(0)),
        (add, Date(0), Date(0)),
        (subtract, "a", "b"),
        (subtract, Date(0), Date(0)),
        (subtract, Duration(), Date(0)),
        (multiply, "a", 2),
        (multiply, True, True),
        (divide, 1, "1"),
        (divide, 1, Duration()),
        (modulo, Duration(), 2),
        (power, "a", 1),
        (power, True, 1),
        (concatenate, "a", ["b"]),
        (concatenate, 1, 2),
    ],
)
def test_types_that_do_not_go_together_are_refused(operation, a, b):
    with pytest.raises(TypeMismatch, match="Cannot apply"):
        operation(a, b)


@pytest.mark.parametrize("value", ["a", True, [], {}, Date(0)])
def test_only_numbers_and_durations_have_signs(value):
    for operation in (negate, plus_sign):
        with pytest.raises(TypeMismatch):
            operation(value)


@given(st.lists(integers, max_size=3), st.lists(integers, max_size=3))
def test_concatenation_is_of_two_lists_or_two_strings(a, b):
    assert concatenate(a, b) == a + b
    assert concatenate(str(a), str(b)) == str(a) + str(b)


def test_a_moment_moves_by_months_then_days_then_seconds():
    start = DateTime(30, 0, 0)  # 1970-01-31
    assert str(add(start, Duration(1, 1, 1))) == "1970-03-01T00:00:01Z"
