"""Sorts, aggregations and DISTINCT that do not fit into memory give what they would give if they did."""

from __future__ import annotations

import gc
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.batch import Batch
from memoradb.core.clock import ManualClock
from memoradb.core.columns import (
    ConstantColumn,
    ListColumn,
    PathColumn,
    RaggedColumn,
    TypedColumn,
    lift,
    node_column,
)
from memoradb.core.duration import Duration
from memoradb.core.errors import Cancelled, CorruptionError, DiskFull, MemQLError, QueryMemoryExceeded
from memoradb.core.footprint import batch_bytes, value_bytes
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal import Date, DateTime, LocalDateTime
from memoradb.core.values import NodeRef, RelationshipRef
from memoradb.memql.exec.aggregate import Aggregation
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.distinct import Distinct
from memoradb.memql.exec.eager import Eager
from memoradb.memql.exec.operator import Frame
from memoradb.memql.exec.sort import Sort, Top
from memoradb.memql.exec.spill import Spill, SystemTemporaryFiles
from memoradb.memql.exec.union import Union
from memoradb.memql.plan.expr import Literal, Variable
from memoradb.memql.plan.nodes import Aggregate, SortKey
from memoradb.memql.session import Options

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context
from spilling import MemoryFiles, Source

values = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, 1e300, (1 << 63) - 1, -(1 << 63)]),
    st.sampled_from(["", "a", "b", "\ud800"]),
    st.booleans(),
    st.sampled_from([Date(1), Date(2), LocalDateTime(1, 5), DateTime(1, 5, 3600, "Europe/Berlin"), Duration(days=1)]),
    st.sampled_from([[1], [1.0], [1, None], [[]], {"b": 1, "a": 2}, {"a": 2.0, "b": 1}, {}]),
    st.sampled_from([NodeRef(1), NodeRef(2), RelationshipRef(1)]),
)
of_one_kind = st.sampled_from([st.integers(-9, 9), st.floats(-2, 2), st.integers(0, 5).map(NodeRef), values, values])


@st.composite
def tables(draw):
    """(keys, second keys, rows, weights) of a table, and the batch bound."""
    n = draw(st.integers(1, 40))
    first, second = draw(of_one_kind), draw(of_one_kind)
    return (
        draw(st.lists(first, min_size=n, max_size=n)),
        draw(st.lists(second, min_size=n, max_size=n)),
        draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)),
        draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)),
        draw(st.sampled_from([1, 2, 3, 16_384])),
    )


def cut(table, per_row, weighted):
    """The table as batches, typed where they can be."""
    first, second, rows, weights, bound = table
    out = []
    for start in range(0, len(first), bound):
        part = slice(start, start + bound)
        columns = {"a": lift(first[part]), "b": ListColumn(second[part]), "i": lift(list(range(len(first)))[part])}
        length = len(first[part])
        row = np.array(rows[part], np.int64) if per_row else None
        out.append(Batch(columns, length, row, np.array(weights[part], np.int64) if weighted else None))
    return out


def frame_of(per_row):
    return Frame(Batch({}, 3, np.arange(3)), 3) if per_row else Frame.top()


def tight(table, **more):
    """A context in which next to nothing fits into memory, but one batch does."""
    files = MemoryFiles()
    limit = 1_200 if table[4] < 4 else 20_000
    return a_context(
        SimpleGraph([]), table[4], memory_bytes_max=more.pop("limit", limit), temporary_files=files, **more
    ), files


def listed(batches, names, rows_max):
    out = []
    for batch in batches:
        assert 0 < batch.length <= rows_max
        columns = [batch.columns[n].values() for n in names]
        out.extend(zip(batch.rows().tolist(), batch.weights().tolist(), *columns, strict=True))
    return out


A, B, PLACE = Variable("a"), Variable("b"), Variable("i")


