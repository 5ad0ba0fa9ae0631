"""Patterns to pattern graphs, and patterns that stand in expressions."""

from __future__ import annotations

from dataclasses import dataclass, field

from memoradb.core.errors import QueryTooComplex, SemanticError, UnsupportedFeature, VariableAlreadyBound
from memoradb.core.limits import MATCH_RELATIONSHIPS_MAX, STATEMENT_RELATIONSHIPS_MAX
from memoradb.storage.view import Direction

from ..plan import expr as b
from ..plan import nodes
from ..plan.pattern import Length, PatternGraph, PatternNode, PatternRelationship
from ..plan.properties import argument_variables, output_columns
from ..syntax import ast_expr as e
from ..syntax import ast_pattern as p
from ..syntax.ast_expr import SubqueryKind
from .expressions import Bound, ExpressionBinder
from .labels import plain_labels, plain_types
from .scope import BoundVariable, Names, Scope, type_conflict
from .types import Type


def _check_size(patterns: tuple[p.PathPattern, ...], before: int) -> int:
    """How many relationships the patterns have, a lone node for one; ``before`` are those of the statement so far."""
    count = 0
    for pattern in patterns:
        for element in pattern.elements:
            if isinstance(element, p.RelationshipPattern) or len(pattern.elements) == 1:
                count += 1
                if count > MATCH_RELATIONSHIPS_MAX:
                    raise QueryTooComplex(
                        f"One MATCH has at most {MATCH_RELATIONSHIPS_MAX} relationships and lone nodes.",
                        limit="MATCH_RELATIONSHIPS_MAX",
                        value=MATCH_RELATIONSHIPS_MAX,
                        span=element.span,
                        hint="Variable length, -[:T*1..500]->, follows long chains; WITH divides a statement.",
                    )
                if before + count > STATEMENT_RELATIONSHIPS_MAX:
                    raise QueryTooComplex(
                        f"All MATCH clauses of a statement have at most {STATEMENT_RELATIONSHIPS_MAX} relationships.",
                        limit="STATEMENT_RELATIONSHIPS_MAX",
                        value=STATEMENT_RELATIONSHIPS_MAX,
                        span=element.span,
                        hint="Variable length, -[:T*1..500]->, follows long chains; or ask with several statements.",
                    )
    return count


_NO_NEW_NAMES = "A pattern as a condition brings no new names: leave the name out, or write EXISTS { ... }."


@dataclass(slots=True)
class GraphBuilder:
    """A pattern graph in the making; ``declared`` are the variables that this MATCH brings."""

    nodes: dict[str, PatternNode] = field(default_factory=dict)
    relationships: list[PatternRelationship] = field(default_factory=list)
    predicates: list[b.Expr] = field(default_factory=list)
    paths: list[tuple[str, b.PathOf]] = field(default_factory=list)
    arguments: set[str] = field(default_factory=set)
    declared: dict[str, BoundVariable] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    """Names of relationship variables in this MATCH: none may stand twice."""

    def graph(self) -> PatternGraph:
        """The finished graph; relationships of one MATCH are all different, but for those of shortest paths."""
        group = frozenset(r.variable for r in self.relationships if r.shortest is None)
        return PatternGraph(
            tuple(self.nodes.values()),
            tuple(self.relationships),
            tuple(self.predicates),
            frozenset(self.arguments),
            (group,) if len(group) > 1 else (),
        )


