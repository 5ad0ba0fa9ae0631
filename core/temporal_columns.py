"""Columns of dates and times on integers, and their order.

=================  ===================================================  ==========================================
Kind               Arrays                                               Bounds
=================  ===================================================  ==========================================
DATE               days since 1970, int64                               years -999,999,999 to 999,999,999
LOCAL TIME         nanoseconds of the day, int64                        one day
LOCAL DATETIME     seconds since 1970, int64; nanoseconds, int32        as a date
TIME               nanoseconds of the day in UTC, int64; zone, int32    one day, and the largest offset either way
DATETIME           seconds since 1970 in UTC, int64; nanoseconds,       as a date, by the local clock
                   int32; zone, int32
=================  ===================================================  ==========================================

A *zone* is a code into the column's ``ZoneDictionary``: the offset in force and the IANA name, so that a value comes
back exactly as it went in. Arrays stand in the order in which values of the kind compare, the moment first; where
moments are equal the zone decides, by its rank, as ``sort_key`` says. Equal arrays (of one dictionary) are therefore
equality, equivalence and a tie of the order all at once.

Durations have no such form: months have no length, so no integers order them as the law does.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .calendar import DAY_MAX, DAY_MIN, DAY_NS, DAY_SECONDS, OFFSET_MAX, SECOND_NS
from .calendar import zone as time_zone
from .temporal import Date, DateTime, LocalDateTime, LocalTime, Temporal, Time, Zone
from .values import Value
from .zones import ZoneDictionary, offsets_at_instants

if TYPE_CHECKING:
    from .columns import BoolArray, Column, IntArray


class TemporalKind(IntEnum):
    """The one type of a temporal column's values."""

    DATE = 0
    LOCAL_TIME = 1
    LOCAL_DATETIME = 2
    TIME = 3
    DATETIME = 4


KINDS: Final[dict[type, TemporalKind]] = {
    Date: TemporalKind.DATE,
    LocalTime: TemporalKind.LOCAL_TIME,
    LocalDateTime: TemporalKind.LOCAL_DATETIME,
    Time: TemporalKind.TIME,
    DateTime: TemporalKind.DATETIME,
}
TYPES: Final[dict[TemporalKind, type]] = {kind: type for type, kind in KINDS.items()}
DTYPES: Final[dict[TemporalKind, tuple[type, ...]]] = {
    TemporalKind.DATE: (np.int64,),
    TemporalKind.LOCAL_TIME: (np.int64,),
    TemporalKind.LOCAL_DATETIME: (np.int64, np.int32),
    TemporalKind.TIME: (np.int64, np.int32),
    TemporalKind.DATETIME: (np.int64, np.int32, np.int32),
}
"""The element types of a kind's arrays."""
ZONED: Final = frozenset((TemporalKind.TIME, TemporalKind.DATETIME))
"""Kinds whose last array are zone codes."""

Arrays: TypeAlias = tuple[NDArray[Any], ...]


