"""Checks of CREATE, MERGE, SET, REMOVE, DELETE and FOREACH, from the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoradb.core.errors import SemanticError, UnsupportedFeature, VariableAlreadyBound
from memoradb.core.spans import Span
from memoradb.memql.bind.scope import Scope, type_conflict
from memoradb.memql.bind.types import Type
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p

if TYPE_CHECKING:
    from .checks import Checks


class UpdateChecks:
    """Checks the updating clauses of one statement."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def clause(self, clause: a.Clause, scope: Scope) -> None:
        """One updating clause; the scope gains what it makes."""
        match clause:
            case a.Create(patterns):
                for pattern in patterns:
                    self._new(pattern, scope, "CREATE")
            case a.Merge():
                self._new(clause.pattern, scope, "MERGE")
                self._items(clause.on_create, scope)
                self._items(clause.on_match, scope)
            case a.Set(items):
                self._items(items, scope)
            case a.Remove(items):
                for item in items:
                    if isinstance(item, a.RemoveProperty):
                        self._target(item.target, scope)
                    else:
                        self._element(item.variable, scope)
                        _plain_labels(item.labels)
            case a.Delete(expressions):
                for target in expressions:
                    self._deleted(target, scope)
            case a.Foreach():
                self._checks.expressions.bind(clause.source, scope)
                inner = scope.copy()
                self._checks.declare_new(inner, clause.variable)
                for update in clause.updates:
                    self.clause(update, inner)
            case _:
                raise AssertionError(f"{type(clause).__name__} does not update")

    # --- new elements

    def _new(self, pattern: p.PathPattern, scope: Scope, clause: str) -> None:
        if pattern.selector is not None:
            raise SemanticError(f"{clause} cannot hold a shortest path.", span=pattern.span)
        if pattern.variable is not None and scope.get(pattern.variable.name) is not None:
            raise VariableAlreadyBound(f"`{pattern.variable.name}` is bound already.", span=pattern.variable.span)
        waiting: p.RelationshipPattern | None = None
        # MERGE looks for the whole pattern at once: no part of it is there for another to read.
        readable = scope.copy() if clause == "MERGE" else scope
        for element in pattern.elements:
            match element:
                case p.NodePattern():
                    self._node(element, scope, clause, len(pattern.elements) == 1, readable)
                    if waiting is not None:
                        self._relationship(waiting, scope, clause, readable)
                    waiting = None
                case p.RelationshipPattern():
                    waiting = element
                case p.QuantifiedPath():
                    raise SemanticError(
                        f"{clause} cannot hold a quantified path.", span=element.span, detail="CreatingVarLength"
                    )
        if pattern.variable is not None:
            self._checks.declare(scope, pattern.variable.name, Type.PATH)

    def _node(self, pattern: p.NodePattern, scope: Scope, clause: str, alone: bool, readable: Scope) -> None:
        name = pattern.variable
        if pattern.where is not None:
            raise SemanticError(f"{clause} cannot hold WHERE in a node.", span=pattern.where.span)
        if name is not None and (known := scope.get(name.name)) is not None:
            if not known.type & Type.NODE:
                raise type_conflict(name.name, name.span, known.type, "a node")
            if alone or pattern.labels is not None or pattern.properties is not None:
                raise VariableAlreadyBound(f"`{name.name}` is bound already.", span=name.span)
            return
        if pattern.labels is not None:
            _plain_labels(pattern.labels)
        self._properties(pattern.properties, readable, clause)
        if name is not None:
            self._checks.declare(scope, name.name, Type.NODE)

    def _relationship(self, pattern: p.RelationshipPattern, scope: Scope, clause: str, readable: Scope) -> None:
        def refuse(message: str, detail: str, span: Span = pattern.span) -> SemanticError:
            return SemanticError(message, span=span, detail=detail)

        if pattern.length is not None or pattern.quantifier is not None:
            raise refuse(f"{clause} makes single relationships.", "CreatingVarLength")
        if pattern.variable is not None and scope.get(pattern.variable.name) is not None:
            raise VariableAlreadyBound(f"`{pattern.variable.name}` is bound already.", span=pattern.variable.span)
        if not isinstance(pattern.types, p.LabelName):
            raise refuse(f"{clause} needs exactly one type for a relationship.", "NoSingleRelationshipType")
        if pattern.arrow is p.Arrow.BOTH and clause == "CREATE":
            raise refuse("CREATE needs the relationship's direction.", "RequiresDirectedRelationship")
        self._properties(pattern.properties, readable, clause)
        if pattern.variable is not None:
            self._checks.declare(scope, pattern.variable.name, Type.RELATIONSHIP)

    def _properties(self, properties: e.MapLiteral | e.Parameter | None, scope: Scope, clause: str) -> None:
        if properties is None:
            return
        if isinstance(properties, e.Parameter) and clause == "MERGE":
            raise SemanticError(
                "A parameter cannot be a property map in MERGE.", span=properties.span, detail="InvalidParameterUse"
            )
        self._checks.expressions.bind(properties, scope)

    # --- SET, REMOVE, DELETE

    def _items(self, items: tuple[a.SetItem, ...], scope: Scope) -> None:
        for item in items:
            match item:
                case a.SetProperty(target, value):
                    self._target(target, scope)
                    self._checks.expressions.bind(value, scope)
                case a.SetProperties(variable, value, _):
                    self._element(variable, scope)
                    _, kind = self._checks.expressions.bind(value, scope)
                    if not kind & (Type.MAP | Type.ELEMENT | Type.NULL):
                        raise SemanticError(
                            "Properties are set from a map, a node or a relationship.",
                            span=value.span,
                            detail="InvalidArgumentType",
                        )
                case a.SetLabels(variable, labels):
                    self._element(variable, scope)
                    _plain_labels(labels)

    def _target(self, target: e.Expression, scope: Scope) -> None:
        assert isinstance(target, (e.Property, e.Index))
        _, kind = self._checks.expressions.bind(target.subject, scope)
        if isinstance(target, e.Index):
            self._checks.expressions.bind(target.index, scope)
        if not kind & Type.ELEMENT and kind & ~Type.NULL:
            raise SemanticError(
                "Only nodes and relationships have properties to set.", span=target.span, detail="InvalidArgumentType"
            )

    def _element(self, variable: e.Variable, scope: Scope) -> None:
        known = scope.need(variable.name, variable.span)
        if not known.type & Type.ELEMENT:
            raise type_conflict(variable.name, variable.span, known.type, "a node or a relationship")

    def _deleted(self, target: e.Expression, scope: Scope) -> None:
        if isinstance(target, e.HasLabels):
            raise SemanticError("DELETE removes whole elements.", span=target.span, detail="InvalidDelete")
        _, kind = self._checks.expressions.bind(target, scope)
        if not kind & (Type.ELEMENT | Type.PATH | Type.LIST | Type.MAP) and kind & ~Type.NULL:
            raise SemanticError(
                "DELETE takes nodes, relationships and paths.", span=target.span, detail="InvalidArgumentType"
            )


def _plain_labels(labels: p.LabelExpression) -> None:
    """Labels that can be given: plain names, one or several."""
    match labels:
        case p.LabelName():
            return
        case p.LabelAnd(operands):
            for operand in operands:
                _plain_labels(operand)
        case p.DynamicLabel():
            raise UnsupportedFeature("Dynamic labels are not supported yet.", span=labels.span)
        case _:
            raise SemanticError("Only plain labels can be given here.", span=labels.span)
