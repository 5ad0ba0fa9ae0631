"""Logical plan to physical operators.

Top-down it carries the variables that the parent needs, so that what nothing reads is never made; bottom-up it adds
estimates. Choices that depend on cost are made for pattern graphs (``pattern_planner``); all else maps one to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from ..cost.cardinality import group_rows, list_rows
from ..cost.scope import EMPTY, scope_of
from ..exec import aggregate, apply, distinct, eager, limit, procedure, project, schema, sort, union, unwind, write
from ..exec.filter import Filter
from ..exec.merge import Merge
from ..exec.operator import Estimate, Operator
from ..exec.results import ProduceResults
from ..exec.scan import ArgumentScan
from ..exec.search import TextSearch, VectorSearch
from ..exec.weights import ExpandWeights
from ..plan import nodes
from ..plan.expr import Expr, Literal, Subquery, Variable, free_variables, map_children
from ..plan.nodes import ApplyKind, LogicalNode
from ..plan.properties import argument_variables, effects, is_volatile, output_columns, plan_is_volatile, writes
from ..syntax.ast_expr import SubqueryKind
from .distinct_rows import matches_as_sets
from .eager import merge_conflict, reads_what_it_writes, update_conflict
from .factorising import bound_by_top, factorised
from .physical_match import plan_match
from .physical_subquery import once, semijoin
from .planning import PlanningCatalog

GROUPS_GUESS = 0.1
"""Share of rows that are distinct, where nothing is known."""


FEW_ROWS = 10_000.0
"""A LIMIT of no more is better served by plans that give their first rows early."""


class PhysicalPlanner:
    """Plans one statement against one view's statistics, indexes and facts."""

    def __init__(self, catalog: PlanningCatalog, sets: frozenset[int] = frozenset()) -> None:
        self._catalog = catalog
        self._sets = sets
        """Identities of the matches whose rows nobody counts."""
        self._existential = False
        self._subqueries: dict[str, Subquery] = {}
        self._few = False
        """Whether a LIMIT above stops after a few rows, and nothing between must see all of them."""
        self._outer = EMPTY
        """The columns of the argument that an inner plan starts from."""

    def plan(self, node: LogicalNode, required: frozenset[str]) -> Operator:
        """Operators whose output has at least the columns of ``required``."""
        few = self._few
        if isinstance(node, nodes.Limit):
            self._few = _limited(node.count, FEW_ROWS + 1.0) <= FEW_ROWS or not isinstance(node.count, Literal)
        elif isinstance(node, (nodes.Aggregation, nodes.Distinct, nodes.Sort, nodes.Top, nodes.Eager)):
            self._few = False
        operator = self._plan(node, required)
        self._few = few
        if operator.estimate is None:
            below = operator.children
            rows = below[0].estimate.rows if below and below[0].estimate else 1.0
            cost = sum(c.estimate.cost for c in below if c.estimate)
            operator.estimate = Estimate(rows, cost + rows * 10.0)
        return operator

    def _plan(self, node: LogicalNode, required: frozenset[str]) -> Operator:
        match node:
            case nodes.Argument(variables):
                return ArgumentScan(variables, estimate=Estimate(1.0))
            case nodes.Match(input, graph):
                below = required | graph.arguments | _read(graph.predicates)
                below |= _read(r.hop_predicate for r in graph.relationships if r.hop_predicate is not None)
                available = output_columns(input)
                source = self.plan(input, below & available)
                fold = not self._existential
                self._catalog.scope = scope_of(input, self._outer)
                outside, self._outer = self._outer, scope_of(node, self._outer)
                try:
                    as_set = id(node) in self._sets
                    return plan_match(
                        graph, source, self._catalog, required, available, self.expression, fold, as_set, not self._few
                    )
                finally:
                    self._outer = outside
            case nodes.Selection(input, predicate):
                source = self._rows_for((predicate,), self.plan(input, required | free_variables(predicate)))
                rows = source.estimate.rows if source.estimate else 1.0
                cost = source.estimate.cost if source.estimate else 0.0
                scope = scope_of(input, self._outer)
                about, resolved = self._catalog.selectivity_of(scope), scope.resolved(predicate)
                estimate = Estimate(rows * about.of(resolved), cost + rows * 20.0, parts=(about.part(resolved),))
                return Filter(source, self.expression(predicate), live=required, estimate=estimate)
            case nodes.Projection(input, items, keep):
                return self._projection(input, items, keep, required)
            case nodes.Aggregation(input, keys, aggregates):
                aggregates = tuple(x for x in aggregates if x.variable in required)
                below = _read(e for _, e in keys) | _read(a for x in aggregates for a in x.arguments)
                source = self._rows_for((e for x in aggregates for e in x.arguments), self.plan(input, below))
                source = self._rows_for((e for _, e in keys), source)
                groups = self._groups([e for _, e in keys], input, _rows(source)) if keys else 1.0
                made = aggregate.Aggregation(
                    source,
                    tuple((name, self.expression(e)) for name, e in keys),
                    tuple(self._aggregate(a) for a in aggregates),
                    estimate=Estimate(groups, _cost(source) + _rows(source) * 50.0),
                )
                return factorised(node, aggregates, made, self._catalog)
            case nodes.Distinct(input, columns):
                source = self.plan(input, frozenset(columns))
                groups = self._groups([Variable(name) for name in columns], input, _rows(source))
                estimate = Estimate(groups, _cost(source) + _rows(source) * 50.0)
                return distinct.Distinct(source, columns, estimate=estimate)
            case nodes.Sort(input, keys):
                source = self._rows_for((k.expression for k in keys), self.plan(input, required | _keys_read(keys)))
                return sort.Sort(source, self._sort_keys(keys))
            case nodes.Top(input, keys, count, skip):
                source = self._rows_for((k.expression for k in keys), self.plan(input, required | _keys_read(keys)))
                skipped = None if skip is None else self.expression(skip)
                updates = writes(input)
                bound_by_top(source, keys, self.expression(count), skipped, self._catalog)
                top = sort.Top(source, self._sort_keys(keys), self.expression(count), skipped, updates)
                top.estimate = Estimate(_limited(count, _rows(source)), _cost(source) + _rows(source) * 60.0)
                return top
            case nodes.Skip(input, count):
                return limit.Skip(self.plan(input, required), self.expression(count))
            case nodes.Limit(input, count):
                source = self.plan(input, required)
                return limit.Limit(
                    source,
                    self.expression(count),
                    writes(input),
                    estimate=Estimate(_limited(count, _rows(source)), _cost(source)),
                )
            case nodes.Unwind(input, source, variable):
                below = (required - {variable}) | free_variables(source)
                child = self._rows_for((source,), self.plan(input, below))
                rows = _rows(child) * list_rows(source, self._catalog.parameters)
                return unwind.Unwind(
                    child, self.expression(source), variable, estimate=Estimate(rows, _cost(child) + rows * 10.0)
                )
            case nodes.Apply():
                return self._apply(node, required)
            case nodes.Foreach(input, variable, source, inner):
                arguments = argument_variables(inner)
                below = required | free_variables(source) | (frozenset(arguments) - {variable})
                child = self.plan(input, below)
                body = self.plan(inner, frozenset())
                return apply.Foreach(child, variable, self.expression(source), body, arguments, True)
            case nodes.Union(inputs, columns, all):
                wanted = frozenset(columns)
                planned = tuple(self.plan(i, wanted) for i in inputs)
                rows = sum(map(_rows, planned))
                return union.Union(planned, columns, all, estimate=Estimate(rows, sum(map(_cost, planned))))
            case nodes.ProcedureCall(input, name, arguments, yields):
                made = frozenset(variable for _, variable in yields)
                child = self.plan(input, (required - made) | _read(arguments))
                return procedure.ProcedureCall(child, name, self._expressions(arguments), yields)
            case nodes.VectorSearch(input, variable, index, query, count, score):
                made = {variable} | ({score} if score else set())
                child = self.plan(input, (required - made) | free_variables(query) | free_variables(count))
                return VectorSearch(child, variable, index, self.expression(query), self.expression(count), score)
            case nodes.TextSearch(input, variable, index, query, count, score):
                made = {variable} | ({score} if score else set())
                reads = free_variables(query) | (frozenset() if count is None else free_variables(count))
                child = self.plan(input, (required - made) | reads)
                bound = None if count is None else self.expression(count)
                return TextSearch(child, variable, index, self.expression(query), bound, score)
            case nodes.Create() | nodes.Update() | nodes.Delete() | nodes.Merge():
                return self._write(node, required)
            case nodes.Eager(input):
                return eager.Eager(self.plan(input, required))
            case nodes.ProduceResults(input, columns):
                return ProduceResults(self.plan(input, frozenset(v for _, v in columns)), columns)
            case nodes.CreateIndex(definition, if_not_exists):
                return schema.CreateIndex(definition, if_not_exists, estimate=Estimate(0.0))
            case nodes.DropIndex(name, if_exists, constraint):
                return schema.DropIndex(name, if_exists, constraint, estimate=Estimate(0.0))
            case nodes.ShowIndexes(columns, constraints):
                return schema.ShowIndexes(columns, constraints, estimate=Estimate(10.0))
            case _:
                assert_never(node)

    def _groups(self, keys: Sequence[Expr], input: LogicalNode, rows: float) -> float:
        """Distinct combinations of ``keys`` among the rows of ``input``."""
        scope = scope_of(input, self._outer)
        about = self._catalog.selectivity_of(scope)
        return max(1.0, group_rows(rows, (about.distinct(scope.resolved(key)) for key in keys), GROUPS_GUESS))

    # --- expressions

    def expression(self, expr: Expr) -> Expr:
        """``expr`` with the plans of its subqueries made physical."""
        if isinstance(expr, Subquery):
            if isinstance(expr.plan, Operator):
                return expr
            volatile = plan_is_volatile(expr.plan)
            key = repr(expr)
            if key in self._subqueries:
                return self._subqueries[key]
            wanted = frozenset() if expr.result is None else frozenset((expr.result,))
            plan = self._inner(expr.plan, wanted, expr.kind is SubqueryKind.EXISTS)
            if expr.kind is SubqueryKind.EXISTS:
                plan = semijoin(expr.plan, plan, self._catalog, self.expression)
            if not volatile:
                plan = once(plan, expr.arguments, self._catalog)
            planned = Subquery(expr.kind, plan, expr.arguments, expr.result)
            if not volatile:
                self._subqueries[key] = planned  # equal ones share their plan, and with it their values
            return planned
        return map_children(expr, self.expression)

    def _inner(self, node: LogicalNode, required: frozenset[str], existential: bool) -> Operator:
        """An inner plan; of an ``existential`` one no more than the first row is asked."""
        outside, self._existential = self._existential, existential
        few, self._few = self._few, False
        try:
            return self.plan(node, required)
        finally:
            self._existential, self._few = outside, few

    def _expressions(self, items: Iterable[Expr]) -> tuple[Expr, ...]:
        return tuple(self.expression(e) for e in items)

    def _aggregate(self, item: nodes.Aggregate) -> nodes.Aggregate:
        arguments = self._expressions(item.arguments)
        return nodes.Aggregate(item.variable, item.function, arguments, item.distinct, item.span)

    def _sort_keys(self, keys: tuple[nodes.SortKey, ...]) -> tuple[nodes.SortKey, ...]:
        return tuple(nodes.SortKey(self.expression(k.expression), k.descending) for k in keys)

    def _rows_for(self, expressions: Iterable[Expr], source: Operator) -> Operator:
        """``source``, with weights made into rows where an expression must be evaluated once for each."""
        if not any(map(is_volatile, expressions)) or isinstance(source, ExpandWeights):
            return source
        return ExpandWeights(source, estimate=source.estimate)

    # --- operators with more to decide

    def _projection(
        self, input: LogicalNode, items: tuple[tuple[str, Expr], ...], keep: bool, required: frozenset[str]
    ) -> Operator:
        # What nothing reads is never computed, whatever it would be: `WITH 1 / 0 AS x RETURN 1` succeeds.
        wanted = tuple((n, e) for n, e in items if n in required)
        below = _read(e for _, e in wanted)
        if keep:
            below |= required - {n for n, _ in wanted}
            if not wanted:
                return self.plan(input, below)
        source = self._rows_for((e for _, e in wanted), self.plan(input, below))
        return project.Project(source, tuple((n, self.expression(e)) for n, e in wanted), keep)

    def _apply(self, node: nodes.Apply, required: frozenset[str]) -> Operator:
        arguments = argument_variables(node.inner)
        outer = self.plan(node.outer, (required - frozenset(node.variables)) | frozenset(arguments))
        shown = tuple(v for v in node.variables if v in required)
        if plan_is_volatile(node.inner):
            outer = ExpandWeights(outer, estimate=outer.estimate)
        outside, self._outer = self._outer, scope_of(node.outer, self._outer)
        inner = self._inner(node.inner, frozenset(shown), node.kind in (ApplyKind.SEMI, ApplyKind.ANTI))
        self._outer = outside
        inner_effects = effects(node.inner) if writes(node.inner) else None
        repeated = not isinstance(node.outer, nodes.Argument) and node.kind in (ApplyKind.CROSS, ApplyKind.OPTIONAL)
        if repeated and inner_effects is None and not plan_is_volatile(node.inner):
            inner = once(inner, arguments, self._catalog)
        per_row = inner_effects is not None and inner_effects.conflicts_with(inner_effects)
        rows = _rows(outer) * (max(_rows(inner), 1.0) if node.kind is ApplyKind.OPTIONAL else _rows(inner))
        if node.kind in (ApplyKind.SEMI, ApplyKind.ANTI, ApplyKind.UNIT):
            rows = _rows(outer)
        cost = _cost(outer) + _rows(outer) * max(_cost(inner), 100.0)
        return apply.Apply(
            outer,
            inner,
            node.kind,
            shown,
            arguments,
            inner_effects is not None,
            per_row,
            estimate=Estimate(rows, cost),
        )

    def _write(
        self, node: nodes.Create | nodes.Update | nodes.Delete | nodes.Merge, required: frozenset[str]
    ) -> Operator:
        below = (required | _own_reads(node)) & output_columns(node.input)
        child = self.plan(node.input, below)
        match node:
            case nodes.Create(_, new_nodes, new_relationships):
                elements = self._new_nodes(new_nodes), self._new_relationships(new_relationships)
                return write.Create(child, *elements, reads_what_it_writes(node))
            case nodes.Update(_, items):
                conflict = update_conflict(items)
                return write.Update(child, self._items(items), conflict.always, tuple(sorted(conflict.subjects)))
            case nodes.Delete(_, targets, detach):
                return write.Delete(child, self._expressions(targets), detach)
            case nodes.Merge():
                conflict = merge_conflict(node)
                shared = update_conflict(node.on_match)
                return Merge(
                    child,
                    self.plan(node.match, frozenset(node.variables)),
                    self._new_nodes(node.nodes),
                    self._new_relationships(node.relationships),
                    self._items(node.on_create),
                    self._items(node.on_match),
                    node.arguments,
                    node.variables,
                    tuple((self.expression(e), v) for e, v in node.non_null),
                    conflict.always,
                    tuple(sorted(conflict.subjects)),
                    bool(shared),
                )
            case _:
                assert_never(node)

    def _new_nodes(self, items: tuple[nodes.NewNode, ...]) -> tuple[nodes.NewNode, ...]:
        return tuple(
            nodes.NewNode(n.variable, n.labels, None if n.properties is None else self.expression(n.properties))
            for n in items
        )

    def _new_relationships(self, items: tuple[nodes.NewRelationship, ...]) -> tuple[nodes.NewRelationship, ...]:
        return tuple(
            nodes.NewRelationship(
                r.variable,
                r.source,
                r.target,
                r.type,
                None if r.properties is None else self.expression(r.properties),
            )
            for r in items
        )

    def _items(self, items: tuple[nodes.UpdateItem, ...]) -> tuple[nodes.UpdateItem, ...]:
        planned: list[nodes.UpdateItem] = []
        for item in items:
            match item:
                case nodes.SetPropertyItem(target, key, value):
                    planned.append(nodes.SetPropertyItem(*self._expressions((target, key, value))))
                case nodes.SetPropertiesItem(target, value, merge):
                    planned.append(nodes.SetPropertiesItem(self.expression(target), self.expression(value), merge))
                case nodes.SetLabelsItem(target, labels, remove):
                    planned.append(nodes.SetLabelsItem(self.expression(target), labels, remove))
        return tuple(planned)


