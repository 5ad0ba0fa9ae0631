"""How many rows the steps of a pattern's plan are expected to keep and to make, each question answered once."""

from __future__ import annotations

from typing import Final

from memoradb.storage.view import Direction, Follows

from ..cost.cardinality import degree, degree_of_reached, label_rows
from .access_path import AccessPath
from .parts import name_of, part_of_follow
from .pattern_index import PatternIndex
from .pattern_state import State
from .steps import Follow
from .subgraphs import bits

RARE_SHARE: Final = 1e-4
"""A share of nodes so small that a sample of relationships does not tell whether they are met more or less often."""


class Estimates:
    """Degrees and shares in one pattern graph, given what a plan has done already."""

    def __init__(self, pattern: PatternIndex) -> None:
        self._pattern = pattern
        self.statistics = pattern.catalog.statistics
        self._name = name_of(pattern.graph) if pattern.catalog.corrections else ""
        self._named = {n.variable: n.labels for n in pattern.graph.nodes}
        self._corrects = bool(pattern.catalog.corrections)
        self._number = pattern.number
        self._near = {v: (near, pattern.about.get(v, 0)) for v, near in pattern.incidence.items()}
        """By node: the relationships that touch it and the predicates about it: its degrees depend on them."""
        self._led_by: dict[str, dict[Follows, int]] = {}
        """By node: how it may be met, and the relationships that lead to it so."""
        for variable, met in pattern.met.items():
            ways = self._led_by[variable] = {}
            for number, towards, _ in met:
                if towards is not None:
                    ways[towards] = ways.get(towards, 0) | number
        self._sizes: dict[tuple[str, ...], float] = {}
        self._known_degrees: dict[tuple[object, ...], float] = {}
        self._known_shares: dict[tuple[object, ...], float] = {}
        self._known_means: dict[tuple[int, bool, int, int], tuple[float, float]] = {}

    def degrees(self, state: State, step: Follow) -> tuple[float, float]:
        """(relationships of a row, those of them whose far end has the labels)."""
        relationships, predicates = self._near[step.source]
        number = self._number[step.relationship.variable]
        key = (number, step.backwards, state.solved & relationships, (state.done | state.tested) & predicates)
        found = self._known_means.get(key)
        if found is None:
            found = self._known_means[key] = self._means(state, step)
        return (found[0], found[1] * self.correction(step)) if self._corrects else found

    def correction(self, step: Follow) -> float:
        """What runs have shown of following a relationship."""
        return self._pattern.catalog.corrections.factor(part_of_follow(step, self._named, self._name))

    def _means(self, state: State, step: Follow) -> tuple[float, float]:
        """The same, without what runs have shown: it depends on the near end alone."""
        relationship = step.relationship
        source, target = self._pattern.labels.get(step.source, ()), self._pattern.labels.get(step.target, ())
        mean = kept = 0.0
        for reached_by in self._reached_by(state, step) or (None,):
            mean = max(mean, self._degree(source, reached_by, relationship.types, (), step.direction))
            kept = max(kept, self._degree(source, reached_by, relationship.types, target, step.direction))
        tested = self._pattern.about.get(step.source, 0) & (state.done | state.tested)
        if tested and len(relationship.types) == 1 and relationship.length is None:
            # What passed the tests has as many relationships as pass them among the ends of all relationships.
            met_by = Follows(relationship.types, step.direction)
            share = self._tested_share(step.source, tested, self._met_by(state, step.source))
            met = self._tested_share(step.source, tested, met_by)
            if max(share, met) > RARE_SHARE:  # else a sample does not tell
                mean, kept = mean * met / max(share, 1e-12), kept * met / max(share, 1e-12)
        return mean, kept

    def target_weight(self, state: State, step: Follow) -> float:
        """How much more often than the mean the far end, which passed tests, is met by the relationships of a step."""
        tested = self._pattern.about.get(step.target, 0) & (state.done | state.tested)
        if not tested or len(step.relationship.types) != 1:
            return 1.0
        met_by = Follows(step.relationship.types, step.direction.reversed)
        share, met = self._tested_share(step.target, tested, None), self._tested_share(step.target, tested, met_by)
        return met / max(share, 1e-12) if max(share, met) > RARE_SHARE else 1.0

    def _met_by(self, state: State, variable: str) -> Follows | None:
        """A relationship that a node was met by, as seen from it."""
        for number, _, seen in self._pattern.met.get(variable, ()):
            if seen is not None and number & state.solved:
                return seen
        return None

    def _tested_share(self, variable: str, predicates: int, met_by: Follows | None) -> float:
        """What predicates on one node keep, of nodes met by a relationship."""
        key = (variable, predicates, met_by)
        found = self._known_shares.get(key)
        if found is None:
            about = self._pattern.selectivity if met_by is None else self._pattern.selectivity.where({variable: met_by})
            found = about.together([self._pattern.graph.predicates[number] for number in bits(predicates)])
            self._known_shares[key] = found
        return found

    def nodes_with(self, labels: tuple[str, ...]) -> float:
        """Nodes with ``labels``, at least one."""
        found = self._sizes.get(labels)
        if found is None:
            found = self._sizes[labels] = max(1.0, label_rows(self.statistics, labels))
        return found

    def _degree(
        self,
        source: tuple[str, ...],
        reached_by: Follows | None,
        types: tuple[str, ...],
        target: tuple[str, ...],
        direction: Direction,
    ) -> float:
        key = (source, reached_by, types, target, direction)
        found = self._known_degrees.get(key)
        if found is None:
            if reached_by is None:
                found = degree(self.statistics, source, types, target, direction)
            else:
                found = degree_of_reached(self.statistics, source, reached_by, types, target, direction)
            self._known_degrees[key] = found
        return found

    def _reached_by(self, state: State, step: Follow) -> list[Follows]:
        """The relationships that the source of a step was met by before, as followed to it: it is more often a hub."""
        return [towards for towards, numbers in self._led_by[step.source].items() if numbers & state.solved]

    def share_kept(self, number: int, state: State) -> float:
        """What a predicate keeps of the rows that others on the same variables have passed already."""
        same = self._pattern.alike[self._pattern.reads[number]] & (state.done | state.tested)
        subject = self._pattern.subject[number]
        if subject is not None:
            met_by = self._met_by(state, subject)
            before = self._tested_share(subject, same, met_by) if same else 1.0
            return min(1.0, self._tested_share(subject, same | 1 << number, met_by) / max(before, 1e-12))
        if not same:
            return self._pattern.selectivity.of(self._pattern.graph.predicates[number])
        found = self._known_shares.get((number, same))
        if found is None:
            predicates = self._pattern.graph.predicates
            found = self._pattern.selectivity.given(predicates[number], [predicates[other] for other in bits(same)])
            self._known_shares[number, same] = found
        return found

    def share(self, variable: str, path: AccessPath | None = None) -> float:
        """The share of a node's candidates that its own predicates keep, without those that ``path`` answers."""
        share = 1.0
        for number in self._pattern.readers.get(self._pattern.bit[variable].bit_length() - 1, ()):
            predicate = self._pattern.graph.predicates[number]
            if self._pattern.reads[number] == self._pattern.bit[variable] and not (
                path is not None and self._pattern.path_answers[id(path)] & (1 << number)
            ):
                share *= self._pattern.selectivity.of(predicate)
        return share
