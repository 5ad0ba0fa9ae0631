"""Ids and slots: identity, and the order of application (DESIGN 5.2).

An id is given out when an element is first created, and never again; a slot is the element's place in the order in
which commits were applied. Everything inside the engine is by slot; ids appear at the borders.

Mostly one follows the other: ids are *runs*, and only where a run begins is kept (16 bytes). An id that was reserved
and not used, or used by a later commit, begins a new run.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import IntArray
from memoradb.core.regions import CHUNK_ROWS, is_region
from memoradb.core.values import Value

from ..growth import grown
from ..section import ReadLater, Section, assembled, chunk_slice, chunks_of, place


@dataclass(frozen=True, slots=True)
class Runs:
    """Where runs of consecutive ids begin. Never changed: a new run makes a new object."""

    slots: IntArray
    """First slots, ascending."""
    ids: IntArray
    """The ids of these."""
    order: IntArray | None = None
    """Runs by ascending id; None where that is the order they are in."""

    plain: bool = field(init=False)
    """Whether every id is its slot."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", not len(self.slots) or (len(self.slots) == 1 and int(self.ids[0]) == 0))

    def ids_of(self, slots: IntArray) -> IntArray:
        """Ids of slots that exist."""
        if self.plain:
            return np.asarray(slots, np.int64)
        run = np.searchsorted(self.slots, slots, side="right") - 1
        return slots + (self.ids - self.slots).take(run)

    def slots_of(self, ids: IntArray, count: int) -> IntArray:
        """Slots of ids, of ``count`` elements; -1 for unknown ones."""
        if self.plain:
            return np.where((ids >= 0) & (ids < count), ids, -1)
        first = self.ids if self.order is None else self.ids.take(self.order)
        place = np.searchsorted(first, ids, side="right") - 1
        run = place if self.order is None else self.order.take(place, mode="clip")
        starts = self.slots.take(run, mode="clip")
        found = starts + (ids - self.ids.take(run, mode="clip"))
        stops = np.append(self.slots[1:], count).take(run, mode="clip")
        return np.where((place >= 0) & (found < stops), found, -1)

    def slot_of(self, identity: int, count: int) -> int:
        """The slot of one id, -1 for an unknown one."""
        if self.plain:
            return identity if 0 <= identity < count else -1
        return int(self.slots_of(np.array([identity], np.int64), count)[0])

    def extended(self, slots: IntArray, ids: IntArray) -> Runs:
        """With more runs at the end."""
        all_slots, all_ids = np.concatenate([self.slots, slots]), np.concatenate([self.ids, ids])
        if self.order is None and bool((np.diff(all_ids[max(0, len(self.ids) - 1) :]) > 0).all()):
            return Runs(all_slots, all_ids)
        if self.order is not None and len(ids) == 1:
            at = bisect.bisect(self.order, int(ids[0]), key=lambda run: int(self.ids[run]))
            return Runs(all_slots, all_ids, np.insert(self.order, at, len(self.ids)))
        return Runs(all_slots, all_ids, np.argsort(all_ids, kind="stable"))


NO_RUNS: Final = Runs(np.zeros(0, np.int64), np.zeros(0, np.int64))


class ElementTable(ReadLater):
    """Ids and slots of one kind of element, and which are deleted. One writer; ids are reserved by any thread."""

    runs: Runs

    def __init__(self) -> None:
        self.count = 0
        self.next_id = 0
        self.dead = BitMap()
        """Deleted slots; replaced, never changed, so that a snapshot keeps its own."""
        self._reserving = threading.Lock()
        self._next_in_run = 0
        self.runs = NO_RUNS

    def reserve(self, count: int) -> int:
        """The first of ``count`` new ids; never handed out again, used or not."""
        with self._reserving:
            first = self.next_id
            self.next_id = first + count
            return first

    def append(self, ids: IntArray) -> IntArray:
        """Slots for new ids."""
        first, count = self.count, len(ids)
        if not count:
            return np.zeros(0, np.int64)
        if count == 1:
            return np.array((self.append_one(ids.item(0)),), np.int64)
        breaks = np.flatnonzero(np.diff(ids) != 1) + 1
        if not first or int(ids[0]) != self._next_in_run:
            breaks = np.concatenate([[0], breaks])
        if len(breaks):
            self.runs = self.runs.extended(breaks + first, ids.take(breaks))
        self._next_in_run = int(ids[-1]) + 1
        self.count = first + count
        top = int(ids.max()) + 1
        if top > self.next_id:
            with self._reserving:
                self.next_id = max(self.next_id, top)
        return np.arange(first, first + count)

    def append_one(self, identity: int) -> int:
        """The slot of one new id: what most commits need."""
        slot = self.count
        if not slot or identity != self._next_in_run:
            self.runs = self.runs.extended(np.array([slot], np.int64), np.array([identity], np.int64))
        self._next_in_run = identity + 1
        self.count = slot + 1
        if identity >= self.next_id:
            with self._reserving:
                self.next_id = max(self.next_id, identity + 1)
        return slot

    def ids_of(self, slots: IntArray) -> IntArray:
        """Ids of slots that exist."""
        return self.runs.ids_of(slots)

    def slots_of(self, ids: IntArray) -> IntArray:
        """Slots of ids, -1 for unknown ones."""
        runs, count = self.runs, self.count
        if len(ids) == 1:
            return np.array((runs.slot_of(ids.item(0), count),), np.int64)
        return runs.slots_of(ids, count)

    def slot_of(self, identity: int) -> int:
        """The slot of one id, -1 for an unknown one."""
        return self.runs.slot_of(identity, self.count)

    # --- dump and load

    def dump(self, name: str, count: int) -> Section:
        """The ids of the first ``count`` slots."""
        runs = self.runs
        stop = int(np.searchsorted(runs.slots, count))
        last = self._id_before(runs, stop, count)
        return Section(name, {"slots": runs.slots[:stop], "ids": runs.ids[:stop]}, {"count": count, "last": last})

    @staticmethod
    def _id_before(runs: Runs, stop: int, count: int) -> int:
        return int(runs.ids[stop - 1]) + count - 1 - int(runs.slots[stop - 1]) if stop else -1

    def load(self, section: Section, next_id: int, dead: BitMap) -> None:
        """Take what ``dump`` made."""
        self.count, self.next_id, self.dead = section.metadata["count"], next_id, dead
        self._next_in_run = section.metadata["last"] + 1
        self.read_later(runs=lambda: NO_RUNS.extended(section.arrays["slots"], section.arrays["ids"]))


