"""Sizes as people write them."""

import pytest

from memoradb.core.byte_sizes import UNITS, parse_byte_size


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_read_in_any_case_and_with_space(unit: str) -> None:
    assert parse_byte_size(f"3{unit}") == parse_byte_size(f" 3 {unit.lower()} ") == 3 * UNITS[unit]


def test_decimal_and_binary_units_are_told_apart() -> None:
    assert parse_byte_size("1.5KB") == 1_500
    assert parse_byte_size("1.5KiB") == 1_536


@pytest.mark.parametrize("text", ["", "7", "B", "-7B", "7 parsecs", "1e3B", "10 G B", "\u0667B", "7B8"])
def test_what_is_no_size_is_none(text: str) -> None:
    assert parse_byte_size(text) is None
