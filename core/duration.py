"""Durations: months, days, seconds and nanoseconds, which are four different things.

A month is not a number of days, nor a day a number of seconds (daylight saving). Only fractions cascade: part of a
month becomes days by the mean Gregorian month (30.436875 days), part of a day seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from .errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from .values import INTEGER_MAX, INTEGER_MIN, Value

MONTH_DAYS: Final = Fraction(30436875, 1000000)
SECOND_NS: Final = 1_000_000_000


def _trunc(value: int, by: int) -> int:
    return value // by if value >= 0 else -(-value // by)


def _rest(value: int, by: int) -> int:
    return value % by if value >= 0 else -(-value % by)


@dataclass(frozen=True, slots=True)
class Duration:
    """``nanoseconds`` is 0 to 999,999,999; a negative time has negative ``seconds`` below it."""

    months: int = 0
    days: int = 0
    seconds: int = 0
    nanoseconds: int = 0

    def __post_init__(self) -> None:
        for part in (self.months, self.days, self.seconds):
            if not INTEGER_MIN <= part <= INTEGER_MAX:
                raise ArithmeticOverflow("A duration's part does not fit 64 bits.")

    @property
    def time_ns(self) -> int:
        """Seconds and nanoseconds in one number."""
        return self.seconds * SECOND_NS + self.nanoseconds

    @staticmethod
    def of(months: int, days: int, time_ns: int) -> Duration:
        """From three numbers."""
        return Duration(months, days, time_ns // SECOND_NS, time_ns % SECOND_NS)

    @staticmethod
    def cascading(months: Fraction, days: Fraction, seconds: Fraction) -> Duration:
        """From numbers with fractions, which go down to the next smaller part."""
        whole_months = int(months)
        days += (months - whole_months) * MONTH_DAYS
        whole_days = int(days)
        seconds += (days - whole_days) * 86_400
        return Duration.of(whole_months, whole_days, int(seconds * SECOND_NS))

    def plus(self, other: Duration) -> Duration:
        """Part by part."""
        return Duration.of(self.months + other.months, self.days + other.days, self.time_ns + other.time_ns)

    def negated(self) -> Duration:
        """All parts with the other sign."""
        return Duration.of(-self.months, -self.days, -self.time_ns)

    def times(self, factor: float) -> Duration:
        """Every part times ``factor``; fractions cascade."""
        by = fraction(factor)
        return Duration.cascading(self.months * by, self.days * by, Fraction(self.time_ns, SECOND_NS) * by)

    def divided(self, by: float) -> Duration:
        """Every part divided; fractions cascade."""
        inverse = 1 / fraction(by)
        return Duration.cascading(
            self.months * inverse, self.days * inverse, Fraction(self.time_ns, SECOND_NS) * inverse
        )

    def sort_key(self) -> tuple[int, int, int, int]:
        """By mean length; then by parts, so that only equal durations tie."""
        total = int((self.months * MONTH_DAYS + self.days) * 86_400 * SECOND_NS) + self.time_ns
        return (total, self.months, self.days, self.time_ns)

    def component(self, key: str) -> Value:
        """``d.hours`` and kin: whole units of the part that they belong to; None for an unknown name."""
        seconds, ns = self.seconds, self.nanoseconds
        match key:
            case "years":
                return _trunc(self.months, 12)
            case "quarters":
                return _trunc(self.months, 3)
            case "months":
                return self.months
            case "weeks":
                return _trunc(self.days, 7)
            case "days":
                return self.days
            case "hours":
                return _trunc(seconds, 3600)
            case "minutes":
                return _trunc(seconds, 60)
            case "seconds":
                return seconds
            case "milliseconds":
                return self.time_ns // 1_000_000
            case "microseconds":
                return self.time_ns // 1000
            case "nanoseconds":
                return self.time_ns
            case "quartersOfYear":
                return _rest(_trunc(self.months, 3), 4)
            case "monthsOfQuarter":
                return _rest(self.months, 3)
            case "monthsOfYear":
                return _rest(self.months, 12)
            case "daysOfWeek":
                return _rest(self.days, 7)
            case "minutesOfHour":
                return _rest(_trunc(seconds, 60), 60)
            case "secondsOfMinute":
                return _rest(seconds, 60)
            case "millisecondsOfSecond":
                return ns // 1_000_000
            case "microsecondsOfSecond":
                return ns // 1000
            case "nanosecondsOfSecond":
                return ns
            case _:
                return None

    def __str__(self) -> str:
        """ISO 8601, seconds normalised to minutes and hours but hours never to days.

        >>> str(Duration(14, -3, 3661, 500_000_000)), str(Duration())
        ('P1Y2M-3DT1H1M1.5S', 'PT0S')
        """
        date = ""
        for value, unit in ((_trunc(self.months, 12), "Y"), (_rest(self.months, 12), "M"), (self.days, "D")):
            if value:
                date += f"{value}{unit}"
        total = self.time_ns
        whole, ns = _trunc(total, SECOND_NS), _rest(total, SECOND_NS)
        time = ""
        for value, unit in ((_trunc(whole, 3600), "H"), (_trunc(_rest(whole, 3600), 60), "M")):
            if value:
                time += f"{value}{unit}"
        seconds = _rest(whole, 60)
        if seconds or ns:
            sign = "-" if total < 0 else ""
            part = f".{abs(ns):09d}".rstrip("0") if ns else ""
            time += f"{sign}{abs(seconds)}{part}S"
        if not date and not time:
            return "PT0S"
        return f"P{date}{'T' + time if time else ''}"


def fraction(value: Value) -> Fraction:
    """A number exactly as it is written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeMismatch("A part of a duration must be a number.")
    try:
        return Fraction(value) if isinstance(value, int) else Fraction(repr(value))
    except ValueError:
        raise ArgumentError(f"A part of a duration cannot be {value}.") from None


