"""Bound expressions to callables over batches.

``compile_expression`` turns a tree into closures once; running it makes no decision about the tree again. The law is
scalar semantics over list columns; where a batch is large and its columns are typed, the kernels in ``compare``,
``arithmetic`` and ``strings`` take over. Evaluation is selective: AND, OR, CASE and coalesce hand later operands only
the rows that still need them, so ``x = 0 OR 1 / x > 2`` never divides by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, assert_never

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    StringColumn,
    TypedColumn,
    take_or_null,
)
from memoradb.core.errors import MemQLError, TypeMismatch
from memoradb.core.semantics import property_of, type_name
from memoradb.core.spans import NOWHERE, Span
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.temporal_components import component_column
from memoradb.core.values import NodeRef, RelationshipRef, Value
from memoradb.storage.view import Element

from ..functions.graph import check_live
from ..functions.registry import FunctionDefinition, lookup
from ..plan import expr as e
from . import boolean, compare, lists, paths, strings
from .arithmetic import ARITHMETIC, arithmetic_kernel
from .repeated import REPEATED, SHARED, key_of, repeated

if TYPE_CHECKING:
    from ..exec.context import Context

Evaluator: TypeAlias = Callable[[Batch, "Context"], Column]
T = TypeVar("T")


def compile_all(exprs: Sequence[e.Expr]) -> list[Evaluator]:
    """A callable for each of the expressions of one operator: parts that they share are evaluated once for a batch."""
    parts = repeated(exprs)
    if not parts:
        return list(map(compile_expression, exprs))
    token = SHARED.set(parts)
    try:
        return list(map(compile_expression, exprs))
    finally:
        SHARED.reset(token)


def compile_expression(expr: e.Expr) -> Evaluator:
    """A callable that evaluates ``expr`` on every row of a batch."""
    shared = SHARED.get()
    if shared is not None and (key := key_of(expr)) in shared and key is not None:
        known = shared[key]
        if known is None:
            known = shared[key] = _remembered(_compiled(expr))
        return known  # pyright: ignore[reportReturnType]
    evaluate = _compiled(expr)
    return _once(evaluate) if isinstance(expr, e.Call | e.ListOf | e.MapOf) and _is_constant(expr) else evaluate


def _compiled(expr: e.Expr) -> Evaluator:
    match expr:
        case e.Literal(value):
            return lambda batch, context: ConstantColumn(value, batch.length)
        case e.Parameter(name):
            return lambda batch, context: ConstantColumn(context.parameters[name], batch.length)
        case e.Variable(name):
            return lambda batch, context: batch.columns[name]
        case e.Property(subject, key):
            return _at(expr.span, _property(compile_expression(subject), key))
        case e.Call(name, arguments):
            return _at(expr.span, _call(name, tuple(map(compile_expression, arguments))))
        case e.And(operands):
            return boolean.conjunction(tuple(map(_operand, operands)))
        case e.Or(operands):
            return boolean.disjunction(tuple(map(_operand, operands)))
        case e.IsNull(operand, negated):
            return boolean.is_null(compile_expression(operand), negated)
        case e.Coalesce(operands):
            return boolean.coalesce(tuple(map(_operand, operands)))
        case e.Case(branches, otherwise):
            return boolean.case(tuple((_operand(c), _operand(v)) for c, v in branches), _operand(otherwise))
        case e.HasLabels(operand, test):
            return _at(expr.span, _has_labels(compile_expression(operand), test))
        case e.ListOf(items):
            return lists.list_of(tuple(map(compile_expression, items)))
        case e.MapOf(entries):
            return lists.map_of(tuple((k, compile_expression(v)) for k, v in entries))
        case e.AllProperties(subject):
            return _call("properties", (compile_expression(subject),))
        case e.MergedMap(parts):
            return lists.merged(tuple(map(compile_expression, parts)))
        case e.ListComprehension(variable, source, predicate, projection):
            test = None if predicate is None else compile_predicate(predicate)
            body = None if projection is None else compile_expression(projection)
            return lists.comprehension(variable, compile_expression(source), test, body)
        case e.Quantifier(kind, variable, source, predicate):
            return lists.quantifier(kind, variable, compile_expression(source), compile_expression(predicate))
        case e.Reduce(accumulator, initial, variable, source, step):
            compiled_source = compile_expression(source)
            start, body = compile_expression(initial), compile_expression(step)
            return lists.reduction(accumulator, start, variable, compiled_source, body)
        case e.PathOf(elements):
            return paths.path_of(elements)
        case e.Subquery():
            from .subquery import compile_subquery

            return compile_subquery(expr)
        case _:
            assert_never(expr)


def _remembered(evaluate: Evaluator) -> Evaluator:
    """``evaluate``, whose column is kept for as long as the same batch is looked at."""

    def once(batch: Batch, context: Context) -> Column:
        if REPEATED in context.kernels_off:
            return evaluate(batch, context)
        found = context.memo.get(once)
        if found is None or found[0] is not batch:
            found = context.memo[once] = (batch, evaluate(batch, context))
        return found[1]

    return once


def _operand(expr: e.Expr) -> boolean.Operand:
    return boolean.Operand(compile_expression(expr), tuple(e.free_variables(expr)))


def _is_constant(expr: e.Expr) -> bool:
    """Whether ``expr`` has one value during a run: made of literals and parameters by what depends on nothing else."""
    match expr:
        case e.Literal() | e.Parameter():
            return True
        case e.Call(name, arguments):
            function = lookup(name)
            pure = function is not None and not function.volatile and not function.needs_context
            return pure and all(map(_is_constant, arguments))
        case e.ListOf(items):
            return all(map(_is_constant, items))
        case e.MapOf(entries):
            return all(_is_constant(value) for _, value in entries)
        case _:
            return False


def _once(evaluate: Evaluator) -> Evaluator:
    """``evaluate`` for the first row that a run has, and its value for all others."""

    def constant(batch: Batch, context: Context) -> Column:
        if not batch.length:
            return ConstantColumn(None, 0)
        found = context.memo.get(constant)
        if found is None:
            found = context.memo[constant] = (evaluate(batch.slice(0, 1), context).item(0),)
        return ConstantColumn(found[0], batch.length)

    return constant


def _at(span: Span, evaluate: Evaluator) -> Evaluator:
    """``evaluate``, whose errors know where in the text they come from: the innermost place that failed."""
    if span is NOWHERE:
        return evaluate

    def located(batch: Batch, context: Context) -> Column:
        try:
            return evaluate(batch, context)
        except MemQLError as error:
            if error.span is None:
                error.span = span
            raise

    return located


def compile_predicate(expr: e.Expr) -> Callable[[Batch, Context], IntArray]:
    """A callable that gives the positions of the rows on which ``expr`` is true."""
    return _truth(expr, true_positions)


def compile_count(expr: e.Expr) -> Callable[[Batch, Context], int]:
    """A callable that counts the rows on which ``expr`` is true."""
    return _truth(expr, true_count)


def _truth(expr: e.Expr, read: Callable[[Column], T]) -> Callable[[Batch, Context], T]:
    """What ``read`` makes of a column of truth values; an error there is one of the whole predicate."""
    evaluate = compile_expression(expr)
    span = getattr(expr, "span", NOWHERE)

    def truth(batch: Batch, context: Context) -> T:
        found = evaluate(batch, context)
        try:
            return read(found)
        except MemQLError as error:
            error.span = span if span is not NOWHERE else None
            raise

    return truth


def true_count(column: Column) -> int:
    """On how many rows a column of truth values is true; TypeMismatch for anything else."""
    if isinstance(column, TypedColumn) and column.kind == Kind.BOOLEAN:
        return int(np.count_nonzero(column.data if column.mask is None else column.data & ~column.mask))
    return len(true_positions(column))


def true_positions(column: Column) -> IntArray:
    """Where a column of truth values is true; TypeMismatch for anything else."""
    if isinstance(column, TypedColumn) and column.kind == Kind.BOOLEAN:
        data = column.data if column.mask is None else column.data & ~column.mask
        return np.flatnonzero(data)
    if isinstance(column, ConstantColumn):
        boolean.check(column.value)
        return np.arange(column.length if column.value is True else 0)
    found = []
    for i, value in enumerate(column.values()):
        if value is True:
            found.append(i)
        elif value is not False and value is not None:
            boolean.check(value)
    return np.array(found, np.int64)


# --- properties and labels ---------------------------------------------------


def _property(subject: Evaluator, key: str) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        return property_column(subject(batch, context), key, context)

    return evaluate


def property_column(column: Column, key: str, context: Context) -> Column:
    """``column.key`` row by row; elements are read from the view in one gather."""
    if isinstance(column, TypedColumn) and column.kind in (Kind.NODE, Kind.RELATIONSHIP):
        element = Element.NODE if column.kind == Kind.NODE else Element.RELATIONSHIP
        if column.mask is None:
            return context.plain(context.view.property(element, column.data, key))
        live = np.flatnonzero(~column.mask)
        found = context.view.property(element, column.data.take(live), key)
        return context.plain(_scatter(found, live, len(column)))
    if isinstance(column, ConstantColumn):
        return ConstantColumn(property_value(column.value, key, context), column.length)
    if isinstance(column, TemporalColumn):
        return component_column(column, key)
    values = column.values()
    if set(map(type, values)) == {dict}:
        return ListColumn([v.get(key) for v in values])
    return ListColumn([property_value(v, key, context) for v in values])


def _scatter(column: Column, positions: IntArray, length: int) -> Column:
    """``column`` at ``positions`` of a longer column that is null elsewhere."""
    if isinstance(column, TypedColumn):
        data = np.zeros((length, *column.data.shape[1:]), column.data.dtype)
        data[positions] = column.data
        mask = np.ones(length, np.bool_)
        mask[positions] = False if column.mask is None else column.mask
        return TypedColumn(column.kind, data, mask)
    if isinstance(column, StringColumn):
        codes = np.full(length, -1, np.int32)
        codes[positions] = column.codes
        return StringColumn(codes, column.dictionary)
    if isinstance(column, TemporalColumn):
        sources = np.full(length, -1, np.int64)
        sources[positions] = np.arange(len(column))
        return take_or_null(column, sources)
    items: list[Value] = [None] * length
    for position, value in zip(positions.tolist(), column.values(), strict=True):
        items[position] = value
    return ListColumn(items)


def property_value(value: Value, key: str, context: Context) -> Value:
    """``value.key`` of one value."""
    if isinstance(value, NodeRef):
        return context.view.property(Element.NODE, np.array([value.slot], np.int64), key).item(0)
    if isinstance(value, RelationshipRef):
        return context.view.property(Element.RELATIONSHIP, np.array([value.slot], np.int64), key).item(0)
    return property_of(value, key)


def _has_labels(operand: Evaluator, test: e.LabelTest) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        column = operand(batch, context)
        if isinstance(column, TypedColumn) and column.kind == Kind.NODE:
            if column.mask is None:
                return TypedColumn(Kind.BOOLEAN, label_mask(test, column.data, context))
            live = np.flatnonzero(~column.mask)
            inner = TypedColumn(Kind.BOOLEAN, label_mask(test, column.data.take(live), context))
            return _scatter(inner, live, len(column))
        return ListColumn([_labels_hold(test, v, context) for v in column.values()])

    return evaluate


def label_mask(test: e.LabelTest, slots: IntArray, context: Context) -> Any:
    """Whether each node satisfies a label test."""
    match test.operator:
        case e.LabelOperator.NAME:
            return context.view.has_label(slots, test.name)
        case e.LabelOperator.AND:
            masks = [label_mask(t, slots, context) for t in test.operands]
            return np.logical_and.reduce(masks)
        case e.LabelOperator.OR:
            return np.logical_or.reduce([label_mask(t, slots, context) for t in test.operands])
        case e.LabelOperator.NOT:
            return ~label_mask(test.operands[0], slots, context)
        case e.LabelOperator.ANY:
            labels = context.view.node_labels
            for slot in slots.tolist():
                check_live(context, Element.NODE, slot)
            return np.fromiter((bool(labels(s)) for s in slots.tolist()), np.bool_, len(slots))


def _labels_hold(test: e.LabelTest, value: Value, context: Context) -> bool | None:
    if value is None:
        return None
    if isinstance(value, NodeRef):
        return bool(label_mask(test, np.array([value.slot], np.int64), context)[0])
    if isinstance(value, RelationshipRef):
        return type_satisfies(test, context.view.relationship_type(np.array([value.slot], np.int64))[0])
    raise TypeMismatch(f"{type_name(value)} has no labels.")


def type_satisfies(test: e.LabelTest, type: str) -> bool:
    """Whether one relationship type satisfies a label test."""
    match test.operator:
        case e.LabelOperator.NAME:
            return test.name == type
        case e.LabelOperator.AND:
            return all(type_satisfies(t, type) for t in test.operands)
        case e.LabelOperator.OR:
            return any(type_satisfies(t, type) for t in test.operands)
        case e.LabelOperator.NOT:
            return not type_satisfies(test.operands[0], type)
        case e.LabelOperator.ANY:
            return True


# --- calls -------------------------------------------------------------------


def _kernel(name: str) -> Callable[..., Column | None] | None:
    """What may do all rows of a batch at once; it gives None for columns that it is not made for."""
    if name == "IN":
        return lists.in_list
    for kernels in (compare.KERNELS, strings.KERNELS, lists.KERNELS, paths.KERNELS):
        if name in kernels:
            return kernels[name]
    return arithmetic_kernel(name)


_REMEMBERING = compare.REMEMBERING | strings.KERNELS.keys() | {"size"}


def kernel_names() -> tuple[str, ...]:
    """Every operator and function that ``_kernel`` knows, for tests that leave out one after the other."""
    tables = (compare.KERNELS, strings.KERNELS, lists.KERNELS, paths.KERNELS, ARITHMETIC)
    return (*dict.fromkeys(name for table in tables for name in table), REPEATED)


def _call(name: str, arguments: tuple[Evaluator, ...]) -> Evaluator:
    definition = lookup(name)
    kernel = _kernel(name) if definition is not None else None
    remembers = name in _REMEMBERING

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [a(batch, context) for a in arguments]
        if kernel is not None and batch.length >= context.kernel_rows_min and name not in context.kernels_off:
            found = kernel(*columns, memo=context.memo) if remembers else kernel(*columns)
            if found is not None:
                return found
        function = definition if definition is not None else context.functions.lookup(name)
        assert function is not None, name
        return apply_scalar(function, columns, batch.length, context)

    return evaluate


def apply_scalar(function: FunctionDefinition, columns: list[Column], length: int, context: Context) -> Column:
    """The law: the function's scalar evaluation on every row."""
    call = function.evaluate
    if not function.volatile and all(isinstance(c, ConstantColumn) for c in columns):
        values = [c.item(0) if length else None for c in columns]
        if length == 0:
            return ConstantColumn(None, 0)
        return ConstantColumn(_call_one(function, values, context), length)
    if function.needs_context:
        inner = call

        def call(*values: Value) -> Value:
            return inner(context, *values)

    if not columns:
        return ListColumn([call() for _ in range(length)])
    if not function.null_propagates:
        return ListColumn(list(map(call, *(c.values() for c in columns))))
    if len(columns) == 1:
        return ListColumn([None if v is None else call(v) for v in columns[0].values()])
    rows = zip(*(c.values() for c in columns), strict=True)
    return ListColumn([None if None in row and any(v is None for v in row) else call(*row) for row in rows])


def _call_one(function: FunctionDefinition, values: list[Value], context: Context) -> Value:
    if function.null_propagates and any(v is None for v in values):
        return None
    return function.evaluate(context, *values) if function.needs_context else function.evaluate(*values)
