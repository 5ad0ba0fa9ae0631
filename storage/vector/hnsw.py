"""HNSW by hnswlib, behind two methods; the only module that imports it.

Malkov and Yashunin 2018. A graph is built privately, once, and never added to afterwards: hnswlib must not add beside a
search. ``ef`` is state of the index, so searching takes a lock. Without hnswlib ``available`` says so and vectors are
scanned exactly. Its state goes to checkpoints as arrays, the form in which it is pickled: no file of its own.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.values import Value

SEED = 100
"""Fixed, so that equal vectors in equal order give equal graphs."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether hnswlib is installed."""
    try:
        import hnswlib
    except ImportError:
        return False
    return hnswlib is not None


class HnswGraph:
    """An immutable graph over the rows of a matrix; labels are row numbers."""

    def __init__(self, index: Any, count: int) -> None:
        self._index = index
        self.count = count
        self._lock = threading.Lock()

    @staticmethod
    def build(matrix: NDArray[np.float32], similarity: str, m: int, ef_construction: int) -> HnswGraph:
        """A graph over all rows. Cosine vectors are normalised, so their inner product is their cosine."""
        import hnswlib

        count, dimensions = matrix.shape
        index: Any = hnswlib.Index(space="ip" if similarity == "cosine" else "l2", dim=dimensions)
        index.init_index(max_elements=count, ef_construction=ef_construction, M=m, random_seed=SEED)
        index.add_items(matrix, np.arange(count), num_threads=1)
        return HnswGraph(index, count)

    def search(self, query: NDArray[np.float32], k: int, ef: int) -> NDArray[np.int64]:
        """About the ``k`` nearest rows, nearest first."""
        k = min(k, self.count)
        with self._lock:
            self._index.set_ef(max(ef, k))
            labels, _ = self._index.knn_query(query[None, :], k=k, num_threads=1)
        return labels[0].astype(np.int64)

    def dump(self) -> tuple[dict[str, NDArray[Any]], dict[str, Value]]:
        """Its arrays, and its settings as plain values."""
        (state,) = self._index.__getstate__()
        arrays = {name: part for name, part in state.items() if isinstance(part, np.ndarray)}
        return arrays, {name: part for name, part in state.items() if name not in arrays}

    @staticmethod
    def load(arrays: dict[str, NDArray[Any]], settings: dict[str, Value]) -> HnswGraph:
        """The inverse of ``dump``."""
        import hnswlib

        index: Any = hnswlib.Index.__new__(hnswlib.Index)  # as unpickling does: the state makes the rest
        index.__setstate__(({**settings, **arrays},))
        return HnswGraph(index, settings["cur_element_count"])
