"""Bound expressions to callables over batches.

``compile_expression`` turns a tree into closures once; running it makes no decision about the tree again. The law is
scalar semantics over list columns; where a batch is large and its columns are typed, the kernels in ``compare``,
``arithmetic`` and ``strings`` take over. Evaluation is selective: AND, OR, CASE and coalesce hand later operands only
the rows that still need them, so ``x = 0 OR 1 / x > 2`` never divides by zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    PathColumn,
    StringColumn,
    TypedColumn,
    lift,
)
from memoradb.core.errors import TypeMismatch
from memoradb.core.limits import KERNEL_ROWS_MIN
from memoradb.core.semantics import property_of, type_name
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value
from memoradb.storage.view import Element

from ..functions.registry import FunctionDefinition, lookup
from ..plan import expr as e
from ..syntax.ast_expr import QuantifierKind
from . import boolean, compare, strings
from .arithmetic import arithmetic_kernel

if TYPE_CHECKING:
    from ..exec.context import Context

Evaluator: TypeAlias = Callable[[Batch, "Context"], Column]


def compile_expression(expr: e.Expr) -> Evaluator:
    """A callable that evaluates ``expr`` on every row of a batch."""
    match expr:
        case e.Literal(value):
            return lambda batch, context: ConstantColumn(value, batch.length)
        case e.Parameter(name):
            return lambda batch, context: ConstantColumn(context.parameters[name], batch.length)
        case e.Variable(name):
            return lambda batch, context: batch.columns[name]
        case e.Property(subject, key):
            return _property(compile_expression(subject), key)
        case e.Call(name, arguments):
            return _call(name, tuple(map(compile_expression, arguments)))
        case e.And(operands):
            return boolean.conjunction(tuple(map(compile_expression, operands)))
        case e.Or(operands):
            return boolean.disjunction(tuple(map(compile_expression, operands)))
        case e.IsNull(operand, negated):
            return boolean.is_null(compile_expression(operand), negated)
        case e.Coalesce(operands):
            return boolean.coalesce(tuple(map(compile_expression, operands)))
        case e.Case(branches, otherwise):
            compiled = tuple((compile_expression(c), compile_expression(v)) for c, v in branches)
            return boolean.case(compiled, compile_expression(otherwise))
        case e.HasLabels(operand, test):
            return _has_labels(compile_expression(operand), test)
        case e.ListOf(items):
            return _list_of(tuple(map(compile_expression, items)))
        case e.MapOf(entries):
            return _map_of(tuple((k, compile_expression(v)) for k, v in entries))
        case e.AllProperties(subject):
            return _call("properties", (compile_expression(subject),))
        case e.MergedMap(parts):
            return _merged(tuple(map(compile_expression, parts)))
        case e.ListComprehension(variable, source, predicate, projection):
            return _comprehension(variable, compile_expression(source), predicate, projection)
        case e.Quantifier(kind, variable, source, predicate):
            return _quantifier(kind, variable, compile_expression(source), compile_expression(predicate))
        case e.Reduce():
            return _reduce(expr)
        case e.PathOf(elements):
            return _path_of(elements)
        case e.Subquery():
            from .subquery import compile_subquery

            return compile_subquery(expr)
        case _:
            assert_never(expr)


def compile_predicate(expr: e.Expr) -> Callable[[Batch, Context], IntArray]:
    """A callable that gives the positions of the rows on which ``expr`` is true."""
    evaluate = compile_expression(expr)

    def positions(batch: Batch, context: Context) -> IntArray:
        return true_positions(evaluate(batch, context))

    return positions


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
            return context.view.property(element, column.data, key)
        live = np.flatnonzero(~column.mask)
        return _scatter(context.view.property(element, column.data.take(live), key), live, len(column))
    if isinstance(column, ConstantColumn):
        return ConstantColumn(property_value(column.value, key, context), column.length)
    return ListColumn([property_value(v, key, context) for v in column.values()])


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


def _call(name: str, arguments: tuple[Evaluator, ...]) -> Evaluator:
    definition = lookup(name)
    kernel = (
        compare.KERNELS.get(name) or arithmetic_kernel(name) or strings.KERNELS.get(name)
        if definition is not None
        else None
    )

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [a(batch, context) for a in arguments]
        if kernel is not None and batch.length >= KERNEL_ROWS_MIN:
            found = kernel(*columns)
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


# --- lists and maps ----------------------------------------------------------


def _list_of(items: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [i(batch, context) for i in items]
        if all(isinstance(c, ConstantColumn) for c in columns):
            return ConstantColumn([c.value for c in columns if isinstance(c, ConstantColumn)], batch.length)
        return ListColumn([list(row) for row in zip(*(c.values() for c in columns), strict=True)])

    return evaluate


def _map_of(entries: tuple[tuple[str, Evaluator], ...]) -> Evaluator:
    keys = [k for k, _ in entries]

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [v(batch, context) for _, v in entries]
        if not columns:
            return ListColumn([{} for _ in range(batch.length)])
        rows = zip(*(c.values() for c in columns), strict=True)
        return ListColumn([dict(zip(keys, row, strict=True)) for row in rows])

    return evaluate


def _merged(parts: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [p(batch, context).values() for p in parts]
        out: list[Value] = []
        for row in zip(*columns, strict=True):
            # A projection of null is null: the first part is the subject's own.
            if row[0] is None:
                out.append(None)
                continue
            merged: dict[str, Value] = {}
            for part in row:
                merged.update(part)
            out.append(merged)
        return ListColumn(out)

    return evaluate


def flattened(batch: Batch, lists: list[Value], variable: str) -> tuple[Batch, list[int]]:
    """The batch with one row for each element of each row's list, and how many each row has (-1: the list is null)."""
    counts = []
    items: list[Value] = []
    for value in lists:
        if value is None:
            counts.append(-1)
        elif type(value) is list:
            counts.append(len(value))
            items.extend(value)
        else:
            raise TypeMismatch(f"Expected a list, not {type_name(value)}.")
    repeats = np.maximum(np.array(counts, np.int64), 0)
    inner = batch.take(np.repeat(np.arange(batch.length), repeats))
    return inner.with_columns({variable: lift(items)}), counts


