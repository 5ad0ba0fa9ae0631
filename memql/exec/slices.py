"""Cutting an outer batch by the output that its rows cause: what an Apply or a COLLECT holds stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

from memoradb.core.batch import Batch

from .context import Context
from .operator import Operator

SLICE_ROWS = 4_096
"""Outer rows run at a time at most."""


class OutputSlices:
    """Slices of outer batches, the first by what the planner expects of a row, later ones by what was seen.

    A row that causes far more than those before it still runs alone with its slice: one row is the least.
    """

    def __init__(self, inner: Operator, context: Context) -> None:
        self._rows_wanted = context.expand_rows_max
        self._rows_max = min(SLICE_ROWS, context.rows_max)
        self._grows = inner.grows
        if not self._grows:
            self._size = context.rows_max
            return
        expected = 1.0 if inner.estimate is None else max(inner.estimate.rows, 1.0)
        self._size = self._bounded(self._rows_wanted / expected)

    def of(self, batch: Batch) -> Iterator[Batch]:
        """``batch`` in pieces; ``caused`` tells of each piece what came of it."""
        start = 0
        while start < batch.length:
            stop = start + self._size
            yield batch.slice(start, stop)
            start = stop

    def caused(self, rows_in: int, rows_out: int) -> None:
        """A piece of ``rows_in`` rows made ``rows_out``."""
        mean = max(rows_out, 1) / rows_in
        if not self._grows:
            return
        # Not more than four times as many as went well: the next rows may be hubs.
        self._size = self._bounded(min(self._rows_wanted / mean, 4 * self._size))

    def _bounded(self, size: float) -> int:
        return int(max(1, min(size, self._rows_max)))
