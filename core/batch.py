"""A batch: columns of one length, each row with a place in its frame and a weight.

``row`` says to which row of the frame's argument a row belongs (the top level is a frame of one row, so there it is
``None``: all zero). ``weight`` is the row's multiplicity, ``None`` where all are 1; it is never 0. An expand to a
variable that nothing reads multiplies the weight instead of making rows; aggregates use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .columns import Column, IntArray, concat


@dataclass(slots=True)
class Batch:
    """Rows of a plan's intermediate result, by column."""

    columns: dict[str, Column]
    length: int
    row: IntArray | None = None
    weight: IntArray | None = None

    def take(self, positions: IntArray) -> Batch:
        """The rows at ``positions``, with their row and weight."""
        return Batch(
            {name: column.take(positions) for name, column in self.columns.items()},
            len(positions),
            None if self.row is None else self.row.take(positions),
            None if self.weight is None else self.weight.take(positions),
        )

    def slice(self, start: int, stop: int) -> Batch:
        """A view of a range of rows."""
        stop = min(stop, self.length)
        if start == 0 and stop == self.length:
            return self
        return Batch(
            {name: column.slice(start, stop) for name, column in self.columns.items()},
            max(0, stop - start),
            None if self.row is None else self.row[start:stop],
            None if self.weight is None else self.weight[start:stop],
        )

    def with_columns(self, columns: dict[str, Column]) -> Batch:
        """The same rows with further columns."""
        return Batch({**self.columns, **columns}, self.length, self.row, self.weight)

    def only(self, names: Sequence[str]) -> Batch:
        """The same rows with only these columns."""
        return Batch({n: self.columns[n] for n in names}, self.length, self.row, self.weight)

    def narrowed(self, names: frozenset[str] | None) -> Batch:
        """The same rows without the columns that are not among ``names``; None keeps all."""
        if names is None or self.columns.keys() <= names:
            return self
        columns = {name: column for name, column in self.columns.items() if name in names}
        return Batch(columns, self.length, self.row, self.weight)

    def rows(self) -> IntArray:
        """``row`` as an array."""
        return np.zeros(self.length, np.int64) if self.row is None else self.row

    def weights(self) -> IntArray:
        """``weight`` as an array."""
        return np.ones(self.length, np.int64) if self.weight is None else self.weight

    def expanded(self) -> Batch:
        """Weights made into rows; the same object where all weights are 1."""
        if self.weight is None:
            return self
        batch = self.take(np.repeat(np.arange(self.length), self.weight))
        batch.weight = None
        return batch

    @staticmethod
    def unit() -> Batch:
        """One row without columns: the argument of the top level."""
        return Batch({}, 1)


def concat_batches(batches: Sequence[Batch]) -> Batch:
    """One batch after the other; all have the same columns."""
    if len(batches) == 1:
        return batches[0]
    columns = {name: concat([b.columns[name] for b in batches]) for name in batches[0].columns}
    length = sum(b.length for b in batches)
    row = None if all(b.row is None for b in batches) else np.concatenate([b.rows() for b in batches])
    plain = all(b.weight is None for b in batches)
    weight = None if plain else np.concatenate([b.weights() for b in batches])
    return Batch(columns, length, row, weight)
