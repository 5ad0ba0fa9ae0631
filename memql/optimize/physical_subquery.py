"""Other ways to run an inner plan than once for each row that asks.

*Once*: a plan that reads nothing of the row. *Semijoin*: an EXISTS whose pattern is a tree that hangs from one bound
node, by predicates on single nodes that cannot fail, is a set of nodes.
"""

from __future__ import annotations

from collections.abc import Callable

from ..exec.once import Once
from ..exec.operator import Estimate, Operator
from ..exec.scan import ArgumentScan
from ..exec.semijoin import Semijoin
from ..plan import nodes
from ..plan.expr import Expr
from ..plan.fold import Branches
from ..plan.nodes import LogicalNode
from .folding import foldings
from .physical_match import plan_match
from .planning import PlanningCatalog


def once(plan: Operator, arguments: tuple[str, ...], catalog: PlanningCatalog) -> Operator:
    """``plan``, which is neither volatile nor writes, run for one row only where it reads no column of the row."""
    if arguments or not catalog.enabled("run_once") or isinstance(plan, ArgumentScan):
        return plan
    catalog.use("run_once")
    return Once(plan, estimate=plan.estimate)


def semijoin(
    logical: LogicalNode, search: Operator, catalog: PlanningCatalog, physical_expression: Callable[[Expr], Expr]
) -> Operator:
    """``search``, the plan of an EXISTS, with the set of nodes of which it is true beside it, where there is one."""
    match logical:
        case nodes.Match(nodes.Argument(variables), graph) if len(graph.arguments) == 1 and graph.relationships:
            (source,) = graph.arguments
        case _:
            return search
    if not catalog.enabled("semijoin_exists") or source not in {n.variable for n in graph.nodes}:
        return search
    for folding in foldings(graph, frozenset(), catalog):
        left = folding.graph
        if left.relationships or len(folding.branches) != 1 or folding.branches[0][0] != source:
            continue
        branches = folding.branches[0][1]
        if _has_pairs(branches):
            continue
        catalog.adopt(folding.catalog)
        catalog.use("semijoin_exists")
        argument = ArgumentScan(variables, estimate=Estimate(1.0))
        available = frozenset(variables)
        tested = plan_match(left, argument, catalog, frozenset((source,)), available, physical_expression)
        return Semijoin(tested, search, source, branches, estimate=search.estimate)
    return search


def _has_pairs(branches: Branches) -> bool:
    below = (edge.node.branches for edge in branches.edges)
    return bool(branches.pairs) or any(b is not None and _has_pairs(b) for b in below)
