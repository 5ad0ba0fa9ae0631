"""Full-text search: BM25F over postings (Robertson and Zaragoza 2009).

Each document is a row with a life span, as in the vector index; a posting is (row, weighted term frequency). Term
frequencies of the fields are added with their weights, normalised by each field's length, before the saturation, as
BM25F says. Postings of a term are appended to lists and turned into arrays when searched; ties go to the lower slot.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import Column, FloatArray, IntArray
from memoradb.core.values import Value

from ..growth import grown
from ..index.rebuilt import differences
from ..section import Section
from ..view import ONLINE, IndexDefinition, IndexState, Scored
from .analyzer import analyzer
from .postings import FieldPostings
from .query_syntax import Group, Query, Term, parse

if TYPE_CHECKING:
    from ..store import GraphStore

K1 = 1.2
B = 0.75
ALIVE = np.iinfo(np.int64).max


class FulltextIndex:
    """One or more labels, one or more keys; each key is a field."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self._analyze = analyzer(str(dict(definition.options).get("analyzer", "english")))
        self._fields = definition.keys
        self._postings = [FieldPostings() for _ in self._fields]
        self.count = 0
        self._slots: IntArray = np.zeros(0, np.int64)
        self._born: IntArray = np.zeros(0, np.int64)
        self._died: IntArray = np.zeros(0, np.int64)
        self._lengths: list[IntArray] = [np.zeros(0, np.int64) for _ in self._fields]
        self._row: dict[int, int] = {}
        self._pending: Section | None = None
        """What a checkpoint kept, until it is used."""
        self._origin: Section | None = None
        """The same, until anything changes."""
        self._pending_lock = threading.Lock()

    @property
    def state(self) -> IndexState:
        """It can be asked."""
        return ONLINE

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        lists = [column.values() for column in values]
        for i, slot in enumerate(slots.tolist()):
            self._insert(slot, [items[i] for items in lists], position)

    def _insert(self, slot: int, values: Sequence[Value], position: int) -> None:
        self._read_pending()
        self._origin = None
        texts = [_text(v) for v in values]
        if all(t is None for t in texts):
            return
        row = self.count
        self._slots = grown(self._slots, row + 1, row)
        self._born = grown(self._born, row + 1, row)
        self._died = grown(self._died, row + 1, row)
        self._slots[row], self._born[row], self._died[row] = slot, position, ALIVE
        for field, text in enumerate(texts):
            terms = [] if text is None else self._analyze(text)
            self._lengths[field] = grown(self._lengths[field], row + 1, row)
            self._lengths[field][row] = len(terms)
            self._postings[field].add(row, terms)
        self._row[slot] = row
        self.count = row + 1

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self._read_pending()
        self._origin = None
        row = self._row.pop(slot, None)
        if row is not None:
            self._died[row] = position
        if new is not None:
            self._insert(slot, new, position)

    def prune(self, oldest: int | None) -> None:
        return None

    def seal(self) -> None:
        return None

    def contents(self) -> dict[Any, Any]:
        """By slot, where each word stands."""
        return dict(self.documents(ALIVE - 1))

    def verify(self, store: GraphStore) -> list[str]:
        """See ``index.Index``."""
        fresh = store.make_index(self.definition)
        store.fill_index(fresh, store.position)
        return differences(self.contents(), fresh.contents(), self.definition.name)

    # --- search

    def search(self, query: str, k: int | None, position: int, candidates: BitMap | None = None) -> Scored:
        """Visible documents that match, best first.

        Raises:
            ArgumentError: the query does not follow ``query_syntax``.
        """
        self._read_pending()
        count = self.count
        parsed = parse(query)
        visible = (self._born[:count] <= position) & (self._died[:count] > position)
        slots = self._slots[:count]
        if not visible.any():
            return Scored(np.zeros(0, np.int64), np.zeros(0))
        matches, scores = _Search(self, visible).run(parsed)
        matches &= visible
        if candidates is not None:
            # After scoring: how rare a word is depends on all documents, not on those that a filter leaves.
            matches &= np.isin(slots, np.asarray(candidates.to_array(), np.int64))
        rows = np.flatnonzero(matches)
        found, found_scores = slots.take(rows), scores.take(rows)
        order = np.lexsort((found, -found_scores))
        if k is not None:
            order = order[: max(k, 0)]
        return Scored(found.take(order), found_scores.take(order))

    def documents(self, position: int) -> dict[int, list[dict[str, tuple[int, ...]]]]:
        """By slot, for all that are visible: where each word stands, by field. For checks: it reads all of it."""
        self._read_pending()
        rows = np.flatnonzero((self._born[: self.count] <= position) & (self._died[: self.count] > position)).tolist()
        slots = self._slots
        found: dict[int, list[dict[str, tuple[int, ...]]]] = {
            int(slots[row]): [{} for _ in self._postings] for row in rows
        }
        live = frozenset(rows)
        for number, postings in enumerate(self._postings):
            for term in postings.terms_with_prefix(""):
                for row, places in postings.places(term).items():
                    if row in live:
                        found[int(slots[row])][number][term] = places
        return found

    def field_number(self, name: str | None) -> list[int]:
        """The fields that a term is looked for in."""
        if name is None:
            return list(range(len(self._fields)))
        return [i for i, f in enumerate(self._fields) if f == name]

    # --- checkpoints

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        """Rows, lengths and postings as of a position, the newest if None: opening need not read all texts again."""
        origin = self._origin
        if origin is not None and origin.name == prefix:
            return [origin]
        self._read_pending()
        count = self.count
        at = ALIVE - 1 if position is None else position
        alive = np.flatnonzero((self._born[:count] <= at) & (self._died[:count] > at))
        rank = np.full(count, -1, np.int64)
        rank[alive] = np.arange(len(alive))
        arrays: dict[str, NDArray[Any]] = {"slots": self._slots[:count].take(alive)}
        for field, postings in enumerate(self._postings):
            arrays[f"lengths-{field}"] = self._lengths[field][:count].take(alive)
            arrays |= {f"{name}-{field}": array for name, array in postings.dump(rank).items()}
        return [Section(prefix, arrays, {"fields": list(self._fields)})]

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        self._pending = self._origin = sections.get(prefix)
        return self._pending is not None

    @property
    def is_settled(self) -> bool:
        """See ``settle``."""
        return True

    def settle(self) -> None:
        return None  # what a checkpoint kept does not change with the graph: it is read when it is used

    def _read_pending(self) -> None:
        if self._pending is None:
            return
        with self._pending_lock:
            if self._pending is not None:
                self._read(self._pending.arrays)
                self._pending = None

    def _read(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._slots = arrays["slots"]
        count = len(self._slots)
        self._born = np.zeros(count, np.int64)
        self._died = np.full(count, ALIVE)
        self._row = {slot: i for i, slot in enumerate(self._slots.tolist())}
        for field in range(len(self._fields)):
            self._lengths[field] = arrays[f"lengths-{field}"]
            names = ("terms", "sizes", "rows", "frequencies", "places")
            self._postings[field] = FieldPostings.load({name: arrays[f"{name}-{field}"] for name in names})
        self.count = count


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
        lengths = [items[: self._count].astype(np.float64) for items in index._lengths]
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
            found = {t for f in index.field_number(term.field) for t in index._postings[f].terms_with_prefix(prefix)}
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
            rows, frequencies = self._index._postings[number].find(word)
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
            tables = [self._index._postings[number].places(word) for word in words]
            for row, starts in tables[0].items():
                if row >= self._count:
                    continue
                others = [set(t.get(row, ())) for t in tables[1:]]
                hits = sum(all(start + i + 1 in o for i, o in enumerate(others)) for start in starts)
                if hits:
                    total[row] += hits / float(self._norms[number][row])
        hit = total > 0
        return hit, self._score(total, hit) * term.boost
