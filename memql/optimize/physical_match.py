"""One pattern graph as operators: the steps that the pattern planner chose, with only the live variables kept.

A variable is live where something after the step reads it: what is asked of the match, a later predicate or step, or
a uniqueness test. A dead target makes no rows: Expand multiplies weights instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..exec.expand import Expand, ExpandInto, ProjectEndpoints
from ..exec.filter import BoundNodes, Filter
from ..exec.fold import Fold
from ..exec.index_search import RelationshipIndexSearch
from ..exec.operator import Estimate, Operator
from ..exec.shortest_path import ShortestPath
from ..exec.var_expand import VarLengthExpand
from ..exec.weights import ExpandWeights
from ..plan.expr import Expr, HasLabels, LabelOperator, LabelTest, Variable, conjunction, free_variables
from ..plan.failure import cannot_fail
from ..plan.pattern import PatternGraph, PatternNode, PatternRelationship
from ..plan.properties import is_volatile
from .access_path import AccessPath
from .folding import foldings, with_counts
from .pattern_planner import BindNode, BindRelationship, Costed, Count, Follow, Project, Test, order_pattern
from .planning import PlanningCatalog


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
) -> Operator:
    """Operators for ``graph`` over ``input``, whose rows have the columns ``available``.

    The result has at least the columns of ``required``. ``fold`` False: whoever asks stops at the first match, so that
    counting all of them would be in vain.
    """
    # What may differ each time it is asked is asked once for each match, and never before it is one.
    volatile = tuple(p for p in graph.predicates if is_volatile(p))
    if volatile:
        required |= frozenset().union(*map(free_variables, volatile))
        graph = replace(graph, predicates=tuple(p for p in graph.predicates if p not in volatile))
        matched = plan_match(graph, input, catalog, required, available, physical_expression, fold)
        rows = ExpandWeights(matched, estimate=matched.estimate)
        return Filter(rows, physical_expression(conjunction(volatile)), estimate=matched.estimate)
    rows = 1.0 if input.estimate is None else input.estimate.rows
    base = 0.0 if input.estimate is None else input.estimate.cost
    operator = _tested_arguments(graph, input, Estimate(rows, base))
    graph, costed = _ordered(graph, catalog, rows, available, required, fold)
    later = _reads_after(costed, required, graph)
    nodes = {n.variable: n for n in graph.nodes}
    solved: set[str] = {r.variable for r in graph.relationships if r.variable in graph.arguments}
    position = 0
    while position < len(costed):
        item = costed[position]
        step = item.step
        match step:
            case Test():
                terms = [step.predicate]
                while position + 1 < len(costed):
                    following = costed[position + 1].step
                    if not isinstance(following, Test) or following.lenient != step.lenient:
                        break
                    position += 1
                    item = costed[position]
                    terms.append(following.predicate)
                operator = Filter(operator, physical_expression(conjunction(tuple(terms))), step.lenient)
            case BindNode(path):
                bind = path.physical(physical_expression)
                operator = bind.operator(operator, path.variable not in later[position])
            case BindRelationship(path, relationship):
                bind = path.physical(physical_expression)
                operator = _seek_relationship(bind, relationship, operator, nodes, later[position], item, base)
                solved.add(relationship.variable)
            case Count(source, branches):
                operator = Fold(operator, source, branches)
            case Project(relationship):
                fresh = [v for v in (relationship.source, relationship.target) if v in nodes]
                operator = ProjectEndpoints(
                    operator,
                    relationship.variable,
                    relationship.source,
                    relationship.target,
                    relationship.types,
                    relationship.direction,
                    relationship.length is not None,
                )
                labelled = [n for v in fresh if (n := nodes[v]).labels and v not in graph.arguments]
                if labelled:
                    operator.estimate = Estimate(item.rows, base + item.cost)
                    operator = Filter(operator, conjunction(tuple(_labels_hold(n) for n in labelled)))
            case Follow():
                operator = _follow(step, operator, nodes, graph, solved, later[position], physical_expression, catalog)
                solved.add(step.relationship.variable)
        operator.estimate = Estimate(item.rows, base + item.cost)
        position += 1
    return operator


def _ordered(
    graph: PatternGraph,
    catalog: PlanningCatalog,
    rows: float,
    available: frozenset[str],
    required: frozenset[str],
    fold: bool,
) -> tuple[PatternGraph, Sequence[Costed]]:
    """The cheapest order of steps, whole or with parts folded, and what is left of the graph then."""
    best = (graph, order_pattern(graph, catalog, rows, available))
    chosen: PlanningCatalog | None = None
    for folding in foldings(graph, required, catalog) if fold else ():
        steps = order_pattern(folding.graph, catalog, rows, available)
        steps = _failing_last(with_counts(steps, folding, catalog.statistics, rows))
        if _cost(steps) <= _cost(best[1]):
            best, chosen = (folding.graph, steps), folding.catalog
    if chosen is not None:
        catalog.adopt(chosen)
    return best


def _failing_last(steps: Sequence[Costed]) -> Sequence[Costed]:
    """The steps with the tests that may fail after all else: a folded part, too, decides what is a match."""
    last = [s for s in steps if isinstance(s.step, Test) and not s.step.lenient and not cannot_fail(s.step.predicate)]
    return [*(s for s in steps if not any(s is x for x in last)), *last]


def _cost(steps: Sequence[Costed]) -> float:
    return steps[-1].cost if steps else 0.0


def _labels_hold(node: PatternNode) -> Expr:
    return HasLabels(Variable(node.variable), label_test(node.labels))


def _reads_after(costed: Sequence[Costed], required: frozenset[str], graph: PatternGraph) -> list[frozenset[str]]:
    """By step: the variables that something after it reads."""
    after = required
    reads: list[frozenset[str]] = []
    for item in reversed(costed):
        reads.append(after)
        match item.step:
            case Test(predicate):
                after |= free_variables(predicate)
            case BindNode(path) | BindRelationship(path, _):
                after |= path.needs
            case Count(source, _):
                after |= {source}
            case Project(relationship):
                after |= {relationship.variable, relationship.source, relationship.target}
            case Follow() as step:
                after |= {step.source}
                if step.into:
                    after |= {step.target}
                if step.relationship.hop_predicate is not None:
                    hop = free_variables(step.relationship.hop_predicate)
                    after |= hop - {step.relationship.hop_variable or ""}
                # A uniqueness test reads every relationship of its groups that was solved before.
                for group in graph.uniqueness:
                    if step.relationship.variable in group:
                        after |= group
    reads.reverse()
    return reads


def _seek_relationship(
    path: AccessPath,
    relationship: PatternRelationship,
    input: Operator,
    nodes: dict[str, PatternNode],
    live: frozenset[str],
    costed: Costed,
    base: float,
) -> Operator:
    """The relationships that an index finds, and the labels of their ends tested."""
    assert path.search is not None
    source, target = relationship.source, relationship.target
    labelled = [n for v in dict.fromkeys((source, target)) if (n := nodes.get(v)) is not None and n.labels]
    wanted = live | {node.variable for node in labelled}
    operator: Operator = RelationshipIndexSearch(
        input,
        relationship.variable if relationship.variable in live else None,
        source if source in wanted else None,
        target if target in wanted else None,
        relationship.types[0],
        relationship.direction,
        path.search,
        path.values,
        source == target,
    )
    if labelled:
        operator.estimate = Estimate(costed.rows, base + costed.cost)
        operator = Filter(operator, conjunction(tuple(_labels_hold(node) for node in labelled)))
    return operator


def _follow(
    step: Follow,
    input: Operator,
    nodes: dict[str, PatternNode],
    graph: PatternGraph,
    solved: set[str],
    live: frozenset[str],
    physical_expression: Callable[[Expr], Expr],
    catalog: PlanningCatalog,
) -> Operator:
    relationship = step.relationship
    variable = relationship.variable
    unique = tuple(
        sorted({v for group in graph.uniqueness if variable in group for v in group if v in solved and v != variable})
    )
    shown = variable if variable in live else None
    target_node = nodes.get(step.target)
    labels = target_node.labels if target_node is not None and not step.into else ()
    if relationship.length is None:
        labels = catalog.labels_to_check(relationship.types, step.direction, labels)
    hop = relationship.hop_predicate
    hop = None if hop is None else physical_expression(hop)
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
    return Expand(input, step.source, shown, target, relationship.types, step.direction, labels, unique)
