"""Nodes, relationships, paths, maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from memoradb.core.errors import EntityNotFound, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.spatial import Point
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value
from memoradb.storage.view import Element

from ..bind.types import Type
from .registry import function

_N, _R, _P = Type.NODE, Type.RELATIONSHIP, Type.PATH


def _one(slot: int) -> Any:
    return np.array([slot], np.int64)


def _wrong(name: str, what: str, value: Value) -> TypeMismatch:
    return TypeMismatch(f"{name}() takes {what}, not {type_name(value)}.", detail="InvalidArgumentValue")


def element_of(value: Value, name: str) -> tuple[Element, int]:
    """Which element a reference names; TypeMismatch for anything else."""
    if isinstance(value, NodeRef):
        return Element.NODE, value.slot
    if isinstance(value, RelationshipRef):
        return Element.RELATIONSHIP, value.slot
    raise _wrong(name, "a node or a relationship", value)


def check_live(context: Any, element: Element, slot: int) -> None:
    """EntityNotFound where this statement deleted the element."""
    view = context.view
    live = view.node_is_live(slot) if element is Element.NODE else view.relationship_is_live(slot)
    if not live:
        raise EntityNotFound(f"This {element.value.lower()} was deleted in this transaction.")


@function("id", (_N | _R,), Type.INTEGER, needs_context=True)
def _id(context: Any, x: Value) -> Value:
    """The element's id: an integer, never reused."""
    element, slot = element_of(x, "id")
    return int(context.view.ids(element, _one(slot))[0])


@function("elementId", (_N | _R,), Type.STRING, needs_context=True)
def _element_id(context: Any, x: Value) -> Value:
    """The element's id with its kind and graph, as a string."""
    element, slot = element_of(x, "elementId")
    return context.view.element_id(element, slot)


@function("labels", (_N,), Type.LIST, needs_context=True)
def _labels(context: Any, x: Value) -> Value:
    """A node's labels."""
    if not isinstance(x, NodeRef):
        raise _wrong("labels", "a node", x)
    check_live(context, Element.NODE, x.slot)
    return list(context.view.node_labels(x.slot))


@function("type", (_R,), Type.STRING, needs_context=True)
def _type(context: Any, x: Value) -> Value:
    """A relationship's type."""
    if not isinstance(x, RelationshipRef):
        raise _wrong("type", "a relationship", x)
    return context.view.relationship_type(_one(x.slot))[0]


@function("startNode", (_R,), _N, needs_context=True)
def _start_node(context: Any, x: Value) -> Value:
    """The node a relationship starts at."""
    if not isinstance(x, RelationshipRef):
        raise _wrong("startNode", "a relationship", x)
    return NodeRef(int(context.view.endpoints(_one(x.slot))[0][0]))


@function("endNode", (_R,), _N, needs_context=True)
def _end_node(context: Any, x: Value) -> Value:
    """The node a relationship ends at."""
    if not isinstance(x, RelationshipRef):
        raise _wrong("endNode", "a relationship", x)
    return NodeRef(int(context.view.endpoints(_one(x.slot))[1][0]))


def properties_of(context: Any, x: Value, name: str = "properties") -> dict[str, Value]:
    """All properties of an element, or the map itself."""
    if type(x) is dict:
        return x
    if not isinstance(x, (NodeRef, RelationshipRef)):
        raise _wrong(name, "a node, a relationship or a map", x)
    element, slot = element_of(x, name)
    check_live(context, element, slot)
    return context.view.properties(element, slot)


@function("properties", (_N | _R | Type.MAP,), Type.MAP, needs_context=True)
def _properties(context: Any, x: Value) -> Value:
    """All properties as a map."""
    return dict(properties_of(context, x))


@function("keys", (_N | _R | Type.MAP,), Type.LIST, needs_context=True)
def _keys(context: Any, x: Value) -> Value:
    """The names of all properties."""
    return list(properties_of(context, x, "keys"))


@function("index", (Type.LIST | Type.MAP | _N | _R, Type.ANY), Type.ANY, needs_context=True)
def _index(context: Any, subject: Value, key: Value) -> Value:
    """``subject[key]``: an element of a list, a value of a map, a property by name."""
    from memoradb.core.semantics import index

    if isinstance(subject, (NodeRef, RelationshipRef)):
        if type(key) is not str:
            raise TypeMismatch(
                f"A property is named by a string, not {type_name(key)}.", detail="PropertyAccessByNonString"
            )
        element, slot = element_of(subject, "index")
        return context.view.property(element, _one(slot), key).item(0)
    return index(subject, key)


@function("nodes", (_P,), Type.LIST)
def _nodes(x: Value) -> Value:
    """The nodes of a path, in order."""
    if not isinstance(x, PathRef):
        raise _wrong("nodes", "a path", x)
    return [NodeRef(n) for n in x.nodes]


@function("relationships", (_P,), Type.LIST, aliases=("rels",))
def _relationships(x: Value) -> Value:
    """The relationships of a path, in order."""
    if not isinstance(x, PathRef):
        raise _wrong("relationships", "a path", x)
    return [RelationshipRef(r) for r in x.relationships]


@function("length", (_P,), Type.INTEGER)
def _length(x: Value) -> Value:
    """The number of relationships of a path."""
    if not isinstance(x, PathRef):
        raise _wrong("length", "a path", x)
    return len(x.relationships)


@function("exists", (Type.ANY,), Type.BOOLEAN, null_propagates=False)
def _exists(x: Value) -> Value:
    """Whether a property is there: not null."""
    return x is not None


@function("property", (Type.ANY, Type.STRING), Type.ANY, needs_context=True)
def _property(context: Any, subject: Value, key: Value) -> Value:
    """``subject.key`` by a computed name."""
    if isinstance(subject, (dict, Date, LocalTime, Time, LocalDateTime, DateTime, Duration, Point)):
        from memoradb.core.semantics import property_of

        return property_of(subject, key)
    return _index(context, subject, key)
