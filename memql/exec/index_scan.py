"""Nodes by index or by id, for each input row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.batch import Batch
from memoradb.core.columns import Column, ConstantColumn, IntArray, node_column
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import Value
from memoradb.storage.view import Element, RangeBound

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator
from .prefix import prefixed
from .scan import cross

_VALUE = " value"


def with_nodes(batch: Batch, positions: IntArray, variable: str, slots: IntArray) -> Batch:
    """Rows ``positions`` of ``batch``, each with its node."""
    if batch.length == 1 and len(positions) == 1:
        return batch.with_columns({variable: node_column(slots)})
    return batch.take(positions).with_columns({variable: node_column(slots)})


def keep_labelled(
    positions: IntArray, slots: IntArray, labels: tuple[str, ...], context: Context
) -> tuple[IntArray, IntArray]:
    """Only the nodes that have all of ``labels``."""
    for label in labels:
        kept = np.flatnonzero(context.view.has_label(slots, label))
        positions, slots = positions.take(kept), slots.take(kept)
    return positions, slots


def evaluated(batch: Batch, evaluate: Evaluator, context: Context) -> Iterator[tuple[Batch, Column]]:
    """The batch with ``evaluate``'s column; on an error its error-free prefix first."""
    if batch.length == 1:
        yield batch, evaluate(batch, context)
        return
    for piece in prefixed(batch, lambda b: b.with_columns({_VALUE: evaluate(b, context)})):
        column = piece.columns.pop(_VALUE)
        yield piece, column


def pieces(batch: Batch, positions: IntArray, variable: str, slots: IntArray, context: Context) -> Iterator[Batch]:
    """Hits as batches of bounded size."""
    size = context.rows_max
    for start in range(0, len(slots), size):
        stop = start + size
        yield with_nodes(batch, positions[start:stop], variable, slots[start:stop])


def _for_all(
    batch: Batch, variable: str, slots: IntArray, labels: tuple[str, ...], context: Context
) -> Iterator[Batch]:
    """Every row with the same hits: they were looked up once."""
    _, slots = keep_labelled(slots, slots, labels, context)
    return cross(batch, variable, slots, context.rows_max)


def list_items(value: Value) -> list[Value]:
    """What stands on the right of IN; TypeMismatch where it is no list."""
    if value is None:
        return []
    if type(value) is not list:
        raise TypeMismatch(f"IN takes a list on its right, not {type_name(value)}.")
    return value


def _spread(lists: list[Value]) -> tuple[IntArray, list[Value]]:
    """(row, value) pairs of a column of lists."""
    owners: list[int] = []
    values: list[Value] = []
    for i, found in enumerate(lists):
        items = list_items(found)
        owners.extend([i] * len(items))
        values.extend(items)
    return np.array(owners, np.int64), values


def ids_of(column: Column, many: bool) -> tuple[IntArray, IntArray]:
    """(row, id) pairs of what may be an id in a column; each id once a row. Anything else equals no id."""
    owners: list[int] = []
    ids: list[int] = []
    for i, found in enumerate(column.values()):
        mine: dict[int, None] = {}
        for one in list_items(found) if many else (found,):
            if type(one) is float and one.is_integer():
                one = int(one)
            if type(one) is int and 0 <= one < 1 << 63:
                mine[one] = None
        owners.extend([i] * len(mine))
        ids.extend(mine)
    return np.array(owners, np.int64), np.array(ids, np.int64)


