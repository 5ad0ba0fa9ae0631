"""String kernels over dictionary-coded columns: the work is done once for each distinct string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, ConstantColumn, IntArray, StringColumn
from memoradb.core.semantics import compile_regex

from .compare import per_string


def _predicate(test: Callable[[str, str], bool]) -> Callable[[Column, Column], Column | None]:
    def kernel(a: Column, b: Column) -> Column | None:
        if isinstance(a, StringColumn) and isinstance(b, ConstantColumn) and type(b.value) is str:
            needle = b.value
            return per_string(a, lambda s: test(s, needle))
        return None

    return kernel


def _regex(a: Column, b: Column) -> Column | None:
    if isinstance(a, StringColumn) and isinstance(b, ConstantColumn) and type(b.value) is str:
        match = compile_regex(b.value).fullmatch
        return per_string(a, lambda s: match(s) is not None)
    return None


class DerivedDictionary:
    """The distinct results of a function over another dictionary's strings."""

    def __init__(self, strings: list[str]) -> None:
        self._strings = strings
        self._codes = {s: i for i, s in enumerate(strings)}
        self.memo: dict[object, object] = {}

    def __len__(self) -> int:
        return len(self._strings)

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


def _mapped(convert: Callable[[str], str]) -> Callable[[Column], Column | None]:
    def kernel(column: Column) -> Column | None:
        if not isinstance(column, StringColumn):
            return None
        shown = distinct(column.codes)
        string = column.dictionary.string
        new_codes = np.full(len(column.dictionary) + 1, -1, np.int32)
        results: dict[str, int] = {}
        for code in shown.tolist():
            if code >= 0:
                text = convert(string(code))
                new_codes[code] = results.setdefault(text, len(results))
        return StringColumn(new_codes.take(column.codes, mode="wrap"), DerivedDictionary(list(results)))

    return kernel


KERNELS: dict[str, Callable[..., Column | None]] = {
    "STARTS WITH": _predicate(str.startswith),
    "ENDS WITH": _predicate(str.endswith),
    "CONTAINS": _predicate(lambda text, part: part in text),
    "=~": _regex,
    "tolower": _mapped(str.lower),
    "lower": _mapped(str.lower),
    "toupper": _mapped(str.upper),
    "upper": _mapped(str.upper),
}
