"""Expressions: names resolved, static types inferred, faults that need no row found.

``bind`` gives the bound expression and the static type. A parameter or property may be anything, so what is wrong with
it comes at run time; what can never be right is an error here, even on an empty graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memoradb.core.errors import AmbiguousAggregation, SemanticError, UnsupportedFeature
from memoradb.core.spans import Span
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from ..plan import expr as b
from ..plan.nodes import Aggregate
from ..syntax import ast_expr as e
from ..syntax import ast_pattern as p
from ..syntax.suggest import did_you_mean
from .catalog import Catalog
from .scope import BoundVariable, Names, Scope
from .types import Type

if TYPE_CHECKING:
    from .patterns import PatternBinder

Bound = tuple[b.Expr, Type]

AGGREGATES = frozenset(
    ("count", "sum", "avg", "min", "max", "collect", "percentilecont", "percentiledisc", "stdev", "stdevp")
)


@dataclass(slots=True)
class Aggregation:
    """What a projection's aggregating items need: their aggregates, and the grouping keys they may name."""

    keys: Sequence[tuple[e.Expression, BoundVariable]] = ()
    found: list[Aggregate] = field(default_factory=list)


def contains_aggregate(expr: object) -> bool:
    """Whether an expression has an aggregate function outside subqueries."""
    if isinstance(expr, e.FunctionCall) and (expr.name.lower() in AGGREGATES):
        return True
    if isinstance(expr, (e.SubqueryExpression, e.PatternComprehension, e.PatternExpression)):
        return False
    if isinstance(expr, tuple):
        return any(contains_aggregate(x) for x in expr)
    if isinstance(expr, e.Syntax):
        return any(contains_aggregate(getattr(expr, name)) for name in _fields(expr))
    return False


def _fields(node: e.Syntax) -> tuple[str, ...]:
    return tuple(f for f in node.__dataclass_fields__ if f != "span")