@dataclass(eq=False, slots=True)
class NodeIndexSeek(Operator):
    """Nodes whose indexed property equals a value, or (``many``) one of a list."""

    input: Operator
    variable: str
    index: str
    value: Expr
    many: bool = False
    labels: tuple[str, ...] = ()
    _value: Evaluator | None = None

    def __post_init__(self) -> None:
        self._value = compile_expression(self.value)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        assert self._value is not None
        for batch in context.batches(self.input, frame):
            for piece, column in evaluated(batch, self._value, context):
                if piece.length == 1 and not self.many:
                    positions, slots = context.view.index_seek(self.index, [column.item(0)])
                    if self.labels:
                        positions, slots = keep_labelled(positions, slots, self.labels, context)
                    if len(slots) == 1:
                        yield piece.with_columns({self.variable: node_column(slots)})
                    else:
                        yield from pieces(piece, positions, self.variable, slots, context)
                    continue
                if isinstance(column, ConstantColumn) and (self.many or piece.length > 1):
                    values = list_items(column.value) if self.many else [column.value]
                    _, slots = context.view.index_seek(self.index, values)
                    if self.many:
                        slots = distinct(slots)  # [1, 1.0] names one node twice
                    yield from _for_all(piece, self.variable, slots, self.labels, context)
                    continue
                if self.many:
                    owners, values = _spread(column.values())
                    found, slots = context.view.index_seek(self.index, values)
                    pairs = distinct(owners.take(found) << 32 | slots)
                    positions, slots = pairs >> 32, pairs & 0xFFFFFFFF
                else:
                    positions, slots = context.view.index_seek(self.index, column.values())
                if self.labels:
                    positions, slots = keep_labelled(positions, slots, self.labels, context)
                yield from pieces(piece, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"{self.variable.strip()} by {self.index} {'IN' if self.many else '='} {show(self.value)}"


Bound = tuple[Expr, bool]


@dataclass(eq=False, slots=True)
class NodeIndexRange(Operator):
    """Nodes whose indexed property lies in a range; bounds are (expression, inclusive)."""

    input: Operator
    variable: str
    index: str
    low: Bound | None
    high: Bound | None
    labels: tuple[str, ...] = ()
    _bounds: tuple[tuple[Evaluator, bool] | None, ...] = ()

    def __post_init__(self) -> None:
        self._bounds = tuple(None if b is None else (compile_expression(b[0]), b[1]) for b in (self.low, self.high))

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            columns = [None if b is None else b[0](batch, context) for b in self._bounds]
            if all(c is None or isinstance(c, ConstantColumn) for c in columns):
                slots = self._slots([None if c is None else c.item(0) for c in columns], context)
                yield from _for_all(batch, self.variable, slots, self.labels, context)
                continue
            values = [[None] * batch.length if c is None else c.values() for c in columns]
            for i, bounds in enumerate(zip(*values, strict=True)):
                slots = self._slots(list(bounds), context)
                positions = np.full(len(slots), i, np.int64)
                positions, slots = keep_labelled(positions, slots, self.labels, context)
                yield from pieces(batch, positions, self.variable, slots, context)

    def _slots(self, values: list[Value], context: Context) -> IntArray:
        bounds = [None if b is None else RangeBound(value, b[1]) for b, value in zip(self._bounds, values, strict=True)]
        if any(b is not None and b.value is None for b in bounds):
            return np.zeros(0, np.int64)
        return context.view.index_range(self.index, bounds[0], bounds[1])

    def describe(self) -> str:
        parts = []
        if self.low is not None:
            parts.append(f"{'>=' if self.low[1] else '>'} {show(self.low[0])}")
        if self.high is not None:
            parts.append(f"{'<=' if self.high[1] else '<'} {show(self.high[0])}")
        return f"{self.variable.strip()} by {self.index} {' and '.join(parts)}"


@dataclass(eq=False, slots=True)
class NodeIndexPrefix(Operator):
    """Nodes whose indexed string starts with a prefix."""

    input: Operator
    variable: str
    index: str
    prefix: Expr
    labels: tuple[str, ...] = ()
    _prefix: Evaluator | None = None

    def __post_init__(self) -> None:
        self._prefix = compile_expression(self.prefix)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        assert self._prefix is not None
        for batch in context.batches(self.input, frame):
            for piece, column in evaluated(batch, self._prefix, context):
                if isinstance(column, ConstantColumn):
                    if type(column.value) is str:
                        slots = context.view.index_prefix(self.index, column.value)
                        yield from _for_all(piece, self.variable, slots, self.labels, context)
                    continue
                for i, value in enumerate(column.values()):
                    if type(value) is not str:
                        continue
                    slots = context.view.index_prefix(self.index, value)
                    positions = np.full(len(slots), i, np.int64)
                    positions, slots = keep_labelled(positions, slots, self.labels, context)
                    yield from pieces(piece, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"{self.variable.strip()} by {self.index} STARTS WITH {show(self.prefix)}"


@dataclass(eq=False, slots=True)
class NodeById(Operator):
    """The node with an id, or (``many``) with one of a list of ids."""

    input: Operator
    variable: str
    value: Expr
    many: bool = False
    labels: tuple[str, ...] = ()
    _value: Evaluator | None = None

    def __post_init__(self) -> None:
        self._value = compile_expression(self.value)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        assert self._value is not None
        for batch in context.batches(self.input, frame):
            for piece, column in evaluated(batch, self._value, context):
                positions, ids = ids_of(column, self.many)
                slots = context.view.slots_of_ids(Element.NODE, ids)
                kept = np.flatnonzero(slots >= 0)
                positions, slots = positions.take(kept), slots.take(kept)
                positions, slots = keep_labelled(positions, slots, self.labels, context)
                yield from pieces(piece, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"id({self.variable.strip()}) = {show(self.value)}"
