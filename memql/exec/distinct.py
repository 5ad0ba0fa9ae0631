"""Distinct rows, per row of the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch

from ..kernels.group_numbers import GroupNumbers
from ..kernels.grouping import group_rows
from ..plan.explain import show_variable
from .context import Context
from .operator import Frame, Operator
from .partitions import LEVELS_MAX, PARTITIONS, Partitions
from .spill import Spill


def distinct_rows(
    batches: Iterator[Batch], columns: tuple[str, ...], frame: Frame, context: Context
) -> Iterator[Batch]:
    """The first row of each combination of ``columns``, with these alone, its weight 1, as soon as it comes.

    Where the combinations outgrow their share of memory, rows with new ones are dealt out to a temporary file and come
    last, part by part.
    """
    with context.spill() as spill:
        yield from _distinct(batches, columns, frame, context, spill, 0)


def _distinct(
    batches: Iterator[Batch], columns: tuple[str, ...], frame: Frame, context: Context, spill: Spill, level: int
) -> Iterator[Batch]:
    rest: Partitions | None = None
    with context.held() as memory:
        seen = GroupNumbers(frame.n if frame.n > 1 else None, context.kernel_rows_min, context.check)
        for batch in batches:
            batch = Batch({c: context.typed(batch.columns[c]) for c in columns}, batch.length, batch.row)
            keys = list(batch.columns.values())
            row = batch.rows() if frame.n > 1 else None
            if rest is not None:
                _, first = group_rows(keys, row, batch.length)
                batch = batch.take(first)
                unknown = np.flatnonzero(_keys_found(seen, batch, columns, frame) < 0)
                if len(unknown):
                    batch = _distinct_part(batch, columns, unknown)
                    rest.add(batch, [batch.columns[c] for c in columns], None if row is None else batch.rows())
                continue
            _, fresh = seen.assign(keys, row, batch.length)
            if not len(fresh):
                continue
            memory.keep_only(seen.bytes)
            if memory.crowded and level < LEVELS_MAX and columns:
                rest = Partitions(spill, level)
            yield _distinct_part(batch, columns, fresh)
        if rest is None:
            return
        del seen
        memory.keep_only(0)
        for number in range(PARTITIONS):
            yield from _distinct(rest.of(number), columns, frame, context, spill, level + 1)


def _keys_found(seen: GroupNumbers, batch: Batch, columns: tuple[str, ...], frame: Frame) -> np.ndarray:
    row = batch.rows() if frame.n > 1 else None
    return seen.find([batch.columns[c] for c in columns], row, batch.length)


def _distinct_part(batch: Batch, columns: tuple[str, ...], positions: np.ndarray) -> Batch:
    """Only these rows and columns, of weight 1."""
    out = Batch({c: batch.columns[c] for c in columns}, batch.length, batch.row)
    return out if len(positions) == batch.length else out.take(positions)


@dataclass(eq=False, slots=True)
class Distinct(Operator):
    """One row for each combination of ``columns``."""

    input: Operator
    columns: tuple[str, ...]

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        return distinct_rows(context.batches(self.input, frame), self.columns, frame, context)

    def describe(self) -> str:
        return ", ".join(map(show_variable, self.columns))
