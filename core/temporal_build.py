"""Making temporal values: from text, from maps, from each other.

A map may hold a whole value (``{date: d, day: 1}``) whose parts the other keys override; a larger unit may be left
out only with all smaller ones. The current instant is an argument: nothing here reads a clock.
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Final

from .calendar import (
    DAY_NS,
    SECOND_NS,
    check_range,
    civil_from_days,
    date_days,
    days_from_civil,
    iso_week,
    weekday,
)
from .duration import Duration, duration_from_map, parse_duration
from .errors import ArgumentError, TypeMismatch
from .temporal import (
    Date,
    DateTime,
    LocalDateTime,
    LocalTime,
    Temporal,
    Time,
    Zone,
    at_instant,
    at_zone,
    days_of,
    ns_of,
    zone_of,
)
from .temporal_parse import (
    ordinal_days,
    parse_date,
    parse_datetime,
    parse_local_datetime,
    parse_local_time,
    parse_time,
    parse_zone,
    quarter_days,
    week_days,
)
from .values import Value

_DATE_KEYS: Final = frozenset(
    [
        "year",
        "month",
        "day",
        "week",
        "dayOfWeek",
        "quarter",
        "dayOfQuarter",
        "ordinalDay",
        "date",
        "datetime",
        "localdatetime",
    ]
)
_TIME_KEYS: Final = frozenset(
    [
        "hour",
        "minute",
        "second",
        "millisecond",
        "microsecond",
        "nanosecond",
        "time",
        "localtime",
        "datetime",
        "localdatetime",
    ]
)


def _integer(parts: dict[str, Value], key: str, default: int) -> int:
    value = parts.get(key, default)
    if type(value) is not int:
        raise TypeMismatch(f"`{key}` must be an integer.")
    return value


def _base(parts: dict[str, Value], kinds: tuple[str, ...]) -> Temporal | None:
    for key in kinds:
        value = parts.get(key)
        if value is not None:
            if not isinstance(value, (Date, LocalTime, Time, LocalDateTime, DateTime)):
                raise TypeMismatch(f"`{key}` must be a temporal value.")
            return value
    return None


def _map_days(parts: dict[str, Value]) -> int:
    base = _base(parts, ("date", "datetime", "localdatetime"))
    days = None if base is None else days_of(base)
    if days is None and "year" not in parts:
        raise ArgumentError("A date needs at least a year.")
    year, month, day = (0, 1, 1) if days is None else civil_from_days(days)
    if "week" in parts or "dayOfWeek" in parts:
        week_year, week = (year, 1) if days is None else iso_week(days)
        return week_days(
            _integer(parts, "year", week_year),
            _integer(parts, "week", week),
            _integer(parts, "dayOfWeek", 1 if days is None else weekday(days)),
        )
    if "quarter" in parts or "dayOfQuarter" in parts:
        quarter = (month + 2) // 3
        of_quarter = 1 if days is None else days - days_from_civil(year, quarter * 3 - 2, 1) + 1
        return quarter_days(
            _integer(parts, "year", year),
            _integer(parts, "quarter", quarter),
            _integer(parts, "dayOfQuarter", of_quarter),
        )
    if "ordinalDay" in parts:
        return ordinal_days(_integer(parts, "year", year), _integer(parts, "ordinalDay", 1))
    if days is None and "day" in parts and "month" not in parts:
        raise ArgumentError("A date with a day needs a month.")
    return date_days(_integer(parts, "year", year), _integer(parts, "month", month), _integer(parts, "day", day))


def _map_ns(parts: dict[str, Value]) -> int:
    base = _base(parts, ("time", "localtime", "datetime", "localdatetime"))
    ns = 0 if base is None else ns_of(base)
    if base is None:
        for smaller, larger in (("minute", "hour"), ("second", "minute")):
            if smaller in parts and larger not in parts:
                raise ArgumentError(f"A time with a {smaller} needs the {larger}.")
    hour = check_range("hour", _integer(parts, "hour", ns // (3600 * SECOND_NS)), 0, 23)
    minute = check_range("minute", _integer(parts, "minute", ns // (60 * SECOND_NS) % 60), 0, 59)
    second = check_range("second", _integer(parts, "second", ns // SECOND_NS % 60), 0, 59)
    rest = ns % SECOND_NS
    # A millisecond keeps nothing below it, but microsecond and nanosecond may add to it.
    if "millisecond" in parts:
        rest = check_range("millisecond", _integer(parts, "millisecond", 0), 0, 999) * 1_000_000
        rest += check_range("microsecond", _integer(parts, "microsecond", 0), 0, 999) * 1000
        rest += check_range("nanosecond", _integer(parts, "nanosecond", 0), 0, 999_999)
    elif "microsecond" in parts:
        rest = check_range("microsecond", _integer(parts, "microsecond", 0), 0, 999_999) * 1000
        rest += check_range("nanosecond", _integer(parts, "nanosecond", 0), 0, 999)
    elif "nanosecond" in parts:
        rest = check_range("nanosecond", _integer(parts, "nanosecond", 0), 0, 999_999_999)
    return (hour * 3600 + minute * 60 + second) * SECOND_NS + rest


def _zone(parts: dict[str, Value]) -> Zone | None:
    value = parts.get("timezone")
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeMismatch("`timezone` must be a string.")
    return parse_zone(value)


def _check_keys(parts: dict[str, Value], allowed: frozenset[str], what: str) -> bool:
    """Whether any part is null; ArgumentError for a key that means nothing here."""
    for key in parts:
        if key not in allowed:
            raise ArgumentError(f"A {what} has no part `{key}`.")
    return any(value is None for value in parts.values())


def _unusable(value: Value, what: str) -> TypeMismatch:
    return TypeMismatch(f"{what}() takes a string, a map or a temporal value.")


def date(value: Value, now: DateTime) -> Value:
    """``date(value)``; ``now`` where nothing was given."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_date(value)
    if isinstance(value, dict):
        if _check_keys(value, _DATE_KEYS | {"timezone"}, "date"):
            return None
        if value.keys() == {"timezone"}:
            zone = _zone(value)
            return Date(at_instant(now.utc_ns(), 0 if zone is None else zone).days)
        return Date(_map_days(value))
    if isinstance(value, (Date, LocalDateTime, DateTime)):
        return Date(value.days)
    raise _unusable(value, "date")


