"""CREATE, SET, REMOVE, DELETE: rows into changes of the writer's overlay.

Everything goes by batch: a column of new nodes, a column of values. SET whose items read what they write runs row by
row instead, as the planner says (``per_row``). Weights are expanded first: a row of weight two is updated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeAlias

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import (
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    TypedColumn,
    node_column,
    relationship_column,
)
from memoradb.core.errors import MemQLError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value
from memoradb.storage.view import Element

from ..functions.graph import properties_of
from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show, show_variable
from ..plan.expr import Expr, Literal, MapOf, Variable
from ..plan.nodes import NewNode, NewRelationship, SetLabelsItem, SetPropertiesItem, SetPropertyItem, UpdateItem
from .adjacent import element_slots
from .context import Context
from .operator import Frame, Operator

Effect: TypeAlias = Callable[[Batch, "Context"], None]
"""What one item of a SET or REMOVE does to every row of a batch."""

_PropertyColumns: TypeAlias = Callable[[Batch, "Context"], dict[str, Column]]


def compile_properties(expr: Expr | None) -> _PropertyColumns:
    """A callable that gives a map expression as a column for each key."""
    if expr is None:
        return lambda batch, context: {}
    if isinstance(expr, MapOf):
        entries = [(key, compile_expression(value)) for key, value in expr.entries]
        return lambda batch, context: {key: evaluate(batch, context) for key, evaluate in entries}
    evaluate = compile_expression(expr)

    def columns(batch: Batch, context: Context) -> dict[str, Column]:
        maps = evaluate(batch, context).values()
        keys: dict[str, None] = {}
        for value in maps:
            if value is None:
                continue
            if not isinstance(value, (dict, NodeRef, RelationshipRef)):
                raise TypeMismatch(f"Properties are given by a map, not {type_name(value)}.")
            keys.update(dict.fromkeys(properties_of(context, value)))
        plain = [{} if v is None else properties_of(context, v) for v in maps]
        return {key: ListColumn([m.get(key) for m in plain]) for key in keys}

    return columns


class Creation:
    """What is made for each row, compiled once."""

    def __init__(self, nodes: tuple[NewNode, ...] = (), relationships: tuple[NewRelationship, ...] = ()) -> None:
        self._nodes = [(node, compile_properties(node.properties)) for node in nodes]
        self._relationships = [(new, compile_properties(new.properties)) for new in relationships]

    def __call__(self, batch: Batch, context: Context) -> Batch:
        """The batch with columns for its new elements; each is there for the expressions of those after it."""
        writer, columns = context.writer, dict(batch.columns)
        batch = Batch(columns, batch.length, batch.row, batch.weight)
        for node, properties in self._nodes:
            slots = writer.create_nodes(batch.length, node.labels, properties(batch, context))
            columns[node.variable] = node_column(slots)
        for new, properties in self._relationships:
            sources, targets = _ends(columns, new.source), _ends(columns, new.target)
            slots = writer.create_relationships(new.type, sources, targets, properties(batch, context))
            columns[new.variable] = relationship_column(slots)
        return batch


def _ends(columns: Mapping[str, Column], name: str) -> IntArray:
    """The nodes that new relationships start or end at."""
    slots, live = element_slots(columns[name], Kind.NODE)
    if live is not None:
        raise MemQLError(
            f"Cannot create a relationship: its node `{show_variable(name)}` is null.",
            kind="SemanticError",
            detail="CreateRelationshipWithNullNode",
        )
    return slots


@dataclass(eq=False, slots=True)
class Create(Operator):
    """New elements for each row. ``per_row``: a row's expressions see what earlier rows created."""

    input: Operator
    nodes: tuple[NewNode, ...]
    relationships: tuple[NewRelationship, ...]
    per_row: bool = False
    _create: Creation = field(default_factory=Creation)

    def __post_init__(self) -> None:
        self._create = Creation(self.nodes, self.relationships)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        create = self._create
        for batch in context.batches(self.input, frame.whole()):
            batch = batch.expanded()
            if self.per_row and batch.length > 1:
                yield concat_batches([create(batch.slice(i, i + 1), context) for i in range(batch.length)])
            else:
                yield create(batch, context)

    def describe(self) -> str:
        parts = [f"({show_variable(n.variable)}{''.join(f':{x}' for x in n.labels)})" for n in self.nodes]
        parts += [
            f"({show_variable(r.source)})-[{show_variable(r.variable)}:{r.type}]->({show_variable(r.target)})"
            for r in self.relationships
        ]
        return ", ".join(parts) + row_by_row(self.per_row)


