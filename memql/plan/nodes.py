"""The logical algebra. Frozen trees; names follow the literature.

A plan's leaf is an ``Argument``: the row(s) that its frame is run for. The top level's argument is one row without
columns; a subquery's has the outer columns it needs. Columns are named by variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from memoradb.core.spans import NOWHERE, Span
from memoradb.storage.view import IndexDefinition

from .expr import Expr
from .pattern import PatternGraph


@dataclass(frozen=True, slots=True)
class Argument:
    """The frame's own rows, with these columns."""

    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """All matches of a pattern graph for each input row."""

    input: LogicalNode
    graph: PatternGraph


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows on which the predicate is true."""

    input: LogicalNode
    predicate: Expr


@dataclass(frozen=True, slots=True)
class Projection:
    """New columns. ``keep``: the input's columns stay too, else only ``items``."""

    input: LogicalNode
    items: tuple[tuple[str, Expr], ...]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate function: ``arguments`` is empty for count(*)."""

    variable: str
    function: str
    arguments: tuple[Expr, ...]
    distinct: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Groups by ``keys``; without keys one row whatever comes in."""

    input: LogicalNode
    keys: tuple[tuple[str, Expr], ...]
    aggregates: tuple[Aggregate, ...]


@dataclass(frozen=True, slots=True)
class Distinct:
    """One row for each distinct combination of ``columns`` (all that remain)."""

    input: LogicalNode
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SortKey:
    """An expression to sort by."""

    expression: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """Stable sort."""

    input: LogicalNode
    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """Sort, skip, limit in one; made by a rewrite rule."""

    input: LogicalNode
    keys: tuple[SortKey, ...]
    limit: Expr
    skip: Expr | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """All but the first ``count`` rows."""

    input: LogicalNode
    count: Expr


@dataclass(frozen=True, slots=True)
class Limit:
    """The first ``count`` rows."""

    input: LogicalNode
    count: Expr


@dataclass(frozen=True, slots=True)
class Unwind:
    """A row for each element of a list; null gives none, a scalar one."""

    input: LogicalNode
    source: Expr
    variable: str


class ApplyKind(Enum):
    """What an Apply does with the inner rows."""

    CROSS = "Apply"  # each outer row with each of its inner rows
    OPTIONAL = "OptionalApply"  # the same, or with nulls where there is none
    SEMI = "SemiApply"  # outer rows that have an inner row
    ANTI = "AntiSemiApply"  # outer rows that have none
    UNIT = "UnitApply"  # inner rows are drained for their effects; outer rows pass


@dataclass(frozen=True, slots=True)
class Apply:
    """The inner plan for each outer row. ``variables``: inner columns that the result adds."""

    outer: LogicalNode
    inner: LogicalNode
    kind: ApplyKind
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreach:
    """The inner updates for each element of a list; rows pass unchanged. ``inner`` starts from an Argument."""

    input: LogicalNode
    variable: str
    source: Expr
    inner: LogicalNode


@dataclass(frozen=True, slots=True)
class Union:
    """Rows of all inputs, which all have ``columns``; distinct unless ``all``."""

    inputs: tuple[LogicalNode, ...]
    columns: tuple[str, ...]
    all: bool


@dataclass(frozen=True, slots=True)
class ProcedureCall:
    """A registered procedure for each input row. ``yields``: (output field, variable). Void ones keep their rows."""

    input: LogicalNode
    procedure: str
    arguments: tuple[Expr, ...]
    yields: tuple[tuple[str, str], ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    writes: bool = False


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """The ``limit`` elements most similar to ``query``, for each input row."""

    input: LogicalNode
    variable: str
    index: str
    query: Expr
    limit: Expr
    score: str | None = None


@dataclass(frozen=True, slots=True)
class TextSearch:
    """Full-text hits, best first, for each input row; ``limit`` None: all."""

    input: LogicalNode
    variable: str
    index: str
    query: Expr
    limit: Expr | None
    score: str | None = None


# --- updates -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewNode:
    """A node to create; ``properties`` is a map expression or None."""

    variable: str
    labels: tuple[str, ...]
    properties: Expr | None = None


@dataclass(frozen=True, slots=True)
class NewRelationship:
    """A relationship to create, OUT from ``source`` to ``target``."""

    variable: str
    source: str
    target: str
    type: str
    properties: Expr | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Elements for each row, in order; adds their variables."""

    input: LogicalNode
    nodes: tuple[NewNode, ...]
    relationships: tuple[NewRelationship, ...]


@dataclass(frozen=True, slots=True)
class SetPropertyItem:
    """``target.key = value``; ``key`` is an expression (usually a Literal)."""

    target: Expr
    key: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class SetPropertiesItem:
    """``target = value`` or ``target += value``."""

    target: Expr
    value: Expr
    merge: bool


@dataclass(frozen=True, slots=True)
class SetLabelsItem:
    """Labels added, or removed where ``remove``."""

    target: Expr
    labels: tuple[str, ...]
    remove: bool = False


UpdateItem: TypeAlias = SetPropertyItem | SetPropertiesItem | SetLabelsItem


@dataclass(frozen=True, slots=True)
class Update:
    """SET and REMOVE: items in order for each row. REMOVE n.k is a SetPropertyItem of null."""

    input: LogicalNode
    items: tuple[UpdateItem, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Nodes, relationships or paths to delete (lists of them too)."""

    input: LogicalNode
    targets: tuple[Expr, ...]
    detach: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """Match, or else create, for each row; each row sees what earlier rows made.

    ``match`` starts from an Argument of ``arguments``. The pattern's property expressions are evaluated once a row
    and null ones are an error (``non_null``: expression and the element's variable).
    """

    input: LogicalNode
    match: LogicalNode
    nodes: tuple[NewNode, ...]
    relationships: tuple[NewRelationship, ...]
    on_create: tuple[UpdateItem, ...]
    on_match: tuple[UpdateItem, ...]
    arguments: tuple[str, ...]
    variables: tuple[str, ...]
    non_null: tuple[tuple[Expr, str], ...] = ()
    undirected: bool = False


@dataclass(frozen=True, slots=True)
class Eager:
    """All input before any output: a barrier between conflicting reads and writes."""

    input: LogicalNode


# --- roots and schema --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProduceResults:
    """The root: result columns in order, as (name shown, variable). Without columns nothing is returned."""

    input: LogicalNode
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE INDEX; UNIQUE ones are constraints. Name "" asks for a generated one."""

    definition: IndexDefinition
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropIndex:
    """DROP INDEX or CONSTRAINT."""

    name: str
    if_exists: bool
    constraint: bool = False


@dataclass(frozen=True, slots=True)
class ShowIndexes:
    """SHOW INDEXES (or CONSTRAINTS): a leaf with the columns of ``columns``."""

    columns: tuple[tuple[str, str], ...]
    constraints: bool = False


LogicalNode: TypeAlias = (
    Argument
    | Match
    | Selection
    | Projection
    | Aggregation
    | Distinct
    | Sort
    | Top
    | Skip
    | Limit
    | Unwind
    | Apply
    | Foreach
    | Union
    | ProcedureCall
    | VectorSearch
    | TextSearch
    | Create
    | Update
    | Delete
    | Merge
    | Eager
    | ProduceResults
    | CreateIndex
    | DropIndex
    | ShowIndexes
)