CODE_TYPES: Final = (np.uint8, np.uint16, np.int32)
"""What type codes are kept in: the smallest that holds them."""

_CODES_MAX: Final = {np.dtype(kind).itemsize: np.iinfo(kind).max for kind in CODE_TYPES}

ENDS: Final = ("type_code", "source", "target")


class RelationshipTable(ElementTable):
    """The same, with each relationship's type code and the slots of its ends. Nothing of a row ever changes."""

    type_code: NDArray[Any]
    source: NDArray[np.int32]
    target: NDArray[np.int32]

    def __init__(self) -> None:
        super().__init__()
        self.type_code = np.zeros(0, np.uint8)
        self.source, self.target = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self._sections: dict[int, Section] = {}
        """By number: chunks that are in files."""
        self._mapped: set[tuple[str, int]] = set()
        """Parts of columns whose memory is a file's."""

    def extend(self, ids: IntArray, type_code: int, sources: IntArray, targets: IntArray) -> IntArray:
        """Slots for new relationships of one type."""
        first, stop = self.count, self.count + len(ids)
        if type_code > np.iinfo(self.type_code.dtype).max:
            self._mapped = {part for part in self._mapped if part[0] != "type_code"}
            self.type_code = self.type_code.astype(next(t for t in CODE_TYPES if type_code <= np.iinfo(t).max))
        for name, values in zip(ENDS, (type_code, sources, targets), strict=True):
            array = getattr(self, name)
            larger = grown(array, stop, first)
            larger[first:stop] = values
            if larger is not array:
                setattr(self, name, larger)
                self._mapped = {part for part in self._mapped if part[0] != name}
        return self.append(ids)

    def extend_one(self, identity: int, type_code: int, source: int, target: int) -> int:
        """The slot for one new relationship."""
        slot = self.count
        code, sources, targets = self.type_code, self.source, self.target
        if (
            slot < min(len(code), len(sources), len(targets))
            and code.flags.writeable
            and sources.flags.writeable
            and targets.flags.writeable
            and type_code <= _CODES_MAX[code.dtype.itemsize]
        ):
            code[slot], sources[slot], targets[slot] = type_code, source, target
            return self.append_one(identity)
        one = np.array([identity, source, target], np.int64)
        self.extend(one[:1], type_code, one[1:2], one[2:])
        return slot

    def dump_rows(self, name: str, count: int) -> list[Section]:
        """The ends of the first ``count`` slots, a section for each chunk; the known ones where a chunk is full."""
        found: list[Section] = []
        columns = {column: getattr(self, column) for column in ENDS}
        for chunk in chunks_of(count):
            rows = chunk_slice(chunk, count)
            known = self._sections.get(chunk)
            metadata: dict[str, Value] = {"rows": rows.stop - rows.start, "code": columns["type_code"].dtype.str}
            if known is not None and known.metadata == metadata:
                found.append(known)
                continue
            arrays = {column: array[rows] for column, array in columns.items()}
            found.append(Section(f"{name}-{chunk}", arrays, metadata))
        return found

    def load_rows(self, sections: Sequence[Section], code_type: str) -> None:
        """Take what ``dump_rows`` made; arrays are read when first needed."""
        self._sections = dict(enumerate(sections))
        types = {"type_code": np.dtype(code_type), "source": np.int32, "target": np.int32}
        later = {c: partial(assembled, sections, c, self.count, t) for c, t in types.items()}
        self.read_later(**self._later, **later)

    def installed(self, sections: Sequence[Section], first: int, stop: int) -> None:
        """The chunks are in files now: let those from ``first`` on stand in for memory. Called by the writer."""
        for chunk, section in list(enumerate(sections))[first:stop]:
            whole = section.metadata["rows"] == CHUNK_ROWS and section.metadata["code"] == self.type_code.dtype.str
            for column in ENDS:
                array = self.__dict__.get(column)
                if whole and array is not None and is_region(array) and (column, chunk) not in self._mapped:
                    place(section, column, array[chunk_slice(chunk, self.count)], trusted=True)
                    self._mapped.add((column, chunk))
            self._sections[chunk] = section
