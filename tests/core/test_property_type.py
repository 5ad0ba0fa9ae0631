"""The types that properties can be required to have."""

import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.property_type import PropertyType
from memoradb.core.temporal import Date


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("int", "INTEGER"),
        ("signed  integer", "INTEGER"),
        ("Timestamp with time zone", "ZONED DATETIME"),
        ("STRING|BOOL", "BOOLEAN | STRING"),
        ("LIST<STRING NOT NULL>", "LIST<STRING NOT NULL>"),
        ("array < local time not null >", "LIST<LOCAL TIME NOT NULL>"),
        ("LIST<INT NOT NULL> | LIST<FLOAT NOT NULL> | DATE", "DATE | LIST<FLOAT NOT NULL> | LIST<INTEGER NOT NULL>"),
    ],
)
def test_a_type_is_read_as_it_may_be_written_and_shown_in_one_way(written: str, shown: str) -> None:
    assert str(PropertyType.parse(written)) == shown
    assert PropertyType.parse(shown) == PropertyType.parse(written)


@pytest.mark.parametrize(
    "written", ["NODE", "LIST<INTEGER>", "LIST<LIST<INTEGER NOT NULL> NOT NULL>", "", "INTEGER |", "MAP"]
)
def test_what_no_property_can_be_is_no_type(written: str) -> None:
    with pytest.raises(ValueError, match=r"type of a property|NOT NULL"):
        PropertyType.parse(written)


@pytest.mark.parametrize(
    ("type", "yes", "no"),
    [
        ("INTEGER", [1, None], [1.0, True, "1", [1]]),
        ("FLOAT | STRING", [1.5, "a"], [1, False]),
        ("BOOLEAN", [True], [1]),
        ("LIST<INTEGER NOT NULL>", [[], [1, 2], None], [1, [1.0], ["a"], [1, 2.0]]),
        ("LIST<INTEGER NOT NULL> | LIST<FLOAT NOT NULL>", [[1], [1.0]], [[1, 2.0]]),
        ("DATE", [Date(3)], ["2020-01-01"]),
    ],
)
def test_values_are_admitted_one_by_one_and_as_columns(type: str, yes: list, no: list) -> None:
    wanted = PropertyType.parse(type)
    assert all(map(wanted.admits, yes)) and not any(map(wanted.admits, no))
    for value in (*yes, *no):
        for column in (lift([value]), ListColumn([value])):
            assert wanted.admits_column(column) in (wanted.admits(value), None, False)
