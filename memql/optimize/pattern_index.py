"""A pattern graph as the search of its plan reads it: sets of nodes, relationships and predicates as bits of integers.

What a step asks for again and again is looked up here: which predicates read what, which relationships touch a node,
which access paths find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from memoradb.storage.view import Follows

from ..cost.evaluation import cheap_first
from ..plan.expr import Expr, Subquery, children, free_variables
from ..plan.pattern import PatternGraph, PatternRelationship
from .access_path import access_paths, relationship_paths
from .pattern_state import State
from .planning import PlanningCatalog
from .steps import Follow
from .subgraphs import bits

FEW: Final = 64
"""Relationships or predicates up to which it is quicker to look at all than at those of one node."""


class PatternIndex:
    """One pattern graph, by number and by name.

    ``available``: the columns of the input rows.
    """

    def __init__(self, graph: PatternGraph, catalog: PlanningCatalog, available: frozenset[str]) -> None:
        self.graph = graph
        self.catalog = catalog
        self.labels = catalog.labels(graph)
        self.selectivity = catalog.selectivity(graph)
        free = [n for n in graph.nodes if n.variable not in graph.arguments]
        self.vertices = [n.variable for n in free]
        self.input = 1 << len(free)
        """The input's vertex, and its bit: what the input binds is bound with it."""
        self.all_nodes = (self.input << 1) - 1
        self.bit = dict.fromkeys(available | graph.arguments, self.input)
        self.bit |= {n.variable: 1 << i for i, n in enumerate(free)}
        fresh = [r for r in graph.relationships if r.variable not in graph.arguments]
        self.bit |= {r.variable: self.input << (i + 1) for i, r in enumerate(fresh)}
        self.number = {r.variable: 1 << i for i, r in enumerate(graph.relationships)}
        self._all_relationships = (1 << len(graph.relationships)) - 1
        self.incident: dict[str, list[PatternRelationship]] = {n.variable: [] for n in graph.nodes}
        for r in graph.relationships:
            for end in {r.source, r.target}:
                self.incident.setdefault(end, []).append(r)
        self.incidence = {v: sum(self.number[r.variable] for r in near) for v, near in self.incident.items()}
        """By node: the relationships that touch it."""
        self.met = {v: [(self.number[r.variable], *_met(r, v)) for r in near] for v, near in self.incident.items()}
        """By node: the relationships that touch it, as followed to it and as seen from it, or None."""
        self.ends = {r.variable: self.mask_of((r.source, r.target)) for r in graph.relationships}
        self.edges = [
            (self.number[r.variable], self.bit[r.source], self.bit[r.target], r)
            for r in graph.relationships
            if r.shortest is None
        ]
        self._follows: dict[tuple[int, bool, bool, bool], Follow] = {}
        # What reads nothing is tested with the input.
        reads = [free_variables(p) for p in graph.predicates]
        self.reads = [self.mask_of(names) or self.input for names in reads]
        self.alike: dict[int, int] = {}
        """By what they read: the predicates."""
        for number, mask in enumerate(self.reads):
            self.alike[mask] = self.alike.get(mask, 0) | 1 << number
        self.has_subquery = [_has_subquery(p) for p in graph.predicates]
        ranks = {id(p): rank for rank, p in enumerate(cheap_first(graph.predicates))}
        self.rank = [ranks[id(p)] for p in graph.predicates]
        """The order to test them in."""
        self.subject = [
            next(iter(names)) if len(names) == 1 and names <= self.labels.keys() else None for names in reads
        ]
        """The one node that a predicate is about."""
        self.about: dict[str, int] = {}
        for number, name in enumerate(self.subject):
            if name is not None:
                self.about[name] = self.about.get(name, 0) | 1 << number
        self._position = {id(p): i for i, p in enumerate(graph.predicates)}
        about: dict[str, list[Expr]] = {}
        for predicate, names in zip(graph.predicates, reads, strict=True):
            for name in names:
                about.setdefault(name, []).append(predicate)
        self.readers: dict[int, list[int]] = {}
        for number, mask in enumerate(self.reads):
            for bit in bits(mask):
                self.readers.setdefault(bit, []).append(number)
        self.paths = {n.variable: access_paths(n, about.get(n.variable, ()), catalog, self.selectivity) for n in free}
        self.path_answers = {
            id(path): self._numbers_of(path.answers) for paths in self.paths.values() for path in paths
        }
        self.relationship_paths = [
            (r, path) for r in fresh for path in relationship_paths(r, about.get(r.variable, ()), catalog)
        ]
        for _, path in self.relationship_paths:
            self.path_answers[id(path)] = self._numbers_of(path.answers)
        self.is_small = len(graph.relationships) <= FEW
        """Whether all relationships are looked at after each step."""
        self.slow = [r for r in fresh if r.length is not None or r.shortest is not None]

    def mask_of(self, variables: Iterable[str]) -> int:
        """The bits of variables: that of the input for all that is not the pattern's own."""
        mask = 0
        for name in variables:
            mask |= self.bit.get(name, self.input)
        return mask

    def _numbers_of(self, predicates: Sequence[Expr]) -> int:
        mask = 0
        for predicate in predicates:
            mask |= 1 << self._position[id(predicate)]
        return mask

    def is_whole(self, state: State) -> bool:
        """Whether a plan has bound and solved all of the pattern."""
        return state.bound & self.all_nodes == self.all_nodes and state.solved == self._all_relationships

    def hop_is_readable(self, relationship: PatternRelationship, state: State) -> bool:
        """It is tested while the path grows, so what it reads of the rest of the pattern must be there."""
        if relationship.hop_predicate is None:
            return True
        reads = free_variables(relationship.hop_predicate) - {relationship.hop_variable or ""}
        return self.mask_of(reads) & ~state.bound == 0

    def is_between(self, relationship: PatternRelationship, state: State) -> bool:
        """Whether both ends of a relationship that is not bound are."""
        return self.ends[relationship.variable] & ~state.bound == 0 and (
            relationship.variable not in self.graph.arguments
        )

    def step_of(self, relationship: PatternRelationship, backwards: bool, into: bool, bare: bool = False) -> Follow:
        """The step that follows a relationship so; the same object each time."""
        key = (self.number[relationship.variable], backwards, into, bare)
        found = self._follows.get(key)
        if found is None:
            direction = relationship.direction.reversed if backwards else relationship.direction
            found = self._follows[key] = Follow(relationship, backwards, direction, into, bare)
        return found

    def candidates(self, fresh: Iterable[str] | None) -> Iterable[int]:
        """The predicates that may read one of the nodes ``fresh`` or a relationship of theirs; None: all."""
        if fresh is None or len(self.reads) <= FEW:
            return range(len(self.reads))
        found: dict[int, None] = {}
        for name in fresh:
            for variable in (name, *(r.variable for r in self.incident[name])):
                for bit in bits(self.bit.get(variable, 0)):
                    found.update(dict.fromkeys(self.readers.get(bit, ())))
        return sorted(found)


def _met(relationship: PatternRelationship, node: str) -> tuple[Follows | None, Follows | None]:
    """A single hop as followed to a node, and one of a single type as seen from it."""
    if relationship.length is not None:
        return None, None
    direction = relationship.direction
    towards = direction if relationship.target == node else direction.reversed
    seen = direction if relationship.source == node else direction.reversed
    return (
        Follows(relationship.types, towards) if relationship.source != relationship.target else None,
        Follows(relationship.types, seen) if len(relationship.types) == 1 else None,
    )


def _has_subquery(expr: Expr) -> bool:
    return isinstance(expr, Subquery) or any(_has_subquery(c) for c in children(expr))
