"""CREATE, MERGE, SET, REMOVE, DELETE, FOREACH to the logical algebra."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memoradb.core.errors import QueryTooComplex, SemanticError, UnsupportedFeature, VariableAlreadyBound
from memoradb.core.limits import PATTERN_ELEMENTS_MAX
from memoradb.storage.view import Direction

from ..bind.scope import BoundVariable, Scope, type_conflict
from ..bind.types import Type
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax import ast_pattern as p
from . import expr as b
from . import nodes
from .nodes import LogicalNode
from .pattern import PatternGraph, PatternNode, PatternRelationship

if TYPE_CHECKING:
    from .build import StatementBuilder

UPDATES = (a.Create, a.Merge, a.Set, a.Remove, a.Delete, a.Foreach)
"""The clauses that write."""


class WriteBuilder:
    """Builds the updating clauses for a ``StatementBuilder``."""

    def __init__(self, builder: StatementBuilder) -> None:
        self._builder = builder

    def clause(self, clause: a.Clause, plan: LogicalNode, scope: Scope) -> LogicalNode:
        """``plan`` with one updating clause on top."""
        match clause:
            case a.Create(patterns):
                return self._create(patterns, plan, scope)
            case a.Merge():
                return self._merge(clause, plan, scope)
            case a.Set(items):
                return nodes.Update(plan, self.items(items, scope))
            case a.Remove(items):
                return nodes.Update(plan, self._removals(items, scope))
            case a.Delete(expressions, detach):
                return self._delete(expressions, detach, plan, scope)
            case a.Foreach():
                return self._foreach(clause, plan, scope)
            case _:
                raise UnsupportedFeature(f"{type(clause).__name__} is not supported yet.", span=clause.span)

    # --- CREATE and MERGE

    def _create(self, patterns: tuple[p.PathPattern, ...], plan: LogicalNode, scope: Scope) -> LogicalNode:
        made = _NewElements(self._builder, scope, "CREATE")
        for pattern in patterns:
            made.path(pattern)
        # In one go, but for a property that reads a relationship or path of this very clause: nodes are made first.
        pending = _Pending()
        for step in made.steps:
            if pending.is_read_by(step):
                plan, pending = pending.on(plan), _Pending()
            pending.add(step)
        return pending.on(plan)

    def _merge(self, clause: a.Merge, plan: LogicalNode, scope: Scope) -> LogicalNode:
        before = scope.copy()
        made = _NewElements(self._builder, scope, "MERGE")
        made.path(clause.pattern)
        # What MERGE creates, it first looks for: the same elements as a pattern graph.
        graph_nodes: dict[str, PatternNode] = {}
        predicates: list[b.Expr] = []
        non_null: list[tuple[b.Expr, str]] = []
        for node in made.nodes:
            graph_nodes[node.variable] = PatternNode(node.variable, node.labels)
        for column in made.bound:
            graph_nodes.setdefault(column, PatternNode(column))
        for element in (*made.nodes, *made.relationships):
            if isinstance(element.properties, b.MapOf):
                for key, value in element.properties.entries:
                    predicates.append(b.Call("=", (b.Property(b.Variable(element.variable), key), value)))
                    non_null.append((value, element.variable))
        relationships = tuple(
            PatternRelationship(r.variable, r.source, r.target, (r.type,), made.directions[r.variable])
            for r in made.relationships
        )
        group = frozenset(r.variable for r in relationships)
        graph = PatternGraph(
            tuple(graph_nodes.values()),
            relationships,
            tuple(predicates),
            frozenset(made.bound),
            (group,) if len(group) > 1 else (),
        )
        reads: set[str] = set(made.bound)
        for predicate in predicates:
            reads |= b.free_variables(predicate)
        outer = {v.column for _, v in before.items()}
        arguments = tuple(sorted(reads & outer))
        match = nodes.Match(nodes.Argument(arguments), graph)
        variables = tuple(n.variable for n in made.nodes) + tuple(r.variable for r in made.relationships)
        merged: LogicalNode = nodes.Merge(
            plan,
            match,
            tuple(made.nodes),
            tuple(made.relationships),
            self.items(clause.on_create, scope),
            self.items(clause.on_match, scope),
            arguments,
            variables,
            tuple(non_null),
            made.undirected,
        )
        return nodes.Projection(merged, tuple(made.paths), True) if made.paths else merged

    # --- SET, REMOVE, DELETE, FOREACH

    def items(self, items: tuple[a.SetItem, ...], scope: Scope) -> tuple[nodes.UpdateItem, ...]:
        """SET items, bound."""
        expressions = self._builder.expressions
        found: list[nodes.UpdateItem] = []
        for item in items:
            match item:
                case a.SetProperty(target, value):
                    subject, key = self._target(target, scope)
                    found.append(nodes.SetPropertyItem(subject, key, expressions.bind(value, scope)[0]))
                case a.SetProperties(variable, value, merge):
                    subject = self._element(variable, scope)
                    bound, kind = expressions.bind(value, scope)
                    if not kind & (Type.MAP | Type.ELEMENT | Type.NULL):
                        raise SemanticError(
                            "Properties are set from a map, a node or a relationship.",
                            span=value.span,
                            detail="InvalidArgumentType",
                        )
                    found.append(nodes.SetPropertiesItem(subject, bound, merge))
                case a.SetLabels(variable, labels):
                    found.append(nodes.SetLabelsItem(self._element(variable, scope), _label_names(labels)))
        return tuple(found)

    def _removals(self, items: tuple[a.RemoveItem, ...], scope: Scope) -> tuple[nodes.UpdateItem, ...]:
        found: list[nodes.UpdateItem] = []
        for item in items:
            match item:
                case a.RemoveProperty(target):
                    subject, key = self._target(target, scope)
                    found.append(nodes.SetPropertyItem(subject, key, b.NULL))
                case a.RemoveLabels(variable, labels):
                    found.append(nodes.SetLabelsItem(self._element(variable, scope), _label_names(labels), True))
        return tuple(found)

    def _target(self, target: e.Expression, scope: Scope) -> tuple[b.Expr, b.Expr]:
        expressions = self._builder.expressions
        if isinstance(target, e.Property):
            subject, kind = expressions.bind(target.subject, scope)
            key: b.Expr = b.Literal(target.key)
        else:
            assert isinstance(target, e.Index)
            subject, kind = expressions.bind(target.subject, scope)
            key, _ = expressions.bind(target.index, scope)
        if not kind & Type.ELEMENT and kind & ~Type.NULL:
            raise SemanticError(
                "Only nodes and relationships have properties to set.", span=target.span, detail="InvalidArgumentType"
            )
        return subject, key

    def _element(self, variable: e.Variable, scope: Scope) -> b.Expr:
        known = scope.need(variable.name, variable.span)
        if not known.type & Type.ELEMENT:
            raise type_conflict(variable.name, variable.span, known.type, "a node or a relationship")
        return b.Variable(known.column)

    def _delete(self, targets: tuple[e.Expression, ...], detach: bool, plan: LogicalNode, scope: Scope) -> LogicalNode:
        bound = []
        for target in targets:
            if isinstance(target, e.HasLabels):
                raise SemanticError(
                    "DELETE removes whole elements.",
                    span=target.span,
                    hint="To take a label away, write REMOVE.",
                    detail="InvalidDelete",
                )
            expression, kind = self._builder.expressions.bind(target, scope)
            if not kind & (Type.ELEMENT | Type.PATH | Type.LIST | Type.MAP) and kind & ~Type.NULL:
                raise SemanticError(
                    "DELETE takes nodes, relationships and paths.", span=target.span, detail="InvalidArgumentType"
                )
            bound.append(expression)
        return nodes.Delete(plan, tuple(bound), detach)

    def _foreach(self, clause: a.Foreach, plan: LogicalNode, scope: Scope) -> LogicalNode:
        source, _ = self._builder.expressions.bind(clause.source, scope)
        inner = scope.copy()
        if scope.get(clause.variable.name) is not None:
            raise VariableAlreadyBound(f"`{clause.variable.name}` is bound already.", span=clause.variable.span)
        column = self._builder.names.user(clause.variable.name)
        inner.add(clause.variable.name, BoundVariable(column))
        body: LogicalNode = nodes.Argument(tuple(dict.fromkeys((*scope.columns(), column))))
        for update in clause.updates:
            body = self.clause(update, body, inner)
        return nodes.Foreach(plan, column, source, body)


def _create(
    plan: LogicalNode, new_nodes: tuple[nodes.NewNode, ...], new_relationships: tuple[nodes.NewRelationship, ...]
) -> LogicalNode:
    """A Create, or the one before it with more elements: scripts of hundreds of CREATE clauses stay one node deep.

    Not where a node's properties read a relationship of the earlier clause, since nodes are made first; nor where a
    subquery in them looks at the graph, in which it must find all that the earlier clause made for every row.
    """
    properties = [x.properties for x in (*new_nodes, *new_relationships) if x.properties is not None]
    if isinstance(plan, nodes.Create) and not any(map(b.subqueries_in, properties)):
        earlier = {r.variable for r in plan.relationships}
        reads = frozenset[str]().union(*(b.free_variables(n.properties) for n in new_nodes if n.properties is not None))
        if not reads & earlier:
            return nodes.Create(plan.input, plan.nodes + new_nodes, plan.relationships + new_relationships)
    return nodes.Create(plan, new_nodes, new_relationships)


@dataclass(slots=True)
class _Pending:
    """Elements and paths of a CREATE that are to be made together: nodes, then relationships, then paths."""

    nodes: list[nodes.NewNode] = field(default_factory=list)
    relationships: list[nodes.NewRelationship] = field(default_factory=list)
    paths: list[_NewPath] = field(default_factory=list)

    def add(self, step: _Step) -> None:
        """One more of them."""
        match step:
            case nodes.NewNode():
                self.nodes.append(step)
            case nodes.NewRelationship():
                self.relationships.append(step)
            case _:
                self.paths.append(step)

    def is_read_by(self, step: _Step) -> bool:
        """Whether ``step`` reads what would only be made after it."""
        if not isinstance(step, (nodes.NewNode, nodes.NewRelationship)) or step.properties is None:
            return False
        late = {name for name, _ in self.paths}
        if isinstance(step, nodes.NewNode):
            late |= {r.variable for r in self.relationships}
        return bool(late & b.free_variables(step.properties))

    def on(self, plan: LogicalNode) -> LogicalNode:
        """``plan`` with all of them made."""
        plan = _create(plan, tuple(self.nodes), tuple(self.relationships))
        return nodes.Projection(plan, tuple(self.paths), True) if self.paths else plan


_NewPath = tuple[str, b.Expr]
_Step = nodes.NewNode | nodes.NewRelationship | _NewPath


class _NewElements:
    """The elements of a CREATE or MERGE pattern. ``steps``: all of them and the paths, as written."""

    def __init__(self, builder: StatementBuilder, scope: Scope, clause: str) -> None:
        self._builder = builder
        self._scope = scope
        self._clause = clause
        # MERGE looks for the whole pattern at once: no part of it is there for another to read.
        self._readable = scope.copy() if clause == "MERGE" else scope
        self.steps: list[_Step] = []
        self.nodes: list[nodes.NewNode] = []
        self.relationships: list[nodes.NewRelationship] = []
        self.paths: list[tuple[str, b.Expr]] = []
        self.bound: list[str] = []
        self.directions: dict[str, Direction] = {}
        self.undirected = False

    def path(self, pattern: p.PathPattern) -> None:
        if len(pattern.elements) > PATTERN_ELEMENTS_MAX:
            raise QueryTooComplex(
                f"One pattern of {self._clause} has at most {PATTERN_ELEMENTS_MAX:,} nodes and relationships.",
                limit="PATTERN_ELEMENTS_MAX",
                value=PATTERN_ELEMENTS_MAX,
                span=pattern.elements[PATTERN_ELEMENTS_MAX].span,
                hint="Pass rows as a parameter: UNWIND $rows AS row CREATE (:A {k: row.k}).",
            )
        if pattern.selector is not None or pattern.mode is not None:
            raise SemanticError(f"{self._clause} takes a plain path, without a selector or mode.", span=pattern.span)
        if pattern.variable is not None and self._scope.get(pattern.variable.name) is not None:
            raise VariableAlreadyBound(f"`{pattern.variable.name}` is bound already.", span=pattern.variable.span)
        columns: list[str] = []
        waiting: p.RelationshipPattern | None = None
        alone = len(pattern.elements) == 1
        for element in pattern.elements:
            match element:
                case p.NodePattern():
                    column = self._node(element, alone)
                    if waiting is not None:
                        columns.append(self._relationship(waiting, columns[-1], column))
                        waiting = None
                    columns.append(column)
                case p.RelationshipPattern():
                    waiting = element
                case p.QuantifiedPath():
                    raise SemanticError(
                        f"{self._clause} cannot hold a quantified path.", span=element.span, detail="CreatingVarLength"
                    )
        if pattern.variable is not None:
            column = self._builder.names.user(pattern.variable.name)
            self._scope.add(pattern.variable.name, BoundVariable(column, Type.PATH))
            self.paths.append((column, b.PathOf(tuple(columns))))
            self.steps.append(self.paths[-1])

    def _properties(self, properties: e.MapLiteral | e.Parameter | None) -> b.Expr | None:
        if properties is None:
            return None
        if isinstance(properties, e.Parameter) and self._clause == "MERGE":
            raise SemanticError(
                "A parameter cannot be a property map in MERGE.",
                span=properties.span,
                hint=f"Name its keys: {{key: ${properties.name}.key}}.",
                detail="InvalidParameterUse",
            )
        return self._builder.expressions.bind(properties, self._readable)[0]

    def _node(self, pattern: p.NodePattern, alone: bool) -> str:
        name = pattern.variable
        if pattern.where is not None:
            raise SemanticError(f"{self._clause} cannot hold WHERE in a node.", span=pattern.where.span)
        if name is not None and (known := self._scope.get(name.name)) is not None:
            if not known.type & Type.NODE:
                raise type_conflict(name.name, name.span, known.type, "a node")
            if alone or pattern.labels is not None or pattern.properties is not None:
                raise VariableAlreadyBound(
                    f"`{name.name}` is bound already: {self._clause} cannot make it again.",
                    span=name.span,
                    hint=f"To add to it, write SET {name.name}:Label or SET {name.name}.key = value.",
                )
            if known.column not in [n.variable for n in self.nodes] and known.column not in self.bound:
                self.bound.append(known.column)
            return known.column
        labels = () if pattern.labels is None else _label_names(pattern.labels)
        properties = self._properties(pattern.properties)
        column = self._builder.names.fresh("n") if name is None else self._builder.names.user(name.name)
        if name is not None:
            self._scope.add(name.name, BoundVariable(column, Type.NODE))
        self.nodes.append(nodes.NewNode(column, labels, properties))
        self.steps.append(self.nodes[-1])
        return column

    def _relationship(self, pattern: p.RelationshipPattern, left: str, right: str) -> str:
        name = pattern.variable
        if pattern.length is not None or pattern.quantifier is not None:
            raise SemanticError(
                f"{self._clause} makes single relationships, not paths of variable length.",
                span=pattern.span,
                detail="CreatingVarLength",
            )
        if name is not None and self._scope.get(name.name) is not None:
            raise VariableAlreadyBound(f"`{name.name}` is bound already.", span=name.span)
        types = pattern.types
        if not isinstance(types, p.LabelName):
            raise SemanticError(
                f"{self._clause} needs exactly one type for a relationship.",
                span=pattern.span,
                hint="Write -[:TYPE]->.",
                detail="NoSingleRelationshipType",
            )
        if pattern.arrow is p.Arrow.BOTH:
            if self._clause == "CREATE":
                raise SemanticError(
                    "CREATE needs the relationship's direction.",
                    span=pattern.span,
                    hint="Write -[...]-> or <-[...]-.",
                    detail="RequiresDirectedRelationship",
                )
            self.undirected = True
        source, target = (right, left) if pattern.arrow is p.Arrow.LEFT else (left, right)
        properties = self._properties(pattern.properties)
        column = self._builder.names.fresh("r") if name is None else self._builder.names.user(name.name)
        if name is not None:
            self._scope.add(name.name, BoundVariable(column, Type.RELATIONSHIP))
        self.directions[column] = Direction.BOTH if pattern.arrow is p.Arrow.BOTH else Direction.OUT
        self.relationships.append(nodes.NewRelationship(column, source, target, types.name, properties))
        self.steps.append(self.relationships[-1])
        return column


def _label_names(labels: p.LabelExpression) -> tuple[str, ...]:
    """Plain labels; anything else cannot be set."""
    match labels:
        case p.LabelName(name):
            return (name,)
        case p.LabelAnd(operands):
            return tuple(dict.fromkeys(n for o in operands for n in _label_names(o)))
        case p.DynamicLabel():
            raise UnsupportedFeature("Dynamic labels are not supported yet.", span=labels.span)
        case _:
            raise SemanticError("Only plain labels can be given here.", span=labels.span)
