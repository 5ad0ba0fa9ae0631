"""Parser reductions to expressions: one method for each rule of the grammar's expression part.

Lark calls a method as soon as its rule is complete, so no tree is built in between. Children are tokens, nodes made
before, or None where an optional part is missing.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from typing import Any, Final

from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.limits import VAR_LENGTH_HOPS_MAX
from memoradb.core.spans import Span

from . import ast_expr as e
from . import ast_pattern as p
from .precedence import Labeled, Typed, climb
from .retag import name_of
from .tokens import Token

_ESCAPES: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "/": "/",
}
_ESCAPE: Final = re.compile(
    r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL
)


def span_of(children: list[Any]) -> Span:
    """From the first child's start to the last one's end."""
    start = end = -1
    for child in children:
        found = _span(child)
        if found is not None:
            if start < 0:
                start = found.start
            end = found.end
    return Span(max(start, 0), max(end, 0))


def _span(child: Any) -> Span | None:
    if isinstance(child, Token):
        return Span(child.start_pos, child.end_pos)
    if isinstance(child, Span):
        return child
    if isinstance(child, (list, tuple)):
        found = span_of(list(child))
        return found if found.end else None
    return getattr(child, "span", None)


def nodes(children: list[Any]) -> tuple[Any, ...]:
    """The children that are neither tokens nor missing."""
    return tuple(c for c in children if c is not None and not isinstance(c, Token))


def tokens(children: list[Any], *types: str) -> list[Token]:
    """The children that are tokens of these types."""
    return [c for c in children if isinstance(c, Token) and c.type in types]


def variable_of(token: Token) -> e.Variable:
    """A name as a variable."""
    return e.Variable(name_of(token), span=Span(token.start_pos, token.end_pos))


def unescape(token: Token) -> str:
    """A string token's text."""

    def character(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] in "uU" and len(code) > 1:
            if len(code) == 11:  # a surrogate pair, as JSON and Java write what is beyond 16 bits
                high, low = int(code[1:5], 16), int(code[7:], 16)
                return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            number = int(code[1:], 16)
            if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                raise _bad_escape(token, found)
            return chr(number)
        if code not in _ESCAPES:
            raise _bad_escape(token, found)
        return _ESCAPES[code]

    raw = token.value[1:-1]
    return _ESCAPE.sub(character, raw) if "\\" in raw else raw


def _bad_escape(token: Token, found: re.Match[str]) -> MemQLSyntaxError:
    start = token.start_pos + 1 + found.start()
    unicode = found.group(1)[0] in "uU"
    if len(found.group(1)) == 5 and found.group(1)[1] in "dD":
        return MemQLSyntaxError(
            f"`{found.group()}` is half of a surrogate pair, no character.",
            span=Span(start, start + len(found.group())),
            hint="Write both halves, \\uD83D\\uDE00, or the character by its code, \\U0001F600.",
            detail="InvalidUnicodeLiteral",
        )
    return MemQLSyntaxError(
        f"`{found.group()}` is not an escape sequence.",
        span=Span(start, start + len(found.group())),
        hint="A backslash itself is written \\\\; characters by code are \\u0041 or \\U0001F600.",
        detail="InvalidUnicodeLiteral" if unicode else None,
    )


