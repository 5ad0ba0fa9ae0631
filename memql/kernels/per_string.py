"""Functions of strings, computed once for each distinct string that a run meets, not once for each row.

A dictionary-coded column shows the same few strings again and again, batch after batch. What a function gives for a
string is kept by its code for the rest of the run: codes never change, so neither do results. Nothing outlives the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import distinct
from memoradb.core.columns import Dictionary, IntArray, StringColumn

Memo: TypeAlias = dict[Any, Any]
"""What kernels remember during one run. Keys hold what they are about, so that no identity is used twice."""

ENTRIES_MAX: Final = 64
"""Functions, constants and dictionaries remembered at a time: what changes from row to row need not be."""

KEPT_MAX: Final = 1 << 20
"""Strings of a dictionary up to which results are kept by code, one to eight bytes each; beyond it, from batch to
batch too few strings come again."""

SCATTER_MAX: Final = 16
"""Up to so many codes for one row distinct ones are found by marking all that there are; else by sorting."""

ALL_SHARE: Final = 4
"""Where a batch needs at least one in so many of a dictionary's strings, all are computed at once: later batches will
show most of the others, and a run over all strings is the fastest."""

Compute: TypeAlias = Callable[[Sequence[str]], NDArray[Any]]
"""Strings to results, one each. It never fails for a string: what cannot be computed is told by its value."""


class Identity:
    """A key for an object that has no hash of its own: equal for the same object alone, which it keeps alive."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item = item

    def __hash__(self) -> int:
        return id(self.item)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.item is self.item


class Results:
    """By code: a function's result, where it is known already. The last place, which code -1 finds, is null's."""

    __slots__ = ("_compute", "_dictionary", "_known", "_null", "_open", "_values")

    def __init__(self, dictionary: Dictionary, compute: Compute, null: bool | int) -> None:
        self._dictionary = dictionary
        self._compute = compute
        self._null = null
        self._known = np.ones(1, np.bool_)
        self._values = np.array([null])
        self._open = 0
        """Strings whose result is not known."""

    def of(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """The results of rows with these codes."""
        size = len(self._dictionary)
        if size >= len(self._known):
            self._grow(size)
        if self._open:
            known = self._known.take(codes)
            if not known.all():
                self._find(codes.compress(~known))
        return self._values.take(codes)

    def _grow(self, size: int) -> None:
        more = size + 1 - len(self._known)
        self._known = np.concatenate([self._known[:-1], np.zeros(more, np.bool_), self._known[-1:]])
        self._values = np.concatenate([self._values[:-1], np.zeros(more, self._values.dtype), self._values[-1:]])
        self._open += more

    def _find(self, codes: NDArray[np.int32]) -> None:
        if len(self._known) <= SCATTER_MAX * len(codes):
            shown = np.zeros(len(self._known), np.bool_)
            shown[codes] = True
            missing: NDArray[Any] = np.flatnonzero(shown)
        else:
            missing = distinct(codes)
        strings = self._dictionary.strings()
        if len(missing) * ALL_SHARE >= self._open:
            missing = np.flatnonzero(~self._known)
        if len(missing) == len(strings):
            found = list(strings)
        else:
            string = self._dictionary.string
            found = [string(code) for code in missing.tolist()]
        self._values[missing] = self._compute(found)
        self._known[missing] = True
        self._open -= len(missing)


def remembered(memo: Memo | None, key: object, make: Callable[[], Any]) -> Any:
    """What ``memo`` holds under ``key``, made if it holds nothing. Without a memo it is made each time."""
    if memo is None:
        return make()
    found = memo.get(key)
    if found is None:
        if len(memo) >= ENTRIES_MAX:
            memo.clear()
        found = memo[key] = make()
    return found


def per_string(
    column: StringColumn, key: object, compute: Compute, null: bool | int, memo: Memo | None
) -> NDArray[Any]:
    """``compute`` of each row's string, ``null`` for null. ``key`` names the function and its constants."""
    if len(column.dictionary) > KEPT_MAX:
        return _of_batch(column, compute, null)
    results = remembered(memo, (key, column.dictionary), lambda: Results(column.dictionary, compute, null))
    return results.of(column.codes)


def _of_batch(column: StringColumn, compute: Compute, null: bool | int) -> NDArray[Any]:
    """The same for the strings that one batch shows."""
    shown = distinct(column.codes)
    string = column.dictionary.string
    texts = [string(code) for code in shown.tolist() if code >= 0]
    found = compute(texts) if texts else np.array([null])[:0]
    if len(texts) < len(shown):  # null's code is the least
        found = np.concatenate([np.array([null], found.dtype), found])
    return found.take(np.searchsorted(shown, column.codes))


class DerivedDictionary:
    """The distinct results of a function over another dictionary's strings: it grows as more of those are met."""

    def __init__(self, strings: Sequence[str] = ()) -> None:
        self._strings = list(strings)
        self._codes = {s: i for i, s in enumerate(self._strings)}

    def __len__(self) -> int:
        return len(self._strings)

    def intern_all(self, strings: Sequence[str]) -> IntArray:
        """The codes of ``strings``, given now to those that have none."""
        codes, known = self._codes, self._strings
        fresh = [s for s in dict.fromkeys(strings) if s not in codes]
        codes.update(zip(fresh, range(len(known), len(known) + len(fresh)), strict=True))
        known += fresh
        return np.fromiter(map(codes.__getitem__, strings), np.int64, len(strings))

    def string(self, code: int) -> str:
        """See ``core.columns.Dictionary``."""
        return self._strings[code]

    def strings(self) -> Sequence[str]:
        """See ``core.columns.Dictionary``."""
        return self._strings

    def code(self, string: str) -> int:
        """See ``core.columns.Dictionary``."""
        return self._codes.get(string, -1)

    def ranks(self) -> IntArray:
        """See ``core.columns.Dictionary``."""
        order = sorted(range(len(self._strings)), key=self._strings.__getitem__)
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return ranks
