"""Where an update needs a barrier, and where it must run row by row.

A clause sees all effects of the clauses before it and none of its own. Operators pull batches through each other, so
between two that conflict (one writes what the other reads or writes) an ``Eager`` must gather all rows first. A SET
that reads or doubly writes a key conflicts with itself, which no barrier helps: it runs row by row (DESIGN 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..plan.expr import AllProperties, Call, Expr, Literal, Property, Subquery, Variable, children
from ..plan.nodes import (
    Create,
    Delete,
    Foreach,
    LogicalNode,
    Merge,
    SetLabelsItem,
    SetPropertiesItem,
    SetPropertyItem,
    Update,
    UpdateItem,
)
from ..plan.properties import Effects, effects, own_effects
from ..plan.transform import children as plan_children


def needs_eager_below(node: LogicalNode) -> bool:
    """Whether an update's input reads or writes what the update writes, or writes what it reads."""
    below = Effects()
    for child in plan_children(node)[:1]:
        below = below | effects(child)
    return own_effects(node).conflicts_with(below)


def is_update(node: LogicalNode) -> bool:
    """Whether the node itself changes the graph."""
    return isinstance(node, (Create, Update, Delete, Merge, Foreach))


def updates_row_by_row(items: Sequence[UpdateItem]) -> bool:
    """Whether a SET reads a key that it writes, or writes one twice; dynamic keys and whole maps count as all."""
    written: list[str | None] = []
    read: set[str | None] = set()
    for item in items:
        match item:
            case SetPropertyItem(target, key, value):
                written.append(key.value if isinstance(key, Literal) else None)
                for expression in (key, value, *([] if isinstance(target, Variable) else [target])):
                    read |= _keys_read(expression)
            case SetPropertiesItem(_, value, _):
                written.append(None)
                read |= _keys_read(value)
            case SetLabelsItem():
                written.append(":labels")
    if len(written) != len(set(written)) or (None in written and len(written) > 1):
        return True
    if None in written:
        return bool(read)
    return None in read or bool(read & set(written))


def _keys_read(expr: Expr) -> set[str | None]:
    match expr:
        case Property(subject, key):
            return {key} | _keys_read(subject)
        case Subquery() | AllProperties():
            return {None}
        case Call("properties" | "keys" | "index"):
            return {None}
        case Call("labels"):
            return {":labels"}.union(*map(_keys_read, expr.arguments))
        case _:
            return set().union(*map(_keys_read, children(expr)))
