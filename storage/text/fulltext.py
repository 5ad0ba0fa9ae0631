"""Full-text search: BM25F over postings (Robertson and Zaragoza 2009).

Each document is a row with a life span, as in the vector index; a posting is (row, weighted term frequency). Term
frequencies of the fields are added with their weights, normalised by each field's length, before the saturation, as
BM25F says. Postings of a term are appended to lists and turned into arrays when searched; ties go to the lower slot.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import Column, FloatArray, IntArray
from memoradb.core.values import Value

from ..section import Section
from ..view import IndexDefinition, Scored
from .analyzer import analyzer
from .query_syntax import Group, Query, Term, parse

K1 = 1.2
B = 0.75
ALIVE = np.iinfo(np.int64).max


class _Postings:
    """One term in one field: rows and frequencies, appended; positions for phrases."""

    __slots__ = ("_arrays", "frequencies", "places", "rows")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.frequencies: list[int] = []
        self.places: list[tuple[int, ...]] = []
        self._arrays: tuple[IntArray, FloatArray] | None = None

    def append(self, row: int, places: list[int]) -> None:
        self.rows.append(row)
        self.frequencies.append(len(places))
        self.places.append(tuple(places))

    def arrays(self) -> tuple[IntArray, FloatArray]:
        """Rows and frequencies as arrays, as many as both lists have."""
        found = self._arrays
        if found is None or len(found[0]) != len(self.rows):
            count = len(self.frequencies)
            found = (np.array(self.rows[:count], np.int64), np.array(self.frequencies[:count], np.float64))
            self._arrays = found
        return found


class FulltextIndex:
    """One or more labels, one or more keys; each key is a field."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self._analyze = analyzer(str(dict(definition.options).get("analyzer", "english")))
        self._fields = definition.keys
        self._postings: list[dict[str, _Postings]] = [{} for _ in self._fields]
        self._terms: list[list[str] | None] = [None for _ in self._fields]
        self.count = 0
        self._slots: list[int] = []
        self._born: list[int] = []
        self._died: NDArray[np.int64] = np.zeros(16, np.int64)
        self._lengths: list[list[int]] = [[] for _ in self._fields]
        self._row: dict[int, int] = {}
        self._pending: Section | None = None
        self._pending_lock = threading.Lock()

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        lists = [column.values() for column in values]
        for i, slot in enumerate(slots.tolist()):
            self._insert(slot, [items[i] for items in lists], position)

    def _insert(self, slot: int, values: Sequence[Value], position: int) -> None:
        self._settle()
        texts = [_text(v) for v in values]
        if all(t is None for t in texts):
            return
        row = self.count
        if row >= len(self._died):
            grown = np.zeros(2 * len(self._died), np.int64)
            grown[:row] = self._died[:row]
            self._died = grown
        self._died[row] = ALIVE
        for field, text in enumerate(texts):
            terms = [] if text is None else self._analyze(text)
            self._lengths[field].append(len(terms))
            places: dict[str, list[int]] = {}
            for place, term in enumerate(terms):
                places.setdefault(term, []).append(place)
            postings = self._postings[field]
            for term, found in places.items():
                held = postings.get(term)
                if held is None:
                    held = postings[term] = _Postings()
                    self._terms[field] = None
                held.append(row, found)
        self._slots.append(slot)
        self._born.append(position)
        self._row[slot] = row
        self.count = row + 1

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self._settle()
        row = self._row.pop(slot, None)
        if row is not None:
            self._died[row] = position
        if new is not None:
            self._insert(slot, new, position)

    def prune(self) -> None:
        return None

    def seal(self) -> None:
        return None

    # --- search

    def search(self, query: str, k: int | None, position: int, candidates: BitMap | None = None) -> Scored:
        """Visible documents that match, best first.

        Raises:
            ArgumentError: the query does not follow ``query_syntax``.
        """
        self._settle()
        count = self.count
        parsed = parse(query)
        born = np.array(self._born[:count], np.int64)
        visible = (born <= position) & (self._died[:count] > position)
        slots = np.array(self._slots[:count], np.int64)
        if candidates is not None:
            visible &= np.isin(slots, np.asarray(candidates.to_array(), np.int64))
        if not visible.any():
            return Scored(np.zeros(0, np.int64), np.zeros(0))
        matches, scores = _Search(self, visible).run(parsed)
        rows = np.flatnonzero(matches & visible)
        found, found_scores = slots.take(rows), scores.take(rows)
        order = np.lexsort((found, -found_scores))
        if k is not None:
            order = order[:k]
        return Scored(found.take(order), found_scores.take(order))

    def field_number(self, name: str | None) -> list[int]:
        """The fields that a term is looked for in."""
        if name is None:
            return list(range(len(self._fields)))
        return [i for i, f in enumerate(self._fields) if f == name]

    def terms_with_prefix(self, field: int, prefix: str) -> list[str]:
        """The terms of a field that begin so."""
        terms = self._terms[field]
        if terms is None:
            terms = self._terms[field] = sorted(self._postings[field])
        start = bisect.bisect_left(terms, prefix)
        stop = start
        while stop < len(terms) and terms[stop].startswith(prefix):
            stop += 1
        return terms[start:stop]

    # --- checkpoints: rebuilt from the texts

    def dump(self, prefix: str) -> list[Section]:
        """Rows, lengths and postings as arrays, so that opening need not read all texts again."""
        self._settle()
        count = self.count
        alive = np.flatnonzero(self._died[:count] == ALIVE)
        rank = np.full(count, -1, np.int64)
        rank[alive] = np.arange(len(alive))
        arrays: dict[str, NDArray[Any]] = {"slots": np.array(self._slots[:count], np.int64).take(alive)}
        from memoradb.core.columns import ListColumn
        from memoradb.core.serde import encode_column

        for field, postings in enumerate(self._postings):
            arrays[f"lengths-{field}"] = np.array(self._lengths[field][:count], np.int64).take(alive)
            terms: list[str] = []
            sizes: list[int] = []
            rows: list[int] = []
            frequencies: list[int] = []
            places: list[int] = []
            for term in sorted(postings):
                held = postings[term]
                kept = 0
                for row, found in zip(held.rows, held.places, strict=True):
                    if rank[row] >= 0:
                        rows.append(int(rank[row]))
                        frequencies.append(len(found))
                        places.extend(found)
                        kept += 1
                if kept:
                    terms.append(term)
                    sizes.append(kept)
            arrays[f"terms-{field}"] = np.frombuffer(encode_column(ListColumn(list(terms))), np.uint8)
            arrays[f"sizes-{field}"] = np.array(sizes, np.int32)
            arrays[f"rows-{field}"] = np.array(rows, np.int32)
            arrays[f"frequencies-{field}"] = np.array(frequencies, np.int32)
            arrays[f"places-{field}"] = np.array(places, np.int32)
        return [Section(prefix, arrays, {"fields": list(self._fields)})]

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        self._pending = sections.get(prefix)
        return self._pending is not None

    def _settle(self) -> None:
        """Read what a checkpoint kept, when the index is first used: opening a database does not wait for it."""
        if self._pending is None:
            return
        with self._pending_lock:
            if self._pending is not None:
                self._read(self._pending)
                self._pending = None

    def _read(self, section: Section) -> None:
        from memoradb.core.serde import decode_column

        self._slots = section.arrays["slots"].tolist()
        self.count = len(self._slots)
        self._born = [0] * self.count
        self._died = np.full(max(self.count, 16), ALIVE)
        self._row = {slot: i for i, slot in enumerate(self._slots)}
        for field in range(len(self._fields)):
            self._lengths[field] = section.arrays[f"lengths-{field}"].tolist()
            terms = decode_column(section.arrays[f"terms-{field}"].tobytes()).values()
            rows = section.arrays[f"rows-{field}"].tolist()
            frequencies = section.arrays[f"frequencies-{field}"].tolist()
            places = section.arrays[f"places-{field}"].tolist()
            at = place = 0
            for term, size in zip(terms, section.arrays[f"sizes-{field}"].tolist(), strict=True):
                held = self._postings[field][term] = _Postings()
                held.rows = rows[at : at + size]
                held.frequencies = frequencies[at : at + size]
                for frequency in held.frequencies:
                    held.places.append(tuple(places[place : place + frequency]))
                    place += frequency
                at += size


