"""Functions over nodes, relationships and paths: the ones that must look into the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import index, property_of, type_name
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value

from .graph import PlainGraph
from .run import Run


def _refuse(name: str, what: str, value: Value) -> TypeMismatch:
    return TypeMismatch(f"{name}() takes {what}, not {type_name(value)}.", detail="InvalidArgumentValue")


def properties_of(graph: PlainGraph, value: Value, name: str) -> dict[str, Value]:
    """All properties of an element, or the map itself; TypeMismatch for anything else."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (NodeRef, RelationshipRef)):
        return graph.properties(value)
    raise _refuse(name, "a node, a relationship or a map", value)


def _relationship(name: str, value: Value) -> RelationshipRef:
    if isinstance(value, RelationshipRef):
        return value
    raise _refuse(name, "a relationship", value)


def _path(name: str, value: Value) -> PathRef:
    if isinstance(value, PathRef):
        return value
    raise _refuse(name, "a path", value)


def _id(run: Run, value: Value) -> Value:
    if isinstance(value, (NodeRef, RelationshipRef)):
        return value.slot
    raise _refuse("id", "a node or a relationship", value)


def _element_id(run: Run, value: Value) -> Value:
    return f"{'n' if isinstance(value, NodeRef) else 'r'}:{_id(run, value)}"


def _labels(run: Run, value: Value) -> Value:
    if isinstance(value, NodeRef):
        return run.in_some_order(list(run.graph.node(value).labels))
    raise _refuse("labels", "a node", value)


def _keys(run: Run, value: Value) -> Value:
    return run.in_some_order(list(properties_of(run.graph, value, "keys")))


def _property(run: Run, subject: Value, key: Value) -> Value:
    if key is None:
        return None
    if isinstance(subject, (NodeRef, RelationshipRef)):
        if type(key) is not str:
            raise TypeMismatch(f"A property is named by a string, not {type_name(key)}.")
        return run.graph.properties(subject).get(key)
    return index(subject, key) if isinstance(subject, list) else property_of(subject, key)


def _end(name: str, last: bool) -> Callable[[Run, Value], Value]:
    def end(run: Run, value: Value) -> Value:
        record = run.graph.relationship(_relationship(name, value), dead=True)
        return NodeRef(record.end if last else record.start)

    return end


def _steps(run: Run, value: Value) -> Value:
    return [RelationshipRef(r) for r in _path("relationships", value).relationships]


FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "id": _id,
    "elementid": _element_id,
    "labels": _labels,
    "type": lambda run, x: run.graph.relationship(_relationship("type", x), dead=True).type,
    "startnode": _end("startNode", False),
    "endnode": _end("endNode", True),
    "properties": lambda run, x: dict(properties_of(run.graph, x, "properties")),
    "keys": _keys,
    "property": _property,
    "nodes": lambda run, x: [NodeRef(n) for n in _path("nodes", x).nodes],
    "relationships": _steps,
    "rels": _steps,
    "length": lambda run, x: len(_path("length", x).relationships),
}
"""By name in lower case; they get the run, and their first argument is not null."""
