"""Zones of many values at once: their dictionary, and their offsets at many moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .calendar import DAY_SECONDS, SECOND_NS, offset_at_instant

if TYPE_CHECKING:
    from .columns import IntArray

ZoneEntry: TypeAlias = tuple[int, str | None]
"""Offset in seconds east of UTC, and the IANA name where the value has one."""


class ZoneDictionary:
    """The distinct zones of a column, by code. Grows only, codes never change; a new one begins with UTC.

    Never empty where a column has rows, so that what stands under a null has a zone too.
    """

    def __init__(self, entries: Sequence[ZoneEntry] = ((0, None),)) -> None:
        self._entries: list[ZoneEntry] = list(entries)
        self._codes: dict[ZoneEntry, int] = {entry: code for code, entry in enumerate(self._entries)}
        self._ranks: IntArray | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Sequence[ZoneEntry]:
        """All zones, by code."""
        return self._entries

    def intern(self, offset: int, name: str | None) -> int:
        """The code of a zone, given now if it has none."""
        entry = (offset, name or None)
        found = self._codes.get(entry)
        if found is None:
            found = len(self._entries)
            self._entries.append(entry)  # before its code: a reader that sees the code finds the zone
            self._codes[entry] = found
        return found

    def translation(self, codes: NDArray[np.int32], other: ZoneDictionary) -> NDArray[np.int32]:
        """``codes`` of ``other`` as codes of this one, interned as needed."""
        if other is self:
            return codes
        table = np.zeros(len(other), np.int32)
        entries = other.entries()
        used: list[int] = np.unique(codes).tolist()
        for code in used:
            table[code] = self.intern(*entries[code])
        return table.take(codes)

    def offsets(self) -> IntArray:
        """Seconds east of UTC, by code."""
        return np.array([offset for offset, _ in list(self._entries)], np.int64)

    def ranks(self) -> IntArray:
        """By code: the place of its zone in the order of values at one moment."""
        found = self._ranks
        if found is None or len(found) != len(self._entries):
            entries = list(self._entries)
            order = sorted(range(len(entries)), key=lambda code: (entries[code][0], entries[code][1] or ""))
            found = np.empty(len(order), np.int64)
            found[np.array(order, np.int64)] = np.arange(len(order))
            self._ranks = found
        return found


def offsets_at_instants(name: str, seconds: IntArray) -> IntArray:
    """Seconds east of UTC at moments given in seconds of UTC, asking the zone once or twice a day, not a row.

    A zone changes its clocks at most once in a day of UTC (the shortest time between two changes that the IANA
    database knows is a week), so a day that ends as it began has one offset, and any other has two.
    """
    days, which = np.unique(seconds // DAY_SECONDS, return_inverse=True)
    first = np.array([offset_at_instant(name, day, 0) for day in days.tolist()], np.int64)
    after = np.array([offset_at_instant(name, day + 1, 0) for day in days.tolist()], np.int64)
    changes = (days + 1) * DAY_SECONDS
    for i in np.flatnonzero(first != after).tolist():
        day = int(days[i])
        low, high = 0, DAY_SECONDS  # the last second known to have the first offset, and one that has the other
        while high - low > 1:
            middle = (low + high) // 2
            if offset_at_instant(name, day, middle * SECOND_NS) == first[i]:
                low = middle
            else:
                high = middle
        changes[i] = day * DAY_SECONDS + high
    which = which.reshape(-1)
    return np.where(seconds < changes.take(which), first.take(which), after.take(which))
