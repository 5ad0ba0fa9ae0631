"""Definitions that need no structure: label and type look-ups, existence and type constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memoradb.core.columns import Column, IntArray
from memoradb.core.values import Value

from ..section import Section
from ..view import ONLINE, IndexDefinition, IndexState

if TYPE_CHECKING:
    from ..store import GraphStore


class Declared:
    """A definition that stands among the indexes and holds nothing."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition

    @property
    def state(self) -> IndexState:
        return ONLINE

    @property
    def is_settled(self) -> bool:
        return True

    def settle(self) -> None: ...

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None: ...

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None: ...

    def contents(self) -> dict[Any, Any]:
        return {}

    def verify(self, store: GraphStore) -> list[str]:
        if not self.definition.kind.is_constraint:
            return []
        from ..constraints import violations

        return violations(store, self.definition)

    def prune(self, oldest: int | None) -> None: ...

    def seal(self) -> None: ...

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        return []

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        return True
