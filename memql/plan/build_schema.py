"""Schema commands to plans: CREATE and DROP of indexes and constraints, SHOW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import SchemaError, SemanticError

from ..bind.scope import BoundVariable, Scope
from ..exec.schema import CONSTRAINT_COLUMNS, HIDDEN_COLUMNS, INDEX_COLUMNS, constraint_types
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax.suggest import did_you_mean
from . import expr as b
from . import nodes
from .definitions import constraint_definition, index_definition, schema_name
from .nodes import LogicalNode

if TYPE_CHECKING:
    from .build import StatementBuilder


def build_schema(command: a.SchemaCommand, builder: StatementBuilder) -> tuple[LogicalNode, tuple[str, ...], bool]:
    """(plan, result columns, whether it only reads)."""
    match command:
        case a.CreateIndex():
            return nodes.CreateIndex(index_definition(command), command.if_not_exists), (), False
        case a.CreateConstraint():
            return nodes.CreateIndex(constraint_definition(command), command.if_not_exists), (), False
        case a.DropIndex(name, if_exists):
            return _drop(schema_name(name, command), if_exists, False, command, builder), (), False
        case a.DropConstraint(name, if_exists):
            return _drop(schema_name(name, command), if_exists, True, command, builder), (), False
        case a.Show():
            plan, columns = _show(command, builder)
            return plan, columns, True


def _drop(name: str, if_exists: bool, constraint: bool, command: e.Syntax, builder: StatementBuilder) -> LogicalNode:
    what = "constraint" if constraint else "index"
    indexes = builder.catalog.indexes()
    there = [i.name for i in indexes if i.kind.is_constraint is constraint]
    owned = not constraint and any(i.name == name and i.kind.is_constraint for i in indexes)
    if owned:
        raise SchemaError(
            f"`{name}` is a constraint{', and its index goes with it' if _owns(name, builder) else ''}.",
            span=command.span,
            hint=f"DROP CONSTRAINT {name}",
        )
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


def _owns(name: str, builder: StatementBuilder) -> bool:
    return any(i.name == name and i.kind.is_index for i in builder.catalog.indexes())


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
    hidden = HIDDEN_COLUMNS if command.yields is None else frozenset[str]()
    shown = [(f, c) for f, c in columns if f not in hidden or command.yield_star]
    if command.kind is not None and command.kind != "ALL":
        if "type" not in dict(columns):
            raise SemanticError(
                f"{command.what} have no kinds: SHOW {command.kind} {command.what} means nothing.",
                span=command.span,
                hint=f"Write SHOW {command.what}.",
            )
        types = constraint_types(command.kind) if command.what == "CONSTRAINTS" else (command.kind,)
        named = b.ListOf(tuple(map(b.Literal, types)))
        plan = nodes.Selection(plan, b.Call("IN", (b.Variable(dict(columns)["type"]), named)))
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
