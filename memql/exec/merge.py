"""MERGE: match the whole pattern, or else create all of it, each row seeing what earlier rows made.

Row by row that is what it says. A batch at a time it can be done for one node, or one directed relationship between
bound ends, when nothing that the clause sets or reads is what it matches (the planner says so): rows are grouped by
their keys, by equality, so NaN never groups; the first row of a group is matched, and where nothing is found it
creates; the other rows of the group match what the first one found or made. ON MATCH runs last, in row order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, concat
from memoradb.core.errors import MemQLError
from memoradb.core.semantics import equals, equivalence_key
from memoradb.core.values import Value

from ..kernels.compile import Evaluator, compile_expression
from ..kernels.subquery import argument_frame
from ..plan.explain import show_variable
from ..plan.expr import Expr, MapOf
from ..plan.nodes import NewNode, NewRelationship, UpdateItem
from .context import Context
from .operator import Frame, Operator
from .write import Creation, Effect, apply_items, compile_items, holds_elements, row_by_row


@dataclass(eq=False, slots=True)
class Merge(Operator):
    """``match`` starts from ``arguments``; ``variables`` are what the pattern adds.

    ``per_row``: rows must go one by one; also where a column of ``subjects`` holds elements. ``match_per_row``: ON
    MATCH reads or doubly writes what it writes, so that rows that share an element must take turns.
    """

    input: Operator
    match: Operator
    nodes: tuple[NewNode, ...]
    relationships: tuple[NewRelationship, ...]
    on_create: tuple[UpdateItem, ...]
    on_match: tuple[UpdateItem, ...]
    arguments: tuple[str, ...]
    variables: tuple[str, ...]
    non_null: tuple[tuple[Expr, str], ...] = ()
    per_row: bool = True
    subjects: tuple[str, ...] = ()
    match_per_row: bool = True
    _keys: list[Evaluator] = field(default_factory=list)
    _checks: list[tuple[Evaluator, str]] = field(default_factory=list)
    _create: Creation = field(default_factory=Creation)
    _on_create: tuple[Effect, ...] = ()
    _on_match: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        self._create = Creation(self.nodes, self.relationships)
        self._on_create, self._on_match = compile_items(self.on_create), compile_items(self.on_match)
        self._checks = [(compile_expression(e), v) for e, v in self.non_null]
        for element in (*self.nodes, *self.relationships):
            if isinstance(element.properties, MapOf):
                self._keys.extend(compile_expression(value) for _, value in element.properties.entries)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame.whole()):
            batch = batch.expanded()
            one_by_one = self.per_row or any(holds_elements(batch.columns[name]) for name in self.subjects)
            if one_by_one or batch.length == 1:
                out = concat_batches([self._row(batch.slice(i, i + 1), context) for i in range(batch.length)])
            else:
                out = self._batch(batch, context)
            size = context.rows_max
            for start in range(0, out.length, size):
                yield out.slice(start, start + size)

    # --- row by row

    def _row(self, row: Batch, context: Context) -> Batch:
        self._check(row, context)
        found = list(context.batches(self.match, argument_frame(row, self.arguments)))
        if found:
            out = self._joined(row, concat_batches(found).expanded())
            for i in range(out.length if self.on_match else 0):
                apply_items(out.slice(i, i + 1), self._on_match, context)
            return out
        created = self._create(row, context)
        apply_items(created, self._on_create, context)
        return created

    def _check(self, batch: Batch, context: Context) -> None:
        for evaluate, variable in self._checks:
            if evaluate(batch, context).nulls() is not None:
                raise MemQLError(
                    f"Cannot merge: a property of `{show_variable(variable)}` is null.",
                    kind="SemanticError",
                    detail="MergeReadOwnWrites",
                    hint="MERGE finds elements by equality, and null equals nothing.",
                )

    def _joined(self, batch: Batch, inner: Batch) -> Batch:
        """Rows of ``batch`` with what ``inner`` found for them."""
        rows = inner.rows()
        columns = {name: column.take(rows) for name, column in batch.columns.items()}
        columns |= {v: inner.columns[v] for v in self.variables}
        return Batch(columns, inner.length, None if batch.row is None else batch.row.take(rows))

    # --- a batch at a time

    def _batch(self, batch: Batch, context: Context) -> Batch:
        self._check(batch, context)
        groups, first = self._groups(batch, context)
        leaders = batch.take(first)
        found = list(context.batches(self.match, argument_frame(leaders, self.arguments)))
        hit = np.zeros(len(first), np.bool_)
        parts: list[tuple[IntArray, dict[str, Column]]] = []  # (leader of each element, elements by variable)
        if found:
            inner = concat_batches(found).expanded()
            hit[inner.rows()] = True
            parts.append((inner.rows(), {v: inner.columns[v] for v in self.variables}))
        missing = np.flatnonzero(~hit)
        if len(missing):
            made = self._create(leaders.take(missing), context)
            apply_items(made, self._on_create, context)
            parts.append((missing, {v: made.columns[v] for v in self.variables}))
        out, leader, is_first = self._spread(batch, groups, first, parts)
        if self.on_match:
            # The row that created is the only one of its group that does not match.
            matched = np.flatnonzero(~is_first | hit.take(leader))
            rows = out.take(matched)
            size = 1 if self.match_per_row and not _all_different(rows, self.variables) else max(1, rows.length)
            for start in range(0, rows.length, size):
                apply_items(rows.slice(start, start + size), self._on_match, context)
        return out

    def _groups(self, batch: Batch, context: Context) -> tuple[IntArray, IntArray]:
        """(group of each row, first row of each group), groups by equality of keys and identity of bound ends."""
        ends = [name for r in self.relationships for name in (r.source, r.target)]
        columns = [key(batch, context).values() for key in self._keys]
        columns += [_ends(batch.columns[name]) for name in ends]
        if not columns:
            return np.zeros(batch.length, np.int64), np.zeros(1, np.int64)
        if all(set(map(type, values)) <= _OWN_KEYS for values in columns):
            keys: list[Any] = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
            return _numbered(keys)
        numbers: dict[Any, int] = {}
        groups: list[int] = []
        first: list[int] = []
        for i, row in enumerate(zip(*columns, strict=True)):
            number = numbers.setdefault(_key(row, i), len(first))
            if number == len(first):
                first.append(i)
            groups.append(number)
        return np.array(groups, np.int64), np.array(first, np.int64)

    def _spread(
        self, batch: Batch, groups: IntArray, first: IntArray, parts: list[tuple[IntArray, dict[str, Column]]]
    ) -> tuple[Batch, IntArray, Any]:
        """Every row with each element of its group; the group of each, and whether its row is the group's first."""
        leader = np.concatenate([owner for owner, _ in parts])
        elements = {v: concat([columns[v] for _, columns in parts]) for v in self.variables}
        order = np.argsort(leader, kind="stable")
        counts = np.bincount(leader, minlength=len(first))
        starts = np.cumsum(counts) - counts
        each = counts.take(groups)
        rows = np.repeat(np.arange(batch.length), each)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each)
        chosen = order.take(starts.take(groups.take(rows)) + within)
        out = batch.take(rows).with_columns({v: c.take(chosen) for v, c in elements.items()})
        group = groups.take(rows)
        return out, group, first.take(group) == rows

    def describe(self) -> str:
        return ", ".join(map(show_variable, self.variables)) + row_by_row(self.per_row, self.subjects)