class PatternBinder:
    """Binds the patterns of one statement."""

    def __init__(self, expressions: ExpressionBinder, names: Names) -> None:
        self._expressions = expressions
        self._names = names
        self._relationships = 0

    def bind_all(self, patterns: tuple[p.PathPattern, ...], scope: Scope, fixed: bool = False) -> GraphBuilder:
        """All patterns of one MATCH. ``scope`` gains their variables; ``fixed``: new ones are an error."""
        self._relationships += _check_size(patterns, self._relationships)
        builder = GraphBuilder()
        later: list[tuple[e.Expression | e.MapLiteral, str, bool]] = []
        for pattern in patterns:
            self._path(pattern, scope, builder, later, fixed)
        # Inline maps and WHERE may name any variable of the whole MATCH.
        for source, column, is_map in later:
            if is_map:
                assert isinstance(source, e.MapLiteral)
                for key, value in source.entries:
                    bound, _ = self._expressions.bind(value, scope)
                    builder.predicates.append(b.Call("=", (b.Property(b.Variable(column), key), bound), source.span))
            else:
                builder.predicates.extend(b.conjuncts(self._expressions.predicate(source, scope)))
        return builder

    # --- elements

    def _path(
        self,
        pattern: p.PathPattern,
        scope: Scope,
        builder: GraphBuilder,
        later: list[tuple[e.Expression | e.MapLiteral, str, bool]],
        fixed: bool,
    ) -> None:
        shortest = None
        if pattern.selector is not None:
            kinds = {p.SelectorKind.SHORTEST_PATH: "one", p.SelectorKind.ALL_SHORTEST_PATHS: "all"}
            shortest = kinds.get(pattern.selector.kind)
            if shortest is None and pattern.selector.kind is not p.SelectorKind.ALL:
                raise UnsupportedFeature(
                    f"The path selector {pattern.selector.kind.value} is not supported yet.",
                    span=pattern.selector.span,
                    hint="shortestPath((a)-[*]->(b)) and allShortestPaths((a)-[*]->(b)) are.",
                )
        if pattern.mode not in (None, p.PathMode.TRAIL):
            raise UnsupportedFeature(
                f"The path mode {pattern.mode.value if pattern.mode else ''} is not supported yet.",
                span=pattern.span,
                hint="Without a mode, no relationship is walked twice in one MATCH: a TRAIL.",
            )
        if pattern.variable is not None and scope.get(pattern.variable.name) is not None:
            raise VariableAlreadyBound(
                f"`{pattern.variable.name}` is bound already: a path needs a name of its own.",
                span=pattern.variable.span,
            )
        columns: list[str] = []
        previous: str | None = None
        waiting: p.RelationshipPattern | None = None
        for element in pattern.elements:
            match element:
                case p.NodePattern():
                    column = self.node(element, scope, builder, later, fixed)
                    if waiting is not None:
                        assert previous is not None
                        relationship = self._relationship(
                            waiting, previous, column, scope, builder, later, fixed, shortest
                        )
                        columns.append(relationship)
                        waiting = None
                    columns.append(column)
                    previous = column
                case p.RelationshipPattern():
                    waiting = element
                case p.QuantifiedPath():
                    raise UnsupportedFeature(
                        "Quantified path patterns are not supported yet.",
                        span=element.span,
                        hint="Variable length is, for one relationship: (a)-[:T*1..3]->(b).",
                    )
        if shortest is not None and len(columns) != 3:
            raise SemanticError("shortestPath() takes a pattern of one relationship.", span=pattern.span)
        if pattern.variable is not None:
            if scope.get(pattern.variable.name) is not None:
                raise VariableAlreadyBound(
                    f"`{pattern.variable.name}` names the path and a part of it.", span=pattern.variable.span
                )
            column = self._names.user(pattern.variable.name)
            variable = BoundVariable(column, Type.PATH)
            scope.add(pattern.variable.name, variable)
            builder.declared[pattern.variable.name] = variable
            builder.paths.append((column, b.PathOf(tuple(columns))))

    def node(
        self,
        pattern: p.NodePattern,
        scope: Scope,
        builder: GraphBuilder,
        later: list[tuple[e.Expression | e.MapLiteral, str, bool]],
        fixed: bool = False,
    ) -> str:
        """The column of a node pattern."""
        column = self._node_column(pattern.variable, scope, builder, fixed)
        labels, test = plain_labels(pattern.labels)
        known = builder.nodes.get(column)
        together = tuple(dict.fromkeys((known.labels if known else ()) + labels))
        builder.nodes[column] = PatternNode(column, together)
        if test is not None:
            builder.predicates.append(b.HasLabels(b.Variable(column), test, pattern.span))
        self._properties(pattern.properties, column, later)
        if pattern.where is not None:
            later.append((pattern.where, column, False))
        return column

    def _node_column(self, name: e.Variable | None, scope: Scope, builder: GraphBuilder, fixed: bool) -> str:
        if name is None:
            return self._names.fresh("n")
        known = scope.get(name.name)
        if known is not None:
            if not known.type & Type.NODE and known.type != Type.NULL:
                raise type_conflict(name.name, name.span, known.type, "a node")
            if name.name not in builder.declared:
                builder.arguments.add(known.column)
            return known.column
        if fixed:
            scope.need(name.name, name.span, _NO_NEW_NAMES)
        variable = BoundVariable(self._names.user(name.name), Type.NODE)
        scope.add(name.name, variable)
        builder.declared[name.name] = variable
        return variable.column

    def _properties(
        self,
        properties: e.MapLiteral | e.Parameter | None,
        column: str,
        later: list[tuple[e.Expression | e.MapLiteral, str, bool]],
    ) -> None:
        if properties is None:
            return
        if isinstance(properties, e.Parameter):
            raise SemanticError(
                "A parameter cannot be the property map of a pattern in MATCH.",
                span=properties.span,
                hint=f"Name its keys: {{key: ${properties.name}.key}}.",
                detail="InvalidParameterUse",
            )
        later.append((properties, column, True))

    def _relationship(
        self,
        pattern: p.RelationshipPattern,
        left: str,
        right: str,
        scope: Scope,
        builder: GraphBuilder,
        later: list[tuple[e.Expression | e.MapLiteral, str, bool]],
        fixed: bool,
        shortest: str | None,
    ) -> str:
        if pattern.quantifier is not None:
            raise UnsupportedFeature(
                "Quantified relationships are not supported yet.",
                span=pattern.quantifier.span,
                hint="Variable length is: -[:T*1..3]->.",
            )
        length = None
        if pattern.length is not None:
            low = 1 if pattern.length.low is None else pattern.length.low
            length = Length(low, pattern.length.high)
        elif shortest is not None:
            length = Length(1, 1)
        is_list = length is not None
        column = self._relationship_column(pattern.variable, is_list, scope, builder, fixed)
        types, test = plain_types(pattern.types)
        source, target = (right, left) if pattern.arrow is p.Arrow.LEFT else (left, right)
        direction = Direction.BOTH if pattern.arrow is p.Arrow.BOTH else Direction.OUT
        hop_variable, hop_predicate = None, None
        if is_list:
            hop_variable = self._names.fresh("hop")
            hop_predicate = self._hop_predicate(pattern, test, hop_variable, scope)
        else:
            if test is not None:
                builder.predicates.append(b.HasLabels(b.Variable(column), test, pattern.span))
            self._properties(pattern.properties, column, later)
            if pattern.where is not None:
                later.append((pattern.where, column, False))
        builder.relationships.append(
            PatternRelationship(
                column,
                source,
                target,
                types,
                direction,
                length,
                hop_variable,
                hop_predicate,
                shortest,
                pattern.arrow is p.Arrow.LEFT,
            )
        )
        return column

    def _hop_predicate(
        self, pattern: p.RelationshipPattern, test: b.LabelTest | None, hop: str, scope: Scope
    ) -> b.Expr | None:
        terms: list[b.Expr] = []
        if test is not None:
            terms.append(b.HasLabels(b.Variable(hop), test))
        if isinstance(pattern.properties, e.Parameter):
            self._properties(pattern.properties, hop, [])
        elif pattern.properties is not None:
            for key, value in pattern.properties.entries:
                bound, _ = self._expressions.bind(value, scope)
                terms.append(b.Call("=", (b.Property(b.Variable(hop), key), bound)))
        if pattern.where is not None:
            inner = Scope(scope)
            if pattern.variable is not None:
                inner.add(pattern.variable.name, BoundVariable(hop, Type.RELATIONSHIP))
            terms.extend(b.conjuncts(self._expressions.predicate(pattern.where, inner)))
        return b.conjunction(tuple(terms)) if terms else None

    def _relationship_column(
        self, name: e.Variable | None, is_list: bool, scope: Scope, builder: GraphBuilder, fixed: bool
    ) -> str:
        if name is None:
            return self._names.fresh("r")
        if name.name in builder.written:
            raise SemanticError(
                f"`{name.name}` stands for two relationships of one MATCH, which are never the same.",
                span=name.span,
                detail="RelationshipUniquenessViolation",
            )
        builder.written.add(name.name)
        known = scope.get(name.name)
        if known is not None:
            wanted = Type.LIST if is_list else Type.RELATIONSHIP
            if not known.type & wanted:
                raise type_conflict(name.name, name.span, known.type, "relationships" if is_list else "a relationship")
            if name.name in builder.declared:
                raise VariableAlreadyBound(
                    f"`{name.name}` is bound already: a path, or a relationship of this MATCH.", span=name.span
                )
            builder.arguments.add(known.column)
            return known.column
        if fixed:
            scope.need(name.name, name.span, _NO_NEW_NAMES)
        kind = Type.LIST if is_list else Type.RELATIONSHIP
        variable = BoundVariable(self._names.user(name.name), kind, is_list)
        scope.add(name.name, variable)
        builder.declared[name.name] = variable
        return variable.column

    # --- patterns in expressions

    def matched(self, builder: GraphBuilder, outer: Scope, extra: b.Expr | None = None) -> nodes.LogicalNode:
        """A plan that matches ``builder`` from the outer columns it needs, with its paths and a predicate."""
        graph = builder.graph()
        made = {v.column for v in builder.declared.values()} | set(builder.nodes)
        made |= {r.variable for r in builder.relationships}
        reads: set[str] = set(builder.arguments)
        for predicate in builder.predicates:
            reads |= b.free_variables(predicate)
        for relationship in builder.relationships:
            if relationship.hop_predicate is not None:
                reads |= b.free_variables(relationship.hop_predicate) - {relationship.hop_variable or ""}
        if extra is not None:
            reads |= b.free_variables(extra)
        made -= builder.arguments
        needed = tuple(sorted(reads - made))
        graph = PatternGraph(graph.nodes, graph.relationships, graph.predicates, graph.arguments, graph.uniqueness)
        plan: nodes.LogicalNode = nodes.Match(nodes.Argument(needed), graph)
        if builder.paths:
            plan = nodes.Projection(plan, tuple(builder.paths), True)
        if extra is not None:
            plan = nodes.Selection(plan, extra)
        return plan

    def exists(self, pattern: p.PathPattern, scope: Scope) -> b.Expr:
        """A pattern as a predicate; it brings no names."""
        builder = self.bind_all((pattern,), Scope(scope), fixed=True)
        plan = self.matched(builder, scope)
        return b.Subquery(SubqueryKind.EXISTS, plan, argument_variables(plan))

    def comprehension(self, expr: e.PatternComprehension, scope: Scope) -> Bound:
        """``[(a)-->(b) WHERE p | x]``."""
        inner = Scope(scope)
        builder = self.bind_all((expr.pattern,), inner)
        test = None if expr.predicate is None else self._expressions.predicate(expr.predicate, inner)
        projection, _ = self._expressions.bind(expr.projection, inner)
        result = self._names.fresh("result")
        matched = self.matched(builder, scope, test)
        missing = b.free_variables(projection) - output_columns(matched)
        if missing:
            matched = with_arguments(matched, missing)
        plan = nodes.Projection(matched, ((result, projection),))
        return b.Subquery(SubqueryKind.COLLECT, plan, argument_variables(plan), result), Type.LIST

    def shortest_expression(self, pattern: p.PathPattern, scope: Scope) -> Bound:
        """``shortestPath(...)`` as a value: the path, or null."""
        assert pattern.selector is not None
        builder = self.bind_all((pattern,), Scope(scope), fixed=True)
        relationship = builder.relationships[0]
        result = self._names.fresh("path")
        ends = (relationship.source, relationship.target)
        path = b.PathOf((ends[0], relationship.variable, ends[1]))
        plan = nodes.Projection(self.matched(builder, scope), ((result, path),))
        found = b.Subquery(SubqueryKind.COLLECT, plan, argument_variables(plan), result)
        if pattern.selector.kind is p.SelectorKind.ALL_SHORTEST_PATHS:
            return found, Type.LIST
        return b.Call("head", (found,)), Type.PATH | Type.NULL


def with_arguments(plan: nodes.LogicalNode, columns: frozenset[str]) -> nodes.LogicalNode:
    """``plan`` whose Argument also passes ``columns``."""
    from ..plan.transform import map_children

    if isinstance(plan, nodes.Argument):
        return nodes.Argument(tuple(dict.fromkeys((*plan.variables, *sorted(columns)))))
    if isinstance(plan, nodes.Apply):
        from dataclasses import replace

        return replace(plan, outer=with_arguments(plan.outer, columns))
    return map_children(plan, lambda child: with_arguments(child, columns))
