"""One interface for every decision that a generator takes, whoever takes it.

A generator asks a ``Draw`` for whole numbers in a range and nothing else, so the same generator serves a seeded random
campaign (fast), the replay of recorded decisions (shrinking), and Hypothesis (``given``). Every range is laid out with
the simplest choice first: lower decisions make simpler cases.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A source of decisions."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        raise NotImplementedError

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases; False is the simple choice."""
        return self.integer(0, 99) >= 100 - percent

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """One of ``options``, each as likely as its weight says; the first is the simplest."""
        at = self.integer(0, sum(weight for weight, _ in options) - 1)
        for weight, option in options:
            if at < weight:
                return option
            at -= weight
        raise AssertionError("weights are positive")

    def some(self, options: Sequence[T], most: int) -> list[T]:
        """Up to ``most`` different ones of ``options``, in their order."""
        left = list(range(len(options)))
        taken = [left.pop(self.integer(0, len(left) - 1)) for _ in range(self.integer(0, min(most, len(options))))]
        return [options[i] for i in sorted(taken)]


class RandomDraw(Draw):
    """Decisions of a seeded generator, recorded."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self.decisions: list[int] = []

    def integer(self, low: int, high: int) -> int:
        # random() is several times faster than randint(), and generators decide a hundred times a query.
        value = low + int(self._random.random() * (high - low + 1))
        self.decisions.append(value - low)
        return value


class ReplayDraw(Draw):
    """Recorded decisions, cut to the range at hand; the simplest ones when they run out."""

    def __init__(self, decisions: Sequence[int]) -> None:
        self._decisions = decisions
        self.used = 0

    def integer(self, low: int, high: int) -> int:
        if self.used >= len(self._decisions):
            return low
        value = self._decisions[self.used]
        self.used += 1
        return min(low + value, high)
