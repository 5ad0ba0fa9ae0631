"""The proleptic Gregorian calendar on integers, for any year; ISO weeks; time zones.

Days count from 1970-01-01. The conversions are Howard Hinnant's (chrono-compatible low-level date algorithms): eras
of 400 years, years that begin in March.
"""

from __future__ import annotations

import datetime as python_datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from .errors import ArgumentError

DAY_NS: Final = 86_400_000_000_000
SECOND_NS: Final = 1_000_000_000
DAY_SECONDS: Final = 86_400
YEAR_MAX: Final = 999_999_999
OFFSET_MAX: Final = 18 * 3600
"""Seconds east or west of UTC, as in Java's time."""


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01.

    >>> days_from_civil(2000, 3, 1)
    11017
    """
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month, day.

    >>> civil_from_days(11017)
    (2000, 3, 1)
    """
    days += 719_468
    era = days // 146_097
    of_era = days - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = part + (3 if part < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * part + 2) // 5 + 1


DAY_MIN: Final = days_from_civil(-YEAR_MAX, 1, 1)
DAY_MAX: Final = days_from_civil(YEAR_MAX, 12, 31)


def is_leap(year: int) -> bool:
    """Whether ``year`` has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_days(year: int, month: int) -> int:
    """Days in a month."""
    return 29 if month == 2 and is_leap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def weekday(days: int) -> int:
    """1 (Monday) to 7."""
    return (days + 3) % 7 + 1


def week_start(year: int) -> int:
    """The Monday of week 1 of an ISO week year."""
    fourth = days_from_civil(year, 1, 4)
    return fourth - weekday(fourth) + 1


def iso_week(days: int) -> tuple[int, int]:
    """Week year and week."""
    year = civil_from_days(days - weekday(days) + 4)[0]
    return year, (days - week_start(year)) // 7 + 1


def check_range(name: str, value: int, low: int, high: int) -> int:
    """``value``, or ArgumentError outside ``low`` to ``high``."""
    if not low <= value <= high:
        raise ArgumentError(f"{name} must be between {low} and {high}, not {value}.")
    return value


def date_days(year: int, month: int, day: int) -> int:
    """Like ``days_from_civil``, but ArgumentError where there is no such day."""
    check_range("year", year, -YEAR_MAX, YEAR_MAX)
    check_range("month", month, 1, 12)
    check_range("day", day, 1, month_days(year, month))
    return days_from_civil(year, month, day)


def add_months(days: int, months: int) -> int:
    """The same day so many months later, or that month's last."""
    year, month, day = civil_from_days(days)
    total = year * 12 + month - 1 + months
    year, month = total // 12, total % 12 + 1
    check_range("year", year, -YEAR_MAX, YEAR_MAX)
    return days_from_civil(year, month, min(day, month_days(year, month)))


# --- zones -------------------------------------------------------------------


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """An IANA zone by name, in any case; ArgumentError where there is none."""
    # From the tzdata package, not the machine's own files: the same zones, and the same history, everywhere.
    by_folded = _zone_names()
    known = by_folded.get(name.lower())
    if known is None:
        raise ArgumentError(f"Unknown time zone `{name}`.")
    with files("tzdata").joinpath("zoneinfo", *known.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=known)


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    names = files("tzdata").joinpath("zones").read_text("ascii").split()
    return {n.lower(): n for n in names}


_CYCLE_DAYS: Final = 146_097
_FIRST_DAY: Final = -719_162 + 366
_LAST_DAY: Final = 2_932_896 - 366


def _representable(days: int) -> int:
    """The same day 400 years (or a multiple) nearer, where Python's years 1 to 9999 do not reach.

    Early days stay before every zone's first change of clocks, late ones after its last.
    """
    if days < _FIRST_DAY:
        return _FIRST_DAY + (days - _FIRST_DAY) % _CYCLE_DAYS
    if days > _LAST_DAY:
        return _LAST_DAY - (_LAST_DAY - days) % _CYCLE_DAYS
    return days


def _python(days: int, ns: int) -> python_datetime.datetime:
    return python_datetime.datetime(1970, 1, 1) + python_datetime.timedelta(
        days=_representable(days), microseconds=ns // 1000
    )


def offsets_at_local(name: str, days: int, ns: int) -> tuple[int, int]:
    """Seconds east of UTC at a local time, before and after a change of clocks there; else twice the same.

    The first is the larger where clocks went back (the local time comes twice), the smaller where they went forward
    (it never comes).
    """
    local = _python(days, ns).replace(tzinfo=zone(name))
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert before is not None and after is not None
    return int(before.total_seconds()), int(after.total_seconds())


def offset_at_instant(name: str, days: int, ns: int) -> int:
    """Seconds east of UTC at a moment given in UTC."""
    moment = _python(days, ns).replace(tzinfo=python_datetime.UTC).astimezone(zone(name))
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
