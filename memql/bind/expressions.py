"""Expressions: names resolved, static types inferred, faults that need no row found.

``bind`` gives the bound expression and the static type. A parameter or property may be anything, so what is wrong with
it comes at run time; what can never be right is an error here, even on an empty graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from memoradb.core.errors import AmbiguousAggregation, SemanticError, UnsupportedFeature
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from ..plan import expr as b
from ..syntax import ast_expr as e
from .aggregation import Aggregation, contains_aggregate
from .catalog import Catalog
from .functions import FunctionBinder
from .iteration import IterationBinder, is_local
from .labels import label_test
from .scope import Names, Scope
from .types import Type, literal_type, require

if TYPE_CHECKING:
    from .patterns import PatternBinder

Bound = tuple[b.Expr, Type]


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
        self._functions = FunctionBinder(self)
        self._iteration = IterationBinder(self)
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
                if aggregation is not None and not is_local(scope, name):
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
                require(kind, Type.LIST | Type.MAP | Type.ELEMENT, "be indexed", expr.span, "TypeError")
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
                require(kind, Type.ELEMENT, "have labels", expr.span)
                return b.HasLabels(subject, label_test(labels), expr.span), Type.BOOLEAN | Type.NULL
            case e.FunctionCall():
                return self._functions.call(expr, scope, aggregation, predicate)
            case e.Case(subject, branches, otherwise):
                return self._case(subject, branches, otherwise, scope, aggregation)
            case e.ListComprehension():
                return self._iteration.comprehension(expr, scope, aggregation)
            case e.PatternComprehension():
                assert self.patterns is not None
                return self.patterns.comprehension(expr, scope)
            case e.Quantifier():
                return self._iteration.quantifier(expr, scope, aggregation)
            case e.Reduce():
                return self._iteration.reduce(expr, scope, aggregation)
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
        require(kind, Type.BOOLEAN, f"stand in {what}", expr.span)
        return bound

    # --- one kind each

    def _literal(self, expr: e.Literal) -> Bound:
        value = expr.value
        if type(value) is int and not INTEGER_MIN <= value <= INTEGER_MAX:
            raise SemanticError(f"{value} does not fit 64 bits.", span=expr.span, detail="IntegerOverflow")
        return b.Literal(value), literal_type(value)

    def _property(
        self, expr: e.Property, subject: e.Expression, key: str, scope: Scope, aggregation: Aggregation | None
    ) -> Bound:
        target, kind = self.bind(subject, scope, aggregation)
        allowed = Type.ELEMENT | Type.MAP | Type.TEMPORAL | Type.DURATION | Type.POINT
        require(kind, allowed, "have properties", subject.span, "SyntaxError" if kind & Type.PATH else "TypeError")
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
        require(kind, Type.LIST, "be sliced", subject.span)
        bounds = [self.bind(x, scope, aggregation)[0] for x in (low, high) if x is not None]
        if not bounds:
            return target, kind
        name = "slice" if len(bounds) == 2 else "slice from" if low is not None else "slice to"
        return b.Call(name, (target, *bounds), expr.span), Type.LIST | Type.NULL

    def _map_projection(self, expr: e.MapProjection, scope: Scope, aggregation: Aggregation | None) -> Bound:
        subject, kind = self.bind(expr.subject, scope, aggregation)
        require(kind, Type.ELEMENT | Type.MAP, "be projected as a map", expr.subject.span)
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
            require(kind, Type.BOOLEAN, "be negated by NOT", operand.span)
            return b.Call("NOT", (bound,), expr.span), Type.BOOLEAN | (kind & Type.NULL)
        require(kind, Type.NUMBER | Type.DURATION, f"have a {operator} before it", operand.span)
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
            for side in (left, right) if operator == "XOR" else _chain(expr):
                bound, kind = self.bind(side, scope, aggregation, predicate)
                require(kind, Type.BOOLEAN, f"be an operand of {operator}", side.span)
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
            require(kind, allowed, f"be an operand of {operator}", side.span)
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


def _chain(expr: e.Binary) -> list[e.Expression]:
    """The operands of a chain of one operator: a OR b OR c. Programs write chains that are deeper than the stack."""
    operands: list[e.Expression] = []
    at: e.Expression = expr
    while isinstance(at, e.Binary) and at.operator == expr.operator:
        operands.append(at.right)
        at = at.left
    operands.append(at)
    return operands[::-1]
