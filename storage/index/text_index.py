"""The text index: which strings may start with, end with or contain another, by trigrams (Zobel, Moffat 1998).

A string stands in the posting of each of its trigrams; two marks before and after it make trigrams that only its ends
have, so that a prefix or suffix of one letter has one, too. The postings of all trigrams of what is sought are
intersected: candidates, of which the values decide. Shorter infixes take the union of all trigrams that they are in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import Column, IntArray, StringColumn
from memoradb.core.values import Value

from ..graph.bitmaps import bitmap_of
from ..view import IndexDefinition
from .condition import Condition, TextMatch
from .rebuilt import RebuiltIndex

_START, _END = "\x02\x02", "\x03\x03"
LETTERS_MAX = 500_000
"""Letters whose trigrams are made at once."""

_BITS = 21
"""A code point has at most so many bits."""


class TextIndex(RebuiltIndex):
    """One label, one key. One writer; any number of readers: a posting changes by whole calls, which nothing splits."""

    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._postings: dict[int, BitMap] = {}
        self._all = BitMap()

    def __len__(self) -> int:
        self.settle()
        return len(self._all)

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        strings, owners = _strings(values[0])
        if not strings:
            return
        if owners is None:
            holders, counts = slots, np.ones(len(slots), np.int64)
        else:
            # Few distinct strings, many holders: their slots string by string.
            kept = np.flatnonzero(owners >= 0)
            owners = owners.take(kept)
            holders = slots.take(kept.take(np.argsort(owners, kind="stable")))
            counts = np.bincount(owners, minlength=len(strings))
        self._all |= bitmap_of(holders)
        starts = np.cumsum(counts) - counts
        for first, last in _portions(strings):
            grams, numbers = trigrams(strings[first:last])
            numbers += first
            # Each gram of a string goes to all that hold it.
            repeats = counts.take(numbers)
            within = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
            self._post(np.repeat(grams, repeats), holders.take(np.repeat(starts.take(numbers), repeats) + within))

    def _post(self, grams: IntArray, holders: IntArray) -> None:
        """Trigrams, and who holds each."""
        order = np.argsort(grams, kind="stable")
        grams, holders = grams.take(order), holders.take(order)
        edges = np.flatnonzero(np.diff(grams, prepend=-1))
        starts = edges.tolist()
        for gram, start, stop in zip(grams.take(edges).tolist(), starts, [*starts[1:], len(grams)], strict=True):
            found = self._postings.get(gram)
            if found is None:
                self._postings[gram] = bitmap_of(holders[start:stop])
            else:
                found |= bitmap_of(holders[start:stop])

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self.removals.last_change = position
        before = _grams_of(None if old is None else old[0])
        after = _grams_of(None if new is None else new[0])
        if before:
            self.removals.note(slot, position)
        for gram in before - after:
            found = self._postings[gram]
            found.discard(slot)
            if not found:
                del self._postings[gram]
        for gram in after - before:
            self._postings.setdefault(gram, BitMap()).add(slot)
        if before and not after:
            self._all.discard(slot)
        elif after:
            self._all.add(slot)

    def contents(self) -> dict[Any, Any]:
        return {gram: found.to_array().tolist() for gram, found in self._postings.items()} | {"all": list(self._all)}

    # --- answers

    def candidates(self, condition: Condition, position: int) -> IntArray:
        """Slots among which are all whose strings meet the condition, ascending."""
        self.settle()
        assert isinstance(condition, TextMatch)
        found = self._found(condition)
        gone = self.removals.since(position)
        return slots_of(found | BitMap(gone) if gone else found)

    def _found(self, condition: TextMatch) -> BitMap:
        text = condition.text
        if not text:
            return self._all.copy()
        sought = {"STARTS WITH": _START + text, "ENDS WITH": text + _END}.get(condition.operator, text)
        if len(sought) >= 3:
            postings: list[BitMap] = []
            for gram in sorted(set(trigrams([sought], marked=False)[0].tolist())):
                found = self._postings.get(gram)
                if found is None:
                    return BitMap()
                postings.append(found)
            postings.sort(key=len)
            return BitMap.intersection(*postings) if len(postings) > 1 else postings[0].copy()
        part = [ord(letter) for letter in text]
        matching = [bitmap for gram, bitmap in list(self._postings.items()) if _has(gram, part)]
        return BitMap.union(*matching) if len(matching) > 1 else matching[0].copy() if matching else BitMap()


def _strings(column: Column) -> tuple[list[str], IntArray | None]:
    """The distinct strings of a column, and for each row the number of its string, -1 for none.

    None in place of the numbers where each row has a string of its own.
    """
    if isinstance(column, StringColumn):
        codes, numbers = np.unique(column.codes, return_inverse=True)
        missing = int(len(codes) > 0 and codes[0] < 0)
        strings = [column.dictionary.string(code) for code in codes[missing:].tolist()]
        return strings, numbers.astype(np.int64) - missing
    items = column.values()
    strings = [v for v in items if type(v) is str]
    if len(strings) == len(items):
        return strings, None
    owners = np.full(len(items), -1, np.int64)
    owners[[i for i, v in enumerate(items) if type(v) is str]] = np.arange(len(strings))
    return strings, owners


def _portions(strings: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Parts of a list of strings that have about so many letters that their trigrams take some megabytes."""
    ends = np.cumsum([len(s) for s in strings])
    first = 0
    while first < len(strings):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + LETTERS_MAX, "right")))
        yield first, last
        first = last


def trigrams(strings: Sequence[str], marked: bool = True) -> tuple[IntArray, IntArray]:
    """Trigrams as numbers, and the number of the string that each is of; each once for a string, in any order."""
    if marked:
        strings = [f"{_START}{s}{_END}" for s in strings]
    data = "".join(strings).encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(data, "<u4").astype(np.int64)
    owners = np.repeat(np.arange(len(strings)), [len(s) for s in strings])
    inside = np.flatnonzero(owners[:-2] == owners[2:])
    letter = letters.take
    grams = letter(inside) << 2 * _BITS | letter(inside + 1) << _BITS | letter(inside + 2)
    owners = owners.take(inside)
    order = np.lexsort((grams, owners))
    grams, owners = grams.take(order), owners.take(order)
    fresh = np.ones(len(grams), np.bool_)
    fresh[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
    return grams.compress(fresh), owners.compress(fresh)


def _grams_of(value: Value) -> set[int]:
    return set(trigrams([value])[0].tolist()) if type(value) is str else set()


def _has(gram: int, part: list[int]) -> bool:
    """Whether one or two letters stand side by side in a trigram."""
    mask = (1 << _BITS) - 1
    letters = [gram >> 2 * _BITS, gram >> _BITS & mask, gram & mask]
    return any(letters[i : i + len(part)] == part for i in range(4 - len(part)))
