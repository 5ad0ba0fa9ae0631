"""One pattern graph as operators: the steps that the pattern planner chose, with only the live variables kept.

A variable is live where something after the step reads it: what is asked of the match, a later predicate or step, or
a uniqueness test. A dead target makes no rows: Expand multiplies weights instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..exec.apply import Apply, Foreach
from ..exec.expand import Expand, ExpandInto, ProjectEndpoints
from ..exec.filter import BoundNodes, Filter
from ..exec.fold import Fold
from ..exec.hash_join import HashJoin
from ..exec.index_search import RelationshipIndexSearch
from ..exec.intersect import Intersect, Leg
from ..exec.merge import Merge
from ..exec.operator import Estimate, Operator
from ..exec.reach import Reach, is_reachability
from ..exec.scan import ArgumentScan
from ..exec.shortest_path import ShortestPath
from ..exec.var_expand import VarLengthExpand
from ..exec.weights import ExpandWeights
from ..exec.write import Create, Delete, Update
from ..plan.expr import Call, Expr, HasLabels, LabelOperator, LabelTest, Variable, conjunction, free_variables
from ..plan.nodes import ApplyKind
from ..plan.pattern import PatternGraph, PatternNode, PatternRelationship
from ..plan.properties import is_volatile
from .match_order import ordered
from .parts import name_of, parts_of
from .planning import PlanningCatalog
from .steps import (
    BindNode,
    BindRelationship,
    Costed,
    Count,
    Follow,
    Intersection,
    Join,
    Project,
    Step,
    Test,
    relationships_of,
)
from .uniqueness import Uniqueness


def label_test(labels: Sequence[str]) -> LabelTest:
    """All of ``labels``."""
    names = tuple(LabelTest(LabelOperator.NAME, label) for label in labels)
    return names[0] if len(names) == 1 else LabelTest(LabelOperator.AND, operands=names)


def _tested_arguments(graph: PatternGraph, input: Operator, estimate: Estimate) -> Operator:
    """``input`` with what the pattern says of nodes that it binds: their labels, and that a lone one is a node."""
    followed = {v for r in graph.relationships for v in (r.source, r.target)}
    bound = [n for n in graph.nodes if n.variable in graph.arguments]
    lone = tuple(n.variable for n in bound if n.labels or n.variable not in followed)
    if lone:
        input = BoundNodes(input, lone, estimate=estimate)
    tests = tuple(_labels_hold(n) for n in bound if n.labels)
    return Filter(input, conjunction(tests), estimate=estimate) if tests else input


def plan_match(
    graph: PatternGraph,
    input: Operator,
    catalog: PlanningCatalog,
    required: frozenset[str],
    available: frozenset[str],
    physical_expression: Callable[[Expr], Expr],
    fold: bool = True,
    as_set: bool = False,
    joins: bool = True,
) -> Operator:
    """Operators for ``graph`` over ``input``, whose rows have the columns ``available``.

    The result has at least the columns of ``required``. ``fold`` False: whoever asks stops at the first match, so that
    counting all of them would be in vain. ``as_set``: nobody counts the rows (``distinct_rows``). ``joins`` False:
    whoever asks stops after some, so that finding all of a half first would be.
    """
    # What may differ each time it is asked is asked once for each match, and never before it is one.
    volatile = tuple(p for p in graph.predicates if is_volatile(p))
    if volatile:
        required |= frozenset().union(*map(free_variables, volatile))
        graph = replace(graph, predicates=tuple(p for p in graph.predicates if p not in volatile))
        matched = plan_match(graph, input, catalog, required, available, physical_expression, fold, False, joins)
        rows = ExpandWeights(matched, estimate=matched.estimate)
        return Filter(rows, physical_expression(conjunction(volatile)), estimate=matched.estimate)
    rows = 1.0 if input.estimate is None else input.estimate.rows
    base = 0.0 if input.estimate is None else input.estimate.cost
    # A half of a join is found at once: not for whoever stops early, nor beside an operator that writes meanwhile.
    joins = joins and fold and not _writes(input)
    graph, costed = ordered(graph, catalog, rows, available, required, fold, joins)
    match = _Match(graph, catalog, available, physical_expression, as_set)
    if not isinstance(input, ArgumentScan) and _is_correlated(costed):
        # Both halves of a join begin with the input's rows: an inner plan has them as its argument.
        outer = _tested_arguments(graph, input, Estimate(rows, base))
        arguments = tuple(sorted(match.reads(costed) & available))
        inner = match.whole(costed, ArgumentScan(arguments, estimate=Estimate(1.0)), required, 0.0)
        inner.estimate = Estimate(costed[-1].rows / max(rows, 1.0), costed[-1].cost / max(rows, 1.0))
        made = tuple(sorted(v for v in required - available if v in match.variables))
        estimate = Estimate(costed[-1].rows, base + costed[-1].cost)
        return Apply(outer, inner, ApplyKind.CROSS, made, arguments, estimate=estimate)
    return match.whole(costed, _tested_arguments(graph, input, Estimate(rows, base)), required, base)


def _writes(operator: Operator) -> bool:
    """Whether an operator of a plan changes the graph."""
    waiting = [operator]
    while waiting:
        at = waiting.pop()
        if isinstance(at, (Create, Update, Delete, Merge, Foreach)):
            return True
        waiting.extend(at.children)
    return False


def _is_correlated(costed: Sequence[Costed]) -> bool:
    return any(isinstance(item.step, Join) and item.step.correlated for item in costed)


class _Match:
    """Makes operators of the steps of one pattern graph."""

    def __init__(
        self,
        graph: PatternGraph,
        catalog: PlanningCatalog,
        available: frozenset[str],
        physical_expression: Callable[[Expr], Expr],
        as_set: bool,
    ) -> None:
        self._as_set = as_set
        self._graph = graph
        self._catalog = catalog
        self._available = available
        self._expression = physical_expression
        self._nodes = {n.variable: n for n in graph.nodes}
        self._labels = {n.variable: n.labels for n in graph.nodes}
        self._relationships = {r.variable: r for r in graph.relationships}
        self._uniqueness = Uniqueness(graph, catalog)
        self._selectivity = catalog.selectivity(graph)
        self._name = name_of(graph)
        self.variables = frozenset(self._nodes) | frozenset(self._relationships)

    def whole(self, costed: Sequence[Costed], input: Operator, required: frozenset[str], base: float) -> Operator:
        """All steps over ``input``; ``base`` is its cost. The result has at least the columns of ``required``."""
        solved = {r.variable for r in self._graph.relationships if r.variable in self._graph.arguments}
        return self._operator(costed, input, required, base, solved)

    def _operator(
        self, costed: Sequence[Costed], input: Operator, required: frozenset[str], base: float, solved: set[str]
    ) -> Operator:
        """Some steps, after those that ``solved`` relationships; it is added to."""
        later = self._reads_after(costed, required, frozenset(solved))
        operator = input
        position = 0
        while position < len(costed):
            item = costed[position]
            live = later[position]
            parts = parts_of(item.step, self._labels, self._selectivity, self._name)
            match item.step:
                case Test() as step:
                    terms = [step.predicate]
                    while position + 1 < len(costed):
                        following = costed[position + 1].step
                        if not isinstance(following, Test) or following.lenient != step.lenient:
                            break
                        position += 1
                        item = costed[position]
                        terms.append(following.predicate)
                        parts += parts_of(following, self._labels, self._selectivity, self._name)
                    test = self._expression(conjunction(tuple(terms)))
                    operator = Filter(operator, test, step.lenient, later[position])
                case BindNode(path):
                    bind = path.physical(self._expression)
                    operator = bind.operator(operator, path.variable not in live)
                case BindRelationship() as step:
                    operator = self._seek_relationship(step, operator, solved, live, item, base)
                    solved.add(step.relationship.variable)
                case Count(source, branches):
                    operator = Fold(operator, source, branches)
                case Project(relationship):
                    operator = self._project(relationship, operator, item, base)
                case Follow() as step:
                    if step.into and step.relationship.length is None and step.relationship.shortest is None:
                        self._catalog.use("expand_into")
                    elif any(other.joins for other in item.alternatives):
                        self._catalog.use("expand_halves")
                    operator = self._follow(step, operator, solved, live)
                    solved.add(step.relationship.variable)
                case Intersection() as step:
                    self._catalog.use("multiway_intersection")
                    operator = self._intersect(step, operator, solved, live)
                    solved |= {leg.relationship.variable for leg in step.legs}
                case Join() as step:
                    self._catalog.use("hash_join")
                    operator = self._join(step, operator, solved, live)
                    solved |= step.relationships
            others = tuple(replace(o, cost=base + o.cost) for o in item.alternatives) if base else item.alternatives
            operator.estimate = Estimate(item.rows, base + item.cost, others, parts)
            position += 1
        return operator

    def reads(self, costed: Sequence[Costed]) -> frozenset[str]:
        """What the steps read of their input, and a little more."""
        after = frozenset[str]()
        for item in costed:
            after |= self._step_reads(item.step, frozenset())
            if isinstance(item.step, Join) and item.step.correlated:
                after |= self.reads(item.step.right)
        return after

    def _step_reads(self, step: Step, solved: frozenset[str]) -> frozenset[str]:
        """What one step reads; ``solved`` are the relationships that were followed before it."""
        match step:
            case Test(predicate):
                return free_variables(predicate)
            case BindNode(path):
                return path.needs
            case BindRelationship(path, relationship):
                return path.needs | (self._uniqueness.of(relationship.variable) & solved)
            case Count(source, _):
                return frozenset((source,))
            case Project(relationship):
                return frozenset((relationship.variable, relationship.source, relationship.target))
            case Follow(relationship):
                reads = {step.source} | (self._uniqueness.of(relationship.variable) & solved)
                if step.into:
                    reads.add(step.target)
                if relationship.hop_predicate is not None:
                    reads |= free_variables(relationship.hop_predicate) - {relationship.hop_variable or ""}
                return frozenset(reads)
            case Intersection(_, legs):
                apart = frozenset().union(*(self._uniqueness.of(leg.relationship.variable) for leg in legs))
                return frozenset(leg.source for leg in legs) | (apart & solved)
            case Join(_, keys, _, values):
                compared = frozenset().union(*(free_variables(mine) for mine, _ in values), frozenset())
                apart = frozenset().union(*map(self._uniqueness.of, step.relationships), frozenset())
                return frozenset(keys) | (apart & solved) | compared

    def _reads_after(
        self, costed: Sequence[Costed], required: frozenset[str], solved: frozenset[str]
    ) -> list[frozenset[str]]:
        """By step: the variables that something after it reads."""
        before: list[frozenset[str]] = []
        for item in costed:
            before.append(solved)
            solved |= relationships_of((item,))
        after = required
        reads: list[frozenset[str]] = []
        for item, known in zip(reversed(costed), reversed(before), strict=True):
            reads.append(after)
            after |= self._step_reads(item.step, known)
        reads.reverse()
        return reads

    def _seek_relationship(
        self,
        step: BindRelationship,
        input: Operator,
        solved: set[str],
        live: frozenset[str],
        costed: Costed,
        base: float,
    ) -> Operator:
        """The relationships that an index finds, and the labels of their ends tested."""
        path, relationship = step.path.physical(self._expression), step.relationship
        assert path.search is not None
        source, target = relationship.source, relationship.target
        apart = sorted(self._uniqueness.of(relationship.variable) & solved)
        labelled = [n for v in dict.fromkeys((source, target)) if (n := self._nodes.get(v)) is not None and n.labels]
        wanted = live | {node.variable for node in labelled}
        operator: Operator = RelationshipIndexSearch(
            input,
            relationship.variable if relationship.variable in live or apart else None,
            source if source in wanted else None,
            target if target in wanted else None,
            relationship.types[0],
            relationship.direction,
            path.search,
            path.values,
            source == target,
        )
        tests = [_labels_hold(node) for node in labelled]
        tests += [_differs(relationship, self._relationship(other)) for other in apart]
        if tests:
            operator.estimate = Estimate(costed.rows, base + costed.cost)
            operator = Filter(operator, conjunction(tuple(tests)))
        return operator

    def _relationship(self, variable: str) -> PatternRelationship:
        return self._relationships[variable]

    def _project(self, relationship: PatternRelationship, input: Operator, costed: Costed, base: float) -> Operator:
        fresh = [v for v in (relationship.source, relationship.target) if v in self._nodes]
        operator: Operator = ProjectEndpoints(
            input,
            relationship.variable,
            relationship.source,
            relationship.target,
            relationship.types,
            relationship.direction,
            relationship.length is not None,
        )
        labelled = [n for v in fresh if (n := self._nodes[v]).labels and v not in self._graph.arguments]
        if labelled:
            operator.estimate = Estimate(costed.rows, base + costed.cost)
            operator = Filter(operator, conjunction(tuple(_labels_hold(n) for n in labelled)))
        return operator

    def _intersect(self, step: Intersection, input: Operator, solved: set[str], live: frozenset[str]) -> Operator:
        labels = self._nodes[step.target].labels
        for follow in step.legs:
            labels = self._catalog.labels_to_check(follow.relationship.types, follow.direction, labels)
        legs: list[Leg] = []
        known = set(solved)
        for follow in step.legs:
            relationship = follow.relationship
            variable = relationship.variable
            unique = tuple(sorted(self._uniqueness.of(variable) & known))
            legs.append(Leg(follow.source, variable, relationship.types, follow.direction, variable in live, unique))
            known.add(variable)
        return Intersect(input, step.target if step.target in live else None, tuple(legs), labels)

    def _join(self, step: Join, input: Operator, solved: set[str], live: frozenset[str]) -> Operator:
        found = step.relationships
        apart = tuple((mine, other) for other in sorted(found) for mine in sorted(self._uniqueness.of(other) & solved))
        made = found | step.binds
        shown = frozenset(v for v in live if v in made) - set(step.keys) - self._available
        compared = frozenset().union(*(free_variables(its) for _, its in step.values), frozenset())
        wanted = shown | set(step.keys) | {other for _, other in apart} | compared
        arguments = tuple(sorted(self.reads(step.right) & self._available)) if step.correlated else ()
        argument = ArgumentScan(arguments, estimate=Estimate(1.0))
        right = self._operator(step.right, argument, wanted, 0.0, set())
        values = tuple((self._expression(mine), self._expression(its)) for mine, its in step.values)
        return HashJoin(input, right, step.keys, tuple(sorted(shown)), apart, step.correlated, values)

    def _follow(self, step: Follow, input: Operator, solved: set[str], live: frozenset[str]) -> Operator:
        relationship = step.relationship
        variable = relationship.variable
        unique = tuple(sorted(self._uniqueness.of(variable) & solved))
        shown = variable if variable in live else None
        target_node = self._nodes.get(step.target)
        labels = target_node.labels if target_node is not None and not step.into and not step.bare else ()
        if relationship.length is None or relationship.length.low > 0:
            labels = self._catalog.labels_to_check(relationship.types, step.direction, labels)
        hop = relationship.hop_predicate
        hop = None if hop is None else self._expression(hop)
        if relationship.shortest is not None:
            assert relationship.length is not None
            return ShortestPath(
                input,
                relationship.source,
                relationship.target,
                variable,
                relationship.types,
                relationship.direction,
                relationship.length.low,
                relationship.length.high,
                relationship.shortest == "all",
                relationship.hop_variable,
                hop,
                relationship.reversed,
            )
        if relationship.length is not None:
            low, high = relationship.length.low, relationship.length.high
            ends_only = self._as_set and is_reachability(low, high, shown is not None, bool(unique))
            if ends_only and self._catalog.enabled("reachability"):
                self._catalog.use("reachability")
                return Reach(
                    input,
                    step.source,
                    step.target if step.into or step.target in live else None,
                    relationship.types,
                    step.direction,
                    low,
                    high,
                    relationship.hop_variable,
                    hop,
                    labels,
                    step.into,
                )
            return VarLengthExpand(
                input,
                step.source,
                shown,
                step.target if step.into or step.target in live else None,
                relationship.types,
                step.direction,
                relationship.length.low,
                relationship.length.high,
                relationship.hop_variable,
                hop,
                unique,
                labels,
                step.into,
                step.backwards != relationship.reversed,
            )
        if step.into:
            return ExpandInto(input, step.source, shown, step.target, relationship.types, step.direction, unique)
        target = step.target if step.target in live else None
        return Expand(input, step.source, shown, target, relationship.types, step.direction, labels, unique, live)


def _differs(relationship: PatternRelationship, other: PatternRelationship) -> Expr:
    """That two relationships, or one and a list, are not the same."""
    mine, its = Variable(relationship.variable), Variable(other.variable)
    return Call("<>", (mine, its)) if other.length is None else Call("NOT", (Call("IN", (mine, its)),))


def _labels_hold(node: PatternNode) -> Expr:
    return HasLabels(Variable(node.variable), label_test(node.labels))