def _ends(column: Column) -> list[Any]:
    """Nodes, by their slots where all are there."""
    if isinstance(column, TypedColumn) and column.kind == Kind.NODE and column.mask is None:
        return column.data.tolist()
    return column.values()


_OWN_KEYS: Final = frozenset((int, str))
"""Types of values that are their own equivalence keys, each of which equals itself."""


def _numbered(keys: list[Any]) -> tuple[IntArray, IntArray]:
    """(number of each key, first place of each number), in the order in which they come."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    groups = np.fromiter(map(numbers.__getitem__, keys), np.int64, len(keys))
    first = np.empty(len(numbers), np.int64)
    first[groups[::-1]] = np.arange(len(keys) - 1, -1, -1)  # of several the last one written, which is the first
    return groups, first


def _key(row: tuple[Value, ...], position: int) -> Any:
    """A key that is equal for rows whose values are equal; one that equals nothing, as NaN, is like no other row."""
    for value in row:
        kind = type(value)
        if kind is float or kind is list or kind is dict:
            if equals(value, value) is not True:
                return ("alone", position)
    return tuple(map(equivalence_key, row))


def _all_different(rows: Batch, variables: tuple[str, ...]) -> bool:
    """Whether no element is in two rows."""
    for name in variables:
        column = rows.columns[name]
        if not isinstance(column, TypedColumn) or len(np.unique(column.data)) < len(column.data):
            return False
    return True
