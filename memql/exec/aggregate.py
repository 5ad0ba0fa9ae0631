"""Aggregation, per row of the frame: without keys every argument row gets its one result row.

Groups that outgrow their share of the statement's memory go on in a temporary file. Where every aggregate has a state
of fixed size, rows of known groups are still added up in memory, and the others are dealt out to be aggregated later,
part by part. Where states grow with their rows (collect, percentiles, DISTINCT aggregates), the states are dealt out,
too, all further rows are written, and each part goes on where it stopped. What one group alone gathers must fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray
from memoradb.core.limits import SORT_RUN_ROWS

from ..functions.aggregate import Aggregator, aggregator
from ..kernels.compile import Evaluator, compile_all
from ..kernels.group_numbers import GroupNumbers
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from ..plan.nodes import Aggregate
from .context import Context, Held
from .operator import Frame, Operator
from .partitions import LEVELS_MAX, PARTITIONS, Partitions, partition_numbers
from .spill import Spill

_GATHERING: Final = frozenset(("collect", "percentilecont", "percentiledisc", "stdev", "stdevp"))
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
        arguments = [e for a in self.aggregates for e in a.arguments]
        evaluators = iter(compile_all([*(e for _, e in self.keys), *arguments]))
        self._keys = tuple(next(evaluators) for _ in self.keys)
        self._arguments = tuple(tuple(next(evaluators) for _ in a.arguments) for a in self.aggregates)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        with context.spill() as spill, context.held() as memory:
            groups = Groups(self, frame, context)
            yield from self._aggregated(self._evaluated(frame, context), groups, frame, context, spill, memory, level=0)

    def _evaluated(self, frame: Frame, context: Context) -> Iterator[Batch]:
        """The input's keys (k0, k1, ...) and arguments (a0.0, ...), with row and weight."""
        keys, arguments = self._keys, self._arguments
        for batch in context.batches(self.input, frame.whole()):
            columns = {f"k{i}": context.typed(evaluate(batch, context)) for i, evaluate in enumerate(keys)}
            for i, evaluators in enumerate(arguments):
                for j, evaluate in enumerate(evaluators):
                    columns[f"a{i}.{j}"] = context.typed(evaluate(batch, context))
            yield Batch(columns, batch.length, batch.row, batch.weight)

    def _aggregated(
        self,
        batches: Iterator[Batch],
        groups: Groups,
        frame: Frame,
        context: Context,
        spill: Spill,
        memory: Held,
        level: int,
    ) -> Iterator[Batch]:
        for batch in batches:
            groups.update(batch)
            memory.keep_only(groups.bytes)
            if memory.crowded and level < LEVELS_MAX and self.keys and groups.count > 1:
                if groups.gathering:
                    yield from self._in_parts(batches, groups, frame, context, spill, memory, level)
                else:
                    yield from self._rest_in_parts(batches, groups, frame, context, spill, memory, level)
                return
        yield from groups.result(context)

    def _rest_in_parts(
        self,
        batches: Iterator[Batch],
        groups: Groups,
        frame: Frame,
        context: Context,
        spill: Spill,
        memory: Held,
        level: int,
    ) -> Iterator[Batch]:
        """No further group in memory: the rows of those that are there are added up, others written."""
        rest = Partitions(spill, level)
        for batch in batches:
            unknown = groups.update_known(batch)
            if unknown is not None:
                rest.add(unknown, groups.keys_of(unknown), groups.row_of(unknown))
        memory.keep_only(groups.bytes)
        yield from groups.result(context)
        groups.clear()
        memory.keep_only(0)
        for number in range(PARTITIONS):
            part = Groups(self, frame, context)
            yield from self._aggregated(rest.of(number), part, frame, context, spill, memory, level + 1)
            memory.keep_only(0)

    def _in_parts(
        self,
        batches: Iterator[Batch],
        groups: Groups,
        frame: Frame,
        context: Context,
        spill: Spill,
        memory: Held,
        level: int,
    ) -> Iterator[Batch]:
        """Groups and all further rows are dealt out."""
        with ExitStack() as stack:
            parts = groups.parts(level)
            memory.keep_only(0)
            accounts = [stack.enter_context(context.held()) for _ in parts]
            for part, account in zip(parts, accounts, strict=True):
                account.add(part.bytes)
            rest = Partitions(spill, level)
            for batch in batches:
                rest.add(batch, groups.keys_of(batch), groups.row_of(batch))
            for number, account in enumerate(accounts):
                part = parts.pop(0)
                yield from self._aggregated(rest.of(number), part, frame, context, spill, account, level + 1)
                del part
                account.keep_only(0)

    def describe(self) -> str:
        parts = [f"{show(e)} AS {show_variable(n)}" for n, e in self.keys]
        for a in self.aggregates:
            inner = ", ".join(map(show, a.arguments)) if a.arguments else "*"
            parts.append(f"{a.function}({'DISTINCT ' if a.distinct else ''}{inner}) AS {show_variable(a.variable)}")
        return ", ".join(parts)


