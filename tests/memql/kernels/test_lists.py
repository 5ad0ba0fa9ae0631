"""Ragged columns of lists and paths against lists of Python values: the same answers, and no values made."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    Column,
    ListColumn,
    PathColumn,
    RaggedColumn,
    TypedColumn,
    lift,
    node_column,
    relationship_column,
)
from memoradb.core.errors import TypeMismatch
from memoradb.core.values import NodeRef, PathRef, RelationshipRef
from memoradb.memql.kernels.compile import compile_expression
from memoradb.memql.plan.expr import (
    Call,
    Expr,
    IsNull,
    ListComprehension,
    Literal,
    PathOf,
    Quantifier,
    Reduce,
    Variable,
)
from memoradb.memql.syntax.ast_expr import QuantifierKind
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "exec"))
from simple_graph import SimpleGraph, a_context  # pyright: ignore[reportMissingImports]
from test_kernels import coded

elements = st.one_of(st.none(), st.integers(-2, 3))
lists = st.lists(st.one_of(st.none(), st.lists(elements, max_size=4)), min_size=1, max_size=8)
X, Y, XS = Variable("x"), Variable("y"), Variable("xs")


def ragged(values: list, padded: bool = False) -> Column:
    """Lists as a ragged column; ``padded``: a null list has elements that nobody may see."""
    items, offsets = [], [0]
    for value in values:
        items.extend([9, 9] if value is None and padded else value or [])
        offsets.append(len(items))
    mask = np.array([v is None for v in values], np.bool_)
    return RaggedColumn(np.array(offsets, np.int64), lift(items), mask if mask.any() else None)


def evaluated(expr: Expr, kernels, graph=None, **columns: Column) -> list:
    batch = Batch(dict(columns), len(next(iter(columns.values()))))
    return compile_expression(expr)(batch, a_context(graph or SimpleGraph([]), kernels=kernels)).values()


def assert_same(expr: Expr, values: list, **more: Column) -> None:
    expected = evaluated(expr, "never", xs=ListColumn(values), **more)
    for column in (ListColumn(values), ragged(values), ragged(values, True)):
        for kernels in ("auto", "always", "never"):
            assert evaluated(expr, kernels, xs=column, **more) == expected


SMALL = Call("<", (X, Literal(2)))


@given(
    lists, st.sampled_from([None, SMALL, IsNull(X)]), st.sampled_from([None, Call("*", (X, Literal(2))), Variable("y")])
)
def test_a_comprehension_keeps_and_maps(values, test, body):
    y = lift(list(range(len(values))))
    assert_same(ListComprehension("x", XS, test, body), values, y=y)
    expected = []
    for i, items in enumerate(values):
        kept = items and [
            x for x in items if test is None or (x is None if test is not SMALL else x is not None and x < 2)
        ]
        mapped = kept and [x if body is None else i if body == Y else None if x is None else x * 2 for x in kept]
        expected.append(None if items is None else mapped or [])
    assert evaluated(ListComprehension("x", XS, test, body), "always", xs=ragged(values), y=y) == expected


@pytest.mark.parametrize("kind", QuantifierKind)
@given(lists)
def test_a_quantifier_counts_in_three_values(kind, values):
    assert_same(Quantifier(kind, "x", XS, SMALL), values)
    found = evaluated(Quantifier(kind, "x", XS, SMALL), "always", xs=ragged(values))
    for items, verdict in zip(values, found, strict=True):
        if items is None:
            assert verdict is None
            continue
        possible = set()
        unknown = items.count(None)
        true = sum(x is not None and x < 2 for x in items)
        for guessed in range(unknown + 1):  # null is either: the verdict is known where all guesses agree
            n = true + guessed
            possible.add(
                {
                    QuantifierKind.ANY: n > 0,
                    QuantifierKind.ALL: n == len(items),
                    QuantifierKind.NONE: n == 0,
                    QuantifierKind.SINGLE: n == 1,
                }[kind]
            )
        if len(possible) == 1:
            assert verdict is possible.pop()
        else:
            assert verdict is None


@given(lists, st.lists(elements, min_size=8, max_size=8))
def test_reduce_goes_from_left_to_right(values, starts):
    y = lift(starts[: len(values)])
    step = Call("-", (Call("*", (Variable("s"), Literal(2))), X))
    assert_same(Reduce("s", Y, "x", XS, step), values, y=y)
    expected = []
    for start, items in zip(starts, values, strict=False):
        held = start
        for x in items or []:
            held = None if held is None or x is None else held * 2 - x
        expected.append(None if items is None else held)
    assert evaluated(Reduce("s", Y, "x", XS, step), "auto", xs=ragged(values), y=y) == expected


@given(lists, st.lists(elements, min_size=8, max_size=8))
def test_in_looks_through_ragged_lists(values, sought):
    assert_same(Call("IN", (Y, XS)), values, y=lift(sought[: len(values)]))
    assert_same(Call("IN", (Literal(1), XS)), values)
    assert_same(Call("size", (XS,)), values)


@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "ab"])), min_size=1, max_size=6))
def test_the_size_of_coded_strings_is_that_of_strings(items):
    found = evaluated(Call("size", (Y,)), "always", y=coded(items))
    assert found == [None if s is None else len(s) for s in items]


def test_what_is_no_list_is_an_error():
    for expr in (ListComprehension("x", XS, None, None), Reduce("s", Literal(0), "x", XS, X)):
        for values in ([[1], 2], [3]):
            with pytest.raises(TypeMismatch):
                evaluated(expr, "auto", xs=ListColumn(values))


# --- paths ---------------------------------------------------------------------------------------

GRAPH = SimpleGraph([((), {})] * 3, [("T", 0, 1), ("T", 1, 2), ("T", 2, 0), ("T", 1, 1), ("T", 2, 1)])


@st.composite
def walks(draw):
    """(node, relationship, node, list of relationships, node) of a walk over GRAPH; the list is null now and then."""
    first = draw(st.integers(0, 2))
    slot, second = draw(st.sampled_from(list(GRAPH.steps(first, None, Direction.BOTH))))
    hops, here = [], second
    for _ in range(draw(st.integers(0, 3))):
        hop, here = draw(st.sampled_from(list(GRAPH.steps(here, None, Direction.BOTH))))
        hops.append(hop)
    return first, slot, second, hops, here


@given(st.lists(st.tuples(walks(), st.booleans()), min_size=1, max_size=6))
def test_a_path_column_is_the_paths_row_by_row(rows):
    table = [w for w, _ in rows]
    nulls = [null for _, null in rows]
    hops = RaggedColumn(
        np.cumsum([0, *(len(w[3]) for w in table)]),
        relationship_column(np.array([h for w in table for h in w[3]], np.int64)),
        np.array(nulls, np.bool_) if any(nulls) else None,
    )
    columns: dict[str, Column] = {
        "a": node_column(np.array([w[0] for w in table], np.int64)),
        "r": relationship_column(np.array([w[1] for w in table], np.int64)),
        "b": node_column(np.array([w[2] for w in table], np.int64)),
        "h": hops,
        "c": node_column(np.array([w[4] for w in table], np.int64)),
    }
    path = PathOf(("a", "r", "b", "h", "c"))
    column = compile_expression(path)(Batch(columns, len(table)), a_context(GRAPH))
    assert isinstance(column, PathColumn)
    law = evaluated(path, "never", GRAPH, **columns)
    assert column.values() == law
    for name in ("length", "nodes", "relationships"):
        found = evaluated(Call(name, (path,)), "always", GRAPH, **columns)
        assert found == evaluated(Call(name, (path,)), "never", GRAPH, **columns)
    for (first, slot, _, more, last), null, value in zip(table, nulls, law, strict=True):
        assert value is None if null else isinstance(value, PathRef)
        if isinstance(value, PathRef):
            assert (value.nodes[0], value.nodes[-1], value.relationships) == (first, last, (slot, *more))


def test_a_path_of_one_node_and_of_an_optional_one():
    nodes = TypedColumn(node_column(np.array([1])).kind, np.array([1, 2]), np.array([False, True]))
    assert evaluated(PathOf(("a",)), "auto", GRAPH, a=nodes) == [PathRef((1,), ()), None]
    two = {"a": nodes, "r": lift([RelationshipRef(0), RelationshipRef(1)]), "b": lift([NodeRef(0), NodeRef(1)])}
    assert evaluated(PathOf(("a", "r", "b")), "auto", GRAPH, **two) == [PathRef((1, 0), (0,)), None]