def localtime(value: Value, now: DateTime) -> Value:
    """``localtime(value)``."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_local_time(value)
    if isinstance(value, dict):
        if _check_keys(value, _TIME_KEYS | {"timezone"}, "local time"):
            return None
        if value.keys() == {"timezone"}:
            zone = _zone(value)
            return LocalTime(at_instant(now.utc_ns(), 0 if zone is None else zone).ns)
        return LocalTime(_map_ns(value))
    if isinstance(value, (LocalTime, Time, LocalDateTime, DateTime)):
        return LocalTime(value.ns)
    raise _unusable(value, "localtime")


def time(value: Value, now: DateTime) -> Value:
    """``time(value)``: at offset zero unless said otherwise."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_time(value, 0)
    if isinstance(value, dict):
        if _check_keys(value, _TIME_KEYS | {"timezone"}, "time"):
            return None
        zone = _zone(value)
        if value.keys() == {"timezone"}:
            moment = at_instant(now.utc_ns(), 0 if zone is None else zone)
            return Time(moment.ns, moment.offset)
        base = _base(value, ("time", "localtime", "datetime", "localdatetime"))
        offset = _offset_for(base, zone)
        ns = _map_ns(value)
        if base is not None and zone is not None and isinstance(base, (Time, DateTime)):
            overridden = any(
                k in value for k in ("hour", "minute", "second", "millisecond", "microsecond", "nanosecond")
            )
            if not overridden:
                ns = (ns + (offset - base.offset) * SECOND_NS) % DAY_NS
            else:
                shifted = {**value, "time": LocalTime((base.ns + (offset - base.offset) * SECOND_NS) % DAY_NS)}
                for key in ("localtime", "datetime", "localdatetime"):
                    shifted.pop(key, None)
                ns = _map_ns(shifted)
        return Time(ns, offset)
    if isinstance(value, (Time, DateTime)):
        return Time(value.ns, value.offset)
    if isinstance(value, (LocalTime, LocalDateTime)):
        return Time(value.ns, 0)
    raise _unusable(value, "time")


def _offset_for(base: Temporal | None, zone: Zone | None) -> int:
    if zone is None:
        return base.offset if isinstance(base, (Time, DateTime)) else 0
    if isinstance(zone, int):
        return zone
    if isinstance(base, DateTime):
        return at_instant(base.utc_ns(), zone).offset
    days = base.days if isinstance(base, (Date, LocalDateTime)) else 0
    return at_zone(LocalDateTime(days, 0 if base is None else ns_of(base)), zone).offset


