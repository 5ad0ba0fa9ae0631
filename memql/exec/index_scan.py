"""Nodes by index or by id, for each input row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import ConstantColumn, IntArray, node_column
from memoradb.core.values import Value
from memoradb.storage.view import Element, RangeBound

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator


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
            column = self._value(batch, context)
            if self.many:
                owners, values = _spread(column.values())
                found, slots = context.view.index_seek(self.index, values)
                positions = owners.take(found)
                pairs = np.unique(positions << 32 | slots)  # [1, 1.0] names one node twice
                positions, slots = pairs >> 32, pairs & 0xFFFFFFFF
            elif isinstance(column, ConstantColumn) and batch.length > 1:
                _, slots = context.view.index_seek(self.index, [column.value])
                positions = np.repeat(np.arange(batch.length), len(slots))
                slots = np.tile(slots, batch.length)
            else:
                positions, slots = context.view.index_seek(self.index, column.values())
            if self.labels:
                positions, slots = keep_labelled(positions, slots, self.labels, context)
            yield from pieces(batch, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"{self.variable.strip()} by {self.index} {'IN' if self.many else '='} {show(self.value)}"


def pieces(batch: Batch, positions: IntArray, variable: str, slots: IntArray, context: Context) -> Iterator[Batch]:
    """Hits as batches of bounded size."""
    size = context.rows_max
    for start in range(0, len(slots), size):
        stop = start + size
        yield with_nodes(batch, positions[start:stop], variable, slots[start:stop])


def _spread(lists: list[Value]) -> tuple[IntArray, list[Value]]:
    owners: list[int] = []
    values: list[Value] = []
    for i, items in enumerate(lists):
        if isinstance(items, list):
            owners.extend([i] * len(items))
            values.extend(items)
    return np.array(owners, np.int64), values


Bound = tuple[Expr, bool]


@dataclass(eq=False, slots=True)
class NodeIndexRange(Operator):
    """Nodes whose indexed property lies in a range."""

    input: Operator
    variable: str
    index: str
    low: Bound | None
    high: Bound | None
    labels: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        low = None if self.low is None else (compile_expression(self.low[0]), self.low[1])
        high = None if self.high is None else (compile_expression(self.high[0]), self.high[1])
        for batch in context.batches(self.input, frame):
            lows = None if low is None else low[0](batch, context).values()
            highs = None if high is None else high[0](batch, context).values()
            for i in range(batch.length):
                bound_low = None if low is None or lows is None else RangeBound(lows[i], low[1])
                bound_high = None if high is None or highs is None else RangeBound(highs[i], high[1])
                if any(b is not None and b.value is None for b in (bound_low, bound_high)):
                    continue
                slots = context.view.index_range(self.index, bound_low, bound_high)
                positions = np.full(len(slots), i, np.int64)
                positions, slots = keep_labelled(positions, slots, self.labels, context)
                yield from pieces(batch, positions, self.variable, slots, context)

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

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        prefix = compile_expression(self.prefix)
        for batch in context.batches(self.input, frame):
            for i, value in enumerate(prefix(batch, context).values()):
                if type(value) is not str:
                    continue
                slots = context.view.index_prefix(self.index, value)
                positions = np.full(len(slots), i, np.int64)
                positions, slots = keep_labelled(positions, slots, self.labels, context)
                yield from pieces(batch, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"{self.variable.strip()} by {self.index} STARTS WITH {show(self.prefix)}"


@dataclass(eq=False, slots=True)
class NodeById(Operator):
    """The node with an id."""

    input: Operator
    variable: str
    value: Expr
    many: bool = False
    labels: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        value = compile_expression(self.value)
        for batch in context.batches(self.input, frame):
            owners: list[int] = []
            ids: list[int] = []
            for i, found in enumerate(value(batch, context).values()):
                for one in found if self.many and isinstance(found, list) else [found]:
                    if type(one) is float and one.is_integer():
                        one = int(one)
                    if type(one) is int and one >= 0:
                        owners.append(i)
                        ids.append(one)
            slots = context.view.slots_of_ids(Element.NODE, np.array(ids, np.int64))
            kept = np.flatnonzero(slots >= 0)
            positions, slots = np.array(owners, np.int64).take(kept), slots.take(kept)
            positions, slots = keep_labelled(positions, slots, self.labels, context)
            yield from pieces(batch, positions, self.variable, slots, context)

    def describe(self) -> str:
        return f"id({self.variable.strip()}) = {show(self.value)}"
