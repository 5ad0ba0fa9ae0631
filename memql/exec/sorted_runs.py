"""Merging sorted runs, in memory or in a temporary file, a bounded piece at a time.

Each run knows the sort key of every so many rows (*fences*). Fences of all runs, sorted, cut the result into pieces of
bounded size (sampling at regular distance: Li et al., On the versatility of parallel sorting by regular sampling,
1993); ties are cut by run and position, so that each cut falls at one exact place in every run, found by binary
search. A piece is what lies between two cuts, run after run, sorted anew: stable, because runs are in order of
arrival.

Keys are compared as ``order_key`` says, the law itself, so that runs whose keys have different forms merge as well;
that costs a few comparisons for each run and piece, none for each row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import Column, IntArray, ListColumn
from memoradb.core.limits import SORT_RUN_ROWS
from memoradb.core.semantics import order_key

from ..kernels.grouping import sort_positions
from .context import Context, batch_bytes
from .spill import Place, Spill

FENCE_ROWS: Final = 1_024
"""Rows from one fence to the next, and of one block on disk."""

LISTED_RUN_ROWS: Final = 16_384
"""Rows that are sorted at once where their keys are Python values: some ten microseconds each."""

MERGED_RUNS_MAX: Final = 64
"""Runs of a temporary file that are merged at once: more are first merged into one longer run."""

Key = tuple[Any, ...]


class _Descending:
    """A key part that sorts the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return other.key < self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.key == other.key

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class Ordering:
    """How rows are sorted: the names of key columns, each descending or not, after the argument row ``by_row``."""

    def __init__(self, keys: Sequence[tuple[str, bool]], by_row: bool) -> None:
        self._keys = keys
        self._by_row = by_row

    def columns(self, batch: Batch) -> list[tuple[Column, bool]]:
        """The key columns of a batch, with their directions."""
        return [(batch.columns[name], descending) for name, descending in self._keys]

    def row_of(self, batch: Batch) -> IntArray | None:
        """The argument rows, where they count."""
        return batch.rows() if self._by_row else None

    def sorted(self, batch: Batch) -> Batch:
        """``batch`` in order; stable."""
        return batch.take(sort_positions(self.columns(batch), self.row_of(batch)))

    def key(self, batch: Batch, position: int) -> Key:
        """The sort key of one row."""
        parts: list[Any] = [int(batch.rows()[position])] if self._by_row else []
        for name, descending in self._keys:
            part = order_key(batch.columns[name].item(position))
            parts.append(_Descending(part) if descending else part)
        return tuple(parts)


class _Keys:
    """The sort keys of a sorted batch as a sequence, made when looked at."""

    def __init__(self, ordering: Ordering, batch: Batch) -> None:
        self._ordering = ordering
        self._batch = batch

    def __len__(self) -> int:
        return self._batch.length

    def __getitem__(self, position: int) -> Key:
        return self._ordering.key(self._batch, position)


class MemoryRun:
    """A sorted batch."""

    def __init__(self, batch: Batch, ordering: Ordering) -> None:
        self._batch = batch
        self._keys = _Keys(ordering, batch)
        self.length = batch.length
        self.bytes = batch_bytes(batch)
        self.fences = [(self._keys[i], i) for i in range(FENCE_ROWS - 1, batch.length, FENCE_ROWS)]

    def cut(self, key: Key, after: bool, low: int) -> int:
        """Where ``key`` falls, not before ``low``: in front of rows that are equal to it, or ``after`` them."""
        return (bisect_right if after else bisect_left)(self._keys, key, low)

    def read(self, start: int, stop: int) -> Iterator[Batch]:
        """The rows of a range."""
        if start < stop:
            yield self._batch.slice(start, stop)


class DiskRun:
    """A sorted run in blocks of a temporary file, read from front to back; one block is in memory."""

    def __init__(self, places: list[Place], last: list[Key], spill: Spill, ordering: Ordering) -> None:
        self._places = places
        self._last = last
        self._spill = spill
        self._ordering = ordering
        self._starts = np.cumsum([0, *(p.rows for p in places)]).tolist()
        self._block = -1
        self._batch: Batch | None = None
        self.length: int = self._starts[-1]
        self.fences = [(key, stop - 1) for key, stop in zip(last, self._starts[1:], strict=True)]

    def _load(self, block: int) -> Batch:
        if block != self._block or self._batch is None:
            self._batch, self._block = self._spill.read(self._places[block]), block
        return self._batch

    def cut(self, key: Key, after: bool, low: int) -> int:
        # The first block whose last row is at or behind the cut holds it.
        block = (bisect_right if after else bisect_left)(self._last, key)
        if block == len(self._places):
            return self.length
        start = self._starts[block]
        keys = _Keys(self._ordering, self._load(block))
        return max(low, start + (bisect_right if after else bisect_left)(keys, key))

    def read(self, start: int, stop: int) -> Iterator[Batch]:
        while start < stop:
            block = bisect_right(self._starts, start) - 1
            first, end = self._starts[block], min(stop, self._starts[block + 1])
            yield self._load(block).slice(start - first, end - first)
            start = end


