"""From a pattern graph to a sequence of steps: which node first, which relationship next, in which direction.

Dynamic programming over what is bound so far (Selinger's left-deep search, on pattern elements instead of tables):
a state is the set of solved relationships and bound nodes, and keeps only its cheapest plan. Beyond ``DP_STATES_MAX``
states the search goes on greedily, with the locally cheapest step (Fegaras 1998). Predicates are applied as soon as
their variables are bound. Bushy plans, hash joins of halves and multiway intersection come with the optimizer's own
issue; the steps here are access paths, Expand, ExpandInto, variable-length expand and shortest path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from memoradb.storage.view import Direction

from ..cost import constants
from ..cost.cardinality import degree, label_rows
from ..cost.selectivity import Selectivity
from ..plan.expr import Expr, Subquery, children, free_variables
from ..plan.failure import cannot_fail
from ..plan.fold import Branches
from ..plan.pattern import PatternGraph, PatternRelationship
from .access_path import AccessPath, access_paths, relationship_paths
from .planning import PlanningCatalog

DP_STATES_MAX: Final = 3_000
"""States before the search turns greedy: keeps planning of large patterns within some milliseconds."""

UNBOUNDED_HOPS: Final = 6
"""Hops that an unbounded variable length is costed at."""

REVERSE: Final = {
    Direction.OUT: Direction.IN,
    Direction.IN: Direction.OUT,
    Direction.BOTH: Direction.BOTH,
}


@dataclass(frozen=True, slots=True)
class BindNode:
    """Find candidates of an unbound node by an access path."""

    path: AccessPath


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow a relationship from a bound end; ``into`` where the other end is bound too.

    ``backwards``: from the pattern's target to its source. ``direction`` is as seen from the bound end.
    """

    relationship: PatternRelationship
    backwards: bool
    direction: Direction
    into: bool

    @property
    def source(self) -> str:
        """The bound end that the step starts from."""
        return self.relationship.target if self.backwards else self.relationship.source

    @property
    def target(self) -> str:
        """The other end."""
        return self.relationship.source if self.backwards else self.relationship.target


@dataclass(frozen=True, slots=True)
class Project:
    """A relationship variable that is bound already: bind or check its ends."""

    relationship: PatternRelationship


@dataclass(frozen=True, slots=True)
class Test:
    """A predicate whose variables are bound now.

    ``lenient``: it may fail, and the pattern is not matched whole yet. Rows on which it fails are kept: it is tested
    again at the end, on what has become a match.
    """

    predicate: Expr
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """Multiply by the matches of the branches that hang from a node that is bound now."""

    source: str
    branches: Branches


@dataclass(frozen=True, slots=True)
class BindRelationship:
    """Find a relationship, with both its ends, by an index on its properties."""

    path: AccessPath
    relationship: PatternRelationship


Step: TypeAlias = BindNode | BindRelationship | Follow | Project | Test | Count


@dataclass(frozen=True, slots=True)
class Costed:
    """A step with the rows expected after it and the cost so far."""

    step: Step
    rows: float
    cost: float


@dataclass(frozen=True, slots=True)
class State:
    """Bound variables, solved relationships, terms not yet applied; with what it cost to get here."""

    bound: frozenset[str]
    solved: frozenset[str]
    waiting: tuple[Expr, ...]
    rows: float
    cost: float
    steps: tuple[Costed, ...]


