"""Which relationships of a pattern must be compared, because they might be the same one.

Relationships of one MATCH are all different. Most pairs cannot be the same anyway, and a comparison that is left out
also spares the relationship itself, where nothing else reads it. Two of different types are never the same. Nor are two
of which the same one would have to be a self-loop, or make one of another of the pattern, of types that have none: in
(a)-->(b)-->(c) the second is the first only where a, b and c are one node; in (a)-->(b)-->(c)<--(a) the third is the
first only where b is c, so that the second would be a self-loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memoradb.storage.view import Direction

from ..plan.pattern import PatternGraph, PatternRelationship
from .planning import PlanningCatalog

LOOKED_AT_MAX: Final = 40
"""Relationships of a pattern up to which every pair is reasoned about: the work grows with the cube."""


class Uniqueness:
    """The pairs of one pattern graph; the facts that an answer rests on are noted when it is asked for."""

    def __init__(self, graph: PatternGraph, catalog: PlanningCatalog) -> None:
        self._graph = graph
        self._catalog = catalog
        self._by_name = {r.variable: r for r in graph.relationships}
        self._known: dict[str, frozenset[str]] = {}
        self._by_types: dict[tuple[str, ...], frozenset[str]] = {}
        self._looks = len(graph.relationships) <= LOOKED_AT_MAX

    def of(self, variable: str) -> frozenset[str]:
        """The relationships that ``variable`` must be compared with."""
        known = self._known.get(variable)
        if known is None:
            mine = self._by_name[variable]
            others = frozenset().union(*(g for g in self._graph.uniqueness if variable in g)) - {variable}
            if self._looks:
                apart = frozenset(o for o in others if o in self._by_name and self._may_be_same(mine, self._by_name[o]))
            else:
                apart = others & self._sharing(mine.types)
            known = self._known[variable] = apart
        return known

    def _sharing(self, types: tuple[str, ...]) -> frozenset[str]:
        """The relationships that may be of one of ``types``."""
        found = self._by_types.get(types)
        if found is None:
            sharing = (r for r in self._graph.relationships if not (r.types and types) or set(r.types) & set(types))
            found = self._by_types[types] = frozenset(r.variable for r in sharing)
        return found

    def _may_be_same(self, a: PatternRelationship, b: PatternRelationship) -> bool:
        if a.types and b.types and not set(a.types) & set(b.types):
            return False
        if a.length is not None or b.length is not None:
            return True
        ways = [((a.source, b.source), (a.target, b.target))]
        if Direction.BOTH in (a.direction, b.direction):
            ways.append(((a.source, b.target), (a.target, b.source)))
        trial = self._catalog.trial()
        if not all(self._needs_a_loop(pairs, trial) for pairs in ways):
            return True
        self._catalog.adopt(trial)
        return False

    def _needs_a_loop(self, same: Sequence[tuple[str, str]], catalog: PlanningCatalog) -> bool:
        """Whether a relationship of types without self-loops would be one, were these pairs of nodes the same."""
        classes: dict[str, str] = {}

        def root(name: str) -> str:
            while name in classes:
                name = classes[name]
            return name

        for first, second in same:
            if root(first) != root(second):
                classes[root(first)] = root(second)
        return any(
            r.length is None and root(r.source) == root(r.target) and catalog.loop_free(r.types)
            for r in self._graph.relationships
        )
