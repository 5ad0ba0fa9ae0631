"""Distinct rows, per row of the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from memoradb.core.batch import Batch

from ..kernels.grouping import group_rows, row_keys
from ..plan.explain import show_variable
from .context import Context, Held
from .operator import Frame, Operator


class Seen:
    """The combinations of values that went by, over all batches of a frame."""

    def __init__(self, columns: tuple[str, ...], frame: Frame) -> None:
        self._columns = columns
        self._per_row = frame.n > 1
        self._keys: set[tuple[Any, ...]] = set()

    def fresh(self, batch: Batch, memory: Held) -> Batch | None:
        """The first row of each combination not seen before, its weight 1."""
        row = batch.rows() if self._per_row else None
        columns = [batch.columns[c] for c in self._columns]
        _, first = group_rows(columns, row, batch.length)
        chosen = []
        for position, key in zip(first.tolist(), row_keys(columns, first, row), strict=True):
            if key not in self._keys:
                self._keys.add(key)
                chosen.append(position)
        if not chosen:
            return None
        memory.add(len(chosen) * (64 + 32 * len(columns)))
        out = batch.take(np.array(chosen, np.int64))
        return Batch({c: out.columns[c] for c in self._columns}, out.length, out.row)


@dataclass(eq=False, slots=True)
class Distinct(Operator):
    """One row for each combination of ``columns``."""

    input: Operator
    columns: tuple[str, ...]

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        seen = Seen(self.columns, frame)
        with context.held() as memory:
            for batch in context.batches(self.input, frame):
                out = seen.fresh(batch, memory)
                if out is not None:
                    yield out

    def describe(self) -> str:
        return ", ".join(map(show_variable, self.columns))
