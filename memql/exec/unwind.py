"""UNWIND: a row for each element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, ConstantColumn, RaggedColumn

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator
from .prefix import prefixed


@dataclass(eq=False, slots=True)
class Unwind(Operator):
    """Null gives no row, anything that is no list gives itself."""

    input: Operator
    source: Expr
    variable: str
    _source: Evaluator | None = None

    def __post_init__(self) -> None:
        self._source = compile_expression(self.source)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        evaluate = self._source
        assert evaluate is not None
        for batch in context.batches(self.input, frame):
            for piece in prefixed(batch, lambda b: b.with_columns({" list": evaluate(b, context)})):
                column = piece.columns.pop(" list")
                for first, last in _parts(column, context.expand_rows_max):
                    context.check()
                    out = self._unwound(piece.slice(first, last), column.slice(first, last), context)
                    for start in range(0, out.length, context.rows_max):
                        yield out.slice(start, start + context.rows_max)

    def _unwound(self, batch: Batch, column: Column, context: Context) -> Batch:
        if isinstance(column, RaggedColumn) and column.mask is None:
            counts = np.diff(column.offsets)
            out = batch.take(np.repeat(np.arange(batch.length), counts))
            return out.with_columns({self.variable: column.child})
        if isinstance(column, ConstantColumn) and isinstance(column.value, list) and batch.length == 1:
            items, counts = column.value, np.array([len(column.value)])
        else:
            items, sizes = [], []
            for value in column.values():
                if isinstance(value, list):
                    items.extend(value)
                    sizes.append(len(value))
                elif value is None:
                    sizes.append(0)
                else:
                    items.append(value)
                    sizes.append(1)
            counts = np.array(sizes, np.int64)
        out = batch.take(np.repeat(np.arange(batch.length), counts))
        return out.with_columns({self.variable: context.lifted(items)})

    def describe(self) -> str:
        return f"{show(self.source)} AS {show_variable(self.variable)}"


def _parts(column: Column, rows_max: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose lists together have at most ``rows_max`` items, or that are one row.

    A batch of 16K rows with 100K items each would not fit into memory at once.
    """
    if isinstance(column, ConstantColumn):
        sizes = np.full(len(column), len(column.value) if isinstance(column.value, list) else 1, np.int64)
    elif isinstance(column, RaggedColumn):
        sizes = np.diff(column.offsets)
    else:
        sizes = np.array([len(v) if isinstance(v, list) else 1 for v in column.values()], np.int64)
    ends = np.cumsum(sizes)
    first = done = 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, done + rows_max, side="right")))
        yield first, last
        first, done = last, int(ends[last - 1])