class TemporalColumn:
    """Values of one temporal kind; ``mask`` is True where null. Value objects are made when asked for."""

    __slots__ = ("arrays", "kind", "mask", "zones")

    def __init__(
        self, kind: TemporalKind, arrays: Arrays, zones: ZoneDictionary | None = None, mask: BoolArray | None = None
    ) -> None:
        self.kind = kind
        self.arrays = arrays
        self.zones = zones
        """Of the kinds in ``ZONED``, else None."""
        self.mask = mask

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __repr__(self) -> str:
        return f"TemporalColumn({self.kind.name}, {[None if v is None else str(v) for v in self.values()]})"

    def item(self, position: int) -> Value:
        if self.mask is not None and self.mask[position]:
            return None
        return value_of(self.kind, [array[position].item() for array in self.arrays], self.zones)

    def values(self) -> list[Value]:
        make: Any = TYPES[self.kind]
        items: list[Value] = list(map(make, *self._fields()))
        if self.mask is not None:
            for i in np.flatnonzero(self.mask).tolist():
                items[i] = None
        return items

    def _fields(self) -> list[list[Any]]:
        """The arguments of the kind's constructor, row by row."""
        parts: list[list[Any]] = []
        if self.kind not in (TemporalKind.LOCAL_TIME, TemporalKind.TIME):
            parts.append(self.local_days().tolist())
        if self.kind != TemporalKind.DATE:
            parts.append(self.local_ns().tolist())
        if self.zones is not None:
            codes = self.arrays[-1].tolist()
            entries = self.zones.entries()
            parts.append([entries[code][0] for code in codes])
            if self.kind == TemporalKind.DATETIME:
                parts.append([entries[code][1] for code in codes])
        return parts

    def take(self, positions: IntArray) -> Column:
        mask = None if self.mask is None else self.mask.take(positions)
        return TemporalColumn(self.kind, tuple(a.take(positions) for a in self.arrays), self.zones, mask)

    def slice(self, start: int, stop: int) -> Column:
        mask = None if self.mask is None else self.mask[start:stop]
        return TemporalColumn(self.kind, tuple(a[start:stop] for a in self.arrays), self.zones, mask)

    def nulls(self) -> BoolArray | None:
        return self.mask

    def offsets(self) -> IntArray:
        """Seconds east of UTC, row by row; 0 for kinds without zone."""
        if self.zones is None:
            return np.zeros(len(self), np.int64)
        return self.zones.offsets().take(self.arrays[-1])

    def _local_seconds(self) -> IntArray:
        seconds = self.arrays[0]
        return seconds + self.offsets() if self.kind == TemporalKind.DATETIME else seconds

    def local_days(self) -> IntArray:
        """Days since 1970 by the local calendar, of kinds that have a date."""
        return self.arrays[0] if self.kind == TemporalKind.DATE else self._local_seconds() // DAY_SECONDS

    def local_ns(self) -> IntArray:
        """Nanoseconds since midnight by the local clock, of kinds that have a time."""
        if self.kind == TemporalKind.LOCAL_TIME:
            return self.arrays[0]
        if self.kind == TemporalKind.TIME:
            return self.arrays[0] + self.offsets() * SECOND_NS
        return self._local_seconds() % DAY_SECONDS * SECOND_NS + self.arrays[1]

    def in_range(self) -> bool:
        """Whether all values are within the bounds of their kind; nulls are not looked at."""
        column = self if self.mask is None else self.take(np.flatnonzero(~self.mask))
        assert isinstance(column, TemporalColumn)
        if not len(column):
            return True
        if self.zones is not None:
            codes = column.arrays[-1]
            if int(codes.min()) < 0 or int(codes.max()) >= len(self.zones):
                return False
            if any(abs(offset) > OFFSET_MAX for offset, _ in self.zones.entries()):
                return False
        # Before anything is computed with them, which could leave 64 bits.
        if abs(int(column.arrays[0].min())) > _FIRST_MAX or abs(int(column.arrays[0].max())) > _FIRST_MAX:
            return False
        if len(column.arrays) - (self.zones is not None) > 1 and not _within(column.arrays[1], 0, SECOND_NS - 1):
            return False
        if self.kind in (TemporalKind.LOCAL_TIME, TemporalKind.TIME):
            return _within(column.local_ns(), 0, DAY_NS - 1)
        return _within(column.local_days(), DAY_MIN, DAY_MAX)

    def order_arrays(self) -> Arrays:
        """Arrays whose rows compare, first array first, as the values do."""
        if self.zones is None:
            return self.arrays
        return (*self.arrays[:-1], self.zones.ranks().take(self.arrays[-1]))


_FIRST_MAX: Final = 1 << 60
"""Larger than any number in the first array can be."""


def _within(numbers: IntArray, low: int, high: int) -> bool:
    return low <= int(numbers.min()) and int(numbers.max()) <= high


