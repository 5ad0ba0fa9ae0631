"""Patterns as written: openCypher's, and GQL's quantified paths, selectors and modes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .ast_expr import Expression, MapLiteral, Parameter, Syntax, Variable


@dataclass(frozen=True, slots=True)
class LabelName(Syntax):
    """One label or type."""

    name: str


@dataclass(frozen=True, slots=True)
class DynamicLabel(Syntax):
    """``$(expression)``; ``any_of`` for ``$any(...)``."""

    expression: Expression
    any_of: bool = False


@dataclass(frozen=True, slots=True)
class LabelWildcard(Syntax):
    """``%``: at least one."""


@dataclass(frozen=True, slots=True)
class LabelNot(Syntax):
    """``!A``."""

    operand: LabelExpression


@dataclass(frozen=True, slots=True)
class LabelAnd(Syntax):
    """``A&B``, and ``:A:B``."""

    operands: tuple[LabelExpression, ...]


@dataclass(frozen=True, slots=True)
class LabelOr(Syntax):
    """``A|B``."""

    operands: tuple[LabelExpression, ...]


LabelExpression: TypeAlias = LabelName | DynamicLabel | LabelWildcard | LabelNot | LabelAnd | LabelOr


class Arrow(Enum):
    """The written direction of a relationship."""

    RIGHT = "->"
    LEFT = "<-"
    BOTH = "--"  # also <-->: openCypher reads it as either way


@dataclass(frozen=True, slots=True)
class NodePattern(Syntax):
    """``(n:A {k: 1} WHERE n.x > 1)``."""

    variable: Variable | None = None
    labels: LabelExpression | None = None
    properties: MapLiteral | Parameter | None = None
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Range(Syntax):
    """Bounds of a variable length or quantifier: ``*``, ``*2``, ``*1..3``, ``{1,3}``, ``+``. None: open.

    ``*`` alone has low None and high None; openCypher then means 1.. .
    """

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class RelationshipPattern(Syntax):
    """``-[r:T*1..3 {k: 1} WHERE ...]->``; ``length`` is openCypher's star, ``quantifier`` GQL's."""

    arrow: Arrow
    variable: Variable | None = None
    types: LabelExpression | None = None
    length: Range | None = None
    properties: MapLiteral | Parameter | None = None
    where: Expression | None = None
    quantifier: Range | None = None


@dataclass(frozen=True, slots=True)
class QuantifiedPath(Syntax):
    """``((a)-->(b) WHERE ...){1,3}``."""

    elements: tuple[PathElement, ...]
    where: Expression | None
    quantifier: Range | None


PathElement: TypeAlias = NodePattern | RelationshipPattern | QuantifiedPath


class SelectorKind(Enum):
    """GQL path selectors, and openCypher's two functions."""

    ALL = "ALL"
    ANY = "ANY"
    ANY_SHORTEST = "ANY SHORTEST"
    ALL_SHORTEST = "ALL SHORTEST"
    SHORTEST_K = "SHORTEST k"
    SHORTEST_GROUPS = "SHORTEST k GROUPS"
    SHORTEST_PATH = "shortestPath()"
    ALL_SHORTEST_PATHS = "allShortestPaths()"


@dataclass(frozen=True, slots=True)
class Selector(Syntax):
    """Which of the matching paths are wanted."""

    kind: SelectorKind
    count: int | None = None


class PathMode(Enum):
    """GQL path modes."""

    WALK = "WALK"
    TRAIL = "TRAIL"
    ACYCLIC = "ACYCLIC"
    SIMPLE = "SIMPLE"


@dataclass(frozen=True, slots=True)
class PathPattern(Syntax):
    """``p = (a)-[r]->(b)``: nodes and relationships alternate, a node first and last."""

    elements: tuple[PathElement, ...]
    variable: Variable | None = None
    selector: Selector | None = None
    mode: PathMode | None = None


class MatchMode(Enum):
    """What may repeat within one MATCH."""

    DIFFERENT_RELATIONSHIPS = "DIFFERENT RELATIONSHIPS"
    REPEATABLE_ELEMENTS = "REPEATABLE ELEMENTS"
