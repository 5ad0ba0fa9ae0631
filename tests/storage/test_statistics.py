"""Counts and summaries for the planner against counting."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.columns import StringColumn, lift
from memoradb.storage.properties.dictionary import StringDictionary
from memoradb.storage.statistics import Measured, SnapshotStatistics, ViewStatistics
from memoradb.storage.summary import distinct_of_sample, places_of, summary_of, summary_of_degrees
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Direction, Element, Follows, RangeBound

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, open_engine

NODES = 8
edges = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=20)
labelled = st.lists(st.sets(st.integers(0, NODES - 1)), min_size=2, max_size=2)


@given(edges, edges, labelled, st.sets(st.integers(0, 30)), st.booleans())
def test_relationships_between_labels_are_counted_and_brought_up_to_date(
    base: list[tuple[int, int]], fresh: list[tuple[int, int]], labels: list[set[int]], gone: set[int], asked: bool
) -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda v: v.create_nodes(NODES, ["All"], {"x": lift([1] * NODES)}))
    for name, members in zip("AB", labels, strict=True):
        commit(engine, lambda v, n=name, m=members: v.add_labels(np.array(sorted(m), np.int64), [n]))
    sets = {"All": set(range(NODES)), "A": labels[0], "B": labels[1], None: set(range(NODES))}
    model: list[tuple[int, int]] = []
    dead: set[int] = set()

    def check() -> None:
        alive = [edge for i, edge in enumerate(model) if i not in dead]
        for source, sources in sets.items():
            for target, targets in sets.items():
                expected = sum(s in sources and t in targets for s, t in alive)
                assert engine.statistics.relationships_between(source, "R", target) == expected
        assert engine.statistics.has_loops("R") == any(s == t for s, t in alive)
        assert engine.statistics.has_parallels("R") or len(set(alive)) == len(alive)

    for part in (base, fresh):
        if asked:
            check()  # what is counted now has to be brought up to date later
        if part:
            ends = np.array(part, np.int64)
            commit(engine, lambda v, e=ends: v.create_relationships("R", e[:, 0].copy(), e[:, 1].copy(), {}))
            model += part
        if part is base:
            engine.store.fold()
    if asked:
        check()
    dead |= {g for g in gone if g < len(model)}
    if dead:
        commit(engine, lambda v: v.delete_relationships(np.array(sorted(dead), np.int64)))
    check()


@given(edges, st.sets(st.integers(0, NODES - 1)), st.sets(st.integers(0, NODES - 1)))
def test_relationships_are_counted_again_where_nodes_change_their_labels(
    pairs: list[tuple[int, int]], first: set[int], then: set[int]
) -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda v: v.create_nodes(NODES, ["All"], {}))
    ends = np.array(pairs or [(0, 1)], np.int64)
    commit(engine, lambda v: v.create_relationships("R", ends[:, 0].copy(), ends[:, 1].copy(), {}))
    for now, other in ((first, set[int]()), (then, first)):
        commit(engine, lambda v, m=now: v.add_labels(np.array(sorted(m), np.int64), ["A"]))
        commit(engine, lambda v, m=other - now: v.remove_labels(np.array(sorted(m), np.int64), ["A"]))
        for source, target in (("A", None), (None, "A"), ("A", "A")):
            expected = sum((source is None or s in now) and (target is None or t in now) for s, t in ends.tolist())
            assert engine.statistics.relationships_between(source, "R", target) == expected


def test_a_snapshot_of_the_past_answers_with_its_own_counts() -> None:
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 40) AS i CREATE (:A {k: i % 4})-[:T]->(:B)")
        before = database.storage.snapshot()
        assert before.statistics.relationships_between("A", "T", "B") == 40
        database.execute("UNWIND range(1, 400) AS i CREATE (:A {k: 9})-[:T]->(:B)-[:T]->(:C)")
        after = database.storage.snapshot()
        assert after.statistics.relationships_between("A", "T", "B") == 440
        assert (before.statistics.nodes(), after.statistics.nodes()) == (80, 1280)
        assert before.statistics.relationships_between("A", "T", "B") == 40
        assert before.statistics.relationships() == 40 and after.statistics.relationships("T") == 840
        assert after.statistics.values("A", "k").distinct == 5
        assert before.statistics.values("A", "k").distinct == 4
        assert before.statistics.degrees("A", "T", Direction.OUT).nodes == 40


def test_a_database_that_is_opened_again_has_the_same_statistics(tmp_path: Path) -> None:
    def seen(database: memoradb.Database) -> object:
        found = database.storage.snapshot().statistics
        return (
            found.relationships_between("A", "T", "B"),
            found.degrees("A", "T", Direction.OUT),
            found.values("A", "k"),
            found.values("T", "w", Element.RELATIONSHIP),
        )

    with memoradb.open(tmp_path) as database:
        database.execute("UNWIND range(1, 400) AS i CREATE (:A {k: i % 40})-[:T {w: i % 3}]->(:B)")
        before = seen(database)
    with memoradb.open(tmp_path) as database:
        assert seen(database) == before


def test_very_many_are_counted_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.statistics.COUNTED_EDGES", 100)
    engine = open_engine(MemoryVfs())
    commit(engine, lambda v: v.create_nodes(1_000, ["A"], {}))
    commit(engine, lambda v: v.create_nodes(1_000, ["B"], {}))
    commit(engine, lambda v: v.create_nodes(10, ["C"], {}))
    sources = np.repeat(np.arange(1_000), 3)
    commit(engine, lambda v: v.create_relationships("R", sources, 1_000 + sources % 500, {}))
    commit(engine, lambda v: v.create_relationships("R", np.arange(2_000, 2_010), np.arange(10), {}))
    assert 2_700 < engine.statistics.relationships_between("A", "R", "B") < 3_300


def test_a_view_says_the_same_as_a_snapshot_and_has_a_transactions_own_changes() -> None:
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 60) AS i CREATE (:A {k: i % 7})-[:T {w: i % 3}]->(:B:C {k: i % 10})")
        database.execute("MATCH (a:A {k: 3})-[r:T]->() DELETE r")
        snapshot = database.storage.snapshot()
        fast, plain = SnapshotStatistics(snapshot), ViewStatistics(snapshot)
        for view in (fast, plain):
            assert view.nodes_with_labels(("B", "C")) == 60 and view.nodes_with_labels(()) == 120
        for source in (None, "A", "B"):
            for direction in Direction:
                assert fast.degrees(source, "T", direction) == plain.degrees(source, "T", direction)
            for target in (None, "A", "C"):
                ends = (source, "T", target)
                assert fast.relationships_between(*ends) == plain.relationships_between(*ends)
        follows = Follows(("T",), Direction.OUT)
        assert fast.degree_after(("A",), follows, follows) == plain.degree_after(("A",), follows, follows)
        assert fast.values("A", "k") == plain.values("A", "k")
        weights = ("T", "w", Element.RELATIONSHIP)
        assert fast.values(*weights) == plain.values(*weights)
        with database.begin() as transaction:
            transaction.execute("CREATE (:A {k: 100})-[:T]->(:A)")
            rows = transaction.execute("CALL db.stats() YIELD kind, label, count WHERE label = 'A' RETURN count").rows
            assert rows[0] == (62,)
            transaction.rollback()


values = st.one_of(st.none(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from("abcx"), st.booleans())


@given(st.lists(values, max_size=80), st.integers(-6, 6), st.integers(-6, 6))
def test_few_distinct_values_are_known_exactly(items: list[Any], low: int, high: int) -> None:
    found = summary_of(lift(list(items)), len(items))
    held = [value for value in items if value is not None]
    assert found.null_share == pytest.approx(1 - len(held) / len(items) if items else 1.0)
    keys = Counter((type(v) is bool, v) for v in held)
    assert found.distinct == len(keys)
    for (boolean, value), count in keys.items():
        assert found.equal_share(bool(value) if boolean else value) == pytest.approx(count / len(items))
    inside = sum(type(v) in (int, float) and low <= v < high for v in held)
    share = found.range_share(RangeBound(low, True), RangeBound(high, False))
    assert share == pytest.approx(inside / len(items) if items else 0.0, abs=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["uniform", "skewed", "strings", "dates", "floats"]))
def test_many_distinct_values_are_known_to_a_few_hundredths(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 5_000, 4_000)
    if kind == "skewed":
        numbers = (random.pareto(1.2, 4_000) * 100).astype(np.int64)
    items: list[Any] = numbers.tolist()
    if kind == "floats":
        items = random.normal(0, 1, 4_000).tolist()
    if kind == "strings":
        items = [f"{n:05}" for n in numbers.tolist()]
    if kind == "dates":
        from memoradb.core.temporal import Date

        items = [Date(n) for n in numbers.tolist()]
    column = lift(list(items))
    if kind == "strings":
        dictionary = StringDictionary()
        column = StringColumn(np.array([dictionary.intern(str(item)) for item in items], np.int32), dictionary)
    found = summary_of(column, len(items))
    assert found.distinct == len(set(items))
    keyed = sorted(items, key=lambda v: v.days if kind == "dates" else v)
    for low, high in ((400, 900), (0, 3_999), (2_000, 2_050), (3_900, 3_999)):
        bounds = RangeBound(keyed[low], True), RangeBound(keyed[high], False)
        expected = sum(low <= i < high or v == keyed[low] for i, v in enumerate(keyed) if v != keyed[high]) / 4_000
        assert found.range_share(*bounds) == pytest.approx(expected, abs=0.04)


def test_heavy_hitters_stand_out_among_many_values() -> None:
    items = [*range(3_000), *[7] * 1_000, *[99] * 500]
    found = summary_of(lift(list(items)), len(items))
    assert [value for value, _ in found.heavy_hitters] == [7, 99]
    assert found.equal_share(7) == pytest.approx(1_001 / 4_500)
    assert found.equal_share(8) == pytest.approx(1 / 4_500, rel=0.1)
    assert found.equal_share(-8) < 1 / 4_500
    assert found.matching_share(lambda value: value % 2 == 1) == pytest.approx(3_000 / 4_500, abs=0.05)


def test_a_part_of_the_values_tells_how_many_distinct_ones_there_are() -> None:
    assert distinct_of_sample(1_000, 1_000, 1_000, 50_000) == 50_000
    assert distinct_of_sample(50, 0, 1_000, 50_000) == 50
    assert distinct_of_sample(3, 1, 3, 3) == 3


@given(st.integers(0, 3_000), st.integers(1, 500))
def test_places_are_different_and_spread(count: int, most: int) -> None:
    places = places_of(count, most)
    assert len(places) == min(count, most) == len(np.unique(places))
    if count > most:
        parts = np.searchsorted(np.arange(most + 1) * count // most, places, side="right")
        assert (parts == np.arange(1, most + 1)).all()


@given(st.lists(st.integers(0, 9), max_size=50))
def test_degrees_are_summed_up(degrees: list[int]) -> None:
    found = summary_of_degrees(np.array(degrees, np.int64), len(degrees))
    assert (found.relationships, found.largest) == (sum(degrees), max(degrees, default=0))
    assert found.without == degrees.count(0) and found.squares == sum(d * d for d in degrees)
    assert found.quantiles[0] == min(degrees, default=0) and list(found.quantiles) == sorted(found.quantiles)


def test_measurements_are_shared_by_a_generation_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.statistics.MEASURES_MAX", 3)
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 500) AS i CREATE (:A {a: i, b: i, c: i, d: i})")
        shared: Measured = database.storage.store.measured
        first = database.storage.snapshot().statistics.values("A", "a")
        database.execute("CREATE (:A {a: 0})")
        assert database.storage.snapshot().statistics.values("A", "a") is first
        for key in "bcd":
            database.storage.snapshot().statistics.values("A", key)
        assert len(shared.made) <= 3
