"""A column at an old position: in arrays, and what the list of all its states would say."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import Column, StringColumn, TypedColumn, lift
from memoradb.core.temporal import Date, at_instant
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value
from memoradb.storage.properties.column import PropertyColumn
from memoradb.storage.undo import UndoLog

ROWS = 100
MAKERS: list[Callable[[int], Value]] = [
    lambda i: i,
    lambda i: i / 2,
    lambda i: i % 3 == 0,
    lambda i: f"s{i % 7}",
    Date,
    lambda i: at_instant(i * 10**12, ("Europe/Berlin", 3600)[i % 2]),
    lambda i: [i],
]
writes = st.lists(st.tuples(st.integers(0, ROWS - 1), st.one_of(st.none(), st.integers(0, 50))), max_size=60)


@pytest.mark.parametrize("make", MAKERS)
@given(writes, writes, st.integers(0, 3))
def test_a_scan_at_any_position_is_what_was_there(
    make: Callable[[int], Value], first: list[tuple[int, int | None]], more: list[tuple[int, int | None]], odd: int
) -> None:
    log = UndoLog()
    column, model = PropertyColumn(log), [make(i) for i in range(ROWS)]
    column.append(0, lift(list(model)))
    slots = np.arange(ROWS)
    states = [list(model)]
    for script in (first, more):
        for slot, number in script:
            value = None if number is None else "misfit" if number < odd else make(number)
            column.put(slot, value, len(states))
            model[slot] = value
            states.append(list(model))
        for position in {0, len(states) // 2, len(states) - 1}:
            assert column.gather(slots, position).values() == states[position]
            assert column.gather(slots[::-1][:70], position).values() == states[position][::-1][:70]
    oldest = len(states) // 2
    log.prune(oldest)
    for position in range(oldest, len(states)):
        assert column.gather(slots, position).values() == states[position]


@pytest.mark.parametrize(
    ("make", "kind"),
    [(MAKERS[0], TypedColumn), (MAKERS[3], StringColumn), (MAKERS[4], TemporalColumn), (MAKERS[5], TemporalColumn)],
)
def test_a_scan_of_the_past_stays_in_arrays(make: Callable[[int], Value], kind: type[Column]) -> None:
    column = PropertyColumn()
    column.append(0, lift([make(i) for i in range(1_000)]))
    for slot in range(0, 1_000, 3):
        column.put(slot, make(slot + 1), 5)
    found = column.gather(np.arange(1_000), 4)
    assert type(found) is kind and found.values() == [make(i) for i in range(1_000)]


def test_what_is_overwritten_while_a_scan_goes_on_is_seen_too() -> None:
    column = PropertyColumn()
    column.append(0, lift(list(range(2_000))))
    slots = np.arange(2_000)
    for position in range(1, 2_000):
        column.put(position, -1, position)
        if position % 100 == 77:
            assert column.gather(slots, 0).values() == list(range(2_000))
            assert column.gather(slots, 50).values()[:60] == [0, *[-1] * 50, *range(51, 60)]


def test_forgotten_overwrites_leave_no_trace_of_themselves() -> None:
    log = UndoLog()
    column = PropertyColumn(log)
    column.append(0, lift([0] * 100))
    for position in range(1, 5_000):
        column.put(position % 100, position, position)
    expected = column.gather(np.arange(100), 4_990).values()
    log.prune(4_990)
    assert column.gather(np.arange(100), 4_990).values() == expected
    assert len(column.overwrites.since(4_990)) == 9
