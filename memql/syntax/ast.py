"""Statements and clauses as written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .ast_expr import Expression, Parameter, Syntax, Variable
from .ast_pattern import LabelExpression, MatchMode, PathPattern

# --- projections -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProjectionItem(Syntax):
    """``expression [AS alias]``.

    ``text`` names the column where there is no alias: a variable's name, anything else exactly as written. With an
    alias it is empty.
    """

    expression: Expression
    alias: Variable | None
    text: str


@dataclass(frozen=True, slots=True)
class SortItem(Syntax):
    """``expression [ASC|DESC]``."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Projection(Syntax):
    """What WITH and RETURN share; ``star`` for ``*``."""

    items: tuple[ProjectionItem, ...]
    star: bool = False
    distinct: bool = False
    order_by: tuple[SortItem, ...] = ()
    skip: Expression | None = None
    limit: Expression | None = None


# --- reading clauses ---------------------------------------------------------


class SearchKind(Enum):
    """Which kind of index SEARCH asks."""

    VECTOR = "VECTOR"
    FULLTEXT = "FULLTEXT"


@dataclass(frozen=True, slots=True)
class Search(Syntax):
    """``SEARCH n IN (VECTOR INDEX i FOR $q [WHERE ...] LIMIT 5) [SCORE AS s]``."""

    variable: Variable
    kind: SearchKind
    index: str | Parameter
    query: Expression
    where: Expression | None
    limit: Expression | None
    score: Variable | None


@dataclass(frozen=True, slots=True)
class Match(Syntax):
    """``[OPTIONAL] MATCH patterns [SEARCH ...] [WHERE ...]``."""

    patterns: tuple[PathPattern, ...]
    where: Expression | None = None
    optional: bool = False
    mode: MatchMode | None = None
    search: Search | None = None


@dataclass(frozen=True, slots=True)
class Unwind(Syntax):
    """``UNWIND list AS x``, and ``FOR x IN list``."""

    source: Expression
    variable: Variable


@dataclass(frozen=True, slots=True)
class With(Syntax):
    """``WITH ... [WHERE ...]``."""

    projection: Projection
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Return(Syntax):
    """``RETURN ...``."""

    projection: Projection


@dataclass(frozen=True, slots=True)
class YieldItem(Syntax):
    """``field [AS alias]``."""

    field: str
    alias: Variable | None = None


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """``[OPTIONAL] CALL name(arguments) [YIELD items [WHERE ...]]``.

    ``arguments`` None: none written (they come from parameters). ``yields`` None: no YIELD; ``yield_star``: YIELD *.
    """

    procedure: str
    arguments: tuple[Expression, ...] | None
    yields: tuple[YieldItem, ...] | None = None
    yield_star: bool = False
    where: Expression | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class InTransactions(Syntax):
    """``IN [n CONCURRENT] TRANSACTIONS [OF k ROWS] [ON ERROR ...] [REPORT STATUS AS s]``."""

    concurrency: Expression | None = None
    rows: Expression | None = None
    on_error: str | None = None
    report: Variable | None = None


@dataclass(frozen=True, slots=True)
class CallSubquery(Syntax):
    """``[OPTIONAL] CALL (a, b) { query } [IN TRANSACTIONS ...]``; ``imports`` None: no list written, () : ``()``."""

    query: Query
    imports: tuple[Variable, ...] | None = None
    import_star: bool = False
    in_transactions: InTransactions | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class LoadCsv(Syntax):
    """``LOAD CSV [WITH HEADERS] FROM url AS row [FIELDTERMINATOR c]``."""

    source: Expression
    variable: Variable
    headers: bool = False
    terminator: str | None = None


@dataclass(frozen=True, slots=True)
class Let(Syntax):
    """``LET x = expression, ...``."""

    items: tuple[tuple[Variable, Expression], ...]


@dataclass(frozen=True, slots=True)
class Filter(Syntax):
    """``FILTER [WHERE] predicate``."""

    predicate: Expression


@dataclass(frozen=True, slots=True)
class OrderAndPage(Syntax):
    """A standalone ORDER BY, SKIP/OFFSET or LIMIT."""

    order_by: tuple[SortItem, ...] = ()
    skip: Expression | None = None
    limit: Expression | None = None


@dataclass(frozen=True, slots=True)
class Finish(Syntax):
    """``FINISH``: no rows."""


# --- updating clauses --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Create(Syntax):
    """``CREATE patterns``, and ``INSERT``."""

    patterns: tuple[PathPattern, ...]


@dataclass(frozen=True, slots=True)
class SetProperty(Syntax):
    """``SET subject.key = value``; a Property or Index (dynamic key) as target."""

    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class SetProperties(Syntax):
    """``SET n = value`` or, where ``merge``, ``SET n += value``."""

    variable: Variable
    value: Expression
    merge: bool


@dataclass(frozen=True, slots=True)
class SetLabels(Syntax):
    """``SET n:A:B`` (LabelAnd or LabelName, dynamic ones allowed)."""

    variable: Variable
    labels: LabelExpression


SetItem: TypeAlias = SetProperty | SetProperties | SetLabels


