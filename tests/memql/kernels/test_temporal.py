"""Kernels over dates and times against the law: equality, order, IN, null tests, grouping, sorting, components."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, ConstantColumn, ListColumn, TypedColumn, concat, lift
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal import Date, LocalTime, at_instant
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value
from memoradb.memql.functions.registry import lookup
from memoradb.memql.kernels.compare import KERNELS
from memoradb.memql.kernels.compile import apply_scalar, compile_expression
from memoradb.memql.kernels.grouping import group_rows, ranks, row_keys, sort_positions
from memoradb.memql.kernels.temporal import extreme_position
from memoradb.memql.plan.expr import IsNull, Property, Variable

sys.path.insert(0, str(Path(__file__).parents[1] / "exec"))
sys.path.insert(0, str(Path(__file__).parents[2] / "core"))
from simple_graph import SimpleGraph, a_context  # pyright: ignore[reportMissingImports]
from temporal_values import (  # pyright: ignore[reportMissingImports]
    STRATEGIES,
    columns_of,
    kinds,
    lists_of_one_kind,
    one_kind,
)

BINARY = ["=", "<>", "<", "<=", ">", ">="]
two_columns = st.tuples(kinds, st.integers(1, 8)).flatmap(lambda p: st.tuples(columns_of(*p), columns_of(*p)))
column_and_constant = st.tuples(kinds, st.integers(1, 8)).flatmap(lambda p: st.tuples(columns_of(*p), STRATEGIES[p[0]]))


def law(name: str, *operands: Column) -> list[Value]:
    definition = lookup(name)
    assert definition is not None
    return apply_scalar(definition, list(operands), len(operands[0]), None).values()  # pyright: ignore[reportArgumentType]


def by_kernel(name: str, *operands: Column) -> list[Value]:
    found = KERNELS[name](*operands)
    assert isinstance(found, TypedColumn), f"{name} has no kernel for {operands}"
    return found.values()


@pytest.mark.parametrize("name", BINARY)
@given(two_columns)
def test_two_columns_compare_as_the_law_says(name, pair):
    a, b = map(lift, pair)
    assert by_kernel(name, a, b) == law(name, a, b)
    halves = concat([a, b])  # one dictionary of zones for both
    one, other = halves.slice(0, len(a)), halves.slice(len(a), len(halves))
    assert by_kernel(name, one, other) == law(name, a, b)


@pytest.mark.parametrize("name", BINARY)
@given(column_and_constant)
def test_a_column_and_a_constant_compare_as_the_law_says(name, pair):
    column, constant = lift(pair[0]), ConstantColumn(pair[1], len(pair[0]))
    assert by_kernel(name, column, constant) == law(name, column, constant)
    assert by_kernel(name, constant, column) == law(name, constant, column)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("other", [LocalTime(1), 1, "1970-01-01", None])
def test_other_kinds_are_left_to_the_law(name, other):
    column = lift([Date(1), None])
    assert KERNELS[name](column, ConstantColumn(other, 2)) is None
    assert KERNELS[name](ConstantColumn(other, 2), column) is None
    assert KERNELS[name](column, lift([other, other])) is None


@given(lists_of_one_kind, st.data())
def test_in_a_list_of_the_kind_is_as_the_law_says(items, data):
    column = lift(items)
    assert isinstance(column, TemporalColumn)
    wanted = data.draw(
        st.lists(st.one_of(st.sampled_from([v for v in items if v]), STRATEGIES[column.kind]), min_size=1)
    )
    constant = ConstantColumn(wanted, len(items))
    assert by_kernel("IN", column, constant) == law("IN", column, constant)
    for odd in ([*wanted, None], [*wanted, 1]):
        assert KERNELS["IN"](column, ConstantColumn(odd, len(items))) is None


@given(st.integers(1, 8).flatmap(lambda n: st.lists(kinds.flatmap(lambda k: columns_of(k, n)), min_size=1, max_size=3)))
def test_groups_are_classes_of_equivalent_values(lists):
    columns = [lift(items) for items in lists]
    codes, first = group_rows(columns, None, len(lists[0]))
    naive: dict[object, int] = {}
    rows = [tuple(map(equivalence_key, row)) for row in zip(*lists, strict=True)]
    expected = [naive.setdefault(row, len(naive)) for row in rows]
    assert codes.tolist() == expected
    assert row_keys(columns, first, None) == list(naive)


@given(lists_of_one_kind, st.booleans())
def test_sorting_and_ranks_are_by_the_order_of_values(items, descending):
    column = lift(items)
    found = sort_positions([(column, descending)], None).tolist()
    assert found == sorted(range(len(items)), key=lambda i: order_key(items[i]), reverse=descending)
    keys = [order_key(v) for v in items]
    numbers = ranks(column).tolist()
    for i in range(len(items)):
        for j in range(len(items)):
            assert (numbers[i] < numbers[j], numbers[i] == numbers[j]) == (keys[i] < keys[j], keys[i] == keys[j])


@given(one_kind.flatmap(lambda values: st.lists(values, min_size=1, max_size=8)))
def test_the_extremes_are_those_of_the_order(items):
    column = lift(items)
    assert isinstance(column, TemporalColumn)
    assert items[extreme_position(column, True)] == max(items, key=order_key)
    assert items[extreme_position(column, False)] == min(items, key=order_key)


def test_equal_moments_in_different_zones_are_two_groups_in_a_fixed_order():
    utc, berlin, fixed = at_instant(0, 0), at_instant(0, "Europe/Berlin"), at_instant(0, 3600)
    column = lift([berlin, utc, fixed, berlin])
    codes, _ = group_rows([column], None, 4)
    assert codes.tolist() == [0, 1, 2, 0]
    assert sort_positions([(column, False)], None).tolist() == [1, 2, 0, 3]
    assert by_kernel("=", column, ConstantColumn(utc, 4)) == [False, True, False, False]
    assert by_kernel(">", column, ConstantColumn(utc, 4)) == [True, False, True, True]


@pytest.mark.parametrize("expr", [IsNull(Variable("d")), IsNull(Variable("d"), True)])
@given(lists_of_one_kind)
def test_null_tests_read_the_mask(expr, items):
    evaluate = compile_expression(expr)
    batch = Batch({"d": lift(items)}, len(items))
    found = evaluate(batch, a_context(SimpleGraph([]), kernels="always"))
    expected = evaluate(Batch({"d": ListColumn(items)}, len(items)), a_context(SimpleGraph([]), kernels="never"))
    assert found.values() == expected.values()


@pytest.mark.parametrize("key", ["year", "week", "dayOfQuarter", "hour", "nanosecond", "timezone", "epochMillis", "x"])
@given(lists_of_one_kind)
def test_components_are_those_of_single_values(key, items):
    evaluate = compile_expression(Property(Variable("d"), key))
    found = evaluate(Batch({"d": lift(items)}, len(items)), a_context(SimpleGraph([]), kernels="always"))
    expected = evaluate(Batch({"d": ListColumn(items)}, len(items)), a_context(SimpleGraph([]), kernels="never"))
    assert found.values() == expected.values()


def test_a_year_of_a_hundred_thousand_dates_makes_no_date_object(monkeypatch):
    column = TemporalColumn(lift([Date(0)]).kind, (np.arange(100_000),))  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr(TemporalColumn, "values", lambda self: pytest.fail("values were made"))
    batch = Batch({"d": column}, len(column))
    found = compile_expression(Property(Variable("d"), "year"))(batch, a_context(SimpleGraph([]), kernels="always"))
    assert isinstance(found, TypedColumn) and found.data[-1] == 2243
    bound = ConstantColumn(Date(500), len(column))
    verdict = KERNELS["<"](column, bound)
    assert isinstance(verdict, TypedColumn) and int(verdict.data.sum()) == 500
