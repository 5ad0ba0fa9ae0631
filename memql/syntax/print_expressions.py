"""Expressions, patterns and names back to text; ``printer`` says what for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final, assert_never

from memoradb.core.values import Value

from . import ast_expr as e
from . import ast_pattern as p
from .contextual import CONTEXTUAL
from .tokens import RESERVED

_NAME: Final = re.compile(r"[^\W\d]\w*")
_PARAMETER: Final = re.compile(r"\w+")
_LIKE_A_COMPREHENSION: Final = re.compile(r"(?:[^\W\d]\w*|`(?:[^`]|``)*`) IN ")
"""How a list may not begin: ``[x IN y, z]`` would be a comprehension."""

# Tiers as in precedence.py, and above them what can take a dot or brackets behind it.
_OR, _XOR, _AND, _NOT, _COMPARE, _PREDICATE, _ADD, _MULTIPLY, _POWER, _SIGN, _POSTFIX = range(1, 12)
_TIERS: Final = {
    "OR": _OR, "XOR": _XOR, "AND": _AND,
    "IN": _PREDICATE, "STARTS WITH": _PREDICATE, "ENDS WITH": _PREDICATE, "CONTAINS": _PREDICATE, "=~": _PREDICATE,
    "+": _ADD, "-": _ADD, "||": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY, "^": _POWER,
}  # fmt: skip

# --- names


def print_name(name: str) -> str:
    """A variable's or index's name: between backticks where it is no plain word, or one that may be a keyword.

    >>> print_name("person"), print_name("first name"), print_name("match"), print_name("any")
    ('person', '`first name`', '`match`', '`any`')
    """
    word = name.upper()
    return name if _NAME.fullmatch(name) and word not in RESERVED and word not in CONTEXTUAL else _quoted(name)


def print_map_key(name: str) -> str:
    """A label, type or map key: only reserved words need backticks there."""
    return name if _NAME.fullmatch(name) and name.upper() not in RESERVED else _quoted(name)


def print_property_key(name: str) -> str:
    """A name after a dot: any word is one."""
    return name if _NAME.fullmatch(name) else _quoted(name)


def print_procedure_name(name: str) -> str:
    """A dotted name; each part between backticks where it must be."""
    first, *rest = name.split(".")
    return ".".join((print_name(first), *map(print_property_key, rest)))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


# --- expressions


def print_expression(expr: e.Expression) -> str:
    """The expression as canonical MemQL.

    >>> from .parser import parse_expression
    >>> print_expression(parse_expression("(a+ (b*c)) *-d[ 0 ]"))
    '(a + b * c) * -d[0]'
    """
    return _print(expr, _OR)


def _print(expr: e.Expression, least: int) -> str:
    """``expr`` in a place for operators of tier ``least`` and tighter; in parentheses where it is looser."""
    text, tier = _text(expr)
    return text if tier >= least else f"({text})"


def _text(expr: e.Expression) -> tuple[str, int]:
    match expr:
        case e.Literal(value):
            return _literal(value)
        case e.Parameter(name):
            return _parameter(name), _POSTFIX
        case e.Variable(name):
            return print_name(name), _POSTFIX
        case e.Property(subject, key):
            return f"{_subject(subject)}.{print_property_key(key)}", _POSTFIX
        case e.Index(subject, index):
            return f"{_subject(subject)}[{print_expression(index)}]", _POSTFIX
        case e.Slice(subject, low, high):
            return f"{_subject(subject)}[{_optional(low)}..{_optional(high)}]", _POSTFIX
        case e.ListLiteral(items):
            printed = list(map(print_expression, items))
            if printed and _LIKE_A_COMPREHENSION.match(printed[0]):
                printed[0] = f"({printed[0]})"
            return f"[{', '.join(printed)}]", _POSTFIX
        case e.MapLiteral():
            return _map(expr), _POSTFIX
        case e.MapProjection(subject, items):
            return f"{print_name(subject.name)} {{{', '.join(map(_projection_item, items))}}}", _POSTFIX
        case e.Unary("NOT", operand):
            return f"NOT {_print(operand, _NOT)}", _NOT
        case e.Unary(operator, operand):
            return _signed(operator, operand)
        case e.Binary(operator, left, right):
            return _binary(operator, left, right)
        case e.Comparison(operands, operators):
            parts = [_print(operands[0], _PREDICATE)]
            for operator, operand in zip(operators, operands[1:], strict=True):
                parts += (operator, _right(operator, operand, _PREDICATE))
            return " ".join(parts), _COMPARE
        case e.IsNull(operand, negated):
            return f"{_print(operand, _PREDICATE)} IS {'NOT ' if negated else ''}NULL", _PREDICATE
        case e.IsTyped(operand, name, not_null, negated):
            text = f"{_print(operand, _PREDICATE)} IS {'NOT ' if negated else ''}:: {name}"
            return (f"{text} NOT NULL" if not_null else text), _PREDICATE
        case e.HasLabels(operand, labels):
            return f"{_subject(operand)}:{_label_test(labels)}", _POSTFIX
        case e.FunctionCall():
            return _function(expr), _POSTFIX
        case e.Case(subject, branches, otherwise):
            head = "CASE" if subject is None else f"CASE {print_expression(subject)}"
            whens = "".join(f" WHEN {print_expression(w)} THEN {print_expression(t)}" for w, t in branches)
            tail = "" if otherwise is None else f" ELSE {print_expression(otherwise)}"
            return f"{head}{whens}{tail} END", _POSTFIX
        case e.ListComprehension(variable, source, predicate, projection):
            bar = "" if projection is None else f" | {print_expression(projection)}"
            return f"[{_iteration(variable, source, predicate)}{bar}]", _POSTFIX
        case e.PatternComprehension(pattern, predicate, projection):
            return f"[{print_path(pattern)}{_where(predicate)} | {print_expression(projection)}]", _POSTFIX
        case e.Quantifier(kind, variable, source, predicate):
            return f"{kind.value}({_iteration(variable, source, predicate)})", _POSTFIX
        case e.Reduce(accumulator, initial, variable, source, step):
            fold = f"{print_name(accumulator.name)} = {print_expression(initial)}"
            return f"reduce({fold}, {_iteration(variable, source, None)} | {print_expression(step)})", _POSTFIX
        case e.PatternExpression(pattern):
            # An arrow or a minus behind it would go on with the pattern: it stands in parentheses before operators.
            return print_path(pattern), _NOT if pattern.selector is None else _POSTFIX
        case e.SubqueryExpression():
            return _subquery(expr), _POSTFIX
    assert_never(expr)


def _optional(expr: e.Expression | None) -> str:
    return "" if expr is None else print_expression(expr)


def _list(items: Iterable[e.Expression]) -> str:
    return ", ".join(map(print_expression, items))


def _where(predicate: e.Expression | None) -> str:
    return "" if predicate is None else f" WHERE {print_expression(predicate)}"


def _iteration(variable: e.Variable, source: e.Expression, predicate: e.Expression | None) -> str:
    return f"{print_name(variable.name)} IN {print_expression(source)}{_where(predicate)}"


def _parameter(name: str) -> str:
    return f"${name}" if _PARAMETER.fullmatch(name) else f"${_quoted(name)}"


def _subject(expr: e.Expression) -> str:
    """What a dot, bracket or colon follows.

    A label test would take the dot's part for its own; after a number or a keyword a bracket reads otherwise.
    """
    closed = not isinstance(expr, (e.HasLabels, e.Case)) and not (
        isinstance(expr, e.Literal) and not isinstance(expr.value, str)
    )
    return _print(expr, _POSTFIX) if closed else f"({print_expression(expr)})"


def _signed(operator: str, operand: e.Expression) -> tuple[str, int]:
    text = _print(operand, _SIGN)
    return f"{operator}({text})" if text[0] in "[-+" else f"{operator}{text}", _SIGN


def _right(operator: str, operand: e.Expression, tier: int) -> str:
    """A right operand. After ``-`` and ``<`` a sign or bracket would look like an arrow: it goes in parentheses."""
    text = _print(operand, tier)
    return f"({text})" if operator in "-<" and text[0] in "[-" else text


def _binary(operator: str, left: e.Expression, right: e.Expression) -> tuple[str, int]:
    tier = _TIERS[operator]
    return f"{_print(left, tier)} {operator} {_right(operator, right, tier + 1)}", tier


def _function(expr: e.FunctionCall) -> str:
    first, *rest = expr.name.split(".")
    # Words with a syntax of their own are functions again between backticks.
    special = first.upper() in _SPECIAL or first.upper() in RESERVED or not _NAME.fullmatch(first)
    name = ".".join((_quoted(first) if special else first, *map(print_property_key, rest)))
    inner = "*" if expr.star else _list(expr.arguments)
    return f"{name}({'DISTINCT ' if expr.distinct else ''}{inner})"


_SPECIAL: Final = frozenset(("ANY", "ALL", "NONE", "SINGLE", "REDUCE", "SHORTESTPATH", "ALLSHORTESTPATHS"))


def _map(expr: e.MapLiteral) -> str:
    return "{" + ", ".join(f"{print_map_key(k)}: {print_expression(v)}" for k, v in expr.entries) + "}"


def _projection_item(item: e.MapProjectionItem) -> str:
    match item.kind:
        case e.ProjectionItemKind.ALL:
            return ".*"
        case e.ProjectionItemKind.PROPERTY:
            return f".{print_property_key(item.key)}"
        case e.ProjectionItemKind.VARIABLE:
            return print_name(item.key)
        case e.ProjectionItemKind.LITERAL:
            assert item.expression is not None
            return f"{print_map_key(item.key)}: {print_expression(item.expression)}"
    assert_never(item.kind)


def _subquery(expr: e.SubqueryExpression) -> str:
    if expr.query is None:
        return f"{expr.kind.value} {{ {print_pattern_list(expr.patterns)}{_where(expr.where)} }}"
    from .printer import print_query

    return f"{expr.kind.value} {{ {print_query(expr.query, ' ')} }}"


# --- literals

_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPED: Final = re.compile(r"[\\'\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _literal(value: Value) -> tuple[str, int]:
    if value is None:
        return "null", _POSTFIX
    if isinstance(value, bool):
        return ("true" if value else "false"), _POSTFIX
    if isinstance(value, str):
        return f"'{_ESCAPED.sub(_escape, value)}'", _POSTFIX
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
        return repr(value), _SIGN if math.copysign(1, value) < 0 else _POSTFIX
    raise ValueError(f"a {type(value).__name__} has no literal")


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


# --- patterns


def print_pattern_list(patterns: Iterable[p.PathPattern]) -> str:
    """Patterns with commas between."""
    return ", ".join(map(print_path, patterns))


def print_path(path: p.PathPattern) -> str:
    """One path pattern.

    >>> from .parser import parse_expression
    >>> print_path(parse_expression("(a)<-[ :T|S *1..3 ]-( :B{k:1} )").pattern)
    '(a)<-[:T|S*1..3]-(:B {k: 1})'
    """
    named = "" if path.variable is None else f"{print_name(path.variable.name)} = "
    elements = _elements(path.elements)
    selector = path.selector
    if selector is not None and selector.kind in (
        p.SelectorKind.SHORTEST_PATH,
        p.SelectorKind.ALL_SHORTEST_PATHS,
    ):
        return f"{named}{selector.kind.value[:-2]}({elements})"
    words = [] if selector is None else [_selector(selector)]
    if path.mode is not None:
        words.append(path.mode.value)
    return named + " ".join((*words, elements))


def _selector(selector: p.Selector) -> str:
    match selector.kind:
        case p.SelectorKind.SHORTEST_K:
            return f"SHORTEST {selector.count}"
        case p.SelectorKind.ANY if selector.count is not None:
            return f"ANY {selector.count}"
        case p.SelectorKind.SHORTEST_GROUPS:
            return "SHORTEST GROUPS" if selector.count is None else f"SHORTEST {selector.count} GROUPS"
        case kind:
            return kind.value


def _elements(elements: Iterable[p.PathElement]) -> str:
    return "".join(map(_element, elements))


def _element(element: p.PathElement) -> str:
    match element:
        case p.NodePattern(variable, labels, properties, where):
            return f"({_filler(variable, labels, None, properties, where)})"
        case p.RelationshipPattern(arrow, variable, types, length, properties, where, quantifier):
            filler = _filler(variable, types, length, properties, where)
            inner = f"[{filler}]" if filler else ""
            left = "<-" if arrow is p.Arrow.LEFT else "-"
            right = "->" if arrow is p.Arrow.RIGHT else "-"
            return f"{left}{inner}{right}{_quantifier(quantifier)}"
        case p.QuantifiedPath(elements, where, quantifier):
            return f"({_elements(elements)}{_where(where)}){_quantifier(quantifier)}"
    assert_never(element)


def _filler(
    variable: e.Variable | None,
    labels: p.LabelExpression | None,
    length: p.Range | None,
    properties: e.MapLiteral | e.Parameter | None,
    where: e.Expression | None,
) -> str:
    head = "" if variable is None else print_name(variable.name)
    if labels is not None:
        head += f":{print_labels(labels)}"
    if length is not None:
        head += _length(length)
    parts = [head] if head else []
    if properties is not None:
        parts.append(print_expression(properties))
    if where is not None:
        parts.append(f"WHERE {print_expression(where)}")
    return " ".join(parts)


def _length(length: p.Range) -> str:
    low, high = length.low, length.high
    if low is None and high is None:
        return "*"
    if low == high:
        return f"*{low}"
    return f"*{'' if low is None else low}..{'' if high is None else high}"


def _quantifier(quantifier: p.Range | None) -> str:
    if quantifier is None:
        return ""
    low, high = quantifier.low, quantifier.high
    if high is None and low in (0, 1):
        return "+" if low else "*"
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


def print_labels(labels: p.LabelExpression) -> str:
    """A label expression, without the colon before it."""
    match labels:
        case p.LabelOr(operands):
            return "|".join(_label(o, p.LabelOr) for o in operands)
        case p.LabelAnd(operands):
            return "&".join(_label(o, p.LabelOr, p.LabelAnd) for o in operands)
        case p.LabelNot(operand):
            return f"!{_label(operand, p.LabelOr, p.LabelAnd)}"
        case p.LabelName(name):
            return print_map_key(name)
        case p.LabelWildcard():
            return "%"
        case p.DynamicLabel(expression, any_of):
            return f"${'any' if any_of else ''}({print_expression(expression)})"
    assert_never(labels)


def _label(labels: p.LabelExpression, *looser: type) -> str:
    text = print_labels(labels)
    return f"({text})" if isinstance(labels, looser) else text


def _label_test(labels: p.LabelExpression) -> str:
    """After an expression: alternatives in parentheses, as a bar may end a comprehension's condition there."""
    return _label(labels, p.LabelOr)
