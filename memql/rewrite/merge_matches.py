"""Make one pattern graph of two consecutive ones, so that the planner may order all of it.

    Match(g2)                 Match(g1 and g2)
      Match(g1)        =>

Also through a projection that only renames nothing and drops columns, since ``WITH p, i`` between two MATCHes is such:
its dropped variables stay invisible because nothing above can name them. Relationship uniqueness holds within each
original MATCH only: the graphs keep their uniqueness groups apart. Not where g2 searches for a shortest path, whose
ends must be bound before; nor where g1 has a volatile predicate, which is asked once for each match of g1, or one that
may fail, which does so also on the matches of g1 that g2 has none for.
"""

from __future__ import annotations

from dataclasses import replace

from memoradb.core.limits import MATCH_RELATIONSHIPS_MAX

from ..plan.expr import Variable
from ..plan.failure import cannot_fail
from ..plan.nodes import LogicalNode, Match, Projection
from ..plan.pattern import PatternGraph, PatternNode
from ..plan.properties import is_volatile
from .rule import RuleCatalog


def merge_matches(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Match(Match(input, first), second) if _mergeable(first, second):
            return Match(input, _merged(first, second))
        case Match(Projection(Match(input, first) as below, items, False) as projection, second) if all(
            isinstance(e, Variable) and e.name == name for name, e in items
        ) and _mergeable(first, second):
            kept = frozenset(name for name, _ in items)
            if _variables(second) & (_variables(first) - kept):
                return node
            graph = _merged(first, second)
            shown = tuple(dict.fromkeys([*(n for n, _ in items), *sorted(_variables(second))]))
            merged = replace(below, graph=graph)
            return replace(projection, input=merged, items=tuple((n, Variable(n)) for n in shown))
        case _:
            return node


def _mergeable(first: PatternGraph, second: PatternGraph) -> bool:
    relationships = first.relationships + second.relationships
    if len(relationships) > MATCH_RELATIONSHIPS_MAX:
        return False  # planned apart, as they were written
    if any(r.shortest is not None for r in relationships) or any(map(is_volatile, first.predicates)):
        return False
    if not all(map(cannot_fail, first.predicates)):
        return False
    bound = {r.variable for r in first.relationships}
    return not any(r.variable in bound for r in second.relationships)


def _variables(graph: PatternGraph) -> frozenset[str]:
    return frozenset(n.variable for n in graph.nodes) | frozenset(r.variable for r in graph.relationships)


def _merged(first: PatternGraph, second: PatternGraph) -> PatternGraph:
    nodes: dict[str, PatternNode] = {n.variable: n for n in first.nodes}
    for node in second.nodes:
        known = nodes.get(node.variable)
        labels = node.labels if known is None else tuple(dict.fromkeys(known.labels + node.labels))
        nodes[node.variable] = PatternNode(node.variable, labels)
    return PatternGraph(
        tuple(nodes.values()),
        first.relationships + second.relationships,
        first.predicates + second.predicates,
        first.arguments | (second.arguments - _variables(first)),
        first.uniqueness + second.uniqueness,
    )
