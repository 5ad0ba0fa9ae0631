"""Statistics that note what is asked of them, for EXPLAIN VERBOSE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from memoradb.storage.view import Statistics


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to ``storage.view.Statistics``, a method and its arguments, and the answer."""

    method: str
    arguments: tuple[Any, ...]
    answer: object


class AskedStatistics:
    """Stands before statistics; every question is passed on, and noted once."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._answers: dict[tuple[str, tuple[Any, ...]], object] = {}

    @property
    def statistics(self) -> Statistics:
        """This as what it stands before: every method that is looked up is that one's."""
        return cast(Statistics, cast(object, self))

    def answers(self) -> tuple[Asked, ...]:
        """What was asked, in the order in which it was first."""
        return tuple(Asked(method, arguments, answer) for (method, arguments), answer in self._answers.items())

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._statistics, name)

        def asked(*arguments: Any, **named: Any) -> object:
            answer = method(*arguments, **named)
            key = tuple(tuple(a) if isinstance(a, list) else a for a in (*arguments, *named.values()))
            self._answers.setdefault((name, key), answer)
            return answer

        self.__dict__[name] = asked
        return asked
