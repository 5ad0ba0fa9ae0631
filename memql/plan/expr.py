"""Bound expressions: names resolved, operators and functions by canonical name, no syntax left.

Every variable is a column of the batch it is evaluated on; the binder gives each a name unique in its statement (a
user's ``n`` stays ``n`` where it can; what it makes up starts with a space, which no user can write unquoted).

Strict operators and functions are all ``Call``: the function registry says what they mean. What evaluates its
operands selectively or brings a variable into scope has a class of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from memoradb.core.spans import NOWHERE, Span
from memoradb.core.values import Value

from ..syntax.ast_expr import QuantifierKind, SubqueryKind

if TYPE_CHECKING:
    from ..exec.operator import Operator
    from .nodes import LogicalNode


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. Compare with care: ``Literal(1) == Literal(1.0) == Literal(True)`` in Python."""

    value: Value


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter's value, read when the statement runs."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of the batch."""

    name: str


@dataclass(frozen=True, slots=True)
class Property:
    """``subject.key`` of a node, relationship, map, temporal value or point."""

    subject: Expr
    key: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A strict operator or function, by canonical name.

    Operators: ``= <> < <= > >= + - * / % ^ || IN =~ NOT XOR``, ``STARTS WITH``, ``ENDS WITH``, ``CONTAINS``,
    ``unary -``, ``unary +``, ``index`` (``a[b]``), ``slice`` (``a[b..c]``, missing bounds are Literal(None)
    with ``slice from`` / ``slice to`` as names where one bound is absent). Functions by lower-case name:
    ``tolower``, ``vector.similarity.cosine``.
    """

    function: str
    arguments: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Three-valued; later operands only where the earlier are not false."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Three-valued; later operands only where the earlier are not true."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``IS NULL``, or ``IS NOT NULL`` where ``negated``."""

    operand: Expr
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first that is not null; later ones only where needed."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Searched CASE (a simple one becomes equalities)."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr


class LabelOperator(Enum):
    """How a label test combines its operands."""

    NAME = "name"
    AND = "&"
    OR = "|"
    NOT = "!"
    ANY = "%"


@dataclass(frozen=True, slots=True)
class LabelTest:
    """A label (or type) expression: ``name`` for NAME, else ``operands``."""

    operator: LabelOperator
    name: str = ""
    operands: tuple[LabelTest, ...] = ()


@dataclass(frozen=True, slots=True)
class HasLabels:
    """Whether a node's labels, or a relationship's type, satisfy a test; null for null."""

    operand: Expr
    test: LabelTest
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b]``."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """``{a: 1}``."""

    entries: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class AllProperties:
    """All properties of a node, relationship or map, as a map: ``n {.*}`` and ``properties(n)``."""

    subject: Expr


@dataclass(frozen=True, slots=True)
class MergedMap:
    """Maps one over the other, the last wins: map projections."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ListComprehension:
    """``variable`` ranges over ``source``; body runs once over the flattened values."""

    variable: str
    source: Expr
    predicate: Expr | None
    projection: Expr | None


@dataclass(frozen=True, slots=True)
class Quantifier:
    """all, any, none, single in three values."""

    kind: QuantifierKind
    variable: str
    source: Expr
    predicate: Expr


@dataclass(frozen=True, slots=True)
class Reduce:
    """A left fold."""

    accumulator: str
    initial: Expr
    variable: str
    source: Expr
    step: Expr


@dataclass(frozen=True, slots=True)
class PathOf:
    """A path from columns in order: node, then relationship (or list of relationships), node, ...

    A relationship column that holds a list (a variable-length step) contributes all of its hops.
    """

    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """A correlated subquery as a value; pattern predicates are EXISTS, pattern comprehensions COLLECT.

    ``plan`` is logical after building and physical after planning. It starts from an Argument of ``arguments``;
    COLLECT gathers its column ``result``.
    """

    kind: SubqueryKind
    plan: LogicalNode | Operator
    arguments: tuple[str, ...]
    result: str | None = None


Expr: TypeAlias = (
    Literal
    | Parameter
    | Variable
    | Property
    | Call
    | And
    | Or
    | IsNull
    | Coalesce
    | Case
    | HasLabels
    | ListOf
    | MapOf
    | AllProperties
    | MergedMap
    | ListComprehension
    | Quantifier
    | Reduce
    | PathOf
    | Subquery
)

TRUE = Literal(True)
NULL = Literal(None)

