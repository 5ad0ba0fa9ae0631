"""How often each part of the language occurred in a campaign's statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from memoradb.memql.bind.aggregation import AGGREGATES
from memoradb.memql.functions.registry import all_functions
from memoradb.memql.rewrite.driver import RULES
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p

CLAUSES: Final = (
    *("MATCH", "OPTIONAL MATCH", "WHERE", "UNWIND", "WITH", "RETURN", "DISTINCT", "*", "ORDER BY", "SKIP", "LIMIT"),
    *("UNION", "UNION ALL", "CALL procedure", "CALL { }", "CREATE", "MERGE", "ON CREATE", "ON MATCH", "SET", "REMOVE"),
    *("DELETE", "DETACH DELETE", "FOREACH"),
)
OPERATORS: Final = (
    *("OR", "XOR", "AND", "NOT", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^", "||", "IN", "=~"),
    *("STARTS WITH", "ENDS WITH", "CONTAINS", "IS NULL", "IS NOT NULL", "unary -", "unary +", "a < b < c"),
)
FORMS: Final = (
    *("parameter", "property", "index", "slice", "list", "map", "map projection", "label test", "CASE x", "CASE"),
    *("list comprehension", "pattern comprehension", "all()", "any()", "none()", "single()", "reduce()"),
    *("pattern predicate", "EXISTS { }", "COUNT { }", "COLLECT { }", "->", "<-", "--", "variable length"),
    *("named path", "shortestPath()", "allShortestPaths()", "property map", "inline WHERE", "&", "|", "!", "%"),
)
_NO_FUNCTIONS: Final = frozenset(("index", "slice", "in", "not", "xor", "contains", "starts with", "ends with"))


def functions() -> tuple[str, ...]:
    """All functions by name in lower case, aggregates included."""
    names = {f.name.lower() for f in all_functions() if f.name[0].isalpha() and " " not in f.name}
    return tuple(sorted((names - _NO_FUNCTIONS) | AGGREGATES | {"coalesce"}))


class Coverage:
    """Counts statements, not occurrences: a name that stands twice in one counts once."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def note(self, statement: a.Statement) -> None:
        """Take one statement."""
        self.counts.update(set(_names(statement)))

    def note_rules(self, rules: Iterable[str]) -> None:
        """Take the rewrite rules that fired for one statement."""
        self.counts.update({("rule", rule) for rule in rules})

    def rows(self) -> Iterator[tuple[str, list[tuple[str, int]]]]:
        """(kind of name, (name, count) pairs, the rarest first) for everything that there is."""
        universe = {
            "clause": CLAUSES,
            "operator": OPERATORS,
            "form": FORMS,
            "function": functions(),
            "rule": tuple(r.__name__ for r in RULES),
        }
        for kind, names in universe.items():
            yield kind, sorted(((n, self.counts[kind, n]) for n in names), key=lambda pair: (pair[1], pair[0]))

    def text(self, wanted: int = 100) -> str:
        """A table: every name with its count; names below ``wanted`` are marked."""
        lines = []
        for kind, pairs in self.rows():
            few = sum(count < wanted for _, count in pairs)
            note = f"{few} in fewer than {wanted}" if few else f"each in at least {pairs[0][1]}"
            lines.append(f"{kind}s ({len(pairs)}, {note})")
            line = "  "
            for name, count in pairs:
                cell = f"{name} {count}{'!' if count < wanted else ''}"
                if len(line) + len(cell) > 110:
                    lines.append(line.rstrip(", ") + ",")
                    line = "  "
                line += cell + ", "
            lines.append(line.rstrip(", "))
        return "\n".join(lines)


def _names(node: Any) -> Iterator[tuple[str, str]]:
    """Everything that occurs in a syntax tree."""
    stack = [node]
    while stack:
        at = stack.pop()
        if isinstance(at, tuple):
            stack.extend(at)
            continue
        if not isinstance(at, e.Syntax):
            continue
        yield from _of(at)
        stack.extend(getattr(at, name) for name in at.__dataclass_fields__ if name != "span")


