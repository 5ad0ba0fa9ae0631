"""The values of MemQL: which Python objects stand for them, inside the engine and at its borders.

=================  =====================================  ==========================================
MemQL              in the engine                          handed out
=================  =====================================  ==========================================
NULL               ``None``                               the same
BOOLEAN            ``bool``                               the same
INTEGER            ``int`` within 64 bits                 the same
FLOAT              ``float``                              the same
STRING             ``str``                                the same
BYTES              ``bytes``                              the same
LIST, MAP          ``list``, ``dict[str, Value]``         the same
temporal           the classes of ``core.temporal``       the same (``str()`` is toString)
POINT, VECTOR      ``core.spatial``, ``core.vectors``     the same
NODE               ``NodeRef`` (a slot)                   ``Node`` (id, labels, properties)
RELATIONSHIP       ``RelationshipRef`` (a slot)           ``Relationship``
PATH               ``PathRef`` (slots)                    ``Path``
=================  =====================================  ==========================================

A *slot* is an element's dense position in apply order; it never leaves the engine. An *id* is its identity, never
reused. References are turned into values once, at the result cursor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""Any MemQL value. A recursive union of the above would be true but unreadable in every error message."""

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node inside the engine: its slot in the snapshot or overlay at hand."""

    slot: int


@dataclass(frozen=True, slots=True)
class RelationshipRef:
    """A relationship inside the engine: its slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class PathRef:
    """A path inside the engine: node slots n0..nk and relationship slots r1..rk."""

    nodes: tuple[int, ...]
    relationships: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A node as handed out: a value, not a live view. Equal when the ids are."""

    id: int
    labels: tuple[str, ...] = field(compare=False, default=())
    properties: dict[str, Value] = field(compare=False, default_factory=dict)
    element_id: str = field(compare=False, default="")

    def __getitem__(self, key: str) -> Value:
        return self.properties[key]

    def get(self, key: str, default: Value = None) -> Value:
        """The property ``key``, or ``default``."""
        return self.properties.get(key, default)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship as handed out; ``start`` and ``end`` are node ids."""

    id: int
    type: str = field(compare=False, default="")
    start: int = field(compare=False, default=-1)
    end: int = field(compare=False, default=-1)
    properties: dict[str, Value] = field(compare=False, default_factory=dict)
    element_id: str = field(compare=False, default="")

    def __getitem__(self, key: str) -> Value:
        return self.properties[key]

    def get(self, key: str, default: Value = None) -> Value:
        """The property ``key``, or ``default``."""
        return self.properties.get(key, default)


@dataclass(frozen=True, slots=True)
class Path:
    """A path as handed out: nodes n0..nk, relationships r1..rk."""

    nodes: tuple[Node, ...]
    relationships: tuple[Relationship, ...]

    def __len__(self) -> int:
        return len(self.relationships)
