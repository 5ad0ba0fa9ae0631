"""Many rows of compressed sparse rows, one after the other: the inner loop of every expansion.

SciPy has it compiled (``csr_row_index``, under a private name): five times faster than to compute the place of every
element in numpy and to take from there. Its module is loaded by itself: ``scipy.sparse`` takes a tenth of a second to
import, the module half a millisecond. Where it cannot be had, or the arrays are of other types, numpy does it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray

COMPILED_MIN: Final = 64
"""Elements below which numpy's overhead and the conversion of the rows even out."""


@cache
def _compiled() -> Callable[..., None] | None:
    package = importlib.util.find_spec("scipy")
    for folder in (package.submodule_search_locations if package is not None else None) or ():
        found = importlib.machinery.PathFinder.find_spec("_sparsetools", [f"{folder}/sparse"])
        if found is not None and found.loader is not None:
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
            return getattr(module, "csr_row_index", None)
    return None


def gather_rows(
    offsets: NDArray[Any],
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    rows: IntArray,
    starts: IntArray,
    ends: IntArray,
) -> tuple[IntArray, IntArray]:
    """Of each row its elements of two arrays, in order.

    Args:
        offsets: row i is ``first[offsets[i]:offsets[i + 1]]``, and the same of ``second``.
        first: an array of elements.
        second: another, as long.
        rows: each exists; they may come more than once.
        starts: ``offsets[rows]``.
        ends: by place in ``rows``, the elements of all rows up to it: the running sum of their lengths.
    """
    count = int(ends[-1]) if len(ends) else 0
    if count >= COMPILED_MIN and offsets.dtype == first.dtype == second.dtype == np.int32:
        gather = _compiled()
        if gather is not None:
            one, other = np.empty(count, np.int32), np.empty(count, np.int32)
            gather(len(rows), rows.astype(np.int32), offsets, first, second, one, other)
            return one.astype(np.int64), other.astype(np.int64)
    return gather_rows_slowly(first, second, starts, ends)


def gather_rows_slowly(
    first: NDArray[np.int32], second: NDArray[np.int32], starts: IntArray, ends: IntArray
) -> tuple[IntArray, IntArray]:
    """The same in numpy."""
    count = int(ends[-1]) if len(ends) else 0
    lengths = np.diff(ends, prepend=0)
    places = np.repeat(starts - (ends - lengths), lengths)
    places += np.arange(count)
    return first.take(places).astype(np.int64), second.take(places).astype(np.int64)
