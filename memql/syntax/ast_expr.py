"""Expressions as written. Frozen, with source spans; equality ignores the spans."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from memoradb.core.spans import NOWHERE, Span
from memoradb.core.values import Value

if TYPE_CHECKING:
    from .ast import Query
    from .ast_pattern import LabelExpression, PathPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """The root of all syntax nodes: ``span`` is where it stands in the text."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """null, true, 1, 1.5, 'text'. Integers may exceed 64 bits here: the binder says so."""

    value: Value


@dataclass(frozen=True, slots=True)
class Parameter(Syntax):
    """``$name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Syntax):
    """A name in an expression, or where one is declared."""

    name: str


@dataclass(frozen=True, slots=True)
class Property(Syntax):
    """``subject.key``."""

    subject: Expression
    key: str


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """``subject[index]``: list element or dynamic property."""

    subject: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Slice(Syntax):
    """``subject[low..high]``."""

    subject: Expression
    low: Expression | None
    high: Expression | None


@dataclass(frozen=True, slots=True)
class ListLiteral(Syntax):
    """``[1, 2]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Syntax):
    """``{a: 1}``; keys in order, repeated ones kept (the last wins)."""

    entries: tuple[tuple[str, Expression], ...]


class ProjectionItemKind(Enum):
    """The four forms inside ``n {...}``."""

    PROPERTY = ".key"
    ALL = ".*"
    LITERAL = "key: expression"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class MapProjectionItem(Syntax):
    """One item of a map projection; ``expression`` only for LITERAL."""

    kind: ProjectionItemKind
    key: str
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class MapProjection(Syntax):
    """``n {.name, .*, extra: 1, other}``."""

    subject: Variable
    items: tuple[MapProjectionItem, ...]


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """``NOT x``, ``-x``, ``+x``: ``operator`` is ``NOT``, ``-`` or ``+``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Syntax):
    """Two operands.

    ``operator`` is one of ``OR XOR AND + - * / % ^ || IN =~``, ``STARTS WITH``, ``ENDS WITH``, ``CONTAINS``.
    """

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Syntax):
    """``a < b = c``: a conjunction of pairs. Operators ``= <> < <= > >=``, one fewer than operands."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsNull(Syntax):
    """``x IS NULL``, ``x IS NOT NULL``."""

    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class IsTyped(Syntax):
    """``x IS [NOT] :: TYPE [NOT NULL]``; ``type`` as written, upper case, single spaces."""

    operand: Expression
    type: str
    not_null: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class HasLabels(Syntax):
    """``n:A&!B`` as a predicate; for relationships the type."""

    operand: Expression
    labels: LabelExpression


@dataclass(frozen=True, slots=True)
class FunctionCall(Syntax):
    """``name(arguments)``; ``name`` as written, dots included. ``count(*)`` has ``star``."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    star: bool = False


@dataclass(frozen=True, slots=True)
class Case(Syntax):
    """Simple (with ``subject``) or searched CASE."""

    subject: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class ListComprehension(Syntax):
    """``[x IN list WHERE predicate | projection]``."""

    variable: Variable
    source: Expression
    predicate: Expression | None
    projection: Expression | None


@dataclass(frozen=True, slots=True)
class PatternComprehension(Syntax):
    """``[p = (a)-->(b) WHERE predicate | projection]``; the path variable is the pattern's."""

    pattern: PathPattern
    predicate: Expression | None
    projection: Expression


class QuantifierKind(Enum):
    """all, any, none, single."""

    ALL = "all"
    ANY = "any"
    NONE = "none"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class Quantifier(Syntax):
    """``any(x IN list WHERE predicate)``."""

    kind: QuantifierKind
    variable: Variable
    source: Expression
    predicate: Expression | None


@dataclass(frozen=True, slots=True)
class Reduce(Syntax):
    """``reduce(acc = initial, x IN list | step)``."""

    accumulator: Variable
    initial: Expression
    variable: Variable
    source: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class PatternExpression(Syntax):
    """A pattern where an expression stands: a predicate in WHERE, or an argument of shortestPath()/size()/exists()."""

    pattern: PathPattern


class SubqueryKind(Enum):
    """EXISTS, COUNT, COLLECT."""

    EXISTS = "EXISTS"
    COUNT = "COUNT"
    COLLECT = "COLLECT"


@dataclass(frozen=True, slots=True)
class SubqueryExpression(Syntax):
    """``EXISTS { ... }`` and kin: either a whole query, or patterns with an optional WHERE."""

    kind: SubqueryKind
    query: Query | None
    patterns: tuple[PathPattern, ...] = ()
    where: Expression | None = None


Expression: TypeAlias = (
    Literal
    | Parameter
    | Variable
    | Property
    | Index
    | Slice
    | ListLiteral
    | MapLiteral
    | MapProjection
    | Unary
    | Binary
    | Comparison
    | IsNull
    | IsTyped
    | HasLabels
    | FunctionCall
    | Case
    | ListComprehension
    | PatternComprehension
    | Quantifier
    | Reduce
    | PatternExpression
    | SubqueryExpression
)
