"""Plans of two parts of a pattern as one: halves found by themselves meet in a hash join, or each row with each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ..cost import constants
from ..plan.expr import Call, Expr, free_variables
from ..plan.failure import cannot_fail, is_safe
from ..plan.pattern import PatternRelationship
from .pattern_estimates import Estimates
from .pattern_extensions import Extensions
from .pattern_index import PatternIndex
from .pattern_state import State
from .steps import (
    BindNode,
    BindRelationship,
    Follow,
    Join,
)

BUILD_ROWS_MAX: Final = 2e7
"""Rows that half of a hash join is expected to hold at most."""

HASH_CACHED_ROWS: Final = 65_536
"""Rows of a join's table that stay in the cache."""


class Joins:
    """The ways to join plans of two parts of one pattern graph."""

    def __init__(self, pattern: PatternIndex, estimates: Estimates, extensions: Extensions) -> None:
        self._pattern = pattern
        self._estimates = estimates
        self._extensions = extensions
        self._early: dict[int, tuple[State, bool]] = {}
        """By identity: plans, and whether all that they find may be found early."""
        self.halves: dict[int, tuple[Join, State]] = {}
        """Joins by identity, with the plan of their other half."""

    def _may_run_early(self, right: State) -> bool:
        """Whether all of a half may be found although its rows might never be asked for: it cannot fail."""
        found = self._early.get(id(right))
        if found is None:
            found = self._early[id(right)] = right, all(map(self._may_step_run_early, right.chain()))
        return found[1]

    def _may_step_run_early(self, item: State) -> bool:
        assert item.last is not None
        match item.last.step:
            case BindNode(path) | BindRelationship(path, _):
                bounds = [b[0] for b in (path.low, path.high) if b is not None]
                values = [*path.values, *bounds, *([] if path.value is None else [path.value])]
                if not all(map(is_safe, values)) or path.lookup in ("any", "search"):
                    return False
            case Follow(relationship) if relationship.hop_predicate is not None:
                if not cannot_fail(relationship.hop_predicate):
                    return False
            case _:
                pass
        return True

    def joined(self, left: State, right: State, correlated: bool, bound: float) -> Iterator[Sequence[State]]:
        """Plans that join two halves on the nodes that one of them reaches in the other, for less than ``bound``."""
        mine, its = left.bound & self._pattern.all_nodes, right.bound & self._pattern.all_nodes & ~self._pattern.input
        solved = left.solved | right.solved
        edges = [
            relationship
            for number, source, target, relationship in self._pattern.edges
            if not number & solved and ((source & mine and target & its) or (source & its and target & mine))
        ]
        if not edges or not self._may_run_early(right):
            return
        for reaching, other in ((right, left), (left, right)):
            if self._least(reaching, other, edges, reaching is right) >= bound:
                continue
            reached, keys, match = self._reached(reaching, other, edges)
            if reached is None:
                continue
            rows = left.rows * right.rows * match
            build, probe = (reached, left) if reaching is right else (right, reached)
            if build.rows > BUILD_ROWS_MAX:
                continue
            work = build.cost + self._join_cost(probe.rows, build.rows, rows, len(keys))
            joined = probe.after(self._half(build, keys, correlated), rows, work)
            joined.bound |= build.bound
            joined.solved |= build.solved
            joined.done |= build.done
            joined.tested |= build.tested
            yield self._extensions.closed(joined, None)

    def _least(self, reaching: State, other: State, edges: Sequence[PatternRelationship], builds: bool) -> float:
        """What a join costs at least whose ``reaching`` half follows ``edges``; ``builds``: that is built."""
        edge = edges[0]
        cost = reaching.cost + other.cost + 3 * constants.OPERATOR_NS
        cost += other.rows * (constants.HASH_PROBE_NS if builds else constants.HASH_BUILD_NS)
        if edge.length is None:
            backwards = (
                not self._pattern.bit[edge.source]
                & reaching.bound
                & ~(self._pattern.input if other.bound & self._pattern.input else 0)
            )
            mean = self._estimates.degrees(reaching, self._pattern.step_of(edge, backwards, False, True))[0]
            each = constants.EXPAND_ROW_NS
            if len(edges) == 1:  # else the others may leave few of the rows
                each += constants.HASH_BUILD_NS if builds else constants.HASH_PROBE_NS
            cost += reaching.rows * (constants.EXPAND_SOURCE_NS + mean * each)
        return cost

    def _join_cost(self, probes: float, built: float, rows: float, keys: int) -> float:
        """What a hash join takes beside its halves."""
        miss = constants.HASH_MISS_NS if built > HASH_CACHED_ROWS else 0.0
        work = built * (constants.HASH_BUILD_NS + miss) + probes * (max(1, keys) * constants.HASH_PROBE_NS + miss)
        return 2 * constants.OPERATOR_NS + work + rows * constants.HASH_ROW_NS

    def _reached(
        self, state: State, other: State, edges: Sequence[PatternRelationship]
    ) -> tuple[State | None, tuple[str, ...], float]:
        """(``state`` with ``edges`` followed to the other half, the nodes reached there, matches of a pair of rows).

        The other half tests those nodes: here they only have to be the same.
        """
        keys: dict[str, None] = {}
        match = 1.0
        mine = (
            state.bound & self._pattern.all_nodes & ~(self._pattern.input if other.bound & self._pattern.input else 0)
        )
        at = state
        for relationship in edges:
            if not self._pattern.hop_is_readable(relationship, state):
                return None, (), 0.0
            backwards = not self._pattern.bit[relationship.source] & mine
            end = relationship.source if backwards else relationship.target
            step = self._pattern.step_of(relationship, backwards, end in keys, True)
            before = at.rows
            reached = self._extensions.followed(at, step)
            ends = self._estimates.nodes_with(self._pattern.labels.get(end, ()))
            share = reached.rows / max(before, 1e-9) / ends
            if relationship.length is None:
                # As a step from either end would have it: whichever knows of hubs on its way.
                again = self._pattern.step_of(relationship, not backwards, False)
                starts = self._estimates.nodes_with(self._pattern.labels.get(step.source, ()))
                share = max(
                    self._estimates.degrees(at, step)[1] / ends, self._estimates.degrees(other, again)[1] / starts
                )
            match *= share
            keys[end] = None
            at = reached
        return at, tuple(keys), match

    def crossed(self, left: State, part: State, may_join: bool) -> list[State]:
        """The ways to each row of ``left`` with each match of a part that reads nothing of it; nothing tested yet."""
        again = left
        for item in part.chain():
            assert item.last is not None
            rows, cost = left.rows * item.rows, left.cost + max(1.0, left.rows) * item.cost
            again = replace(
                again,
                bound=left.bound | item.bound,
                solved=left.solved | item.solved,
                done=left.done | item.done,
                tested=left.tested | item.tested,
                rows=rows,
                cost=cost,
                last=replace(item.last, rows=rows, cost=cost),
                before=again,
            )
        reached = [again]
        equal = self._equalities(left, part)
        # A scan alone is as quick again for each row, and holds nothing.
        worth_it = equal or (left.rows > 1.0 and len(part.chain()) > 1)
        if may_join and worth_it and part.rows <= BUILD_ROWS_MAX and self._may_run_early(part):
            rows = left.rows * part.rows
            for number in equal:
                rows *= self._estimates.share_kept(number, left)
            work = self._join_cost(left.rows, part.rows, rows, len(equal))
            work += (left.rows + part.rows) * len(equal) * constants.VALUE_HASH_NS
            joined = left.after(self._half(part, (), False, tuple(equal.values())), rows, part.cost + work)
            joined.bound |= part.bound
            joined.solved |= part.solved
            joined.done |= part.done
            joined.tested |= part.tested
            for number in equal:
                joined.tested |= 1 << number  # a hash may be the same by chance
            reached.append(joined)
        if len(reached) > 1 and not self._pattern.catalog.enabled("expand_halves"):
            del reached[0]
        return reached

    def _equalities(self, left: State, part: State) -> dict[int, tuple[Expr, Expr]]:
        """The predicates that say that a value of one half is one of the other, by number, with the values."""
        found: dict[int, tuple[Expr, Expr]] = {}
        for number, predicate in enumerate(self._pattern.graph.predicates):
            if (left.done | part.done | left.tested | part.tested) >> number & 1:
                continue
            match predicate:
                case Call("=", (one, other)) if is_safe(one) and is_safe(other):
                    for mine, its in ((one, other), (other, one)):
                        reads, others = (
                            self._pattern.mask_of(free_variables(mine)),
                            self._pattern.mask_of(free_variables(its)),
                        )
                        inside = not reads & ~left.bound and not others & ~(part.bound & ~self._pattern.input)
                        if reads and others and inside and not reads & part.bound & ~self._pattern.input:
                            found[number] = (mine, its)
                            break
                case _:
                    pass
        return found

    def _half(
        self,
        right: State,
        keys: tuple[str, ...],
        correlated: bool = False,
        values: tuple[tuple[Expr, Expr], ...] = (),
    ) -> Join:
        step = Join((), keys, correlated, values)
        self.halves[id(step)] = (step, right)
        return step
