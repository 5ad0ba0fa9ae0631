"""Hypothesis strategies of syntax trees: any tree that some text gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p
from memoradb.memql.syntax.print_expressions import print_expression

Draw = Callable[[st.SearchStrategy[Any]], Any]

WORDS = ["n", "person", "a b", "match", "Any", "count", "filter", "let", "search", "x`y", "explain", "für", "_1", "END"]
names = st.sampled_from(WORDS)
variables = names.map(e.Variable)
some_names = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)

literals = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
).map(e.Literal)


def few(strategy: st.SearchStrategy[Any], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


# --- labels


def _label_operands(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(p.LabelNot),
        few(inner, 2).map(p.LabelAnd),
        few(inner, 2).map(p.LabelOr),
    )


labels: st.SearchStrategy[p.LabelExpression] = st.recursive(
    st.one_of(
        names.map(p.LabelName),
        st.just(p.LabelWildcard()),
        st.builds(p.DynamicLabel, st.builds(e.Parameter, names), st.booleans()),
    ),
    _label_operands,
    max_leaves=4,
)

# --- patterns over an expression strategy


def maps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[e.MapLiteral]:
    return few(st.tuples(names | st.just(""), inner)).map(e.MapLiteral)


def _range(low: int | None, high: int | None) -> p.Range:
    return p.Range(low, high)


ranges = st.builds(_range, maybe(st.integers(0, 9)), maybe(st.integers(0, 9)))
quantifiers = st.builds(_range, st.integers(0, 9), maybe(st.integers(0, 9)))


@st.composite
def node_patterns(draw: Draw, inner: st.SearchStrategy[Any]) -> p.NodePattern:
    properties = draw(st.none() | maps(inner) | st.builds(e.Parameter, names))
    return p.NodePattern(draw(maybe(variables)), draw(maybe(labels)), properties, draw(maybe(inner)))


@st.composite
def relationship_patterns(draw: Draw, inner: st.SearchStrategy[Any]) -> p.RelationshipPattern:
    return p.RelationshipPattern(
        draw(st.sampled_from(p.Arrow)),
        draw(maybe(variables)),
        draw(maybe(labels)),
        draw(maybe(ranges)),
        draw(maybe(maps(inner))),
        draw(maybe(inner)),
        draw(st.none() | st.none() | quantifiers),
    )


@st.composite
def elements(draw: Draw, inner: st.SearchStrategy[Any], least: int = 0, quantified: bool = True) -> tuple[Any, ...]:
    """Nodes and relationships in turn; a quantified path may stand where a node stands, and beside one."""
    found: list[Any] = [draw(node_patterns(inner))]
    for _ in range(draw(st.integers(least, 2))):
        if quantified and draw(st.integers(0, 5)) == 0:
            path = draw(elements(inner, least=1, quantified=False))
            found.append(p.QuantifiedPath(path, draw(maybe(inner)), draw(quantifiers)))
            if draw(st.booleans()):
                found.append(draw(node_patterns(inner)))
        else:
            found += (draw(relationship_patterns(inner)), draw(node_patterns(inner)))
    return tuple(found)


selectors = st.one_of(
    st.sampled_from(
        [p.SelectorKind.ALL, p.SelectorKind.ANY, p.SelectorKind.ANY_SHORTEST, p.SelectorKind.ALL_SHORTEST]
    ).map(p.Selector),
    st.builds(p.Selector, st.just(p.SelectorKind.SHORTEST_K), st.integers(1, 9)),
    st.builds(p.Selector, st.just(p.SelectorKind.SHORTEST_GROUPS), maybe(st.integers(1, 9))),
)


@st.composite
def paths(draw: Draw, inner: st.SearchStrategy[Any]) -> p.PathPattern:
    variable = draw(maybe(variables))
    if draw(st.integers(0, 5)) == 0:
        kind = draw(st.sampled_from([p.SelectorKind.SHORTEST_PATH, p.SelectorKind.ALL_SHORTEST_PATHS]))
        return p.PathPattern(draw(elements(inner)), variable, p.Selector(kind))
    # A selector or mode before a lone node would be a function's name: a relationship follows there.
    if draw(st.integers(0, 3)) == 0:
        path = draw(elements(inner, least=1, quantified=False))
        return p.PathPattern(path, variable, draw(maybe(selectors)), draw(maybe(st.sampled_from(p.PathMode))))
    return p.PathPattern(draw(elements(inner)), variable)


# --- expressions


def _unary(operator: str, operand: Any) -> Any:
    """A sign before a number is part of the number."""
    number = isinstance(operand, e.Literal) and type(operand.value) in (int, float)
    return e.Unary(operator, operand) if operator != "-" or not number else e.Unary("NOT", operand)


@st.composite
def comparisons(draw: Draw, inner: st.SearchStrategy[Any]) -> e.Comparison:
    operators = draw(few(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), 1))
    return e.Comparison(tuple(draw(inner) for _ in range(len(operators) + 1)), operators)


@st.composite
def map_items(draw: Draw, inner: st.SearchStrategy[Any]) -> e.MapProjectionItem:
    kind = draw(st.sampled_from(e.ProjectionItemKind))
    key = "" if kind is e.ProjectionItemKind.ALL else draw(names)
    return e.MapProjectionItem(kind, key, draw(inner) if kind is e.ProjectionItemKind.LITERAL else None)


@st.composite
def pattern_expressions(draw: Draw, inner: st.SearchStrategy[Any]) -> e.PatternExpression:
    path = draw(elements(inner, least=1, quantified=False))
    return e.PatternExpression(p.PathPattern(path))


@st.composite
def comprehensions(draw: Draw, inner: st.SearchStrategy[Any]) -> e.PatternComprehension:
    path = p.PathPattern(draw(elements(inner, least=1, quantified=False)), draw(maybe(variables)))
    return e.PatternComprehension(path, draw(maybe(inner)), draw(inner))


_BINARY = [*"OR XOR AND + - * / % ^ || IN =~".split(), "STARTS WITH", "ENDS WITH", "CONTAINS"]
_TYPES = ["INTEGER", "STRING", "LOCAL DATETIME", "LIST<INTEGER>", "LIST<INTEGER NOT NULL>"]
_FUNCTIONS = ["size", "any", "reduce", "apoc.coll.max", "count", "exists", "my function", "point", "toInteger"]


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    subquery = st.builds(
        e.SubqueryExpression, st.sampled_from(e.SubqueryKind), st.none(), few(paths(inner), 1, 2), maybe(inner)
    )
    whole = st.builds(e.SubqueryExpression, st.sampled_from(e.SubqueryKind), queries(inner))
    return st.one_of(
        st.builds(e.Property, inner, names),
        st.builds(e.Index, inner, inner),
        st.builds(e.Slice, inner, maybe(inner), maybe(inner)),
        few(inner).map(e.ListLiteral),
        maps(inner),
        st.builds(e.MapProjection, variables, few(map_items(inner))),
        st.builds(_unary, st.sampled_from(["NOT", "-", "+"]), inner),
        st.builds(e.Binary, st.sampled_from(_BINARY), inner, inner),
        comparisons(inner),
        st.builds(e.IsNull, inner, st.booleans()),
        st.builds(e.IsTyped, inner, st.sampled_from(_TYPES), st.booleans(), st.booleans()),
        st.builds(e.HasLabels, inner, labels),
        st.builds(e.FunctionCall, st.sampled_from(_FUNCTIONS), few(inner), st.booleans()).filter(
            lambda call: bool(call.arguments) or not call.distinct
        ),
        st.just(e.FunctionCall("count", (), star=True)),
        st.builds(e.Case, maybe(inner), few(st.tuples(inner, inner), 1), maybe(inner)),
        st.builds(e.ListComprehension, variables, inner, maybe(inner), maybe(inner)),
        st.builds(e.Quantifier, st.sampled_from(e.QuantifierKind), variables, inner, maybe(inner)),
        st.builds(e.Reduce, variables, inner, variables, inner, inner),
        pattern_expressions(inner),
        comprehensions(inner),
        subquery,
        whole,
    )


# --- clauses


def _item(expression: Any, alias: e.Variable | None) -> a.ProjectionItem:
    if alias is not None:
        return a.ProjectionItem(expression, alias, "")
    text = expression.name if isinstance(expression, e.Variable) else print_expression(expression)
    return a.ProjectionItem(expression, None, text)


@st.composite
def projections(draw: Draw, inner: st.SearchStrategy[Any]) -> a.Projection:
    star = draw(st.booleans())
    return a.Projection(
        draw(few(st.builds(_item, inner, maybe(variables)), 0 if star else 1, 2)),
        star,
        draw(st.booleans()),
        draw(few(st.builds(a.SortItem, inner, st.booleans()), 0, 2)),
        draw(maybe(inner)),
        draw(maybe(inner)),
    )


def _set_items(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    target = st.builds(e.Property, variables, names) | st.builds(e.Index, variables, inner)
    return st.one_of(
        st.builds(a.SetProperty, target, inner),
        st.builds(a.SetProperties, variables, inner, st.booleans()),
        st.builds(a.SetLabels, variables, labels),
    )


@st.composite
def searches(draw: Draw, inner: st.SearchStrategy[Any]) -> a.Search:
    return a.Search(
        draw(variables),
        draw(st.sampled_from(a.SearchKind)),
        draw(names | st.builds(e.Parameter, names)),
        draw(inner),
        draw(maybe(inner)),
        draw(maybe(inner)),
        draw(maybe(variables)),
    )


@st.composite
def calls(draw: Draw, inner: st.SearchStrategy[Any]) -> a.Call:
    yields = draw(maybe(few(st.builds(a.YieldItem, names, maybe(variables)), 1)))
    star = yields is None and draw(st.booleans())
    where = draw(maybe(inner)) if yields is not None or star else None
    name = draw(st.sampled_from(["db.labels", "apoc.do.it", "a b.count", "match.any", "one"]))
    return a.Call(name, draw(maybe(few(inner))), () if star else yields, star, where, draw(st.booleans()))


@st.composite
def call_subqueries(draw: Draw, inner: st.SearchStrategy[Any]) -> a.CallSubquery:
    star = draw(st.booleans())
    imports = () if star else draw(maybe(few(variables)))
    batches = draw(
        maybe(
            st.builds(
                a.InTransactions,
                maybe(st.integers(1, 9).map(e.Literal)),
                maybe(st.integers(1, 9).map(e.Literal)),
                maybe(st.sampled_from(["CONTINUE", "BREAK", "FAIL"])),
                maybe(variables),
            )
        )
    )
    return a.CallSubquery(draw(queries(inner)), imports, star, batches, draw(st.booleans()))


def _updates(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    removals = st.builds(a.RemoveProperty, st.builds(e.Property, variables, names)) | st.builds(
        a.RemoveLabels, variables, labels
    )
    return st.one_of(
        few(paths(inner), 1, 2).map(a.Create),
        few(_set_items(inner), 1, 2).map(a.Set),
        few(removals, 1, 2).map(a.Remove),
        st.builds(a.Delete, few(inner, 1, 2), st.booleans()),
        st.builds(a.Merge, paths(inner), few(_set_items(inner), 0, 2), few(_set_items(inner), 0, 2)),
    )


def clauses(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    updates = _updates(inner)
    page = st.builds(a.OrderAndPage, few(st.builds(a.SortItem, inner, st.booleans()), 1, 2), maybe(inner), maybe(inner))
    modes = maybe(st.sampled_from(p.MatchMode))
    return st.one_of(
        st.builds(a.Match, few(paths(inner), 1, 2), maybe(inner), st.booleans(), modes, st.none() | searches(inner)),
        st.builds(a.Unwind, inner, variables),
        st.builds(a.With, projections(inner), maybe(inner)),
        st.builds(a.Return, projections(inner)),
        calls(inner),
        st.builds(a.LoadCsv, inner, variables, st.booleans(), maybe(texts)),
        few(st.tuples(variables, inner), 1, 2).map(a.Let),
        st.builds(a.Filter, inner),
        page,
        updates,
        st.builds(a.Foreach, variables, inner, few(updates, 1, 2)),
    )


def _union(parts: tuple[a.SingleQuery, ...], every: bool) -> a.Query:
    query: a.Query = parts[0]
    for part in parts[1:]:
        query = a.Union(query, part, every)
    return query


@st.composite
def queries(draw: Draw, inner: st.SearchStrategy[Any]) -> a.Query:
    """Clauses of which no two read as one: what pages without a projection does not follow one."""
    parts: list[a.SingleQuery] = []
    for _ in range(1 if draw(st.integers(0, 4)) else 2):
        found: list[Any] = []
        for clause in draw(few(clauses(inner), 1, 3)):
            follows = found and isinstance(found[-1], (a.With, a.Return, a.OrderAndPage))
            if not (isinstance(clause, a.OrderAndPage) and follows):
                found.append(clause)
        parts.append(a.SingleQuery(tuple(found)))
    return _union(tuple(parts), draw(st.booleans()))


leaves = st.one_of(literals, variables, st.builds(e.Parameter, names))
expressions: st.SearchStrategy[Any] = st.recursive(leaves, _deeper, max_leaves=8)
small_expressions: st.SearchStrategy[Any] = st.recursive(leaves, _deeper, max_leaves=3)

# --- schema commands

_keys = few(st.builds(e.Property, st.just(e.Variable("n")), names), 1, 2)
_index_names = maybe(names | st.builds(e.Parameter, names))
_options = maybe(maps(literals))


@st.composite
def create_indexes(draw: Draw) -> a.CreateIndex:
    kind = draw(st.sampled_from(a.IndexKindName))
    lookup = kind is a.IndexKindName.LOOKUP
    labels_of = () if lookup else draw(some_names)
    return a.CreateIndex(
        kind,
        draw(_index_names),
        draw(st.booleans()),
        e.Variable("n"),
        labels_of,
        draw(st.booleans()),
        () if lookup else draw(_keys),
        draw(_options),
    )


@st.composite
def create_constraints(draw: Draw) -> a.CreateConstraint:
    kind = draw(st.sampled_from(a.ConstraintKind))
    written = draw(st.sampled_from(_TYPES)) if kind is a.ConstraintKind.TYPED else None
    return a.CreateConstraint(
        kind,
        draw(_index_names),
        draw(st.booleans()),
        e.Variable("n"),
        draw(names),
        draw(st.booleans()),
        draw(_keys),
        written,
        draw(_options),
    )


@st.composite
def shows(draw: Draw) -> a.Show:
    what = draw(st.sampled_from(["INDEXES", "CONSTRAINTS", "PROCEDURES", "FUNCTIONS"]))
    kind = draw(maybe(st.sampled_from(["VECTOR", "RANGE"])))
    yields = draw(maybe(few(st.builds(a.YieldItem, names, maybe(variables)), 1)))
    order = draw(maybe(st.builds(a.OrderAndPage, few(st.builds(a.SortItem, variables), 1, 2))))
    returns = None if yields is None else draw(maybe(st.builds(a.Return, projections(leaves))))
    return a.Show(what, kind, yields, False, draw(maybe(variables)), order, returns)


statements: st.SearchStrategy[a.Statement] = st.builds(
    a.Statement,
    queries(small_expressions)
    | create_indexes()
    | create_constraints()
    | st.builds(a.DropIndex, names | st.builds(e.Parameter, names), st.booleans())
    | st.builds(a.DropConstraint, names | st.builds(e.Parameter, names), st.booleans())
    | shows(),
    st.sampled_from(a.StatementMode),
    maybe(
        st.builds(a.AsOf, small_expressions)
        | st.builds(a.AsOf, st.builds(e.Literal, st.integers(0)) | st.builds(e.Parameter, names), st.just(True))
    ),
)
