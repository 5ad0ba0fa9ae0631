"""Selective evaluation: AND, OR, CASE, coalesce, and IS NULL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray, Kind, ListColumn, TypedColumn
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


def truth_arrays(column: Column) -> tuple[BoolArray, BoolArray]:
    """Where a column is true, and where it is null."""
    if isinstance(column, TypedColumn) and column.kind == Kind.BOOLEAN:
        if column.mask is None:
            return column.data, np.zeros(len(column), np.bool_)
        return column.data & ~column.mask, column.mask
    values = column.values()
    for value in values:
        check(value)
    true = np.fromiter((v is True for v in values), np.bool_, len(values))
    null = np.fromiter((v is None for v in values), np.bool_, len(values))
    return true, null


def _combine(operands: tuple[Evaluator, ...], deciding: bool) -> Evaluator:
    """AND (deciding False) or OR (deciding True): later operands only where the earlier have not decided."""

    def evaluate(batch: Batch, context: Context) -> Column:
        if batch.length < context.kernel_rows_min:
            return _combine_few(operands, deciding, batch, context)
        true, null = truth_arrays(operands[0](batch, context))
        true, null = true.copy(), null.copy()
        for operand in operands[1:]:
            # Rows not decided: for AND those not false, for OR those not true.
            open_rows = np.flatnonzero(~true) if deciding else np.flatnonzero(true | null)
            if not len(open_rows):
                break
            whole = len(open_rows) == batch.length
            part = batch if whole else batch.take(open_rows)
            next_true, next_null = truth_arrays(operand(part, context))
            before_true, before_null = true.take(open_rows), null.take(open_rows)
            if deciding:
                true[open_rows] = next_true
                null[open_rows] = ~next_true & (before_null | next_null)
            else:
                true[open_rows] = before_true & next_true
                null[open_rows] = (before_null & (next_true | next_null)) | (before_true & next_null)
        return TypedColumn(Kind.BOOLEAN, true, null if null.any() else None)

    return evaluate


def _combine_few(operands: tuple[Evaluator, ...], deciding: bool, batch: Batch, context: Context) -> Column:
    values = list(operands[0](batch, context).values())
    for value in values:
        check(value)
    for operand in operands[1:]:
        waiting = [i for i, v in enumerate(values) if v is not deciding]
        if not waiting:
            break
        part = batch if len(waiting) == batch.length else batch.take(np.array(waiting, np.int64))
        for i, other in zip(waiting, operand(part, context).values(), strict=True):
            check(other)
            if other is deciding:
                values[i] = deciding
            elif other is None:
                values[i] = None
    return ListColumn(values)


def conjunction(operands: tuple[Evaluator, ...]) -> Evaluator:
    """AND."""
    return _combine(operands, False)


def disjunction(operands: tuple[Evaluator, ...]) -> Evaluator:
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


def _fill(out: list[Value], rows: IntArray, column: Column) -> None:
    for i, value in zip(rows.tolist(), column.values(), strict=True):
        out[i] = value


def coalesce(operands: tuple[Evaluator, ...]) -> Evaluator:
    """The first value that is not null."""

    def evaluate(batch: Batch, context: Context) -> Column:
        first = operands[0](batch, context)
        if first.nulls() is None:
            return first
        out = list(first.values())
        rows = np.array([i for i, v in enumerate(out) if v is None], np.int64)
        for operand in operands[1:]:
            if not len(rows):
                break
            _fill(out, rows, operand(batch.take(rows), context))
            rows = np.array([i for i in rows.tolist() if out[i] is None], np.int64)
        return ListColumn(out)

    return evaluate


def case(branches: tuple[tuple[Evaluator, Evaluator], ...], otherwise: Evaluator) -> Evaluator:
    """The value of the first branch whose condition is true."""

    def evaluate(batch: Batch, context: Context) -> Column:
        out: list[Value] = [None] * batch.length
        rows = np.arange(batch.length)
        for condition, value in branches:
            if not len(rows):
                break
            part = batch.take(rows)
            true, _ = truth_arrays(condition(part, context))
            chosen = np.flatnonzero(true)
            if len(chosen):
                _fill(out, rows.take(chosen), value(part.take(chosen), context))
                rows = rows.compress(~true)
        if len(rows):
            _fill(out, rows, otherwise(batch.take(rows), context))
        return ListColumn(out)

    return evaluate
