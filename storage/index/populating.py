"""An index that is being built online: it takes in what commits change meanwhile, and answers nothing yet.

The index proper is filled from a snapshot, some elements at a time, on another thread; what the writer tells it in the
meantime waits in a queue, and is told to the index in order once it has all of the snapshot. Then it takes the place of
this one: readers that began before never see it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.arrays import slots_of
from memoradb.core.columns import Column, IntArray
from memoradb.core.values import Value

from ..section import Section
from ..view import Element, IndexState
from .index import Index

if TYPE_CHECKING:
    from ..snapshot import Snapshot
    from ..store import GraphStore

ROWS: Final = 4_096
"""Elements that are taken in at once: some milliseconds' work, after which others get their turn."""


class PopulatingIndex:
    """Stands among the store's indexes for ``target`` until that is complete."""

    def __init__(self, target: Index) -> None:
        self.target = target
        self.definition = target.definition
        self.total = 0
        self.done = 0
        self.failure = ""
        """The error that ended the build."""
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def state(self) -> IndexState:
        """``POPULATING``, with the share of the snapshot's elements that are in; ``FAILED`` where that is all."""
        percent = min(100.0 * self.done / self.total, 99.99) if self.total else 0.0
        return IndexState("FAILED" if self.failure else "POPULATING", percent, self.failure)

    # --- what the writer tells

    @property
    def is_settled(self) -> bool:
        """See ``settle``."""
        return True

    def settle(self) -> None:
        """Nothing is left for later."""

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        """Kept for later."""
        self._waiting.append(lambda: self.target.add(slots, values, position))

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        """Kept for later."""
        self._waiting.append(lambda: self.target.replace(slot, old, new, position))

    def prune(self, oldest: int | None) -> None:
        """What the target remembers of removals is for readers that come after it is complete."""

    def contents(self) -> dict[Any, Any]:
        """Nothing that could be asked."""
        return {}

    def verify(self, store: GraphStore) -> list[str]:
        """Nothing can be wrong yet."""
        return []

    def seal(self) -> None:
        """Done when the target is complete."""

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        """Nothing yet: who opens the checkpoint builds the index."""
        return []

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        """No checkpoint holds one."""
        return False

    # --- what the builder does

    def restart(self, target: Index) -> None:
        """Begin again; called by the writer, with a snapshot of now to follow."""
        self.target = target
        self.done = 0
        self._waiting.clear()

    def fill(self, snapshot: Snapshot) -> Iterator[int]:
        """Take in what a snapshot holds, and yield how many elements that were each time.

        Raises:
            SnapshotTooOld: so much was changed meanwhile that the snapshot cannot be read to its end.
        """
        definition = self.definition
        if definition.element is Element.NODE:
            covered = snapshot.nodes_with_label(definition.labels[0])
            for label in definition.labels[1:]:
                covered = covered | snapshot.nodes_with_label(label)
            slots = slots_of(covered)
        else:
            slots = snapshot.relationships(definition.labels)
        self.total = len(slots)
        for start in range(0, len(slots), ROWS):
            part = slots[start : start + ROWS]
            values = [snapshot.property(definition.element, part, key) for key in definition.keys]
            self.target.add(part, values, snapshot.position)
            self.done += len(part)
            yield len(part)

    def catch_up(self, changes_max: int | None = None) -> bool:
        """Tell the target some of what waits; whether nothing waits any more."""
        told = 0
        while self._waiting and (changes_max is None or told < changes_max):
            self._waiting.popleft()()
            told += 1
        return not self._waiting
