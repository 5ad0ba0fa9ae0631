"""String kernels: over dictionary-coded columns once for each distinct string, over lists of strings in one pass.

The other side is a constant; where it is none, or no string, the law decides row by row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    StringColumn,
    TypedColumn,
)
from memoradb.core.semantics import compile_regex

from .per_string import DerivedDictionary, Memo, per_string, remembered

Test: TypeAlias = Callable[[Sequence[str], str], Iterable[bool]]
"""Of many strings and a constant: whether the predicate holds, one truth value each."""


def string_nulls(column: StringColumn) -> BoolArray | None:
    """Like ``nulls``, in one cheap pass where there are none."""
    codes = column.codes
    return codes < 0 if len(codes) and int(codes.min()) < 0 else None


def predicate(name: str, test: Test) -> Callable[..., Column | None]:
    """The kernel of ``text <name> constant``."""

    def kernel(a: Column, b: Column, memo: Memo | None = None) -> Column | None:
        if not isinstance(b, ConstantColumn) or type(b.value) is not str:
            return None
        constant = b.value

        def verdicts(strings: Sequence[str]) -> BoolArray:
            return np.fromiter(test(strings, constant), np.bool_, len(strings))

        if isinstance(a, StringColumn):
            found = per_string(a, (name, constant), verdicts, False, memo)
            return TypedColumn(Kind.BOOLEAN, found, string_nulls(a))
        return _of_list(a.items, verdicts) if isinstance(a, ListColumn) else None

    return kernel


def _of_list(items: Sequence[Any], verdicts: Callable[[Sequence[str]], BoolArray]) -> Column | None:
    """A predicate of values that are all strings or null."""
    kinds = set(map(type, items))
    if kinds == {str}:
        return TypedColumn(Kind.BOOLEAN, verdicts(items))
    if kinds != {str, type(None)}:
        return None
    null = np.fromiter((item is None for item in items), np.bool_, len(items))
    found = np.zeros(len(items), np.bool_)
    found[~null] = verdicts([item for item in items if item is not None])
    return TypedColumn(Kind.BOOLEAN, found, null)


def _matches(strings: Sequence[str], pattern: str) -> Iterable[bool]:
    match = compile_regex(pattern).fullmatch
    return (match(text) is not None for text in strings)


def _mapped(convert: Callable[[str], str]) -> Callable[..., Column | None]:
    """The kernel of a function from strings to strings, whose results are coded too."""

    def kernel(column: Column, memo: Memo | None = None) -> Column | None:
        if not isinstance(column, StringColumn):
            return None
        dictionary: DerivedDictionary = remembered(memo, (convert, column.dictionary, "strings"), DerivedDictionary)

        def codes(strings: Sequence[str]) -> IntArray:
            return dictionary.intern_all(list(map(convert, strings)))

        found = per_string(column, (convert, dictionary), codes, -1, memo)
        return StringColumn(found.astype(np.int32), dictionary)

    return kernel


def _lengths(strings: Sequence[str]) -> IntArray:
    return np.fromiter(map(len, strings), np.int64, len(strings))


def size(column: StringColumn, memo: Memo | None) -> Column:
    """Characters of each string."""
    return TypedColumn(Kind.INTEGER, per_string(column, "size", _lengths, 0, memo), string_nulls(column))


KERNELS: dict[str, Callable[..., Column | None]] = {
    "STARTS WITH": predicate("STARTS WITH", lambda strings, part: map(str.startswith, strings, repeat(part))),
    "ENDS WITH": predicate("ENDS WITH", lambda strings, part: map(str.endswith, strings, repeat(part))),
    "CONTAINS": predicate("CONTAINS", lambda strings, part: map(operator.contains, strings, repeat(part))),
    "=~": predicate("=~", _matches),
    "tolower": _mapped(str.lower),
    "lower": _mapped(str.lower),
    "toupper": _mapped(str.upper),
    "upper": _mapped(str.upper),
}
"""All take, after their columns, the run's ``memo``."""
