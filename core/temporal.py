"""Dates and times on integers: years to 999,999,999, nanoseconds, offsets to the second, IANA zones.

Python's ``datetime`` holds neither the years nor the nanoseconds, so these are our own: frozen, slotted, compared by
``sort_key``. ``str()`` is openCypher's toString. Making them from maps, text and each other is in
``core.temporal_build``; the names are re-exported here.
"""

from __future__ import annotations

import datetime as python_datetime
from dataclasses import dataclass
from typing import TypeAlias

from .calendar import (
    DAY_NS,
    SECOND_NS,
    YEAR_MAX,
    add_months,
    check_range,
    civil_from_days,
    days_from_civil,
    iso_week,
    offset_at_instant,
    offsets_at_local,
    weekday,
)
from .calendar import zone as time_zone
from .duration import Duration
from .errors import TypeMismatch
from .values import Value


def _date_component(days: int, key: str) -> Value:
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
        case "week":
            return iso_week(days)[1]
        case "weekYear":
            return iso_week(days)[0]
        case "dayOfWeek" | "weekDay":
            return weekday(days)
        case "ordinalDay" | "dayOfYear":
            return days - days_from_civil(year, 1, 1) + 1
        case "dayOfQuarter":
            return days - days_from_civil(year, (month + 2) // 3 * 3 - 2, 1) + 1
        case _:
            return None


def _time_component(ns: int, key: str) -> Value:
    match key:
        case "hour":
            return ns // (3600 * SECOND_NS)
        case "minute":
            return ns // (60 * SECOND_NS) % 60
        case "second":
            return ns // SECOND_NS % 60
        case "millisecond":
            return ns % SECOND_NS // 1_000_000
        case "microsecond":
            return ns % SECOND_NS // 1000
        case "nanosecond":
            return ns % SECOND_NS
        case _:
            return None


def format_offset(seconds: int) -> str:
    """``Z``, ``+01:00`` or ``+00:53:28``."""
    if seconds == 0:
        return "Z"
    sign, rest = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{rest // 3600:02d}:{rest // 60 % 60:02d}"
    return text + (f":{rest % 60:02d}" if rest % 60 else "")


def _offset_component(seconds: int, name: str | None, key: str) -> Value:
    match key:
        case "timezone":
            return name if name is not None else format_offset(seconds)
        case "offset":
            return format_offset(seconds)
        case "offsetMinutes":
            return seconds // 60
        case "offsetSeconds":
            return seconds
        case _:
            return None


def _format_date(days: int) -> str:
    year, month, day = civil_from_days(days)
    if 0 <= year <= 9999:
        head = f"{year:04d}"
    else:
        head = f"{'-' if year < 0 else '+'}{abs(year):04d}"
    return f"{head}-{month:02d}-{day:02d}"


def _format_time(ns: int) -> str:
    text = f"{ns // (3600 * SECOND_NS):02d}:{ns // (60 * SECOND_NS) % 60:02d}"
    seconds, rest = ns // SECOND_NS % 60, ns % SECOND_NS
    if seconds or rest:
        text += f":{seconds:02d}"
    if rest:
        text += f".{rest:09d}".rstrip("0")
    return text


def _truncated_days(duration: Duration) -> int:
    """Whole days of a duration's time part, towards zero: what a date feels of hours."""
    total = duration.time_ns
    return total // DAY_NS if total >= 0 else -(-total // DAY_NS)


@dataclass(frozen=True, slots=True)
class Date:
    """A day: ``days`` since 1970-01-01."""

    days: int

    def __str__(self) -> str:
        return _format_date(self.days)

    def sort_key(self) -> tuple[int, ...]:
        """Chronological."""
        return (self.days,)

    def component(self, key: str) -> Value:
        """``d.year`` and kin; None for what a date has not."""
        return _date_component(self.days, key)

    def plus(self, duration: Duration) -> Date:
        """Months, then days; of the time part only whole days."""
        days = add_months(self.days, duration.months) if duration.months else self.days
        return Date(_checked_days(days + duration.days + _truncated_days(duration)))

    def to_python(self) -> python_datetime.date:
        """``datetime.date``; OverflowError outside the years 1 to 9999."""
        return python_datetime.date(1970, 1, 1) + python_datetime.timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time of day without zone: ``ns`` since midnight."""

    ns: int

    def __str__(self) -> str:
        return _format_time(self.ns)

    def sort_key(self) -> tuple[int, ...]:
        """Within the day."""
        return (self.ns,)

    def component(self, key: str) -> Value:
        """``t.hour`` and kin."""
        return _time_component(self.ns, key)

    def plus(self, duration: Duration) -> LocalTime:
        """Round the clock; months and days leave a time as it is."""
        return LocalTime((self.ns + duration.time_ns) % DAY_NS)

    def to_python(self) -> python_datetime.time:
        """``datetime.time``, cut to microseconds."""
        seconds, rest = divmod(self.ns, SECOND_NS)
        return python_datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, rest // 1000)


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day at an offset: local ``ns``, ``offset`` in seconds east of UTC."""

    ns: int
    offset: int

    def __str__(self) -> str:
        return _format_time(self.ns) + format_offset(self.offset)

    def sort_key(self) -> tuple[int, ...]:
        """By the moment in UTC, then by local time."""
        return (self.ns - self.offset * SECOND_NS, self.ns)

    def component(self, key: str) -> Value:
        """``t.hour``, ``t.offset`` and kin."""
        value = _time_component(self.ns, key)
        return _offset_component(self.offset, None, key) if value is None else value

    def plus(self, duration: Duration) -> Time:
        """Round the clock."""
        return Time((self.ns + duration.time_ns) % DAY_NS, self.offset)

    def to_python(self) -> python_datetime.time:
        """``datetime.time`` with a fixed offset, cut to microseconds."""
        zone = python_datetime.timezone(python_datetime.timedelta(seconds=self.offset))
        return LocalTime(self.ns).to_python().replace(tzinfo=zone)


@dataclass(frozen=True, slots=True)
class LocalDateTime:
    """A day and a time of day without zone."""

    days: int
    ns: int

    def __str__(self) -> str:
        return f"{_format_date(self.days)}T{_format_time(self.ns)}"

    def sort_key(self) -> tuple[int, ...]:
        """Chronological."""
        return (self.days, self.ns)

    def component(self, key: str) -> Value:
        """Those of a date and of a time."""
        value = _date_component(self.days, key)
        return _time_component(self.ns, key) if value is None else value

    def plus(self, duration: Duration) -> LocalDateTime:
        """Months, then days, then time."""
        days = (add_months(self.days, duration.months) if duration.months else self.days) + duration.days
        carry, ns = divmod(self.ns + duration.time_ns, DAY_NS)
        return LocalDateTime(_checked_days(days + carry), ns)

    def to_python(self) -> python_datetime.datetime:
        """``datetime.datetime`` without zone, cut to microseconds."""
        return python_datetime.datetime.combine(Date(self.days).to_python(), LocalTime(self.ns).to_python())


@dataclass(frozen=True, slots=True)
class DateTime:
    """A moment: local ``days`` and ``ns``, ``offset`` in seconds, and the IANA ``zone`` where it has one."""

    days: int
    ns: int
    offset: int
    zone: str | None = None

    def __str__(self) -> str:
        text = f"{_format_date(self.days)}T{_format_time(self.ns)}{format_offset(self.offset)}"
        return f"{text}[{self.zone}]" if self.zone else text

    def sort_key(self) -> tuple[int | str, ...]:
        """By the moment, then by offset and zone."""
        return (self.utc_ns(), self.offset, self.zone or "")

    def utc_ns(self) -> int:
        """Nanoseconds since 1970 in UTC."""
        return self.days * DAY_NS + self.ns - self.offset * SECOND_NS

    def component(self, key: str) -> Value:
        """Those of a date, a time and a zone, and the epoch's."""
        value = _date_component(self.days, key)
        if value is None:
            value = _time_component(self.ns, key)
        if value is None:
            value = _offset_component(self.offset, self.zone, key)
        if value is None and key == "epochSeconds":
            return self.utc_ns() // SECOND_NS
        if value is None and key == "epochMillis":
            return self.utc_ns() // 1_000_000
        return value

    def plus(self, duration: Duration) -> DateTime:
        """Months and days on the local calendar, time on the clock of UTC."""
        local = LocalDateTime(self.days, self.ns).plus(Duration(duration.months, duration.days))
        if not duration.months and not duration.days:
            start = self
        else:
            start = at_zone(local, self.zone if self.zone else self.offset, self.offset)
        return at_instant(start.utc_ns() + duration.time_ns, self.zone if self.zone else self.offset)

    def to_python(self) -> python_datetime.datetime:
        """``datetime.datetime`` with its zone, cut to microseconds."""
        local = LocalDateTime(self.days, self.ns).to_python()
        offset = python_datetime.timedelta(seconds=self.offset)
        if self.zone:
            zoned = local.replace(tzinfo=time_zone(self.zone))
            return zoned if zoned.utcoffset() == offset else zoned.replace(fold=1)
        return local.replace(tzinfo=python_datetime.timezone(offset))


Temporal: TypeAlias = Date | LocalTime | Time | LocalDateTime | DateTime
Zone: TypeAlias = str | int
"""An IANA name, or a fixed offset in seconds."""


def days_of(value: Temporal) -> int:
    """A value's day; TypeMismatch for a time."""
    if isinstance(value, (LocalTime, Time)):
        raise TypeMismatch("A time has no date.")
    return value.days


def ns_of(value: Temporal) -> int:
    """A value's time of day in nanoseconds; midnight for a date."""
    return 0 if isinstance(value, Date) else value.ns


def zone_of(value: Temporal) -> Zone | None:
    """A value's IANA zone or else its offset; None for a local value."""
    if isinstance(value, DateTime):
        return value.zone if value.zone else value.offset
    return value.offset if isinstance(value, Time) else None


def _checked_days(days: int) -> int:
    check_range("year", civil_from_days(days)[0], -YEAR_MAX, YEAR_MAX)
    return days


def at_zone(local: LocalDateTime, zone: Zone, preferred_offset: int | None = None) -> DateTime:
    """The moment at which clocks in ``zone`` show ``local``.

    Where clocks went back and show it twice: the moment at ``preferred_offset``, else the first. Where they went
    forward and never show it: as much later as they jumped.
    """
    if isinstance(zone, int):
        return DateTime(local.days, local.ns, zone)
    before, after = offsets_at_local(zone, local.days, local.ns)
    if before < after:
        return at_instant(local.days * DAY_NS + local.ns - before * SECOND_NS, zone)
    offset = after if preferred_offset == after else before
    return DateTime(local.days, local.ns, offset, time_zone(zone).key)


def at_instant(utc_ns: int, zone: Zone) -> DateTime:
    """What clocks in ``zone`` show at a moment."""
    days, ns = divmod(utc_ns, DAY_NS)
    offset = zone if isinstance(zone, int) else offset_at_instant(zone, days, ns)
    days, ns = divmod(utc_ns + offset * SECOND_NS, DAY_NS)
    return DateTime(_checked_days(days), ns, offset, None if isinstance(zone, int) else time_zone(zone).key)


def from_python(value: python_datetime.date | python_datetime.time | python_datetime.timedelta) -> Value:
    """A value of the ``datetime`` module as MemQL's."""
    if isinstance(value, python_datetime.timedelta):
        microseconds = value.seconds * 1_000_000 + value.microseconds
        return Duration.of(0, value.days, microseconds * 1000)
    if isinstance(value, python_datetime.datetime):
        days = (value.date() - python_datetime.date(1970, 1, 1)).days
        ns = _python_time_ns(value)
        offset = value.utcoffset()
        if offset is None:
            return LocalDateTime(days, ns)
        seconds = int(offset.total_seconds())
        # Through the moment: Python lets a datetime stand in the gap of a change of clocks, where no clock shows it.
        moment = days * DAY_NS + ns - seconds * SECOND_NS
        return at_instant(moment, getattr(value.tzinfo, "key", None) or seconds)
    if isinstance(value, python_datetime.date):
        return Date((value - python_datetime.date(1970, 1, 1)).days)
    offset = value.utcoffset()
    ns = _python_time_ns(value)
    return LocalTime(ns) if offset is None else Time(ns, int(offset.total_seconds()))


def _python_time_ns(value: python_datetime.time | python_datetime.datetime) -> int:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return seconds * SECOND_NS + value.microsecond * 1000


__all__ = [
    "Date",
    "DateTime",
    "Duration",
    "LocalDateTime",
    "LocalTime",
    "Temporal",
    "Time",
    "Zone",
    "at_instant",
    "at_zone",
    "days_of",
    "format_offset",
    "from_python",
    "ns_of",
    "zone_of",
]
