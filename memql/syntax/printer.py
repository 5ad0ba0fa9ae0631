"""Syntax trees back to text: statements, clauses and schema commands.

``print_statement`` and ``print_expression`` give canonical MemQL: keywords in capitals, one clause a line at the top,
one space between words, parentheses only where the tree needs them, names between backticks only where they must be.
The law is that parsing the text gives the same tree, up to spans::

    parse(print_statement(statement)) == statement

A tree that no text gives (a float that is infinite, a sign before a number literal) has no such text: ``ValueError``
or its nearest equivalent. A projection item without an alias is printed as it was written, since its text is the name
of its column.
"""

from __future__ import annotations

from typing import assert_never

from . import ast as a
from . import ast_expr as e
from .print_expressions import (
    print_expression,
    print_labels,
    print_map_key,
    print_name,
    print_path,
    print_pattern_list,
    print_procedure_name,
    print_property_key,
)

__all__ = ["print_expression", "print_name", "print_path", "print_query", "print_statement"]


def print_statement(statement: a.Statement) -> str:
    """The statement as canonical MemQL.

    >>> from .parser import parse
    >>> print(print_statement(parse("match (n :A)where n.x>1 return n.x as x limit 3")))
    MATCH (n:A) WHERE n.x > 1
    RETURN n.x AS x LIMIT 3
    """
    body = statement.body
    text = print_query(body) if isinstance(body, (a.SingleQuery, a.Union)) else _schema(body)
    if statement.as_of is not None:
        text = f"{_as_of(statement.as_of)}\n{text}"
    if statement.mode is a.StatementMode.EXECUTE:
        return text
    return f"{statement.mode.value}{' VERBOSE' if statement.verbose else ''} {text}"


def _as_of(as_of: a.AsOf) -> str:
    return f"AS OF {'TRANSACTION ' if as_of.transaction else ''}{print_expression(as_of.moment)}"


def print_query(query: a.Query, separator: str = "\n") -> str:
    """A query; ``separator`` stands between its clauses."""
    match query:
        case a.SingleQuery(clauses):
            return separator.join(print_clause(c) for c in clauses)
        case a.Union(left, right, every):
            word = "UNION ALL" if every else "UNION"
            return separator.join((print_query(left, separator), word, print_query(right, separator)))
    assert_never(query)


def _braced(query: a.Query) -> str:
    return f"{{ {print_query(query, ' ')} }}"


def print_clause(clause: a.Clause) -> str:
    """One clause, on one line."""
    match clause:
        case a.Match():
            return _match(clause)
        case a.Unwind(source, variable):
            return f"UNWIND {print_expression(source)} AS {print_name(variable.name)}"
        case a.With(projection, where):
            return f"WITH {_projection(projection)}{_where(where)}"
        case a.Return(projection):
            return f"RETURN {_projection(projection)}"
        case a.Call():
            return _call(clause)
        case a.CallSubquery():
            return _call_subquery(clause)
        case a.LoadCsv(source, variable, headers, terminator):
            words = "LOAD CSV WITH HEADERS FROM" if headers else "LOAD CSV FROM"
            end = "" if terminator is None else f" FIELDTERMINATOR {print_expression(e.Literal(terminator))}"
            return f"{words} {print_expression(source)} AS {print_name(variable.name)}{end}"
        case a.Let(items):
            return "LET " + ", ".join(f"{print_name(v.name)} = {print_expression(x)}" for v, x in items)
        case a.Filter(predicate):
            return f"FILTER {print_expression(predicate)}"
        case a.OrderAndPage(order_by, skip, limit):
            return _order_and_page(order_by, skip, limit).lstrip()
        case a.Finish():
            return "FINISH"
        case a.Create(patterns):
            return f"CREATE {print_pattern_list(patterns)}"
        case a.Set(items):
            return "SET " + ", ".join(map(_set_item, items))
        case a.Remove(items):
            return "REMOVE " + ", ".join(map(_remove_item, items))
        case a.Delete(expressions, detach):
            word = "DETACH DELETE" if detach else "DELETE"
            return f"{word} {', '.join(map(print_expression, expressions))}"
        case a.Merge(pattern, on_create, on_match):
            text = f"MERGE {print_path(pattern)}"
            if on_create:
                text += " ON CREATE SET " + ", ".join(map(_set_item, on_create))
            if on_match:
                text += " ON MATCH SET " + ", ".join(map(_set_item, on_match))
            return text
        case a.Foreach(variable, source, updates):
            inner = " ".join(map(print_clause, updates))
            return f"FOREACH ({print_name(variable.name)} IN {print_expression(source)} | {inner})"
    assert_never(clause)