@settings(deadline=None, max_examples=40)
@given(tables(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["always", "never"]))
def test_an_external_sort_is_stable_and_by_the_order_of_values(table, per_row, weighted, down, again, kernels):
    keys = (SortKey(A, down), SortKey(B, again))
    context, files = tight(table, kernels=kernels, limit=4_000 if table[4] < 4 else 60_000)
    found = listed(
        Sort(Source(batches=cut(table, per_row, weighted)), keys).run(frame_of(per_row), context), "i", table[4]
    )
    order = list(range(len(table[0])))
    order.sort(key=lambda i: order_key(table[1][i]), reverse=again)
    order.sort(key=lambda i: order_key(table[0][i]), reverse=down)
    if per_row:
        order.sort(key=table[2].__getitem__)
    assert [(r, w, i) for r, w, i in found] == [
        (table[2][i] if per_row else 0, table[3][i] if weighted else 1, i) for i in order
    ]
    assert files.open == 0 and context.held_bytes == 0 and context.disk_bytes == 0


@settings(deadline=None, max_examples=40)
@given(tables(), st.booleans(), st.integers(0, 5), st.integers(0, 3), st.booleans())
def test_top_is_the_beginning_of_a_sort(table, per_row, limit, skip, down):
    keys = (SortKey(A, down), SortKey(B, not down))
    context = a_context(SimpleGraph([]), table[4])
    batches = cut(table, per_row, False)
    whole = listed(Sort(Source(batches=batches), keys).run(frame_of(per_row), context), "i", table[4])
    expected = []
    for row in range(3):
        expected += [x for x in whole if x[0] == row][skip : skip + limit]
    top = Top(Source(batches=batches), keys, Literal(limit), Literal(skip))
    assert listed(top.run(frame_of(per_row), context), "i", table[4]) == expected
    assert context.held_bytes == 0


def by_key(table, per_row):
    groups: dict[tuple[int, object], list[int]] = {}
    for i, value in enumerate(table[0]):
        groups.setdefault((table[2][i] if per_row else 0, equivalence_key(value)), []).append(i)
    return groups


@settings(deadline=None, max_examples=40)
@given(tables(), st.booleans(), st.booleans(), st.sampled_from(["always", "never"]))
def test_distinct_keeps_the_first_of_each_class_once(table, per_row, weighted, kernels):
    context, files = tight(table, kernels=kernels, limit=8_000 if table[4] < 4 else 1_000_000)
    batches = cut(table, per_row, weighted)
    found = listed(Distinct(Source(batches=batches), ("a",)).run(frame_of(per_row), context), "a", table[4])
    groups = by_key(table, per_row)
    assert sorted((r, repr(equivalence_key(v))) for r, _, v in found) == sorted((r, repr(k)) for r, k in groups)
    assert {w for _, w, _ in found} <= {1}
    assert files.open == 0 and context.held_bytes == 0 and context.disk_bytes == 0
    both = Union((Source(batches=batches), Source(batches=batches)), ("a",), False)
    assert len(listed(both.run(frame_of(per_row), context), "a", table[4])) == len(groups)


AGGREGATES = {
    "fixed": (
        Aggregate("n", "count", (), False),
        Aggregate("x", "min", (PLACE,), False),
        Aggregate("y", "sum", (PLACE,), False),
    ),
    "gathering": (
        Aggregate("n", "collect", (PLACE,), False),
        Aggregate("x", "count", (PLACE,), True),
        Aggregate("y", "max", (PLACE,), False),
    ),
}


@pytest.mark.parametrize("form", AGGREGATES)
@settings(deadline=None, max_examples=40)
@given(table=tables(), per_row=st.booleans(), weighted=st.booleans(), kernels=st.sampled_from(["always", "never"]))
def test_groups_that_are_dealt_out_are_what_they_were(form, table, per_row, weighted, kernels):
    context, files = tight(table, kernels=kernels, limit=40_000 if table[4] < 4 else 2_000_000)
    source = Source(batches=cut(table, per_row, weighted))
    plan = Aggregation(source, (("a", A),), AGGREGATES[form])
    found = listed(plan.run(frame_of(per_row), context), "anxy", table[4])
    expected = {}
    for (row, key), members in by_key(table, per_row).items():
        many = [i for i in members for _ in range(table[3][i] if weighted else 1)]
        if form == "fixed":
            expected[row, repr(key)] = (1, len(many), min(many), sum(many))
        else:
            expected[row, repr(key)] = (1, many, len(set(many)), max(many))
    assert len(found) == len(expected)
    assert {(r, repr(equivalence_key(a))): (w, n, x, y) for r, w, a, n, x, y in found} == expected
    assert files.open == 0 and context.held_bytes == 0 and context.disk_bytes == 0


