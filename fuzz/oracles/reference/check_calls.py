"""Checks of CALL: signatures, and what YIELD names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import ProcedureError, SemanticError
from memoradb.memql.bind.aggregation import contains_aggregate
from memoradb.memql.bind.scope import Scope
from memoradb.memql.bind.types import Type
from memoradb.memql.procedures.registry import Procedure
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e

if TYPE_CHECKING:
    from .checks import Checks


class CallChecks:
    """Checks the CALL clauses of one statement."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def _procedure(self, clause: a.Call) -> Procedure:
        found = self._checks.catalog.procedure(clause.procedure)
        if found is None:
            raise ProcedureError(f"There is no procedure `{clause.procedure}`.", span=clause.span)
        return found

    def _arguments(self, clause: a.Call, procedure: Procedure, scope: Scope) -> None:
        assert clause.arguments is not None
        most = len(procedure.inputs)
        if not most - procedure.optional <= len(clause.arguments) <= most:
            raise SemanticError(
                f"`{procedure.name}` takes {most} arguments.", span=clause.span, detail="InvalidNumberOfArguments"
            )
        for field, given in zip(procedure.inputs, clause.arguments, strict=False):
            if contains_aggregate(given):
                raise SemanticError(
                    "A procedure's argument cannot aggregate.", span=given.span, detail="InvalidAggregation"
                )
            _, kind = self._checks.expressions.bind(given, scope)
            allowed = field.type & ~Type.NULL
            if allowed & Type.FLOAT:
                allowed |= Type.INTEGER
            if not kind & allowed and kind & ~Type.NULL:
                raise SemanticError(
                    f"`{field.name}` of `{procedure.name}` takes {field.type_text}.",
                    span=given.span,
                    detail="InvalidArgumentType",
                )

    def _yields(self, clause: a.Call, procedure: Procedure, scope: Scope) -> tuple[str, ...]:
        outputs = {o.name: o for o in procedure.outputs}
        shown = []
        for item in clause.yields or ():
            if item.field not in outputs:
                raise SemanticError(
                    f"`{procedure.name}` yields no `{item.field}`.", span=item.span, detail="UndefinedVariable"
                )
            name = item.alias or e.Variable(item.field, span=item.span)
            self._checks.declare_new(scope, name, outputs[item.field].type)
            shown.append(name.name)
        return tuple(shown)

    def standalone(self, clause: a.Call, scope: Scope) -> tuple[str, ...] | None:
        """A query that is one CALL: the columns that it shows."""
        procedure = self._procedure(clause)
        if clause.arguments is None:
            required = procedure.inputs[: len(procedure.inputs) - procedure.optional]
            self._checks.parameters.update(i.name for i in required)
        else:
            self._arguments(clause, procedure, scope)
        if clause.yields and not clause.yield_star:
            shown = self._yields(clause, procedure, scope)
        else:
            shown = tuple(o.name for o in procedure.outputs)
            for output in procedure.outputs:
                self._checks.declare(scope, output.name, output.type)
        if clause.where is not None:
            self._checks.expressions.predicate(clause.where, scope)
        return shown or None

    def in_query(self, clause: a.Call, scope: Scope) -> None:
        """CALL among other clauses; the scope gains what it yields."""
        procedure = self._procedure(clause)
        if clause.arguments is None:
            raise SemanticError(
                "Inside a query a procedure's arguments must be written.",
                span=clause.span,
                detail="InvalidArgumentPassingMode",
            )
        if clause.yield_star:
            raise SemanticError("YIELD * stands in a standalone CALL only.", span=clause.span)
        self._arguments(clause, procedure, scope)
        if clause.yields is not None:
            self._yields(clause, procedure, scope)
        if clause.where is not None:
            self._checks.expressions.predicate(clause.where, scope)
