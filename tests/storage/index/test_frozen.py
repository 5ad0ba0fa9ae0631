"""Runs and what changes beside them, against a plain list of values; and indexes of databases that were opened."""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ConstantColumn, ListColumn, lift
from memoradb.core.semantics import equals
from memoradb.core.temporal import Date, LocalDateTime, LocalTime
from memoradb.core.values import Value
from memoradb.storage.index import range_index
from memoradb.storage.index.condition import Keys, between
from memoradb.storage.index.frozen import Frozen, Run, run_of
from memoradb.storage.index.range_index import RangeIndex
from memoradb.storage.properties.dictionary import StringDictionary
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexDefinition, IndexKind, RangeBound

sys.path.insert(0, str(Path(__file__).parents[1]))

from workload import commit, index, open_engine

DEFINITION = IndexDefinition("i", IndexKind.RANGE, Element.NODE, ("A",), ("x",))
BIG = 1 << 53

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from((BIG, BIG + 1, -BIG - 1, (1 << 63) - 1, -(1 << 63))),
)
floats = st.one_of(st.floats(-2, 2, width=16), st.sampled_from((float(BIG), float("inf"), -0.0, float("nan"), 1e300)))
texts = st.text("ab", max_size=3)
dates = st.builds(Date, st.integers(-2, 3))
times = st.builds(LocalTime, st.integers(0, 3))
moments = st.builds(LocalDateTime, st.sampled_from((-1, 0, 1, 300_000)), st.integers(0, 2))
lists = st.lists(st.integers(0, 2), max_size=2)
values = st.one_of(st.none(), st.booleans(), numbers, floats, texts, dates, times, moments, lists)
alike = st.one_of(
    *(st.lists(st.one_of(st.none(), one), min_size=1, max_size=12) for one in (numbers, floats, texts, dates, times)),
    st.lists(st.one_of(st.none(), moments), min_size=1, max_size=12),
    st.lists(values, min_size=1, max_size=12),
    st.builds(lambda value, count: [value] * count, values, st.integers(1, 5)),
)
bounds = st.one_of(st.none(), st.builds(RangeBound, values.filter(lambda v: v is not None), st.booleans()))
changes = st.lists(st.one_of(alike, st.tuples(st.integers(0, 40), values)), max_size=12)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_index, "FROZEN_ROWS_MIN", 3)
    monkeypatch.setattr(range_index, "GONE_MIN", 4)
    monkeypatch.setattr(range_index, "TOGETHER_MIN", 4)
    monkeypatch.setattr("memoradb.storage.index.frozen.TOGETHER_MIN", 3)


def column(items: list[Value], dictionary: StringDictionary | None) -> Any:
    if dictionary is not None and all(v is None or type(v) is str for v in items):
        from memoradb.core.columns import StringColumn

        codes = [-1 if v is None else dictionary.intern(v) for v in items]  # type: ignore[arg-type]
        return StringColumn(np.array(codes, np.int32), dictionary)
    if len(items) > 3 and len(set(map(repr, items))) == 1:
        return ConstantColumn(items[0], len(items))
    return lift(items)


def build(script: list, coded: bool) -> tuple[RangeIndex, dict[int, Value]]:
    """What a script gives, and what it should: changes of values, and values that come together."""
    made, held = RangeIndex(DEFINITION), {}
    dictionary = StringDictionary() if coded else None
    for position, step in enumerate(script, 1):
        if isinstance(step, tuple):
            slot = step[0] % (len(held) or 1)
            if slot in held:
                made.replace(slot, [held[slot]], [step[1]], position)
                held[slot] = step[1]
        else:
            slots = np.arange(len(held), len(held) + len(step))
            made.add(slots, [column(step, dictionary)], position)
            held.update(zip(slots.tolist(), step, strict=True))
    return made, held


