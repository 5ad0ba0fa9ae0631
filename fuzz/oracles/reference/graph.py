"""The graph as dictionaries: nodes and relationships by id, and nothing clever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memoradb.core.errors import DeleteConnectedNode, EntityNotFound
from memoradb.core.semantics import check_storable
from memoradb.core.values import Node, NodeRef, Path, PathRef, Relationship, RelationshipRef, Value

Reference = NodeRef | RelationshipRef


@dataclass(slots=True)
class NodeRecord:
    """A node's labels, in the order they were given, and properties."""

    labels: dict[str, None]
    properties: dict[str, Value]


@dataclass(slots=True)
class RelationshipRecord:
    """A relationship's type, ends and properties."""

    type: str
    start: int
    end: int
    properties: dict[str, Value]


@dataclass(slots=True)
class PlainGraph:
    """All elements by id. References (``NodeRef`` and kin) hold ids as their slots.

    Deleted elements move to ``dead_*`` until the statement ends: reading them is EntityNotFound, naming them is not.
    """

    nodes: dict[int, NodeRecord] = field(default_factory=dict)
    relationships: dict[int, RelationshipRecord] = field(default_factory=dict)
    dead_nodes: dict[int, NodeRecord] = field(default_factory=dict)
    dead_relationships: dict[int, RelationshipRecord] = field(default_factory=dict)
    undetached: set[int] = field(default_factory=set)
    next_node: int = 0
    next_relationship: int = 0

    def copy(self) -> PlainGraph:
        """A graph of its own; property values are never changed in place and stay shared."""
        return PlainGraph(
            {i: NodeRecord(dict(n.labels), dict(n.properties)) for i, n in self.nodes.items()},
            {i: RelationshipRecord(r.type, r.start, r.end, dict(r.properties)) for i, r in self.relationships.items()},
            next_node=self.next_node,
            next_relationship=self.next_relationship,
        )

    # --- reading

    def incident(self, node: int) -> list[int]:
        """Relationships that start or end at a node; a loop stands once."""
        return [i for i, r in self.relationships.items() if r.start == node or r.end == node]

    def node(self, ref: NodeRef) -> NodeRecord:
        """A node's record; EntityNotFound where this statement deleted it."""
        found = self.nodes.get(ref.slot)
        if found is None:
            raise EntityNotFound("A node was deleted in this statement.")
        return found

    def relationship(self, ref: RelationshipRef, dead: bool = False) -> RelationshipRecord:
        """A relationship's record; ``dead``: also one that this statement deleted, whose type and ends stay known."""
        found = self.relationships.get(ref.slot)
        if found is None and dead:
            found = self.dead_relationships.get(ref.slot)
        if found is None:
            raise EntityNotFound("A relationship was deleted in this statement.")
        return found

    def properties(self, ref: Reference) -> dict[str, Value]:
        """The properties of an element, by key."""
        return self.node(ref).properties if isinstance(ref, NodeRef) else self.relationship(ref).properties

    # --- writing

    def create_node(self, labels: Iterable[str], properties: Mapping[str, Value]) -> NodeRef:
        """A new node; null properties are none."""
        self.nodes[self.next_node] = NodeRecord(dict.fromkeys(labels), _storable(properties))
        self.next_node += 1
        return NodeRef(self.next_node - 1)

    def create_relationship(
        self, type: str, start: NodeRef, end: NodeRef, properties: Mapping[str, Value]
    ) -> RelationshipRef:
        """A new relationship between live nodes."""
        self.node(start)
        self.node(end)
        record = RelationshipRecord(type, start.slot, end.slot, _storable(properties))
        self.relationships[self.next_relationship] = record
        self.next_relationship += 1
        return RelationshipRef(self.next_relationship - 1)

    def set_property(self, ref: Reference, key: str, value: Value) -> None:
        """Set one property; null removes it."""
        check_storable(value)
        properties = self.properties(ref)
        if value is None:
            properties.pop(key, None)
        else:
            properties[key] = value

    def replace_properties(self, ref: Reference, properties: Mapping[str, Value]) -> None:
        """Exactly these properties."""
        held = self.properties(ref)
        fresh = _storable(properties)
        held.clear()
        held.update(fresh)

    def delete(self, refs: Iterable[Reference], detach: bool) -> None:
        """Delete elements; a node that keeps relationships is an error only when the statement ends."""
        for ref in refs:
            if isinstance(ref, RelationshipRef):
                if ref.slot in self.relationships:
                    self.dead_relationships[ref.slot] = self.relationships.pop(ref.slot)
            elif ref.slot in self.nodes:
                self.dead_nodes[ref.slot] = self.nodes.pop(ref.slot)
                if detach:
                    self.delete([RelationshipRef(r) for r in self.incident(ref.slot)], False)
                else:
                    self.undetached.add(ref.slot)

    def end_statement(self) -> None:
        """Forget what was deleted.

        Raises:
            DeleteConnectedNode: a deleted node still has relationships.
        """
        if any(self.incident(n) for n in self.undetached):
            raise DeleteConnectedNode("Cannot delete a node that still has relationships.")
        self.dead_nodes.clear()
        self.dead_relationships.clear()
        self.undetached.clear()

    # --- values as handed out

    def value(self, value: Value) -> Value:
        """``value`` with every reference in it replaced by the element."""
        match value:
            case list():
                return [self.value(v) for v in value]
            case dict():
                return {k: self.value(v) for k, v in value.items()}
            case NodeRef(slot):
                record = self.nodes.get(slot) or NodeRecord({}, {})
                return Node(slot, tuple(record.labels), dict(record.properties), f"n:{slot}")
            case RelationshipRef(slot):
                record = self.relationships.get(slot)
                dead = self.dead_relationships.get(slot)
                known = record or dead or RelationshipRecord("", -1, -1, {})
                properties = {} if record is None else dict(record.properties)
                return Relationship(slot, known.type, known.start, known.end, properties, f"r:{slot}")
            case PathRef(nodes, relationships):
                return Path(
                    tuple(self.value(NodeRef(n)) for n in nodes),
                    tuple(self.value(RelationshipRef(r)) for r in relationships),
                )
            case _:
                return value


def _storable(properties: Mapping[str, Value]) -> dict[str, Value]:
    for value in properties.values():
        check_storable(value)
    return {k: v for k, v in properties.items() if v is not None}
