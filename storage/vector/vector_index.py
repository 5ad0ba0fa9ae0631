"""The vector index: rows of vectors with a life span; an HNSW graph over the older ones, exact scan of the rest.

Each stored vector is a row that was born at a log position and may have died at one; a snapshot sees what was born by
then and not dead. Updates kill a row and append another. ``seal`` builds the graph over all rows so far when there are
enough; newer rows form the fresh part, searched exactly, so an insert is found at once. Few candidates (about 5 % of
the rows, or 5,000) are scanned exactly; otherwise the graph is asked for more than ``k`` until enough visible ones are
left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import Column, FloatArray, IntArray
from memoradb.core.errors import ArgumentError
from memoradb.core.limits import HNSW_ROWS_MIN
from memoradb.core.values import Value
from memoradb.core.vectors import Vector

from ..growth import grown
from ..index.rebuilt import differences
from ..section import Section
from ..view import ONLINE, IndexDefinition, IndexState, Scored
from .hnsw import HnswGraph, available

if TYPE_CHECKING:
    from ..store import GraphStore

ALIVE = np.iinfo(np.int64).max
EXACT_CANDIDATES_MAX = 5_000
EXACT_FRACTION = 0.05


class VectorIndex:
    """One label, one key."""

    def __init__(self, definition: IndexDefinition) -> None:
        options = dict(definition.options)
        self.definition = definition
        self.dimensions = int(options.get("dimensions", 0))
        self.similarity = str(options.get("similarity", "cosine"))
        self._m = int(options.get("m", 16))
        self._ef_construction = int(options.get("ef_construction", 100))
        self.count = 0
        self._matrix: NDArray[np.float32] = np.zeros((0, self.dimensions), np.float32)
        self._slots: IntArray = np.zeros(0, np.int64)
        self._born: IntArray = np.zeros(0, np.int64)
        self._died: IntArray = np.zeros(0, np.int64)
        self._row: dict[int, int] = {}
        self._graph: HnswGraph | None = None
        self._pending: Section | None = None
        """What a checkpoint kept, until it is used."""
        self._origin: Section | None = None
        """The same, until anything changes."""
        self._pending_lock = threading.Lock()

    @property
    def search_mode(self) -> str:
        """``hnsw`` where a graph serves, else ``exact``."""
        self._read_pending()
        return "exact" if self._graph is None else "hnsw"

    @property
    def state(self) -> IndexState:
        """It can be asked."""
        return ONLINE

    # --- changes

    def _vector(self, value: Value) -> NDArray[np.float32] | None:
        """A value as a stored row, None where it is no vector of this index."""
        items: Any = value.elements if isinstance(value, Vector) else value
        if not isinstance(items, (list, tuple)) or len(items) != self.dimensions:
            return None
        try:
            vector = np.array(items, np.float64)
        except (TypeError, ValueError):
            return None
        if vector.dtype != np.float64 or not np.isfinite(vector).all():
            return None
        if self.similarity == "cosine":
            norm = float(np.sqrt(vector @ vector))
            if norm == 0.0:
                return None  # no direction, so nothing is similar to it
            vector = vector / norm
        return vector.astype(np.float32)

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        self._read_pending()
        rows: list[NDArray[np.float32]] = []
        kept: list[int] = []
        for slot, value in zip(slots.tolist(), values[0].values(), strict=True):
            if value is None:
                continue
            vector = self._vector(value)
            if vector is not None:
                rows.append(vector)
                kept.append(slot)
        if rows:
            self._append(np.stack(rows), kept, position)

    def _append(self, rows: NDArray[np.float32], slots: list[int], position: int) -> None:
        first, count = self.count, len(slots)
        self._origin = None
        self._matrix = grown(self._matrix, first + count, first)
        self._slots = grown(self._slots, first + count, first)
        self._born = grown(self._born, first + count, first)
        self._died = grown(self._died, first + count, first)
        self._matrix[first : first + count] = rows
        self._slots[first : first + count] = slots
        self._born[first : first + count] = position
        self._died[first : first + count] = ALIVE
        for i, slot in enumerate(slots):
            self._row[slot] = first + i
        self.count = first + count

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self._read_pending()
        row = self._row.pop(slot, None)
        if row is not None:
            self._origin = None
            self._died[row] = position
        vector = None if new is None or new[0] is None else self._vector(new[0])
        if vector is not None:
            self._append(vector[None, :], [slot], position)

    def prune(self, oldest: int | None) -> None:
        return None

    def seal(self) -> None:
        """Build the graph where it pays: enough rows, and a quarter of them not in it yet."""
        if self._origin is not None:
            return
        if not available() or self.count < HNSW_ROWS_MIN:
            return
        if self._graph is not None and (self.count - self._graph.count) * 4 < self.count:
            return
        self._graph = HnswGraph.build(
            np.ascontiguousarray(self._matrix[: self.count]), self.similarity, self._m, self._ef_construction
        )

    def contents(self) -> dict[Any, Any]:
        """By slot, the stored vector."""
        return dict(self.vectors(ALIVE - 1))

    def verify(self, store: GraphStore) -> list[str]:
        """See ``index.Index``."""
        fresh = store.make_index(self.definition)
        store.fill_index(fresh, store.position)
        return differences(self.contents(), fresh.contents(), self.definition.name)

    # --- search

    def search(self, query: Sequence[float], k: int, position: int, candidates: BitMap | None = None) -> Scored:
        """The ``k`` most similar visible elements; ties by slot.

        Raises:
            ArgumentError: the query has another dimension, or no direction where cosine needs one.
        """
        self._read_pending()
        if len(query) != self.dimensions:
            raise ArgumentError(
                f"Index `{self.definition.name}` has {self.dimensions} dimensions, the query {len(query)}."
            )
        vector = self._vector(list(query))
        if vector is None:
            raise ArgumentError("A query vector must be finite and, for cosine, not all zeros.")
        graph = self._graph  # before the count: the graph never has more rows than were counted afterwards
        count = self.count
        visible = (self._born[:count] <= position) & (self._died[:count] > position)
        if candidates is not None:
            wanted = np.asarray(candidates.to_array(), np.int64)
            visible &= np.isin(self._slots[:count], wanted)
        total = int(visible.sum())
        few = total <= max(EXACT_CANDIDATES_MAX, int(count * EXACT_FRACTION))
        if k <= 0 or not total:
            return Scored(np.zeros(0, np.int64), np.zeros(0))
        if graph is None or few:
            return self._ranked(np.flatnonzero(visible), vector, k)
        rows = self._from_graph(graph, vector, k, visible, total)
        fresh = np.flatnonzero(visible[graph.count :]) + graph.count
        return self._ranked(np.concatenate([rows, fresh]), vector, k)

    def _from_graph(
        self, graph: HnswGraph, vector: NDArray[np.float32], k: int, visible: NDArray[np.bool_], total: int
    ) -> IntArray:
        """Visible rows from the graph: over-fetched, doubled until ``k`` are left or all were asked for."""
        share = max(total / max(1, len(visible)), 1e-6)
        fetch = min(graph.count, int(k * 1.5 / share) + 10)
        while True:
            found = graph.search(vector, fetch, max(2 * fetch, 40))
            rows = found.compress(visible.take(found))
            if len(rows) >= k or fetch >= graph.count:
                return rows
            fetch = min(graph.count, fetch * 2)

    def _ranked(self, rows: IntArray, vector: NDArray[np.float32], k: int) -> Scored:
        """Exact scores of some rows, the best ``k``."""
        whole = len(rows) == self.count  # all rows in order: no need to copy them
        scores = self._scores(self._matrix[: len(rows)] if whole else self._matrix.take(rows, axis=0), vector)
        if len(rows) > 4 * k:
            part = np.argpartition(-scores, k - 1)
            edge = scores[part[k - 1]]
            keep = np.flatnonzero(scores >= edge)
            rows, scores = rows.take(keep), scores.take(keep)
        slots = self._slots.take(rows)
        order = np.lexsort((slots, -scores))[:k]
        return Scored(slots.take(order), scores.take(order))

    def _scores(self, matrix: NDArray[np.float32], vector: NDArray[np.float32]) -> FloatArray:
        if self.similarity == "cosine":
            # Not ``matrix @ vector``: BLAS starts a thread for each core, and on a busy machine waits for all of them
            # (16 ms against 0.3 ms for 8,000 vectors of 256 dimensions, two cores, ten runnable processes).
            return (1.0 + np.einsum("ij,j->i", matrix, vector).astype(np.float64)) / 2.0
        difference = (matrix - vector).astype(np.float64)
        return 1.0 / (1.0 + np.einsum("ij,ij->i", difference, difference))

    def scorer(self, query: Sequence[float]) -> Callable[[Value], float | None]:
        """How similar any value is to ``query``, in the index or not; None for what is no vector of this index."""
        vector = self._vector(list(query))

        def score(value: Value) -> float | None:
            other = self._vector(value)
            return None if vector is None or other is None else float(self._scores(other[np.newaxis], vector)[0])

        return score

    # --- checkpoints

    def vectors(self, position: int) -> dict[int, bytes]:
        """By slot, for all that are visible: the vector as it is kept. For checks: it reads all of it."""
        self._read_pending()
        rows = np.flatnonzero((self._born[: self.count] <= position) & (self._died[: self.count] > position))
        return {int(self._slots[row]): self._matrix[row].tobytes() for row in rows.tolist()}

    def dump(self, prefix: str, position: int | None = None) -> list[Section]:
        """The rows that lived at a position, the newest if None; the graph's parts where it covers them all."""
        origin = self._origin
        if origin is not None and origin.name == prefix:
            return [origin]
        self._read_pending()
        graph = self._graph
        count, at = self.count, ALIVE - 1 if position is None else position
        alive = (self._born[:count] <= at) & (self._died[:count] > at)
        whole = bool(alive.all())
        rows = np.flatnonzero(alive)
        arrays: dict[str, NDArray[Any]] = {
            "matrix": self._matrix[:count] if whole else self._matrix.take(rows, axis=0),
            "slots": self._slots[:count].take(rows),
        }
        metadata: dict[str, Value] = {}
        if graph is not None and whole:
            parts, settings = graph.dump()
            arrays |= {f"graph-{name}": part for name, part in parts.items()}
            metadata["graph"] = settings
        return [Section(prefix, arrays, metadata)]

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
                self._read(self._pending)
                self._pending = None

    def _read(self, section: Section) -> None:
        arrays, settings = section.arrays, section.metadata.get("graph")
        self._matrix, self._slots = arrays["matrix"], arrays["slots"]
        self._born = np.zeros(len(self._slots), np.int64)
        self._died = np.full(len(self._slots), ALIVE)
        self._row = {slot: i for i, slot in enumerate(self._slots.tolist())}
        if isinstance(settings, dict) and available():
            parts = {name.removeprefix("graph-"): arrays[name] for name in arrays if name.startswith("graph-")}
            self._graph = HnswGraph.load(parts, settings)
        self.count = len(self._slots)
