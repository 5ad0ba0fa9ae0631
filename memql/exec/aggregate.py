"""Aggregation, per row of the frame: without keys every argument row gets its one result row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, concat

from ..functions.aggregate import aggregator
from ..kernels.compile import Evaluator, compile_expression
from ..kernels.grouping import group_rows, row_keys
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from ..plan.nodes import Aggregate
from .context import Context
from .operator import Frame, Operator

_GATHERING = frozenset(("collect", "percentilecont", "percentiledisc", "stdev", "stdevp"))
"""Aggregates that keep every value until the end."""


@dataclass(eq=False, slots=True)
class Aggregation(Operator):
    """Groups by ``keys``, one row a group, in order of first appearance within each argument row."""

    input: Operator
    keys: tuple[tuple[str, Expr], ...]
    aggregates: tuple[Aggregate, ...]
    _keys: tuple[Evaluator, ...] = ()
    _arguments: tuple[tuple[Evaluator, ...], ...] = ()

    def __post_init__(self) -> None:
        self._keys = tuple(compile_expression(e) for _, e in self.keys)
        self._arguments = tuple(tuple(map(compile_expression, a.arguments)) for a in self.aggregates)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        states = [aggregator(a.function, a.distinct) for a in self.aggregates]
        groups = _Groups(frame.n, bool(self.keys))
        for state in states:
            state.grow(groups.count)
        with context.held() as memory:
            for batch in context.batches(self.input, frame.whole()):
                columns = [k(batch, context) for k in self._keys]
                before = groups.count
                codes = groups.assign(columns, batch)
                memory.add((groups.count - before) * (64 + 32 * (len(columns) + len(states))))
                for item, state, expressions in zip(self.aggregates, states, self._arguments, strict=True):
                    state.grow(groups.count)
                    state.update(codes, [x(batch, context) for x in expressions], batch.weight, batch.length)
                    if item.function in _GATHERING or item.distinct:
                        memory.add(16 * (batch.length if batch.weight is None else int(batch.weight.sum())))
            yield from self._result(groups, states, frame, context)

    def _result(self, groups: _Groups, states: list[Any], frame: Frame, context: Context) -> Iterator[Batch]:
        if not groups.count:
            return
        columns: dict[str, Column] = {}
        for i, (name, _) in enumerate(self.keys):
            columns[name] = concat([part[i] for part in groups.key_columns])
        for item, state in zip(self.aggregates, states, strict=True):
            state.grow(groups.count)
            columns[item.variable] = state.result()
        row = None
        if frame.n > 1:
            row = groups.rows()
            order = np.argsort(row, kind="stable")
            columns = {name: column.take(order) for name, column in columns.items()}
            row = row.take(order)
        out = Batch(columns, groups.count, row)
        for start in range(0, out.length, context.rows_max):
            yield out.slice(start, start + context.rows_max)

    def describe(self) -> str:
        parts = [f"{show(e)} AS {show_variable(n)}" for n, e in self.keys]
        for a in self.aggregates:
            inner = ", ".join(map(show, a.arguments)) if a.arguments else "*"
            parts.append(f"{a.function}({'DISTINCT ' if a.distinct else ''}{inner}) AS {show_variable(a.variable)}")
        return ", ".join(parts)


class _Groups:
    """Numbers groups over all batches of a frame."""

    def __init__(self, rows: int, keyed: bool) -> None:
        self._keyed = keyed
        self._rows = rows
        self.count = 0 if keyed else rows
        self.key_columns: list[list[Column]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._dense: IntArray | None = None
        self._row_parts: list[IntArray] = []

    def rows(self) -> IntArray:
        """The argument row of each group."""
        return np.concatenate(self._row_parts) if self._keyed else np.arange(self._rows)

    def assign(self, columns: list[Column], batch: Batch) -> IntArray | None:
        """The group of each row of ``batch``, None where there is but one; new groups keep their key values."""
        if not self._keyed:
            return None if self._rows == 1 else batch.rows()
        row = None if self._rows == 1 else batch.rows()
        if row is None and len(columns) == 1 and (self._dense is not None or not self.key_columns):
            column = columns[0]
            if (
                isinstance(column, TypedColumn)
                and column.kind in (Kind.NODE, Kind.RELATIONSHIP)
                and column.mask is None
            ):
                return self._assign_dense(column)
            if self._dense is not None:
                self._leave_dense()
        codes, first = group_rows(columns, row, batch.length)
        numbers = np.empty(len(first), np.int64)
        fresh: list[int] = []
        for i, key in enumerate(row_keys(columns, first, row)):
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self.count
                self.count += 1
                fresh.append(i)
            numbers[i] = number
        if fresh:
            positions = first.take(np.array(fresh, np.int64))
            self._keep(columns, positions, batch.rows().take(positions))
        return numbers.take(codes)

    def _keep(self, columns: list[Column], positions: IntArray, rows: IntArray) -> None:
        self.key_columns.append([c.take(positions) for c in columns])
        self._row_parts.append(rows)

    def _assign_dense(self, column: TypedColumn) -> IntArray:
        """One key of slots: a scatter array from slot to group."""
        slots = column.data
        if not len(slots):
            return slots
        top = int(slots.max()) + 1
        if self._dense is None:
            self._dense = np.full(max(top, 1024), -1, np.int64)
        elif top > len(self._dense):
            grown = np.full(max(top, 2 * len(self._dense)), -1, np.int64)
            grown[: len(self._dense)] = self._dense
            self._dense = grown
        numbers = self._dense.take(slots)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            new_slots, where = np.unique(slots.take(missing), return_index=True)
            order = np.argsort(where, kind="stable")
            new_slots = new_slots.take(order)
            self._dense[new_slots] = np.arange(self.count, self.count + len(new_slots))
            self.count += len(new_slots)
            kept = TypedColumn(column.kind, new_slots)
            self._keep([kept], np.arange(len(new_slots)), np.zeros(len(new_slots), np.int64))
            numbers = self._dense.take(slots)
        return numbers

    def _leave_dense(self) -> None:
        """Another form of the same key came: go on with hashed keys."""
        self._dense = None
        number = 0
        for columns in self.key_columns:
            for key in row_keys(columns, np.arange(len(columns[0])), None):
                self._numbers[key] = number
                number += 1
