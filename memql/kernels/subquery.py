"""Subqueries as values: EXISTS, COUNT, COLLECT, each run once over a slice of the batch.

The inner plan starts from the columns it needs and a fresh ``row``; results come back by row. On an error in a slice
its rows are run one by one, so that the first row in order that fails decides which error is raised (DESIGN 4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, Kind, ListColumn, TypedColumn
from memoradb.core.errors import MemQLError
from memoradb.core.values import Value

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
    runs = {SubqueryKind.EXISTS: _exists, SubqueryKind.COUNT: _count, SubqueryKind.COLLECT: _collect}
    run = runs[expr.kind]

    def evaluate(batch: Batch, context: Context) -> Column:
        values: list[Value] = []
        slices = OutputSlices(plan, context)
        for piece in slices.of(batch):
            try:
                found, rows = run(plan, expr, piece, context)
                values.extend(found)
                slices.caused(piece.length, rows)
            except MemQLError:
                if piece.length == 1:
                    raise
                for i in range(piece.length):
                    values.extend(run(plan, expr, piece.slice(i, i + 1), context)[0])
        if expr.kind is SubqueryKind.EXISTS:
            return TypedColumn(Kind.BOOLEAN, np.array(values, np.bool_))
        if expr.kind is SubqueryKind.COUNT:
            return TypedColumn(Kind.INTEGER, np.array(values, np.int64))
        return ListColumn(values)

    return evaluate


Found = tuple[list[Value], int]
"""A value for each row, and how many inner rows were looked at for them."""


def _exists(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    frame = argument_frame(piece, expr.arguments).asked(1)
    assert frame.demand is not None
    found, rows = frame.demand.satisfied, 0
    for inner in context.batches(plan, frame):
        found[inner.rows()] = True
        rows += inner.length
        if found.all():
            break
    return found.tolist(), rows


def _count(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    counts, rows = Count(), 0
    counts.grow(piece.length)
    for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
        counts.update(inner.rows(), [], inner.weight, inner.length)
        rows += inner.length
    return counts.result().values(), rows


def _collect(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> Found:
    lists: list[list[Value]] = [[] for _ in range(piece.length)]
    rows = 0
    assert expr.result is not None
    with context.held() as memory:
        for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
            inner = inner.expanded()
            rows += inner.length
            memory.add(_COLLECTED_BYTES * inner.length)
            for row, value in zip(inner.rows().tolist(), inner.columns[expr.result].values(), strict=True):
                lists[row].append(value)
    return list(lists), rows


_COLLECTED_BYTES = 40
"""A collected value: its place in the list, and a small object."""