@dataclass(frozen=True, slots=True)
class Set(Syntax):
    """``SET items``."""

    items: tuple[SetItem, ...]


@dataclass(frozen=True, slots=True)
class RemoveProperty(Syntax):
    """``REMOVE subject.key``."""

    target: Expression


@dataclass(frozen=True, slots=True)
class RemoveLabels(Syntax):
    """``REMOVE n:A:B``."""

    variable: Variable
    labels: LabelExpression


RemoveItem: TypeAlias = RemoveProperty | RemoveLabels


@dataclass(frozen=True, slots=True)
class Remove(Syntax):
    """``REMOVE items``."""

    items: tuple[RemoveItem, ...]


@dataclass(frozen=True, slots=True)
class Delete(Syntax):
    """``[DETACH] DELETE expressions``."""

    expressions: tuple[Expression, ...]
    detach: bool = False


@dataclass(frozen=True, slots=True)
class Merge(Syntax):
    """``MERGE pattern [ON CREATE SET ...] [ON MATCH SET ...]``."""

    pattern: PathPattern
    on_create: tuple[SetItem, ...] = ()
    on_match: tuple[SetItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreach(Syntax):
    """``FOREACH (x IN list | updates)``."""

    variable: Variable
    source: Expression
    updates: tuple[Clause, ...]


Clause: TypeAlias = (
    Match
    | Unwind
    | With
    | Return
    | Call
    | CallSubquery
    | LoadCsv
    | Let
    | Filter
    | OrderAndPage
    | Finish
    | Create
    | Set
    | Remove
    | Delete
    | Merge
    | Foreach
)

# --- queries -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SingleQuery(Syntax):
    """Clauses one after the other."""

    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Union(Syntax):
    """``left UNION [ALL] right``, left-deep."""

    left: Query
    right: SingleQuery
    all: bool


Query: TypeAlias = SingleQuery | Union

# --- schema ------------------------------------------------------------------


class IndexKindName(Enum):
    """Kinds of index as written."""

    RANGE = "RANGE"
    TEXT = "TEXT"
    POINT = "POINT"
    FULLTEXT = "FULLTEXT"
    VECTOR = "VECTOR"
    LOOKUP = "LOOKUP"


@dataclass(frozen=True, slots=True)
class CreateIndex(Syntax):
    """``CREATE [kind] INDEX [name] [IF NOT EXISTS] FOR (n:L) ON (n.k) [OPTIONS {...}]``; ``ON EACH [..]`` for text."""

    kind: IndexKindName
    name: str | Parameter | None
    if_not_exists: bool
    variable: Variable
    labels: tuple[str, ...]
    on_relationships: bool
    properties: tuple[Expression, ...]
    options: Expression | None = None


@dataclass(frozen=True, slots=True)
class DropIndex(Syntax):
    """``DROP INDEX name [IF EXISTS]``."""

    name: str | Parameter
    if_exists: bool


class ConstraintKind(Enum):
    """Kinds of constraint as written after REQUIRE."""

    UNIQUE = "IS UNIQUE"
    KEY = "IS KEY"
    NOT_NULL = "IS NOT NULL"
    TYPED = "IS ::"


@dataclass(frozen=True, slots=True)
class CreateConstraint(Syntax):
    """``CREATE CONSTRAINT [name] [IF NOT EXISTS] FOR (n:L) REQUIRE n.k IS UNIQUE``."""

    kind: ConstraintKind
    name: str | Parameter | None
    if_not_exists: bool
    variable: Variable
    label: str
    on_relationship: bool
    properties: tuple[Expression, ...]
    type: str | None = None
    options: Expression | None = None


@dataclass(frozen=True, slots=True)
class DropConstraint(Syntax):
    """``DROP CONSTRAINT name [IF EXISTS]``."""

    name: str | Parameter
    if_exists: bool


@dataclass(frozen=True, slots=True)
class Show(Syntax):
    """``SHOW what [YIELD ...] [WHERE ...] [RETURN ...]``; ``what`` in capitals: INDEXES, ..."""

    what: str
    kind: str | None = None
    yields: tuple[YieldItem, ...] | None = None
    yield_star: bool = False
    where: Expression | None = None
    order: OrderAndPage | None = None
    returns: Return | None = None


SchemaCommand: TypeAlias = CreateIndex | DropIndex | CreateConstraint | DropConstraint | Show


class StatementMode(Enum):
    """How a statement is to be run."""

    EXECUTE = ""
    EXPLAIN = "EXPLAIN"
    PROFILE = "PROFILE"


@dataclass(frozen=True, slots=True)
class AsOf(Syntax):
    """``AS OF moment`` or, where ``transaction``, ``AS OF TRANSACTION number``: a literal or a parameter."""

    moment: Expression
    transaction: bool = False


@dataclass(frozen=True, slots=True)
class Statement(Syntax):
    """One statement: EXPLAIN or PROFILE (``verbose``), or neither; of which moment it reads the graph; and the rest."""

    body: Query | SchemaCommand
    mode: StatementMode = StatementMode.EXECUTE
    as_of: AsOf | None = None
    verbose: bool = False
