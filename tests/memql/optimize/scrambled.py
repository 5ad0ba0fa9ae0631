"""Statistics that are all wrong: random numbers of any size, for plans that must be right all the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from memoradb.core.semantics import order_key
from memoradb.core.values import Value
from memoradb.memql.optimize.planning import PlanningCatalog
from memoradb.storage.summary import DegreeSummary, Histogram, ValueSummary
from memoradb.storage.view import Direction, Element, Follows

SIZES = (0, 1, 2, 10, 1_000, 10**6, 10**12)
VALUES: tuple[Value, ...] = (0, 1, 7, -3, 2.5, "a", "zz", True, False)


class ScrambledStatistics:
    """Implements ``Statistics``: the same wrong answer to the same question, for one ``seed``."""

    def __init__(self, seed: object, labels: Sequence[str] = ("A", "B", "C")) -> None:
        self._seed = seed
        self._labels = labels

    def _random(self, *question: object) -> random.Random:
        return random.Random(f"{self._seed} {question}")

    def _count(self, *question: object) -> int:
        return self._random(*question).choice(SIZES)

    def labels(self) -> Sequence[str]:
        return self._labels

    def nodes(self) -> int:
        return self._count("nodes")

    def nodes_with_label(self, label: str) -> int:
        return self._count("label", label)

    def nodes_with_labels(self, labels: Sequence[str]) -> int:
        return self._count("labels", tuple(labels))

    def relationships(self, type: str | None = None) -> int:
        return self._count("relationships", type)

    def relationships_between(self, source: str | None, type: str | None, target: str | None) -> int:
        return self._count("between", source, type, target)

    def degrees(self, label: str | None, type: str | None, direction: Direction) -> DegreeSummary:
        draw = self._random("degrees", label, type, direction)
        nodes, count, squares, largest, without = (draw.choice(SIZES) for _ in range(5))
        return DegreeSummary(nodes, count, float(squares), largest, without, (0,) * 9)

    def degree_after(self, labels: Sequence[str], before: Follows, then: Follows) -> float:
        return self._random("after", tuple(labels), before, then).choice((0.0, 1e-6, 0.3, 1.0, 50.0, 1e9))

    def values(
        self, label: str | None, key: str, element: Element = Element.NODE, met_by: Follows | None = None
    ) -> ValueSummary:
        draw = self._random("values", label, key, element, met_by)
        frequent = sorted(draw.sample(VALUES, draw.randrange(4)), key=order_key)
        shares = [draw.random() for _ in frequent]
        bounds = tuple(order_key(number) for number in sorted(draw.choices(range(50), k=5)))
        return ValueSummary(
            draw.choice(SIZES),
            draw.random(),
            draw.choice(SIZES),
            tuple(zip(frequent, shares, strict=True)),
            ((bounds[0][0], Histogram(draw.random(), bounds, tuple(key[1] for key in bounds))),),
            False,
            tuple(map(order_key, frequent)),
            (0.0, *(math.fsum(shares[: i + 1]) for i in range(len(shares)))),
        )

    def has_loops(self, type: str) -> bool:
        return self._random("loops", type).random() < 0.5

    def has_parallels(self, type: str) -> bool | None:
        return self._random("parallels", type).choice((None, False, True))

    def generation(self) -> int:
        return 0


def scramble(seed: object, patch: Any = setattr) -> None:
    """Let every plan from now on be made with such statistics; ``patch`` is that of a test that undoes it."""
    statistics = ScrambledStatistics(seed)
    made = PlanningCatalog.__init__

    def make(self: PlanningCatalog, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        self.statistics = statistics

    patch(PlanningCatalog, "__init__", make)
