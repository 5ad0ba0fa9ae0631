"""Lists and maps: constructors, and what runs a body for each element.

A comprehension, a quantifier and UNWIND run their body once over the flattened elements of all rows. Results are ragged
columns: offsets and one column of elements. ``reduce`` goes along all lists in step: the first elements of every row,
then the second ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    RaggedColumn,
    StringColumn,
    TypedColumn,
    ragged_positions,
)
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

from ..syntax.ast_expr import QuantifierKind
from . import boolean, strings
from .boolean import Evaluator
from .compare import equal, in_constant
from .per_string import Memo

if TYPE_CHECKING:
    from ..exec.context import Context


def list_of(items: tuple[Evaluator, ...]) -> Evaluator:
    """``[a, b]``."""

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [i(batch, context) for i in items]
        if all(isinstance(c, ConstantColumn) for c in columns):
            return ConstantColumn([c.value for c in columns if isinstance(c, ConstantColumn)], batch.length)
        return ListColumn([list(row) for row in zip(*(c.values() for c in columns), strict=True)])

    return evaluate


def map_of(entries: tuple[tuple[str, Evaluator], ...]) -> Evaluator:
    """``{a: 1}``."""
    keys = [k for k, _ in entries]

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [v(batch, context) for _, v in entries]
        if not columns:
            return ListColumn([{} for _ in range(batch.length)])
        rows = zip(*(c.values() for c in columns), strict=True)
        return ListColumn([dict(zip(keys, row, strict=True)) for row in rows])

    return evaluate


def merged(parts: tuple[Evaluator, ...]) -> Evaluator:
    """Maps one over the other; a projection of null is null, and the first part is the subject's own."""

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [p(batch, context).values() for p in parts]
        out: list[Value] = []
        for row in zip(*columns, strict=True):
            if row[0] is None:
                out.append(None)
                continue
            entries: dict[str, Value] = {}
            for part in row:
                entries.update(part)
            out.append(entries)
        return ListColumn(out)

    return evaluate


# --- elements of all rows at once --------------------------------------------


class Flattened:
    """The elements of a column of lists as rows: ``batch``, the row that each belongs to, and where a list is null."""

    def __init__(self, outer: Batch, column: Column, variable: str, context: Context) -> None:
        self.rows = outer.length
        self.nulls: BoolArray | None = None
        items, counts = self._elements(column, context)
        self.owners: IntArray = np.repeat(np.arange(outer.length), counts)
        self.batch = outer.take(self.owners).with_columns({variable: items})

    def _elements(self, column: Column, context: Context) -> tuple[Column, IntArray]:
        if isinstance(column, RaggedColumn) and context.kernels != "never":
            if column.mask is None:
                return column.child, np.diff(column.offsets)
            self.nulls = column.mask
            live = np.flatnonzero(~column.mask)
            offsets, inner = ragged_positions(column.offsets, live)
            counts = np.zeros(len(column), np.int64)
            counts[live] = np.diff(offsets)
            return column.child.take(inner), counts
        counts = np.zeros(len(column), np.int64)
        missing: list[int] = []
        items: list[Value] = []
        for i, value in enumerate(column.values()):
            if value is None:
                missing.append(i)
            elif type(value) is list:
                counts[i] = len(value)
                items.extend(value)
            else:
                raise TypeMismatch(f"Expected a list, not {type_name(value)}.")
        if missing:
            self.nulls = np.zeros(len(column), np.bool_)
            self.nulls[missing] = True
        return context.lifted(items), counts

    def keep(self, positions: IntArray) -> None:
        """Only these elements."""
        self.batch = self.batch.take(positions)
        self.owners = self.owners.take(positions)

    def gathered(self, items: Column) -> RaggedColumn:
        """A value for each element as lists, one for each row."""
        offsets = np.zeros(self.rows + 1, np.int64)
        np.cumsum(np.bincount(self.owners, minlength=self.rows), out=offsets[1:])
        return RaggedColumn(offsets, items, self.nulls)


def comprehension(
    variable: str, source: Evaluator, test: Callable[[Batch, Context], IntArray] | None, body: Evaluator | None
) -> Evaluator:
    """``[x IN source WHERE test | body]``."""

    def evaluate(batch: Batch, context: Context) -> Column:
        elements = Flattened(batch, source(batch, context), variable, context)
        if test is not None and elements.batch.length:
            elements.keep(test(elements.batch, context))
        inner = elements.batch
        column = inner.columns[variable]
        if body is not None:
            column = body(inner, context) if inner.length else ListColumn([])
        return context.plain(elements.gathered(column))

    return evaluate