def _text(value: Value) -> str | None:
    """What is indexed of a value: strings, and lists of them."""
    if type(value) is str:
        return value
    if type(value) is list and value and all(type(v) is str for v in value):
        return "\n".join(value)
    return None


class _Search:
    """One query over one index."""

    def __init__(self, index: FulltextIndex, visible: NDArray[np.bool_]) -> None:
        self._index = index
        self._visible = visible
        self._count = len(visible)
        self._documents = int(visible.sum())
        lengths = [np.array(items[: self._count], np.float64) for items in index._lengths]
        self._norms = [
            1.0 - B + B * length / max(1e-9, float(length.compress(visible).mean()) or 1.0) for length in lengths
        ]

    def run(self, query: Query) -> tuple[NDArray[np.bool_], FloatArray]:
        """(whether each row matches, its score)."""
        if isinstance(query, Term):
            return self._term(query)
        return self._group(query)

    def _group(self, group: Group) -> tuple[NDArray[np.bool_], FloatArray]:
        scores = np.zeros(self._count)
        any_match = np.zeros(self._count, np.bool_)
        for part in group.should:
            matches, part_scores = self.run(part)
            any_match |= matches
            scores += part_scores
        result = np.ones(self._count, np.bool_) if group.must or not group.should else any_match
        for part in group.must:
            matches, part_scores = self.run(part)
            result &= matches
            scores += part_scores
        for part in group.must_not:
            result &= ~self.run(part)[0]
        if not group.must and not group.should and not group.must_not:
            result = np.zeros(self._count, np.bool_)
        return result, np.where(result, scores, 0.0)

    def _term(self, term: Term) -> tuple[NDArray[np.bool_], FloatArray]:
        index = self._index
        if term.prefix:
            prefix = term.text.casefold()
            found = {t for f in index.field_number(term.field) for t in index.terms_with_prefix(f, prefix)}
            words = [[w] for w in sorted(found)]
            return self._any(words, term)
        words = index._analyze(term.text)
        if not words:
            return np.zeros(self._count, np.bool_), np.zeros(self._count)
        if term.phrase and len(words) > 1:
            return self._phrase(words, term)
        return self._any([[w] for w in dict.fromkeys(words)], term)

    def _any(self, groups: list[list[str]], term: Term) -> tuple[NDArray[np.bool_], FloatArray]:
        matches = np.zeros(self._count, np.bool_)
        scores = np.zeros(self._count)
        for (word,) in groups:
            frequency = self._frequency(word, term.field)
            hit = frequency > 0
            matches |= hit
            scores += self._score(frequency, hit) * term.boost
        return matches, scores

    def _frequency(self, word: str, field: str | None) -> FloatArray:
        total = np.zeros(self._count)
        for number in self._index.field_number(field):
            postings = self._index._postings[number].get(word)
            if postings is None:
                continue
            rows, frequencies = postings.arrays()
            inside = rows < self._count
            if not inside.all():
                rows, frequencies = rows.compress(inside), frequencies.compress(inside)
            total[rows] += frequencies / self._norms[number].take(rows)
        return total

    def _score(self, frequency: FloatArray, hit: NDArray[np.bool_]) -> FloatArray:
        holding = int((hit & self._visible).sum())
        idf = np.log(1.0 + (self._documents - holding + 0.5) / (holding + 0.5))
        return idf * frequency * (K1 + 1.0) / (frequency + K1)

    def _phrase(self, words: list[str], term: Term) -> tuple[NDArray[np.bool_], FloatArray]:
        total = np.zeros(self._count)
        for number in self._index.field_number(term.field):
            held = [self._index._postings[number].get(w) for w in words]
            if any(h is None for h in held):
                continue
            tables = [dict(zip(h.rows, h.places, strict=False)) for h in held if h is not None]
            for row, starts in tables[0].items():
                if row >= self._count:
                    continue
                others = [set(t.get(row, ())) for t in tables[1:]]
                hits = sum(all(start + i + 1 in o for i, o in enumerate(others)) for start in starts)
                if hits:
                    total[row] += hits / float(self._norms[number][row])
        hit = total > 0
        return hit, self._score(total, hit) * term.boost
