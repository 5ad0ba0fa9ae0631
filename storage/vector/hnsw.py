"""HNSW by hnswlib, behind two methods; the only module that imports it.

Malkov and Yashunin 2018. A graph is built privately, once, and never added to afterwards: hnswlib must not add beside a
search. ``ef`` is state of the index, so searching takes a lock. Without hnswlib ``available`` says so and vectors are
scanned exactly. Its own file format goes through a temporary file, since it writes to nothing else.
"""

from __future__ import annotations

import os
import tempfile
import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        index = hnswlib.Index(space="ip" if similarity == "cosine" else "l2", dim=dimensions)
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

    def to_bytes(self) -> NDArray[np.uint8]:
        """Hnswlib's file."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "graph")
            self._index.save_index(path)
            return np.fromfile(path, np.uint8)

    @staticmethod
    def from_bytes(data: NDArray[np.uint8], dimensions: int, similarity: str, count: int) -> HnswGraph:
        """The inverse of ``to_bytes``."""
        import hnswlib

        index = hnswlib.Index(space="ip" if similarity == "cosine" else "l2", dim=dimensions)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "graph")
            data.tofile(path)
            index.load_index(path, max_elements=count)
        return HnswGraph(index, count)
