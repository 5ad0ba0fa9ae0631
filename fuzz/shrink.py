"""A failing case made small: fewer and simpler decisions behind the query, fewer elements in the graph.

The query is shrunk through the decisions that its generator took (as Hypothesis does; MacIver and Donaldson 2020): a
shorter or lower sequence of decisions makes a shorter or simpler query, always one that the generator could make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .strategies.drawing import ReplayDraw
from .strategies.graphs import GraphSpec
from .strategies.queries import Query, generate_query

Fails = Callable[[GraphSpec, Query], bool]


ATTEMPTS: Final = 1_500
"""Cases tried to make one finding small: half a minute at most. Counted, not timed, so that a seed decides."""


@dataclass
class _Budget:
    left: int

    def spent(self) -> bool:
        """Whether nothing may be tried any more; else one attempt is taken."""
        self.left -= 1
        return self.left < 0


def shrink(
    graph: GraphSpec, decisions: Sequence[int], fails: Fails, attempts: int = ATTEMPTS
) -> tuple[GraphSpec, Query]:
    """The smallest graph and query found that still fail, within so many attempts."""
    budget = _Budget(attempts)
    query = generate_query(ReplayDraw(decisions))
    while budget.left > 0:
        smaller = _shrink_graph(graph, lambda g, q=query: fails(g, q), budget)
        fewer = _shrink_decisions(list(decisions), lambda q, g=smaller: fails(g, q), budget)
        done = smaller == graph and list(fewer) == list(decisions)
        graph, decisions = smaller, fewer
        query = generate_query(ReplayDraw(decisions))
        if done:
            break
    return graph, query


def _shrink_decisions(decisions: list[int], fails: Callable[[Query], bool], budget: _Budget) -> list[int]:
    tried: set[str] = set()

    def still(candidate: list[int]) -> bool:
        query = generate_query(ReplayDraw(candidate))
        if query.text in tried or budget.spent():
            return False
        tried.add(query.text)
        return fails(query)

    draw = ReplayDraw(decisions)
    tried.add(generate_query(draw).text)
    decisions = decisions[: draw.used]
    size = max(len(decisions) // 2, 1)
    while size:
        at = len(decisions) - size
        while at >= 0:
            candidate = decisions[:at] + decisions[at + size :]
            if still(candidate):
                decisions = candidate
            at -= size
        size //= 2
    for at in range(len(decisions)):
        for lower in dict.fromkeys((0, decisions[at] // 2, decisions[at] - 1)):
            if 0 <= lower < decisions[at]:
                candidate = [*decisions[:at], lower, *decisions[at + 1 :]]
                if still(candidate):
                    decisions = candidate
                    break
    return decisions


def _shrink_graph(graph: GraphSpec, fails: Callable[[GraphSpec], bool], budget: _Budget) -> GraphSpec:
    def still(candidate: GraphSpec) -> bool:
        return not budget.spent() and fails(candidate)

    if graph.relationships and still(replace(graph, relationships=())):
        graph = replace(graph, relationships=())
    for i in reversed(range(len(graph.nodes))):
        candidate = graph.without_node(i)
        if still(candidate):
            graph = candidate
    for i in reversed(range(len(graph.relationships))):
        candidate = replace(graph, relationships=graph.relationships[:i] + graph.relationships[i + 1 :])
        if still(candidate):
            graph = candidate
    for i, (labels, properties) in enumerate(graph.nodes):
        for kept in _fewer(properties):
            candidate = replace(graph, nodes=_put(graph.nodes, i, (labels, kept)))
            if still(candidate):
                graph, properties = candidate, kept
        if labels:
            candidate = replace(graph, nodes=_put(graph.nodes, i, ((), properties)))
            if still(candidate):
                graph = candidate
    for i, (source, target, type, properties) in enumerate(graph.relationships):
        for kept in _fewer(properties):
            candidate = replace(graph, relationships=_put(graph.relationships, i, (source, target, type, kept)))
            if still(candidate):
                graph, properties = candidate, kept
    return graph


def _fewer(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """No properties at all; else each left out in turn."""
    if not properties:
        return []
    return [{}, *({k: v for k, v in properties.items() if k != gone} for gone in properties)]


def _put(items: tuple[Any, ...], at: int, item: Any) -> tuple[Any, ...]:
    return (*items[:at], item, *items[at + 1 :])
