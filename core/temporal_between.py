"""From one temporal value to another: ``duration.between`` and its kin in one unit."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from .calendar import DAY_NS, SECOND_NS, add_months, civil_from_days
from .duration import Duration
from .errors import TypeMismatch
from .temporal import Date, DateTime, LocalDateTime, LocalTime, Time, Zone, at_instant, at_zone, days_of, ns_of, zone_of
from .values import Value


def _pair(a: Value, b: Value) -> tuple[int | None, int, int | None, int]:
    """Both as local (days, ns) on one clock; days None where either has no date."""
    kinds = (Date, LocalTime, Time, LocalDateTime, DateTime)
    if not isinstance(a, kinds) or not isinstance(b, kinds):
        raise TypeMismatch("A duration lies between two temporal values.")
    zone_a, zone_b = zone_of(a), zone_of(b)
    dated = not isinstance(a, (LocalTime, Time)) and not isinstance(b, (LocalTime, Time))
    if dated:
        days_a, ns_a, days_b, ns_b = days_of(a), ns_of(a), days_of(b), ns_of(b)
        if zone_a is not None and zone_b is not None:
            assert isinstance(a, DateTime) and isinstance(b, DateTime)
            days_b, ns_b = divmod(b.utc_ns() + a.offset * SECOND_NS, DAY_NS)
            if isinstance(zone_a, str):
                moved = at_instant(b.utc_ns(), zone_a)
                days_b, ns_b = moved.days, moved.ns
        return days_a, ns_a, days_b, ns_b
    ns_a, ns_b = ns_of(a), ns_of(b)
    if isinstance(a, (Time, DateTime)) and isinstance(b, (Time, DateTime)):
        return None, ns_a - a.offset * SECOND_NS, None, ns_b - b.offset * SECOND_NS
    return None, ns_a, None, ns_b


def _whole_months(days_a: int, ns_a: int, days_b: int, ns_b: int) -> int:
    """Months that are over: a month is when its day of the month comes, and on that day its time of day."""
    if days_b > days_a and ns_b < ns_a:
        days_b -= 1
    elif days_b < days_a and ns_b > ns_a:
        days_b += 1
    year_a, month_a, day_a = civil_from_days(days_a)
    year_b, month_b, day_b = civil_from_days(days_b)
    months = (year_b - year_a) * 12 + month_b - month_a
    if months > 0 and day_b < day_a:
        return months - 1
    return months + 1 if months < 0 and day_b > day_a else months


def _truncated_division(value: int, by: int) -> int:
    return value // by if value >= 0 else -(-value // by)


def duration_between(a: Value, b: Value) -> Value:
    """Months, then days, then time."""
    if a is None or b is None:
        return None
    days_a, ns_a, days_b, ns_b = _pair(a, b)
    if days_a is None or days_b is None:
        return Duration.of(0, 0, ns_b - ns_a)
    months = _whole_months(days_a, ns_a, days_b, ns_b)
    start = add_months(days_a, months)
    rest = (days_b - start) * DAY_NS + ns_b - ns_a
    days = _truncated_division(rest, DAY_NS)
    time_ns = rest - days * DAY_NS
    if isinstance(a, DateTime) and isinstance(b, DateTime) and a.zone:
        # Clocks may have moved in what is left of a day: the moments say how long it was.
        reached = a.plus(Duration(months, days))
        time_ns = b.utc_ns() - reached.utc_ns()
    return Duration.of(months, days, time_ns)


def duration_in_months(a: Value, b: Value) -> Value:
    """Whole months only."""
    if a is None or b is None:
        return None
    days_a, ns_a, days_b, ns_b = _pair(a, b)
    if days_a is None or days_b is None:
        return Duration()
    return Duration(_whole_months(days_a, ns_a, days_b, ns_b))


def duration_in_days(a: Value, b: Value) -> Value:
    """Whole days only."""
    if a is None or b is None:
        return None
    days_a, ns_a, days_b, ns_b = _pair(a, b)
    if days_a is None or days_b is None:
        return Duration()
    return Duration(0, _truncated_division((days_b - days_a) * DAY_NS + ns_b - ns_a, DAY_NS))


def duration_in_seconds(a: Value, b: Value) -> Value:
    """Seconds and nanoseconds only."""
    if a is None or b is None:
        return None
    if isinstance(a, DateTime) and isinstance(b, DateTime):
        return Duration.of(0, 0, b.utc_ns() - a.utc_ns())
    if isinstance(a, DateTime) != isinstance(b, DateTime):
        # The one without a zone is on the other's clock: between them daylight saving may change.
        zoned, local = (a, b) if isinstance(a, DateTime) else (b, a)
        assert isinstance(zoned, DateTime)
        zone: Zone = zoned.zone if zoned.zone else zoned.offset
        if isinstance(local, (Date, LocalDateTime)):
            other = at_zone(LocalDateTime(local.days, ns_of(local)), zone)
        elif isinstance(local, LocalTime):
            other = at_zone(LocalDateTime(zoned.days, local.ns), zone)
        else:
            other = None
        if other is not None:
            difference = other.utc_ns() - zoned.utc_ns()
            return Duration.of(0, 0, difference if isinstance(a, DateTime) else -difference)
    days_a, ns_a, days_b, ns_b = _pair(a, b)
    whole = 0 if days_a is None or days_b is None else (days_b - days_a) * DAY_NS
    return Duration.of(0, 0, whole + ns_b - ns_a)