def localdatetime(value: Value, now: DateTime) -> Value:
    """``localdatetime(value)``."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_local_datetime(value)
    if isinstance(value, dict):
        if _check_keys(value, _DATE_KEYS | _TIME_KEYS | {"timezone"}, "local datetime"):
            return None
        if value.keys() == {"timezone"}:
            zone = _zone(value)
            moment = at_instant(now.utc_ns(), 0 if zone is None else zone)
            return LocalDateTime(moment.days, moment.ns)
        return LocalDateTime(_map_days(value), _map_ns(value))
    if isinstance(value, (LocalDateTime, DateTime)):
        return LocalDateTime(value.days, value.ns)
    if isinstance(value, Date):
        return LocalDateTime(value.days, 0)
    raise _unusable(value, "localdatetime")


def datetime(value: Value, now: DateTime) -> Value:
    """``datetime(value)``: in UTC unless said otherwise."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_datetime(value, 0)
    if isinstance(value, dict):
        allowed = _DATE_KEYS | _TIME_KEYS | {"timezone", "epochSeconds", "epochMillis"}
        if _check_keys(value, allowed, "datetime"):
            return None
        return _datetime_from_map(value, now)
    if isinstance(value, DateTime):
        return value
    if isinstance(value, LocalDateTime):
        return at_zone(value, 0)
    if isinstance(value, Date):
        return at_zone(LocalDateTime(value.days, 0), 0)
    raise _unusable(value, "datetime")


def _datetime_from_map(parts: dict[str, Value], now: DateTime) -> DateTime:
    zone = _zone(parts)
    if parts.keys() == {"timezone"}:
        return at_instant(now.utc_ns(), 0 if zone is None else zone)
    if "epochSeconds" in parts or "epochMillis" in parts:
        ns = _integer(parts, "epochSeconds", 0) * SECOND_NS + _integer(parts, "epochMillis", 0) * 1_000_000
        return at_instant(ns + _integer(parts, "nanosecond", 0), 0 if zone is None else zone)
    time_base = _base(parts, ("time", "datetime"))
    base_zone = None if time_base is None else zone_of(time_base)
    if zone is not None and base_zone is not None:
        # The other value's moment, seen in the new zone; then its parts may be overridden.
        assert time_base is not None
        if isinstance(time_base, DateTime) and "date" not in parts:
            moved = at_instant(time_base.utc_ns(), zone)
            parts = {**parts, "datetime": moved}
            parts.pop("time", None)
        else:
            day = _map_days(parts)
            source = at_zone(LocalDateTime(day, ns_of(time_base)), base_zone)
            moved = at_instant(source.utc_ns(), zone)
            rest = {k: v for k, v in parts.items() if k in _TIME_KEYS - {"time", "datetime"}}
            if not rest:
                return moved
            parts = {**parts, "date": Date(moved.days), "time": LocalTime(moved.ns)}
            parts.pop("datetime", None)
    local = LocalDateTime(_map_days(parts), _map_ns(parts))
    preferred = time_base.offset if isinstance(time_base, DateTime) else None
    if zone is None:
        zone = base_zone if base_zone is not None else 0
    return at_zone(local, zone, preferred)


def duration(value: Value) -> Value:
    """``duration(value)``."""
    if value is None or isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, dict):
        return duration_from_map(value)
    raise TypeMismatch("duration() takes a string or a map.")


def datetime_from_epoch(seconds: Value, nanoseconds: Value) -> Value:
    """``datetime.fromepoch(seconds, nanoseconds)``."""
    if seconds is None or nanoseconds is None:
        return None
    if type(seconds) is not int or type(nanoseconds) is not int:
        raise TypeMismatch("datetime.fromepoch() takes integers.")
    return at_instant(seconds * SECOND_NS + nanoseconds, 0)


def datetime_from_epoch_millis(milliseconds: Value) -> Value:
    """``datetime.fromepochmillis(milliseconds)``."""
    if milliseconds is None:
        return None
    if type(milliseconds) is not int:
        raise TypeMismatch("datetime.fromepochmillis() takes an integer.")
    return at_instant(milliseconds * 1_000_000, 0)
