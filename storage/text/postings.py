"""Postings of one field: for each term the documents that hold it, how often, and where.

A *base* of arrays, read from a checkpoint and never changed, and lists of what came since. Documents are rows of the
index, ascending in every list.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import FloatArray, IntArray, ListColumn, ragged_positions
from memoradb.core.serde import decode_column, encode_column


@dataclass(frozen=True, slots=True)
class _Base:
    """Term i has the postings ``offsets[i]`` to ``offsets[i + 1]``; posting j the places from ``starts[j]`` on."""

    numbers: dict[str, int]
    offsets: IntArray
    rows: NDArray[np.int32]
    frequencies: NDArray[np.int32]
    starts: IntArray
    places: NDArray[np.int32]

    def part(self, term: str) -> slice:
        """Where a term's postings are."""
        number = self.numbers.get(term)
        return slice(0, 0) if number is None else slice(int(self.offsets[number]), int(self.offsets[number + 1]))


_NONE = np.zeros(0, np.int32)
_EMPTY = _Base({}, np.zeros(1, np.int64), _NONE, _NONE, np.zeros(1, np.int64), _NONE)


class _Fresh:
    """One term's postings since the base."""

    __slots__ = ("_arrays", "places", "rows")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.places: list[tuple[int, ...]] = []
        self._arrays: tuple[IntArray, FloatArray] = (np.zeros(0, np.int64), np.zeros(0))

    def append(self, row: int, places: list[int]) -> None:
        self.places.append(tuple(places))
        self.rows.append(row)  # last: a reader that finds the row finds its places

    def arrays(self) -> tuple[IntArray, FloatArray]:
        """Rows and frequencies; made again when there are more."""
        found = self._arrays
        count = len(self.rows)
        if len(found[0]) != count:
            frequencies = np.array([len(p) for p in self.places[:count]], np.float64)
            found = self._arrays = (np.array(self.rows[:count], np.int64), frequencies)
        return found


class FieldPostings:
    """One writer; any number of readers, which leave out rows that they do not know yet."""

    def __init__(self) -> None:
        self._base = _EMPTY
        self._fresh: dict[str, _Fresh] = {}
        self._sorted: list[str] = []
        """The fresh terms in order: complete where there are as many."""
        self._base_sorted: list[str] | None = None

    def add(self, row: int, terms: list[str]) -> None:
        """A document's terms, in their order."""
        places: dict[str, list[int]] = {}
        for place, term in enumerate(terms):
            places.setdefault(term, []).append(place)
        for term, found in places.items():
            held = self._fresh.get(term)
            if held is None:
                held = self._fresh[term] = _Fresh()
            held.append(row, found)

    def find(self, term: str) -> tuple[IntArray, FloatArray]:
        """Rows that hold a term, and how often."""
        base, fresh = self._base, self._fresh.get(term)
        part = base.part(term)
        rows, frequencies = base.rows[part].astype(np.int64), base.frequencies[part].astype(np.float64)
        if fresh is None:
            return rows, frequencies
        more_rows, more = fresh.arrays()
        return np.concatenate([rows, more_rows]), np.concatenate([frequencies, more])

    def places(self, term: str) -> dict[int, tuple[int, ...]]:
        """By row: where the term stands."""
        base, fresh = self._base, self._fresh.get(term)
        part = base.part(term)
        found: dict[int, tuple[int, ...]] = {}
        for row, at, stop in zip(
            base.rows[part].tolist(),
            base.starts[part].tolist(),
            base.starts[part.start + 1 : part.stop + 1].tolist(),
            strict=True,
        ):
            found[row] = tuple(base.places[at:stop].tolist())
        if fresh is not None:
            found.update(zip(list(fresh.rows), fresh.places, strict=False))
        return found

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """The terms that begin so, ascending."""
        if len(self._sorted) != len(self._fresh):
            self._sorted = sorted(self._fresh)
        if self._base_sorted is None:
            self._base_sorted = sorted(self._base.numbers)
        found = {*_with_prefix(self._base_sorted, prefix), *_with_prefix(self._sorted, prefix)}
        return sorted(found)

    # --- dump and load

    def dump(self, rank: IntArray) -> dict[str, NDArray[Any]]:
        """Everything as arrays. ``rank`` gives each row its new number, -1 for those that are to be left out."""
        base = self._base
        since = [(term, fresh, len(fresh.rows)) for term, fresh in list(self._fresh.items())]  # a writer may go on
        terms = sorted({*base.numbers, *(term for term, _, _ in since)})
        numbers = {term: number for number, term in enumerate(terms)}
        renumbered = np.array([numbers[term] for term in base.numbers], np.int64)
        term_of = [np.repeat(renumbered, np.diff(base.offsets))]
        rows: list[NDArray[Any]] = [base.rows]
        counts: list[NDArray[Any]] = [base.frequencies]
        places: list[NDArray[Any]] = [base.places]
        for term, fresh, count in since:
            found = fresh.places[:count]
            term_of.append(np.full(count, numbers[term]))
            rows.append(np.array(fresh.rows[:count], np.int64))
            counts.append(np.array([len(p) for p in found], np.int64))
            places.append(np.array([place for p in found for place in p], np.int32))
        all_terms, all_rows, all_counts = np.concatenate(term_of), np.concatenate(rows), np.concatenate(counts)
        known = all_rows < len(rank)
        new_rows = np.full(len(all_rows), -1, np.int64)
        new_rows[known] = rank.take(all_rows.compress(known).astype(np.int64))
        kept = np.flatnonzero(new_rows >= 0)
        order = kept.take(np.lexsort((new_rows.take(kept), all_terms.take(kept))))
        starts = _offsets(all_counts)
        _, place_positions = ragged_positions(starts, order)
        used, sizes = np.unique(all_terms.take(order), return_counts=True)
        return {
            "terms": np.frombuffer(encode_column(ListColumn([terms[n] for n in used.tolist()])), np.uint8),
            "sizes": sizes.astype(np.int32),
            "rows": new_rows.take(order).astype(np.int32),
            "frequencies": all_counts.take(order).astype(np.int32),
            "places": np.concatenate(places).take(place_positions).astype(np.int32),
        }

    @staticmethod
    def load(arrays: Mapping[str, NDArray[Any]]) -> FieldPostings:
        """The inverse of ``dump``."""
        postings = FieldPostings()
        terms = decode_column(arrays["terms"].data).values()
        frequencies = arrays["frequencies"]
        postings._base = _Base(
            dict(zip(terms, range(len(terms)), strict=True)),
            _offsets(arrays["sizes"]),
            arrays["rows"],
            frequencies,
            _offsets(frequencies),
            arrays["places"],
        )
        return postings


def _offsets(sizes: NDArray[Any]) -> IntArray:
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def _with_prefix(terms: list[str], prefix: str) -> list[str]:
    start = bisect.bisect_left(terms, prefix)
    stop = start
    while stop < len(terms) and terms[stop].startswith(prefix):
        stop += 1
    return terms[start:stop]
