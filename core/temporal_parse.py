"""Temporal text: every ISO 8601 form that openCypher reads."""

from __future__ import annotations

import re
from typing import Final

from .calendar import (
    DAY_NS,
    OFFSET_MAX,
    SECOND_NS,
    check_range,
    date_days,
    days_from_civil,
    is_leap,
    iso_week,
    week_start,
)
from .errors import ArgumentError
from .temporal import Date, DateTime, LocalDateTime, LocalTime, Time, Zone, at_zone

_DATE: Final = re.compile(
    r"(?P<year>[+-]\d{1,9}|\d{4})"
    r"(?:-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?"
    r"|-?Q(?P<quarter>\d)(?:-?(?P<quarterday>\d\d))?"
    r"|-(?P<month>\d\d)(?:-(?P<day>\d\d))?"
    r"|-?(?P<ordinal>\d{3})"
    r"|(?P<month2>\d\d)(?P<day2>\d\d)?)?"
)
_TIME: Final = re.compile(r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?")
_ZONE: Final = re.compile(r"(?P<utc>[Zz])?(?P<offset>[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?(?:\[(?P<name>[^\]]+)\])?")


def _bad(what: str, text: str) -> ArgumentError:
    return ArgumentError(f"`{text}` is not a {what}.")


def parse_days(text: str) -> int:
    """A date's days since 1970."""
    found = _DATE.fullmatch(text)
    if not found:
        raise _bad("date", text)
    part = found.groupdict()
    year = int(part["year"])
    if part["week"]:
        return week_days(year, int(part["week"]), int(part["weekday"] or 1))
    if part["quarter"]:
        return quarter_days(year, int(part["quarter"]), int(part["quarterday"] or 1))
    if part["ordinal"]:
        return ordinal_days(year, int(part["ordinal"]))
    return date_days(year, int(part["month"] or part["month2"] or 1), int(part["day"] or part["day2"] or 1))


def week_days(year: int, week: int, day: int) -> int:
    """The day of an ISO week; ArgumentError where the year has no such week."""
    check_range("week", week, 1, 53)
    check_range("dayOfWeek", day, 1, 7)
    days = week_start(year) + (week - 1) * 7 + day - 1
    if week == 53 and iso_week(days)[0] != year:
        raise ArgumentError(f"The year {year} has no week 53.")
    return days


def quarter_days(year: int, quarter: int, day: int) -> int:
    """The day of a quarter."""
    check_range("quarter", quarter, 1, 4)
    start = date_days(year, quarter * 3 - 2, 1)
    following = days_from_civil(year + (quarter == 4), quarter * 3 % 12 + 1, 1)
    return start + check_range("dayOfQuarter", day, 1, following - start) - 1


def ordinal_days(year: int, day: int) -> int:
    """The day of a year."""
    return date_days(year, 1, 1) + check_range("ordinalDay", day, 1, 366 if is_leap(year) else 365) - 1


def parse_time_ns(text: str) -> int:
    """A time's nanoseconds since midnight."""
    found = _TIME.fullmatch(text)
    if not found:
        raise _bad("time", text)
    hour = check_range("hour", int(found["hour"]), 0, 23)
    minute = check_range("minute", int(found["minute"] or 0), 0, 59)
    second = check_range("second", int(found["second"] or 0), 0, 59)
    return (hour * 3600 + minute * 60 + second) * SECOND_NS + int((found["fraction"] or "0").ljust(9, "0"))


def parse_offset(text: str) -> int:
    """``+01``, ``+0100``, ``+01:00`` or ``+01:00:30`` as seconds."""
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60 + int(digits[4:6] or 0)
    check_range("offset", seconds, 0, OFFSET_MAX)
    return -seconds if text[0] == "-" else seconds


def parse_zone(text: str) -> Zone | None:
    """The zone at the end of a time, a bare IANA name, or None for nothing."""
    found = _ZONE.fullmatch(text)
    if not found:
        return text
    if found["name"]:
        return found["name"]
    if found["offset"]:
        return parse_offset(found["offset"])
    return 0 if found["utc"] else None


def _split_zone(text: str) -> tuple[str, Zone | None]:
    """The local part of a time's text, and its zone."""
    place = re.search(r"[Zz+\[-]", text)
    if not place:
        return text, None
    return text[: place.start()], parse_zone(text[place.start() :])


def _split(text: str) -> tuple[str, str]:
    date, mark, time = text.partition("T")
    return date, time if mark else "00"


def parse_date(text: str) -> Date:
    """``2015-07-21``, ``2015W302``, ``2015-202``, ``2015-Q2-60``, ..."""
    return Date(parse_days(text))


def parse_local_time(text: str) -> LocalTime:
    """``21:40:32.142`` and shorter."""
    return LocalTime(parse_time_ns(text))


def parse_time(text: str, default: Zone) -> Time:
    """A time with an offset; without one it is at ``default``."""
    local, zone = _split_zone(text)
    zone = default if zone is None else zone
    if isinstance(zone, str):
        raise _bad("time (a time has an offset, not a named zone)", text)
    return Time(parse_time_ns(local), zone)


def parse_local_datetime(text: str) -> LocalDateTime:
    """A date and a time with ``T`` between; a date alone is its midnight."""
    date, time = _split(text)
    return LocalDateTime(parse_days(date), parse_time_ns(time))


def parse_datetime(text: str, default: Zone) -> DateTime:
    """A date, a time and a zone. With both an offset and a name, the offset says which of two moments is meant."""
    if "T" not in text and "[" in text:
        date, rest = text[: text.index("[")], "00" + text[text.index("[") :]
    else:
        date, rest = _split(text)
    local, zone = _split_zone(rest)
    moment = LocalDateTime(parse_days(date), parse_time_ns(local))
    if not isinstance(zone, str):
        return at_zone(moment, default if zone is None else zone)
    # The offset in front of a zone's name, if any.
    written = parse_zone(rest[len(local) :].partition("[")[0])
    offset = written if isinstance(written, int) else None
    result = at_zone(moment, zone, offset)
    if offset is not None and result.offset != offset:
        raise ArgumentError(f"`{text}`: clocks in {zone} are not at that offset then; leave one of the two out.")
    return result


__all__ = ["DAY_NS", "parse_date", "parse_datetime", "parse_local_datetime", "parse_local_time", "parse_time"]
