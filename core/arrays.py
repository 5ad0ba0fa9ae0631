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


def slots_of(members: BitMap) -> NDArray[np.int64]:
    """The slots of a set, ascending.

    >>> slots_of(BitMap([3, 1]))
    array([1, 3])
    """
    run = run_of(members)
    if run is not None:  # often so where a label has no others
        return np.arange(run.start, run.stop)
    return np.asarray(members.to_array(), np.int64)


def is_run(slots: NDArray[np.int64]) -> bool:
    """Whether there are slots, and each is one more than the one before it.

    >>> is_run(np.array([3, 4, 5])), is_run(np.array([3, 5, 4])), is_run(np.array([], np.int64))
    (True, False, False)
    """
    if not len(slots) or slots.item(-1) - slots.item(0) != len(slots) - 1:
        return False
    return bool((slots[1:] > slots[:-1]).all())
