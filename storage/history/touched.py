"""Which elements a stretch of the past touched, so that one element's history need not read all of it.

The log is seen as *blocks* of so many positions. Of each block that was read once the ids that it touched are kept, as
bitmaps of a few kilobytes; a file beside the log keeps those of many blocks. All of it is derived: what is missing or
damaged is found again by reading the log. An id may be named by a block that has nothing of it (ids are taken modulo
2^32), never the other way round.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.codec import crc32c
from memoradb.core.columns import IntArray
from memoradb.core.errors import StorageError

from ..changeset import Changeset
from ..changeset.compact import Shape, shape_of
from ..graph.bitmaps import bitmap_of
from ..vfs import Vfs
from ..view import Element
from .records import Entry, Records

BLOCK: Final = 4_096
"""Positions of one block."""
FILE_BLOCKS: Final = 64
"""Blocks that one file is about."""
_MASK: Final = 0xFFFFFFFF
_MAGIC: Final = b"MEMORTCH"
_HEAD: Final = struct.Struct("<8sII")

_ACTIONS: Final = {
    Element.NODE: ("node", "set node", "label", "unlabel", "drop"),
    Element.RELATIONSHIP: ("relationship", "set relationship", "delete"),
}


@dataclass(frozen=True, slots=True)
class Touched:
    """The ids that a block touched."""

    nodes: BitMap
    relationships: BitMap

    def names(self, element: Element, identity: int) -> bool:
        """Whether the block may have something of an element."""
        return identity & _MASK in (self.nodes if element is Element.NODE else self.relationships)


class TouchedBlocks:
    """What is known of the blocks of one log. Any number of threads."""

    def __init__(self, records: Records, vfs: Vfs | None = None, directory: str = "") -> None:
        """``directory`` is where files are kept; without a ``vfs`` there are none."""
        self._records = records
        self._vfs = vfs
        self._directory = directory
        self._known: dict[int, Touched] = {}
        self._looked: set[int] = set()
        """Files that were looked for."""
        self._lock = threading.Lock()

    def entries_of(
        self, element: Element, identity: int, after: int, upto: int, check: Callable[[], None] = lambda: None
    ) -> Iterator[Entry]:
        """The changesets that touch an element, in order; ``check`` is called for every block."""
        while after < upto:
            check()
            block = after // BLOCK
            end = min((block + 1) * BLOCK, upto)
            known = self._block(block)
            if known is None or known.names(element, identity):
                entries = list(self._records.entries(after, end))
                if known is None and (after, end) == (block * BLOCK, (block + 1) * BLOCK):
                    self._learn(block, touched_by(entries))
                yield from matching(entries, element, identity)
            after = end

    def _block(self, block: int) -> Touched | None:
        with self._lock:
            number = block // FILE_BLOCKS
            if self._vfs is not None and number not in self._looked:
                self._looked.add(number)
                self._known |= self._read(self._vfs, number)
            return self._known.get(block)

    def _learn(self, block: int, touched: Touched) -> None:
        with self._lock:
            self._known[block] = touched
            first = block // FILE_BLOCKS * FILE_BLOCKS
            found = [self._known.get(first + i) for i in range(FILE_BLOCKS)]
            if self._vfs is None or any(t is None for t in found):
                return
            raw = b"".join(
                len(part).to_bytes(4, "little") + part
                for t in found
                if t is not None
                for part in (t.nodes.serialize(), t.relationships.serialize())
            )
            try:
                self._vfs.make_directory(self._directory)
                path = self._path(first // FILE_BLOCKS)
                self._vfs.write_atomically(path, _HEAD.pack(_MAGIC, first, crc32c(raw)) + raw)
            except StorageError:
                return  # a full disk: it stays in memory, and is found again next time

    def _path(self, number: int) -> str:
        return f"{self._directory}/touched-{number:06d}.bin"

    def _read(self, vfs: Vfs, number: int) -> dict[int, Touched]:
        """What a file says; nothing where there is none or it is damaged."""
        path = self._path(number)
        try:
            data = vfs.read(path) if vfs.exists(path) else b""
        except StorageError:
            return {}
        if len(data) < _HEAD.size:
            return {}
        magic, first, checksum = _HEAD.unpack_from(data)
        raw = data[_HEAD.size :]
        if magic != _MAGIC or first != number * FILE_BLOCKS or crc32c(raw) != checksum:
            return {}
        parts: list[BitMap] = []
        at = 0
        while at < len(raw):
            end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
            parts.append(BitMap.deserialize(raw[at + 4 : end]))
            at = end
        return {first + i: Touched(*parts[2 * i : 2 * i + 2]) for i in range(len(parts) // 2)}


def touched_by(entries: Iterable[Entry]) -> Touched:
    """The ids of everything that was created, changed or deleted."""
    small, large = _by_shape(entries)
    found: dict[Element, list[BitMap]] = {Element.NODE: [BitMap()], Element.RELATIONSHIP: [BitMap()]}
    for shape, these in small.items():
        rows = _table(shape, these)
        for element in Element:
            found[element] += (bitmap_of(ids.ravel() & _MASK) for ids in _ids(shape, rows, element))
    for entry in large:
        for element in Element:
            runs, single = _ids_of(entry.changeset(), element)
            found[element] += (BitMap(range(first & _MASK, (first & _MASK) + count)) for first, count in runs)
            found[element] += (bitmap_of(ids & _MASK) for ids in single if len(ids))
    return Touched(*(BitMap.union(*found[element]) for element in (Element.NODE, Element.RELATIONSHIP)))


def matching(entries: Iterable[Entry], element: Element, identity: int) -> list[Entry]:
    """Those that touch an element, in order."""
    small, large = _by_shape(entries)
    found: list[Entry] = []
    for shape, these in small.items():
        rows = _table(shape, these)
        hits = np.zeros(len(these), np.bool_)
        for ids in _ids(shape, rows, element):
            hits |= (ids == identity).any(axis=1)
        found += (these[i] for i in np.flatnonzero(hits).tolist())
    for entry in large:
        runs, single = _ids_of(entry.changeset(), element)
        if any(first <= identity < first + count for first, count in runs) or any(
            bool((ids == identity).any()) for ids in single
        ):
            found.append(entry)
    return sorted(found, key=lambda entry: entry.position)


def _by_shape(entries: Iterable[Entry]) -> tuple[dict[Shape, list[Entry]], list[Entry]]:
    """Those in the compact form by their shape, and the others."""
    small: dict[Shape, list[Entry]] = {}
    large: list[Entry] = []
    for entry in entries:
        shape = shape_of(entry.payload) if isinstance(entry.payload, bytes) else None
        if shape is None:
            large.append(entry)
        else:
            small.setdefault(shape, []).append(entry)
    return small, large


def _table(shape: Shape, entries: list[Entry]) -> NDArray[Any]:
    return shape.table([entry.payload for entry in entries if isinstance(entry.payload, bytes)])


def _ids(shape: Shape, rows: NDArray[Any], element: Element) -> Iterator[IntArray]:
    for step in shape.steps:
        if step.action in _ACTIONS[element]:
            yield shape.ids_of(step, rows)


def _ids_of(changeset: Changeset, element: Element) -> tuple[list[tuple[int, int]], list[IntArray]]:
    """(first id, count) of what a changeset creates, and the ids of what it changes or deletes."""
    single = [change.ids for change in changeset.properties if change.element is element]
    if element is Element.NODE:
        single += (change.ids for change in changeset.labels)
        return [(new.first_id, new.count) for new in changeset.new_nodes], [*single, changeset.delete_nodes]
    return [(new.first_id, new.count) for new in changeset.new_relationships], [*single, changeset.delete_relationships]
