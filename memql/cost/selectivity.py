"""What share of rows a predicate keeps, from statistics where they say, from the textbook's guesses elsewhere.

Selinger et al. 1979 for the guesses; independence is assumed between the terms of a conjunction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memoradb.core.values import Value
from memoradb.storage.view import RangeBound, Statistics

from ..plan.expr import And, Call, Expr, HasLabels, IsNull, ListOf, Literal, Or, Parameter, Property, Variable
from ..plan.expr import LabelOperator as Op

EQUALITY_GUESS: Final = 0.1
RANGE_GUESS: Final = 1 / 3
TEXT_GUESS: Final = 0.1
POINT_GUESS: Final = 0.05
OTHER_GUESS: Final = 0.5

RANGE_OPERATORS: Final = frozenset(("<", "<=", ">", ">="))
MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


class Selectivity:
    """Estimates over the nodes of one pattern graph: ``labels`` by variable."""

    def __init__(self, statistics: Statistics, labels: Mapping[str, tuple[str, ...]]) -> None:
        self._statistics = statistics
        self._labels = labels

    def of(self, predicate: Expr) -> float:
        """The share of rows on which ``predicate`` is true, between 0 and 1."""
        match predicate:
            case Literal(value):
                return 1.0 if value is True else 0.0
            case And(operands):
                share = 1.0
                for operand in operands:
                    share *= self.of(operand)
                return share
            case Or(operands):
                missing = 1.0
                for operand in operands:
                    missing *= 1.0 - self.of(operand)
                return 1.0 - missing
            case IsNull(operand, negated):
                null = self._null_fraction(operand)
                return 1.0 - null if negated else null
            case HasLabels(Variable(name), test) if test.operator is Op.NAME:
                total = self._nodes(name)
                return min(1.0, self._statistics.nodes_with_label(test.name) / total) if total else 0.0
            case Call("NOT", (operand,)):
                return 1.0 - self.of(operand)
            case Call("=", (left, right)):
                return self._equality(left, right)
            case Call("<>", (left, right)):
                return 1.0 - self._equality(left, right)
            case Call("IN", (left, right)):
                count = len(right.items) if isinstance(right, ListOf) else 10
                return min(1.0, count * self._equality(left, Literal("?")))
            case Call(operator, (left, right)) if operator in RANGE_OPERATORS:
                return self._range(operator, left, right)
            case Call("point.withinbbox"):
                return POINT_GUESS
            case Call("STARTS WITH" | "ENDS WITH" | "CONTAINS" | "=~"):
                return TEXT_GUESS
            case _:
                return OTHER_GUESS

    def _nodes(self, variable: str) -> int:
        labels = self._labels.get(variable, ())
        return min((self._statistics.nodes_with_label(x) for x in labels), default=self._statistics.nodes())

    def _label(self, variable: str) -> str | None:
        labels = self._labels.get(variable, ())
        return min(labels, key=self._statistics.nodes_with_label) if labels else None

    def _null_fraction(self, operand: Expr) -> float:
        match operand:
            case Property(Variable(name), key):
                return self._statistics.null_fraction(self._label(name), key)
            case _:
                return EQUALITY_GUESS

    def _equality(self, left: Expr, right: Expr) -> float:
        shares = [share for side in (left, right) if (share := self._one_of_distinct(side)) is not None]
        return min(shares, default=EQUALITY_GUESS)

    def _one_of_distinct(self, side: Expr) -> float | None:
        match side:
            case Property(Variable(name), key):
                distinct = self._statistics.distinct_values(self._label(name), key)
                return None if distinct is None else 1.0 / max(1, distinct)
            case Call("tolower" | "toupper" | "lower" | "upper", (argument,)):
                return self._one_of_distinct(argument)
            case _:
                return None

    def _range(self, operator: str, left: Expr, right: Expr) -> float:
        if isinstance(right, Property):
            left, right, operator = right, left, MIRRORED[operator]
        match left, right:
            case (Call("point.distance" | "distance"), _) | (_, Call("point.distance" | "distance")):
                return POINT_GUESS
            case Property(Variable(name), key), Literal(value):
                bound = RangeBound(value, operator in ("<=", ">="))
                low, high = (bound, None) if operator in (">", ">=") else (None, bound)
                share = self._statistics.range_fraction(self._label(name), key, low, high)
                return RANGE_GUESS if share is None else share
            case _:
                return RANGE_GUESS


def constant(expr: Expr) -> tuple[bool, Value]:
    """Whether ``expr`` is the same on every row and known now, and its value if so."""
    match expr:
        case Literal(value):
            return True, value
        case _:
            return False, None


def is_row_independent(expr: Expr) -> bool:
    """Whether ``expr`` is a literal or a parameter: the same on every row."""
    return isinstance(expr, (Literal, Parameter))
