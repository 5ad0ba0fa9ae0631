"""Truncation: a temporal value cut to a unit, ``date.truncate('month', d, {day: 5})`` and kin."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import temporal_build as build
from .calendar import DAY_NS, SECOND_NS, civil_from_days, days_from_civil, iso_week, weekday
from .errors import ArgumentError, TypeMismatch
from .temporal import Date, DateTime, LocalDateTime, LocalTime, Time, Zone, at_zone, format_offset, ns_of, zone_of
from .temporal_parse import week_days
from .values import Value

_TIME_UNITS: Final = {
    "day": DAY_NS,
    "hour": 3600 * SECOND_NS,
    "minute": 60 * SECOND_NS,
    "second": SECOND_NS,
    "millisecond": 1_000_000,
    "microsecond": 1000,
}


def _truncated(days: int, unit: str) -> int | None:
    year, month, _ = civil_from_days(days)
    match unit:
        case "millennium":
            return days_from_civil(year // 1000 * 1000, 1, 1)
        case "century":
            return days_from_civil(year // 100 * 100, 1, 1)
        case "decade":
            return days_from_civil(year // 10 * 10, 1, 1)
        case "year":
            return days_from_civil(year, 1, 1)
        case "weekyear":
            return week_days(iso_week(days)[0], 1, 1)
        case "quarter":
            return days_from_civil(year, (month + 2) // 3 * 3 - 2, 1)
        case "month":
            return days_from_civil(year, month, 1)
        case "week":
            return days - weekday(days) + 1
        case _:
            return None


_MAKERS: Final[dict[str, Callable[[Value, DateTime], Value]]] = {
    "date": build.date,
    "localtime": build.localtime,
    "time": build.time,
    "localdatetime": build.localdatetime,
    "datetime": build.datetime,
}


def truncate(kind: str, unit: Value, value: Value, overrides: Value, now: DateTime) -> Value:
    """``date.truncate(unit, value, overrides)`` and kin; ``kind`` is the result's constructor name."""
    if unit is None or value is None:
        return None
    if not isinstance(unit, str) or not isinstance(value, (Date, LocalTime, Time, LocalDateTime, DateTime)):
        raise TypeMismatch(f"{kind}.truncate() takes a unit and a temporal value.")
    name = unit.lower()
    wants_date, wants_time = kind not in ("time", "localtime"), kind != "date"
    has_date = not isinstance(value, (LocalTime, Time))
    parts: dict[str, Value] = {}
    days = _truncated(value.days, name) if has_date else None  # pyright: ignore[reportAttributeAccessIssue]
    if days is not None:
        if not wants_date:
            raise ArgumentError(f"A time cannot be truncated to a {unit}.")
        ns = 0
    elif name in _TIME_UNITS:
        if isinstance(value, Date) and name != "day":
            raise ArgumentError(f"A date cannot be truncated to a {unit}.")
        if kind == "date" and name != "day":
            raise ArgumentError(f"A date cannot be truncated to a {unit}.")
        days = value.days if has_date else 0  # pyright: ignore[reportAttributeAccessIssue]
        ns = ns_of(value)
        ns -= ns % _TIME_UNITS[name]
    else:
        raise ArgumentError(f"Unknown unit `{unit}`.")
    if wants_date:
        if not has_date:
            raise TypeMismatch(f"{kind}.truncate() needs a value with a date.")
        parts["date"] = Date(days)
    if wants_time:
        parts["time"] = LocalTime(ns)
    zone = zone_of(value)
    if kind in ("time", "datetime") and zone is not None:
        parts["timezone"] = _zone_text(zone) if kind == "datetime" or isinstance(zone, int) else None
        if parts["timezone"] is None:
            parts["timezone"] = _zone_text(value.offset)  # pyright: ignore[reportAttributeAccessIssue]
    if overrides is not None:
        if not isinstance(overrides, dict):
            raise TypeMismatch("Overrides of a truncation are a map.")
        parts.update(overrides)
        parts = _stack_fractions(parts, ns, overrides)
    result = _MAKERS[kind](parts, now)
    if isinstance(result, DateTime) and isinstance(value, DateTime) and result.zone:
        # Where clocks went back, an hour cut to its start stays the hour that it was.
        return at_zone(LocalDateTime(result.days, result.ns), result.zone, value.offset)
    return result


def _stack_fractions(parts: dict[str, Value], ns: int, overrides: dict[str, Value]) -> dict[str, Value]:
    """A nanosecond override keeps the milli- and microseconds that the truncation kept."""
    if "nanosecond" in overrides and "millisecond" not in overrides and "microsecond" not in overrides:
        rest = ns % SECOND_NS
        if rest:
            return {
                **parts,
                "millisecond": rest // 1_000_000,
                "microsecond": rest // 1000 % 1000,
            }
    if "microsecond" in overrides and "millisecond" not in overrides and ns % SECOND_NS:
        return {**parts, "millisecond": ns % SECOND_NS // 1_000_000}
    return parts


def _zone_text(zone: Zone) -> str:
    return format_offset(zone) if isinstance(zone, int) else zone