EXPRESSION_CLASSES: tuple[type, ...] = (
    Literal,
    Parameter,
    Variable,
    Property,
    Call,
    And,
    Or,
    IsNull,
    Coalesce,
    Case,
    HasLabels,
    ListOf,
    MapOf,
    AllProperties,
    MergedMap,
    ListComprehension,
    Quantifier,
    Reduce,
    PathOf,
    Subquery,
)


_EXPRESSIONS: Final = frozenset(EXPRESSION_CLASSES)
_CHILDLESS: Final = frozenset((Literal, Parameter, Variable, PathOf, Subquery))


@cache
def field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that may hold expressions or plans: rewriting asks many times."""
    return tuple(f.name for f in fields(kind) if f.name != "span")


def is_expression(value: object) -> bool:
    """Whether a field's value is an expression: no class of the algebra is subclassed."""
    return type(value) in _EXPRESSIONS


def _map_field(value: object, rule: Callable[[Expr], Expr]) -> object:
    if type(value) in _EXPRESSIONS:
        return rule(value)  # pyright: ignore[reportArgumentType]
    if type(value) is tuple:
        mapped = tuple(_map_field(v, rule) for v in value)
        return value if all(a is b for a, b in zip(value, mapped, strict=True)) else mapped
    return value


def map_children(expr: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """``rule`` applied to each direct child; the same object where none changes. Subquery plans are left alone."""
    if type(expr) in _CHILDLESS:
        return expr
    changes = {}
    for name in field_names(type(expr)):
        value = getattr(expr, name)
        mapped = _map_field(value, rule)
        if mapped is not value:
            changes[name] = mapped
    return replace(expr, **changes) if changes else expr


def children(expr: Expr) -> list[Expr]:
    """The direct children, in order."""
    found: list[Expr] = []
    if type(expr) not in _CHILDLESS:
        for name in field_names(type(expr)):
            _gather(getattr(expr, name), found)
    return found


def _gather(value: object, found: list[Expr]) -> None:
    if type(value) in _EXPRESSIONS:
        found.append(value)  # pyright: ignore[reportArgumentType]
    elif type(value) is tuple:
        for item in value:
            _gather(item, found)


def subqueries_in(value: object) -> list[Subquery]:
    """The subqueries in an expression, or in whatever tuples and plan items hold expressions; outermost ones."""
    if isinstance(value, Subquery):
        return [value]
    if isinstance(value, EXPRESSION_CLASSES):
        return [s for child in children(value) for s in subqueries_in(child)]  # pyright: ignore[reportArgumentType]
    if isinstance(value, tuple):
        return [s for item in value for s in subqueries_in(item)]
    if is_dataclass(value) and type(value).__module__ == __name__.replace(".expr", ".nodes"):
        return [s for f in fields(value) for s in subqueries_in(getattr(value, f.name))]  # pyright: ignore[reportArgumentType]
    return []


def rewrite_up(expr: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """``rule`` applied to every sub-expression, innermost first."""
    return rule(map_children(expr, lambda child: rewrite_up(child, rule)))


def free_variables(expr: Expr) -> frozenset[str]:
    """The columns that evaluating ``expr`` reads."""
    match expr:
        case Variable(name):
            return frozenset((name,))
        case PathOf(elements):
            return frozenset(elements)
        case Subquery():
            return frozenset(expr.arguments)
        case ListComprehension() | Quantifier():
            inner = [expr.predicate] if expr.predicate is not None else []
            if isinstance(expr, ListComprehension) and expr.projection is not None:
                inner.append(expr.projection)
            within = frozenset().union(*map(free_variables, inner)) - {expr.variable}
            return free_variables(expr.source) | within
        case Reduce():
            step = free_variables(expr.step) - {expr.accumulator, expr.variable}
            return free_variables(expr.initial) | free_variables(expr.source) | step
        case _:
            return frozenset().union(*map(free_variables, children(expr)))


def conjuncts(expr: Expr | None) -> tuple[Expr, ...]:
    """The terms of a conjunction; none for None or TRUE."""
    if expr is None or (isinstance(expr, Literal) and expr.value is True):
        return ()
    if isinstance(expr, And):
        return tuple(term for operand in expr.operands for term in conjuncts(operand))
    return (expr,)


def conjunction(terms: tuple[Expr, ...]) -> Expr:
    """The inverse of ``conjuncts``."""
    return TRUE if not terms else terms[0] if len(terms) == 1 else And(terms)
