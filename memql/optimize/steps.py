"""What a plan of a pattern is made of: steps, each with what it is expected to give and to cost.

A plan is a sequence of steps; a ``Join`` holds the sequence of its other half. ``physical_match`` makes operators of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from memoradb.storage.view import Direction

from ..exec.adjacent import arrow
from ..exec.operator import Alternative
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from ..plan.fold import Branches
from ..plan.pattern import PatternRelationship
from .access_path import AccessPath


@dataclass(frozen=True, slots=True)
class BindNode:
    """Find candidates of an unbound node by an access path."""

    path: AccessPath

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset((self.path.variable,))


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow a relationship from a bound end; ``into`` where the other end is bound too.

    ``backwards``: from the pattern's target to its source. ``direction`` is as seen from the bound end. ``bare``: the
    other end is joined with a half that tests its labels, so they are not tested here.
    """

    relationship: PatternRelationship
    backwards: bool
    direction: Direction
    into: bool
    bare: bool = False

    @property
    def source(self) -> str:
        """The bound end that the step starts from."""
        return self.relationship.target if self.backwards else self.relationship.source

    @property
    def target(self) -> str:
        """The other end."""
        return self.relationship.source if self.backwards else self.relationship.target

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset((self.relationship.source, self.relationship.target))


@dataclass(frozen=True, slots=True)
class Intersection:
    """Bind a node by following two or more relationships to it at once; each leg's target is the node."""

    target: str
    legs: tuple[Follow, ...]

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset((self.target, *(leg.source for leg in self.legs)))


@dataclass(frozen=True, slots=True)
class Project:
    """A relationship variable that is bound already: bind or check its ends."""

    relationship: PatternRelationship

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset((self.relationship.source, self.relationship.target))


@dataclass(frozen=True, slots=True)
class Test:
    """A predicate whose variables are bound now.

    ``lenient``: it may fail, and the pattern is not matched whole yet. Rows on which it fails are kept: it is tested
    again at the end, on what has become a match.
    """

    predicate: Expr
    lenient: bool = False

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Count:
    """Multiply by the matches of the branches that hang from a node that is bound now."""

    source: str
    branches: Branches

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class BindRelationship:
    """Find a relationship, with both its ends, by an index on its properties."""

    path: AccessPath
    relationship: PatternRelationship

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset((self.relationship.source, self.relationship.target))


@dataclass(frozen=True, slots=True)
class Join:
    """Join with another half, found by itself, on the nodes ``keys`` that both bind.

    ``correlated``: the other half begins with the same input rows; otherwise it reads nothing of them. ``values``:
    pairs of a value of this half and one of the other that must be equal, too; that is tested again afterwards.
    """

    right: tuple[Costed, ...]
    keys: tuple[str, ...]
    correlated: bool = False
    values: tuple[tuple[Expr, Expr], ...] = ()

    @property
    def binds(self) -> frozenset[str]:
        """The nodes that the step binds or checks."""
        return frozenset().union(*(item.step.binds for item in self.right))

    @property
    def relationships(self) -> frozenset[str]:
        """The relationships that the other half has found."""
        return relationships_of(self.right)


Step: TypeAlias = BindNode | BindRelationship | Follow | Intersection | Project | Test | Count | Join


@dataclass(frozen=True, slots=True)
class Costed:
    """A step with the rows expected after it and the cost so far, in nanoseconds.

    ``alternatives``: other ways to the same part of the pattern that were considered, cheapest first.
    """

    step: Step
    rows: float
    cost: float
    alternatives: tuple[Alternative, ...] = ()


def relationships_of(steps: tuple[Costed, ...]) -> frozenset[str]:
    """The relationships that steps follow or find."""
    found: set[str] = set()
    for item in steps:
        match item.step:
            case Follow(relationship) | BindRelationship(_, relationship) | Project(relationship):
                found.add(relationship.variable)
            case Intersection(_, legs):
                found |= {leg.relationship.variable for leg in legs}
            case Join() as join:
                found |= join.relationships
            case _:
                pass
    return frozenset(found)


def shown(step: Step) -> str:
    """A step in a few words."""
    match step:
        case BindNode(path):
            how = "scan" if path.lookup == "scan" else path.lookup if path.index is None else f"by {path.index}"
            return f"{show_variable(path.variable)} {how}"
        case BindRelationship(path, relationship):
            return f"{show_variable(relationship.variable)} by {path.index}"
        case Follow():
            return ("into " if step.into else "") + _arrow(step)
        case Intersection(_, legs):
            return "intersect " + ", ".join(map(_arrow, legs))
        case Join(_, keys, _, values):
            on = [*map(show_variable, keys), *(f"{show(mine)} = {show(its)}" for mine, its in values)]
            return f"join on {', '.join(on)}" if on else "join each with each"
        case Project(relationship):
            return f"ends of {show_variable(relationship.variable)}"
        case Test(predicate, _):
            return show(predicate)
        case Count(source, _):
            return f"count from {show_variable(source)}"


def _arrow(step: Follow) -> str:
    relationship = step.relationship
    return arrow(step.source, relationship.variable, step.target, relationship.types, step.direction)