def row_by_row(always: bool, subjects: tuple[str, ...] = ()) -> str:
    """What EXPLAIN adds to an operator that may not take a batch at once."""
    if always:
        return "  row by row"
    return f"  row by row where elements are in {', '.join(map(show_variable, subjects))}" if subjects else ""


def holds_elements(column: Column) -> bool:
    """Whether a node or relationship is in a column, or inside a list or map of it."""
    if isinstance(column, TypedColumn):
        return column.kind in (Kind.NODE, Kind.RELATIONSHIP)
    if isinstance(column, ConstantColumn):
        return _is_or_holds_element(column.value)
    values = column.values()
    kinds = set(map(type, values))
    if dict in kinds:  # rows of an UNWIND: looked at together
        inner = set(map(type, chain.from_iterable(v.values() for v in values if type(v) is dict)))
        kinds = kinds - {dict} if inner <= _SCALARS else kinds
    return not kinds <= _SCALARS and any(map(_is_or_holds_element, values))


_SCALARS: Final = frozenset((type(None), bool, int, float, str, bytes))


def _is_or_holds_element(value: Value) -> bool:
    kind = type(value)
    if kind is dict:
        return any(map(_is_or_holds_element, value.values()))
    if kind is list:
        return any(map(_is_or_holds_element, value))
    return kind is NodeRef or kind is RelationshipRef or kind is PathRef


def _split(column: Column) -> list[tuple[Element, IntArray, IntArray | None]]:
    """The elements in a column, by kind: (kind, slots, positions; None for all); nulls are left out."""
    if isinstance(column, TypedColumn) and column.kind in (Kind.NODE, Kind.RELATIONSHIP):
        element = Element.NODE if column.kind == Kind.NODE else Element.RELATIONSHIP
        return [(element, *element_slots(column, column.kind))]
    found: dict[Element, tuple[list[int], list[int]]] = {}
    for i, value in enumerate(column.values()):
        if value is None:
            continue
        if isinstance(value, NodeRef):
            element = Element.NODE
        elif isinstance(value, RelationshipRef):
            element = Element.RELATIONSHIP
        else:
            raise TypeMismatch(f"Only nodes and relationships can be changed, not {type_name(value)}.")
        slots, positions = found.setdefault(element, ([], []))
        slots.append(value.slot)
        positions.append(i)
    return [(e, np.array(s, np.int64), np.array(p, np.int64)) for e, (s, p) in found.items()]


def compile_items(items: tuple[UpdateItem, ...]) -> tuple[Effect, ...]:
    """All items of a SET or REMOVE as callables; ``apply_items`` runs them."""
    return tuple(map(_compile_item, items))


def apply_items(batch: Batch, effects: tuple[Effect, ...], context: Context) -> None:
    """All items of a SET or REMOVE on every row of ``batch``, item by item."""
    for effect in effects:
        effect(batch, context)


def _compile_item(item: UpdateItem) -> Effect:
    target = compile_expression(item.target)
    match item:
        case SetPropertyItem(_, Literal(str(key)), value):
            return _set_property(target, key, compile_expression(value))
        case SetPropertyItem(_, key, value):
            keys, values = compile_expression(key), compile_expression(value)

            def set_dynamic(batch: Batch, context: Context) -> None:
                column, new = target(batch, context), values(batch, context)
                _set_dynamic(column, keys(batch, context), new, context)

            return set_dynamic
        case SetPropertiesItem(_, value, merge):
            maps = compile_expression(value)
            return lambda batch, context: _set_all(target(batch, context), maps(batch, context), merge, context)
        case SetLabelsItem(_, labels, remove):
            return lambda batch, context: _set_labels(target(batch, context), labels, remove, context)


def _set_property(target: Evaluator, key: str, value: Evaluator) -> Effect:
    def effect(batch: Batch, context: Context) -> None:
        column, values = target(batch, context), value(batch, context)
        for element, slots, positions in _split(column):
            if positions is not None and len(positions) < batch.length:
                context.writer.set_property(element, slots, key, values.take(positions))
            else:
                context.writer.set_property(element, slots, key, values)

    return effect


def _set_labels(column: Column, labels: tuple[str, ...], remove: bool, context: Context) -> None:
    for element, slots, _ in _split(column):
        if element is not Element.NODE:
            raise TypeMismatch("A relationship has a type, not labels that can be set.")
        if remove:
            context.writer.remove_labels(slots, labels)
        else:
            context.writer.add_labels(slots, labels)


def _rows(slots: IntArray, positions: IntArray | None) -> Iterator[tuple[int, int]]:
    """(slot, position) of each element."""
    rows: Sequence[int] = range(len(slots)) if positions is None else positions.tolist()
    return zip(slots.tolist(), rows, strict=True)