# --- that they do go to disk --------------------------------------------------

BIG = [[i * 7919 % 1_000, "x" * (i % 7)] for i in range(1_000)]


def big_batches(bound=16):
    items = [ListColumn([[k, s] for k, s in BIG[i : i + bound]]) for i in range(0, len(BIG), bound)]
    return [Batch({"a": c, "i": lift(list(range(n * bound, n * bound + len(c))))}, len(c)) for n, c in enumerate(items)]


OPERATORS = {
    "eager": (lambda source: Eager(source), 200_000),
    "sort": (lambda source: Sort(source, (SortKey(A),)), 200_000),
    "distinct": (lambda source: Distinct(source, ("a",)), 200_000),
    "count": (lambda source: Aggregation(source, (("a", A),), AGGREGATES["fixed"]), 200_000),
    "collect": (lambda source: Aggregation(source, (("a", A),), AGGREGATES["gathering"]), 500_000),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_what_does_not_fit_goes_to_disk_and_all_comes_back(name):
    make, limit = OPERATORS[name]
    files = MemoryFiles()
    context = a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files)
    found = [v for b in make(Source(batches=big_batches())).run(Frame.top(), context) for v in b.columns["a"].values()]
    assert files.written > 10_000
    assert sorted(found) == sorted(map(list, BIG))
    if name == "sort":
        assert found == sorted(found)
    assert files.open == 0 and context.held_bytes == 0 and context.disk_bytes == 0


@pytest.mark.parametrize("name", OPERATORS)
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(name):
    make, limit = OPERATORS[name]
    for files, error in (
        (MemoryFiles(room=3_000), DiskFull),
        (MemoryFiles(lies=True), CorruptionError),
    ):
        context = a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files)
        with pytest.raises(error):
            list(make(Source(batches=big_batches())).run(Frame.top(), context))
        gc.collect()
        assert files.open == 0 and context.held_bytes == 0 and context.disk_bytes == 0


@pytest.mark.parametrize("name", OPERATORS)
def test_the_disk_that_a_statement_may_use_is_bounded(name):
    make, limit = OPERATORS[name]
    files = MemoryFiles()
    context = a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files, disk_bytes_max=5_000)
    with pytest.raises(QueryMemoryExceeded) as caught:
        list(make(Source(batches=big_batches())).run(Frame.top(), context))
    assert caught.value.limit == "QUERY_DISK_BYTES" and caught.value.value == 5_000
    assert files.open == 0


@pytest.mark.parametrize("name", OPERATORS)
def test_files_are_gone_after_an_error_a_cancellation_and_an_early_end(name):
    make, limit = OPERATORS[name]
    files = MemoryFiles()
    context = a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files)
    with pytest.raises(MemQLError, match="source"):
        list(make(Source(batches=big_batches(), fails=True)).run(Frame.top(), context))
    assert files.written > 10_000 and files.open == 0 and context.held_bytes == 0
    running = make(Source(batches=big_batches())).run(Frame.top(), context)
    next(running)
    running.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert files.open == 0 and context.held_bytes == 0
    cancellation = Cancellation(ManualClock())
    context = a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files, cancellation=cancellation)
    running = context.batches(make(Source(batches=big_batches())), Frame.top())
    next(running)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(running)
    assert files.open == 0 and context.held_bytes == 0
    running = make(Source(batches=big_batches())).run(
        Frame.top(), context := a_context(SimpleGraph([]), 16, memory_bytes_max=limit, temporary_files=files)
    )
    next(running)
    context.close()  # the statement has ended, though its operators are still there
    assert files.open == 0


