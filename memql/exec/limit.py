"""SKIP and LIMIT, per row of the frame; weights are split where the bound falls inside one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, IntArray
from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.semantics import type_name
from memoradb.core.values import INTEGER_MAX

from ..kernels.compile import compile_expression
from ..plan.explain import show
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator


def row_count(expr: Expr, frame: Frame, context: Context, clause: str) -> int:
    """The value of a SKIP or LIMIT: a whole number, 0 or more. Its errors are the statement's syntax, found late."""
    value = compile_expression(expr)(Batch({}, 1), context).item(0)
    if type(value) is not int:
        raise MemQLSyntaxError(
            f"{clause} takes a whole number, not {type_name(value)}.",
            phase="runtime",
            detail="InvalidArgumentType",
        )
    if value < 0:
        raise MemQLSyntaxError(
            f"{clause} takes 0 or more, not {value}.", phase="runtime", detail="NegativeIntegerArgument"
        )
    return value


class Window:
    """Passes the rows ``skip`` to ``skip + count`` of each argument row."""

    def __init__(self, skip: int, count: int | None, frame: Frame) -> None:
        self._skip = skip
        # Rows are counted in 64 bits: a sum beyond them bounds nothing.
        self._end = None if count is None or skip + count > INTEGER_MAX else skip + count
        self._seen = np.zeros(max(frame.n, 1), np.int64)

    def full(self) -> BoolArray | None:
        """By argument row: whether no row of it can pass any more; None where there is no end."""
        return None if self._end is None else self._seen >= self._end

    def satisfied(self) -> bool:
        """Whether no row can pass any more."""
        full = self.full()
        return full is not None and bool(full.all())

    def take(self, batch: Batch) -> Batch | None:
        rows, weights = batch.rows(), batch.weights()
        if len(self._seen) == 1:
            total = np.cumsum(weights)
            before = self._seen[0] + total - weights
            self._seen[0] += total[-1]
        else:
            before = self._counted(rows, weights)
        after = before + weights
        high = after if self._end is None else np.minimum(after, self._end)
        passed: IntArray = high - np.maximum(before, self._skip)
        kept = np.flatnonzero(passed > 0)
        if not len(kept):
            return None
        out = batch.take(kept) if len(kept) < batch.length else batch
        weight = None if batch.weight is None else passed.take(kept)
        return Batch(out.columns, out.length, out.row, weight)

    def _counted(self, rows: IntArray, weights: IntArray) -> IntArray:
        """How many rows of its own argument row went before each row."""
        order = np.argsort(rows, kind="stable")
        sorted_rows, sorted_weights = rows.take(order), weights.take(order)
        total = np.cumsum(sorted_weights)
        starts = np.flatnonzero(np.diff(sorted_rows, prepend=-1))
        base = np.repeat(total.take(starts) - sorted_weights.take(starts), np.diff(starts, append=len(rows)))
        before = np.empty(len(rows), np.int64)
        before[order] = self._seen.take(sorted_rows) + total - sorted_weights - base
        np.add.at(self._seen, rows, weights)
        return before


@dataclass(eq=False, slots=True)
class Limit(Operator):
    """The first ``count`` rows. ``exhaust``: the input writes, so all of it runs whatever is wanted."""

    input: Operator
    count: Expr
    exhaust: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        count = row_count(self.count, frame, context, "LIMIT")
        window = Window(0, count, frame)
        if self.exhaust:
            for batch in context.batches(self.input, frame.whole()):
                out = window.take(batch)
                if out is not None:
                    yield out
            return
        if window.satisfied():
            return
        asked = frame.asked(min(count, context.rows_max))
        for batch in context.batches(self.input, asked):
            out = window.take(batch)
            full = window.full()
            if full is not None and asked.demand is not None:
                asked.demand.satisfied |= full
            if out is not None:
                yield out
            if window.satisfied():
                return

    def describe(self) -> str:
        return show(self.count)


@dataclass(eq=False, slots=True)
class Skip(Operator):
    """All but the first ``count`` rows."""

    input: Operator
    count: Expr

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        window = Window(row_count(self.count, frame, context, "SKIP"), None, frame)
        for batch in context.batches(self.input, frame):
            out = window.take(batch)
            if out is not None:
                yield out

    def describe(self) -> str:
        return show(self.count)