def _set_dynamic(column: Column, keys: Column, values: Column, context: Context) -> None:
    for element, slots, positions in _split(column):
        for slot, position in _rows(slots, positions):
            key = keys.item(position)
            if type(key) is not str:
                raise TypeMismatch(f"A property is named by a string, not {type_name(key)}.")
            one = np.array([slot], np.int64)
            context.writer.set_property(element, one, key, ListColumn([values.item(position)]))


def _set_all(column: Column, values: Column, merge: bool, context: Context) -> None:
    maps = values.values()
    for element, slots, positions in _split(column):
        for slot, position in _rows(slots, positions):
            value = maps[position]
            if value is None:
                if merge:
                    continue
                value = {}
            properties = properties_of(context, value, "SET")
            if merge:
                one = np.array([slot], np.int64)
                for key, new in properties.items():
                    context.writer.set_property(element, one, key, ListColumn([new]))
            else:
                context.writer.replace_properties(element, slot, properties)


@dataclass(eq=False, slots=True)
class Update(Operator):
    """SET and REMOVE.

    ``per_row``: a row reads, or writes again, what another one writes. ``subjects``: that may also be so where one of
    these columns holds elements, since what is written is read through them.
    """

    input: Operator
    items: tuple[UpdateItem, ...]
    per_row: bool = False
    subjects: tuple[str, ...] = ()
    _effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        self._effects = compile_items(self.items)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame.whole()):
            batch = batch.expanded()
            if batch.length > 1 and (self.per_row or self._reads_itself(batch)):
                for i in range(batch.length):
                    apply_items(batch.slice(i, i + 1), self._effects, context)
            else:
                apply_items(batch, self._effects, context)
            yield batch

    def _reads_itself(self, batch: Batch) -> bool:
        read = [name for name in self.subjects if holds_elements(batch.columns[name])]
        if not read:
            return False
        # Each row reads and changes one element of its own: then it matters to no other row.
        targets = {item.target for item in self.items}
        if len(read) == 1 and targets == {Variable(read[0])}:
            column = batch.columns[read[0]]
            if isinstance(column, TypedColumn) and column.mask is None:
                return len(np.unique(column.data)) < len(column.data)
        return True

    def describe(self) -> str:
        parts = []
        for item in self.items:
            match item:
                case SetPropertyItem(target, key, value):
                    parts.append(
                        f"{show(target)}.{key.value if isinstance(key, Literal) else show(key)} = {show(value)}"
                    )
                case SetPropertiesItem(target, value, merge):
                    parts.append(f"{show(target)} {'+=' if merge else '='} {show(value)}")
                case SetLabelsItem(target, labels, remove):
                    parts.append(f"{'-' if remove else '+'}{show(target)}{''.join(f':{x}' for x in labels)}")
        return ", ".join(parts) + row_by_row(self.per_row, self.subjects)


@dataclass(eq=False, slots=True)
class Delete(Operator):
    """Deletes nodes, relationships and paths, also inside lists and maps."""

    input: Operator
    targets: tuple[Expr, ...]
    detach: bool

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        targets = [compile_expression(t) for t in self.targets]
        for batch in context.batches(self.input, frame.whole()):
            nodes: set[int] = set()
            relationships: set[int] = set()
            for target in targets:
                column = target(batch, context)
                if isinstance(column, TypedColumn) and column.kind in (Kind.NODE, Kind.RELATIONSHIP):
                    slots, _ = element_slots(column, column.kind)
                    (nodes if column.kind == Kind.NODE else relationships).update(slots.tolist())
                else:
                    for value in column.values():
                        _gather(value, nodes, relationships)
            writer = context.writer
            writer.delete_relationships(np.array(sorted(relationships), np.int64))
            writer.delete_nodes(np.array(sorted(nodes), np.int64), self.detach)
            yield batch

    def describe(self) -> str:
        return ("DETACH " if self.detach else "") + ", ".join(map(show, self.targets))


def _gather(value: Value, nodes: set[int], relationships: set[int]) -> None:
    match value:
        case None:
            return
        case NodeRef(slot):
            nodes.add(slot)
        case RelationshipRef(slot):
            relationships.add(slot)
        case PathRef():
            nodes.update(value.nodes)
            relationships.update(value.relationships)
        case list():
            for item in value:
                _gather(item, nodes, relationships)
        case dict():
            for item in value.values():
                _gather(item, nodes, relationships)
        case _:
            raise TypeMismatch(f"DELETE takes nodes, relationships and paths, not {type_name(value)}.")
