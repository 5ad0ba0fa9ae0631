"""The whole pipeline from a bound statement to a physical plan, in one readable function."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from memoradb.storage.view import GraphView

from ..exec.operator import Operator
from ..plan.logical import LogicalPlan
from ..plan.nodes import LogicalNode
from ..rewrite.driver import rewrite
from .physical import plan_physical


@dataclass(frozen=True, slots=True)
class PhysicalPlan:
    """A plan that can be run, any number of times and by several threads at once."""

    logical: LogicalPlan
    rewritten: LogicalNode
    rules: tuple[str, ...]
    root: Operator


def plan(logical: LogicalPlan, view: GraphView, disabled_rules: Collection[str] = ()) -> PhysicalPlan:
    """Rewrite, then choose by ``view``'s statistics and indexes.

    Args:
        logical: from ``plan.build``.
        view: any view of the graph the plan will run on; another version of it gives the same results, maybe slower.
        disabled_rules: names of rewrite rules to leave out (tests).
    """
    rewritten, rules = rewrite(logical.root, view, disabled_rules)
    return PhysicalPlan(logical, rewritten, rules, plan_physical(rewritten, view))
