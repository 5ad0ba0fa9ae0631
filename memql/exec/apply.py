"""Apply: an inner plan for each outer row, run once over slices of the outer batch (DESIGN 4.3).

The inner plan starts from the columns it needs and a fresh ``row``, enters with weight 1, and joins back by
position with a stable sort. On an error a read-only inner plan is replayed row by row, streaming, so that
rows before the failing one go out first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import ConstantColumn, IntArray, ListColumn, take_or_null
from memoradb.core.errors import MemQLError
from memoradb.core.semantics import type_name

from ..kernels.compile import compile_expression
from ..kernels.subquery import argument_frame
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from ..plan.nodes import ApplyKind
from .adjacent import multiplied
from .context import Context, batch_bytes
from .operator import Frame, Operator
from .slices import OutputSlices


@dataclass(eq=False, slots=True)
class Apply(Operator):
    """All kinds of correlated subquery that are clauses.

    ``updating``: the inner plan writes, so it runs once for each row, whatever its weight, and is never replayed.
    ``per_row``: it also reads what it writes, so each outer row must see what the ones before it did.
    """

    outer: Operator
    inner: Operator
    kind: ApplyKind
    variables: tuple[str, ...]
    arguments: tuple[str, ...]
    updating: bool = False
    per_row: bool = False

    @property
    def name(self) -> str:
        return self.kind.value

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        slices = OutputSlices(self.inner, context)
        for batch in context.batches(self.outer, frame.whole() if self.updating else frame):
            if self.updating:
                batch = batch.expanded()
            for piece in self._pieces(batch, slices):
                if piece.length == 1:
                    yield from self._joined(piece, context, stream=True)
                    continue
                if self.updating:
                    yield from self._joined(piece, context, stream=False)
                    continue
                try:
                    found = list(self._joined(piece, context, stream=False))
                except MemQLError:
                    for i in range(piece.length):
                        yield from self._joined(piece.slice(i, i + 1), context, stream=True)
                    continue
                slices.caused(piece.length, sum(b.length for b in found))
                yield from found

    def _pieces(self, batch: Batch, slices: OutputSlices) -> Iterator[Batch]:
        if not self.per_row:
            return slices.of(batch)
        return (batch.slice(i, i + 1) for i in range(batch.length))

    def _joined(self, piece: Batch, context: Context, stream: bool) -> Iterator[Batch]:
        start = argument_frame(piece, self.arguments)
        if self.kind in (ApplyKind.SEMI, ApplyKind.ANTI):
            start = start.asked(1)
        inner = context.batches(self.inner, start)
        match self.kind:
            case ApplyKind.UNIT:
                for _ in inner:
                    pass
                yield piece
            case ApplyKind.SEMI | ApplyKind.ANTI:
                assert start.demand is not None
                found = start.demand.satisfied
                for batch in inner:
                    found[batch.rows()] = True
                    if found.all():
                        break
                rows = np.flatnonzero(found if self.kind is ApplyKind.SEMI else ~found)
                if len(rows):
                    yield piece.take(rows)
            case ApplyKind.CROSS | ApplyKind.OPTIONAL:
                yield from self._with_inner(piece, inner, context, stream)

    def _with_inner(self, piece: Batch, inner: Iterator[Batch], context: Context, stream: bool) -> Iterator[Batch]:
        if stream:
            hit = False
            for batch in inner:
                hit = True
                yield self._join(piece, batch, False)
            if not hit and self.kind is ApplyKind.OPTIONAL:
                yield self._miss(piece)
            return
        held: list[Batch] = []
        with context.held() as memory:
            for batch in inner:
                memory.add(batch_bytes(batch))
                held.append(batch)
            if not held:
                if self.kind is ApplyKind.OPTIONAL:
                    yield self._miss(piece)
                return
            out = self._join(piece, concat_batches(held), self.kind is ApplyKind.OPTIONAL)
            for start in range(0, out.length, context.rows_max):
                yield out.slice(start, start + context.rows_max)

    def _miss(self, piece: Batch) -> Batch:
        return piece.with_columns({v: ConstantColumn(None, piece.length) for v in self.variables})

    def _join(self, piece: Batch, inner: Batch, optional: bool) -> Batch:
        """The inner rows with their outer ones, in outer order; an outer row without any has nulls."""
        rows = inner.rows()
        if len(rows) > 1 and bool((rows[1:] < rows[:-1]).any()):
            order = np.argsort(rows, kind="stable")
            inner = inner.take(order)
            rows = rows.take(order)
        counts = np.bincount(rows, minlength=piece.length)
        positions: IntArray | None = None
        if optional and not (hit := counts > 0).all():
            shown = np.maximum(counts, 1)
            rows = np.repeat(np.arange(piece.length), shown)
            positions = np.full(len(rows), -1, np.int64)
            positions[np.repeat(hit, shown)] = np.arange(inner.length)
        # Where each outer row is shown once, it is as it stands: all are there, in order.
        once = len(rows) == piece.length and (piece.length == 1 or int(counts.max()) <= 1)
        out = piece if once else piece.take(rows)
        columns = dict(out.columns)
        for name in self.variables:
            column = inner.columns[name]
            columns[name] = column if positions is None else take_or_null(column, positions)
        weight = out.weight
        if inner.weight is not None:
            own = inner.weight
            if positions is not None:
                own = np.where(positions < 0, 1, own.take(np.maximum(positions, 0)))
            weight = own if weight is None else multiplied(weight, own)
        return Batch(columns, out.length, out.row, weight)

    def describe(self) -> str:
        return (", ".join(map(show_variable, self.variables)) + ("  row by row" if self.per_row else "")).strip()


@dataclass(eq=False, slots=True)
class Foreach(Operator):
    """Runs ``inner`` for each element of a list, for its effects; the rows pass unchanged."""

    input: Operator
    variable: str
    source: Expr
    inner: Operator
    arguments: tuple[str, ...]
    per_row: bool = True

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        source = compile_expression(self.source)
        outer = tuple(a for a in self.arguments if a != self.variable)
        for batch in context.batches(self.input, frame.whole()):
            batch = batch.expanded()
            for i in range(batch.length):
                row = batch.slice(i, i + 1)
                items = source(row, context).item(0)
                if items is None:
                    continue
                if not isinstance(items, list):
                    raise MemQLError(
                        f"FOREACH takes a list, not {type_name(items)}.", kind="TypeError", detail="InvalidArgumentType"
                    )
                for item in items:
                    columns = {a: row.columns[a] for a in outer} | {self.variable: ListColumn([item])}
                    for _ in context.batches(self.inner, Frame(Batch(columns, 1), 1)):
                        pass
            yield batch

    def describe(self) -> str:
        return f"{show_variable(self.variable)} IN {show(self.source)}"
