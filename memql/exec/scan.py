"""Leaves: the frame's argument, and all nodes of a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, node_column

from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class ArgumentScan(Operator):
    """The frame's own rows."""

    variables: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        if frame.n:
            yield frame.argument

    def describe(self) -> str:
        return ", ".join(self.variables)


def cross(batch: Batch, variable: str, slots: IntArray, rows_max: int) -> Iterator[Batch]:
    """Every row of ``batch`` with every node of ``slots``, in pieces of bounded size."""
    if not len(slots):
        return
    if batch.length == 1 and not batch.columns:
        for start in range(0, len(slots), rows_max):
            piece = slots[start : start + rows_max]
            row = None if batch.row is None else np.repeat(batch.row, len(piece))
            weight = None if batch.weight is None else np.repeat(batch.weight, len(piece))
            yield Batch({variable: node_column(piece)}, len(piece), row, weight)
        return
    for i in range(batch.length):
        for start in range(0, len(slots), rows_max):
            piece = slots[start : start + rows_max]
            left = batch.take(np.full(len(piece), i, np.int64))
            yield left.with_columns({variable: node_column(piece)})


def coalesced(batches: Iterator[Batch], rows_max: int) -> Iterator[Batch]:
    """Small batches put together, so that what follows pays once for many."""
    from memoradb.core.batch import concat_batches

    held: list[Batch] = []
    rows = 0
    for batch in batches:
        if rows + batch.length > rows_max and held:
            yield concat_batches(held)
            held, rows = [], 0
        held.append(batch)
        rows += batch.length
    if held:
        yield concat_batches(held)


@dataclass(eq=False, slots=True)
class NodeScan(Operator):
    """All nodes with all of ``labels``, for each input row."""

    input: Operator
    variable: str
    labels: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        slots: IntArray | None = None
        for batch in context.batches(self.input, frame):
            if slots is None:
                slots = self._slots(context)
            yield from coalesced(cross(batch, self.variable, slots, context.rows_max), context.rows_max)

    def _slots(self, context: Context) -> IntArray:
        view = context.view
        if not self.labels:
            return np.asarray(view.nodes().to_array(), np.int64)
        found = view.nodes_with_label(self.labels[0])
        for label in self.labels[1:]:
            found = found & view.nodes_with_label(label)
        return np.asarray(found.to_array(), np.int64)

    def describe(self) -> str:
        return f"({self.variable.strip()}{''.join(f':{x}' for x in self.labels)})"