Run = MemoryRun | DiskRun


def merged(runs: Sequence[Run], ordering: Ordering, context: Context) -> Iterator[Batch]:
    """The rows of all runs in order, in pieces of about ``SORT_RUN_ROWS`` rows; ties in order of the runs."""
    if len(runs) == 1:
        run = runs[0]
        for start in range(0, run.length, SORT_RUN_ROWS):
            pieces = list(run.read(start, min(start + SORT_RUN_ROWS, run.length)))
            yield concat_batches(pieces)
        return
    # A fence is one place in the result: its key, then its run, then its position.
    fences = sorted((key, number, position) for number, run in enumerate(runs) for key, position in run.fences)
    # Between two cuts there are at most the fences between them, and less than one more for each run.
    step = 2 * max(run.length for run in runs) // FENCE_ROWS
    step = max(LISTED_RUN_ROWS // FENCE_ROWS, min(step, SORT_RUN_ROWS // FENCE_ROWS))
    lows = [0] * len(runs)
    for fence in [*fences[step - 1 : -1 : step], None]:
        context.check()
        pieces: list[Batch] = []
        for number, run in enumerate(runs):
            if fence is None:
                high = run.length
            elif fence[1] == number:
                high = fence[2] + 1
            else:
                high = run.cut(fence[0], number < fence[1], lows[number])
            pieces.extend(run.read(lows[number], high))
            lows[number] = high
        if pieces:
            piece = concat_batches(pieces)
            yield piece if len(pieces) == 1 else ordering.sorted(piece)


class ExternalSort:
    """Sorts what ``add`` brings: in runs in memory, and beyond a share of the statement's memory in a file.

    Knuth 1998, section 5.4: runs are formed in memory, written, and merged; where there are many, in several passes.
    """

    def __init__(self, ordering: Ordering, context: Context, spill: Spill) -> None:
        self._ordering = ordering
        self._context = context
        self._spill = spill
        self._memory = context.held()
        self._loose: list[Batch] = []
        self._loose_rows = self._loose_bytes = 0
        self._runs: list[MemoryRun] = []
        self._runs_bytes = 0
        self._levels: list[list[DiskRun]] = []

    def __enter__(self) -> ExternalSort:
        return self

    def __exit__(self, *_: object) -> None:
        self._loose, self._runs, self._levels = [], [], []
        self._memory.__exit__()

    def add(self, batch: Batch) -> None:
        """Further rows, with their key columns."""
        self._loose.append(batch)
        self._loose_rows += batch.length
        self._loose_bytes += batch_bytes(batch)
        self._memory.keep_only(self._loose_bytes + self._runs_bytes)
        if self._loose_rows >= self._run_rows(batch):
            self._close_run()
        if self._memory.crowded and (self._loose_rows > 1 or self._runs):
            self._close_run()
            self._write()

    def _run_rows(self, batch: Batch) -> int:
        """How many rows are sorted at once: fewer where it is done one by one."""
        listed = any(isinstance(column, ListColumn) for column, _ in self._ordering.columns(batch))
        return LISTED_RUN_ROWS if listed else SORT_RUN_ROWS

    def _close_run(self) -> None:
        if not self._loose:
            return
        run = MemoryRun(self._ordering.sorted(concat_batches(self._loose)), self._ordering)
        self._runs.append(run)
        self._runs_bytes += run.bytes
        self._loose, self._loose_rows, self._loose_bytes = [], 0, 0
        self._memory.keep_only(self._runs_bytes)
        self._context.check()

    def _write(self) -> None:
        """Everything in memory becomes one run of the file."""
        self._keep(self._written(self._runs), 0)
        self._runs, self._runs_bytes = [], 0
        self._memory.keep_only(0)

    def _keep(self, run: DiskRun, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) == MERGED_RUNS_MAX:
            self._levels[level] = []
            self._keep(self._written(runs), level + 1)

    def _written(self, runs: Sequence[Run]) -> DiskRun:
        places: list[Place] = []
        last: list[Key] = []
        for piece in merged(runs, self._ordering, self._context):
            for start in range(0, piece.length, FENCE_ROWS):
                block = piece.slice(start, start + FENCE_ROWS)
                places.append(self._spill.write(block))
                last.append(self._ordering.key(block, block.length - 1))
        return DiskRun(places, last, self._spill, self._ordering)

    def result(self) -> Iterator[Batch]:
        """All rows in order, in pieces; nothing is added after."""
        self._close_run()
        runs: list[Run] = [run for level in reversed(self._levels) for run in level]
        runs.extend(self._runs)
        if runs:
            yield from merged(runs, self._ordering, self._context)