@given(changes, st.booleans(), st.lists(values, min_size=1, max_size=8), bounds, bounds, texts)
def test_an_index_with_runs_finds_what_a_scan_finds(
    script: list, coded: bool, wanted: list, low: RangeBound | None, high: RangeBound | None, prefix: str
) -> None:
    made, held = build(script, coded)
    position = len(script)
    there = [(slot, v) for slot, v in held.items() if v is not None and v == v]
    expected = [[slot for slot, v in there if equals(v, value) is True] for value in wanted]
    assert [made.seek(value, position) for value in wanted] == expected
    pairs = [(i, slot) for i, slots in enumerate(expected) for slot in slots]
    assert list(zip(*made.seek_all(wanted, position), strict=True)) == pairs
    assert made.range(low, high, position).tolist() == [slot for slot, v in there if between(v, low, high)]
    strings = [slot for slot, v in there if type(v) is str and v.startswith(prefix)]
    assert made.prefix(prefix, position).tolist() == strings
    assert made.size[0] == len(there)
    own = [v for v in wanted if type(v) is int or type(v) is str]
    assert made.lacks(own) == (not any(equals(v, value) is True for value in own for _, v in there))


@given(changes, st.booleans())
def test_an_index_with_runs_holds_what_one_without_them_holds(script: list, coded: bool) -> None:
    made, held = build(script, coded)
    plain = RangeIndex(DEFINITION)
    for slot, value in held.items():
        plain.add(np.array([slot]), [ListColumn([value])], 1)
    assert made.contents() == plain.contents()


replacements = st.dictionaries(st.integers(0, 40), st.one_of(alike.flatmap(st.sampled_from), values), max_size=25)


@given(changes, st.lists(replacements, max_size=3), st.booleans(), st.lists(values, max_size=5))
def test_what_changes_together_is_what_changes_one_by_one(
    script: list, rounds: list[dict[int, Value]], coded: bool, wanted: list[Value]
) -> None:
    together, held = build(script, coded)
    alone, _ = build(script, coded)
    start = len(script)
    states = [dict(held)]
    for position, replaced in enumerate(rounds, start + 1):
        rows = [(slot, [held[slot]], [new]) for slot, new in replaced.items() if slot in held]
        if rows:
            together.replace_all([(s, old if old[0] is not None else None, new) for s, old, new in rows], position)
        for slot, old, new in rows:
            alone.replace(slot, old, new, position)
            held[slot] = new[0]
        states.append(dict(held))
    assert together.contents() == alone.contents()
    assert together.size[0] == alone.size[0] == sum(v is not None and v == v for v in held.values())
    for position, state in enumerate(states, start):
        for value in wanted:
            assert together.seek(value, position) == alone.seek(value, position)
            assert {s for s, v in state.items() if equals(v, value) is True} <= set(together.seek(value, position))


@given(changes, changes, st.booleans(), values, bounds)
def test_older_readers_get_all_that_they_may_see(
    before: list, after: list, coded: bool, wanted: Value, bound: RangeBound | None
) -> None:
    made, held = build(before, coded)
    then, position = dict(held), len(before)
    for at, step in enumerate(after, position + 1):
        if isinstance(step, tuple) and step[0] in held:
            made.replace(step[0], [held[step[0]]], [step[1]], at)
            held[step[0]] = step[1]
    assert {s for s, v in then.items() if equals(v, wanted) is True} <= set(made.seek(wanted, position))
    inside = {s for s, v in then.items() if v is not None and v == v and between(v, bound, bound)}
    assert inside <= set(made.range(bound, bound, position).tolist())


def test_runs_are_joined_so_that_there_are_few() -> None:
    frozen = Frozen()
    for start in range(0, 3_000, 10):
        items: list[Value] = [i * 7919 % 3_000 for i in range(start, start + 10)]
        run = run_of(np.arange(start, start + 10), lift(items))
        assert run is not None
        joined = frozen.with_run(run)
        assert joined is not None
        frozen = joined
        lengths = [len(run) for run in frozen.runs]
        assert sum(lengths) == start + 10
        assert all(a > 2 * b for a, b in pairwise(lengths))
    assert [frozen.find(i * 7919 % 3_000) for i in range(0, 3_000, 101)] == [[i] for i in range(0, 3_000, 101)]


