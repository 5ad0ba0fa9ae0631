"""What every index does: take changes, answer as of a log position.

An index follows the store: ``add`` for new elements in bulk, ``replace`` for one element whose values changed. Answers
are candidates for the position asked, some of which may be newer; entries that a newer commit removed stay until
``prune`` says that nobody can ask for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from memoradb.core.columns import Column, IntArray
from memoradb.core.values import Value

from ..section import Section
from ..view import IndexDefinition, IndexState

if TYPE_CHECKING:
    from ..store import GraphStore


class Index(Protocol):
    """One index. ``values`` are by key, in the definition's order; an element without any is not indexed."""

    definition: IndexDefinition

    @property
    def state(self) -> IndexState:
        """Whether it can be asked."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing for ``settle`` to do."""
        ...

    def settle(self) -> None:
        """Finish reading what a checkpoint kept, or filling from the columns, before the graph changes."""
        ...

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        """New elements, or existing ones that the index sees for the first time."""
        ...

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        """One element's values changed; None where it was, or is now, not in the index."""
        ...

    def contents(self) -> dict[Any, Any]:
        """What it holds, in a form that does not tell how it came there."""
        ...

    def verify(self, store: GraphStore) -> list[str]:
        """What the index holds otherwise than one made of the store's columns would; called while nothing changes."""
        ...

    def prune(self, oldest: int | None) -> None:
        """No snapshot is older than ``oldest``; None where there is no snapshot at all."""
        ...

    def seal(self) -> None:
        """A good moment for work that pays later: after bulk loads and before checkpoints."""
        ...

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        """Derived data worth keeping; an index without any is rebuilt on load."""
        ...

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        """Whether derived data was found; it is read when the index is first used."""
        ...
