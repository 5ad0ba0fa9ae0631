"""Sort, and Top: the first rows of a sort without sorting the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from memoradb.core.batch import Batch, concat_batches

from ..kernels.compile import Evaluator, compile_expression
from ..kernels.grouping import sort_positions
from ..plan.explain import show
from ..plan.expr import Expr
from ..plan.nodes import SortKey
from .context import Context, batch_bytes
from .limit import Window, row_count
from .operator import Frame, Operator


def _sorted(batch: Batch, keys: list[tuple[Evaluator, bool]], frame: Frame, context: Context) -> Batch:
    columns = [(evaluate(batch, context), descending) for evaluate, descending in keys]
    return batch.take(sort_positions(columns, batch.rows() if frame.n > 1 else None))


def _show(keys: tuple[SortKey, ...]) -> str:
    return ", ".join(show(k.expression) + (" DESC" if k.descending else "") for k in keys)


Keys = list[tuple[Evaluator, bool]]


def _compiled(keys: tuple[SortKey, ...]) -> Keys:
    return [(compile_expression(k.expression), k.descending) for k in keys]


@dataclass(eq=False, slots=True)
class Sort(Operator):
    """All rows, ordered by ``keys``; stable."""

    input: Operator
    keys: tuple[SortKey, ...]
    _keys: Keys = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = _compiled(self.keys)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        held: list[Batch] = []
        with context.held() as memory:
            for batch in context.batches(self.input, frame.whole()):
                memory.add(batch_bytes(batch))
                held.append(batch)
            if not held:
                return
            out = _sorted(concat_batches(held), self._keys, frame, context)
            for start in range(0, out.length, context.rows_max):
                yield out.slice(start, start + context.rows_max)

    def describe(self) -> str:
        return _show(self.keys)


@dataclass(eq=False, slots=True)
class Top(Operator):
    """The first ``limit`` rows after ``skip`` of a sort; what is held is cut back as it grows.

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
        held: list[Batch] = []
        rows = 0
        bound = 4 * context.rows_max + 2 * (limit + skip) * max(frame.n, 1)
        with context.held() as memory:
            for batch in context.batches(self.input, frame.whole()):
                held.append(batch)
                memory.add(batch_bytes(batch))
                rows += batch.length
                if rows > bound:
                    held = [self._cut(held, 0, limit + skip, frame, context)]
                    rows = held[0].length
                    memory.keep_only(batch_bytes(held[0]))
            if not held:
                return
            out = self._cut(held, skip, limit, frame, context)
            for start in range(0, out.length, context.rows_max):
                yield out.slice(start, start + context.rows_max)

    def _cut(self, held: list[Batch], skip: int, limit: int, frame: Frame, context: Context) -> Batch:
        ordered = _sorted(concat_batches(held), self._keys, frame, context)
        out = Window(skip, limit, frame).take(ordered) if ordered.length else None
        return ordered.slice(0, 0) if out is None else out

    def describe(self) -> str:
        return f"{show(self.limit)} by {_show(self.keys)}"
