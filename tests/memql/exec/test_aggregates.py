"""Aggregates against the obvious: over typed and mixed columns, in groups, with weights, in batches of any size."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ListColumn, lift
from memoradb.core.duration import Duration
from memoradb.core.errors import ArithmeticOverflow, TypeMismatch
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef
from memoradb.memql.functions.aggregate import aggregator

numbers = st.one_of(st.integers(-5, 5), st.sampled_from([1 << 62, -(1 << 62), INTEGER_MAX]))
floats = st.one_of(st.floats(-5, 5), st.sampled_from([math.nan, math.inf, 0.0]))
anything = st.one_of(numbers, floats, st.booleans(), st.sampled_from(["a", "b"]), st.builds(NodeRef, st.integers(0, 3)))
rows_of_one_kind = st.sampled_from([numbers, floats, anything]).flatmap(
    lambda kind: st.lists(st.tuples(st.integers(0, 2), st.one_of(st.none(), kind), st.integers(1, 3)), max_size=12)
)


def aggregated(function, rows, distinct=False, size=100, typed=True) -> Any:
    """The results of groups 0 to 2, given in batches of ``size``; None for an overflow or a type error."""
    state = aggregator(function, distinct)
    state.grow(3)
    try:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            codes = np.array([g for g, _, _ in part], np.int64)
            weights = np.array([w for _, _, w in part], np.int64)
            items = [v for _, v, _ in part]
            column = lift(items) if typed else ListColumn(items)
            state.update(codes, [column], None if bool((weights == 1).all()) else weights, len(part))
        return state.result().values()
    except (ArithmeticOverflow, TypeMismatch) as error:
        return type(error)


def naive(function, values, distinct):
    values = [v for v in values if v is not None]
    if distinct:
        values = list({equivalence_key(v): v for v in values}.values())
    match function:
        case "count":
            return len(values)
        case "collect":
            return values
        case "min" | "max":
            return (min if function == "min" else max)(values, key=order_key, default=None)
    if any(type(v) not in (int, float) for v in values):
        return TypeMismatch
    total = sum(v for v in values if type(v) is int)
    if any(type(v) is float for v in values):
        total = float(total) + sum(v for v in values if type(v) is float)
    if function == "avg":
        return total / len(values) if values else None
    if type(total) is float:
        return total
    return total if INTEGER_MIN <= total <= INTEGER_MAX else ArithmeticOverflow


def alike(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, sorted(a, key=order_key), sorted(b, key=order_key)))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-9) or a == b or (a != a and b != b)
    return type(a) is type(b) and (a == b or order_key(a) == order_key(b))


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("function", ["count", "sum", "avg", "min", "max", "collect"])
@given(rows_of_one_kind, st.booleans(), st.sampled_from([1, 2, 3, 100]))
def test_an_aggregate_is_what_it_is_called(function, distinct, rows, typed, size):
    expected = [
        naive(function, [v for g, v, w in rows if g == group for _ in range(w)], distinct) for group in range(3)
    ]
    errors = [e for e in expected if isinstance(e, type)]
    found = aggregated(function, rows, distinct, size, typed)
    if isinstance(found, type):
        assert found in errors
    else:
        assert not errors
        assert all(map(alike, found, expected)), (found, expected)


@given(rows_of_one_kind)
def test_one_group_alone_needs_no_codes(rows):
    items = [v for _, v, _ in rows]
    for function in ("count", "sum", "avg", "min", "max", "collect"):
        state, coded = aggregator(function, False), aggregator(function, False)
        state.grow(1)
        coded.grow(1)
        results = []
        for one, codes in ((state, None), (coded, np.zeros(len(items), np.int64))):
            try:
                one.update(codes, [lift(items)], None, len(items))
                results.append(one.result().item(0))
            except (ArithmeticOverflow, TypeMismatch) as error:
                results.append(type(error))
        assert alike(*results)


def test_a_sum_overflows_by_its_result_and_not_by_the_order_of_its_rows():
    rows = [(0, INTEGER_MAX, 1), (0, 5, 1), (0, -5, 1)]
    for size in (1, 2, 3):
        assert aggregated("sum", rows, size=size)[0] == INTEGER_MAX
        assert aggregated("sum", rows[:2], size=size) is ArithmeticOverflow
    assert aggregated("avg", [(0, INTEGER_MAX, 1), (0, INTEGER_MAX, 1)])[0] == float(INTEGER_MAX)


def test_a_weighted_sum_does_not_wrap_around():
    assert aggregated("sum", [(0, 1 << 62, 3)]) is ArithmeticOverflow
    assert aggregated("sum", [(0, 1 << 60, 4)])[0] == 1 << 62


def test_durations_are_summed_and_not_mixed_with_numbers():
    days = [Duration(days=1), Duration(days=2)]
    assert aggregated("sum", [(0, d, 2) for d in days])[0] == Duration(days=6)
    assert aggregated("sum", [(0, 1, 1), (0, days[0], 1)]) is TypeMismatch
    assert aggregated("sum", [(0, days[0], 1), (0, 1, 1)]) is TypeMismatch
