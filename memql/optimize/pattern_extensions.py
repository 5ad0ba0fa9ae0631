"""From a plan of a part of a pattern to one of a larger part: by an access path, a hop, or several at once.

A plan goes on with one node or relationship; then every relationship is solved whose ends are bound, and each predicate
tested whose variables are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from memoradb.storage.view import Direction

from ..cost import constants
from ..cost.cardinality import label_rows, trail_rows
from ..plan.failure import cannot_fail
from ..plan.pattern import PatternRelationship
from .access_path import AccessPath
from .pattern_estimates import Estimates
from .pattern_index import PatternIndex
from .pattern_state import State
from .steps import (
    BindNode,
    BindRelationship,
    Follow,
    Intersection,
    Project,
    Test,
)
from .subgraphs import bits

UNWANTED_NS: Final = 1e15
"""What a step costs more that is switched off, but may be the only one there is."""


class Extensions:
    """The ways to go on from a plan of a part of one pattern graph."""

    def __init__(self, pattern: PatternIndex, estimates: Estimates) -> None:
        self._pattern = pattern
        self._estimates = estimates
        self._known_trails: dict[tuple[object, ...], tuple[float, float]] = {}
        self._intersects = pattern.catalog.enabled("multiway_intersection")

    def extended(self, left: State, second: int, few: bool = False) -> Iterator[Sequence[State]]:
        """Plans that go on from ``left`` to the vertices ``second`` too; ``few``: only the likeliest ways."""
        for relationship, path in self._pattern.relationship_paths:
            if (
                self._pattern.ends[relationship.variable] == second
                and self._pattern.mask_of(path.needs) & ~left.bound == 0
            ):
                if not self._pattern.path_answers[id(path)] & left.done:
                    reached = self.bind_relationship(left, relationship, path)
                    yield self.closed(reached, (relationship.source, relationship.target))
        if second & (second - 1) or second == self._pattern.input:
            return
        variable = self._pattern.vertices[second.bit_length() - 1]
        for path in self._pattern.paths[variable]:
            if path.lookup != "scan" and self._pattern.mask_of(path.needs) & ~left.bound == 0:
                if not self._pattern.path_answers[id(path)] & left.done:
                    yield self.bind(left, path)
        follows: list[State] = []
        legs: list[Follow] = []
        for relationship in self._pattern.incident[variable]:
            if relationship.source == relationship.target or self._pattern.number[relationship.variable] & left.solved:
                continue
            for reached in self.follow(left, relationship):
                follows.append(reached)
                if relationship.length is None and relationship.shortest is None:
                    assert reached.last is not None and isinstance(reached.last.step, Follow)
                    legs.append(reached.last.step)
        if few and len(follows) > 2:
            follows = heapq.nsmallest(2, follows, key=lambda s: (s.rows, s.cost))
        for reached in follows:
            yield self.closed(reached, (variable,))
        if len(legs) > 1 and self._intersects:
            yield self.closed(self._intersected(left, variable, legs), (variable,))

    def closed(self, state: State, fresh: Sequence[str] | None = ()) -> list[State]:
        """``state`` with every relationship solved whose ends are bound, and all tested that can be.

        ``fresh``: the nodes bound last, None for any. Paths of variable length and shortest paths may cost much: a
        second state leaves them for later, where there is a later.
        """
        if self._pattern.is_small:
            fresh = None
        state = self.tested(state, False, fresh)
        late: list[PatternRelationship] = []
        touching: Iterable[PatternRelationship] = self._pattern.graph.relationships
        if fresh is not None:
            near = [r for v in fresh for r in self._pattern.incident[v]]
            touching = {r.variable: r for r in (*near, *self._pattern.slow)}.values()
        for relationship in touching:
            if self._pattern.number[relationship.variable] & state.solved or not self._pattern.is_between(
                relationship, state
            ):
                continue
            if relationship.length is not None or relationship.shortest is not None:
                late.append(relationship)
                continue
            state = self.tested(min(self.follow(state, relationship), key=lambda s: s.cost), False, fresh)
        closed, left = state, late
        while left:
            late, left = left, []
            for relationship in late:
                choices = self.follow(closed, relationship)
                if choices:
                    closed = self.tested(min(choices, key=lambda s: s.cost), False, fresh)
                else:
                    left.append(relationship)
            if len(left) == len(late):
                break  # a hop reads what is not bound yet
        found = [self.tested(closed, True, fresh)]
        if closed is not state and state.bound & self._pattern.all_nodes != self._pattern.all_nodes:
            found.append(self.tested(state, True, fresh))
        return found

    def bind(self, state: State, path: AccessPath) -> list[State]:
        """Find a node by an access path."""
        rows = state.rows * path.rows
        cost = state.rows * path.cost + rows * constants.EXPAND_ROW_NS
        reached = state.after(
            BindNode(path), rows, cost, self._pattern.bit[path.variable], 0, self._pattern.path_answers[id(path)]
        )
        return self.closed(reached, (path.variable,))

    def bind_relationship(self, state: State, relationship: PatternRelationship, path: AccessPath) -> State:
        """Find a relationship with its ends by an access path."""
        rows = state.rows * path.rows * (2.0 if relationship.direction is Direction.BOTH else 1.0)
        cost = constants.OPERATOR_NS + state.rows * path.cost + rows * constants.EXPAND_ROW_NS
        total = max(1, self._estimates.statistics.nodes())
        for end in dict.fromkeys((relationship.source, relationship.target)):
            labels = self._pattern.labels.get(end, ())
            if labels:
                cost += rows * constants.LABEL_CHECK_NS
                rows *= max(label_rows(self._estimates.statistics, labels) / total, 1e-6)
        return state.after(
            BindRelationship(path, relationship),
            rows,
            cost,
            self._pattern.mask_of((relationship.source, relationship.target, relationship.variable)),
            self._pattern.number[relationship.variable],
            self._pattern.path_answers[id(path)],
        )

    def project(self, state: State, relationship: PatternRelationship) -> State:
        """Find or check the ends of a relationship that is bound."""
        ends = self._pattern.mask_of((relationship.source, relationship.target))
        both = 2.0 if relationship.direction is Direction.BOTH and ends & ~state.bound else 1.0
        cost = constants.OPERATOR_NS + state.rows * constants.EXPAND_ROW_NS
        return state.after(
            Project(relationship), state.rows * both, cost, ends, self._pattern.number[relationship.variable]
        )

    def follow(self, state: State, relationship: PatternRelationship) -> list[State]:
        """The ways to follow a relationship from what is bound, none where it cannot be yet."""
        forwards = self._pattern.bit[relationship.source] & state.bound != 0
        backwards = self._pattern.bit[relationship.target] & state.bound != 0
        if relationship.shortest is not None and not (forwards and backwards):
            return []
        if not self._pattern.hop_is_readable(relationship, state):
            return []
        choices: list[Follow] = []
        if forwards:
            choices.append(self._pattern.step_of(relationship, False, backwards))
        if backwards and relationship.shortest is None and relationship.source != relationship.target:
            choices.append(self._pattern.step_of(relationship, True, forwards))
        return [self.followed(state, choice) for choice in choices]

    def followed(self, state: State, step: Follow) -> State:
        """``state`` with a relationship followed, and nothing tested yet."""
        relationship = step.relationship
        target = () if step.bare else self._pattern.labels.get(step.target, ())
        mean, kept = self._estimates.degrees(state, step)
        if step.bare:
            kept = mean
        length = relationship.length
        if relationship.shortest is not None:
            rows, work = state.rows, state.rows * 50 * constants.VAR_EXPAND_ROW_NS
        elif length is not None:
            source = self._pattern.labels.get(step.source, ())
            trails = (source, relationship.types, target, step.direction, length.low, length.high)
            found = self._known_trails.get(trails)
            if found is None:
                found = self._known_trails[trails] = trail_rows(self._estimates.statistics, *trails)
            rows, walked = state.rows * found[0], state.rows * found[1]
            if self._pattern.catalog.corrections:
                rows *= self._estimates.correction(step)
            work = walked * constants.VAR_EXPAND_ROW_NS
            if step.into:
                rows /= self._estimates.nodes_with(target)
        elif step.into:
            rows = state.rows * kept / self._estimates.nodes_with(target) * self._estimates.target_weight(state, step)
            work = state.rows * constants.INTO_ROW_NS
            work += 0.0 if self._pattern.catalog.enabled("expand_into") else UNWANTED_NS
        else:
            rows = state.rows * kept
            check = constants.LABEL_CHECK_NS if target else 0.0
            work = state.rows * constants.EXPAND_SOURCE_NS + state.rows * mean * (constants.EXPAND_ROW_NS + check)
            if not step.bare and not self._pattern.catalog.enabled("expand_halves"):
                work += UNWANTED_NS
        ends = self._pattern.ends[relationship.variable]
        if step.bare:
            ends &= ~self._pattern.input  # where it leads to stands for a node of the input, and is none
        return state.after(
            step,
            rows,
            constants.OPERATOR_NS + work,
            ends | self._pattern.bit[relationship.variable],
            self._pattern.number[relationship.variable],
        )

    def _intersected(self, state: State, variable: str, legs: Sequence[Follow]) -> State:
        """All ``legs`` at once: each row begins with its leg of fewest relationships, and looks up the others."""
        rows, least = state.rows, float("inf")
        nodes = self._estimates.nodes_with(self._pattern.labels.get(variable, ()))
        bound, solved = self._pattern.bit[variable], 0
        lists: list[float] = []
        for number, leg in enumerate(legs):
            mean, kept = self._estimates.degrees(state, leg)
            different = min(
                state.rows, label_rows(self._estimates.statistics, self._pattern.labels.get(leg.source, ()))
            )
            lists.append(different * mean * constants.INTERSECT_LIST_NS)
            rows *= kept if number == 0 else kept / nodes
            least = min(least, mean)
            bound |= self._pattern.bit[leg.relationship.variable]
            solved |= self._pattern.number[leg.relationship.variable]
        each = constants.EXPAND_ROW_NS + (len(legs) - 1) * constants.INTERSECT_ROW_NS
        work = state.rows * (2 * len(legs) * constants.EXPAND_SOURCE_NS + least * each)
        work += sum(lists) - max(lists)  # the longest are walked, not looked up in
        step = Intersection(variable, tuple(legs))
        return state.after(step, rows, (1 + len(legs)) * constants.OPERATOR_NS + work, bound, solved)

    def tested(self, state: State, subqueries: bool, fresh: Iterable[str] | None = None) -> State:
        """``state`` with the predicates tested that can be; those with subqueries only where ``subqueries``.

        ``fresh``: the nodes bound last; what reads none of them was tested before. None: look at all.
        """
        whole = self._pattern.is_whole(state)
        ready: list[int] = []
        for number in self._pattern.candidates(fresh):
            bit = 1 << number
            if bit & state.done or self._pattern.reads[number] & ~state.bound or (bit & state.tested and not whole):
                continue
            if subqueries or not self._pattern.has_subquery[number]:
                ready.append(number)
        if whole and fresh is not None:
            again = [n for n in bits(state.tested & ~state.done) if n not in ready]
            ready.extend(n for n in again if subqueries or not self._pattern.has_subquery[n])
        # Cheap terms first; a subquery only on the rows that the others keep.
        ready.sort(key=self._pattern.rank.__getitem__)
        for number in ready:
            predicate, bit = self._pattern.graph.predicates[number], 1 << number
            lenient = not whole and not cannot_fail(predicate)
            work = constants.OPERATOR_NS + state.rows * constants.FILTER_ROW_NS
            rows = state.rows if bit & state.tested else state.rows * self._estimates.share_kept(number, state)
            state = state.after(Test(predicate, lenient), rows, work, done=0 if lenient else bit)
            if lenient:
                state.tested |= bit
        return state
