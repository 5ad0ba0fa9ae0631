"""Weights made into rows, where something must be done once for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch

from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class ExpandWeights(Operator):
    """A row of weight three as three rows: what is above it is volatile, so each must be evaluated."""

    input: Operator

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            if batch.weight is None:
                yield batch
                continue
            total, start = np.cumsum(batch.weight), 0
            while start < batch.length:
                base = int(total[start - 1]) if start else 0
                stop = max(start + 1, int(np.searchsorted(total, base + context.rows_max, "right")))
                yield from _pieces(batch.slice(start, stop), context.rows_max)
                start = stop


def _pieces(batch: Batch, rows_max: int) -> Iterator[Batch]:
    """``batch`` in rows; a single row of a large weight in batches of bounded size."""
    assert batch.weight is not None
    if batch.length > 1:
        yield batch.expanded()
        return
    left = int(batch.weight[0])
    while left:
        count = min(left, rows_max)
        out = batch.take(np.zeros(count, np.int64))
        out.weight = None
        yield out
        left -= count
