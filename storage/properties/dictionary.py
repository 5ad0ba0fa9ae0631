"""The distinct strings of one property: string to code and back. Codes are given once and never change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memoradb.core.columns import IntArray


class StringDictionary:
    """Grows only; implements ``core.columns.Dictionary``."""

    def __init__(self, strings: list[str] | None = None) -> None:
        self._strings: list[str] = strings or []
        self._codes: dict[str, int] | None = None if strings else {}
        self._ranks: IntArray | None = None
        self.memo: dict[Any, Any] = {}

    def _index(self) -> dict[str, int]:
        # Built when first asked: opening a database reads strings, not their index.
        if self._codes is None:
            self._codes = {s: i for i, s in enumerate(self._strings)}
        return self._codes

    def __len__(self) -> int:
        return len(self._strings)

    def string(self, code: int) -> str:
        return self._strings[code]

    def strings(self) -> Sequence[str]:
        return self._strings

    def code(self, string: str) -> int:
        return self._index().get(string, -1)

    def intern(self, string: str) -> int:
        """The code of ``string``, given now if it has none."""
        codes = self._index()
        found = codes.get(string)
        if found is None:
            found = len(self._strings)
            self._strings.append(string)  # before its code: a reader that sees the code finds the string
            codes[string] = found
            self._ranks = None
            if self.memo:
                self.memo = {}
        return found

    def ranks(self) -> IntArray:
        found = self._ranks
        if found is None or len(found) != len(self._strings):
            strings = list(self._strings)
            order = sorted(range(len(strings)), key=strings.__getitem__)
            found = np.empty(len(order), np.int64)
            found[np.array(order, np.int64)] = np.arange(len(order))
            self._ranks = found
        return found