class PatternPlanner:
    """Orders one pattern graph's elements."""

    def __init__(self, graph: PatternGraph, catalog: PlanningCatalog, available: frozenset[str]) -> None:
        self._graph = graph
        self._available = available | graph.arguments
        self._statistics = catalog.statistics
        self._nodes = {n.variable: n for n in graph.nodes}
        self._catalog = catalog
        self._selectivity = Selectivity(catalog.statistics, {n.variable: n.labels for n in graph.nodes})
        self._paths = {
            n.variable: access_paths(n, graph.predicates, catalog, self._selectivity)
            for n in graph.nodes
            if n.variable not in graph.arguments
        }
        self._relationship_paths = [
            (r, path)
            for r in graph.relationships
            if r.variable not in graph.arguments
            for path in relationship_paths(r, graph.predicates, catalog)
        ]

    def steps(self, rows: float) -> tuple[Costed, ...]:
        """The cheapest order found, for ``rows`` input rows."""
        start = State(self._available, frozenset(), self._graph.predicates, rows, 0.0, ())
        start = self._filtered(start)
        frontier = {(start.bound, start.solved): start}
        seen = 1
        while True:
            following: dict[tuple[frozenset[str], frozenset[str]], State] = {}
            finished: State | None = None
            for state in frontier.values():
                if self._complete(state):
                    if finished is None or state.cost < finished.cost:
                        finished = state
                    continue
                for reached in self._successors(state):
                    key = (reached.bound, reached.solved)
                    known = following.get(key)
                    if known is None or reached.cost < known.cost:
                        following[key] = reached
            if not following:
                assert finished is not None, "a pattern graph has an order"
                assert not finished.waiting, "every predicate reads what the pattern or its input binds"
                return finished.steps
            seen += len(following)
            if seen > DP_STATES_MAX:
                best = min(following.items(), key=lambda item: item[1].cost + item[1].rows)
                following = dict([best])
            if finished is not None:
                following[(finished.bound, finished.solved)] = finished
                if all(self._complete(s) for s in following.values()):
                    return min(following.values(), key=lambda s: s.cost).steps
            frontier = following

    def _complete(self, state: State) -> bool:
        return len(state.solved) == len(self._graph.relationships) and all(v in state.bound for v in self._nodes)

    def _successors(self, state: State) -> list[State]:
        reached: list[State] = []
        for relationship in self._graph.relationships:
            if relationship.variable in state.solved:
                continue
            if relationship.variable in self._graph.arguments:
                reached.append(self._project(state, relationship))
                continue
            reached.extend(self._follow(state, relationship))
        connected = bool(reached)
        for relationship, path in self._relationship_paths:
            if self._can_begin_with(state, relationship, path):
                reached.append(self._bind_relationship(state, relationship, path))
        for variable, paths in self._paths.items():
            if variable in state.bound:
                continue
            for path in paths:
                if not path.needs <= state.bound or (connected and path.lookup == "scan" and state.bound):
                    continue
                if all(answer in state.waiting for answer in path.answers):
                    reached.append(self._bind(state, path))
        return [self._filtered(s) for s in reached]

    def _bind(self, state: State, path: AccessPath) -> State:
        rows = state.rows * path.rows
        cost = state.cost + state.rows * path.cost + rows * constants.EXPAND_ROW_NS
        waiting = tuple(p for p in state.waiting if not any(p is a for a in path.answers))
        return replace(
            state,
            bound=state.bound | {path.variable},
            waiting=waiting,
            rows=rows,
            cost=cost,
            steps=(*state.steps, Costed(BindNode(path), rows, cost)),
        )

    def _can_begin_with(self, state: State, relationship: PatternRelationship, path: AccessPath) -> bool:
        """Whether nothing is bound yet that the relationship would have to be compared with."""
        ends = {relationship.source, relationship.target, relationship.variable}
        if relationship.variable in state.solved or ends & state.bound or not path.needs <= state.bound:
            return False
        apart = frozenset().union(*(g for g in self._graph.uniqueness if relationship.variable in g))
        return not apart & state.solved and all(answer in state.waiting for answer in path.answers)

    def _bind_relationship(self, state: State, relationship: PatternRelationship, path: AccessPath) -> State:
        rows = state.rows * path.rows * (2.0 if relationship.direction is Direction.BOTH else 1.0)
        cost = state.cost + constants.OPERATOR_NS + state.rows * path.cost + rows * constants.EXPAND_ROW_NS
        total = max(1, self._statistics.nodes())
        for end in dict.fromkeys((relationship.source, relationship.target)):
            labels = self._labels(end)
            if labels:
                cost += rows * constants.LABEL_CHECK_NS
                rows *= max(label_rows(self._statistics, labels) / total, 1e-6)
        return replace(
            state,
            bound=state.bound | {relationship.source, relationship.target, relationship.variable},
            solved=state.solved | {relationship.variable},
            waiting=tuple(p for p in state.waiting if not any(p is a for a in path.answers)),
            rows=rows,
            cost=cost,
            steps=(*state.steps, Costed(BindRelationship(path, relationship), rows, cost)),
        )

    def _project(self, state: State, relationship: PatternRelationship) -> State:
        cost = state.cost + constants.OPERATOR_NS + state.rows * constants.EXPAND_ROW_NS
        bound = state.bound | {relationship.source, relationship.target}
        both = 2.0 if relationship.direction is Direction.BOTH and len(bound) > len(state.bound) else 1.0
        return replace(
            state,
            bound=bound,
            solved=state.solved | {relationship.variable},
            rows=state.rows * both,
            cost=cost,
            steps=(*state.steps, Costed(Project(relationship), state.rows * both, cost)),
        )

    def _follow(self, state: State, relationship: PatternRelationship) -> list[State]:
        forwards, backwards = relationship.source in state.bound, relationship.target in state.bound
        if relationship.shortest is not None and not (forwards and backwards):
            return []
        if relationship.hop_predicate is not None:
            # It is tested while the path grows, so what it reads of the rest of the pattern must be there.
            reads = free_variables(relationship.hop_predicate) - {relationship.hop_variable or ""}
            if not reads <= state.bound:
                return []
        out = relationship.direction
        choices = []
        if forwards:
            choices.append(Follow(relationship, False, out, backwards))
        if backwards and relationship.shortest is None and relationship.source != relationship.target:
            choices.append(Follow(relationship, True, REVERSE[out], forwards))
        return [self._followed(state, choice) for choice in choices]

    def _followed(self, state: State, step: Follow) -> State:
        relationship = step.relationship
        source, target = self._labels(step.source), self._labels(step.target)
        mean = degree(self._statistics, source, relationship.types, (), step.direction)
        kept = degree(self._statistics, source, relationship.types, target, step.direction)
        if mean and self._follows_again(state, step):
            again = self._catalog.repeated_degree(source, relationship.types, step.direction)
            mean, kept = max(mean, again), kept * max(mean, again) / mean
        length = relationship.length
        if relationship.shortest is not None:
            rows, work = state.rows, state.rows * 50 * constants.VAR_EXPAND_ROW_NS
        elif length is not None:
            hops = UNBOUNDED_HOPS if length.high is None else min(length.high, 12)
            inner = degree(self._statistics, (), relationship.types, (), step.direction)
            level, walked, rows = state.rows * mean, 0.0, state.rows * (1.0 if length.low == 0 else 0.0)
            for hop in range(1, hops + 1):
                walked += level
                rows += level if hop >= length.low else 0.0
                level *= max(inner, 0.01)
            if target:
                share = label_rows(self._statistics, target) / max(1, self._statistics.nodes())
                rows *= max(share, 1e-6)
            work = walked * constants.VAR_EXPAND_ROW_NS
            if step.into:
                rows /= max(1.0, label_rows(self._statistics, target))
        elif step.into:
            rows = state.rows * kept / max(1.0, label_rows(self._statistics, target))
            work = state.rows * constants.INTO_ROW_NS
        else:
            rows = state.rows * kept
            check = constants.LABEL_CHECK_NS if target else 0.0
            work = state.rows * constants.EXPAND_SOURCE_NS + state.rows * mean * (constants.EXPAND_ROW_NS + check)
        cost = state.cost + constants.OPERATOR_NS + work
        return replace(
            state,
            bound=state.bound | {relationship.source, relationship.target, relationship.variable},
            solved=state.solved | {relationship.variable},
            rows=rows,
            cost=cost,
            steps=(*state.steps, Costed(step, rows, cost)),
        )

    def _follows_again(self, state: State, step: Follow) -> bool:
        """Whether the source was expanded before by relationships of the same types and direction."""
        types, source = step.relationship.types, step.source
        for before in state.steps:
            match before.step:
                case Follow(relationship, _, direction, _) if before.step.source == source:
                    if relationship.types == types and direction is step.direction:
                        return True
                case _:
                    pass
        return False

    def _labels(self, variable: str) -> tuple[str, ...]:
        node = self._nodes.get(variable)
        return () if node is None else node.labels

    def _filtered(self, state: State) -> State:
        ready = [p for p in state.waiting if free_variables(p) <= state.bound]
        if not ready:
            return state
        # Cheap terms first; a subquery only on the rows that the others keep.
        ready.sort(key=_has_subquery)
        rows, cost, steps = state.rows, state.cost, list(state.steps)
        whole = self._complete(state)
        done = []
        for predicate in ready:
            lenient = not whole and not cannot_fail(predicate)
            tested = any(isinstance(s.step, Test) and s.step.predicate is predicate for s in state.steps)
            if not lenient:
                done.append(predicate)
            elif tested:
                continue
            cost += constants.OPERATOR_NS + rows * constants.FILTER_ROW_NS
            rows *= 1.0 if tested else self._selectivity.of(predicate)
            steps.append(Costed(Test(predicate, lenient), rows, cost))
        waiting = tuple(p for p in state.waiting if not any(p is r for r in done))
        return replace(state, waiting=waiting, rows=rows, cost=cost, steps=tuple(steps))


def _has_subquery(expr: Expr) -> bool:
    return isinstance(expr, Subquery) or any(_has_subquery(c) for c in children(expr))


def order_pattern(
    graph: PatternGraph, catalog: PlanningCatalog, rows: float, available: frozenset[str]
) -> Sequence[Costed]:
    """The steps of ``graph`` in the order chosen, for ``rows`` input rows that have the columns ``available``."""
    return PatternPlanner(graph, catalog, available).steps(rows)
