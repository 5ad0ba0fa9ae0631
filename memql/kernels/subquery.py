"""Subqueries as values: EXISTS, COUNT, COLLECT, each run once over a slice of the batch.

The inner plan starts from the columns it needs and a fresh ``row``; results come back by row. On an error in a slice
its rows are run one by one, so that the first row in order that fails decides which error is raised (DESIGN 4.3). One
that reads nothing of the row (``Once``) is run for one row, whose value all have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, ListColumn, RaggedColumn, TypedColumn, concat
from memoradb.core.errors import MemQLError
from memoradb.core.values import Value

from ..exec.once import Once
from ..exec.operator import Frame, Operator
from ..exec.slices import OutputSlices
from ..functions.aggregate import Count
from ..plan.expr import Subquery
from ..syntax.ast_expr import SubqueryKind

if TYPE_CHECKING:
    from ..exec.context import Context


def argument_frame(batch: Batch, names: tuple[str, ...]) -> Frame:
    """A frame whose argument is these columns of ``batch``, each row its own."""
    row = None if batch.length == 1 else np.arange(batch.length)
    return Frame(Batch({n: batch.columns[n] for n in names}, batch.length, row), batch.length)


def compile_subquery(expr: Subquery) -> Callable[[Batch, Context], Column]:
    """The evaluator of a subquery whose plan is physical."""
    plan = expr.plan
    assert isinstance(plan, Operator), "the planner makes subqueries physical"
    run = _RUNS[expr.kind]
    if isinstance(plan, Once):
        return _constant(plan.input, expr, run)

    def evaluate(batch: Batch, context: Context) -> Column:
        if batch.length == 1:
            return run(plan, expr, batch, context)[0]
        columns: list[Column] = []
        slices = OutputSlices(plan, context)
        for piece in slices.of(batch):
            try:
                found, rows = run(plan, expr, piece, context)
                columns.append(found)
                slices.caused(piece.length, rows)
            except MemQLError:
                if piece.length == 1:
                    raise
                for i in range(piece.length):
                    columns.append(run(plan, expr, piece.slice(i, i + 1), context)[0])
        return _joined(columns)

    return evaluate


Found: TypeAlias = tuple[Column, int]
"""A value for each row, and how many inner rows were looked at for them."""

_Run: TypeAlias = "Callable[[Operator, Subquery, Batch, Context], Found]"


def _joined(columns: list[Column]) -> Column:
    if not columns:
        return ListColumn([])
    ragged = [c for c in columns if isinstance(c, RaggedColumn)]
    if len(ragged) < len(columns) or len(columns) == 1:
        return concat(columns)
    sizes = np.concatenate([np.diff(c.offsets) for c in ragged])
    filled = [c.child for c in ragged if len(c.child)]
    return RaggedColumn(_offsets(sizes), concat(filled) if filled else ragged[0].child)


def _constant(plan: Operator, expr: Subquery, run: _Run) -> Callable[[Batch, Context], Column]:
    """The value that every row has."""

    def evaluate(batch: Batch, context: Context) -> Column:
        if not batch.length:
            return ConstantColumn(None, 0)
        value = context.kept(expr, lambda: [run(plan, expr, Batch.unit(), context)[0].item(0)])[0]
        return ConstantColumn(value, batch.length)

    return evaluate


def _exists(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    frame = argument_frame(piece, expr.arguments).asked(1)
    assert frame.demand is not None
    found, rows = frame.demand.satisfied, 0
    for inner in context.batches(plan, frame):
        found[inner.rows()] = True
        rows += inner.length
        if found.all():
            break
    return TypedColumn(Kind.BOOLEAN, found), rows


def _count(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    counts, rows = Count(), 0
    counts.grow(piece.length)
    for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
        counts.update(inner.rows(), [], inner.weight, inner.length)
        rows += inner.length
    return counts.result(), rows


def _collect(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    """The lists as a ragged column: the inner rows sorted by row, where they do not come so."""
    assert expr.result is not None
    parts: list[Column] = []
    owners: list[IntArray] = []
    rows = 0
    with context.held() as memory:
        for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
            inner = inner.expanded()
            rows += inner.length
            memory.add(_COLLECTED_BYTES * inner.length)
            parts.append(inner.columns[expr.result])
            owners.append(inner.rows())
        if not parts:
            empty: list[list[Value]] = [[] for _ in range(piece.length)]
            return ListColumn(list(empty)), 0
        values, owner = concat(parts), np.concatenate(owners)
        if len(owner) > 1 and bool((owner[1:] < owner[:-1]).any()):
            order = np.argsort(owner, kind="stable")
            values = values.take(order)
        sizes = np.bincount(owner, minlength=piece.length)
    return context.plain(RaggedColumn(_offsets(sizes), values)), rows


def _offsets(sizes: IntArray) -> IntArray:
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


_RUNS: Final[dict[SubqueryKind, _Run]] = {
    SubqueryKind.EXISTS: _exists,
    SubqueryKind.COUNT: _count,
    SubqueryKind.COLLECT: _collect,
}

_COLLECTED_BYTES = 40
"""A collected value: its place in the list, and a small object."""
