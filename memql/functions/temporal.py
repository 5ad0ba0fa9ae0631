"""Dates, times, durations. ``now`` is the statement's instant unless the name says realtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memoradb.core import temporal_between as between
from memoradb.core import temporal_build as build
from memoradb.core.temporal import DateTime, at_instant
from memoradb.core.temporal_parse import parse_zone
from memoradb.core.temporal_truncate import truncate as truncated
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import function

_RESULTS = {
    "date": Type.DATE,
    "localtime": Type.LOCAL_TIME,
    "time": Type.TIME,
    "localdatetime": Type.LOCAL_DATETIME,
    "datetime": Type.DATETIME,
}
_MAKERS: dict[str, Callable[[Value, DateTime], Value]] = {
    "date": build.date,
    "localtime": build.localtime,
    "time": build.time,
    "localdatetime": build.localdatetime,
    "datetime": build.datetime,
}
_SOURCE = Type.STRING | Type.MAP | Type.TEMPORAL


def _now(context: Any) -> DateTime:
    return at_instant(context.now_ns, 0)


def _declare(kind: str) -> None:
    make, result = _MAKERS[kind], _RESULTS[kind]

    def construct(context: Any, *arguments: Value) -> Value:
        now = _now(context)
        return make(arguments[0] if arguments else now, now)

    construct.__doc__ = f"A {kind}, from a string, a map or another temporal value; without argument the current one."
    function(kind, (_SOURCE,), result, required=0, needs_context=True)(construct)

    def clock(instant: Callable[[Any], int], name: str, volatile: bool) -> None:
        def current(context: Any, *arguments: Value) -> Value:
            zone = parse_zone(arguments[0]) if arguments and isinstance(arguments[0], str) else 0
            moment = at_instant(instant(context), 0 if zone is None else zone)
            return make(moment, moment)

        current.__doc__ = f"The current {kind}, by the {name}'s clock, in a zone or in UTC."
        function(f"{kind}.{name}", (Type.STRING,), result, required=0, needs_context=True, volatile=volatile)(current)

    clock(lambda context: context.now_ns, "statement", False)
    clock(lambda context: context.now_ns, "transaction", False)
    clock(lambda context: context.clock.now_ns(), "realtime", True)

    def truncate(context: Any, unit: Value, value: Value = None, overrides: Value = None) -> Value:
        now = _now(context)
        return truncated(kind, unit, now if value is None else value, overrides, now)

    truncate.__doc__ = f"A {kind} cut to a unit, then with the parts of a map set."
    function(f"{kind}.truncate", (Type.STRING, Type.TEMPORAL, Type.MAP), result, required=1, needs_context=True)(
        truncate
    )


for _kind in _MAKERS:
    _declare(_kind)


@function("duration", (Type.STRING | Type.MAP | Type.DURATION,), Type.DURATION)
def _duration(x: Value) -> Value:
    """A duration, from a string or a map."""
    return build.duration(x)


for _name, _compute, _text in (
    ("duration.between", between.duration_between, "From one temporal value to another in months, days and time."),
    ("duration.inMonths", between.duration_in_months, "The same in whole months."),
    ("duration.inDays", between.duration_in_days, "The same in whole days."),
    ("duration.inSeconds", between.duration_in_seconds, "The same in seconds."),
):

    def _declare_between(name: str, compute: Callable[[Value, Value], Value], text: str) -> None:
        def evaluate(a: Value, b: Value) -> Value:
            return compute(a, b)

        evaluate.__doc__ = text
        function(name, (Type.TEMPORAL, Type.TEMPORAL), Type.DURATION)(evaluate)

    _declare_between(_name, _compute, _text)


@function("datetime.fromepoch", (Type.INTEGER, Type.INTEGER), Type.DATETIME)
def _from_epoch(seconds: Value, nanoseconds: Value) -> Value:
    """The moment so many seconds and nanoseconds after 1970 began in UTC."""
    return build.datetime_from_epoch(seconds, nanoseconds)


@function("datetime.fromepochmillis", (Type.INTEGER,), Type.DATETIME)
def _from_epoch_millis(milliseconds: Value) -> Value:
    """The moment so many milliseconds after 1970 began in UTC."""
    return build.datetime_from_epoch_millis(milliseconds)


@function("timestamp", (), Type.INTEGER, needs_context=True)
def _timestamp(context: Any) -> Value:
    """Milliseconds since 1970 began in UTC."""
    return context.now_ns // 1_000_000
