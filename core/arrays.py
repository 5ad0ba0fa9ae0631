"""What numpy does, where its own way is slow for what databases do with it."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

T = TypeVar("T", bound=np.generic)


def distinct(values: NDArray[T]) -> NDArray[T]:
    """Each value once, ascending; of integers.

    ``np.unique`` puts them into a hash table first: four to sixty times slower than to sort them.

    >>> distinct(np.array([3, 1, 3]))
    array([1, 3])
    """
    ordered: NDArray[Any] = np.sort(values)
    if len(ordered) < 2:
        return ordered
    first = np.empty(len(ordered), np.bool_)
    first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered if first.all() else ordered.compress(first)


def run_of(members: BitMap) -> range | None:
    """The numbers of a set as a range, where none is missing between the least and the greatest.

    >>> run_of(BitMap([4, 2, 3])), run_of(BitMap([1, 3]))
    (range(2, 5), None)
    """
    if not len(members) or members.max() - members.min() != len(members) - 1:
        return None
    return range(members.min(), members.max() + 1)
