"""Sort, and Top: the first rows of a sort without sorting the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.limits import SORT_RUN_ROWS

from ..kernels.compile import Evaluator, compile_expression
from ..kernels.grouping import least_positions, order_codes
from ..plan.explain import show
from ..plan.expr import Expr
from ..plan.nodes import SortKey
from .context import Context, batch_bytes
from .limit import Window, row_count
from .operator import Frame, Operator
from .sorted_runs import ExternalSort, Ordering

_KEY_PREFIX = "\0key"
"""Key columns travel with their rows under names that no variable has."""


def _show(keys: tuple[SortKey, ...]) -> str:
    return ", ".join(show(k.expression) + (" DESC" if k.descending else "") for k in keys)


Keys = list[tuple[Evaluator, bool]]


def _compiled(keys: tuple[SortKey, ...]) -> Keys:
    return [(compile_expression(k.expression), k.descending) for k in keys]


def _with_keys(batch: Batch, keys: Keys, context: Context) -> Batch:
    return batch.with_columns({f"{_KEY_PREFIX}{i}": context.typed(e(batch, context)) for i, (e, _) in enumerate(keys)})


def _without_keys(batch: Batch) -> Batch:
    return batch.only([name for name in batch.columns if not name.startswith(_KEY_PREFIX)])


def _ordering(keys: Keys, frame: Frame) -> Ordering:
    return Ordering([(f"{_KEY_PREFIX}{i}", descending) for i, (_, descending) in enumerate(keys)], frame.n > 1)


def _sorted(batches: Iterator[Batch], keys: Keys, frame: Frame, context: Context) -> Iterator[Batch]:
    """All rows in order; stable."""
    with context.spill() as spill, ExternalSort(_ordering(keys, frame), context, spill) as sort:
        for batch in batches:
            sort.add(_with_keys(batch, keys, context))
        for piece in sort.result():
            out = _without_keys(piece)
            for start in range(0, out.length, context.rows_max):
                yield out.slice(start, start + context.rows_max)


@dataclass(eq=False, slots=True)
class Sort(Operator):
    """All rows, ordered by ``keys``; stable."""

    input: Operator
    keys: tuple[SortKey, ...]
    _keys: Keys = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = _compiled(self.keys)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        return _sorted(context.batches(self.input, frame.whole()), self._keys, frame, context)

    def describe(self) -> str:
        return _show(self.keys)


@dataclass(eq=False, slots=True)
class Top(Operator):
    """The first ``limit`` rows after ``skip`` of a sort; what is held is cut back as it grows.

    Of one argument row no more than is wanted is ever sorted: a batch is first cut to the rows whose first key is not
    behind the last one wanted so far. So many rows that this does not pay are sorted whole, which may go to disk.

    LIMIT 0 asks for no row at all, unless ``exhaust``: the input writes, so all of it runs whatever is wanted.
    """

    input: Operator
    keys: tuple[SortKey, ...]
    limit: Expr
    skip: Expr | None = None
    exhaust: bool = False
    _keys: Keys = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = _compiled(self.keys)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        limit = row_count(self.limit, frame, context, "LIMIT")
        if limit == 0 and not self.exhaust:
            return
        skip = 0 if self.skip is None else row_count(self.skip, frame, context, "SKIP")
        window = Window(skip, limit, frame)
        batches = context.batches(self.input, frame.whole())
        if (limit + skip) * frame.n > SORT_RUN_ROWS // 2:
            ordered = _sorted(batches, self._keys, frame, context)
        else:
            ordered = self._first(batches, limit + skip, frame, context)
        for batch in ordered:
            out = window.take(batch)
            if out is not None:
                yield out

    def _first(self, batches: Iterator[Batch], wanted: int, frame: Frame, context: Context) -> Iterator[Batch]:
        """The first ``wanted`` rows of each argument row, in order."""
        ordering = _ordering(self._keys, frame)
        held: list[Batch] = []
        rows = taken = 0
        bound: tuple[object, int] | None = None
        with context.held() as memory:
            for batch in batches:
                batch = _with_keys(batch, self._keys, context)
                taken += batch.length
                if bound is not None:
                    batch = self._within(batch, bound, taken)
                    if not batch.length:
                        continue
                held.append(batch)
                memory.add(batch_bytes(batch))
                rows += batch.length
                if rows > max(2 * wanted * frame.n, min(4_096, context.rows_max)):
                    best = self._cut(concat_batches(held), ordering, wanted, frame)
                    held, rows = [best], best.length
                    memory.keep_only(batch_bytes(best))
                    bound = self._bound(best, taken) if frame.n == 1 and best.length == wanted else None
            if not held:
                return
            out = _without_keys(self._cut(concat_batches(held), ordering, wanted, frame))
            for start in range(0, out.length, context.rows_max):
                yield out.slice(start, start + context.rows_max)

    def _cut(self, batch: Batch, ordering: Ordering, wanted: int, frame: Frame) -> Batch:
        """The first ``wanted`` rows of each argument row, in order. A weight does not count: it only adds rows."""
        if frame.n == 1:
            return batch.take(least_positions(ordering.columns(batch), wanted))
        batch = ordering.sorted(batch)
        row = batch.rows()
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        place = np.arange(batch.length) - np.repeat(starts, np.diff(starts, append=batch.length))
        return batch.take(np.flatnonzero(place < wanted))

    def _bound(self, best: Batch, rows: int) -> tuple[object, int] | None:
        """The first key of the last row wanted so far, where others can be compared with it as integers."""
        if not best.length:
            return None
        found = order_codes(best.columns[f"{_KEY_PREFIX}0"], rows)
        return None if found is None else (found[0], int(found[1][-1]))

    def _within(self, batch: Batch, bound: tuple[object, int], rows: int) -> Batch:
        """The rows that are not behind ``bound`` by their first key."""
        found = order_codes(batch.columns[f"{_KEY_PREFIX}0"], rows)
        if found is None or found[0] != bound[0]:
            return batch
        passing = found[1] >= bound[1] if self._keys[0][1] else found[1] <= bound[1]
        kept = np.flatnonzero(passing)
        return batch if len(kept) == batch.length else batch.take(kept)

    def describe(self) -> str:
        return f"{show(self.limit)} by {_show(self.keys)}"
