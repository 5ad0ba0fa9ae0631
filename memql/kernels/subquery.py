"""Subqueries as values: EXISTS, COUNT, COLLECT, each run once over a slice of the batch.

The inner plan starts from the columns it needs and a fresh ``row``; results come back by row. On an error in a slice
its rows are run one by one, so that the first row in order that fails decides which error is raised (DESIGN 4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray, Kind, ListColumn, TypedColumn
from memoradb.core.errors import MemQLError
from memoradb.core.values import Value

from ..exec.operator import Frame, Operator
from ..plan.expr import Subquery
from ..syntax.ast_expr import SubqueryKind

if TYPE_CHECKING:
    from ..exec.context import Context

SLICE_ROWS = 1_024
"""Outer rows run at a time: bounds what COLLECT holds, and what EXISTS does in vain."""


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
        for start in range(0, batch.length, SLICE_ROWS):
            piece = batch.slice(start, start + SLICE_ROWS)
            try:
                values.extend(run(plan, expr, piece, context))
            except MemQLError:
                if piece.length == 1:
                    raise
                for i in range(piece.length):
                    values.extend(run(plan, expr, piece.slice(i, i + 1), context))
        if expr.kind is SubqueryKind.EXISTS:
            return TypedColumn(Kind.BOOLEAN, np.array(values, np.bool_))
        if expr.kind is SubqueryKind.COUNT:
            return TypedColumn(Kind.INTEGER, np.array(values, np.int64))
        return ListColumn(values)

    return evaluate


def _rows(batch: Batch) -> IntArray:
    return batch.rows()


def _exists(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> list[Value]:
    found = np.zeros(piece.length, np.bool_)
    for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
        found[_rows(inner)] = True
        if found.all():
            break
    return found.tolist()


def _count(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> list[Value]:
    counts = np.zeros(piece.length, np.int64)
    for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
        np.add.at(counts, _rows(inner), inner.weights())
    return counts.tolist()


def _collect(plan: Operator, expr: Subquery, piece: Batch, context: Context) -> list[Value]:
    lists: list[list[Value]] = [[] for _ in range(piece.length)]
    assert expr.result is not None
    for inner in context.batches(plan, argument_frame(piece, expr.arguments)):
        inner = inner.expanded()
        for row, value in zip(_rows(inner).tolist(), inner.columns[expr.result].values(), strict=True):
            lists[row].append(value)
    return list(lists)
