"""Selective evaluation: AND, OR, CASE, coalesce, and IS NULL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray, Kind, ListColumn, TypedColumn, lift
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

if TYPE_CHECKING:
    from ..exec.context import Context

Evaluator = Callable[[Batch, "Context"], Column]


def check(value: Value) -> None:
    """TypeMismatch unless ``value`` is true, false or null."""
    if value is not True and value is not False and value is not None:
        raise TypeMismatch(f"A predicate must be true, false or null, not {type_name(value)}.")


def truth_arrays(column: Column) -> tuple[BoolArray, BoolArray | None]:
    """Where a column is true, and where it is null; None where nothing is. The arrays may be the column's own."""
    if isinstance(column, TypedColumn) and column.kind == Kind.BOOLEAN:
        if column.mask is None:
            return column.data, None
        return column.data & ~column.mask, column.mask
    if isinstance(column, ConstantColumn):
        check(column.value)
        whole = np.ones if column.value is True else np.zeros
        return whole(column.length, np.bool_), column.nulls()
    values = column.values()
    for value in values:
        check(value)
    true = np.fromiter((v is True for v in values), np.bool_, len(values))
    null = np.fromiter((v is None for v in values), np.bool_, len(values))
    return true, null if null.any() else None


@dataclass(frozen=True, slots=True)
class Operand:
    """A part of an expression that is evaluated on some rows only: just the columns that it reads are taken there."""

    evaluate: Evaluator
    variables: tuple[str, ...]

    def on(self, batch: Batch, rows: IntArray, context: Context) -> Column:
        """Its values on some rows of ``batch``, ascending."""
        if len(rows) == batch.length:
            return self.evaluate(batch, context)
        return self.evaluate(batch.only([v for v in self.variables if v in batch.columns]).take(rows), context)


def _either(a: BoolArray | None, b: BoolArray | None) -> BoolArray | None:
    return b if a is None else a if b is None else a | b


def _combine(operands: tuple[Operand, ...], deciding: bool) -> Evaluator:
    """AND (deciding False) or OR (deciding True): later operands only where the earlier have not decided.

    Before each operand: ``true`` where all before it were (AND) or one was (OR), ``null`` where one was null and none
    decided.
    """

    def evaluate(batch: Batch, context: Context) -> Column:
        if batch.length < context.kernel_rows_min:
            return _combine_few(operands, deciding, batch, context)
        true, null = truth_arrays(operands[0].evaluate(batch, context))
        owned = False
        for operand in operands[1:]:
            waiting = ~true if deciding else true if null is None else true | null
            count = int(np.count_nonzero(waiting))
            if not count:
                break
            if count == batch.length:
                next_true, next_null = truth_arrays(operand.evaluate(batch, context))
                true, null = _decided(true, null, next_true, next_null, deciding)
                owned = False
                continue
            rows = np.flatnonzero(waiting)
            next_true, next_null = truth_arrays(operand.on(batch, rows, context))
            before_null = None if null is None else null.take(rows)
            next_true, next_null = _decided(true.take(rows), before_null, next_true, next_null, deciding)
            if not owned:
                true, owned = true.copy(), True
                null = None if null is None else null.copy()
            true[rows] = next_true
            if null is None and next_null is not None:
                null = np.zeros(batch.length, np.bool_)
            if null is not None:
                null[rows] = False if next_null is None else next_null
        return TypedColumn(Kind.BOOLEAN, true, null if null is not None and null.any() else None)

    return evaluate


def _decided(
    true: BoolArray, null: BoolArray | None, next_true: BoolArray, next_null: BoolArray | None, deciding: bool
) -> tuple[BoolArray, BoolArray | None]:
    """``true`` and ``null`` of rows that waited for one more operand."""
    unknown = _either(null, next_null)
    if deciding:  # none was true yet
        return next_true, None if unknown is None else unknown & ~next_true
    if unknown is None:
        return true & next_true, None
    # Every row is true or null before; null now unless the operand is false.
    passed = next_true if next_null is None else next_true | next_null
    return true & next_true, unknown & passed


