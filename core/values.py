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

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

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


class PathSource(Protocol):
    """Many paths in columns of their own, which nothing changes any more."""

    def path_length(self, row: int) -> int:
        """How many relationships a path has."""
        ...

    def path_elements(self, row: int) -> tuple[tuple[Node, ...], tuple[Relationship, ...]]:
        """The nodes and relationships of a path."""
        ...


class Path:
    """A path as handed out: nodes n0..nk, relationships r1..rk. A value: nothing of it changes.

    Of many paths that are returned at once the elements are made when they are first asked for.

    >>> path = Path((Node(1), Node(2)), (Relationship(7, "KNOWS", 1, 2),))
    >>> len(path), path.nodes[1].id, path == Path((Node(1), Node(2)), (Relationship(7),))
    (1, 2, True)
    """

    __slots__ = ("_elements", "_row", "_source")
    __match_args__ = ("nodes", "relationships")

    _elements: tuple[tuple[Node, ...], tuple[Relationship, ...]]
    _source: PathSource
    _row: int

    def __init__(self, nodes: tuple[Node, ...], relationships: tuple[Relationship, ...]) -> None:
        self._elements = (nodes, relationships)

    @staticmethod
    def each_of(source: PathSource, rows: Iterable[int]) -> list[Path]:
        """The paths in these rows of ``source``."""
        made: list[Path] = []
        for row in rows:
            path = Path.__new__(Path)
            path._source, path._row = source, row
            made.append(path)
        return made

    def _whole(self) -> tuple[tuple[Node, ...], tuple[Relationship, ...]]:
        try:
            return self._elements
        except AttributeError:
            self._elements = found = self._source.path_elements(self._row)
            return found

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, from the start."""
        return self._whole()[0]

    @property
    def relationships(self) -> tuple[Relationship, ...]:
        """The relationships, from the start; one less than nodes."""
        return self._whole()[1]

    def __len__(self) -> int:
        try:
            return len(self._elements[1])
        except AttributeError:
            return self._source.path_length(self._row)

    def __eq__(self, other: object) -> bool:
        return self._whole() == other._whole() if isinstance(other, Path) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._whole())

    def __repr__(self) -> str:
        return f"Path(nodes={self.nodes!r}, relationships={self.relationships!r})"

    def __reduce__(self) -> tuple[type[Path], tuple[tuple[Node, ...], tuple[Relationship, ...]]]:
        return Path, self._whole()
