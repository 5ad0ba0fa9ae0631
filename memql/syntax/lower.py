"""Parser reductions to clauses, queries and schema commands: the rest of the grammar's rules."""

from __future__ import annotations

import itertools
from typing import Any

from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.spans import Span

from . import ast as a
from . import ast_expr as e
from . import ast_pattern as p
from .lower_expressions import LowerExpressions, nodes, parameter_name, span_of, tokens, unescape, variable_of
from .retag import name_of
from .tokens import Token


class Lower(LowerExpressions):
    """All rules; ``text`` is what the spans point into."""

    def __init__(self) -> None:
        self.text = ""

    # --- statements

    def start(self, c: list[Any]) -> a.Statement:
        mode, as_of, body, _ = c
        how, verbose = mode or (a.StatementMode.EXECUTE, False)
        return a.Statement(body, how, as_of, verbose, span=span_of([body]))

    def as_of(self, c: list[Any]) -> a.AsOf:
        return a.AsOf(c[1], span=span_of(c))

    def as_of_transaction(self, c: list[Any]) -> a.AsOf:
        number = c[2]
        moment = self.integer([number]) if number.type == "INT" else self.parameter([number])
        return a.AsOf(moment, True, span=span_of(c))

    def mode(self, c: list[Any]) -> tuple[a.StatementMode, bool]:
        return a.StatementMode(c[0].value.upper()), c[1] is not None

    def query(self, c: list[Any]) -> a.Query:
        left: a.Query = c[0]
        for i in range(1, len(c), 2):
            left = a.Union(left, c[i + 1], c[i], span=span_of([left, c[i + 1]]))
        return left

    def union(self, c: list[Any]) -> bool:
        return bool(tokens(c, "ALL"))

    def single_query(self, c: list[Any]) -> a.SingleQuery:
        return a.SingleQuery(tuple(c), span=span_of(c))

    # --- reading

    def match(self, c: list[Any]) -> a.Match:
        optional, _, mode, patterns, search, where = c
        return a.Match(patterns, where, optional is not None, mode, search, span=span_of(c))

    def match_mode(self, c: list[Any]) -> p.MatchMode:
        return p.MatchMode(" ".join(t.type for t in c))

    def search(self, c: list[Any]) -> a.Search:
        _, name, _, _, kind, _, index, _, query, where, limit, _, _, _, score = c
        chosen = name_of(index) if index.type == "IDENT" else e.Parameter(parameter_name(index))
        return a.Search(
            variable_of(name),
            a.SearchKind(kind.value.upper()),
            chosen,
            query,
            where,
            limit,
            None if score is None else variable_of(score),
            span=span_of(c),
        )

    def unwind(self, c: list[Any]) -> a.Unwind:
        return a.Unwind(c[1], variable_of(c[3]), span=span_of(c))

    def for_clause(self, c: list[Any]) -> a.Unwind:
        return a.Unwind(c[3], variable_of(c[1]), span=span_of(c))

    def let(self, c: list[Any]) -> a.Let:
        return a.Let(tuple(x for x in c if isinstance(x, tuple)), span=span_of(c))

    def let_item(self, c: list[Any]) -> tuple[e.Variable, e.Expression]:
        return variable_of(c[0]), c[2]

    def filter(self, c: list[Any]) -> a.Filter:
        return a.Filter(c[2], span=span_of(c))

    def order_and_page(self, c: list[Any]) -> a.OrderAndPage:
        if len(c) == 3:
            order, skip, limit = c
        else:
            order, skip, limit = (), c[0] if len(c) == 2 else None, c[-1]
        return a.OrderAndPage(order, skip, limit, span=span_of(c))

    def finish(self, c: list[Any]) -> a.Finish:
        return a.Finish(span=span_of(c))

    def with_clause(self, c: list[Any]) -> a.With:
        return a.With(c[1], c[2], span=span_of(c))

    def return_clause(self, c: list[Any]) -> a.Return:
        return a.Return(c[1], span=span_of(c))

    def projection(self, c: list[Any]) -> a.Projection:
        distinct, (star, items), order, skip, limit = c
        return a.Projection(items, star, distinct is not None, order or (), skip, limit, span=span_of(list(items)))

    def projection_items(self, c: list[Any]) -> tuple[bool, tuple[a.ProjectionItem, ...]]:
        return bool(tokens(c, "STAR")), nodes(c)

    def projection_item(self, c: list[Any]) -> a.ProjectionItem:
        expression, _, alias = c
        if alias is not None:
            return a.ProjectionItem(expression, variable_of(alias), "", span=span_of(c))
        if isinstance(expression, e.Variable):
            return a.ProjectionItem(expression, None, expression.name, span=span_of(c))
        return a.ProjectionItem(
            expression, None, self.text[expression.span.start : expression.span.end], span=span_of(c)
        )

    def order_by(self, c: list[Any]) -> tuple[a.SortItem, ...]:
        return nodes(c)

    def sort_item(self, c: list[Any]) -> a.SortItem:
        return a.SortItem(c[0], c[1] is not None and c[1].type == "DESC", span=span_of(c))

    def skip(self, c: list[Any]) -> e.Expression:
        return c[1]

    def limit(self, c: list[Any]) -> e.Expression:
        return c[1]

    # --- updating

    def create(self, c: list[Any]) -> a.Create:
        return a.Create(c[1], span=span_of(c))

    def merge(self, c: list[Any]) -> a.Merge:
        actions = [x for x in c if isinstance(x, tuple)]
        on_create = tuple(i for kind, items in actions if kind == "CREATE" for i in items)
        on_match = tuple(i for kind, items in actions if kind == "MATCH" for i in items)
        return a.Merge(c[1], on_create, on_match, span=span_of(c[:2]))

    def merge_action(self, c: list[Any]) -> tuple[str, tuple[a.SetItem, ...]]:
        return c[1].type, nodes(c)

    def delete(self, c: list[Any]) -> a.Delete:
        return a.Delete(nodes(c), c[0] is not None, span=span_of(c))

    def set_clause(self, c: list[Any]) -> a.Set:
        return a.Set(nodes(c), span=span_of(c))

    def set_equal(self, c: list[Any]) -> a.SetItem:
        target, _, value = c
        if isinstance(target, e.Variable):
            return a.SetProperties(target, value, False, span=span_of(c))
        if isinstance(target, (e.Property, e.Index)):
            return a.SetProperty(target, value, span=span_of(c))
        raise MemQLSyntaxError("SET assigns to a property or a variable.", span=target.span)

    def set_merge(self, c: list[Any]) -> a.SetItem:
        return a.SetProperties(variable_of(c[0]), c[2], True, span=span_of(c))

    def set_labels(self, c: list[Any]) -> a.SetItem:
        return a.SetLabels(variable_of(c[0]), c[1], span=span_of(c))

    def remove(self, c: list[Any]) -> a.Remove:
        return a.Remove(nodes(c), span=span_of(c))

    def remove_property(self, c: list[Any]) -> a.RemoveItem:
        target = c[0]
        if isinstance(target, e.HasLabels) and isinstance(target.operand, e.Variable):
            return a.RemoveLabels(target.operand, target.labels, span=span_of(c))
        if isinstance(target, (e.Property, e.Index)):
            return a.RemoveProperty(target, span=span_of(c))
        raise MemQLSyntaxError("REMOVE takes a property or labels.", span=target.span)

    def foreach(self, c: list[Any]) -> a.Foreach:
        return a.Foreach(variable_of(c[2]), c[4], nodes(c[6:]), span=span_of(c))

    # --- calls

    def call(self, c: list[Any]) -> a.Call:
        optional, _, name, arguments, yields = c
        if yields is None:
            return a.Call(name, arguments, None, optional=optional is not None, span=_call_span(c, name))
        star, items, where = yields
        return a.Call(name, arguments, items, star, where, optional is not None, span=_call_span(c, name))

    def procedure_name(self, c: list[Any]) -> str:
        return "".join(name_of(t) if t.type == "IDENT" else t.value for t in c)

    def arguments(self, c: list[Any]) -> tuple[e.Expression, ...]:
        return nodes(c)

    def yield_clause(self, c: list[Any]) -> tuple[bool, tuple[a.YieldItem, ...], e.Expression | None]:
        items = tuple(x for x in c if isinstance(x, a.YieldItem))
        where = c[-1] if not isinstance(c[-1], (Token, a.YieldItem)) else None
        return bool(tokens(c, "STAR")), items, where

    def yield_item(self, c: list[Any]) -> a.YieldItem:
        return a.YieldItem(name_of(c[0]), None if c[2] is None else variable_of(c[2]), span=span_of(c))

    def call_subquery(self, c: list[Any]) -> a.CallSubquery:
        optional, _, imports, _, query, _, transactions = c
        star, names = imports if imports is not None else (False, None)
        return a.CallSubquery(query, names, star, transactions, optional is not None, span=span_of([c[1], query]))

    def imports(self, c: list[Any]) -> tuple[bool, tuple[e.Variable, ...]]:
        return bool(tokens(c, "STAR")), tuple(variable_of(t) for t in tokens(c, "IDENT"))

    def in_transactions(self, c: list[Any]) -> a.InTransactions:
        concurrency = rows = None
        for before, child in itertools.pairwise(c):
            if isinstance(before, Token) and before.type == "IN":
                concurrency = child
            elif isinstance(before, Token) and before.type == "OF":
                rows = child
        on_error = next((t.type for t in tokens(c, "CONTINUE", "BREAK", "FAIL")), None)
        return a.InTransactions(concurrency, rows, on_error, c[-1], span=span_of(c))

    def report(self, c: list[Any]) -> e.Variable:
        return variable_of(c[3])

    def load_csv(self, c: list[Any]) -> a.LoadCsv:
        source = nodes(c)[0]
        name = tokens(c, "IDENT")[-1]
        terminator = next((unescape(t) for t in tokens(c, "STRING")), None)
        return a.LoadCsv(source, variable_of(name), bool(tokens(c, "HEADERS")), terminator, span=span_of(c))

    # --- schema

    def create_index(self, c: list[Any]) -> a.CreateIndex:
        _, kind, _, name, if_not_exists, _, (variable, labels, relationships), _, keys, options = c
        return a.CreateIndex(
            kind or a.IndexKindName.RANGE,
            _schema_name(name),
            if_not_exists is not None,
            variable,
            labels,
            relationships,
            keys,
            options,
            span=span_of([c[0], keys]),
        )

    def index_kind(self, c: list[Any]) -> a.IndexKindName:
        return a.IndexKindName(c[0].value.upper())

    def if_not_exists(self, c: list[Any]) -> bool:
        return True

    def if_exists(self, c: list[Any]) -> bool:
        return True

    def node_target(self, c: list[Any]) -> tuple[e.Variable, tuple[str, ...], bool]:
        names = tokens(c, "IDENT")
        return variable_of(names[0]), tuple(name_of(t) for t in names[1:]), False

    def relationship_target(self, c: list[Any]) -> tuple[e.Variable, tuple[str, ...], bool]:
        names = tokens(c, "IDENT")
        return variable_of(names[0]), tuple(name_of(t) for t in names[1:]), True

    def any_relationship_target(self, c: list[Any]) -> tuple[e.Variable, tuple[str, ...], bool]:
        return variable_of(tokens(c, "IDENT")[0]), (), True

    def index_keys(self, c: list[Any]) -> tuple[e.Expression, ...]:
        return nodes(c)

    def options(self, c: list[Any]) -> e.Expression:
        return e.Parameter(parameter_name(c[1]), span=span_of(c)) if isinstance(c[1], Token) else c[1]

    def drop_index(self, c: list[Any]) -> a.DropIndex:
        name = _schema_name(c[2])
        assert name is not None
        return a.DropIndex(name, c[3] is not None, span=span_of(c[:3]))

    def drop_constraint(self, c: list[Any]) -> a.DropConstraint:
        name = _schema_name(c[2])
        assert name is not None
        return a.DropConstraint(name, c[3] is not None, span=span_of(c[:3]))

    def create_constraint(self, c: list[Any]) -> a.CreateConstraint:
        _, _, name, if_not_exists, _, (variable, labels, relationships), _, keys, _, (kind, type), options = c
        span = span_of([c[0], keys])
        if len(labels) != 1:
            raise MemQLSyntaxError("A constraint has one label or type.", span=span)
        return a.CreateConstraint(
            kind,
            _schema_name(name),
            if_not_exists is not None,
            variable,
            labels[0],
            relationships,
            keys,
            type,
            options,
            span=span,
        )

    def required(self, c: list[Any]) -> tuple[e.Expression, ...]:
        return nodes(c)

    def constraint_unique(self, c: list[Any]) -> tuple[a.ConstraintKind, None]:
        return a.ConstraintKind.UNIQUE, None

    def constraint_key(self, c: list[Any]) -> tuple[a.ConstraintKind, None]:
        return a.ConstraintKind.KEY, None

    def constraint_not_null(self, c: list[Any]) -> tuple[a.ConstraintKind, None]:
        return a.ConstraintKind.NOT_NULL, None

    def constraint_typed(self, c: list[Any]) -> tuple[a.ConstraintKind, str]:
        return a.ConstraintKind.TYPED, " | ".join(x[0] for x in c if isinstance(x, tuple))

    def show(self, c: list[Any]) -> a.Show:
        _, kind, what, yields, where, order, skip, limit, returns = c
        page = a.OrderAndPage(order or (), skip, limit) if order or skip or limit else None
        star, items, yield_where = yields if yields is not None else (False, None, None)
        return a.Show(
            what.type,
            None if kind is None else kind.value.upper(),
            items,
            star,
            where if where is not None else yield_where,
            page,
            returns,
            span=span_of(c[:3]),
        )


def _schema_name(token: Token | None) -> str | e.Parameter | None:
    if token is None:
        return None
    return name_of(token) if token.type == "IDENT" else e.Parameter(parameter_name(token))


def _call_span(c: list[Any], name: str) -> Span:
    start = c[1].end_pos
    return Span(start + 1, start + 1 + len(name))