def _comprehension(variable: str, source: Evaluator, predicate: e.Expr | None, projection: e.Expr | None) -> Evaluator:
    test = None if predicate is None else compile_predicate(predicate)
    body = None if projection is None else compile_expression(projection)

    def evaluate(batch: Batch, context: Context) -> Column:
        inner, counts = flattened(batch, source(batch, context).values(), variable)
        owners = np.repeat(np.arange(batch.length), np.maximum(np.array(counts, np.int64), 0))
        if test is not None and inner.length:
            kept = test(inner, context)
            inner, owners = inner.take(kept), owners.take(kept)
        column = inner.columns[variable] if body is None else body(inner, context)
        values = column.values() if inner.length else []
        out: list[Value] = [None if c < 0 else [] for c in counts]
        for owner, value in zip(owners.tolist(), values, strict=True):
            out[owner].append(value)
        return ListColumn(out)

    return evaluate


def _quantifier(kind: QuantifierKind, variable: str, source: Evaluator, predicate: Evaluator) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        lists = source(batch, context).values()
        if batch.length == 1:
            return ListColumn([_quantify_one(kind, variable, batch, lists[0], predicate, context)])
        inner, counts = flattened(batch, lists, variable)
        verdicts = predicate(inner, context).values() if inner.length else []
        out: list[Value] = []
        at = 0
        for count in counts:
            if count < 0:
                out.append(None)
                continue
            out.append(_verdict(kind, verdicts[at : at + count]))
            at += count
        return ListColumn(out)

    return evaluate


def _quantify_one(
    kind: QuantifierKind, variable: str, batch: Batch, items: Value, predicate: Evaluator, context: Context
) -> Value:
    """One row goes element by element and stops when decided: the lazy law."""
    if items is None:
        return None
    if type(items) is not list:
        raise TypeMismatch(f"{kind.value}() takes a list, not {type_name(items)}.")
    verdicts = []
    for item in items:
        inner = batch.with_columns({variable: lift([item])})
        verdict = predicate(inner, context).item(0)
        verdicts.append(verdict)
        if (kind is QuantifierKind.ANY and verdict is True) or (kind is QuantifierKind.ALL and verdict is False):
            break
        if kind is QuantifierKind.NONE and verdict is True:
            break
    return _verdict(kind, verdicts)


def _verdict(kind: QuantifierKind, verdicts: list[Value]) -> Value:
    """all, any, none, single over three-valued verdicts."""
    for verdict in verdicts:
        boolean.check(verdict)
    unknown = any(v is None for v in verdicts)
    true = sum(v is True for v in verdicts)
    match kind:
        case QuantifierKind.ANY:
            return True if true else None if unknown else False
        case QuantifierKind.ALL:
            return False if any(v is False for v in verdicts) else None if unknown else True
        case QuantifierKind.NONE:
            return False if true else None if unknown else True
        case QuantifierKind.SINGLE:
            return False if true > 1 else None if unknown else true == 1


def _reduce(expr: e.Reduce) -> Evaluator:
    initial, source, step = map(compile_expression, (expr.initial, expr.source, expr.step))

    def evaluate(batch: Batch, context: Context) -> Column:
        starts, lists = initial(batch, context).values(), source(batch, context).values()
        out: list[Value] = []
        for i, (accumulated, items) in enumerate(zip(starts, lists, strict=True)):
            if items is None:
                out.append(None)
                continue
            if type(items) is not list:
                raise TypeMismatch(f"reduce() takes a list, not {type_name(items)}.")
            row = batch.slice(i, i + 1)
            for item in items:
                inner = row.with_columns(
                    {expr.accumulator: ListColumn([accumulated]), expr.variable: ListColumn([item])}
                )
                accumulated = step(inner, context).item(0)
            out.append(accumulated)
        return ListColumn(out)

    return evaluate


def _path_of(elements: tuple[str, ...]) -> Evaluator:
    def evaluate(batch: Batch, context: Context) -> Column:
        if len(elements) == 1 and isinstance(column := batch.columns[elements[0]], TypedColumn):
            offsets = np.zeros(batch.length + 1, np.int64)
            return PathColumn(offsets, column.data, np.zeros(0, np.int64), column.mask)
        rows = zip(*(batch.columns[name].values() for name in elements), strict=True)
        return ListColumn([_path(row, context) for row in rows])

    return evaluate


def _path(row: tuple[Value, ...], context: Context) -> PathRef | None:
    """A path through the row's nodes and relationships; the hops of a list are followed from the node before them."""
    if any(v is None for v in row):
        return None
    nodes = [row[0].slot]
    relationships: list[int] = []
    for i in range(1, len(row), 2):
        hop = row[i]
        steps = hop if isinstance(hop, list) else [hop]
        if steps:
            slots = np.array([s.slot for s in steps], np.int64)
            starts, ends = context.view.endpoints(slots)
            for slot, start, end in zip(slots.tolist(), starts.tolist(), ends.tolist(), strict=True):
                relationships.append(slot)
                nodes.append(end if start == nodes[-1] else start)
    return PathRef(tuple(nodes), tuple(relationships))