# --- parts of clauses


def _where(where: e.Expression | None) -> str:
    return "" if where is None else f" WHERE {print_expression(where)}"


def _match(clause: a.Match) -> str:
    text = "OPTIONAL MATCH " if clause.optional else "MATCH "
    if clause.mode is not None:
        text += f"{clause.mode.value} "
    text += print_pattern_list(clause.patterns)
    if clause.search is not None:
        text += f" {_search(clause.search)}"
    return text + _where(clause.where)


def _search(search: a.Search) -> str:
    inner = f"{search.kind.value} INDEX {_schema_name(search.index)} FOR {print_expression(search.query)}"
    inner += _where(search.where)
    if search.limit is not None:
        inner += f" LIMIT {print_expression(search.limit)}"
    score = "" if search.score is None else f" SCORE AS {print_name(search.score.name)}"
    return f"SEARCH {print_name(search.variable.name)} IN ({inner}){score}"


def _projection(projection: a.Projection) -> str:
    items = ["*"] if projection.star else []
    items.extend(map(_projection_item, projection.items))
    text = "DISTINCT " if projection.distinct else ""
    return text + ", ".join(items) + _order_and_page(projection.order_by, projection.skip, projection.limit)


def _projection_item(item: a.ProjectionItem) -> str:
    if item.alias is not None:
        return f"{print_expression(item.expression)} AS {print_name(item.alias.name)}"
    if isinstance(item.expression, e.Variable) or not item.text:
        return print_expression(item.expression)
    return item.text


def _order_and_page(order_by: tuple[a.SortItem, ...], skip: e.Expression | None, limit: e.Expression | None) -> str:
    text = ""
    if order_by:
        keys = (print_expression(s.expression) + (" DESC" if s.descending else "") for s in order_by)
        text += f" ORDER BY {', '.join(keys)}"
    if skip is not None:
        text += f" SKIP {print_expression(skip)}"
    if limit is not None:
        text += f" LIMIT {print_expression(limit)}"
    return text


def _yield(items: tuple[a.YieldItem, ...] | None, star: bool) -> str:
    if star:
        return " YIELD *"
    if items is None:
        return ""
    shown = (print_name(i.field) + ("" if i.alias is None else f" AS {print_name(i.alias.name)}") for i in items)
    return f" YIELD {', '.join(shown)}"


def _call(clause: a.Call) -> str:
    text = "OPTIONAL CALL " if clause.optional else "CALL "
    text += print_procedure_name(clause.procedure)
    if clause.arguments is not None:
        text += f"({', '.join(map(print_expression, clause.arguments))})"
    return text + _yield(clause.yields, clause.yield_star) + _where(clause.where)


def _call_subquery(clause: a.CallSubquery) -> str:
    text = "OPTIONAL CALL " if clause.optional else "CALL "
    if clause.import_star:
        text += "(*) "
    elif clause.imports is not None:
        text += f"({', '.join(print_name(v.name) for v in clause.imports)}) "
    text += _braced(clause.query)
    batches = clause.in_transactions
    if batches is not None:
        text += " IN " if batches.concurrency is None else f" IN {print_expression(batches.concurrency)} CONCURRENT "
        text += "TRANSACTIONS"
        if batches.rows is not None:
            text += f" OF {print_expression(batches.rows)} ROWS"
        if batches.on_error is not None:
            text += f" ON ERROR {batches.on_error}"
        if batches.report is not None:
            text += f" REPORT STATUS AS {print_name(batches.report.name)}"
    return text


