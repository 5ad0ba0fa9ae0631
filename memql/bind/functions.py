"""Function calls and aggregates: looked up by name, checked against their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import SemanticError

from ..plan import expr as b
from ..plan.nodes import Aggregate
from ..syntax import ast_expr as e
from ..syntax.suggest import did_you_mean
from .aggregation import AGGREGATES, Aggregation, contains_aggregate
from .scope import Scope
from .types import Type, require

if TYPE_CHECKING:
    from .expressions import Bound, ExpressionBinder


class FunctionBinder:
    """Binds the function calls of one statement."""

    def __init__(self, expressions: ExpressionBinder) -> None:
        self._expressions = expressions

    def call(self, expr: e.FunctionCall, scope: Scope, aggregation: Aggregation | None, predicate: bool) -> Bound:
        name = expr.name.lower()
        if name in AGGREGATES:
            return self.aggregate(expr, name, scope, aggregation)
        if name == "coalesce" and expr.arguments:
            bound = [self._expressions.bind(a, scope, aggregation) for a in expr.arguments]
            kind = Type(0)
            for _, k in bound:
                kind |= k
            return b.Coalesce(tuple(x for x, _ in bound)), kind
        definition = self._expressions.catalog.function(name)
        if definition is None or " " in name or not name[0].isalpha():
            hint = did_you_mean(expr.name, self._expressions.catalog.function_names())
            hint = hint or "SHOW FUNCTIONS lists what there is."
            raise SemanticError(
                f"Unknown function `{expr.name}`.",
                span=expr.span,
                hint=hint,
                detail="UnknownFunction",
            )
        count = len(expr.arguments)
        most = len(definition.parameters)
        if expr.star or count < definition.required or (count > most and not definition.variadic):
            raise SemanticError(
                f"{definition.name}() takes {arity(definition.required, most)}, not {count}.",
                span=expr.span,
                hint=f"Its signature is {definition.signature}.",
                detail="InvalidNumberOfArguments",
            )
        if expr.distinct:
            raise SemanticError(
                f"DISTINCT stands in aggregates only, and {definition.name}() is none.",
                span=expr.span,
                detail="InvalidArgumentPassingMode",
            )
        arguments = []
        for i, argument in enumerate(expr.arguments):
            bound, kind = self._expressions.bind(argument, scope, aggregation, name == "exists")
            if name == "exists" and isinstance(argument, e.PatternExpression):
                return bound, Type.BOOLEAN
            allowed = definition.parameters[min(i, most - 1)]
            require(kind, allowed, f"be an argument of {definition.name}()", argument.span)
            arguments.append(bound)
        return b.Call(name, tuple(arguments), expr.span), definition.result

    def aggregate(self, expr: e.FunctionCall, name: str, scope: Scope, aggregation: Aggregation | None) -> Bound:
        if aggregation is None:
            raise SemanticError(
                f"The aggregate {expr.name}() cannot stand here.",
                span=expr.span,
                hint="Aggregates stand in the items of WITH and RETURN.",
                detail="InvalidAggregation",
            )
        if any(contains_aggregate(a) for a in expr.arguments):
            raise SemanticError("An aggregate cannot hold another.", span=expr.span, detail="NestedAggregation")
        definition = self._expressions.catalog.function(name)
        assert definition is not None
        if expr.star and name != "count":
            raise SemanticError(f"Only count takes *, not {expr.name}.", span=expr.span)
        if not expr.star and len(expr.arguments) != definition.required:
            raise SemanticError(
                f"{definition.name}() takes {arity(definition.required, definition.required)}.",
                span=expr.span,
                detail="InvalidNumberOfArguments",
            )
        arguments = []
        for argument, allowed in zip(expr.arguments, definition.parameters, strict=False):
            bound, kind = self._expressions.bind(argument, scope)
            require(kind, allowed, f"be an argument of {definition.name}()", argument.span)
            if isinstance(bound, b.Call) and bound.function in ("rand", "randomuuid"):
                raise SemanticError(
                    "An aggregate of random values has no meaning.", span=expr.span, detail="NonConstantExpression"
                )
            arguments.append(bound)
        for known in aggregation.found:
            same = known.function == name and known.arguments == tuple(arguments) and known.distinct == expr.distinct
            if same and repr(known.arguments) == repr(tuple(arguments)):
                return b.Variable(known.variable), definition.result
        column = self._expressions.names.fresh(name)
        aggregation.found.append(Aggregate(column, name, tuple(arguments), expr.distinct, expr.span))
        result = Type.INTEGER if name == "count" else Type.LIST if name == "collect" else definition.result
        return b.Variable(column), result


def arity(least: int, most: int) -> str:
    """A number of arguments in words: "no argument", "1 to 3 arguments"."""
    if least == most:
        return "no argument" if most == 0 else "one argument" if most == 1 else f"{most} arguments"
    return f"{least} to {most} arguments"
