"""The distinct strings of one property: string to code and back. Codes are given once and never change.

A dictionary of many strings that a checkpoint holds stays in its files: each string is decoded when it is asked for,
and found again by its hash (CRC-32, and then compared), which takes eight bytes a string instead of a hundred.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray

from ..section import Section

PART: Final = 1 << 13
"""Strings in one file."""

HOT_ASKED: Final = 32
"""Strings in a row out of one part, after which all of it is decoded: that is cheaper for each."""

PACKED_MIN: Final = 1 << 16
"""Dictionaries with fewer strings are decoded whole: that is faster, and little."""


def pack(strings: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Strings as offsets and UTF-8, and their hashes."""
    raw = [s.encode("utf-8", "surrogatepass") for s in strings]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)), out=offsets[1:])
    hashes = np.fromiter(map(zlib.crc32, raw), np.uint32, len(raw))
    return {"offsets": offsets, "text": np.frombuffer(b"".join(raw), np.uint8), "hashes": hashes}


def unpack(section: Section) -> list[str]:
    """The strings of a section that ``pack`` made."""
    offsets, text = section.arrays["offsets"].tolist(), section.arrays["text"].tobytes()
    if text.isascii():  # places in the bytes are places in the text: decoded at once, which takes a third
        whole = text.decode("ascii")
        return [whole[a:b] for a, b in pairwise(offsets)]
    return [text[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(offsets)]


class _Hot:
    """The part that was asked last: who asks it again and again reads all of it, and finds it decoded."""

    __slots__ = ("asked", "part", "strings")

    def __init__(self, part: int) -> None:
        self.part = part
        self.asked = 0
        self.strings: list[str] | None = None


class PackedStrings(Sequence[str]):
    """Full parts in files, and a list of what came since."""

    def __init__(self, parts: Sequence[Section], fresh: list[str]) -> None:
        self._parts = parts
        self._views: list[tuple[NDArray[Any], memoryview] | None] = [None] * len(parts)
        self._hot = _Hot(-1)
        self.packed = len(parts) * PART
        self.fresh = fresh

    def __len__(self) -> int:
        return self.packed + len(self.fresh)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index >= self.packed:
            return self.fresh[index - self.packed]
        if index < 0:
            index += len(self)
            return self[index]
        part, place = divmod(index, PART)
        hot = self._hot
        if hot.part == part:
            if hot.strings is not None:
                return hot.strings[place]
            hot.asked += 1
            if hot.asked > HOT_ASKED:
                hot.strings = unpack(self._parts[part])
                return hot.strings[place]
        else:
            self._hot = _Hot(part)
        view = self._views[part]
        if view is None:
            arrays = self._parts[part].arrays
            view = self._views[part] = (arrays["offsets"], arrays["text"].data)
        offsets, text = view
        return str(text[offsets[place] : offsets[place + 1]], "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for part in self._parts:
            yield from unpack(part)
        yield from list(self.fresh)

    def hashes(self) -> NDArray[np.uint32]:
        """Of the strings in files."""
        return np.concatenate([part.arrays["hashes"] for part in self._parts])


class _Lookup:
    """From a string to its code: a dictionary, and for packed strings their hashes in order."""

    def __init__(self, strings: Sequence[str]) -> None:
        self.codes: dict[str, int]
        self._strings = strings
        if isinstance(strings, PackedStrings):
            hashes = strings.hashes()
            order = np.argsort(hashes, kind="stable")
            self._hashes, self._order = hashes.take(order), order.astype(np.int32)
            self.codes = {s: i for i, s in enumerate(strings.fresh, strings.packed)}
        else:
            self._hashes, self._order = np.zeros(0, np.uint32), np.zeros(0, np.int32)
            self.codes = {s: i for i, s in enumerate(strings)}

    def find(self, string: str) -> int:
        found = self.codes.get(string)
        if found is not None:
            return found
        if len(self._hashes):
            hashed = np.uint32(zlib.crc32(string.encode("utf-8", "surrogatepass")))
            place = int(np.searchsorted(self._hashes, hashed))
            while place < len(self._hashes) and self._hashes[place] == hashed:
                code = int(self._order[place])
                if self._strings[code] == string:
                    return code
                place += 1
        return -1


class StringDictionary:
    """Grows only; implements ``core.columns.Dictionary``."""

    def __init__(self, strings: Sequence[str] | None = None) -> None:
        self._strings: Sequence[str] = strings or []
        self._lookup: _Lookup | None = None
        self._building = threading.Lock()
        self._ranks: IntArray | None = None
        self._sections: dict[int, Section] = {}
        """Full parts that are in files, by number."""

    def _index(self) -> _Lookup:
        # Built when first asked: opening a database reads strings, not their index.
        found = self._lookup
        if found is None:
            with self._building:  # a reader must not put one in the place of that to which the writer adds
                found = self._lookup
                if found is None:
                    found = self._lookup = _Lookup(self._strings)
        return found

    def __len__(self) -> int:
        return len(self._strings)

    def string(self, code: int) -> str:
        return self._strings[code]

    def strings(self) -> Sequence[str]:
        return self._strings

    def code(self, string: str) -> int:
        return self._index().find(string)

    def intern(self, string: str) -> int:
        """The code of ``string``, given now if it has none."""
        lookup = self._lookup or self._index()
        known = lookup.codes.get(string)
        if known is not None:
            return known
        found = lookup.find(string)
        if found < 0:
            strings = self._strings
            found = len(strings)
            fresh = strings.fresh if isinstance(strings, PackedStrings) else strings
            assert isinstance(fresh, list)
            fresh.append(string)  # before its code: a reader that sees the code finds the string
            lookup.codes[string] = found
            self._ranks = None
        return found

    def intern_all(self, strings: Sequence[str | None]) -> list[int]:
        """The codes of many, given now where they have none; -1 for None."""
        get: Callable[[str | None], int | None] = self._index().codes.get  # pyright: ignore[reportAssignmentType]
        known = list(map(get, strings))
        if None not in known:
            return known  # pyright: ignore[reportReturnType]
        pairs = zip(strings, known, strict=True)
        return [c if c is not None else -1 if s is None else self.intern(s) for s, c in pairs]

    def ranks(self) -> IntArray:
        found = self._ranks
        if found is None or len(found) != len(self._strings):
            strings = list(self._strings)
            order = sorted(range(len(strings)), key=strings.__getitem__)
            found = np.empty(len(order), np.int64)
            found[np.array(order, np.int64)] = np.arange(len(order))
            self._ranks = found
        return found

    # --- dump and load

    def dump(self, name: str, count: int) -> Iterator[Section]:
        """The first ``count`` strings, a section for each part; the known ones where a part is full."""
        strings = self._strings
        for part, start in enumerate(range(0, count, PART)):
            known = self._sections.get(part)
            if known is not None and known.name == f"{name}-{part}":
                yield known
            else:
                yield Section(f"{name}-{part}", pack(strings[start : min(start + PART, count)]))

    @staticmethod
    def load(sections: Sequence[Section], count: int) -> StringDictionary:
        """The inverse of ``dump``."""
        full = count // PART
        if count < max(PACKED_MIN, PART):
            made = StringDictionary([s for section in sections for s in unpack(section)])
        else:
            made = StringDictionary(PackedStrings(sections[:full], [s for x in sections[full:] for s in unpack(x)]))
        made._sections = dict(enumerate(sections[:full]))
        return made

    def installed(self, sections: Sequence[Section], count: int) -> None:
        """The parts are in files now; many strings are read from there. Called by the writer."""
        full = count // PART
        self._sections = dict(enumerate(sections[:full]))
        strings = self._strings
        if count < max(PACKED_MIN, PART) or (isinstance(strings, PackedStrings) and strings.packed == full * PART):
            return
        self._strings = PackedStrings(sections[:full], list(strings[full * PART :]))
        self._lookup = None