def _set_item(item: a.SetItem) -> str:
    match item:
        case a.SetProperty(target, value):
            return f"{print_expression(target)} = {print_expression(value)}"
        case a.SetProperties(variable, value, merge):
            return f"{print_name(variable.name)} {'+=' if merge else '='} {print_expression(value)}"
        case a.SetLabels(variable, labels):
            return f"{print_name(variable.name)}:{print_labels(labels)}"
    assert_never(item)


def _remove_item(item: a.RemoveItem) -> str:
    match item:
        case a.RemoveProperty(target):
            return print_expression(target)
        case a.RemoveLabels(variable, labels):
            return f"{print_name(variable.name)}:{print_labels(labels)}"
    assert_never(item)


# --- schema


def _schema_name(name: str | e.Parameter) -> str:
    return print_expression(name) if isinstance(name, e.Parameter) else print_name(name)


def _schema(command: a.SchemaCommand) -> str:
    match command:
        case a.CreateIndex():
            return _create_index(command)
        case a.CreateConstraint():
            return _create_constraint(command)
        case a.DropIndex(name, if_exists):
            return f"DROP INDEX {_schema_name(name)}{' IF EXISTS' if if_exists else ''}"
        case a.DropConstraint(name, if_exists):
            return f"DROP CONSTRAINT {_schema_name(name)}{' IF EXISTS' if if_exists else ''}"
        case a.Show():
            return _show(command)
    assert_never(command)


def _target(variable: e.Variable, labels: tuple[str, ...], relationships: bool) -> str:
    name = print_name(variable.name)
    inner = f"{name}:{'|'.join(map(print_map_key, labels))}" if labels else name
    return f"()-[{inner}]-()" if relationships else f"({inner})"


def _named(name: str | e.Parameter | None, if_not_exists: bool) -> str:
    text = "" if name is None else f" {_schema_name(name)}"
    return f"{text} IF NOT EXISTS" if if_not_exists else text


def _options(options: e.Expression | None) -> str:
    return "" if options is None else f" OPTIONS {print_expression(options)}"


def _create_index(command: a.CreateIndex) -> str:
    kind = "" if command.kind is a.IndexKindName.RANGE else f"{command.kind.value} "
    keys = ", ".join(map(_key, command.properties))
    if command.kind is a.IndexKindName.LOOKUP:
        function = "type" if command.on_relationships else "labels"
        shown = f"EACH {function}({print_name(command.variable.name)})"
    else:
        shown = f"EACH [{keys}]" if command.kind is a.IndexKindName.FULLTEXT else f"({keys})"
    target = _target(command.variable, command.labels, command.on_relationships)
    named = _named(command.name, command.if_not_exists)
    return f"CREATE {kind}INDEX{named} FOR {target} ON {shown}{_options(command.options)}"


def _create_constraint(command: a.CreateConstraint) -> str:
    target = _target(command.variable, (command.label,), command.on_relationship)
    keys = ", ".join(map(_key, command.properties))
    required = keys if len(command.properties) == 1 else f"({keys})"
    kind = command.kind.value if command.type is None else f"{command.kind.value} {command.type}"
    named = _named(command.name, command.if_not_exists)
    return f"CREATE CONSTRAINT{named} FOR {target} REQUIRE {required} {kind}{_options(command.options)}"


def _key(key: e.Expression) -> str:
    if isinstance(key, e.Property) and isinstance(key.subject, e.Variable):
        return f"{print_name(key.subject.name)}.{print_property_key(key.key)}"
    return print_expression(key)


def _show(command: a.Show) -> str:
    kind = "" if command.kind is None else f"{command.kind} "
    text = f"SHOW {kind}{command.what}{_yield(command.yields, command.yield_star)}{_where(command.where)}"
    if command.order is not None:
        text += _order_and_page(command.order.order_by, command.order.skip, command.order.limit)
    return text if command.returns is None else f"{text} {print_clause(command.returns)}"
