"""Values and columns as bytes and back, and what damaged bytes say."""

import contextlib
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import Kind, ListColumn, TypedColumn, lift
from memoradb.core.errors import ArithmeticOverflow, CorruptionError, LimitError, TypeMismatch
from memoradb.core.limits import VALUE_DEPTH_MAX
from memoradb.core.semantics import equivalence_key
from memoradb.core.serde import decode, decode_column, decode_from, encode, encode_column
from memoradb.core.temporal import Date
from memoradb.core.values import INTEGER_MAX, NodeRef

sys.path.insert(0, str(Path(__file__).parent))
from core_values import (
    dates,
    datetimes,
    durations,
    floats,
    integers,
    local_datetimes,
    local_times,
    offset_datetimes,
    scalars,
    storable,
    strings,
    times,
)


def same(a: object, b: object) -> bool:
    """Equal to the last bit and type: stricter than equivalence."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    return a == b


@given(storable)
def test_every_value_survives(value):
    assert same(decode(encode(value)), value)


@given(storable)
def test_equal_bytes_for_equal_values_whatever_the_order_of_keys(value):
    assert encode(decode(encode(value))) == encode(value)
    if isinstance(value, dict):
        assert encode(dict(reversed(value.items()))) == encode(value)


@given(storable, storable)
def test_bytes_tell_values_apart(a, b):
    if equivalence_key(a) != equivalence_key(b):
        assert encode(a) != encode(b)


@given(st.lists(storable, max_size=4))
def test_values_can_stand_one_after_the_other(items):
    data = b"".join(map(encode, items))
    position, found = 0, []
    while position < len(data):
        value, position = decode_from(data, position)
        found.append(value)
    assert same(found, items)


@given(storable, st.data())
def test_a_prefix_is_corrupt(value, data):
    encoded = encode(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(CorruptionError):
        decode(encoded[:cut])
    with pytest.raises(CorruptionError, match="more after"):
        decode(encoded + b"\x00")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_corrupt(data):
    try:
        value = decode(data)
    except CorruptionError:
        return
    assert same(decode(encode(value)), value)


@given(storable, st.data())
def test_a_flipped_bit_is_a_value_or_corrupt(value, data):
    encoded = bytearray(encode(value))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(CorruptionError):
        decode(bytes(encoded))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off"),
        (b"\x09", "Unknown value tag 9"),
        (b"\x03\xff", "cut off or too long"),
        (b"\x03" + b"\xff" * 9 + b"\x7f", "does not fit 64 bits"),
        (b"\x05\x02a", "cut off"),
        (b"\x05\x01\xff", "not UTF-8"),
        (b"\x07\xff\xff\xff\x7f", "more items than it holds"),
        (b"\x08\xff\xff\xff\x7f", "more items than it holds"),
        (b"\x11" + b"\xff" * 6 + b"\x7f", "longer than a day"),
        (b"\x16\x01", "unknown SRID"),
        (b"\x17\x00", "An encoded vector is none"),
        (b"\x15\x00\x00\x00\x01", "more nanoseconds than a second"),
    ],
)
def test_corruption_is_named(data, message):
    with pytest.raises(CorruptionError, match=message):
        decode(data)


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_is_limited_on_both_sides():
    assert decode(encode(nested(VALUE_DEPTH_MAX))) == nested(VALUE_DEPTH_MAX)
    with pytest.raises(LimitError, match="nests deeper than") as caught:
        encode(nested(VALUE_DEPTH_MAX + 1))
    assert caught.value.limit == "VALUE_DEPTH_MAX"
    with pytest.raises(CorruptionError, match="nests too deep"):
        decode(b"\x07\x01" * 100_000 + b"\x00")


@pytest.mark.parametrize("value", [NodeRef(1), object(), {1, 2}, 1j])
def test_what_is_no_value_is_refused(value):
    with pytest.raises(TypeMismatch, match="cannot be stored or sent"):
        encode(value)


def test_an_integer_beyond_64_bits_is_not_written():
    with pytest.raises(ArithmeticOverflow):
        encode(INTEGER_MAX + 1)
    with pytest.raises(ArithmeticOverflow):
        encode([-INTEGER_MAX - 2])


def test_lone_surrogates_and_every_nan_are_kept():
    assert decode(encode("\ud800")) == "\ud800"
    assert encode(float("nan")) == encode(-float("nan"))


# --- columns

vectors_of_floats = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.lists(floats, min_size=size, max_size=size), max_size=4)
)
columns = st.one_of(
    st.lists(st.one_of(st.none(), integers)),
    st.lists(st.one_of(st.none(), floats)),
    st.lists(st.one_of(st.none(), st.booleans())),
    st.lists(st.one_of(st.none(), strings)),
    st.lists(st.one_of(st.none(), st.lists(st.integers(0, 5), max_size=2))),
    st.lists(scalars, max_size=5),
    vectors_of_floats,
    *(
        st.lists(st.one_of(st.none(), items), max_size=5)
        for items in (dates, local_times, times, local_datetimes, offset_datetimes, datetimes, durations)
    ),
)


@given(columns)
def test_every_column_survives(items):
    column = lift(items)
    again = decode_column(encode_column(column))
    assert same(list(again.values()), items)
    if isinstance(column, TypedColumn):
        assert isinstance(again, TypedColumn)
        assert again.kind == column.kind


@given(columns, st.data())
def test_a_cut_or_flipped_column_is_corrupt_or_a_column(items, data):
    encoded = encode_column(lift(items))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(CorruptionError):
        decode_column(encoded[:cut])
    flipped = bytearray(encoded)
    flipped[cut] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(CorruptionError):
        decode_column(bytes(flipped))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_column_or_corrupt(data):
    with contextlib.suppress(CorruptionError):
        decode_column(data)


def test_more_after_a_column_is_corrupt():
    with pytest.raises(CorruptionError, match="more after"):
        decode_column(encode_column(lift([1, 2])) + b"x")


def test_what_a_null_hides_is_not_written():
    mask = np.array([True, False])
    a = TypedColumn(Kind.INTEGER, np.array([7, 1]), mask)
    b = TypedColumn(Kind.INTEGER, np.array([8, 1]), mask)
    assert encode_column(a) == encode_column(b)


def test_vectors_take_four_bytes_an_element_where_that_is_exact():
    exact = ListColumn([[0.5] * 64 for _ in range(10)])
    inexact = ListColumn([[0.1] * 64 for _ in range(10)])
    assert len(encode_column(exact)) < 64 * 10 * 4 + 10
    assert len(encode_column(inexact)) > 64 * 10 * 8
    assert decode_column(encode_column(inexact)).values() == inexact.values()


def test_dates_take_as_many_bytes_as_their_range_needs():
    recent = ListColumn([Date(20_000 + i) for i in range(100)])
    assert len(encode_column(recent)) < 100 * 2 + 10
    ancient = ListColumn([Date(-(10**11)), None, Date(0)])
    assert decode_column(encode_column(ancient)).values() == ancient.values()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x06\x63\x01\x00\x01\x00", "Unknown temporal tag"),
        (b"\x06\x10\x01\x00\x03\x00\x00\x00", "unknown width"),
        (b"\x06\x11\x01\x00\x01\xff", "out of range"),
        (b"\x05\x01\x00\x01", "no dimension"),
        (b"\x06\x14\x01\x00\x02\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00", "a zone twice"),
        (b"\x06\x14\x01\x00\x01\x00\x00\x01\x00\x01\x00\x01\x01", "out of range"),
        (b"\x09", "Unknown column form"),
    ],
)
def test_a_corrupt_column_is_named(data, message):
    with pytest.raises(CorruptionError, match=message):
        decode_column(data)