def plan_physical(root: LogicalNode, catalog: PlanningCatalog) -> Operator:
    """The physical plan of a whole statement; results of an update pass a barrier so that all of it is done first."""
    planner = PhysicalPlanner(catalog, matches_as_sets(root))
    if isinstance(root, nodes.ProduceResults):
        return planner.plan(root, frozenset(v for _, v in root.columns))
    return planner.plan(root, frozenset())


def _rows(operator: Operator) -> float:
    return 1.0 if operator.estimate is None else operator.estimate.rows


def _cost(operator: Operator) -> float:
    return 0.0 if operator.estimate is None else operator.estimate.cost


def _read(items: Iterable[Expr]) -> frozenset[str]:
    return frozenset().union(*map(free_variables, items), frozenset())


def _keys_read(keys: tuple[nodes.SortKey, ...]) -> frozenset[str]:
    return _read(k.expression for k in keys)


def _limited(count: Expr, rows: float) -> float:
    return min(rows, float(count.value)) if isinstance(count, Literal) and isinstance(count.value, int) else rows


def _own_reads(node: nodes.Create | nodes.Update | nodes.Delete | nodes.Merge) -> frozenset[str]:
    """The input columns that an update reads itself."""
    found: set[str] = set()
    match node:
        case nodes.Create(_, new_nodes, new_relationships):
            found |= _read(n.properties for n in new_nodes if n.properties is not None)
            found |= _read(r.properties for r in new_relationships if r.properties is not None)
            found |= {v for r in new_relationships for v in (r.source, r.target)}
            found -= {n.variable for n in new_nodes}
        case nodes.Update(_, items):
            found |= _item_reads(items)
        case nodes.Delete(_, targets, _):
            found |= _read(targets)
        case nodes.Merge():
            found |= set(node.arguments)
            found |= _item_reads(node.on_create) | _item_reads(node.on_match)
            found |= _read(n.properties for n in node.nodes if n.properties is not None)
            found |= _read(r.properties for r in node.relationships if r.properties is not None)
            found |= {v for r in node.relationships for v in (r.source, r.target)}
            found |= _read(e for e, _ in node.non_null)
        case _:
            assert_never(node)
    return frozenset(found)


def _item_reads(items: tuple[nodes.UpdateItem, ...]) -> set[str]:
    found: set[str] = set()
    for item in items:
        match item:
            case nodes.SetPropertyItem(target, key, value):
                found |= free_variables(target) | free_variables(key) | free_variables(value)
            case nodes.SetPropertiesItem(target, value, _):
                found |= free_variables(target) | free_variables(value)
            case nodes.SetLabelsItem(target, _, _):
                found |= free_variables(target)
    return found
