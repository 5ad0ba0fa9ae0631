"""Indexes that checkpoints do not keep: they are filled again from the columns when they are first used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memoradb.core.columns import Column, IntArray

from ..section import Section
from ..view import ONLINE, IndexDefinition, IndexState
from .condition import Condition
from .removals import Removals

if TYPE_CHECKING:
    from ..store import GraphStore

PROBLEMS_MAX = 10
"""Differences that are told of one index."""

Fill = Callable[[], tuple[IntArray, Sequence[Column]]]
"""Gives the slots that an index covers, and their values by key."""


def differences(found: Mapping[Any, Any], expected: Mapping[Any, Any], name: str) -> list[str]:
    """What stands in one of two indexes only, or otherwise; at most ``PROBLEMS_MAX`` of it."""
    problems: list[str] = []
    for key in [*expected, *(key for key in found if key not in expected)]:
        has, wants = found.get(key), expected.get(key)
        if has != wants:
            problems.append(f"Index `{name}` has {has!r:.60} for {key!r:.60}, and should have {wants!r:.60}.")
            if len(problems) == PROBLEMS_MAX:
                break
    return problems


class RebuiltIndex:
    """The common half of range, text and point indexes: filling later, removals, nothing in checkpoints."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self.removals = Removals()
        self._fill: Fill | None = None
        self._filling = threading.Lock()

    @property
    def state(self) -> IndexState:
        """It can be asked."""
        return ONLINE

    @property
    def last_change(self) -> int:
        """Position of the newest change other than the addition of new elements."""
        return self.removals.last_change

    def fill_later(self, fill: Fill) -> None:
        """Let the index be filled when it is first used."""
        self._fill = fill

    @property
    def is_settled(self) -> bool:
        """Whether it is filled."""
        return self._fill is None

    def settle(self) -> None:
        """Fill an index that was left for later; the writer does so before it changes what ``fill`` reads."""
        if self._fill is None:
            return
        with self._filling:
            if self._fill is not None:
                self.add(*self._fill(), 0)
                self._fill = None

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        """See ``index.Index``."""
        raise NotImplementedError

    def candidates(self, condition: Condition, position: int) -> IntArray:
        """Slots among which are all that met the condition at a position, ascending, each once."""
        raise NotImplementedError

    def is_exact(self, condition: Condition) -> bool:
        """Whether all candidates for the newest state meet the condition: their values need not be read."""
        return False

    def verify(self, store: GraphStore) -> list[str]:
        """What the index holds otherwise than one made of the store's columns would; called while nothing changes."""
        self.settle()
        fresh = store.make_index(self.definition)
        store.fill_index(fresh, store.position)
        return differences(self.contents(), fresh.contents(), self.definition.name)

    def contents(self) -> dict[Any, Any]:
        """What it holds, in a form that does not tell how it came there."""
        raise NotImplementedError

    def prune(self, oldest: int | None) -> None:
        """See ``index.Index``."""
        self.removals.prune(oldest)

    def seal(self) -> None:
        """See ``index.Index``."""
        return None

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        """Nothing: to fill it from the columns is as fast as to read a file."""
        return []

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        """Nothing is kept."""
        return False
