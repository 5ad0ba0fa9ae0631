"""An aggregation over a pattern that is a tree, computed without making a row of it (``messages``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray, Kind, StringColumn, TypedColumn, lift, node_column
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show, show_variable
from ..plan.expr import Expr, Property, Variable
from ..plan.factors import FactorNode, First, Guard, Measure
from ..plan.nodes import Aggregate
from .adjacent import Predicate, arrow
from .aggregate import Aggregation
from .context import Context
from .limit import row_count
from .message import Message, Unsuited, extreme
from .messages import Messages, compiled, holds
from .operator import Frame, Operator

RANGES: Final = 128
"""Ranges of nodes whose best ones are compared, at least."""

RANGES_PER_ROW: Final = 8


@dataclass(eq=False, slots=True)
class Nodes(Operator):
    """The argument, which may be longer than a batch, in batches."""

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for start in range(0, frame.argument.length, context.rows_max):
            yield frame.argument.slice(start, start + context.rows_max)


@dataclass(eq=False, slots=True)
class FactorisedAggregation(Operator):
    """``aggregates`` of properties of any variables of a tree, grouped by ``keys`` over its root.

    ``otherwise`` gives the same row by row: it runs where ``guard`` does not hold of the view, where a property holds
    what the kernels do not add up (the law then decides, and raises its errors), and for frames of several rows.
    """

    otherwise: Operator
    root: FactorNode
    keys: tuple[tuple[str, Expr], ...]
    aggregates: tuple[Aggregate, ...]
    guard: Guard
    first: First | None = None
    _predicates: dict[str, Predicate] | None = None
    _keys: tuple[tuple[str, Evaluator], ...] = ()
    _grouped: list[Aggregation] | None = None
    """By several nodes at once where the keys are properties: sums of sums. In a list so as to be no child."""

    def __post_init__(self) -> None:
        self._predicates = compiled(self.root)
        self._keys = tuple((name, compile_expression(e)) for name, e in self.keys)
        if self.keys and not self.is_by_node:
            parts = tuple(Aggregate(name, kind, (Variable(name),)) for a in self.aggregates for name, kind in _parts(a))
            self._grouped = [Aggregation(Nodes(), self.keys, tuple(dict.fromkeys(parts)))]

    def _first(self, message: Message, first: First, frame: Frame, context: Context) -> Message:
        """The nodes that may be among the first: no worse than the worst of the best ones of so many ranges."""
        item = next(a for a in self.aggregates if a.variable == first.variable)
        numbers = _part(item, *_parts(item)[0], message, message.ways())
        wanted = row_count(first.limit, frame, context, "LIMIT")
        wanted += 0 if first.skip is None else row_count(first.skip, frame, context, "SKIP")
        ranges = max(RANGES, RANGES_PER_ROW * wanted)
        if numbers.mask is not None or numbers.kind != Kind.INTEGER or len(numbers) < 2 * ranges or not wanted:
            return message
        data = numbers.data if first.descending else ~numbers.data
        best = np.maximum.reduceat(data, np.arange(0, len(data), len(data) // ranges))
        bound = np.partition(best, len(best) - wanted)[len(best) - wanted]
        return message.take(np.flatnonzero(data >= bound))

    @property
    def is_by_node(self) -> bool:
        """Whether each node of the root is a group of its own."""
        return any(e == Variable(self.root.variable) for _, e in self.keys)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        with context.held() as memory:
            found: Batch | None = None
            strings: dict[Measure, StringColumn] = {}
            if frame.n == 1 and holds(self.guard, context.view):
                try:
                    messages = Messages(self._predicates or {}, context)
                    message = messages.of(self.root)
                    if self.first is not None:
                        message = self._first(message, self.first, frame, context)
                    memory.add(8 * len(message.slots) * (2 + len(message.sums) + len(message.extremes)))
                    found, strings = self._columns(message), messages.strings
                except Unsuited:
                    found = None
            if found is None:
                yield from context.batches(self.otherwise, frame)
            elif self._grouped is not None:
                for batch in self._grouped[0].run(Frame(found, 1), context):
                    yield self._finished(batch, strings)
            else:
                for start in range(0, found.length, context.rows_max):
                    batch = found.slice(start, start + context.rows_max)
                    keys = {name: evaluate(batch, context) for name, evaluate in self._keys}
                    yield self._finished(Batch({**batch.columns, **keys}, batch.length), strings)

    def _columns(self, message: Message) -> Batch:
        """A row for each node of the root, or one of all where there are no keys; with the parts of each aggregate."""
        counts = message.ways()
        if not self.keys:
            return _total(self.aggregates, message, counts)
        columns: dict[str, Column] = {self.root.variable: node_column(message.slots)}
        for item in self.aggregates:
            for name, kind in _parts(item):
                columns[name] = _part(item, name, kind, message, counts)
        if self._grouped is not None:
            for column in columns.values():  # what the groups add up must stay within 64 bits
                if isinstance(column, TypedColumn) and column.kind == Kind.INTEGER:
                    _bounded(column.data)
        return Batch(columns, len(message.slots))

    def _finished(self, batch: Batch, strings: dict[Measure, StringColumn]) -> Batch:
        columns = {name: batch.columns[name] for name, _ in self.keys}
        for item in self.aggregates:
            columns[item.variable] = _finished(item, batch.columns, strings)
        return Batch(columns, batch.length)

    @property
    def children(self) -> tuple[Operator, ...]:
        return (self.otherwise,)

    @property
    def adjacency(self) -> str:
        return "CSR sums"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("factorised_aggregation",) if self.first is None else ("factorised_aggregation", "first_nodes")

    def describe(self) -> str:
        parts = [f"{show(e)} AS {show_variable(n)}" for n, e in self.keys]
        for a in self.aggregates:
            inner = ", ".join(map(show, a.arguments)) if a.arguments else "*"
            parts.append(f"{a.function}({'DISTINCT ' if a.distinct else ''}{inner}) AS {show_variable(a.variable)}")
        bound = "" if self.first is None else f" FIRST {show(self.first.limit)} BY {show_variable(self.first.variable)}"
        return ", ".join(parts) + bound + " BY MESSAGES " + ", ".join(_shown(self.root) or [f"({self.root.variable})"])


def _shown(node: FactorNode, back: int | None = None) -> list[str]:
    parts: list[str] = []
    paired = {i for pair in node.pairs for i in pair} | {back}
    for number, edge in enumerate(node.edges):
        length = "" if edge.high == 1 else f"*{edge.low}..{edge.high}"
        text = arrow(node.variable, None, edge.node.variable, edge.types, edge.direction, edge.labels, length)
        if edge.node.predicate is not None:
            text += f" WHERE {show(edge.node.predicate)}"
        if edge.back is not None or number in paired:
            text += " (differs)"
        parts += [text, *_shown(edge.node, edge.back)]
    return parts


# --- an aggregate in parts -------------------------------------------------------------------------------------


def _measure(item: Aggregate, kind: str) -> Measure:
    argument = item.arguments[0]
    assert isinstance(argument, Property) and isinstance(argument.subject, Variable)
    return Measure(argument.subject.name, argument.key, kind)


def measures(item: Aggregate) -> tuple[Measure, ...]:
    """What must be carried to the root for an aggregate."""
    if not item.arguments or not isinstance(item.arguments[0], Property):
        return ()
    kinds = {"count": ("count",), "sum": ("sum",), "avg": ("sum", "count")}.get(item.function, (item.function, "count"))
    return tuple(_measure(item, kind) for kind in kinds)


def _parts(item: Aggregate) -> tuple[tuple[str, str], ...]:
    """(column, the aggregate that joins several nodes' numbers in it) of each part of an aggregate."""
    name = " " + item.variable
    match item.function:
        case "avg":
            return ((name + " sum", "sum"), (name + " count", "sum"))
        case "count" | "sum":
            return ((name, "sum"),)
        case _:
            return ((name, item.function),)


def _part(item: Aggregate, name: str, kind: str, message: Message, counts: IntArray) -> TypedColumn:
    """A part of an aggregate for each node; of strings their ranks."""
    if not item.arguments or isinstance(item.arguments[0], Variable):
        # DISTINCT is of the root itself, and then counts each of its nodes once.
        return TypedColumn(Kind.INTEGER, np.ones(len(counts), np.int64) if item.distinct else counts)
    number = message.sums.get(_measure(item, "count"), counts)
    if item.function == "count" or (name.endswith(" count") and item.function == "avg"):
        return TypedColumn(Kind.INTEGER, number)
    if kind == "sum":
        data = message.sums.get(_measure(item, "sum"), np.zeros(0, np.int64))
        return TypedColumn(Kind.FLOAT if data.dtype == np.float64 else Kind.INTEGER, data)
    measure = _measure(item, item.function)
    data = message.extremes.get(measure, np.zeros(0, np.int64))
    none = number == 0
    mask = none if none.any() else None
    return TypedColumn(Kind.FLOAT if data.dtype == np.float64 else Kind.INTEGER, data, mask)


def _finished(item: Aggregate, columns: dict[str, Column], strings: dict[Measure, StringColumn]) -> Column:
    """An aggregate out of its parts."""
    parts = _parts(item)
    if item.function != "avg":
        found = columns[parts[0][0]]
        by_rank = strings.get(_measure(item, item.function)) if item.function in ("min", "max") else None
        if by_rank is None or not isinstance(found, TypedColumn):
            return found
        if not len(by_rank):
            return lift([None] * len(found))
        codes = by_rank.codes.take(found.data, mode="clip")
        return StringColumn(
            codes if found.mask is None else np.where(found.mask, -1, codes).astype(np.int32), by_rank.dictionary
        )
    sums, counts = (columns[name] for name, _ in parts)
    if isinstance(sums, TypedColumn) and isinstance(counts, TypedColumn) and sums.mask is None:
        data, number = sums.data, counts.data
        if data.dtype == np.float64 or not len(data) or max(abs(int(data.min())), abs(int(data.max()))) < 1 << 53:
            none = number == 0
            with np.errstate(all="ignore"):
                means = data / np.where(none, 1, number)
            return TypedColumn(Kind.FLOAT, means, none if none.any() else None)
    pairs: list[tuple[Any, Any]] = list(zip(sums.values(), counts.values(), strict=True))
    return lift([None if not n else s / n for s, n in pairs])


def _total(aggregates: tuple[Aggregate, ...], message: Message, counts: IntArray) -> Batch:
    """The parts of all nodes together, in one row."""
    columns: dict[str, Column] = {}
    for item in aggregates:
        for name, kind in _parts(item):
            part = _part(item, name, kind, message, counts)
            if part.mask is not None:
                part = TypedColumn(part.kind, part.data.compress(~part.mask))
            if kind == "sum":
                if part.data.dtype != np.float64:
                    _bounded(part.data)
                with np.errstate(all="ignore"):
                    columns[name] = TypedColumn(part.kind, np.add.reduce(part.data, keepdims=True))
            elif not len(part):
                columns[name] = lift([None])
            else:
                best = extreme(_measure(item, kind)).reduce(part.data, keepdims=True)
                columns[name] = TypedColumn(part.kind, best)
    return Batch(columns, 1)


def _bounded(data: IntArray) -> None:
    """Unsuited where the sum of integers might leave 64 bits."""
    if len(data) and max(abs(int(data.min())), abs(int(data.max()))) * len(data) > INTEGER_MAX:
        total = sum(data.tolist())
        if not INTEGER_MIN <= total <= INTEGER_MAX or int(data.min()) < 0:
            raise Unsuited
