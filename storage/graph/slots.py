"""Ids and slots: identity, and the order of application (DESIGN 5.2).

An id is given out when an element is first created, and never again; a slot is the element's place in the order in
which commits were applied. Everything inside the engine is by slot; ids appear at the borders.
"""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import IntArray

from ..growth import grown
from ..section import ReadLater, Section


class ElementTable(ReadLater):
    """Ids and slots of one kind of element, and which are deleted. One writer; ids are reserved by any thread."""

    _columns: tuple[str, ...] = ("ids",)

    ids: IntArray
    """Id by slot; the first ``count`` count."""
    slots: IntArray
    """Slot by id, -1 where there is none."""

    def __init__(self) -> None:
        self.count = 0
        self.next_id = 0
        self.dead = BitMap()
        """Deleted slots; replaced, never changed, so that a snapshot keeps its own."""
        self._reserving = threading.Lock()
        self._origin: Section | None = None
        self.ids = np.zeros(0, np.int64)
        self.slots = np.zeros(0, np.int64)

    def dump(self, name: str) -> Section:
        """The columns by slot; the section that they were read from where there are no new slots."""
        if self._origin is not None and self._origin.name == name and self._origin.metadata["count"] == self.count:
            return self._origin
        return Section(name, {c: getattr(self, c)[: self.count] for c in self._columns}, {"count": self.count})

    def load(self, section: Section, next_id: int, dead: BitMap) -> None:
        """Take what ``dump`` made; its arrays are read when first needed."""
        self.count, self.next_id, self.dead = section.metadata["count"], next_id, dead
        self._origin = section
        columns = {name: partial(section.arrays.__getitem__, name) for name in self._columns}
        self.read_later(slots=self._slots_by_id, **columns)

    def _slots_by_id(self) -> IntArray:
        ids = self.ids[: self.count]
        slots = np.full(int(ids.max()) + 1 if len(ids) else 0, -1, np.int64)
        slots[ids] = np.arange(len(ids))
        return slots

    def reserve(self, count: int) -> int:
        """The first of ``count`` new ids; never handed out again, used or not."""
        with self._reserving:
            first = self.next_id
            self.next_id = first + count
            return first

    def append(self, ids: IntArray) -> IntArray:
        """Slots for new ids."""
        first, count = self.count, len(ids)
        self.ids = grown(self.ids, first + count, first)
        self.ids[first : first + count] = ids
        top = int(ids.max()) + 1 if count else 0
        self.slots = grown(self.slots, top, len(self.slots), -1)
        new = np.arange(first, first + count)
        self.slots[ids] = new
        self.count = first + count
        with self._reserving:
            self.next_id = max(self.next_id, top)
        return new

    def slots_of(self, ids: IntArray) -> IntArray:
        """Slots of ids, -1 for unknown ones."""
        slots = self.slots
        if len(ids) == 1:
            identity = int(ids[0])
            known = 0 <= identity < len(slots)
            return np.full(1, slots[identity] if known else -1, np.int64)
        if not len(slots):
            return np.full(len(ids), -1, np.int64)
        inside = (ids >= 0) & (ids < len(slots))
        return np.where(inside, slots.take(np.where(inside, ids, 0)), -1)


class RelationshipTable(ElementTable):
    """The same, with each relationship's type code and the slots of its ends."""

    _columns = ("ids", "type_code", "source", "target")

    type_code: NDArray[np.int32]
    source: NDArray[np.int32]
    target: NDArray[np.int32]

    def __init__(self) -> None:
        super().__init__()
        self.type_code, self.source, self.target = (np.zeros(0, np.int32) for _ in range(3))

    def extend(self, ids: IntArray, type_code: int, sources: IntArray, targets: IntArray) -> IntArray:
        """Slots for new relationships of one type."""
        first, stop = self.count, self.count + len(ids)
        for name, values in zip(self._columns[1:], (type_code, sources, targets), strict=True):
            array = grown(getattr(self, name), stop, first)
            array[first:stop] = values
            setattr(self, name, array)
        return self.append(ids)