def test_what_left_is_taken_out_of_the_runs_when_it_is_much() -> None:
    made = RangeIndex(DEFINITION)
    made.add(np.arange(20), [lift(list(range(20)))], 1)
    for slot in range(12):
        made.replace(slot, [slot], [None], slot + 2)
    frozen = made._frozen
    assert sum(map(len, frozen.runs)) < 20
    assert made.range(RangeBound(0, True), None, 99).tolist() == list(range(12, 20))


@pytest.mark.parametrize("old_first", [False, True])
def test_the_index_of_an_opened_database_answers_from_runs_now_then_and_inside_a_transaction(old_first: bool) -> None:
    disk = MemoryVfs()
    rows = {"n": lift([i * 7 % 50 for i in range(60)]), "s": lift([f"s{i % 9}" for i in range(60)])}
    engine = open_engine(disk)
    for name, key in (("by_n", "n"), ("by_s", "s")):
        commit(engine, lambda view, name=name, key=key: view.create_index(index(name, IndexKind.RANGE, "A", key)))
    commit(engine, lambda view: view.create_nodes(60, ["A"], rows))
    engine.checkpoint()
    engine.close()
    engine = open_engine(disk)
    if old_first:
        assert engine.snapshot().index_seek("by_n", [7])[1].tolist() == [1, 51]
    old = engine.snapshot()
    commit(engine, lambda view: view.set_property(Element.NODE, np.array([1, 2]), "n", ListColumn([49, 7])))
    commit(engine, lambda view: view.delete_nodes(np.array([51]), True))
    commit(engine, lambda view: view.create_nodes(5, ["A"], {"n": lift([7, 8, 9, 7, 7]), "s": lift(["s1"] * 5)}))
    made = engine.store.indexes["by_n"]
    assert isinstance(made, RangeIndex)
    assert made._frozen.runs
    with engine.begin() as transaction:
        inside = transaction.overlay
        inside.set_property(Element.NODE, np.array([3]), "n", ListColumn([7]))
        for view in (old, engine.snapshot(), inside):
            slots = np.asarray(view.nodes_with_label("A").to_array(), np.int64)
            held = dict(zip(slots.tolist(), view.property(Element.NODE, slots, "n").values(), strict=True))
            for wanted in (7, 49, 14, 8):
                expected = [slot for slot, v in held.items() if v == wanted]
                assert view.index_seek("by_n", [wanted])[1].tolist() == expected
                assert view.index_search("by_n", Keys((wanted,))).tolist() == expected
            low, high = RangeBound(7, False), RangeBound(20.5, True)
            assert view.index_range("by_n", low, high).tolist() == [s for s, v in held.items() if 7 < v <= 20]
            texts = dict(zip(slots.tolist(), view.property(Element.NODE, slots, "s").values(), strict=True))
            assert view.index_prefix("by_s", "s1").tolist() == [s for s, v in texts.items() if v == "s1"]
    for each in engine.store.indexes.values():
        assert each.verify(engine.store) == []
    engine.close()


keys_of_runs = st.one_of(st.integers(-40, 40), st.sampled_from([(1 << 63) - 1, -(1 << 63)]))


@given(
    st.one_of(st.lists(keys_of_runs, min_size=1), st.integers(1, 60).map(lambda n: list(range(5, 5 + n)))),
    st.one_of(
        st.lists(keys_of_runs, max_size=60), st.lists(st.one_of(keys_of_runs, st.floats(-4, 4, width=16), st.text("a")))
    ),
    st.booleans(),
)
def test_many_keys_are_found_together_as_each_is_alone(keys: list[int], wanted: list[Any], floats: bool) -> None:
    held = np.array(sorted(map(float, keys)) if floats else sorted(keys))
    wanted = [float(w) if floats and type(w) is int else w for w in wanted]
    run = Run(held, np.arange(100, 100 + len(keys)))
    places, slots = run.find_all(wanted)
    expected = [(place, slot) for place, value in enumerate(wanted) for slot in run.find(value)]
    assert list(zip(places.tolist(), slots.tolist(), strict=True)) == expected
