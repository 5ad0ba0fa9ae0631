"""Leaves: the frame's argument, and all nodes of a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, Kind, TypedColumn

from ..kernels.compile import label_mask
from ..plan.expr import LabelTest
from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class ArgumentScan(Operator):
    """The frame's own rows."""

    variables: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        if frame.n == 1:
            yield frame.argument
            return
        for start in range(0, frame.n, context.rows_max):
            yield frame.argument.slice(start, start + context.rows_max)

    def describe(self) -> str:
        return ", ".join(self.variables)


def cross(batch: Batch, variable: str, slots: IntArray, rows_max: int, kind: Kind = Kind.NODE) -> Iterator[Batch]:
    """Every row of ``batch`` with every element of ``slots``, in pieces of bounded size, row by row."""
    count = len(slots)
    if not count:
        return
    if batch.length == 1 or count >= rows_max:
        for i in range(batch.length):
            for start in range(0, count, rows_max):
                piece = slots[start : start + rows_max]
                left = batch
                if batch.length > 1 or len(piece) > 1:
                    left = batch.take(np.full(len(piece), i, np.int64))
                yield left.with_columns({variable: TypedColumn(kind, piece)})
        return
    step = max(1, rows_max // count)
    for start in range(0, batch.length, step):
        stop = min(start + step, batch.length)
        left = batch.take(np.repeat(np.arange(start, stop), count))
        yield left.with_columns({variable: TypedColumn(kind, np.tile(slots, stop - start))})


@dataclass(eq=False, slots=True)
class NodeScan(Operator):
    """All nodes with all of ``labels`` that satisfy ``test``, for each input row."""

    input: Operator
    variable: str
    labels: tuple[str, ...] = ()
    test: LabelTest | None = None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        slots: IntArray | None = None
        for batch in context.batches(self.input, frame):
            if slots is None:
                slots = self._slots(context)
            yield from cross(batch, self.variable, slots, context.rows_max)

    def _slots(self, context: Context) -> IntArray:
        view = context.view
        if self.labels:
            found = view.nodes_with_label(self.labels[0])
            for label in self.labels[1:]:
                found = found & view.nodes_with_label(label)
        else:
            found = view.nodes()
        slots = np.asarray(found.to_array(), np.int64)
        return slots if self.test is None else slots.take(np.flatnonzero(label_mask(self.test, slots, context)))

    def describe(self) -> str:
        return f"({self.variable.strip()}{''.join(f':{x}' for x in self.labels)})"
