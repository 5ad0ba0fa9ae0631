"""What planning may ask of a graph, and the facts that a plan came to rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from memoradb.storage.view import Direction, EndsLabelled, Fact, GraphView, IndexDefinition, LoopFree, Statistics

DEGREE_SAMPLE: Final = 20_000
"""Nodes whose degrees are looked at: some tenths of a millisecond, once a plan."""


class PlanningCatalog:
    """A view as the planner sees it: indexes, statistics, and facts, each of which is noted when a choice uses it.

    A plan that rests on facts runs only on views of which they hold; ``use_facts`` False asks for one that rests on
    none. A statement that writes may undo a fact while it runs, so its plan uses none either.
    """

    def __init__(self, view: GraphView, use_facts: bool = True) -> None:
        self.view = view
        self._use_facts = use_facts
        self.facts: set[Fact] = set()
        self._online: Sequence[IndexDefinition] | None = None
        self._repeated: dict[tuple[tuple[str, ...], tuple[str, ...], Direction], float] = {}

    def indexes(self) -> Sequence[IndexDefinition]:
        """All indexes that can be asked, and all constraints."""
        if self._online is None:
            self._online = [i for i in self.view.indexes() if self.view.index_state(i.name).is_online]
        return self._online

    @property
    def statistics(self) -> Statistics:
        """The view's statistics."""
        return self.view.statistics

    def trial(self) -> PlanningCatalog:
        """The same, for a plan that may not be chosen: ``adopt`` its facts where it is."""
        other = PlanningCatalog(self.view, self._use_facts)
        other._repeated = self._repeated
        return other

    def adopt(self, trial: PlanningCatalog) -> None:
        """What was tried is chosen."""
        self.facts |= trial.facts

    def fact(self, fact: Fact) -> bool:
        """Whether ``fact`` holds; noted where it does."""
        if not self._use_facts or not self.view.fact(fact):
            return False
        self.facts.add(fact)
        return True

    def repeated_degree(self, labels: Sequence[str], types: Sequence[str], direction: Direction) -> float:
        """Mean degree of a node that such a relationship has led to or from already, by a sample of nodes.

        It is E[d²] / E[d], as a node of many relationships is met more often. The mean alone hides hubs: a plan that
        expands a hub twice makes the square of its degree in rows.
        """
        key = (tuple(labels), tuple(types), direction)
        known = self._repeated.get(key)
        if known is None:
            view = self.view
            rarest = min(labels, key=view.statistics.nodes_with_label, default=None)
            slots = np.asarray((view.nodes() if rarest is None else view.nodes_with_label(rarest)).to_array(), np.int64)
            sample = slots[:: max(1, len(slots) // DEGREE_SAMPLE)]
            degrees = view.degrees(sample, types or None, direction).astype(np.float64)
            total = float(degrees.sum())
            known = self._repeated[key] = float((degrees * degrees).sum()) / total if total else 0.0
        return known

    def labels_to_check(self, types: Sequence[str], direction: Direction, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``labels`` that a relationship's far end may lack; ``direction`` as seen from the near end."""
        if not types:
            return labels
        ends = {Direction.OUT: (True,), Direction.IN: (False,), Direction.BOTH: (True, False)}[direction]
        return tuple(
            label
            for label in labels
            if not self._all([EndsLabelled(t, outgoing, label) for t in types for outgoing in ends])
        )

    def _all(self, facts: Sequence[Fact]) -> bool:
        """Whether all hold; only then are they noted."""
        trial = self.trial()
        if not all(map(trial.fact, facts)):
            return False
        self.adopt(trial)
        return True

    def loop_free(self, types: Sequence[str]) -> bool:
        """Whether no relationship of these types leads from a node to itself."""
        return bool(types) and self._all([LoopFree(t) for t in types])
