"""What runs have shown to be wrong with estimates, by the part of a pattern or the predicate that was estimated.

Parts go by names that no statement's own variables are in: ``(:Person).age > $p`` or ``(:Person)-[:FOLLOWS]->()``. So
what one statement shows serves all that ask the same (LEO, Stillger, Lohman, Markl and Kandil 2001). A factor is the
rows that came over those expected, and takes the place of what was known before, which it was measured with.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from memoradb.storage.view import Direction

from ..plan.explain import show
from ..plan.expr import Expr, Variable, map_children

PARTS_MAX: Final = 4_096
"""Parts that are remembered; the ones that were corrected longest ago go first."""

FACTOR_MAX: Final = 1e6
"""The largest correction either way."""


class Corrections:
    """Factors by part, for one generation of statistics: new counts make them void. Several threads may learn."""

    def __init__(self) -> None:
        self._factors: OrderedDict[str, float] = OrderedDict()
        self._generation = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._factors)

    def for_plan(self, generation: int) -> Applied:
        """What a plan made with statistics of ``generation`` may apply."""
        with self._lock:
            if generation != self._generation:
                self._factors.clear()
                self._generation = generation
            return Applied(dict(self._factors))

    def learn(self, part: str, factor: float) -> None:
        """An estimate of ``part`` that was made with all that is known was wrong by ``factor``."""
        with self._lock:
            factor *= self._factors.pop(part, 1.0)
            self._factors[part] = min(FACTOR_MAX, max(1 / FACTOR_MAX, factor))
            while len(self._factors) > PARTS_MAX:
                self._factors.popitem(last=False)


class Applied:
    """The corrections that one plan may apply; ``used`` are those that it did."""

    def __init__(self, factors: Mapping[str, float] | None = None) -> None:
        self._factors = factors or {}
        self.used: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._factors)

    def factor(self, part: str) -> float:
        """What an estimate of ``part`` is to be multiplied by."""
        found = self._factors.get(part, 1.0)
        if found != 1.0:
            self.used[part] = found
        return found


def _labels(labels: Sequence[str]) -> str:
    return "".join(f":{label}" for label in labels)


def part_of_predicate(predicate: Expr, labels: Mapping[str, Sequence[str]]) -> str:
    """The name of a predicate: as it is shown, its variables by the labels or types that they have."""

    def named(expr: Expr) -> Expr:
        if isinstance(expr, Variable):
            return Variable(f"({_labels(labels.get(expr.name, ()))})")
        return map_children(expr, named)

    return show(named(predicate))


def part_of_nodes(labels: Sequence[str], predicates: Sequence[str]) -> str:
    """The name of the nodes with labels that an index finds by predicates."""
    return " and ".join((f"({_labels(labels)})", *predicates))


def part_of_relationships(
    source_labels: Sequence[str], types: Sequence[str], target_labels: Sequence[str], direction: Direction, into: bool
) -> str:
    """The name of following relationships from a node, ``into``: to one that is bound too."""
    left, right = {Direction.OUT: ("-", "->"), Direction.IN: ("<-", "-"), Direction.BOTH: ("-", "-")}[direction]
    far = f"({_labels(target_labels)})"
    return f"({_labels(source_labels)}){left}[:{'|'.join(types)}]{right}{f'into {far}' if into else far}"
