"""The past as statements and procedures ask for it: what the storage engine must offer, and where moments stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from memoradb.core.clock import Clock
from memoradb.core.errors import HistoryUnavailable, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.temporal import Date, DateTime, LocalDateTime, at_instant
from memoradb.core.temporal_parse import parse_datetime
from memoradb.core.values import Value
from memoradb.storage.changeset import Changeset
from memoradb.storage.view import Element, GraphView

SETTLED_MAX: Final = 10_000
"""Moments whose positions are remembered."""


class Commit(Protocol):
    """One transaction of the past: its place in the log, its number, when it was committed, and what it did."""

    @property
    def position(self) -> int: ...
    @property
    def transaction(self) -> int: ...
    @property
    def time_us(self) -> int: ...
    @property
    def changeset(self) -> Changeset: ...


class Version(Protocol):
    """One element after one transaction; ``kind`` is ``kept``, ``created``, ``changed`` or ``deleted``."""

    @property
    def position(self) -> int: ...
    @property
    def transaction(self) -> int: ...
    @property
    def time_us(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def type(self) -> str | None: ...
    @property
    def properties(self) -> tuple[tuple[str, Value], ...]: ...


class History(Protocol):
    """States that are kept, and what led from one to the next; ``storage.history`` says more."""

    @property
    def horizon(self) -> int: ...
    def at(self, position: int) -> GraphView: ...
    def position_of_transaction(self, transaction: int) -> int: ...
    def position_at(self, time_us: int) -> int: ...
    def commit_at(self, position: int) -> Commit | None: ...
    def changes(self, after: int, upto: int | None = None) -> Iterator[Commit]: ...
    def element_history(
        self, element: Element, identity: int, upto: int | None = None, check: Callable[[], None] = ...
    ) -> Iterator[Version]: ...
    def wait_beyond(self, position: int, timeout: float | None = None) -> int | None: ...


class Past(Protocol):
    """The engine, as far as the past is concerned: ``position`` is the newest, ``uuid`` the graph's identity."""

    @property
    def uuid(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def history(self) -> History: ...


def time_of(time_us: int) -> DateTime:
    """A time of the log as a value."""
    return at_instant(time_us * 1_000, 0)


class Moments:
    """Where moments stand in the log. What cannot change any more is remembered: finding it means reading the log."""

    def __init__(self, past: Past, clock: Clock) -> None:
        self._past = past
        self._clock = clock
        self._settled: dict[tuple[bool, int], int] = {}
        """Positions by transaction (true) or by time in microseconds (false)."""
        self._newest = (0, 0)
        """The newest position that was seen, and the time of its commit in microseconds."""

    def position_of(self, moment: Value, transaction: bool) -> int:
        """The log position of the state that was there at ``moment``.

        Raises:
            TypeMismatch: it is no moment, and no number where ``transaction``.
            HistoryUnavailable: nothing was there yet, nothing is kept of then, or it is yet to come.
        """
        try:
            return self._of_transaction(moment) if transaction else self._at_time(utc_ns(moment, "AS OF"))
        except HistoryUnavailable as error:
            error.hint = error.hint or _known(self._past)
            raise

    def _of_transaction(self, number: Value) -> int:
        if type(number) is not int:
            raise TypeMismatch(f"AS OF TRANSACTION takes a whole number, not {type_name(number)}.")
        found = self._settled.get((True, number))
        if found is not None:
            return found
        history = self._past.history
        if number < 1:
            raise HistoryUnavailable(
                f"There is no transaction {number}: they are counted from 1.", horizon=history.horizon
            )
        return self._settle((True, number), history.position_of_transaction(number))

    def _at_time(self, time_ns: int) -> int:
        time_us = time_ns // 1_000
        found = self._settled.get((False, time_us))
        if found is not None:
            return found
        history, newest = self._past.history, self._past.position
        newest_us = self._time_of(newest)
        # Times in the log never go back, clocks may.
        if time_us > newest_us and time_ns > self._clock.now_ns():
            raise HistoryUnavailable(f"{at_instant(time_ns, 0)} is yet to come.", horizon=history.horizon)
        if newest and time_us >= newest_us > 0:
            return newest
        position = history.position_at(time_us)
        if position == 0 and newest:
            raise HistoryUnavailable(
                f"At {at_instant(time_ns, 0)} there was no transaction yet.", horizon=history.horizon
            )
        # A later commit is there, and has a later time: nothing can come between any more.
        return self._settle((False, time_us), position) if position < newest else position

    def _time_of(self, newest: int) -> int:
        """When the newest transaction was committed; 0 where that is not known."""
        position, time_us = self._newest
        if position != newest:
            commit = self._past.history.commit_at(newest)
            time_us = 0 if commit is None else commit.time_us
            self._newest = newest, time_us
        return time_us

    def _settle(self, moment: tuple[bool, int], position: int) -> int:
        if len(self._settled) >= SETTLED_MAX:
            self._settled.clear()
        self._settled[moment] = position
        return position


def utc_ns(moment: Value, what: str) -> int:
    """A moment as nanoseconds since 1970: what has no zone is UTC, a date is its first moment, a string ISO 8601.

    Raises:
        TypeMismatch: a value of another type.
        ArgumentError: a string that is no time.
    """
    if isinstance(moment, str):
        moment = parse_datetime(moment, 0)
    match moment:
        case DateTime():
            return moment.utc_ns()
        case LocalDateTime(days, ns):
            return DateTime(days, ns, 0).utc_ns()
        case Date(days):
            return DateTime(days, 0, 0).utc_ns()
        case _:
            raise TypeMismatch(f"{what} takes a datetime, a date, or a string of one, not {type_name(moment)}.")


def _known(past: Past) -> str:
    """What can be read, for hints."""
    newest = past.history.commit_at(past.position)
    if newest is None:
        return "Nothing was written yet."
    text = f"The newest transaction is {newest.transaction}, of {time_of(newest.time_us)}"
    horizon = past.history.horizon
    if horizon:
        return f"{text}; the oldest state kept is that at position {horizon}."
    first = past.history.commit_at(past.history.position_of_transaction(1))
    return f"{text}." if first is None else f"{text}; the first one is of {time_of(first.time_us)}."