class Groups:
    """The groups of an aggregation, and the states of its aggregates."""

    def __init__(self, plan: Aggregation, frame: Frame, context: Context) -> None:
        self._plan = plan
        self._frame = frame
        self._context = context
        self._keyed = bool(plan.keys)
        self._per_row = frame.n > 1
        self._key_names = [f"k{i}" for i in range(len(plan.keys))]
        self._argument_names = [[f"a{i}.{j}" for j in range(len(a.arguments))] for i, a in enumerate(plan.aggregates)]
        self.gathering = any(a.distinct or a.function in _GATHERING for a in plan.aggregates)
        self.clear()

    def clear(self) -> None:
        """No groups: what was held is free."""
        per_row = self._frame.n if self._per_row else None
        self._numbers = GroupNumbers(per_row, self._context.kernel_rows_min, self._context.check)
        self._states: list[Aggregator] = [aggregator(a.function, a.distinct) for a in self._plan.aggregates]
        for state in self._states:
            state.check = self._context.check
            state.grow(self.count)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return self._numbers.count if self._keyed else self._frame.n

    @property
    def bytes(self) -> int:
        """The memory of keys and states."""
        total = self._numbers.bytes
        for state in self._states:
            total += state.bytes
        return total

    def keys_of(self, batch: Batch) -> list[Column]:
        """The key columns of a batch of evaluated rows."""
        return [batch.columns[name] for name in self._key_names]

    def row_of(self, batch: Batch) -> IntArray | None:
        """The argument row of each row, where there are several."""
        return batch.rows() if self._per_row else None

    def update(self, batch: Batch) -> None:
        """Take a batch of evaluated rows."""
        if not self._keyed:
            self._add(self.row_of(batch), batch)
            return
        numbers, _ = self._numbers.assign(self.keys_of(batch), self.row_of(batch), batch.length)
        self._add(numbers, batch)

    def update_known(self, batch: Batch) -> Batch | None:
        """Take the rows whose group is there; returns the others."""
        numbers = self._numbers.find(self.keys_of(batch), self.row_of(batch), batch.length)
        known = np.flatnonzero(numbers >= 0)
        if len(known):
            self._add(numbers.take(known), batch.take(known))
        return None if len(known) == batch.length else batch.take(np.flatnonzero(numbers < 0))

    def _add(self, numbers: IntArray | None, batch: Batch) -> None:
        count = self.count
        for state, names in zip(self._states, self._argument_names, strict=True):
            state.grow(count)
            state.update(numbers, [batch.columns[name] for name in names], batch.weight, batch.length)

    def parts(self, level: int) -> list[Groups]:
        """The groups dealt out by their keys; this one has none any more."""
        columns, rows = self._numbers.key_columns(), self._numbers.rows()
        row = rows if self._per_row else None
        numbers = partition_numbers(columns, row, self.count, level)
        out: list[Groups] = []
        for number in range(PARTITIONS):
            mine = np.flatnonzero(numbers == number)
            part = Groups(self._plan, self._frame, self._context)
            for start in range(0, len(mine), SORT_RUN_ROWS):
                self._context.check()
                some = mine[start : start + SORT_RUN_ROWS]
                part._numbers.assign(
                    [c.take(some) for c in columns], None if row is None else row.take(some), len(some)
                )
            part._states = [state.part(mine) for state in self._states]
            for state in part._states:
                state.check = self._context.check
            out.append(part)
        self.clear()
        return out

    def result(self, context: Context) -> Iterator[Batch]:
        """A row for each group, those of one argument row together."""
        count = self.count
        if not count:
            return
        names = [name for name, _ in self._plan.keys]
        columns: dict[str, Column] = {}
        for item, state in zip(self._plan.aggregates, self._states, strict=True):
            context.check()
            state.grow(count)
            columns[item.variable] = state.result()
        if not self._per_row:
            out = Batch(columns, count)
            for start in range(0, count, context.rows_max):
                stop = min(start + context.rows_max, count)
                keys = self._numbers.key_columns(start, stop) if names else []
                part = out.slice(start, stop)
                yield Batch({**dict(zip(names, keys, strict=True)), **part.columns}, part.length)
            return
        columns = {**dict(zip(names, self._numbers.key_columns() if names else (), strict=True)), **columns}
        row = self._numbers.rows() if self._keyed else np.arange(count)
        if bool((row[1:] < row[:-1]).any()):
            order = np.argsort(row, kind="stable")
            columns = {name: column.take(order) for name, column in columns.items()}
            row = row.take(order)
        out = Batch(columns, count, row)
        for start in range(0, count, context.rows_max):
            yield out.slice(start, start + context.rows_max)
