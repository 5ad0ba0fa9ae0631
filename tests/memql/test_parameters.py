"""Parameters: what a client may send, and what the engine sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArithmeticOverflow, LimitError, TypeMismatch
from memoradb.core.limits import VALUE_DEPTH_MAX
from memoradb.memql.parameters import normalise, normalise_parameters

SCALARS = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.text()
ROWS = st.lists(st.dictionaries(st.text(max_size=3), SCALARS | st.lists(SCALARS, max_size=2), max_size=3), max_size=4)


def one_by_one(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: normalise(value) for key, value in row.items()} for row in rows]


def outcome(work: Any) -> object:
    try:
        return work()
    except (ArithmeticOverflow, TypeMismatch) as error:
        return type(error)


@given(ROWS)
def test_rows_taken_as_one_are_what_each_value_alone_is(rows: list[dict[str, Any]]) -> None:
    assert outcome(lambda: normalise(rows)) == outcome(lambda: one_by_one(rows))


def test_rows_are_copies() -> None:
    row = {"id": 1}
    [taken] = normalise([row])
    row["id"] = 2
    assert taken == {"id": 1}


@pytest.mark.parametrize("bad", [2**63, -(2**63) - 1])
def test_an_integer_beyond_64_bits_in_one_row_of_many_is_named(bad: int) -> None:
    rows: list[dict[str, Any]] = [{"id": i} for i in range(100)]
    rows[57]["id"] = bad
    with pytest.raises(ArithmeticOverflow, match=r"\$rows\[57\]\.id does not fit"):
        normalise_parameters({"rows": rows})


def test_half_a_surrogate_pair_in_a_row_is_named() -> None:
    with pytest.raises(TypeMismatch, match=r"\$rows\[1\]\.name holds U\+D800"):
        normalise_parameters({"rows": [{"name": "a"}, {"name": "\ud800"}]})


def test_rows_at_the_greatest_depth_are_counted() -> None:
    value: Any = [{"a": 1}]
    for _ in range(VALUE_DEPTH_MAX - 1):
        value = [value]
    assert normalise(value) == value
    with pytest.raises(LimitError):
        normalise([[value]])
