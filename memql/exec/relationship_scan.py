"""Relationships by type or by id, with their ends: the start of a plan that no node makes selective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, node_column
from memoradb.storage.view import Direction, Element

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show
from ..plan.expr import Expr
from .adjacent import arrow
from .context import Context
from .index_scan import evaluated, ids_of
from .operator import Frame, Operator
from .scan import cross

_SLOTS = " slots"


def with_ends(
    batch: Batch,
    slots: IntArray,
    relationship: str | None,
    source: str | None,
    target: str | None,
    direction: Direction,
    context: Context,
) -> Iterator[Batch]:
    """``batch``, whose rows have the relationships ``slots``, with columns for what is read of them.

    BOTH gives a relationship from either end, a self-loop once.
    """
    starts, ends = context.view.endpoints(slots)
    ways = {Direction.OUT: ((starts, ends),), Direction.IN: ((ends, starts),)}.get(
        direction, ((starts, ends), (ends, starts))
    )
    for number, (first, last) in enumerate(ways):
        columns: dict[str, Column] = {}
        if relationship is not None:
            columns[relationship] = TypedColumn(Kind.RELATIONSHIP, slots)
        if source is not None:
            columns[source] = node_column(first)
        if target is not None:
            columns[target] = node_column(last)
        keep = None
        if number == 1:
            keep = starts != ends
        if source is not None and source == target:
            closed = starts == ends
            keep = closed if keep is None else keep & closed
        out = batch.with_columns(columns)
        if keep is not None and not keep.all():
            out = out.take(np.flatnonzero(keep))
        if out.length:
            yield out


@dataclass(eq=False, slots=True)
class RelationshipScan(Operator):
    """All relationships of ``types`` (none: all types), for each input row; None is a dead variable."""

    input: Operator
    relationship: str | None
    source: str | None
    target: str | None
    types: tuple[str, ...] = ()
    direction: Direction = Direction.OUT

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        slots: IntArray | None = None
        for batch in context.batches(self.input, frame):
            if slots is None:
                slots = context.view.relationships(self.types or None)
            for piece in cross(batch, _SLOTS, slots, context.rows_max, Kind.RELATIONSHIP):
                column = piece.columns.pop(_SLOTS)
                assert isinstance(column, TypedColumn)
                yield from with_ends(
                    piece, column.data, self.relationship, self.source, self.target, self.direction, context
                )

    def describe(self) -> str:
        return arrow(self.source or "", self.relationship, self.target, self.types, self.direction)


@dataclass(eq=False, slots=True)
class RelationshipById(Operator):
    """The relationship with an id (``many``: with one of a list of ids), if it is of one of ``types``."""

    input: Operator
    relationship: str | None
    source: str | None
    target: str | None
    value: Expr
    many: bool = False
    types: tuple[str, ...] = ()
    direction: Direction = Direction.OUT
    _value: Evaluator | None = None

    def __post_init__(self) -> None:
        self._value = compile_expression(self.value)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        assert self._value is not None
        view = context.view
        for batch in context.batches(self.input, frame):
            for piece, column in evaluated(batch, self._value, context):
                positions, ids = ids_of(column, self.many)
                slots = view.slots_of_ids(Element.RELATIONSHIP, ids)
                kept = np.flatnonzero(slots >= 0)
                if self.types and len(kept):
                    found = view.relationship_type(slots.take(kept))
                    kept = kept.take([i for i, t in enumerate(found) if t in self.types])
                positions, slots = positions.take(kept), slots.take(kept)
                for start in range(0, len(slots), context.rows_max):
                    stop = start + context.rows_max
                    yield from with_ends(
                        piece.take(positions[start:stop]),
                        slots[start:stop],
                        self.relationship,
                        self.source,
                        self.target,
                        self.direction,
                        context,
                    )

    def describe(self) -> str:
        step = arrow(self.source or "", self.relationship, self.target, self.types, self.direction)
        return f"{step} by id {'IN' if self.many else '='} {show(self.value)}"