class ExpressionBinder:
    """Binds expressions of one statement."""

    def __init__(
        self,
        catalog: Catalog,
        names: Names,
        parameter_types: Mapping[str, Type],
        subquery: Callable[[e.SubqueryExpression, Scope], Bound],
    ) -> None:
        self.catalog = catalog
        self.names = names
        self.parameters: set[str] = set()
        self.patterns: PatternBinder | None = None
        self._parameter_types = parameter_types
        self._subquery = subquery

    # --- entry points

    def bind(
        self, expr: e.Expression, scope: Scope, aggregation: Aggregation | None = None, predicate: bool = False
    ) -> Bound:
        """``expr`` in ``scope``. ``predicate``: a pattern may stand here as a truth value."""
        if aggregation is not None and isinstance(expr, (e.Variable, e.Property)):
            for key, variable in aggregation.keys:
                if key == expr:
                    return b.Variable(variable.column), variable.type
        match expr:
            case e.Literal():
                return self._literal(expr)
            case e.Parameter(name):
                self.parameters.add(name)
                return b.Parameter(name), self._parameter_types.get(name, Type.ANY)
            case e.Variable(name):
                variable = scope.need(name, expr.span)
                if aggregation is not None and not _local(scope, name):
                    raise AmbiguousAggregation(
                        f"`{name}` is neither a grouping key nor inside an aggregate.",
                        span=expr.span,
                        hint="Project it by itself first, in a WITH.",
                    )
                return b.Variable(variable.column), variable.type
            case e.Property(subject, key):
                return self._property(expr, subject, key, scope, aggregation)
            case e.Index(subject, index):
                target, kind = self.bind(subject, scope, aggregation)
                key, _ = self.bind(index, scope, aggregation)
                self._require(kind, Type.LIST | Type.MAP | Type.ELEMENT, "be indexed", expr.span, "TypeError")
                return b.Call("index", (target, key), expr.span), Type.ANY
            case e.Slice(subject, low, high):
                return self._slice(expr, subject, low, high, scope, aggregation)
            case e.ListLiteral(items):
                return b.ListOf(tuple(self.bind(i, scope, aggregation)[0] for i in items)), Type.LIST
            case e.MapLiteral(entries):
                bound = tuple((k, self.bind(v, scope, aggregation)[0]) for k, v in entries)
                return b.MapOf(bound), Type.MAP
            case e.MapProjection():
                return self._map_projection(expr, scope, aggregation)
            case e.Unary(operator, operand):
                return self._unary(expr, operator, operand, scope, aggregation, predicate)
            case e.Binary(operator, left, right):
                return self._binary(expr, operator, left, right, scope, aggregation, predicate)
            case e.Comparison(operands, operators):
                return self._comparison(expr, operands, operators, scope, aggregation)
            case e.IsNull(operand, negated):
                return b.IsNull(self.bind(operand, scope, aggregation)[0], negated), Type.BOOLEAN
            case e.IsTyped():
                raise UnsupportedFeature("Type predicates (IS ::) are not supported yet.", span=expr.span)
            case e.HasLabels(operand, labels):
                subject, kind = self.bind(operand, scope, aggregation)
                self._require(kind, Type.ELEMENT, "have labels", expr.span)
                return b.HasLabels(subject, label_test(labels), expr.span), Type.BOOLEAN | Type.NULL
            case e.FunctionCall():
                return self._function(expr, scope, aggregation, predicate)
            case e.Case(subject, branches, otherwise):
                return self._case(subject, branches, otherwise, scope, aggregation)
            case e.ListComprehension():
                return self._list_comprehension(expr, scope, aggregation)
            case e.PatternComprehension():
                assert self.patterns is not None
                return self.patterns.comprehension(expr, scope)
            case e.Quantifier():
                return self._quantifier(expr, scope, aggregation)
            case e.Reduce():
                return self._reduce(expr, scope, aggregation)
            case e.PatternExpression(pattern):
                assert self.patterns is not None
                if pattern.selector is not None:
                    return self.patterns.shortest_expression(pattern, scope)
                if not predicate:
                    raise SemanticError(
                        "A pattern is a predicate: it stands in WHERE, or inside exists().",
                        span=expr.span,
                        hint="To get its matches, write a pattern comprehension: [(a)-->(b) | b].",
                        detail="UnexpectedSyntax",
                    )
                return self.patterns.exists(pattern, scope), Type.BOOLEAN
            case e.SubqueryExpression():
                return self._subquery(expr, scope)

    def predicate(self, expr: e.Expression, scope: Scope, what: str = "WHERE") -> b.Expr:
        """A condition: boolean or unknown until it runs."""
        if contains_aggregate(expr):
            raise SemanticError(
                f"{what} cannot hold an aggregate.",
                span=expr.span,
                hint="Aggregate in a WITH before.",
                detail="InvalidAggregation",
            )
        bound, kind = self.bind(expr, scope, None, True)
        self._require(kind, Type.BOOLEAN, f"stand in {what}", expr.span)
        return bound

    def _require(self, kind: Type, allowed: Type, what: str, span: Span, error: str = "SyntaxError") -> None:
        """InvalidArgumentType where no value of ``kind`` is ``allowed``; null alone always passes."""
        if not kind & (allowed & ~Type.NULL) and kind & ~Type.NULL:
            raise SemanticError(
                f"{type_text(kind)} cannot {what}.", span=span, kind=error, detail="InvalidArgumentType"
            )

    # --- one kind each

    def _literal(self, expr: e.Literal) -> Bound:
        value = expr.value
        if type(value) is int and not INTEGER_MIN <= value <= INTEGER_MAX:
            raise SemanticError(f"{value} does not fit 64 bits.", span=expr.span, detail="IntegerOverflow")
        types = {bool: Type.BOOLEAN, int: Type.INTEGER, float: Type.FLOAT, str: Type.STRING}
        return b.Literal(value), types.get(type(value), Type.NULL)

    def _property(
        self, expr: e.Property, subject: e.Expression, key: str, scope: Scope, aggregation: Aggregation | None
    ) -> Bound:
        target, kind = self.bind(subject, scope, aggregation)
        allowed = Type.ELEMENT | Type.MAP | Type.TEMPORAL | Type.DURATION | Type.POINT
        self._require(
            kind, allowed, "have properties", subject.span, "SyntaxError" if kind & Type.PATH else "TypeError"
        )
        return b.Property(target, key, expr.span), Type.ANY

    def _slice(
        self,
        expr: e.Slice,
        subject: e.Expression,
        low: e.Expression | None,
        high: e.Expression | None,
        scope: Scope,
        aggregation: Aggregation | None,
    ) -> Bound:
        target, kind = self.bind(subject, scope, aggregation)
        self._require(kind, Type.LIST, "be sliced", subject.span)
        bounds = [self.bind(x, scope, aggregation)[0] for x in (low, high) if x is not None]
        if not bounds:
            return target, kind
        name = "slice" if len(bounds) == 2 else "slice from" if low is not None else "slice to"
        return b.Call(name, (target, *bounds), expr.span), Type.LIST | Type.NULL

    def _map_projection(self, expr: e.MapProjection, scope: Scope, aggregation: Aggregation | None) -> Bound:
        subject, kind = self.bind(expr.subject, scope, aggregation)
        self._require(kind, Type.ELEMENT | Type.MAP, "be projected as a map", expr.subject.span)
        parts: list[b.Expr] = [b.Case(((b.IsNull(subject), b.NULL),), b.MapOf(()))]
        entries: list[tuple[str, b.Expr]] = []
        for item in expr.items:
            match item.kind:
                case e.ProjectionItemKind.ALL:
                    if entries:
                        parts.append(b.MapOf(tuple(entries)))
                        entries = []
                    parts.append(b.Case(((b.IsNull(subject), b.MapOf(())),), b.AllProperties(subject)))
                case e.ProjectionItemKind.PROPERTY:
                    entries.append((item.key, b.Property(subject, item.key)))
                case e.ProjectionItemKind.VARIABLE:
                    entries.append((item.key, self.bind(e.Variable(item.key, span=item.span), scope, aggregation)[0]))
                case e.ProjectionItemKind.LITERAL:
                    assert item.expression is not None
                    entries.append((item.key, self.bind(item.expression, scope, aggregation)[0]))
        if entries:
            parts.append(b.MapOf(tuple(entries)))
        return b.MergedMap(tuple(parts)), Type.MAP | Type.NULL

    def _unary(
        self,
        expr: e.Unary,
        operator: str,
        operand: e.Expression,
        scope: Scope,
        aggregation: Aggregation | None,
        predicate: bool,
    ) -> Bound:
        bound, kind = self.bind(operand, scope, aggregation, predicate and operator == "NOT")
        if operator == "NOT":
            self._require(kind, Type.BOOLEAN, "be negated by NOT", operand.span)
            return b.Call("NOT", (bound,), expr.span), Type.BOOLEAN | (kind & Type.NULL)
        self._require(kind, Type.NUMBER | Type.DURATION, f"have a {operator} before it", operand.span)
        return b.Call(f"unary {operator}", (bound,), expr.span), kind & (Type.NUMBER | Type.DURATION | Type.NULL)

    def _binary(
        self,
        expr: e.Binary,
        operator: str,
        left: e.Expression,
        right: e.Expression,
        scope: Scope,
        aggregation: Aggregation | None,
        predicate: bool,
    ) -> Bound:
        if operator in ("AND", "OR", "XOR"):
            operands = []
            for side in (left, right):
                bound, kind = self.bind(side, scope, aggregation, predicate)
                self._require(kind, Type.BOOLEAN, f"be an operand of {operator}", side.span)
                operands.append(bound)
            if operator == "XOR":
                return b.Call("XOR", tuple(operands), expr.span), Type.BOOLEAN | Type.NULL
            make = b.And if operator == "AND" else b.Or
            flat = tuple(y for x in operands for y in (x.operands if isinstance(x, make) else (x,)))
            return make(flat), Type.BOOLEAN | Type.NULL
        x, kind_x = self.bind(left, scope, aggregation)
        y, kind_y = self.bind(right, scope, aggregation)
        definition = self.catalog.function(operator)
        assert definition is not None, operator
        for kind, allowed, side in (
            (kind_x, definition.parameters[0], left),
            (kind_y, definition.parameters[1], right),
        ):
            self._require(kind, allowed, f"be an operand of {operator}", side.span)
        result = definition.result
        if operator in ("+", "-", "*", "/", "%") and not (kind_x | kind_y) & ~(Type.NUMBER | Type.NULL):
            integers = not (kind_x | kind_y) & ~(Type.INTEGER | Type.NULL)
            result = Type.INTEGER if integers else Type.NUMBER
            result |= (kind_x | kind_y) & Type.NULL
        return b.Call(operator, (x, y), expr.span), result

    def _comparison(
        self,
        expr: e.Comparison,
        operands: tuple[e.Expression, ...],
        operators: tuple[str, ...],
        scope: Scope,
        aggregation: Aggregation | None,
    ) -> Bound:
        bound = [self.bind(o, scope, aggregation)[0] for o in operands]
        pairs = tuple(b.Call(operator, (bound[i], bound[i + 1]), expr.span) for i, operator in enumerate(operators))
        return (pairs[0] if len(pairs) == 1 else b.And(pairs)), Type.BOOLEAN | Type.NULL

    def _case(
        self,
        subject: e.Expression | None,
        branches: tuple[tuple[e.Expression, e.Expression], ...],
        otherwise: e.Expression | None,
        scope: Scope,
        aggregation: Aggregation | None,
    ) -> Bound:
        tested = None if subject is None else self.bind(subject, scope, aggregation)[0]
        bound = []
        kind = Type.NULL if otherwise is None else Type(0)
        for condition, value in branches:
            test, _ = self.bind(condition, scope, aggregation, tested is None)
            result, result_kind = self.bind(value, scope, aggregation)
            kind |= result_kind
            bound.append((test if tested is None else b.Call("=", (tested, test), condition.span), result))
        other, other_kind = (b.NULL, Type.NULL) if otherwise is None else self.bind(otherwise, scope, aggregation)
        return b.Case(tuple(bound), other), kind | other_kind

    # --- functions

    def _function(self, expr: e.FunctionCall, scope: Scope, aggregation: Aggregation | None, predicate: bool) -> Bound:
        name = expr.name.lower()
        if name in AGGREGATES:
            return self._aggregate(expr, name, scope, aggregation)
        if name == "coalesce" and expr.arguments:
            bound = [self.bind(a, scope, aggregation) for a in expr.arguments]
            kind = Type(0)
            for _, k in bound:
                kind |= k
            return b.Coalesce(tuple(x for x, _ in bound)), kind
        definition = self.catalog.function(name)
        if definition is None or " " in name or not name[0].isalpha():
            hint = did_you_mean(expr.name, self.catalog.function_names())
            raise SemanticError(
                f"Unknown function `{expr.name}`.",
                span=expr.span,
                hint=hint,
                detail="UnknownFunction",
                gqlstatus="42N24",
            )
        count = len(expr.arguments)
        most = len(definition.parameters)
        if expr.star or count < definition.required or (count > most and not definition.variadic):
            raise SemanticError(
                f"{definition.name}() takes {_arity(definition.required, most)}, not {count}.",
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
            bound, kind = self.bind(argument, scope, aggregation, name == "exists")
            if name == "exists" and isinstance(argument, e.PatternExpression):
                return bound, Type.BOOLEAN
            allowed = definition.parameters[min(i, most - 1)]
            self._require(kind, allowed, f"be an argument of {definition.name}()", argument.span)
            arguments.append(bound)
        return b.Call(name, tuple(arguments), expr.span), definition.result

    def _aggregate(self, expr: e.FunctionCall, name: str, scope: Scope, aggregation: Aggregation | None) -> Bound:
        if aggregation is None:
            raise SemanticError(
                f"The aggregate {expr.name}() cannot stand here.",
                span=expr.span,
                hint="Aggregates stand in the items of WITH and RETURN.",
                detail="InvalidAggregation",
            )
        if any(contains_aggregate(a) for a in expr.arguments):
            raise SemanticError("An aggregate cannot hold another.", span=expr.span, detail="NestedAggregation")
        definition = self.catalog.function(name)
        assert definition is not None
        if expr.star and name != "count":
            raise SemanticError(f"Only count takes *, not {expr.name}.", span=expr.span)
        if not expr.star and len(expr.arguments) != definition.required:
            raise SemanticError(
                f"{definition.name}() takes {_arity(definition.required, definition.required)}.",
                span=expr.span,
                detail="InvalidNumberOfArguments",
            )
        arguments = []
        for argument, allowed in zip(expr.arguments, definition.parameters, strict=False):
            bound, kind = self.bind(argument, scope)
            self._require(kind, allowed, f"be an argument of {definition.name}()", argument.span)
            if isinstance(bound, b.Call) and bound.function in ("rand", "randomuuid"):
                raise SemanticError(
                    "An aggregate of random values has no meaning.", span=expr.span, detail="NonConstantExpression"
                )
            arguments.append(bound)
        for known in aggregation.found:
            same = known.function == name and known.arguments == tuple(arguments) and known.distinct == expr.distinct
            if same and repr(known.arguments) == repr(tuple(arguments)):
                return b.Variable(known.variable), definition.result
        column = self.names.fresh(name)
        aggregation.found.append(Aggregate(column, name, tuple(arguments), expr.distinct, expr.span))
        result = Type.INTEGER if name == "count" else Type.LIST if name == "collect" else definition.result
        return b.Variable(column), result

    # --- binding forms

    def _inner(self, scope: Scope, *names: str) -> tuple[Scope, list[str]]:
        inner = _LocalScope(scope)
        columns = []
        for name in names:
            column = self.names.fresh(name)
            inner.add(name, BoundVariable(column))
            columns.append(column)
        return inner, columns

    def _element_scope(self, source: e.Expression, scope: Scope, name: str) -> tuple[Scope, str]:
        """A scope for the elements of ``source``; of a list of relationships they are relationships."""
        inner, (column,) = self._inner(scope, name)
        if isinstance(source, e.Variable):
            known = scope.get(source.name)
            if known is not None and known.of_relationships:
                inner.add(name, BoundVariable(column, Type.RELATIONSHIP))
        if isinstance(source, e.FunctionCall) and source.name.lower() in ("nodes", "relationships"):
            kind = Type.NODE if source.name.lower() == "nodes" else Type.RELATIONSHIP
            inner.add(name, BoundVariable(column, kind))
        if isinstance(source, e.ListLiteral) and source.items:
            kind = Type(0)
            for item in source.items:
                if isinstance(item, e.Literal):
                    kind |= self._literal(item)[1]
                elif isinstance(item, e.ListLiteral):
                    kind |= Type.LIST
                elif isinstance(item, e.MapLiteral):
                    kind |= Type.MAP
                else:
                    kind = Type.ANY
                    break
            inner.add(name, BoundVariable(column, kind))
        return inner, column

    def _list_comprehension(self, expr: e.ListComprehension, scope: Scope, aggregation: Aggregation | None) -> Bound:
        source, kind = self.bind(expr.source, scope, aggregation)
        self._require(kind, Type.LIST, "be the list of a comprehension", expr.source.span)
        for part in (expr.predicate, expr.projection):
            if part is not None and contains_aggregate(part):
                raise SemanticError(
                    "A list comprehension cannot hold an aggregate.", span=part.span, detail="InvalidAggregation"
                )
        inner, column = self._element_scope(expr.source, scope, expr.variable.name)
        test = None if expr.predicate is None else self.predicate(expr.predicate, inner)
        body = None if expr.projection is None else self.bind(expr.projection, inner, None, False)[0]
        return b.ListComprehension(column, source, test, body), Type.LIST | Type.NULL

    def _quantifier(self, expr: e.Quantifier, scope: Scope, aggregation: Aggregation | None) -> Bound:
        source, kind = self.bind(expr.source, scope, aggregation)
        self._require(kind, Type.LIST, f"be the list of {expr.kind.value}()", expr.source.span)
        inner, column = self._element_scope(expr.source, scope, expr.variable.name)
        if expr.predicate is None:
            raise SemanticError(f"{expr.kind.value}() needs WHERE and a predicate.", span=expr.span)
        test, test_kind = self.bind(expr.predicate, inner, None, True)
        self._require(test_kind, Type.BOOLEAN, "be a predicate", expr.predicate.span)
        return b.Quantifier(expr.kind, column, source, test), Type.BOOLEAN | Type.NULL

    def _reduce(self, expr: e.Reduce, scope: Scope, aggregation: Aggregation | None) -> Bound:
        initial, _ = self.bind(expr.initial, scope, aggregation)
        source, kind = self.bind(expr.source, scope, aggregation)
        self._require(kind, Type.LIST, "be the list of reduce()", expr.source.span)
        inner, (accumulator, element) = self._inner(scope, expr.accumulator.name, expr.variable.name)
        step, _ = self.bind(expr.step, inner)
        return b.Reduce(accumulator, initial, element, source, step), Type.ANY


class _LocalScope(Scope):
    """Variables of a comprehension, quantifier or fold: always allowed inside an aggregating item."""


def _local(scope: Scope, name: str) -> bool:
    at: Scope | None = scope
    while isinstance(at, _LocalScope):
        if name in at._variables:
            return True
        at = at._outer
    return False


def label_test(labels: p.LabelExpression) -> b.LabelTest:
    """A label expression, bound."""
    match labels:
        case p.LabelName(name):
            return b.LabelTest(b.LabelOperator.NAME, name)
        case p.LabelWildcard():
            return b.LabelTest(b.LabelOperator.ANY)
        case p.LabelNot(operand):
            return b.LabelTest(b.LabelOperator.NOT, operands=(label_test(operand),))
        case p.LabelAnd(operands):
            return b.LabelTest(b.LabelOperator.AND, operands=tuple(map(label_test, operands)))
        case p.LabelOr(operands):
            return b.LabelTest(b.LabelOperator.OR, operands=tuple(map(label_test, operands)))
        case p.DynamicLabel():
            raise UnsupportedFeature("Dynamic labels are not supported yet.", span=labels.span)


def type_text(kind: Type) -> str:
    """A static type for a message."""
    plain = kind & ~Type.NULL
    names = [str(t.name).replace("_", " ") for t in plain]
    return names[0].capitalize() if len(names) == 1 else "This value"


def _arity(least: int, most: int) -> str:
    if least == most:
        return "no argument" if most == 0 else "one argument" if most == 1 else f"{most} arguments"
    return f"{least} to {most} arguments"
