"""Once: an inner plan that reads nothing of the row that it is run for.

All rows get the same, so it is run for one of them (in a statement that only reads: once in all), and what it gives is
shown to each. Unnesting has nothing easier (Neumann and Kemper 2015); without it a subquery that is not correlated
costs as many scans as there are rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch, concat_batches

from .context import Context, batch_bytes
from .operator import Frame, Operator

KEPT_BYTES_MAX = 64 << 20
"""Rows beyond this are not kept: the plan is then run for each row, as if it were correlated."""


class Result:
    """What is kept of the plan's rows: ``rows`` None until all of them are known, or where there are none."""

    __slots__ = ("complete", "rows", "too_large")

    def __init__(self) -> None:
        self.complete = self.too_large = False
        self.rows: Batch | None = None


@dataclass(eq=False, slots=True)
class Once(Operator):
    """The rows of ``input``, which reads no column of the argument, for each row of it."""

    input: Operator

    @property
    def switches(self) -> tuple[str, ...]:
        return ("run_once",)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        result = context.kept(self, Result)
        if not result.complete and not result.too_large:
            # For one row they are passed on as they come; several would have to be replayed should it fail.
            made = self._made(result, context)
            if frame.n == 1:
                yield from made
                return
            for _ in made:
                pass
        if result.too_large:
            for row in range(frame.n):
                for batch in context.batches(self.input, Frame.top()):
                    yield Batch(batch.columns, batch.length, np.full(batch.length, row), batch.weight)
        elif result.rows is not None:
            yield from _shown(result.rows, frame.n, context)

    def _made(self, result: Result, context: Context) -> Iterator[Batch]:
        """The rows for one row of the argument, noted in ``result``."""
        held: list[Batch] = []
        bytes = 0
        for batch in context.batches(self.input, Frame.top()):
            bytes += batch_bytes(batch)
            if bytes > KEPT_BYTES_MAX:
                result.too_large = True
                held.clear()
            if not result.too_large:
                held.append(batch)
            yield batch
        if not result.too_large:
            result.complete = True
            if held:
                context.hold(bytes)  # until the statement ends
                result.rows = concat_batches(held)


def _shown(rows: Batch, count: int, context: Context) -> Iterator[Batch]:
    """``rows`` for each of ``count`` rows of an argument, in batches of bounded size."""
    if count == 1:
        for start in range(0, rows.length, context.rows_max):
            yield rows.slice(start, start + context.rows_max)
        return
    step = max(1, context.expand_rows_max // rows.length)
    for first in range(0, count, step):
        number = min(step, count - first)
        out = rows.take(np.tile(np.arange(rows.length), number))
        out.row = np.repeat(np.arange(first, first + number), rows.length)
        for start in range(0, out.length, context.rows_max):
            yield out.slice(start, start + context.rows_max)
