"""The pattern graph: what a MATCH is before the planner cuts it into operators.

Nodes and relationships of all patterns of one MATCH, as a graph over variables, with predicates. Several patterns
that share a variable share the node. Inline property maps and inline WHERE are predicates like any other; label
names that must all hold are kept on the node, other label expressions are predicates.
"""

from __future__ import annotations

from dataclasses import dataclass

from memoradb.storage.view import Direction

from .expr import Expr


@dataclass(frozen=True, slots=True)
class PatternNode:
    """A node: all of ``labels`` must hold."""

    variable: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Length:
    """Hops of a variable-length relationship: ``high`` None is unbounded."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class PatternRelationship:
    """A relationship from ``source`` to ``target`` (OUT or BOTH; an incoming arrow is stored turned round).

    With ``length`` the variable is a list of relationships, and ``hop_predicate``, over the single relationship
    ``hop_variable``, must hold on every hop. ``shortest``: None, ``"one"`` or ``"all"`` (shortestPath,
    allShortestPaths). A variable already bound by the input (``PatternGraph.arguments``) is matched against it.
    """

    variable: str
    source: str
    target: str
    types: tuple[str, ...] = ()
    direction: Direction = Direction.OUT
    length: Length | None = None
    hop_variable: str | None = None
    hop_predicate: Expr | None = None
    shortest: str | None = None
    reversed: bool = False
    """Written with ``<-``: the list of a variable-length relationship then runs from target to source."""


@dataclass(frozen=True, slots=True)
class PatternGraph:
    """One MATCH. ``arguments`` are the variables that the input already binds."""

    nodes: tuple[PatternNode, ...]
    relationships: tuple[PatternRelationship, ...]
    predicates: tuple[Expr, ...] = ()
    arguments: frozenset[str] = frozenset()
    uniqueness: tuple[frozenset[str], ...] = ()
    """Groups of relationship variables that must be pairwise different (one group for each original MATCH)."""