_UNIT_MONTHS: Final = {"years": 12, "quarters": 3, "months": 1}
_UNIT_DAYS: Final = {"weeks": 7, "days": 1}
_UNIT_SECONDS: Final = {
    "hours": Fraction(3600),
    "minutes": Fraction(60),
    "seconds": Fraction(1),
    "milliseconds": Fraction(1, 1000),
    "microseconds": Fraction(1, 1_000_000),
    "nanoseconds": Fraction(1, SECOND_NS),
}


def duration_from_map(parts: dict[str, Value]) -> Duration | None:
    """``duration({...})``; None where a part is null."""
    months = days = seconds = Fraction(0)
    for key, value in parts.items():
        if value is None:
            return None
        if key in _UNIT_MONTHS:
            months += fraction(value) * _UNIT_MONTHS[key]
        elif key in _UNIT_DAYS:
            days += fraction(value) * _UNIT_DAYS[key]
        elif key in _UNIT_SECONDS:
            seconds += fraction(value) * _UNIT_SECONDS[key]
        else:
            raise ArgumentError(f"A duration has no part `{key}`.")
    return Duration.cascading(months, days, seconds)


_N = r"[+-]?\d+(?:[.,]\d+)?"
_UNITS: Final = re.compile(
    rf"([+-])?P(?:({_N})Y)?(?:({_N})M)?(?:({_N})W)?(?:({_N})D)?"
    rf"(?:T(?:({_N})H)?(?:({_N})M)?(?:([+-]?\d*[.,]?\d+)S)?)?"
)
_DATE_LIKE: Final = re.compile(r"P(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?(\d\d(?:[.,]\d+)?))?)?")


def parse_duration(text: str) -> Duration:
    """``P1Y2M3DT4H5M6.7S``, ``P2W``, or the date-like ``P0001-02-03T04:05:06``."""
    found = _DATE_LIKE.fullmatch(text)
    if found:
        years, months, days, hours, minutes, seconds = (Fraction((g or "0").replace(",", ".")) for g in found.groups())
        return Duration.cascading(years * 12 + months, days, hours * 3600 + minutes * 60 + seconds)
    found = _UNITS.fullmatch(text)
    if not found or not any(found.groups()[1:]) or text.endswith("T"):
        raise ArgumentError(f"`{text}` is not a duration.", hint="For example: 'P1Y2M10DT2H30M'.")
    sign = -1 if found.group(1) == "-" else 1
    y, mo, w, d, h, mi, s = (sign * Fraction((g or "0").replace(",", ".")) for g in found.groups()[1:])
    return Duration.cascading(y * 12 + mo, w * 7 + d, h * 3600 + mi * 60 + s)
