"""From a pattern graph to a plan: which part first, what next, in which direction, and what meets what.

Dynamic programming over connected subgraphs (DPccp, Moerkotte and Neumann 2006). Vertices are the nodes that the
pattern binds, and one more for the input rows with what they bring; edges are relationships, and access paths that look
up what another node has. A plan of a set of vertices has solved every single hop between them: a cycle is closed as
soon as it can be. Two sets become one by binding a node (access path), following one of the relationships between them
and testing the others (Expand, ExpandInto), following several at once (multiway intersection), or by joining two halves
that were found by themselves (hash join). Predicates are applied as soon as their variables are bound.

Patterns with more pairs of subgraphs than ``PAIRS_MAX`` are planned greedily: the step that multiplies rows least comes
next (Fegaras 1998), from a queue, so that planning takes some microseconds for each element.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from ..exec.operator import Alternative
from ..plan.expr import free_variables
from ..plan.pattern import PatternGraph
from .access_path import AccessPath
from .pattern_estimates import Estimates
from .pattern_extensions import Extensions
from .pattern_index import PatternIndex
from .pattern_joins import Joins
from .pattern_state import State
from .planning import PlanningCatalog
from .steps import (
    Costed,
    Join,
    Step,
    shown,
)
from .subgraphs import bits, components, connected_pairs

VERTICES_MAX: Final = 13
"""Vertices up to which all connected subgraphs are looked at: twelve nodes and the input."""

PAIRS_MAX: Final = 600
"""Pairs of subgraphs up to which all are looked at: some tens of milliseconds."""

SEEK_ROWS_MAX: Final = 1_000.0
"""A node of which an index gives no more is worth beginning with, wherever in the pattern it stands."""

ALTERNATIVES_KEPT: Final = 4
"""Ways not taken that a step remembers, for EXPLAIN."""


class PatternPlanner:
    """Plans one pattern graph.

    ``available``: the columns of the input rows. ``joins``: whether halves may be found by themselves and joined.
    """

    def __init__(
        self, graph: PatternGraph, catalog: PlanningCatalog, available: frozenset[str], joins: bool = True
    ) -> None:
        self._pattern = PatternIndex(graph, catalog, available)
        self._estimates = Estimates(self._pattern)
        self._extensions = Extensions(self._pattern, self._estimates)
        self._joining = Joins(self._pattern, self._estimates, self._extensions)
        self._may_join = joins and catalog.enabled("hash_join")
        self._others: dict[int, list[State]] = {}
        """Plans not taken, by what they had bound."""

    def steps(self, rows: float) -> tuple[Costed, ...]:
        """The cheapest plan found, for ``rows`` input rows."""
        root = State(self._pattern.input, 0, 0, 0, rows, 0.0)
        root = self._extensions.tested(root, True)
        for relationship in self._pattern.graph.relationships:
            if relationship.variable in self._pattern.graph.arguments:
                root = self._extensions.project(root, relationship)
        root = self._extensions.closed(root)[0]
        pairs = self._pairs(root)
        final = self._greedy(root) if pairs is None else self._searched(root, pairs)
        assert self._pattern.is_whole(final), "a pattern graph has an order"
        assert final.done == (1 << len(self._pattern.reads)) - 1, (
            "every predicate reads what the pattern or its input binds"
        )
        return self._recorded(final)

    def _neighbours(self, root: State) -> list[int]:
        """By vertex: those that an edge joins it to."""
        size = len(self._pattern.vertices) + 1
        found = [0] * size

        def join(a: int, b: int) -> None:
            for bit in bits(a):
                found[bit] |= b & ~(1 << bit)
            for bit in bits(b):
                found[bit] |= a & ~(1 << bit)

        def vertex(bit: int) -> int:
            return self._pattern.input if bit & root.bound else bit  # what the input's relationships bind goes with it

        for relationship in self._pattern.graph.relationships:
            join(vertex(self._pattern.bit[relationship.source]), vertex(self._pattern.bit[relationship.target]))
        seekable = 0
        for variable, paths in self._pattern.paths.items():
            own = vertex(self._pattern.bit[variable])
            for path in paths:
                needs = self._pattern.mask_of(path.needs) & self._pattern.all_nodes
                for bit in bits(needs):
                    join(own, vertex(1 << bit))
                if not needs and path.lookup != "scan" and path.rows <= SEEK_ROWS_MAX:
                    seekable |= own
        for bit in bits(seekable & ~self._pattern.input):
            join(1 << bit, seekable & ~(1 << bit))
        return found

    def _pairs(self, root: State) -> list[tuple[int, int]] | None:
        """The pairs of connected sets, None where they are too many."""
        if len(self._pattern.vertices) >= VERTICES_MAX:
            return None
        pairs: list[tuple[int, int]] = []
        for pair in connected_pairs(self._neighbours(root)):
            pairs.append(pair)
            if len(pairs) > PAIRS_MAX:
                return None
        return pairs

    def _searched(self, root: State, pairs: list[tuple[int, int]]) -> State:
        best: dict[int, list[State]] = {}
        bound_by_input = root.bound & self._pattern.all_nodes
        best[self._pattern.input] = [root]
        # Where nothing reads the input, whatever is whole without it is whole.
        start = (
            State(self._pattern.input, 0, root.done, 0, 1.0, 0.0)
            if self._is_free(root)
            else State(0, 0, 0, 0, 1.0, 0.0)
        )
        for variable, paths in self._pattern.paths.items():
            if self._pattern.bit[variable] & bound_by_input:
                continue
            for path in paths:
                if not path.needs:
                    self._offer(best, self._pattern.bit[variable], self._extensions.bind(start, path))
        for relationship, path in self._pattern.relationship_paths:
            ends = self._pattern.mask_of((relationship.source, relationship.target))
            if not path.needs and not ends & (bound_by_input | self._pattern.input):
                reached = self._extensions.bind_relationship(start, relationship, path)
                self._offer(best, ends, self._extensions.closed(reached, (relationship.source, relationship.target)))
        for first, second in pairs:
            key = first | second
            if key & self._pattern.input:
                if second & self._pattern.input:
                    first, second = second, first
                self._unite(best, key, first, second)
            else:
                self._unite(best, key, first, second)
                self._unite(best, key, second, first)
        return self._together(best, root)

    def _is_free(self, root: State) -> bool:
        """Whether nothing of the pattern reads what the input brings."""
        hops = (r.hop_predicate for r in self._pattern.graph.relationships if r.hop_predicate is not None)
        reads = [mask for number, mask in enumerate(self._pattern.reads) if not root.done >> number & 1]
        reads += [self._pattern.mask_of(p.needs) for paths in self._pattern.paths.values() for p in paths]
        reads += [self._pattern.mask_of(p.needs) for _, p in self._pattern.relationship_paths]
        reads += [self._pattern.mask_of(free_variables(hop)) for hop in hops]
        return not self._pattern.graph.arguments and not any(mask & self._pattern.input for mask in reads)

    def _unite(self, best: dict[int, list[State]], key: int, first: int, second: int) -> None:
        """Offer all plans of ``key`` that go on from one of ``first``."""
        lefts = best.get(first, ())
        for left in lefts:
            for states in self._extensions.extended(left, second):
                self._offer(best, key, states)
            if not self._may_join:
                continue
            rights = [(right, False) for right in best.get(second, ())]
            if first & self._pattern.input and first != self._pattern.input and self._may_correlate(best):
                rights += [(right, True) for right in best.get(second | self._pattern.input, ())]
            # Both halves alone may cost more than what there is.
            bound = max((state.cost for state in best.get(key, ())), default=float("inf"))
            for right, correlated in rights:
                if left.cost + right.cost >= bound:
                    continue
                for states in self._joining.joined(left, right, correlated, bound):
                    self._offer(best, key, states)

    def _offer(self, best: dict[int, list[State]], key: int, states: Sequence[State]) -> None:
        """Keep what is cheapest among plans that have solved the same."""
        for state in states:
            known = best.setdefault(key, [])
            for number, other in enumerate(known):
                if other.solved != state.solved:
                    continue
                better, worse = (state, other) if state.cost < other.cost else (other, state)
                known[number] = better
                self._remember(worse)
                break
            else:
                known.append(state)

    def _remember(self, worse: State) -> None:
        """Keep what was not taken."""
        found = self._others.setdefault(worse.bound & self._pattern.all_nodes, [])
        found.append(worse)
        if len(found) > 4 * ALTERNATIVES_KEPT:
            found.sort(key=lambda s: s.cost)
            del found[2 * ALTERNATIVES_KEPT :]

    def _together(self, best: dict[int, list[State]], root: State) -> State:
        """All parts as one plan: those that nothing connects meet each with each, the smallest first."""
        parts: list[State] = []
        state = root
        for members in components(self._neighbours(root)):
            found = best.get(members)
            if found is None:
                continue
            part = min(found, key=lambda s: (-s.solved.bit_count(), s.cost))
            if members & self._pattern.input:
                state = part
            else:
                parts.append(part)
        for part in sorted(parts, key=lambda p: p.rows):
            if not part.bound & state.bound & ~self._pattern.input:
                ways = sorted(self._joining.crossed(state, part, self._may_join), key=lambda s: s.cost)
                for other in ways[1:]:
                    self._remember(other)
                state = self._extensions.closed(ways[0], None)[0]
        return state if self._pattern.is_whole(state) else self._greedy(state)

    def _recorded(self, state: State) -> tuple[Costed, ...]:
        """The steps that lead to a state, each with the ways not taken to where it leads."""
        found: list[Costed] = []
        before = 0
        for item in state.chain():
            assert item.last is not None
            costed, key = item.last, item.bound & self._pattern.all_nodes
            step = self._whole(costed.step)
            others = self._alternatives(self._others.get(key, ())) if key != before else ()
            found.append(Costed(step, costed.rows, costed.cost, others))
            before = key
        return tuple(found)

    def _whole(self, step: Step) -> Step:
        """A join with the steps of its other half, which are not written down while there is still a choice."""
        return (
            step
            if not isinstance(step, Join)
            else replace(step, right=self._recorded(self._joining.halves[id(step)][1]))
        )

    def _alternatives(self, others: Sequence[State]) -> tuple[Alternative, ...]:
        """The cheapest of each description, the cheapest first."""
        found: dict[str, Alternative] = {}
        for other in sorted(others, key=lambda s: s.cost):
            key, at = other.bound & self._pattern.all_nodes, other
            while at.before is not None and at.before.bound & self._pattern.all_nodes == key:
                at = at.before
            if at.last is None or len(found) == ALTERNATIVES_KEPT:
                break
            step = at.last.step
            if isinstance(step, Join):
                half = self._joining.halves[id(step)][1].chain()
                text = f"{shown(step)} with {_shown_chain(half)}"
            else:
                text = _shown_chain(at.chain())
            found.setdefault(text, Alternative(text, other.rows, other.cost, isinstance(step, Join)))
        return tuple(found.values())

    def _may_correlate(self, best: dict[int, list[State]]) -> bool:
        """Whether both halves may begin with the input: it solves nothing that both would have."""
        return all(state.solved == 0 for state in best[self._pattern.input])

    def _greedy(self, state: State) -> State:
        """Go on from ``state`` by whatever multiplies rows least, until all is bound."""
        queue: list[tuple[float, int, int]] = []
        numbers = count()
        needing: dict[int, list[tuple[str, AccessPath]]] = {}

        def offer(vertices: int, growth: float) -> None:
            heapq.heappush(queue, (growth, next(numbers), vertices))

        def offer_path(variable: str, path: AccessPath) -> None:
            if self._pattern.mask_of(path.needs) & ~state.bound == 0 and path.lookup != "scan":
                offer(self._pattern.bit[variable], path.rows * self._estimates.share(variable, path))

        def reach(variable: str) -> None:
            for relationship in self._pattern.incident[variable]:
                far = relationship.target if relationship.source == variable else relationship.source
                if (
                    not self._pattern.bit[far] & state.bound
                    and relationship.variable not in self._pattern.graph.arguments
                ):
                    for reached in self._extensions.follow(state, relationship):
                        offer(self._pattern.bit[far], reached.rows / max(state.rows, 1e-9) * self._estimates.share(far))
            for needed in needing.get(self._pattern.bit[variable], ()):
                offer_path(*needed)

        for relationship, path in self._pattern.relationship_paths:
            ends = self._pattern.mask_of((relationship.source, relationship.target))
            if self._pattern.mask_of(path.needs) & ~state.bound == 0:
                offer(ends, path.rows)
        for variable, paths in self._pattern.paths.items():
            for path in paths:
                for bit in bits(self._pattern.mask_of(path.needs)):
                    needing.setdefault(1 << bit, []).append((variable, path))
                if path.rows <= SEEK_ROWS_MAX:
                    offer_path(variable, path)
        for variable in self._pattern.labels:
            if self._pattern.bit[variable] & state.bound:
                reach(variable)
        waiting = [(min(p.rows for p in paths), variable) for variable, paths in self._pattern.paths.items()]
        heapq.heapify(waiting)
        while state.bound & self._pattern.all_nodes != self._pattern.all_nodes:
            if queue:
                vertices = heapq.heappop(queue)[2]
                if vertices & state.bound:
                    continue
                choices = [found[0] for found in self._extensions.extended(state, vertices, True)]
            else:
                vertices = self._pattern.bit[heapq.heappop(waiting)[1]]
                if vertices & state.bound:
                    continue
                paths = self._pattern.paths[self._pattern.vertices[vertices.bit_length() - 1]]
                choices = [
                    self._extensions.bind(state, p)[0]
                    for p in paths
                    if self._pattern.mask_of(p.needs) & ~state.bound == 0
                ]
            if choices:
                state = min(choices, key=lambda s: s.cost + s.rows)
                for vertex in bits(vertices):
                    reach(self._pattern.vertices[vertex])
        return self._extensions.closed(state, None)[0]


def _shown_chain(chain: Sequence[State]) -> str:
    """How a plan begins, and its last step."""
    steps = [state.last.step for state in chain if state.last is not None and state.last.step.binds]
    if not steps:
        return ""
    return shown(steps[0]) if len(steps) == 1 else f"{shown(steps[0])} ... {shown(steps[-1])}"


def order_pattern(
    graph: PatternGraph, catalog: PlanningCatalog, rows: float, available: frozenset[str], joins: bool = True
) -> Sequence[Costed]:
    """The steps of ``graph`` in the order chosen, for ``rows`` input rows that have the columns ``available``."""
    return PatternPlanner(graph, catalog, available, joins).steps(rows)