def value_of(kind: TemporalKind, numbers: Sequence[int], zones: ZoneDictionary | None) -> Temporal:
    """One value from a row of the arrays."""
    first = numbers[0]
    if kind == TemporalKind.DATE:
        return Date(first)
    if kind == TemporalKind.LOCAL_TIME:
        return LocalTime(first)
    if kind == TemporalKind.LOCAL_DATETIME:
        return LocalDateTime(first // DAY_SECONDS, first % DAY_SECONDS * SECOND_NS + numbers[1])
    assert zones is not None
    offset, name = zones.entries()[numbers[-1]]
    if kind == TemporalKind.TIME:
        return Time(first + offset * SECOND_NS, offset)
    local = first + offset
    return DateTime(local // DAY_SECONDS, local % DAY_SECONDS * SECOND_NS + numbers[1], offset, name)


def numbers_of(value: Temporal, zones: ZoneDictionary | None) -> tuple[int, ...]:
    """The inverse of ``value_of``; the value's zone is interned."""
    match value:
        case Date(days):
            return (days,)
        case LocalTime(ns):
            return (ns,)
        case LocalDateTime(days, ns):
            return (days * DAY_SECONDS + ns // SECOND_NS, ns % SECOND_NS)
        case Time(ns, offset):
            assert zones is not None
            return (ns - offset * SECOND_NS, zones.intern(offset, None))
        case DateTime(days, ns, offset, name):
            assert zones is not None
            seconds = days * DAY_SECONDS + ns // SECOND_NS - offset
            return (seconds, ns % SECOND_NS, zones.intern(offset, name))


def valid(value: Temporal) -> bool:
    """Whether a value is within the bounds of its type: one made by hand may be anything."""
    if not isinstance(value, (LocalTime, Time)) and not DAY_MIN <= value.days <= DAY_MAX:
        return False
    if not isinstance(value, Date) and not 0 <= value.ns < DAY_NS:
        return False
    return not isinstance(value, (Time, DateTime)) or abs(value.offset) <= OFFSET_MAX


def temporal_column(kind: TemporalKind, items: Sequence[Any]) -> TemporalColumn | None:
    """The column of ``items``, which are None or of the kind's type; None where one is out of bounds."""
    zones = ZoneDictionary() if kind in ZONED else None
    mask = np.fromiter((v is None for v in items), np.bool_, len(items))
    if mask.any():
        filler = value_of(kind, [0] * len(DTYPES[kind]), zones)
        items = [filler if v is None else v for v in items]
    try:
        arrays = _arrays_of(kind, items, zones)
    except OverflowError:
        return None
    return None if arrays is None else TemporalColumn(kind, arrays, zones, mask if mask.any() else None)


def _arrays_of(kind: TemporalKind, items: Sequence[Any], zones: ZoneDictionary | None) -> Arrays | None:
    count = len(items)

    def field(values: Any) -> IntArray:
        return np.fromiter(values, np.int64, count)

    days = ns = offset = np.zeros(0, np.int64)
    if kind not in (TemporalKind.LOCAL_TIME, TemporalKind.TIME):
        days = field(v.days for v in items)
        if count and not _within(days, DAY_MIN, DAY_MAX):
            return None
    if kind != TemporalKind.DATE:
        ns = field(v.ns for v in items)
        if count and not _within(ns, 0, DAY_NS - 1):
            return None
    if zones is None:
        if kind == TemporalKind.DATE:
            return (days,)
        if kind == TemporalKind.LOCAL_TIME:
            return (ns,)
        return (days * DAY_SECONDS + ns // SECOND_NS, (ns % SECOND_NS).astype(np.int32))
    offset = field(v.offset for v in items)
    if count and not _within(offset, -OFFSET_MAX, OFFSET_MAX):
        return None
    if kind == TemporalKind.TIME:
        codes = np.fromiter((zones.intern(v.offset, None) for v in items), np.int32, count)
        return (ns - offset * SECOND_NS, codes)
    codes = np.fromiter((zones.intern(v.offset, v.zone) for v in items), np.int32, count)
    return (days * DAY_SECONDS + ns // SECOND_NS - offset, (ns % SECOND_NS).astype(np.int32), codes)


def datetimes_at(
    seconds: IntArray, nanoseconds: NDArray[np.int32], zone: Zone, mask: BoolArray | None = None
) -> TemporalColumn:
    """What clocks in one zone show at moments in UTC; see ``temporal.at_instant``. Bounds are not checked."""
    zones = ZoneDictionary()
    if isinstance(zone, int):
        codes = np.full(len(seconds), zones.intern(zone, None), np.int32)
    else:
        name = time_zone(zone).key
        distinct, which = np.unique(offsets_at_instants(name, seconds), return_inverse=True)
        table = np.array([zones.intern(offset, name) for offset in distinct.tolist()], np.int32)
        codes = table.take(which.reshape(-1))
    return TemporalColumn(TemporalKind.DATETIME, (seconds, nanoseconds, codes), zones, mask)


def with_zones(column: TemporalColumn, zones: ZoneDictionary) -> Arrays:
    """The column's arrays with zones as codes of another dictionary; unchanged for kinds without zone."""
    if column.zones is None or column.zones is zones:
        return column.arrays
    codes = column.arrays[-1]
    if column.mask is not None:
        codes = np.where(column.mask, 0, codes)  # what a null hides needs no zone
    return (*column.arrays[:-1], zones.translation(codes, column.zones))


def concat_temporal(columns: Sequence[TemporalColumn], mask: BoolArray | None) -> TemporalColumn:
    """One after the other; all are of one kind."""
    first = columns[0]
    zones = first.zones
    parts: list[Arrays] = [c.arrays for c in columns]
    if zones is not None and any(c.zones is not zones for c in columns):
        zones = ZoneDictionary()
        parts = [with_zones(c, zones) for c in columns]
    joined = tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return TemporalColumn(first.kind, joined, zones, mask)


def comparable_arrays(a: TemporalColumn, b: TemporalColumn) -> tuple[Arrays, Arrays]:
    """Arrays of two columns of one kind whose rows compare, first array first, as the values do."""
    if a.zones is None or b.zones is None or a.zones is b.zones:
        return a.order_arrays(), b.order_arrays()
    zones = ZoneDictionary()
    one, other = with_zones(a, zones), with_zones(b, zones)
    ranks = zones.ranks()
    return (*one[:-1], ranks.take(one[-1])), (*other[:-1], ranks.take(other[-1]))