def _combine_few(operands: tuple[Operand, ...], deciding: bool, batch: Batch, context: Context) -> Column:
    values = list(operands[0].evaluate(batch, context).values())
    for value in values:
        check(value)
    for operand in operands[1:]:
        waiting = [i for i, v in enumerate(values) if v is not deciding]
        if not waiting:
            break
        column = operand.on(batch, np.array(waiting, np.int64), context)
        for i, other in zip(waiting, column.values(), strict=True):
            check(other)
            if other is deciding:
                values[i] = deciding
            elif other is None:
                values[i] = None
    return ListColumn(values)


def conjunction(operands: tuple[Operand, ...]) -> Evaluator:
    """AND."""
    return _combine(operands, False)


def disjunction(operands: tuple[Operand, ...]) -> Evaluator:
    """OR."""
    return _combine(operands, True)


def is_null(operand: Evaluator, negated: bool) -> Evaluator:
    """IS NULL, IS NOT NULL."""

    def evaluate(batch: Batch, context: Context) -> Column:
        column = operand(batch, context)
        if isinstance(column, ConstantColumn):
            return ConstantColumn((column.value is None) != negated, column.length)
        mask = column.nulls()
        if mask is None:
            return ConstantColumn(negated, len(column))
        return TypedColumn(Kind.BOOLEAN, ~mask if negated else mask)

    return evaluate


def assembled(parts: Sequence[tuple[IntArray | None, Column]], length: int, context: Context) -> Column:
    """One column of ``length`` rows: each part at its rows (None: all), later parts over earlier ones, else null."""
    if length >= context.kernel_rows_min:
        typed = [(rows, _typed(column)) for rows, column in parts if not _is_null(column)]
        kinds = {column.kind for _, column in typed if column is not None}
        if len(kinds) == 1 and all(column is not None for _, column in typed):
            return _assembled_typed(kinds.pop(), typed, length)
    out: list[Value] = [None] * length
    for rows, column in parts:
        for i, value in zip(range(length) if rows is None else rows.tolist(), column.values(), strict=True):
            out[i] = value
    return ListColumn(out)


def _is_null(column: Column) -> bool:
    return isinstance(column, ConstantColumn) and column.value is None


def _typed(column: Column) -> TypedColumn | None:
    """A column in typed form; a constant as one row, which stands for all."""
    if isinstance(column, ConstantColumn):
        column = lift([column.value])
    return column if isinstance(column, TypedColumn) else None


def _assembled_typed(kind: Kind, parts: Sequence[tuple[IntArray | None, TypedColumn | None]], length: int) -> Column:
    columns = [(slice(None) if rows is None else rows, column) for rows, column in parts if column is not None]
    data = np.zeros(length, columns[0][1].data.dtype)
    mask = np.ones(length, np.bool_)
    for rows, column in columns:
        data[rows] = column.data
        mask[rows] = False if column.mask is None else column.mask
    return TypedColumn(kind, data, mask if mask.any() else None)


def coalesce(operands: tuple[Operand, ...]) -> Evaluator:
    """The first value that is not null."""

    def evaluate(batch: Batch, context: Context) -> Column:
        first = operands[0].evaluate(batch, context)
        null = first.nulls()
        if null is None:
            return first
        parts: list[tuple[IntArray | None, Column]] = [(None, first)]
        rows = np.flatnonzero(null)
        for operand in operands[1:]:
            if not len(rows):
                break
            column = operand.on(batch, rows, context)
            parts.append((rows, column))
            null = column.nulls()
            if null is None:
                break
            rows = rows.compress(null)
        return assembled(parts, batch.length, context)

    return evaluate


def case(branches: tuple[tuple[Operand, Operand], ...], otherwise: Operand) -> Evaluator:
    """The value of the first branch whose condition is true."""

    def evaluate(batch: Batch, context: Context) -> Column:
        parts: list[tuple[IntArray | None, Column]] = []
        rows = np.arange(batch.length)
        for condition, value in branches:
            if not len(rows):
                break
            true, _ = truth_arrays(condition.on(batch, rows, context))
            chosen = rows.compress(true)
            if len(chosen):
                parts.append((chosen, value.on(batch, chosen, context)))
                rows = rows.compress(~true)
        if len(rows):
            parts.append((rows, otherwise.on(batch, rows, context)))
        return assembled(parts, batch.length, context)

    return evaluate
