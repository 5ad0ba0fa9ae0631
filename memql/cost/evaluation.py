"""What evaluating an expression costs for one row, in nanoseconds: enough to tell cheap ones from dear ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..plan.expr import (
    Call,
    Expr,
    ListComprehension,
    Literal,
    Parameter,
    Property,
    Quantifier,
    Reduce,
    Subquery,
    Variable,
    children,
)
from ..plan.failure import cannot_fail

PROPERTY_NS: Final = 5.0
"""A value gathered from a column."""

COMPARISON_NS: Final = 2.0
"""Two numbers compared, or two codes of strings."""

TEXT_NS: Final = 60.0
"""A search inside a string that has no code of its own."""

PATTERN_NS: Final = 250.0
"""A regular expression."""

SIMILARITY_NS: Final = 1_000.0
"""The distance of two vectors of some hundred numbers."""

CALL_NS: Final = 150.0
"""A function that is evaluated row by row, and each step of a list comprehension."""

SUBQUERY_NS: Final = 3_000.0
"""A subquery, its plan's own cost aside."""

_COMPARISONS: Final = frozenset(("=", "<>", "<", "<=", ">", ">=", "NOT", "XOR", "+", "-", "*", "id", "IN"))
_TEXT: Final = frozenset(("STARTS WITH", "ENDS WITH", "CONTAINS", "tolower", "toupper", "lower", "upper"))


def evaluation_ns(expr: Expr) -> float:
    """Of the expression with all that is in it."""
    match expr:
        case Literal() | Parameter() | Variable():
            return 0.0
        case Property():
            own = PROPERTY_NS
        case Call(name) if name in _COMPARISONS:
            own = COMPARISON_NS
        case Call(name) if name in _TEXT:
            own = TEXT_NS
        case Call("=~"):
            own = PATTERN_NS
        case Call(name) if name.startswith("vector."):
            own = SIMILARITY_NS
        case Call() | ListComprehension() | Quantifier() | Reduce():
            own = CALL_NS
        case Subquery():
            return SUBQUERY_NS
        case _:
            own = COMPARISON_NS
    return own + sum(map(evaluation_ns, children(expr)))


def cheap_first(terms: Sequence[Expr]) -> list[Expr]:
    """The terms of an AND in the order to test them: one that may fail stays in its place, and none passes it."""
    out: list[Expr] = []
    run: list[Expr] = []
    for term in terms:
        if cannot_fail(term):
            run.append(term)
        else:
            out += [*sorted(run, key=evaluation_ns), term]
            run = []
    return out + sorted(run, key=evaluation_ns)
