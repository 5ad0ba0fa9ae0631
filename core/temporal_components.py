"""``d.year`` and kin of a whole column: integer arithmetic on arrays, the same that single values use."""

from __future__ import annotations

import numpy as np

from .calendar import SECOND_NS
from .columns import Column, ConstantColumn, IntArray, Kind, ListColumn, TypedColumn
from .temporal import Time
from .temporal_columns import TemporalColumn, TemporalKind

_DATE_KEYS = frozenset(
    "year month day quarter week weekYear dayOfWeek weekDay ordinalDay dayOfYear dayOfQuarter".split()
)
_TIME_UNITS = {
    "hour": (3600 * SECOND_NS, 24),
    "minute": (60 * SECOND_NS, 60),
    "second": (SECOND_NS, 60),
    "millisecond": (1_000_000, 1_000),
    "microsecond": (1_000, 1_000_000),
    "nanosecond": (1, SECOND_NS),
}
"""By key: nanoseconds in one, and how many there are before they begin again."""
_MILLIS_SECONDS_MAX = (1 << 63) // 1000 - 1
"""Beyond it, past the year 292 million, milliseconds do not fit 64 bits."""
_ZONE_KEYS = frozenset(("timezone", "offset", "offsetMinutes", "offsetSeconds"))


def civil_from_days(days: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Years, months and days of the month; see ``calendar.civil_from_days``.

    >>> [part.tolist() for part in civil_from_days(np.array([11017, -1]))]
    [[2000, 1969], [3, 12], [1, 31]]
    """
    days = days + 719_468
    era = days // 146_097
    of_era = days - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = np.where(part < 10, part + 3, part - 9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * part + 2) // 5 + 1


def _first_day(year: IntArray, month: IntArray) -> IntArray:
    """The day that a month begins on."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * np.where(month > 2, month - 3, month + 9) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _weekday(days: IntArray) -> IntArray:
    return (days + 3) % 7 + 1


def _date_component(days: IntArray, key: str) -> IntArray:
    if key in ("dayOfWeek", "weekDay"):
        return _weekday(days)
    if key in ("week", "weekYear"):
        # The week's year is that of its Thursday.
        year = civil_from_days(days - _weekday(days) + 4)[0]
        if key == "weekYear":
            return year
        fourth = _first_day(year, np.ones_like(year)) + 3
        return (days - (fourth - _weekday(fourth) + 1)) // 7 + 1
    year, month, day = civil_from_days(days)
    match key:
        case "year":
            return year
        case "month":
            return month
        case "day":
            return day
        case "quarter":
            return (month + 2) // 3
        case "dayOfQuarter":
            return days - _first_day(year, (month + 2) // 3 * 3 - 2) + 1
        case _:  # ordinalDay, dayOfYear
            return days - _first_day(year, np.ones_like(year)) + 1


def component_column(column: TemporalColumn, key: str) -> Column:
    """``value.key`` row by row; null for a component that the kind has not."""
    has_date = column.kind not in (TemporalKind.LOCAL_TIME, TemporalKind.TIME)
    if has_date and key in _DATE_KEYS:
        return TypedColumn(Kind.INTEGER, _date_component(column.local_days(), key), column.mask)
    if column.kind != TemporalKind.DATE and key in _TIME_UNITS:
        unit, cycle = _TIME_UNITS[key]
        return TypedColumn(Kind.INTEGER, column.local_ns() // unit % cycle, column.mask)
    if column.zones is not None and key in _ZONE_KEYS:
        return _zone_component(column, key)
    if column.kind == TemporalKind.DATETIME and key == "epochSeconds":
        return TypedColumn(Kind.INTEGER, column.arrays[0].astype(np.int64), column.mask)
    if column.kind == TemporalKind.DATETIME and key == "epochMillis":
        if len(column) and int(np.abs(column.arrays[0]).max()) > _MILLIS_SECONDS_MAX:
            return ListColumn([None if v is None else v.component(key) for v in column.values()])
        return TypedColumn(Kind.INTEGER, column.arrays[0] * 1000 + column.arrays[1] // 1_000_000, column.mask)
    return ConstantColumn(None, len(column))


def _zone_component(column: TemporalColumn, key: str) -> Column:
    """Once for each zone of the column."""
    assert column.zones is not None
    if key == "offsetSeconds":
        return TypedColumn(Kind.INTEGER, column.offsets(), column.mask)
    if key == "offsetMinutes":
        return TypedColumn(Kind.INTEGER, column.offsets() // 60, column.mask)
    texts = [
        name if name is not None and key == "timezone" else Time(0, offset).component("offset")
        for offset, name in column.zones.entries()
    ]
    items = [texts[code] for code in column.arrays[-1].tolist()]
    if column.mask is not None:
        for i in np.flatnonzero(column.mask).tolist():
            items[i] = None
    return ListColumn(items)
