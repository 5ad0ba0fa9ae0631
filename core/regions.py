"""Large arrays in memory of their own, whose pages files may take the place of.

A region is reserved with room to grow, and what was never touched takes no memory. Once a checkpoint has written a
part of it, ``Vfs.map_over`` lets the file's pages stand in for it: the addresses stay, so readers notice nothing, and
a later write copies one page alone. Small arrays are plain ones, and on Windows all are: it can neither reserve memory
nor put a file's pages in the place of some, so that files are read into arrays there, and those stay in memory.
"""

from __future__ import annotations

import mmap
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

CHUNK_ROWS = 1 << 17
"""Rows of a column that one data file holds: changing one value writes so many anew. A multiple of every page size."""

REGION_BYTES = 1 << 18
"""Arrays from this size on are regions."""

PAGE_BYTES = 1 << 14
"""What is mapped begins and ends at multiples of it: the largest page size in use."""


def allocate(rows: int, dtype: DTypeLike) -> NDArray[Any]:
    """Zeros; a region if they are many.

    >>> allocate(3, np.int8).tolist()
    [0, 0, 0]
    """
    size = rows * np.dtype(dtype).itemsize
    if size < REGION_BYTES or sys.platform == "win32":
        return np.zeros(rows, dtype)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, size, flags), dtype, rows)


def is_region(array: NDArray[Any]) -> bool:
    """Whether ``array`` begins at a page of a region, so that a file's pages can take its place.

    >>> is_region(allocate(1 << 20, np.int8)), is_region(np.zeros(1 << 20, np.int8))
    (True, False)
    """
    base: Any = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    owner = base.obj if isinstance(base, memoryview) else base
    return isinstance(owner, mmap.mmap) and array.flags.writeable and array.ctypes.data % mmap.PAGESIZE == 0
