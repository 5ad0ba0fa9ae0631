"""Expressions on one row: a method for each kind of syntax node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import and_, equals, index, or_, property_of, slice_list, truth, type_name
from memoradb.core.values import NodeRef, RelationshipRef, Value
from memoradb.memql.bind.aggregation import AGGREGATES
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p

from .aggregates import aggregate
from .elements import FUNCTIONS, properties_of
from .run import Row, Run, read


def elements_of(value: Value, what: str) -> list[Value]:
    """``value`` as a list; TypeMismatch for anything else."""
    if type(value) is not list:
        raise TypeMismatch(f"{what} takes a list, not {type_name(value)}.")
    return value


def labels_hold(labels: p.LabelExpression, held: Any) -> bool:
    """Whether a set of labels (or the one type of a relationship) satisfies a label expression."""
    match labels:
        case p.LabelName(name):
            return name in held
        case p.LabelWildcard():
            return bool(held)
        case p.LabelNot(operand):
            return not labels_hold(operand, held)
        case p.LabelAnd(operands):
            return all(labels_hold(o, held) for o in operands)
        case p.LabelOr(operands):
            return any(labels_hold(o, held) for o in operands)
        case _:
            raise AssertionError("the checks refuse dynamic labels")


class Expressions:
    """Evaluates expressions of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._methods: dict[type, Callable[[Any, Row, list[Row] | None], Value]] = {
            e.Literal: lambda expr, row, group: expr.value,
            e.Parameter: lambda expr, row, group: run.parameters[expr.name],
            e.Variable: lambda expr, row, group: read(row, expr.name),
            e.Property: self._property,
            e.Index: self._index,
            e.Slice: self._slice,
            e.ListLiteral: lambda expr, row, group: [self.evaluate(i, row, group) for i in expr.items],
            e.MapLiteral: lambda expr, row, group: {k: self.evaluate(v, row, group) for k, v in expr.entries},
            e.MapProjection: self._map_projection,
            e.Unary: self._unary,
            e.Binary: self._binary,
            e.Comparison: self._comparison,
            e.IsNull: lambda expr, row, group: (self.evaluate(expr.operand, row, group) is None) != expr.negated,
            e.HasLabels: self._has_labels,
            e.FunctionCall: self._function,
            e.Case: self._case,
            e.ListComprehension: self._list_comprehension,
            e.PatternComprehension: self._pattern_comprehension,
            e.Quantifier: self._quantifier,
            e.Reduce: self._reduce,
            e.PatternExpression: self._pattern,
            e.SubqueryExpression: self._subquery,
        }

    def evaluate(self, expr: e.Expression, row: Row, group: list[Row] | None = None) -> Value:
        """The value of ``expr`` on ``row``. ``group``: the rows that its aggregates range over."""
        return self._methods[type(expr)](expr, row, group)

    def holds(self, expr: e.Expression | None, row: Row) -> bool:
        """Whether a condition is true; no condition is."""
        return expr is None or truth(self.evaluate(expr, row)) is True

    # --- access

    def _property(self, expr: e.Property, row: Row, group: list[Row] | None) -> Value:
        return self.property(self.evaluate(expr.subject, row, group), expr.key)

    def property(self, subject: Value, key: str) -> Value:
        """``subject.key`` of any value."""
        if isinstance(subject, (NodeRef, RelationshipRef)):
            return self._run.graph.properties(subject).get(key)
        return property_of(subject, key)

    def _index(self, expr: e.Index, row: Row, group: list[Row] | None) -> Value:
        subject = self.evaluate(expr.subject, row, group)
        key = self.evaluate(expr.index, row, group)
        if key is not None and isinstance(subject, (NodeRef, RelationshipRef)):
            if type(key) is not str:
                raise TypeMismatch(
                    f"A property is named by a string, not {type_name(key)}.", detail="PropertyAccessByNonString"
                )
            return self.property(subject, key)
        return index(subject, key)

    def _slice(self, expr: e.Slice, row: Row, group: list[Row] | None) -> Value:
        subject = self.evaluate(expr.subject, row, group)
        if expr.low is None and expr.high is None:
            return subject
        low = None if expr.low is None else self.evaluate(expr.low, row, group)
        high = None if expr.high is None else self.evaluate(expr.high, row, group)
        return slice_list(subject, low, high, expr.low is not None, expr.high is not None)

    def _map_projection(self, expr: e.MapProjection, row: Row, group: list[Row] | None) -> Value:
        subject = self.evaluate(expr.subject, row, group)
        if subject is None:
            return None
        out: dict[str, Value] = {}
        for item in expr.items:
            match item.kind:
                case e.ProjectionItemKind.ALL:
                    out.update(properties_of(self._run.graph, subject, "properties"))
                case e.ProjectionItemKind.PROPERTY:
                    out[item.key] = self.property(subject, item.key)
                case e.ProjectionItemKind.VARIABLE:
                    out[item.key] = read(row, item.key)
                case e.ProjectionItemKind.LITERAL:
                    assert item.expression is not None
                    out[item.key] = self.evaluate(item.expression, row, group)
        return out

    def _has_labels(self, expr: e.HasLabels, row: Row, group: list[Row] | None) -> Value:
        subject = self.evaluate(expr.operand, row, group)
        match subject:
            case None:
                return None
            case NodeRef():
                return labels_hold(expr.labels, self._run.graph.node(subject).labels)
            case RelationshipRef():
                return labels_hold(expr.labels, {self._run.graph.relationship(subject, dead=True).type})
            case _:
                raise TypeMismatch(f"{type_name(subject)} has no labels.")

    # --- operators

    def _operator(self, name: str, *operands: Value) -> Value:
        definition = self._run.functions.lookup(name)
        assert definition is not None, name
        return definition.evaluate(*operands)

    def _unary(self, expr: e.Unary, row: Row, group: list[Row] | None) -> Value:
        name = "NOT" if expr.operator == "NOT" else f"unary {expr.operator}"
        return self._operator(name, self.evaluate(expr.operand, row, group))

    def _binary(self, expr: e.Binary, row: Row, group: list[Row] | None) -> Value:
        left = self.evaluate(expr.left, row, group)
        if expr.operator == "AND":
            if truth(left) is False:
                return False
            return and_(left, self.evaluate(expr.right, row, group))
        if expr.operator == "OR":
            if truth(left) is True:
                return True
            return or_(left, self.evaluate(expr.right, row, group))
        return self._operator(expr.operator, left, self.evaluate(expr.right, row, group))

    def _comparison(self, expr: e.Comparison, row: Row, group: list[Row] | None) -> Value:
        """``a < b = c`` is ``a < b AND b = c``."""
        verdict: Value = True
        left = self.evaluate(expr.operands[0], row, group)
        for operator, operand in zip(expr.operators, expr.operands[1:], strict=True):
            right = self.evaluate(operand, row, group)
            verdict = and_(verdict, self._operator(operator, left, right))
            if verdict is False:
                return False
            left = right
        return verdict

    def _case(self, expr: e.Case, row: Row, group: list[Row] | None) -> Value:
        subject = None if expr.subject is None else self.evaluate(expr.subject, row, group)
        for condition, value in expr.branches:
            tested = self.evaluate(condition, row, group)
            if (truth(tested) if expr.subject is None else equals(subject, tested)) is True:
                return self.evaluate(value, row, group)
        return None if expr.otherwise is None else self.evaluate(expr.otherwise, row, group)

    # --- functions

    def _function(self, expr: e.FunctionCall, row: Row, group: list[Row] | None) -> Value:
        name = expr.name.lower()
        if name in AGGREGATES:
            assert group is not None, "the checks allow aggregates in projections only"
            return self._aggregate(expr, name, group)
        if name == "coalesce":
            for argument in expr.arguments:
                value = self.evaluate(argument, row, group)
                if value is not None:
                    return value
            return None
        arguments = [self.evaluate(a, row, group) for a in expr.arguments]
        if name == "exists":
            # Of a pattern: whether it matches. Of anything else: whether it is there.
            pattern = isinstance(expr.arguments[0], e.PatternExpression)
            return arguments[0] if pattern else arguments[0] is not None
        own = FUNCTIONS.get(name)
        if own is not None:
            return None if arguments[0] is None else own(self._run, *arguments)
        definition = self._run.functions.lookup(name)
        assert definition is not None, name
        if definition.null_propagates and any(a is None for a in arguments):
            return None
        return (
            definition.evaluate(self._run, *arguments) if definition.needs_context else definition.evaluate(*arguments)
        )

    def _aggregate(self, expr: e.FunctionCall, name: str, group: list[Row]) -> Value:
        if expr.star:
            return len(group)
        arguments = [[self.evaluate(a, row) for a in expr.arguments] for row in group]
        return aggregate(name, arguments, expr.distinct)

    # --- forms that bring a variable

    def _list_comprehension(self, expr: e.ListComprehension, row: Row, group: list[Row] | None) -> Value:
        source = self.evaluate(expr.source, row, group)
        if source is None:
            return None
        out = []
        for item in elements_of(source, "A list comprehension"):
            inner = {**row, expr.variable.name: item}
            if self.holds(expr.predicate, inner):
                out.append(item if expr.projection is None else self.evaluate(expr.projection, inner))
        return out

    def _quantifier(self, expr: e.Quantifier, row: Row, group: list[Row] | None) -> Value:
        source = self.evaluate(expr.source, row, group)
        if source is None:
            return None
        assert expr.predicate is not None
        deciding = expr.kind is not e.QuantifierKind.ALL
        verdicts = []
        for item in elements_of(source, f"{expr.kind.value}()"):
            verdict = truth(self.evaluate(expr.predicate, {**row, expr.variable.name: item}))
            verdicts.append(verdict)
            if verdict is deciding and expr.kind is not e.QuantifierKind.SINGLE:
                return expr.kind is e.QuantifierKind.ANY
        if expr.kind is e.QuantifierKind.SINGLE and verdicts.count(True) > 1:
            return False
        if None in verdicts:
            return None
        match expr.kind:
            case e.QuantifierKind.ANY:
                return False
            case e.QuantifierKind.SINGLE:
                return verdicts.count(True) == 1
            case _:
                return True

    def _reduce(self, expr: e.Reduce, row: Row, group: list[Row] | None) -> Value:
        accumulated = self.evaluate(expr.initial, row, group)
        source = self.evaluate(expr.source, row, group)
        if source is None:
            return None
        for item in elements_of(source, "reduce()"):
            inner = {**row, expr.accumulator.name: accumulated, expr.variable.name: item}
            accumulated = self.evaluate(expr.step, inner)
        return accumulated

    # --- patterns and subqueries

    def _pattern(self, expr: e.PatternExpression, row: Row, group: list[Row] | None) -> Value:
        selector = expr.pattern.selector
        if selector is None:
            return next(self._run.matcher.match((expr.pattern,), row), None) is not None
        name = " path"
        named = p.PathPattern(expr.pattern.elements, e.Variable(name), selector)
        found = [read(r, name) for r in self._run.matcher.match((named,), row)]
        if selector.kind is p.SelectorKind.ALL_SHORTEST_PATHS:
            return found
        return found[0] if found else None

    def _pattern_comprehension(self, expr: e.PatternComprehension, row: Row, group: list[Row] | None) -> Value:
        matches = self._run.matcher.match((expr.pattern,), row)
        return [self.evaluate(expr.projection, m) for m in matches if self.holds(expr.predicate, m)]

    def _subquery(self, expr: e.SubqueryExpression, row: Row, group: list[Row] | None) -> Value:
        if expr.query is None:
            found = (m for m in self._run.matcher.match(expr.patterns, row) if self.holds(expr.where, m))
        else:
            table = self._run.clauses.query(expr.query, [row])
            if expr.kind is e.SubqueryKind.COLLECT:
                assert table.columns is not None
                return [read(r, table.columns[0]) for r in table.rows]
            found = iter(table.rows)
        if expr.kind is e.SubqueryKind.EXISTS:
            return next(found, None) is not None
        return sum(1 for _ in found)
