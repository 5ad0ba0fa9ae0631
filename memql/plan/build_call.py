"""CALL of a procedure to the logical algebra: arguments checked against the signature, YIELD into the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import ProcedureError, SemanticError

from ..bind.aggregation import contains_aggregate
from ..bind.functions import arity
from ..bind.scope import BoundVariable, Scope
from ..bind.types import Type
from ..procedures.registry import Procedure
from ..syntax import ast as a
from ..syntax.suggest import did_you_mean
from . import expr as b
from . import nodes
from .arguments import with_arguments_read
from .nodes import ApplyKind, LogicalNode

if TYPE_CHECKING:
    from .build import StatementBuilder


class CallBuilder:
    """Builds procedure calls for a ``StatementBuilder``."""

    def __init__(self, builder: StatementBuilder) -> None:
        self._builder = builder

    def _procedure(self, clause: a.Call) -> Procedure:
        found = self._builder.catalog.procedure(clause.procedure)
        if found is None:
            hint = did_you_mean(clause.procedure, self._builder.catalog.procedure_names())
            hint = hint or "SHOW PROCEDURES lists what there is."
            raise ProcedureError(f"There is no procedure `{clause.procedure}`.", span=clause.span, hint=hint)
        return found

    def _arguments(self, clause: a.Call, procedure: Procedure, scope: Scope) -> tuple[b.Expr, ...]:
        assert clause.arguments is not None
        count, most = len(clause.arguments), len(procedure.inputs)
        if not most - procedure.optional <= count <= most:
            raise SemanticError(
                f"`{procedure.name}` takes {arity(most - procedure.optional, most)}, not {count}.",
                span=clause.span,
                hint=f"Its signature is {procedure.signature}.",
                detail="InvalidNumberOfArguments",
            )
        bound = []
        for argument, given in zip(procedure.inputs, clause.arguments, strict=False):
            if contains_aggregate(given):
                raise SemanticError(
                    "A procedure's argument cannot aggregate.", span=given.span, detail="InvalidAggregation"
                )
            expression, kind = self._builder.expressions.bind(given, scope)
            allowed = argument.type | Type.NULL
            if argument.type & Type.FLOAT:
                allowed |= Type.INTEGER
            if not kind & (allowed & ~Type.NULL) and kind & ~Type.NULL:
                raise SemanticError(
                    f"`{argument.name}` of `{procedure.name}` takes {argument.type_text}.",
                    span=given.span,
                    detail="InvalidArgumentType",
                )
            bound.append(expression)
        return tuple(bound)

    def standalone(
        self, clause: a.Call, scope: Scope, plan: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        procedure = self._procedure(clause)
        if clause.arguments is None:
            arguments = []
            for argument in procedure.inputs[: len(procedure.inputs) - procedure.optional]:
                self._builder.expressions.parameters.add(argument.name)
                arguments.append(b.Parameter(argument.name))
            bound = tuple(arguments)
        else:
            bound = self._arguments(clause, procedure, scope)
        if clause.yields and not clause.yield_star:
            yields = self._yields(clause, procedure, scope)
        else:
            yields = []
            for output in procedure.outputs:
                column = self._builder.names.user(output.name)
                scope.add(output.name, BoundVariable(column, output.type))
                yields.append((output.name, output.name, column))
        plan = _called(plan, procedure, bound, tuple((f, c) for f, _, c in yields), clause)
        if clause.where is not None:
            plan = nodes.Selection(plan, self._builder.expressions.predicate(clause.where, scope))
        columns = tuple((shown, column) for _, shown, column in yields)
        return plan, columns or None, scope

    def _yields(self, clause: a.Call, procedure: Procedure, scope: Scope) -> list[tuple[str, str, str]]:
        """(output field, shown name, column) of each YIELD item; the scope gains them."""
        outputs = {o.name: o for o in procedure.outputs}
        found = []
        for item in clause.yields or ():
            output = outputs.get(item.field)
            if output is None:
                raise SemanticError(
                    f"`{procedure.name}` yields no `{item.field}`.",
                    span=item.span,
                    hint=did_you_mean(item.field, outputs) or f"It yields {', '.join(outputs)}.",
                    detail="UndefinedVariable",
                )
            name = item.field if item.alias is None else item.alias.name
            if scope.get(name) is not None:
                raise SemanticError(f"`{name}` is bound already.", span=item.span, detail="VariableAlreadyBound")
            column = self._builder.names.user(name)
            scope.add(name, BoundVariable(column, output.type))
            found.append((item.field, name, column))
        return found

    def clause(self, clause: a.Call, plan: LogicalNode, scope: Scope) -> LogicalNode:
        procedure = self._procedure(clause)
        if clause.arguments is None:
            raise SemanticError(
                "Inside a query a procedure's arguments must be written.",
                span=clause.span,
                detail="InvalidArgumentPassingMode",
            )
        if clause.yield_star:
            raise SemanticError("YIELD * stands in a standalone CALL only.", span=clause.span)
        bound = self._arguments(clause, procedure, scope)
        if clause.yields is None and procedure.outputs:
            # Without YIELD its rows still multiply; its fields stay unnamed.
            hidden = tuple((o.name, self._builder.names.fresh("field")) for o in procedure.outputs)
            return _called(plan, procedure, bound, hidden, clause)
        before = scope.copy()
        found = self._yields(clause, procedure, scope)
        yields = tuple((f, c) for f, _, c in found)
        if clause.optional:
            call: LogicalNode = _called(nodes.Argument(before.columns()), procedure, bound, yields, clause)
            if clause.where is not None:
                call = nodes.Selection(call, self._builder.expressions.predicate(clause.where, scope))
            return nodes.Apply(plan, with_arguments_read(call), ApplyKind.OPTIONAL, tuple(c for _, c in yields))
        plan = _called(plan, procedure, bound, yields, clause)
        if clause.where is not None:
            plan = nodes.Selection(plan, self._builder.expressions.predicate(clause.where, scope))
        return plan


def _called(
    plan: LogicalNode,
    procedure: Procedure,
    arguments: tuple[b.Expr, ...],
    yields: tuple[tuple[str, str], ...],
    clause: a.Call,
) -> nodes.ProcedureCall:
    return nodes.ProcedureCall(plan, procedure.name, arguments, yields, clause.span, procedure.mode != "READ")