def test_one_group_that_gathers_more_than_fits_is_a_clear_error():
    with memoradb.open(None) as db:
        with pytest.raises(QueryMemoryExceeded) as caught:
            db.execute(
                "UNWIND range(1, 100000) AS x WITH collect(x) AS xs RETURN size(xs)",
                options=Options(memory_bytes_max=1_000_000),
            )
        assert caught.value.limit == "QUERY_MEMORY_BYTES"


def test_a_statement_spills_to_the_engines_files_and_gives_the_same_answer():
    with memoradb.open(None) as db:
        files = db.query_engine.temporary_files = MemoryFiles()
        text = """UNWIND range(1, 30000) AS x WITH toString(x * 7919 % 30011) AS s, x ORDER BY s
                  WITH s, x, s + 'a' AS t WITH DISTINCT t, s ORDER BY t DESC WITH collect(s) AS all
                  RETURN size(all), all[0], all[29999]"""
        small = db.execute(text, options=Options(memory_bytes_max=12_000_000)).rows
        assert files.written > 100_000 and files.open == 0
        written = files.written
        assert small == db.execute(text).rows == [(30000, "9", "10000")]
        assert files.written == written


# --- the file ------------------------------------------------------------------


def test_every_form_of_column_comes_back_as_it_was():
    offsets = np.array([0, 2, 2, 3])
    columns = {
        "typed": TypedColumn(node_column(np.arange(3)).kind, np.arange(3), np.array([True, False, False])),
        "list": ListColumn([{"b": 1, "a": [NodeRef(1)]}, math.nan, "\ud800"]),
        "constant": ConstantColumn([1, 2], 3),
        "ragged": RaggedColumn(offsets, lift([1, None, 3]), np.array([False, True, False])),
        "paths": PathColumn(offsets, np.arange(6), np.arange(3)),
        "dates": lift([Date(1), None, Date(3)]),
        "zoned": lift([DateTime(1, 5, 3600, "Europe/Berlin"), None, DateTime(1, 5, 7200, None)]),
    }
    batch = Batch(columns, 3, np.array([0, 1, 1]), np.array([1, 2, 3]))
    for files in (MemoryFiles(), SystemTemporaryFiles()):
        with Spill(files, a_context(SimpleGraph([]))) as spill:
            first = spill.write(batch.slice(0, 2))
            place = spill.write(batch)
            again = spill.read(place)
            assert spill.read(first).length == 2
        assert {n: type(c) for n, c in again.columns.items()} == {n: type(c) for n, c in columns.items()}
        assert repr({n: c.values() for n, c in again.columns.items()}) == repr(
            {n: c.values() for n, c in columns.items()}
        )
        assert again.rows().tolist() == [0, 1, 1] and again.weights().tolist() == [1, 2, 3]


def test_a_temporary_file_has_no_name(tmp_path):
    file = SystemTemporaryFiles(str(tmp_path)).create()
    file.append(b"abc")
    file.append(b"def")
    assert file.read(2, 3) == b"cde"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CorruptionError):
        file.read(4, 3)
    file.close()
    file.close()


# --- accounting ----------------------------------------------------------------


def test_memory_is_counted_in_real_bytes():
    assert batch_bytes(Batch({"a": lift(list(range(1000)))}, 1000)) - 8_000 < 300
    words = ["x" * 1_000 for _ in range(64)] + ["y" * i for i in range(2_000)]
    exact = sum(map(sys.getsizeof, words)) + 8 * len(words)
    assert 0.5 < batch_bytes(Batch({"a": ListColumn(words)}, len(words))) / exact < 2
    assert value_bytes([["a" * 10_000], {"k": "b" * 10_000}]) > 20_000


def test_an_object_that_many_rows_share_is_counted_once():
    shared = list(range(100_000))
    assert batch_bytes(Batch({"a": ListColumn([shared] * 10_000)}, 10_000)) < 8_000_000
