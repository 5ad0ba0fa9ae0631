"""In which order a match is made: the cheapest of the pattern as it is, and of each way to fold parts of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..exec.operator import Alternative
from ..plan.explain import show_variable
from ..plan.failure import cannot_fail
from ..plan.pattern import PatternGraph
from .folding import foldings, with_counts
from .pattern_planner import ALTERNATIVES_KEPT, order_pattern
from .planning import PlanningCatalog
from .steps import Costed, Test

FOLDED_MAX: Final = 40
"""Relationships of a pattern up to which parts of it may be folded: each way to do that is planned by itself."""


def ordered(
    graph: PatternGraph,
    catalog: PlanningCatalog,
    rows: float,
    available: frozenset[str],
    required: frozenset[str],
    fold: bool,
    joins: bool,
) -> tuple[PatternGraph, Sequence[Costed]]:
    """The cheapest order of steps, whole or with parts folded, and what is left of the graph then."""
    best = (graph, order_pattern(graph, catalog, rows, available, joins))
    chosen: PlanningCatalog | None = None
    considered = [(best[1], "nothing folded: every match is made")]
    fold &= catalog.enabled("fold_patterns") and len(graph.relationships) <= FOLDED_MAX
    for folding in foldings(graph, required, catalog) if fold else ():
        steps = order_pattern(folding.graph, catalog, rows, available, joins)
        steps = _failing_last(with_counts(steps, folding, catalog, rows))
        considered.append((steps, f"folded from {', '.join(show_variable(source) for source, _ in folding.branches)}"))
        if _cost(steps) <= _cost(best[1]):
            best, chosen = (folding.graph, steps), folding.catalog
    if chosen is not None:
        catalog.adopt(chosen)
        catalog.use("fold_patterns")
    return best[0], _over_others(best[1], considered)


def _over_others(steps: Sequence[Costed], considered: Sequence[tuple[Sequence[Costed], str]]) -> Sequence[Costed]:
    """``steps``, the last one with the other ways to the whole match that were considered."""
    others = [Alternative(text, x[-1].rows, x[-1].cost) for x, text in considered if x is not steps and x]
    if not steps or not others:
        return steps
    others.sort(key=lambda other: other.cost)
    last = steps[-1]
    together = sorted((*last.alternatives, *others[:ALTERNATIVES_KEPT]), key=lambda other: other.cost)
    return [*steps[:-1], replace(last, alternatives=tuple(together))]


def _failing_last(steps: Sequence[Costed]) -> Sequence[Costed]:
    """The steps with the tests that may fail after all else: a folded part, too, decides what is a match."""
    last = [s for s in steps if isinstance(s.step, Test) and not s.step.lenient and not cannot_fail(s.step.predicate)]
    return [*(s for s in steps if not any(s is x for x in last)), *last]


def _cost(steps: Sequence[Costed]) -> float:
    return steps[-1].cost if steps else 0.0
