"""Leaves: the frame's argument, and all nodes of a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arrays import run_of
from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, Kind, TypedColumn

from ..kernels.compile import label_mask
from ..plan.expr import LabelTest
from .adjacent import labelled, multiplied
from .context import Context
from .operator import DEMAND_GROWTH, Demand, Frame, Operator


@dataclass(eq=False, slots=True)
class ArgumentScan(Operator):
    """The frame's own rows."""

    variables: tuple[str, ...] = ()

    @property
    def makes_rows(self) -> bool:
        return False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        if frame.n == 1:
            yield frame.argument
            return
        for start in range(0, frame.n, context.rows_max):
            yield frame.argument.slice(start, start + context.rows_max)

    def describe(self) -> str:
        return ", ".join(self.variables)


def cross(
    batch: Batch,
    variable: str,
    slots: IntArray | range,
    rows_max: int,
    kind: Kind = Kind.NODE,
    demand: Demand | None = None,
) -> Iterator[Batch]:
    """Every row of ``batch`` with every element of ``slots``, in pieces of bounded size, row by row."""
    count = len(slots)
    if not count:
        return
    if demand is not None:
        yield from _crossed_on_demand(batch, variable, slots, rows_max, kind, demand)
        return
    if batch.length == 1 or count >= rows_max:
        for i in range(batch.length):
            for start in range(0, count, rows_max):
                piece = slots[start : start + rows_max]
                left = batch
                if batch.length > 1 or len(piece) > 1:
                    left = batch.take(np.full(len(piece), i, np.int64))
                yield left.with_columns({variable: TypedColumn(kind, _array(piece))})
        return
    step = max(1, rows_max // count)
    for start in range(0, batch.length, step):
        stop = min(start + step, batch.length)
        left = batch.take(np.repeat(np.arange(start, stop), count))
        yield left.with_columns({variable: TypedColumn(kind, np.tile(_array(slots), stop - start))})


def _array(slots: IntArray | range) -> IntArray:
    return np.arange(slots.start, slots.stop) if isinstance(slots, range) else slots


def _crossed_on_demand(
    batch: Batch, variable: str, slots: IntArray | range, rows_max: int, kind: Kind, demand: Demand
) -> Iterator[Batch]:
    """Each round gives every argument row that still wants some the next few elements."""
    start, size = 0, demand.rows
    if len(demand.satisfied) == 1:
        # One argument row: nothing to choose between, so rows keep their order.
        for i in range(batch.length):
            row = batch.slice(i, i + 1)
            start = 0
            while start < len(slots):
                piece = slots[start : start + min(size, rows_max)]
                yield from cross(row, variable, piece, rows_max, kind)
                start += len(piece)
                size = min(size * DEMAND_GROWTH, rows_max)
        return
    while start < len(slots):
        batch = demand.open(batch)
        if not batch.length:
            return
        piece = slots[start : start + min(size, rows_max)]
        yield from cross(batch, variable, piece, rows_max, kind)
        start += len(piece)
        size *= DEMAND_GROWTH


@dataclass(eq=False, slots=True)
class NodeScan(Operator):
    """All nodes with all of ``labels`` that satisfy ``test``, for each input row.

    ``variable`` None: nothing reads the node, so each row weighs as many times more as there are nodes.
    """

    input: Operator
    variable: str | None
    labels: tuple[str, ...] = ()
    test: LabelTest | None = None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        slots: IntArray | range | None = None
        for batch in context.batches(self.input, frame):
            if self.variable is None:
                count = self._count(context)
                if count:
                    weight = multiplied(batch.weight, np.full(batch.length, count, np.int64))
                    yield Batch(batch.columns, batch.length, batch.row, weight)
                continue
            if slots is None:
                slots = self._slots(context)
            yield from cross(batch, self.variable, slots, context.rows_max, demand=frame.demand)

    def _count(self, context: Context) -> int:
        return len(labelled(self.labels, context.view)) if self.test is None else len(self._slots(context))

    def _slots(self, context: Context) -> IntArray | range:
        """Ascending; a range where none is missing in between, so that no array is made of all nodes of a label."""
        found = labelled(self.labels, context.view)
        if self.test is None and (run := run_of(found)) is not None:
            return run
        slots = np.asarray(found.to_array(), np.int64)
        return slots if self.test is None else slots.take(np.flatnonzero(label_mask(self.test, slots, context)))

    def describe(self) -> str:
        return f"({(self.variable or '').strip()}{''.join(f':{x}' for x in self.labels)})"
