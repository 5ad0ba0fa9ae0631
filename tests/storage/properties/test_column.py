"""A property column against a list of values: typed forms, misfits, dictionary strings, undo, dump and load."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS
from memoradb.core.columns import ConstantColumn, Kind, ListColumn, StringColumn, TypedColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.temporal import Date, DateTime, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value
from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.properties.column import PropertyColumn
from memoradb.storage.properties.forms import Form
from memoradb.storage.section import Section
from memoradb.storage.undo import UndoLog

ZONES = (0, 3600, "Europe/Stockholm", "Europe/Berlin", "America/New_York")

integers = st.integers(-(2**63), 2**63 - 1)
values = st.one_of(
    st.none(),
    integers,
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(max_size=4),
    st.lists(integers, max_size=2),
    st.builds(Date, st.integers(0, 9)),
    st.builds(at_instant, st.integers(-1, 1), st.sampled_from(ZONES)),
)
dates = st.builds(Date, st.one_of(st.integers(0, 9), st.integers(DAY_MIN, DAY_MAX)))
moments = st.builds(at_instant, st.integers(-(10**25), 10**25), st.sampled_from(ZONES))
times = st.builds(Time, st.integers(0, DAY_NS - 1), st.sampled_from([0, 3600, -1]))
local_moments = st.builds(LocalDateTime, st.integers(DAY_MIN, DAY_MAX), st.integers(0, DAY_NS - 1))
local_times = st.builds(LocalTime, st.integers(0, DAY_NS - 1))
batches = st.one_of(
    st.lists(st.one_of(st.none(), integers), min_size=1, max_size=12),
    st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "long string"])), min_size=1, max_size=12),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=1, max_size=5),
    *(
        st.lists(st.one_of(st.none(), of), min_size=1, max_size=8)
        for of in (dates, moments, times, local_moments, local_times)
    ),
    st.lists(values, min_size=1, max_size=6),
)
steps = st.lists(
    st.one_of(st.tuples(st.just("append"), batches), st.tuples(st.just("put"), st.integers(0, 200), values)),
    max_size=14,
)


def gathered(column: PropertyColumn, slots: list[int], position: int) -> list[Value]:
    return list(column.gather(np.array(slots, np.int64), position).values())


def identical(one: list[Value], other: list[Value]) -> bool:
    return [(type(a), a) for a in one] == [(type(b), b) for b in other]


def reloaded(column: PropertyColumn, count: int) -> PropertyColumn:
    return loaded(dumped(column, count))


NAME = "nodes/property-0"


def dumped(column: PropertyColumn, count: int, position: int = 1 << 40) -> list[Section]:
    """The first slots of a column in files."""
    pin = column.pin()
    pin = replace(pin, length=min(count, pin.length))
    sections = column.dump(NAME, pin, position)
    return [decode_section(memoryview(encode_section(s)), "f") if s.file is None else s for s in sections]


def loaded(sections: list[Section]) -> PropertyColumn:
    column = PropertyColumn(UndoLog())
    column.load(NAME, sections)
    return column


@given(steps)
def test_a_column_is_what_a_list_would_be_now_then_and_after_loading(script: list[tuple[str, object]]) -> None:
    column, model, past = PropertyColumn(), [], []
    for position, step in enumerate(script, 1):
        past.append((position - 1, len(model), list(model)))
        if step[0] == "append":
            batch = step[1]
            assert isinstance(batch, list)
            column.append(len(model), lift(list(batch)))
            model.extend(batch)
        elif model:
            slot = step[1] % len(model)  # type: ignore[operator]
            column.put(slot, step[2], position)  # type: ignore[misc]
            model[slot] = step[2]  # type: ignore[misc]
    slots = list(range(len(model)))
    now = len(script)
    assert identical(gathered(column, slots, now), model)
    assert identical([column.item(s, now) for s in slots], model)
    assert gathered(column, [len(model) + 5], now) == [None] and column.newest(len(model)) is None
    for position, length, expected in past:
        assert identical(gathered(column, slots[:length], position), expected)
        assert identical([column.item(s, position) for s in slots[:length]], expected)
    loaded = reloaded(column, len(model))
    assert identical(gathered(loaded, slots[::-1], now), model[::-1])
    loaded.append(len(model), lift([1, "x"]))
    if model:
        loaded.put(0, "changed", now + 1)
        assert loaded.item(0, now) == model[0] and loaded.newest(0) == "changed"
    assert loaded.newest(len(model)) == 1 and loaded.newest(len(model) + 1) == "x"


def test_the_form_follows_the_first_values() -> None:
    cases: list[tuple[list[Value], Form, type]] = [
        ([1, None, 2], Form.INTEGER, TypedColumn),
        ([1.5], Form.FLOAT, TypedColumn),
        ([True, None], Form.BOOLEAN, TypedColumn),
        (["a", "b", "a"], Form.STRING, StringColumn),
        ([[1], None], Form.LIST, ListColumn),
        ([1, "a"], Form.LIST, ListColumn),
        ([Date(1), None], Form.DATE, TemporalColumn),
        ([LocalTime(1)], Form.LOCAL_TIME, TemporalColumn),
        ([LocalDateTime(1, 1)], Form.LOCAL_DATETIME, TemporalColumn),
        ([Time(1, 3600), Time(1, 0)], Form.TIME, TemporalColumn),
        ([at_instant(0, "Europe/Berlin"), None, at_instant(0, 0)], Form.DATETIME, TemporalColumn),
        ([Duration.of(1, 0, 0)], Form.LIST, ListColumn),
        ([Date(DAY_MAX + 1), Date(1)], Form.LIST, ListColumn),
        ([None], Form.EMPTY, ConstantColumn),
    ]
    for items, form, kind in cases:
        column = PropertyColumn()
        column.append(0, lift(list(items)))
        assert column.form is form
        assert type(column.gather(np.arange(len(items)), 0)) is kind


def test_a_few_misfits_are_kept_aside_and_many_make_it_a_list() -> None:
    column = PropertyColumn()
    column.append(0, TypedColumn(Kind.INTEGER, np.arange(1_000)))
    for slot in range(10):
        column.put(slot, f"odd {slot}", 1)
    assert column.form is Form.INTEGER and len(column.state.misfits) == 10
    assert type(column.gather(np.arange(20, 40), 1)) is TypedColumn  # a typo elsewhere costs these rows nothing
    assert column.gather(np.array([3, 500]), 1).values() == ["odd 3", 500]
    column.put(3, 33, 2)
    assert 3 not in column.state.misfits and column.newest(3) == 33
    for slot in range(100, 120):
        column.put(slot, "odd", 3)
    assert column.form is Form.LIST
    assert column.newest(3) == 33 and column.newest(4) == "odd 4" and column.newest(119) == "odd"
    assert column.gather(np.array([3, 4, 100]), 1).values() == ["odd 3", "odd 4", 100]


def test_misfits_that_come_in_one_batch_lose_nothing_of_it() -> None:
    column = PropertyColumn()
    column.append(0, lift([1, 2]))
    items: list[Value] = [3, "a", 4, "b", "c", "d", "e", 5, "f"]
    column.append(2, ListColumn(items))
    assert [column.newest(s) for s in range(11)] == [1, 2, *items]


def test_strings_share_codes_and_long_distinct_ones_are_kept_plain() -> None:
    column = PropertyColumn()
    column.append(0, lift(["x", "y"] * 100))
    found = column.gather(np.arange(4), 0)
    assert isinstance(found, StringColumn) and found.codes.tolist() == [0, 1, 0, 1]
    column.append(200, lift([f"{i} " + "long " * 60 for i in range(5_000)]))
    assert column.form is Form.LIST and column.newest(1) == "y" and column.newest(203) == "3 " + "long " * 60


def test_a_typed_column_is_gathered_without_a_copy_per_value_and_masks_what_is_missing() -> None:
    column = PropertyColumn()
    column.append(0, lift([1, None, 3]))
    found = column.gather(np.array([0, 1, 7]), 0)
    assert isinstance(found, TypedColumn) and found.mask is not None and found.mask.tolist() == [False, True, True]


def test_nothing_of_a_loaded_column_is_read_before_it_is_used() -> None:
    column = PropertyColumn()
    column.append(0, lift([1, 2, 3]))
    loaded = reloaded(column, 3)
    assert "state" not in vars(loaded) and loaded.length == 3
    assert loaded.newest(1) == 2 and "state" in vars(loaded)
    loaded.put(1, 20, 5)
    assert gathered(loaded, [0, 1, 2], 4) == [1, 2, 3]


def test_an_unchanged_column_is_dumped_as_the_sections_that_it_came_from() -> None:
    column = PropertyColumn()
    column.append(0, lift([1, 2, 3]))
    again = reloaded(column, 3)
    first = list(again.dump(NAME, again.pin(), 0))
    assert "state" not in vars(again)
    second = list(again.dump(NAME, again.pin(), 0))
    assert [a is b for a, b in zip(first, second, strict=True)] == [True] * len(first) == [True, True]
    assert not {id(s) for s in again.dump("nodes/property-1", again.pin(), 0)} & {id(s) for s in first}
    again.put(0, 5, 1)
    changed = list(again.dump(NAME, again.pin(), 1))
    assert [a is b for a, b in zip(first, changed, strict=True)] == [False, False]


@pytest.mark.parametrize("items", [[1, None, 2], ["a", None], [[1], None], [1, "a"], [None], [True, 2, "x", 3.5]])
def test_a_dump_of_fewer_slots_holds_those(items: list[Value]) -> None:
    column = PropertyColumn()
    column.append(0, lift(list(items)))
    assert identical(gathered(reloaded(column, 1), [0, 1, 2], 0), [items[0], None, None])


def test_a_list_of_dates_is_kept_as_integers_with_misfits_aside() -> None:
    column = PropertyColumn()
    items: list[Value] = [at_instant(n * 10**15, ZONES[n % len(ZONES)]) for n in range(1_000)]
    column.append(0, ListColumn(list(items)))
    assert column.form is Form.DATETIME
    column.put(3, "tomorrow", 1)
    column.put(4, Date(1), 2)
    column.put(5, DateTime(1 << 70, 0, 0), 3)  # made by hand, beyond every year
    assert column.form is Form.DATETIME and len(column.state.misfits) == 3
    assert type(column.gather(np.arange(10, 20), 3)) is TemporalColumn
    assert column.gather(np.arange(3, 7), 2).values() == ["tomorrow", Date(1), items[5], items[6]]
    assert column.gather(np.arange(3, 7), 0).values() == items[3:7]
    for slot in range(20, 40):
        column.put(slot, "soon", 4)
    assert column.form is Form.LIST and column.newest(50) == items[50] and column.newest(4) == Date(1)


def test_dates_loaded_from_a_file_are_integers_with_zones() -> None:
    column = PropertyColumn()
    items: list[Value] = [at_instant(n, "Europe/Berlin") for n in range(100)]
    column.append(0, lift(items))
    loaded = reloaded(column, 100)
    found = loaded.gather(np.arange(100), 0)
    assert isinstance(found, TemporalColumn) and found.values() == items
    loaded.put(7, at_instant(7, "Asia/Tokyo"), 1)
    assert loaded.newest(7) == at_instant(7, "Asia/Tokyo") and loaded.item(7, 0) == items[7]
    again = reloaded(loaded, 100)
    assert again.newest(7) == at_instant(7, "Asia/Tokyo") and again.newest(99) == items[99]


@given(batches, st.lists(batches, max_size=4))
def test_values_appended_as_a_column_and_one_by_one_are_the_same(first: list[Value], rest: list[list[Value]]) -> None:
    together, apart, model = PropertyColumn(), PropertyColumn(), []
    for number, batch in enumerate((first, *rest)):
        together.append(len(model), lift(list(batch)) if number % 2 else ListColumn(list(batch)))
        for slot, value in enumerate(batch, len(model)):
            apart.append_one(slot, value)
        model += batch
    slots = [*range(len(model) + 2)]
    assert identical(gathered(together, slots, 0), [*model, None, None])
    assert identical(gathered(apart, slots, 0), [*model, None, None])


@given(batches, st.lists(st.dictionaries(st.integers(0, 14), values, min_size=1, max_size=12), max_size=4))
def test_values_overwritten_as_a_column_and_one_by_one_are_the_same(
    first: list[Value], writes: list[dict[int, Value]]
) -> None:
    log, other = UndoLog(), UndoLog()
    together, apart = PropertyColumn(log), PropertyColumn(other)
    together.append(0, lift(list(first)))
    apart.append(0, lift(list(first)))
    model = [*first, *[None] * (15 - len(first))][:15]
    states = [list(model)]
    for position, write in enumerate(writes, 1):
        new = ListColumn(list(write.values())) if position % 2 else lift(list(write.values()))
        together.put_all(np.array(list(write), np.int64), new, position)
        for slot, value in write.items():
            apart.put(slot, value, position)
            model[slot] = value
        states.append(list(model))
    for position, state in enumerate(states):
        for column in (together, apart):
            assert identical(gathered(column, [*range(15)], position), state)
            assert identical([column.item(slot, position) for slot in range(15)], state)
    for position in range(len(states) + 1):
        log.prune(position)
        other.prune(position)
        assert (len(log), log.bytes, log.horizon) == (len(other), other.bytes, other.horizon)


def test_lengths_of_strings_are_looked_at_again_when_there_are_twice_as_many() -> None:
    column = PropertyColumn()
    for slot in range(5_000):
        column.append_one(slot, f"{slot}")
    assert column.form is Form.STRING
    for slot in range(5_000, 9_000):
        column.append_one(slot, f"{slot}" * 100)
    assert column.form is Form.LIST
    assert column.newest(7) == "7" and column.newest(8_999) == "8999" * 100


SETS = {
    "integers": st.integers(0, 9),
    "strings": st.sampled_from(["a", "b"]),
    "dates": dates,
    "mixed": st.one_of(st.integers(0, 9), st.just("misfit")),
}


@pytest.mark.parametrize("kind", SETS)
@given(st.data(), st.integers(0, 40), st.integers(0, 60), st.integers(60, 140), st.sampled_from([0.0, 0.02, 1.0]))
def test_a_run_of_slots_has_the_values_that_its_slots_have_one_by_one(kind, data, skipped, first, count, missing):
    column = PropertyColumn(UndoLog())
    items = data.draw(st.lists(SETS[kind], min_size=1, max_size=9)) * 30
    items = [None if i % 50 < 50 * missing else item for i, item in enumerate(items[:150])]
    column.append(skipped, ListColumn(items))
    for slots in (
        range(first, first + count),
        range(first + count, first, -1),
        [*range(first, first + count), 10_000],
        [*range(first, first + count)] * 3,
    ):
        assert gathered(column, list(slots), 1) == [column.item(slot, 1) for slot in slots]


def test_what_was_gathered_does_not_change_with_the_column():
    column = PropertyColumn(UndoLog())
    column.append(0, lift(list(range(100))))
    before = column.gather(np.arange(100), 1)
    column.put(5, 1_000, 2)
    assert before.item(5) == 5
    assert column.gather(np.arange(100), 1).item(5) == 5
    assert column.gather(np.arange(100), 2).item(5) == 1_000