def quantifier(kind: QuantifierKind, variable: str, source: Evaluator, predicate: Evaluator) -> Evaluator:
    """``all``, ``any``, ``none``, ``single``: in three values."""

    def evaluate(batch: Batch, context: Context) -> Column:
        column = source(batch, context)
        if batch.length == 1:
            return ListColumn([_quantify_one(kind, variable, batch, column.item(0), predicate, context)])
        elements = Flattened(batch, column, variable, context)
        verdicts = predicate(elements.batch, context) if elements.batch.length else ListColumn([])
        true, null = boolean.truth_arrays(verdicts)
        owners, rows = elements.owners, batch.length
        null = np.zeros(len(true), np.bool_) if null is None else null
        which = (true, null, ~true & ~null)
        counts = (np.bincount(owners.compress(mask), minlength=rows) for mask in which)
        truth, unknown = _verdicts(kind, *counts)
        if elements.nulls is not None:
            unknown = unknown | elements.nulls
        return context.plain(TypedColumn(Kind.BOOLEAN, truth, unknown if unknown.any() else None))

    return evaluate


def _verdicts(kind: QuantifierKind, true: IntArray, null: IntArray, false: IntArray) -> tuple[BoolArray, BoolArray]:
    """(true, unknown) of each list, by how many of its elements are true, null and false."""
    match kind:
        case QuantifierKind.ANY:
            return true > 0, (true == 0) & (null > 0)
        case QuantifierKind.ALL:
            return (false == 0) & (null == 0), (false == 0) & (null > 0)
        case QuantifierKind.NONE:
            return (true == 0) & (null == 0), (true == 0) & (null > 0)
        case QuantifierKind.SINGLE:
            return (true == 1) & (null == 0), (true <= 1) & (null > 0)


def _quantify_one(
    kind: QuantifierKind, variable: str, batch: Batch, items: Value, predicate: Evaluator, context: Context
) -> Value:
    """One row goes element by element and stops when decided: the lazy law."""
    if items is None:
        return None
    if type(items) is not list:
        raise TypeMismatch(f"{kind.value}() takes a list, not {type_name(items)}.")
    true = null = false = 0
    for item in items:
        verdict = predicate(batch.with_columns({variable: context.lifted([item])}), context).item(0)
        boolean.check(verdict)
        true, null, false = true + (verdict is True), null + (verdict is None), false + (verdict is False)
        if (kind is QuantifierKind.ALL and false) or (kind in (QuantifierKind.ANY, QuantifierKind.NONE) and true):
            break
    counts = (np.array([n], np.int64) for n in (true, null, false))
    truth, unknown = _verdicts(kind, *counts)
    return None if unknown[0] else bool(truth[0])


def reduction(accumulator: str, initial: Evaluator, variable: str, source: Evaluator, step: Evaluator) -> Evaluator:
    """``reduce(accumulator = initial, variable IN source | step)``."""

    def evaluate(batch: Batch, context: Context) -> Column:
        held = list(initial(batch, context).values())
        lists = source(batch, context).values()
        for value in lists:
            if value is not None and type(value) is not list:
                raise TypeMismatch(f"reduce() takes a list, not {type_name(value)}.")
        out: list[Value] = [None if items is None else start for start, items in zip(held, lists, strict=True)]
        rows = [i for i, items in enumerate(lists) if items]
        place = 0
        while rows:
            inner = batch if len(rows) == batch.length else batch.take(np.array(rows, np.int64))
            inner = inner.with_columns(
                {
                    accumulator: context.lifted([out[i] for i in rows]),
                    variable: context.lifted([lists[i][place] for i in rows]),
                }
            )
            for i, value in zip(rows, step(inner, context).values(), strict=True):
                out[i] = value
            place += 1
            rows = [i for i in rows if len(lists[i]) > place]
        return ListColumn(out)

    return evaluate


# --- kernels -----------------------------------------------------------------


def in_ragged(a: Column, b: Column) -> Column | None:
    """``a IN b`` over ragged lists of what ``=`` has a kernel for."""
    if not isinstance(b, RaggedColumn):
        return None
    counts = np.diff(b.offsets)
    owners = np.repeat(np.arange(len(b)), counts)
    child = b.child.slice(int(b.offsets[0]), int(b.offsets[-1])) if len(b.offsets) else b.child
    same = equal(a.take(owners), child)
    if same is None:
        return None
    true, null = boolean.truth_arrays(same)
    hits = np.bincount(owners.compress(true), minlength=len(b))
    unknown = None if null is None else np.bincount(owners.compress(null), minlength=len(b))
    mask = np.zeros(len(b), np.bool_) if unknown is None else (hits == 0) & (unknown > 0)
    if b.mask is not None:
        mask |= b.mask
    return TypedColumn(Kind.BOOLEAN, hits > 0, mask if mask.any() else None)


def in_list(a: Column, b: Column, memo: Memo | None = None) -> Column | None:
    """``a IN b`` for one list, or for a ragged column of them."""
    found = in_constant(a, b, memo)
    return in_ragged(a, b) if found is None else found


def size(column: Column, memo: Memo | None = None) -> Column | None:
    """``size`` of ragged lists and of dictionary strings."""
    if isinstance(column, RaggedColumn):
        return TypedColumn(Kind.INTEGER, np.diff(column.offsets), column.mask)
    return strings.size(column, memo) if isinstance(column, StringColumn) else None


KERNELS: dict[str, Callable[..., Column | None]] = {"size": size}
