"""Sort, and Top: the first rows of a sort without sorting the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch, concat_batches

from ..kernels.compile import Evaluator, compile_expression
from ..kernels.grouping import sort_positions
from ..plan.explain import show
from ..plan.expr import Expr
from ..plan.nodes import SortKey
from .context import Context, batch_bytes
from .limit import Window, row_count
from .operator import Frame, Operator


def _sorted(batch: Batch, keys: list[tuple[Evaluator, bool]], frame: Frame, context: Context) -> Batch:
    columns = [(evaluate(batch, context), descending) for evaluate, descending in keys]
    return batch.take(sort_positions(columns, batch.rows() if frame.n > 1 else None))


def _show(keys: tuple[SortKey, ...]) -> str:
    return ", ".join(show(k.expression) + (" DESC" if k.descending else "") for k in keys)


@dataclass(eq=False, slots=True)
class Sort(Operator):
    """All rows, ordered by ``keys``; stable."""

    input: Operator
    keys: tuple[SortKey, ...]

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        held = []
        for batch in context.batches(self.input, frame):
            context.hold(batch_bytes(batch))
            held.append(batch)
        if not held:
            return
        keys = [(compile_expression(k.expression), k.descending) for k in self.keys]
        out = _sorted(concat_batches(held), keys, frame, context)
        for start in range(0, out.length, context.rows_max):
            yield out.slice(start, start + context.rows_max)

    def describe(self) -> str:
        return _show(self.keys)


@dataclass(eq=False, slots=True)
class Top(Operator):
    """The first ``limit`` rows after ``skip`` of a sort; what is held is cut back as it grows."""

    input: Operator
    keys: tuple[SortKey, ...]
    limit: Expr
    skip: Expr | None = None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        limit = row_count(self.limit, frame, context, "LIMIT")
        skip = 0 if self.skip is None else row_count(self.skip, frame, context, "SKIP")
        keys = [(compile_expression(k.expression), k.descending) for k in self.keys]
        held: list[Batch] = []
        rows = 0
        bound = 4 * context.rows_max + 2 * (limit + skip) * max(frame.n, 1)
        for batch in context.batches(self.input, frame):
            held.append(batch)
            rows += batch.length
            if rows > bound:
                held = [self._cut(held, keys, 0, limit + skip, frame, context)]
                rows = held[0].length
        if not held:
            return
        out = self._cut(held, keys, skip, limit, frame, context)
        for start in range(0, out.length, context.rows_max):
            yield out.slice(start, start + context.rows_max)

    def _cut(
        self,
        held: list[Batch],
        keys: list[tuple[Evaluator, bool]],
        skip: int,
        limit: int,
        frame: Frame,
        context: Context,
    ) -> Batch:
        ordered = _sorted(concat_batches(held), keys, frame, context)
        out = Window(skip, limit, frame).take(ordered)
        return ordered.slice(0, 0) if out is None else out

    def describe(self) -> str:
        return f"{show(self.limit)} by {_show(self.keys)}"