_PLAIN_FORMS: Final[dict[type, tuple[str, str]]] = {
    e.Parameter: ("form", "parameter"),
    e.Property: ("form", "property"),
    e.Index: ("form", "index"),
    e.Slice: ("form", "slice"),
    e.ListLiteral: ("form", "list"),
    e.MapLiteral: ("form", "map"),
    e.MapProjection: ("form", "map projection"),
    e.HasLabels: ("form", "label test"),
    e.ListComprehension: ("form", "list comprehension"),
    e.PatternComprehension: ("form", "pattern comprehension"),
    e.Reduce: ("form", "reduce()"),
    p.LabelAnd: ("form", "&"),
    p.LabelOr: ("form", "|"),
    p.LabelNot: ("form", "!"),
    p.LabelWildcard: ("form", "%"),
    a.Unwind: ("clause", "UNWIND"),
    a.With: ("clause", "WITH"),
    a.Return: ("clause", "RETURN"),
    a.Call: ("clause", "CALL procedure"),
    a.CallSubquery: ("clause", "CALL { }"),
    a.Create: ("clause", "CREATE"),
    a.Set: ("clause", "SET"),
    a.Remove: ("clause", "REMOVE"),
    a.Foreach: ("clause", "FOREACH"),
}


def _of(node: e.Syntax) -> Iterator[tuple[str, str]]:
    plain = _PLAIN_FORMS.get(type(node))
    if plain is not None:
        yield plain
    match node:
        case e.Unary(operator):
            yield "operator", "NOT" if operator == "NOT" else f"unary {operator}"
        case e.Binary(operator):
            yield "operator", operator
        case e.Comparison(_, operators):
            yield from (("operator", o) for o in operators)
            if len(operators) > 1:
                yield "operator", "a < b < c"
        case e.IsNull(_, negated):
            yield "operator", "IS NOT NULL" if negated else "IS NULL"
        case e.FunctionCall(name):
            yield "function", name.lower()
        case e.Case(subject):
            yield "form", "CASE" if subject is None else "CASE x"
        case e.Quantifier(kind):
            yield "form", f"{kind.value}()"
        case e.SubqueryExpression(kind):
            yield "form", f"{kind.value} {{ }}"
        case e.PatternExpression(pattern) if pattern.selector is None:
            yield "form", "pattern predicate"
        case p.PathPattern(_, variable, selector):
            if variable is not None:
                yield "form", "named path"
            if selector is not None:
                yield "form", selector.kind.value
        case p.RelationshipPattern(arrow):
            yield "form", arrow.value
            if node.length is not None:
                yield "form", "variable length"
            yield from _detail(node)
        case p.NodePattern():
            yield from _detail(node)
        case _:
            yield from _of_clause(node)


def _detail(node: p.NodePattern | p.RelationshipPattern) -> Iterator[tuple[str, str]]:
    if node.properties is not None:
        yield "form", "property map"
    if node.where is not None:
        yield "form", "inline WHERE"


def _of_clause(node: e.Syntax) -> Iterator[tuple[str, str]]:
    match node:
        case a.Match():
            yield "clause", "OPTIONAL MATCH" if node.optional else "MATCH"
            if node.where is not None:
                yield "clause", "WHERE"
        case a.Union(_, _, every):
            yield "clause", "UNION ALL" if every else "UNION"
        case a.Projection():
            given = {
                "DISTINCT": node.distinct,
                "*": node.star,
                "ORDER BY": bool(node.order_by),
                "SKIP": node.skip is not None,
                "LIMIT": node.limit is not None,
            }
            yield from (("clause", name) for name, there in given.items() if there)
        case a.Merge():
            yield "clause", "MERGE"
            if node.on_create:
                yield "clause", "ON CREATE"
            if node.on_match:
                yield "clause", "ON MATCH"
        case a.Delete(_, detach):
            yield "clause", "DETACH DELETE" if detach else "DELETE"