class LowerExpressions:
    """The expression rules."""

    # --- literals and names

    def variable(self, c: list[Any]) -> e.Expression:
        return variable_of(c[0])

    def parameter(self, c: list[Any]) -> e.Expression:
        return e.Parameter(parameter_name(c[0]), span=span_of(c))

    def integer(self, c: list[Any]) -> e.Expression:
        text = c[0].value.replace("_", "")
        low = text.lower()
        if len(text) > 4000:
            raise MemQLSyntaxError("This number is too long.", span=span_of(c), detail="IntegerOverflow")
        if low.startswith("0x"):
            value = int(text, 16)
        elif low.startswith("0o"):
            value = int(text[2:], 8)
        else:
            value = int(text)
        return e.Literal(value, span=span_of(c))

    def float(self, c: list[Any]) -> e.Expression:
        value = float(c[0].value.replace("_", ""))
        if math.isinf(value):
            raise MemQLSyntaxError(
                f"{c[0].value} is too large for a float.", span=span_of(c), detail="FloatingPointOverflow"
            )
        return e.Literal(value, span=span_of(c))

    def string(self, c: list[Any]) -> e.Expression:
        return e.Literal(unescape(c[0]), span=span_of(c))

    def true(self, c: list[Any]) -> e.Expression:
        return e.Literal(True, span=span_of(c))

    def false(self, c: list[Any]) -> e.Expression:
        return e.Literal(False, span=span_of(c))

    def null(self, c: list[Any]) -> e.Expression:
        return e.Literal(None, span=span_of(c))

    # --- operators and access

    def expr(self, c: list[Any]) -> e.Expression:
        return climb(c)

    def group(self, c: list[Any]) -> e.Expression:
        return replace(c[1], span=span_of(c))  # the parentheses are part of a column's name

    def is_typed(self, c: list[Any]) -> Typed:
        negated = "NOT" in c[0].value.upper().split()
        name, span = c[1]
        return Typed(name, c[2] is not None, negated, span_of([c[0], span, *c[2:]]))

    def is_labeled(self, c: list[Any]) -> Labeled:
        return Labeled(c[1], "NOT" in c[0].value.upper().split(), span_of(c))

    def type_name(self, c: list[Any]) -> tuple[str, Span]:
        """A type as written, in capitals with single spaces, and where it stands."""
        parts: list[str] = []
        spans: list[Any] = []
        for child in c:
            if child is not None:
                name, span = (child.value.upper(), child) if isinstance(child, Token) else child
                parts.append(name)
                spans.append(span)
        return " ".join(parts).replace(" < ", "<").replace(" >", ">"), span_of(spans)

    def property(self, c: list[Any]) -> e.Expression:
        return e.Property(c[0], name_of(c[2]), span=span_of(c))

    def index(self, c: list[Any]) -> e.Expression:
        return e.Index(c[0], c[2], span=span_of(c))

    def slice(self, c: list[Any]) -> e.Expression:
        return e.Slice(c[0], c[2], c[4], span=span_of(c))

    def has_labels(self, c: list[Any]) -> e.Expression:
        return e.HasLabels(c[0], c[1], span=span_of(c))

    # --- lists, maps, functions

    def list_literal(self, c: list[Any]) -> e.Expression:
        return e.ListLiteral(nodes(c), span=span_of(c))

    def map(self, c: list[Any]) -> e.Expression:
        entries = tuple(x for x in c if isinstance(x, tuple))
        return e.MapLiteral(entries, span=Span(c[0].start_pos, c[-1].end_pos))

    def entry(self, c: list[Any]) -> tuple[str, e.Expression]:
        key = unescape(c[0]) if c[0].type == "STRING" else name_of(c[0])
        return key, c[2]

    def map_projection(self, c: list[Any]) -> e.Expression:
        return e.MapProjection(variable_of(c[0]), nodes(c), span=span_of(c))

    def entry_all(self, c: list[Any]) -> e.MapProjectionItem:
        return e.MapProjectionItem(e.ProjectionItemKind.ALL, "", span=span_of(c))

    def entry_property(self, c: list[Any]) -> e.MapProjectionItem:
        return e.MapProjectionItem(e.ProjectionItemKind.PROPERTY, name_of(c[1]), span=span_of(c))

    def entry_literal(self, c: list[Any]) -> e.MapProjectionItem:
        return e.MapProjectionItem(e.ProjectionItemKind.LITERAL, name_of(c[0]), c[2], span=span_of(c))

    def entry_variable(self, c: list[Any]) -> e.MapProjectionItem:
        return e.MapProjectionItem(e.ProjectionItemKind.VARIABLE, name_of(c[0]), span=span_of(c))

    def function(self, c: list[Any]) -> e.Expression:
        distinct = bool(tokens(c, "DISTINCT"))
        return e.FunctionCall(c[0].value, nodes(c), distinct, span=span_of(c))

    def function_star(self, c: list[Any]) -> e.Expression:
        return e.FunctionCall(c[0].value, (), star=True, span=span_of(c))

    def case(self, c: list[Any]) -> e.Expression:
        subject = None if c[1] is None or isinstance(c[1], tuple) else c[1]
        branches = tuple(x for x in c if isinstance(x, tuple))
        otherwise = None
        for i, child in enumerate(c):
            if isinstance(child, Token) and child.type == "ELSE":
                otherwise = c[i + 1]
        return e.Case(subject, branches, otherwise, span=span_of(c))

    def when(self, c: list[Any]) -> tuple[e.Expression, e.Expression]:
        return c[1], c[3]

    def list_comprehension(self, c: list[Any]) -> e.Expression:
        _, name, _, source, where, bar, projection, _ = c
        return e.ListComprehension(variable_of(name), source, where, projection if bar else None, span=span_of(c))

    def pattern_comprehension(self, c: list[Any]) -> e.Expression:
        _, name, _, elements, where, _, projection, _ = c
        variable = None if name is None else variable_of(name)
        pattern = p.PathPattern(elements, variable, span=span_of(list(elements)))
        return e.PatternComprehension(pattern, where, projection, span=span_of(c))

    def quantifier_expression(self, c: list[Any]) -> e.Expression:
        kind = e.QuantifierKind(c[0].value.lower())
        return e.Quantifier(kind, variable_of(c[2]), c[4], c[5], span=span_of(c))

    def reduce(self, c: list[Any]) -> e.Expression:
        return e.Reduce(variable_of(c[2]), c[4], variable_of(c[6]), c[8], c[10], span=span_of(c))

    def subquery(self, c: list[Any]) -> e.Expression:
        return e.SubqueryExpression(e.SubqueryKind(c[0].value.upper()), c[2], span=span_of(c))

    def subquery_pattern(self, c: list[Any]) -> e.Expression:
        return e.SubqueryExpression(e.SubqueryKind(c[0].value.upper()), None, c[2], c[3], span=span_of(c))

    def shortest_expression(self, c: list[Any]) -> e.Expression:
        return e.PatternExpression(c[0], span=span_of(c))

    def pattern_expression(self, c: list[Any]) -> e.Expression:
        return e.PatternExpression(p.PathPattern(tuple(c), span=span_of(c)), span=span_of(c))

    def pattern_start(self, c: list[Any]) -> p.NodePattern:
        return self.node(c)

    # --- patterns

    def node(self, c: list[Any]) -> p.NodePattern:
        _, name, labels, properties, where, _ = c
        variable = None if name is None else variable_of(name)
        return p.NodePattern(variable, labels, properties, where, span=span_of(c))

    def properties(self, c: list[Any]) -> e.MapLiteral | e.Parameter:
        return c[0] if not isinstance(c[0], Token) else e.Parameter(parameter_name(c[0]), span=span_of(c))

    def where(self, c: list[Any]) -> e.Expression:
        return c[1]

    def relationship(self, c: list[Any]) -> p.RelationshipPattern:
        left, _, detail, _, right, quantifier = c
        arrow = p.Arrow.BOTH if bool(left) == bool(right) else p.Arrow.LEFT if left else p.Arrow.RIGHT
        span = span_of(c)
        if detail is None:
            return p.RelationshipPattern(arrow, quantifier=quantifier, span=span)
        _, name, types, length, properties, where, _ = detail
        variable = None if name is None else variable_of(name)
        return p.RelationshipPattern(arrow, variable, types, length, properties, where, quantifier, span=span)

    def relationship_detail(self, c: list[Any]) -> list[Any]:
        return c

    def range(self, c: list[Any]) -> p.Range:
        _, low, dots, high = c
        first = None if low is None else _bound(low)
        last = first if dots is None else None if high is None else _bound(high)
        return p.Range(first, last, span=span_of(c))

    def quantifier(self, c: list[Any]) -> p.Range:
        if c[0].type in ("PLUS", "STAR"):
            return p.Range(1 if c[0].type == "PLUS" else 0, None, span=span_of(c))
        if len(c) == 3:
            return p.Range(_bound(c[1]), _bound(c[1]), span=span_of(c))
        low, high = c[1], c[3]
        return p.Range(0 if low is None else _bound(low), None if high is None else _bound(high), span=span_of(c))

    def quantified_path(self, c: list[Any]) -> p.QuantifiedPath:
        return p.QuantifiedPath(c[1], c[2], c[4], span=span_of(c))

    def path_elements(self, c: list[Any]) -> tuple[Any, ...]:
        for left, right in itertools.pairwise(c):
            if isinstance(left, p.NodePattern) and isinstance(right, p.NodePattern):
                raise MemQLSyntaxError(
                    "Two nodes stand side by side without a relationship.",
                    span=right.span,
                    hint="Join them by a relationship, (a)-->(b), or put a comma between two patterns.",
                )
        return tuple(c)

    def selector(self, c: list[Any]) -> p.Selector:
        words = {x.type for x in c if x is not None}
        count = next((_bound(x) for x in c if x is not None and x.type == "INT"), None)
        if "GROUPS" in words:
            kind = p.SelectorKind.SHORTEST_GROUPS
        elif "ANY" in words:
            kind = p.SelectorKind.ANY_SHORTEST if "SHORTEST" in words else p.SelectorKind.ANY
        elif "ALL" in words:
            kind = p.SelectorKind.ALL_SHORTEST if "SHORTEST" in words else p.SelectorKind.ALL
        else:
            kind = p.SelectorKind.SHORTEST_K
            count = 1 if count is None else count
        return p.Selector(kind, count, span=span_of(c))

    def path_mode(self, c: list[Any]) -> p.PathMode:
        return p.PathMode(c[0].type)

    def shortest_path(self, c: list[Any]) -> p.PathPattern:
        every = c[0].value.upper() == "ALLSHORTESTPATHS"
        kind = p.SelectorKind.ALL_SHORTEST_PATHS if every else p.SelectorKind.SHORTEST_PATH
        return p.PathPattern(c[2], None, p.Selector(kind), span=span_of(c))

    def path(self, c: list[Any]) -> p.PathPattern:
        variable = None if c[0] is None else variable_of(c[0])
        last = c[-1]
        if isinstance(last, p.PathPattern):
            return p.PathPattern(last.elements, variable, last.selector, span=span_of(c))
        return p.PathPattern(last, variable, c[2], c[3], span=span_of(c))

    def pattern_list(self, c: list[Any]) -> tuple[p.PathPattern, ...]:
        return nodes(c)

    # --- label expressions

    def labels(self, c: list[Any]) -> p.LabelExpression:
        return c[1]

    def label_or(self, c: list[Any]) -> p.LabelExpression:
        return p.LabelOr(nodes(c), span=span_of(c))

    def label_and(self, c: list[Any]) -> p.LabelExpression:
        return p.LabelAnd(nodes(c), span=span_of(c))

    def label_not(self, c: list[Any]) -> p.LabelExpression:
        return p.LabelNot(c[1], span=span_of(c))

    def label_name(self, c: list[Any]) -> p.LabelExpression:
        return p.LabelName(name_of(c[0]), span=span_of(c))

    def label_wildcard(self, c: list[Any]) -> p.LabelExpression:
        return p.LabelWildcard(span=span_of(c))

    def label_dynamic(self, c: list[Any]) -> p.LabelExpression:
        any_of = c[0].value.upper() == "$ANY"
        return p.DynamicLabel(c[2], any_of, span=span_of(c))

    def label_group(self, c: list[Any]) -> p.LabelExpression:
        return replace(c[1], span=span_of(c))


def parameter_name(token: Token) -> str:
    """The name that a parameter token writes."""
    name = token.value[1:]
    return name[1:-1].replace("``", "`") if name[0] == "`" else name


def _bound(token: Token) -> int:
    text = token.value.replace("_", "")
    value = int(text) if text.isdigit() and len(text) < 20 else VAR_LENGTH_HOPS_MAX + 1
    if value > VAR_LENGTH_HOPS_MAX:
        raise MemQLSyntaxError(
            f"A path has at most {VAR_LENGTH_HOPS_MAX} hops.",
            span=Span(token.start_pos, token.end_pos),
            hint="Leave the upper bound out for paths of any length.",
        )
    return value
