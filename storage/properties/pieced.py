"""A list of values most of which are in files: a piece of them is decoded when one of it is asked for.

Long strings, lists, maps and mixed values are kept like this in a database that was opened. Decoded pieces stay in a
cache under a byte budget, those longest that are read most often. What is written later stands beside the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import distinct
from memoradb.core.cache import Cache, TinyLfuPolicy
from memoradb.core.columns import IntArray
from memoradb.core.limits import DECODED_CACHE_BYTES
from memoradb.core.values import Value

from ..section import Section
from .pieces import PIECE, decoded

DecodedCache: TypeAlias = Cache[tuple[object, int], list[Value]]
"""Decoded pieces by list and number."""

TOGETHER_MIN: Final = 8
"""Values from which on it is cheaper to look at their pieces first."""

VALUE_BYTES: Final = 64
"""What a Python object takes beside its content, about."""


def decoded_cache(bytes_max: int = DECODED_CACHE_BYTES) -> DecodedCache:
    """An empty cache; one scan of everything does not wash out what is read often."""
    return Cache(TinyLfuPolicy(bytes_max))


class PiecedList:
    """Behaves as the list of the values in ``chunks``, files of ``chunk_rows`` values each but the last."""

    def __init__(self, chunks: Sequence[Section], chunk_rows: int, cache: DecodedCache) -> None:
        self._chunks = chunks
        self._cache = cache
        self._name = object()
        self._chunk_rows = chunk_rows
        self._step = min(PIECE, chunk_rows)
        self._pieces = chunk_rows // self._step
        """Of one chunk."""
        self._views: list[tuple[NDArray[np.int64], NDArray[Any]] | None] = [None] * len(chunks)
        """Of each chunk that was read: where its pieces begin, and their bytes."""
        self._held = sum(chunk.metadata["rows"] for chunk in chunks)
        """Values in files."""
        self._changed: dict[int, Value] = {}
        """Values that were written since where a file has another."""
        self._fresh: list[Value] = []
        """What came after those in files."""

    def over(self, chunks: Sequence[Section]) -> PiecedList:
        """The same values, all of which are in files now."""
        return PiecedList(chunks, self._chunk_rows, self._cache)

    def __len__(self) -> int:
        return self._held + len(self._fresh)

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | list[Value]:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))), len(self))
        if index >= self._held:
            return self._fresh[index - self._held]
        if index in self._changed:
            return self._changed[index]
        number, row = divmod(index, self._step)
        return self._piece(number)[row]

    def take(self, slots: IntArray, length: int) -> list[Value]:
        """The values at ``slots``; None from ``length`` on."""
        held, fresh = self._held, self._fresh
        stop = min(length, held + len(fresh))
        if len(slots) < TOGETHER_MIN:
            return [self[slot] if slot < stop else None for slot in slots.tolist()]
        inside = slots < held
        numbers, rows = np.divmod(np.where(inside, slots, 0), self._step)
        pieces = {number: self._piece(number) for number in distinct(numbers).tolist()}
        found = [pieces[number][row] for number, row in zip(numbers.tolist(), rows.tolist(), strict=True)]
        if self._changed:
            changed = self._changed
            for i, slot in enumerate(slots.tolist()):
                if slot in changed:
                    found[i] = changed[slot]
        if not inside.all():
            for i in np.flatnonzero(~inside).tolist():
                slot = int(slots[i])
                found[i] = fresh[slot - held] if slot < stop else None
        return found

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            for slot, item in zip(range(*index.indices(len(self))), value, strict=True):
                self[slot] = item
        elif index < self._held:
            self._changed[index] = value
        else:
            self._fresh[index - self._held] = value

    def extend(self, values: Iterable[Value]) -> None:
        """More values."""
        self._fresh.extend(values)

    def _piece(self, number: int) -> list[Value]:
        return self._cache.get_or_load((self._name, number), lambda: self._decoded(number))

    def _decoded(self, number: int) -> tuple[list[Value], int]:
        chunk, piece = divmod(number, self._pieces)
        view = self._views[chunk]
        if view is None:
            arrays = self._chunks[chunk].arrays
            sizes = arrays["sizes"]
            begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
            view = self._views[chunk] = (begins, arrays["values"])
        start, stop = view[0][piece : piece + 2].tolist()
        values = decoded(view[1][start:stop])
        return values, stop - start + VALUE_BYTES * len(values)
