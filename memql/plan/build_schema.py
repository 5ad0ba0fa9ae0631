"""Schema commands to plans: CREATE and DROP of indexes and constraints, SHOW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core import limits
from memoradb.core.errors import SchemaError, SemanticError, UnsupportedFeature
from memoradb.core.values import Value
from memoradb.storage.view import Element, IndexDefinition, IndexKind

from ..bind.scope import BoundVariable, Scope
from ..exec.schema import CONSTRAINT_COLUMNS, INDEX_COLUMNS
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax.suggest import did_you_mean
from . import expr as b
from . import nodes
from .nodes import LogicalNode

if TYPE_CHECKING:
    from .build import StatementBuilder


def build_schema(command: a.SchemaCommand, builder: StatementBuilder) -> tuple[LogicalNode, tuple[str, ...], bool]:
    """(plan, result columns, whether it only reads)."""
    match command:
        case a.CreateIndex():
            return nodes.CreateIndex(_index(command), command.if_not_exists), (), False
        case a.CreateConstraint():
            return nodes.CreateIndex(_constraint(command), command.if_not_exists), (), False
        case a.DropIndex(name, if_exists):
            return _drop(_name(name, command), if_exists, False, command, builder), (), False
        case a.DropConstraint(name, if_exists):
            return _drop(_name(name, command), if_exists, True, command, builder), (), False
        case a.Show():
            plan, columns = _show(command, builder)
            return plan, columns, True


def _name(name: str | e.Parameter | None, command: e.Syntax) -> str:
    if isinstance(name, e.Parameter):
        raise UnsupportedFeature("The name of an index cannot be a parameter yet.", span=command.span)
    return name or ""


def _drop(name: str, if_exists: bool, constraint: bool, command: e.Syntax, builder: StatementBuilder) -> LogicalNode:
    what = "constraint" if constraint else "index"
    indexes = builder.catalog.indexes()
    there = [i.name for i in indexes if not constraint or i.kind is IndexKind.UNIQUE]
    if name not in there and not if_exists:
        lists = "SHOW CONSTRAINTS" if constraint else "SHOW INDEXES"
        raise SchemaError(
            f"There is no {what} `{name}`.",
            span=command.span,
            hint=did_you_mean(name, there) or f"{lists} lists what there is.",
            detail="ConstraintNotFound" if constraint else "IndexNotFound",
            code="Neo.ClientError.Schema.ConstraintNotFound" if constraint else None,
        )
    return nodes.DropIndex(name, if_exists, constraint)


def _keys(properties: tuple[e.Expression, ...], variable: e.Variable) -> tuple[str, ...]:
    keys = []
    for item in properties:
        if not isinstance(item, e.Property) or item.subject != variable:
            raise SemanticError(
                f"An index is on properties of `{variable.name}`.", span=item.span, hint=f"Write {variable.name}.key."
            )
        keys.append(item.key)
    return tuple(keys)


def _constant(expr: e.Expression | None) -> Value:
    """The value of a constant option."""
    match expr:
        case None:
            return {}
        case e.Literal(value):
            return value
        case e.MapLiteral(entries):
            return {k: _constant(v) for k, v in entries}
        case e.ListLiteral(items):
            return [_constant(i) for i in items]
        case _:
            raise SemanticError("Options of an index are constants.", span=expr.span)


def _index(command: a.CreateIndex) -> IndexDefinition:
    keys = _keys(command.properties, command.variable)
    element = Element.RELATIONSHIP if command.on_relationships else Element.NODE
    options = _constant(command.options)
    name = _name(command.name, command)
    kinds = {
        a.IndexKindName.RANGE: IndexKind.RANGE,
        a.IndexKindName.FULLTEXT: IndexKind.FULLTEXT,
        a.IndexKindName.VECTOR: IndexKind.VECTOR,
    }
    kind = kinds.get(command.kind)
    if kind is None:
        raise UnsupportedFeature(
            f"{command.kind.value} indexes are not supported yet.",
            span=command.span,
            hint="RANGE, FULLTEXT and VECTOR are; label look-ups need no index.",
        )
    if element is Element.RELATIONSHIP:
        raise UnsupportedFeature("Indexes on relationships are not supported yet.", span=command.span)
    if kind is IndexKind.RANGE and (len(keys) > 1 or len(command.labels) > 1):
        raise UnsupportedFeature("A RANGE index has one label and one property for now.", span=command.span)
    if kind is IndexKind.VECTOR:
        return IndexDefinition(name, kind, element, command.labels, keys, _vector_options(options, command))
    if kind is IndexKind.FULLTEXT:
        analyzer = _index_config(options, command).get("fulltext.analyzer", "english")
        return IndexDefinition(name, kind, element, command.labels, keys, (("analyzer", analyzer),))
    return IndexDefinition(name, kind, element, command.labels, keys)


def _index_config(options: Value, command: a.CreateIndex) -> dict[str, Value]:
    config = options.get("indexConfig", {}) if isinstance(options, dict) else None
    if not isinstance(config, dict):
        span = command.span if command.options is None else command.options.span
        raise SemanticError("The options of an index are a map.", span=span, hint="OPTIONS {indexConfig: {...}}")
    return config


def _vector_options(options: Value, command: a.CreateIndex) -> tuple[tuple[str, Value], ...]:
    config = _index_config(options, command)
    dimensions = config.get("vector.dimensions")
    similarity = str(config.get("vector.similarity_function", "cosine")).lower()
    if type(dimensions) is not int or not 1 <= dimensions <= limits.VECTOR_DIMENSIONS_MAX:
        raise SemanticError(
            f"A vector index needs `vector.dimensions` between 1 and {limits.VECTOR_DIMENSIONS_MAX}.",
            span=command.span,
            hint="OPTIONS {indexConfig: {`vector.dimensions`: 384, `vector.similarity_function`: 'cosine'}}",
        )
    if similarity not in ("cosine", "euclidean"):
        raise SemanticError(
            f"`vector.similarity_function` is 'cosine' or 'euclidean', not {similarity!r}.", span=command.span
        )
    found: list[tuple[str, Value]] = [("dimensions", dimensions), ("similarity", similarity)]
    for option, key in (("vector.hnsw.m", "m"), ("vector.hnsw.ef_construction", "ef_construction")):
        if option in config:
            value = config[option]
            if type(value) is not int or not 2 <= value <= 512:
                raise SemanticError(f"`{option}` is a whole number between 2 and 512.", span=command.span)
            found.append((key, value))
    return tuple(found)


def _constraint(command: a.CreateConstraint) -> IndexDefinition:
    keys = _keys(command.properties, command.variable)
    if command.kind is not a.ConstraintKind.UNIQUE or command.on_relationship or len(keys) != 1:
        raise UnsupportedFeature(
            "Only uniqueness of one property of nodes can be required for now.",
            span=command.span,
            hint="CREATE CONSTRAINT name FOR (n:Label) REQUIRE n.key IS UNIQUE",
        )
    name = _name(command.name, command)
    return IndexDefinition(name, IndexKind.UNIQUE, Element.NODE, (command.label,), keys)


def _show(command: a.Show, builder: StatementBuilder) -> tuple[LogicalNode, tuple[str, ...]]:
    """SHOW is a leaf with columns, then the clauses that it may have, as a query has them."""
    scope = Scope()
    plan: LogicalNode
    if command.what in ("INDEXES", "CONSTRAINTS"):
        constraints = command.what == "CONSTRAINTS"
        fields = CONSTRAINT_COLUMNS if constraints else INDEX_COLUMNS
        columns = tuple((f, builder.names.user(f)) for f in fields)
        plan = nodes.ShowIndexes(columns, constraints)
    else:
        procedure = "dbms.procedures" if command.what == "PROCEDURES" else "dbms.functions"
        found = builder.catalog.procedure(procedure)
        assert found is not None
        columns = tuple((o.name, builder.names.user(o.name)) for o in found.outputs)
        plan = nodes.ProcedureCall(nodes.Argument(), procedure, (), columns)
    for field, column in columns:
        scope.add(field, BoundVariable(column))
    hidden = {"id", "options", "indexProvider", "ownedIndex", "propertyType"} if command.yields is None else set()
    shown = [(f, c) for f, c in columns if f not in hidden or command.yield_star]
    if command.kind is not None:
        kind = "UNIQUENESS" if command.kind.startswith("UNIQUE") else command.kind
        if kind != "ALL":
            if "type" not in dict(columns):
                raise SemanticError(
                    f"{command.what} have no kinds: SHOW {command.kind} {command.what} means nothing.",
                    span=command.span,
                    hint=f"Write SHOW {command.what}.",
                )
            test = b.Call("=", (b.Variable(dict(columns)["type"]), b.Literal(kind)))
            plan = nodes.Selection(plan, test)
    if command.yields:
        shown = []
        named = Scope()
        for item in command.yields:
            known = scope.need(item.field, item.span)
            name = item.field if item.alias is None else item.alias.name
            shown.append((name, known.column))
            named.add(name, known)
        scope = named
    if command.where is not None:
        plan = nodes.Selection(plan, builder.expressions.predicate(command.where, scope))
    if command.order is not None:
        projection = a.Projection(
            tuple(a.ProjectionItem(e.Variable(n), None, n) for n, _ in shown),
            False,
            False,
            command.order.order_by,
            command.order.skip,
            command.order.limit,
        )
        visible = Scope()
        for name, column in shown:
            visible.add(name, BoundVariable(column))
        plan, _, columns_after = builder.projections.project(projection, plan, visible, None)
        shown = list(columns_after)
    if command.returns is not None:
        plan, _, columns_after = builder.projections.return_clause(command.returns, plan, scope)
        shown = list(columns_after)
    return nodes.ProduceResults(plan, tuple(shown)), tuple(n for n, _ in shown)
