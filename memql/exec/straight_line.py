"""Plans that find a few elements by one value and read a few properties of each: a straight line of calls.

A batch costs some microseconds whatever it holds: operators, frames, columns. Where a plan looks one value up, in an
index or as an id, maybe follows the relationships of what it finds, and returns constants, elements and their
properties, none of its expressions can fail, so nothing needs operators that stop at the first error. What finds more
than a few rows runs as a plan does, in batches of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from memoradb.core.columns import IntArray, lift, node_column, relationship_column
from memoradb.core.values import Value
from memoradb.storage.view import Element, GraphView

from ..plan.expr import Expr, Literal, Parameter, Property, Variable
from .expand import Expand
from .index_scan import NodeById, NodeIndexSeek, ids_of
from .materialise import materialise, node_value, value_of
from .operator import Operator
from .project import Project
from .results import ProduceResults
from .scan import ArgumentScan

ROWS_MAX: Final = 32
"""With more elements found by one value batches are faster."""

EXPANDED_MAX: Final = 1_024
"""Rows from which on what batches cost does not count."""

_Parameters: TypeAlias = Mapping[str, Value]
_Constant: TypeAlias = Callable[[_Parameters], Value]
_Find: TypeAlias = Callable[[GraphView, _Parameters], Sequence[int]]
_Read: TypeAlias = Callable[[GraphView, _Parameters, int], Value]
_Rows: TypeAlias = "dict[str, tuple[Element, IntArray]]"
"""By variable: its elements, row by row."""
_ReadAll: TypeAlias = Callable[[GraphView, _Parameters, _Rows], list[Value]]

StraightLine: TypeAlias = Callable[[GraphView, _Parameters], "list[list[Value]] | None"]
"""Columns of values as a client sees them; None where there would be many rows."""


def straight_line(root: Operator) -> StraightLine | None:
    """The plan as a straight line, None where it has another shape."""
    if not isinstance(root, ProduceResults) or not root.columns:
        return None
    source = root.input
    items: Mapping[str, Expr] | None = None
    if isinstance(source, Project) and not source.keep:
        items, source = dict(source.items), source.input
    shown = [Variable(name) if items is None else items.get(name) for _, name in root.columns]
    if isinstance(source, Expand) and not source.unique and (source.relationship or source.target):
        found = _found_by(source.input)
        return None if found is None or found[0] != source.source else _expanded(found[1], source, shown)
    found = _found_by(source)
    return None if found is None else _looked_up(*found, shown)


# --- the look-up


def _constant(expr: Expr | None) -> _Constant | None:
    """What a literal or parameter is."""
    match expr:
        case Literal(value):
            return lambda parameters: value
        case Parameter(name):
            return lambda parameters: parameters[name]
        case _:
            return None


def _found_by(source: Operator) -> tuple[str, _Find] | None:
    """The variable that a look-up binds once, and the slots that it finds, ascending."""
    if not isinstance(source, (NodeIndexSeek, NodeById)) or source.many:
        return None
    if not isinstance(source.input, ArgumentScan) or source.input.variables:
        return None
    value = _constant(source.value)
    if value is None:
        return None
    find = _by_index(source.index, value) if isinstance(source, NodeIndexSeek) else _by_id(value)
    return source.variable, _labelled(find, source.labels) if source.labels else find


def _by_index(index: str, value: _Constant) -> _Find:
    return lambda view, parameters: view.index_find(index, value(parameters))


def _by_id(value: _Constant) -> _Find:
    def find(view: GraphView, parameters: _Parameters) -> list[int]:
        _, ids = ids_of(lift([value(parameters)]), False)
        return [slot for slot in view.slots_of_ids(Element.NODE, ids).tolist() if slot >= 0]

    return find


def _labelled(find: _Find, labels: tuple[str, ...]) -> _Find:
    def labelled(view: GraphView, parameters: _Parameters) -> Sequence[int]:
        slots = find(view, parameters)
        for label in labels if len(slots) <= ROWS_MAX else ():
            kept = view.has_label(np.array(slots, np.int64), label).tolist()
            slots = [slot for slot, has in zip(slots, kept, strict=True) if has]
        return slots

    return labelled


# --- what is found, one by one


def _looked_up(variable: str, find: _Find, shown: Sequence[Expr | None]) -> StraightLine | None:
    reads = [read for expr in shown if (read := _read(expr, variable)) is not None]
    if len(reads) < len(shown):
        return None

    def run(view: GraphView, parameters: _Parameters) -> list[list[Value]] | None:
        slots = find(view, parameters)
        if len(slots) == 1:
            slot = slots[0]
            return [[read(view, parameters, slot)] for read in reads]
        if len(slots) > ROWS_MAX:
            return None
        return [[read(view, parameters, slot) for slot in slots] for read in reads]

    return run


def _read(expr: Expr | None, variable: str) -> _Read | None:
    """What one column shows of the element at a slot; None for other expressions."""
    match expr:
        case Property(Variable(name), key) if name == variable:
            return lambda view, parameters, slot: view.item(Element.NODE, slot, key)
        case Variable(name) if name == variable:
            return lambda view, parameters, slot: node_value(slot, view)
        case _:
            constant = _constant(expr)
            if constant is None:
                return None
            return lambda view, parameters, slot: value_of(constant(parameters), view)


# --- what follows it, together


def _expanded(find: _Find, expand: Expand, shown: Sequence[Expr | None]) -> StraightLine | None:
    """The relationships of what is found: a row each."""
    known = {expand.source, expand.relationship, expand.target} - {None}
    reads = [read for expr in shown if (read := _read_all(expr, known)) is not None]
    if len(reads) < len(shown):
        return None
    types, direction, labels = expand.types or None, expand.direction, expand.target_labels
    source, relationship, target = expand.source, expand.relationship, expand.target

    def run(view: GraphView, parameters: _Parameters) -> list[list[Value]] | None:
        slots = find(view, parameters)
        if len(slots) > ROWS_MAX:
            return None
        starts = np.array(slots, np.int64)
        found = view.expand(starts, types, direction)
        positions, nodes, relationships = found.source_position, found.node, found.relationship
        if len(nodes) > EXPANDED_MAX:
            return None
        for label in labels:
            kept = np.flatnonzero(view.has_label(nodes, label))
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        rows: _Rows = {source: (Element.NODE, starts.take(positions))}
        if relationship is not None:
            rows[relationship] = (Element.RELATIONSHIP, relationships)
        if target is not None:
            rows[target] = (Element.NODE, nodes)
        return [read(view, parameters, rows) for read in reads]

    return run


def _read_all(expr: Expr | None, known: set[str | None]) -> _ReadAll | None:
    """What one column shows of all rows; None for other expressions."""
    match expr:
        case Property(Variable(name), key) if name in known:

            def values(view: GraphView, parameters: _Parameters, rows: _Rows) -> list[Value]:
                element, slots = rows[name]
                return view.property(element, slots, key).values()

            return values
        case Variable(name) if name in known:

            def elements(view: GraphView, parameters: _Parameters, rows: _Rows) -> list[Value]:
                element, slots = rows[name]
                column = node_column(slots) if element is Element.NODE else relationship_column(slots)
                return materialise(column, view)

            return elements
        case _:
            constant = _constant(expr)
            if constant is None:
                return None

            def constants(view: GraphView, parameters: _Parameters, rows: _Rows) -> list[Value]:
                value = constant(parameters)
                return [value_of(value, view) for _ in range(len(next(iter(rows.values()))[1]))]

            return constants
