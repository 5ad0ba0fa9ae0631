"""Flat lists of operands and operators become trees, by precedence climbing.

Tiers, loosest first (CIP2021-08-10): OR, XOR, AND, NOT, comparisons, string and list predicates with IS NULL and label
tests, additive, multiplicative, power, unary sign. Comparisons chain: ``a < b = c`` is one ``Comparison`` of three
operands. Binary operators associate to the left, and so does ``^``, as in openCypher.
"""

from __future__ import annotations

from typing import Final

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span

from . import ast_expr as e
from .ast_expr import Expression
from .ast_pattern import LabelExpression
from .tokens import Token

_OR, _XOR, _AND, _NOT, _COMPARE, _PREDICATE, _ADD, _MULTIPLY, _POWER, _SIGN = range(1, 11)

_BINARY: Final = {
    "OR": (_OR, "OR"),
    "XOR": (_XOR, "XOR"),
    "AND": (_AND, "AND"),
    "EQ": (_COMPARE, "="),
    "NE": (_COMPARE, "<>"),
    "LT": (_COMPARE, "<"),
    "LE": (_COMPARE, "<="),
    "GT": (_COMPARE, ">"),
    "GE": (_COMPARE, ">="),
    "IN": (_PREDICATE, "IN"),
    "STARTS": (_PREDICATE, "STARTS WITH"),
    "ENDS": (_PREDICATE, "ENDS WITH"),
    "CONTAINS": (_PREDICATE, "CONTAINS"),
    "REGEX": (_PREDICATE, "=~"),
    "PLUS": (_ADD, "+"),
    "MINUS": (_ADD, "-"),
    "CONCAT": (_ADD, "||"),
    "STAR": (_MULTIPLY, "*"),
    "SLASH": (_MULTIPLY, "/"),
    "PERCENT": (_MULTIPLY, "%"),
    "CARET": (_POWER, "^"),
}


class Typed:
    """``IS :: T`` as a suffix in the flat list."""

    __slots__ = ("negated", "not_null", "span", "type")

    def __init__(self, type: str, not_null: bool, negated: bool, span: Span) -> None:
        self.type = type
        self.not_null = not_null
        self.negated = negated
        self.span = span


class Labeled:
    """``IS LABELED A`` as a suffix in the flat list."""

    __slots__ = ("labels", "negated", "span")

    def __init__(self, labels: LabelExpression, negated: bool, span: Span) -> None:
        self.labels = labels
        self.negated = negated
        self.span = span


Item = Expression | Token | Typed | Labeled


class _Climber:
    def __init__(self, items: list[Item]) -> None:
        self._items = items
        self._at = 0
        self._depth = 0

    def _peek(self) -> Item | None:
        return self._items[self._at] if self._at < len(self._items) else None

    def expression(self, least: int) -> Expression:
        left = self._unary(least)
        while True:
            item = self._peek()
            if isinstance(item, (Typed, Labeled)) or (isinstance(item, Token) and item.type in ("ISNULL", "ISNOTNULL")):
                if least > _PREDICATE:
                    return left
                self._at += 1
                left = _suffixed(left, item)
                continue
            if not isinstance(item, Token) or item.type not in _BINARY:
                return left
            tier, operator = _BINARY[item.type]
            if tier < least:
                return left
            if tier == _COMPARE:
                left = self._comparison(left)
                continue
            self._at += 1
            right = self.expression(tier + 1)
            left = e.Binary(operator, left, right, span=Span(left.span.start, right.span.end))

    def _comparison(self, first: Expression) -> Expression:
        operands, operators = [first], []
        while True:
            item = self._peek()
            if not isinstance(item, Token) or _BINARY.get(item.type, (0, ""))[0] != _COMPARE:
                break
            self._at += 1
            operators.append(_BINARY[item.type][1])
            operands.append(self.expression(_PREDICATE))
        span = Span(first.span.start, operands[-1].span.end)
        return e.Comparison(tuple(operands), tuple(operators), span=span)

    def _unary(self, least: int) -> Expression:
        item = self._items[self._at]
        if isinstance(item, Token):
            self._at += 1
            self._depth += 1
            if self._depth > NESTING_DEPTH_MAX:
                raise QueryTooComplex(
                    f"More than {NESTING_DEPTH_MAX} prefix operators in a row.",
                    limit="NESTING_DEPTH_MAX",
                    value=NESTING_DEPTH_MAX,
                    span=Span(item.start_pos, item.end_pos),
                )
            if item.type == "NOT":
                operand = self.expression(_NOT)
                made: Expression = e.Unary("NOT", operand, span=Span(item.start_pos, operand.span.end))
            else:
                operand = self._unary(_SIGN)
                made = _signed(item, operand)
            self._depth -= 1
            return made
        self._at += 1
        assert not isinstance(item, (Typed, Labeled))
        return item


def _suffixed(operand: Expression, item: Item) -> Expression:
    if isinstance(item, Labeled):
        span = Span(operand.span.start, item.span.end)
        test = e.HasLabels(operand, item.labels, span=span)
        return e.Unary("NOT", test, span=span) if item.negated else test
    if isinstance(item, Typed):
        span = Span(operand.span.start, item.span.end)
        return e.IsTyped(operand, item.type, item.not_null, item.negated, span=span)
    assert isinstance(item, Token)
    return e.IsNull(operand, item.type == "ISNOTNULL", span=Span(operand.span.start, item.end_pos))


def _signed(sign: Token, operand: Expression) -> Expression:
    """A sign and its operand; with a number literal they are one, so that the least integer can be written."""
    span = Span(sign.start_pos, operand.span.end)
    if sign.type == "MINUS" and isinstance(operand, e.Literal) and type(operand.value) in (int, float):
        return e.Literal(-operand.value, span=span)
    return e.Unary("-" if sign.type == "MINUS" else "+", operand, span=span)


def climb(items: list[Item]) -> Expression:
    """The tree of a flat expression."""
    if len(items) == 1 and not isinstance(items[0], (Token, Typed, Labeled)):
        return items[0]
    climber = _Climber(items)
    tree = climber.expression(_OR)
    rest = climber._peek()
    if rest is not None:
        at = rest.span if not isinstance(rest, Token) else Span(rest.start_pos, rest.end_pos)
        raise MemQLSyntaxError("This does not continue the expression before it.", span=at)
    return tree
