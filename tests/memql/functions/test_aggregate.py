"""Accumulators: the same answer however rows are cut into batches, typed or listed, weighted or written out."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import ArithmeticOverflow
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal import Date, at_instant
from memoradb.core.values import INTEGER_MAX, NodeRef, RelationshipRef
from memoradb.memql.functions.aggregate import aggregator

small = st.one_of(st.none(), st.integers(-9, 9))
halves = st.one_of(st.none(), st.integers(-9, 9).map(lambda n: n / 2))
elements = st.one_of(st.builds(NodeRef, st.integers(0, 3)), st.builds(RelationshipRef, st.integers(0, 3)))
moments = st.one_of(
    st.none(),
    st.builds(at_instant, st.integers(-1, 1), st.sampled_from([0, 3600, "Europe/Berlin", "Europe/Stockholm"])),
)
mixed = st.one_of(small, halves, st.sampled_from(["a", "b", True, [1], Date(1), Date(2)]), elements, moments)


def rows(items):
    return st.lists(st.tuples(st.integers(0, 2), items, st.integers(1, 3)), max_size=12)


def in_batches(data, items):
    """``items`` cut anywhere."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(items)), max_size=3)))
    return [items[a:b] for a, b in zip([0, *cuts], [*cuts, len(items)], strict=True)]


def aggregated(name, distinct, batches, typed, weighted=True):
    state = aggregator(name, distinct)
    state.grow(3)
    for batch in batches:
        if not weighted:
            batch = [(g, v, 1) for g, v, w in batch for _ in range(w)]
        values = [v for _, v, _ in batch]
        column = lift(values) if typed else ListColumn(values)
        weights = np.array([w for _, _, w in batch], np.int64)
        codes = np.array([g for g, _, _ in batch], np.int64)
        state.update(codes, [column], weights if weighted else None, len(batch))
    return list(state.result().values())


def by_hand(name, distinct, items):
    groups = defaultdict(list)
    for group, value, weight in items:
        if value is not None:
            groups[group].extend([value] * weight)
    out = []
    for group in range(3):
        values = groups[group]
        if distinct:
            values = list({equivalence_key(v): v for v in reversed(values)}.values())
        match name:
            case "count":
                out.append(len(values))
            case "sum":
                out.append(sum(values))
            case "avg":
                out.append(sum(values) / len(values) if values else None)
            case "min":
                out.append(min(values, key=order_key, default=None))
            case "max":
                out.append(max(values, key=order_key, default=None))
    return out


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["count", "sum", "avg", "min", "max"])
@given(data=st.data())
def test_numbers_by_group(name, distinct, typed, weighted, data):
    items = data.draw(st.one_of(rows(small), rows(halves)))
    found = aggregated(name, distinct, in_batches(data, items), typed, weighted)
    for got, expected in zip(found, by_hand(name, distinct, items), strict=True):
        assert got == expected or math.isclose(got, expected)


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("name", ["count", "min", "max"])
@given(data=st.data())
def test_values_of_any_type_by_group(name, typed, data):
    items = data.draw(st.one_of(rows(mixed), rows(elements), rows(moments)))
    distinct = data.draw(st.booleans())
    assert aggregated(name, distinct, in_batches(data, items), typed) == by_hand(name, distinct, items)


@given(rows(mixed), st.data())
def test_collect_keeps_values_in_order_as_often_as_they_weigh(items, data):
    found = aggregated("collect", False, in_batches(data, items), typed=True)
    assert found == [[v for g, v, w in items for _ in range(w) if g == group and v is not None] for group in range(3)]


def test_a_node_and_a_relationship_at_one_place_are_two():
    with memoradb.open(None) as db:
        db.execute("CREATE (:A)-[:R]->(:B)")
        query = "CALL { MATCH (x) RETURN x UNION ALL MATCH ()-[x]->() RETURN x } RETURN count(DISTINCT x) AS n"
        assert db.execute(query).value() == 3


@pytest.mark.parametrize("typed", [False, True])
def test_a_sum_beyond_64_bits_overflows_whether_in_one_batch_or_two(typed):
    half = INTEGER_MAX // 2 + 1
    for batches in ([[(0, half, 1), (0, half, 1)]], [[(0, half, 1)], [(0, half, 1)]], [[(0, half, 2)]]):
        with pytest.raises(ArithmeticOverflow):
            aggregated("sum", False, batches, typed)
        assert aggregated("avg", False, batches, typed)[0] == pytest.approx(float(half))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=9), st.floats(0, 1))
def test_percentiles_lie_between_the_values(numbers, share):
    with memoradb.open(None) as db:
        query = "UNWIND $n AS x RETURN percentileCont(x, $s) AS c, percentileDisc(x, $s) AS d, stDev(x) AS s"
        continuous, discrete, deviation = db.execute(query, {"n": numbers, "s": share}).single()
    assert min(numbers) <= continuous <= max(numbers)
    assert discrete in numbers
    assert deviation == pytest.approx(np.std(numbers, ddof=1) if len(numbers) > 1 else 0.0)
    assert discrete == sorted(numbers)[max(0, math.ceil(share * len(numbers)) - 1)]
    assert continuous == pytest.approx(float(np.percentile(numbers, share * 100)))


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.sampled_from([math.nan, -1.0, 0.5, 2.0, math.inf])), min_size=1), min_size=1
    ),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from(["percentilecont", "percentiledisc"]),
    st.booleans(),
)
def test_a_percentile_from_sorted_runs_is_that_of_all_values(parts, share, name, whole):
    if whole:
        parts = [[None if v is None or not math.isfinite(v) else int(v * 4) for v in part] for part in parts]
    typed, listed = aggregator(name, False), aggregator(name, False)
    typed.grow(1)
    listed.grow(1)
    for part in parts:
        shares = ListColumn([share] * len(part))
        typed.update(None, [lift(part), shares], None, len(part))
        listed.update(None, [ListColumn(part), shares], None, len(part))
    assert repr(typed.result().values()) == repr(listed.result().values())
