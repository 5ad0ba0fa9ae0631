"""Nodes, and relationships with their ends, by what a composite, text or point index is asked, for each input row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import ConstantColumn, IntArray, Kind, TypedColumn
from memoradb.storage.view import Direction

from ..kernels.compile import Evaluator, compile_expression
from ..plan.expr import Expr
from .adjacent import arrow
from .context import Context
from .index_scan import keep_labelled
from .lookup import Lookup
from .operator import Frame, Operator
from .relationship_scan import with_ends
from .scan import cross

_SLOTS = " slots"


def found(
    batch: Batch, lookup: Lookup, evaluators: tuple[Evaluator, ...], kind: Kind, context: Context
) -> Iterator[tuple[Batch, IntArray]]:
    """The batch's rows with what each finds: pieces of bounded size, and the slots of their rows."""
    columns = [evaluate(batch, context) for evaluate in evaluators]
    if all(isinstance(column, ConstantColumn) for column in columns):
        slots = lookup.slots([column.item(0) for column in columns], context.view)
        for piece in cross(batch, _SLOTS, slots, context.rows_max, kind):
            column = piece.columns.pop(_SLOTS)
            assert isinstance(column, TypedColumn)
            yield piece, column.data
        return
    for i, values in enumerate(zip(*(column.values() for column in columns), strict=True)):
        slots = lookup.slots(values, context.view)
        for start in range(0, len(slots), context.rows_max):
            part = slots[start : start + context.rows_max]
            yield batch.take(np.full(len(part), i, np.int64)), part


@dataclass(eq=False, slots=True)
class NodeIndexSearch(Operator):
    """Nodes that meet what ``lookup`` asks with ``values``."""

    input: Operator
    variable: str
    lookup: Lookup
    values: tuple[Expr, ...]
    labels: tuple[str, ...] = ()
    _values: tuple[Evaluator, ...] = ()

    def __post_init__(self) -> None:
        self._values = tuple(map(compile_expression, self.values))

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            for piece, slots in found(batch, self.lookup, self._values, Kind.NODE, context):
                rows, kept = keep_labelled(np.arange(len(slots)), slots, self.labels, context)
                if len(kept):
                    piece = piece if len(kept) == len(slots) else piece.take(rows)
                    yield piece.with_columns({self.variable: TypedColumn(Kind.NODE, kept)})

    def describe(self) -> str:
        return f"{self.variable.strip()} by {self.lookup.describe(self.values)}"


@dataclass(eq=False, slots=True)
class RelationshipIndexSearch(Operator):
    """Relationships that meet what ``lookup`` asks with ``values``, with their ends; None is a dead variable."""

    input: Operator
    relationship: str | None
    source: str | None
    target: str | None
    type: str
    direction: Direction
    lookup: Lookup
    values: tuple[Expr, ...]
    closed: bool = False
    """Only relationships that lead back to where they start."""
    _values: tuple[Evaluator, ...] = ()

    def __post_init__(self) -> None:
        self._values = tuple(map(compile_expression, self.values))

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            for piece, slots in found(batch, self.lookup, self._values, Kind.RELATIONSHIP, context):
                if self.closed:
                    starts, ends = context.view.endpoints(slots)
                    rows = np.flatnonzero(starts == ends)
                    piece, slots = piece.take(rows), slots.take(rows)
                if len(slots):
                    yield from with_ends(
                        piece, slots, self.relationship, self.source, self.target, self.direction, context
                    )

    def describe(self) -> str:
        step = arrow(self.source or "", self.relationship, self.target, (self.type,), self.direction)
        return f"{step} by {self.lookup.describe(self.values)}"
