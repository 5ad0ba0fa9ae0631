"""The whole pipeline from a bound statement to a physical plan, in one readable function."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from memoradb.storage.view import Fact, GraphView

from ..exec.operator import Operator
from ..plan.logical import LogicalPlan
from ..plan.nodes import LogicalNode
from ..rewrite.driver import rewrite
from .eager import place_barriers
from .physical import plan_physical
from .planning import PlanningCatalog


@dataclass(slots=True)
class PhysicalPlan:
    """A plan that can be run, any number of times and by several threads at once.

    ``facts``: the plan is right only on views of which these hold; ``for_view`` gives one that is.
    """

    logical: LogicalPlan
    rewritten: LogicalNode
    rules: tuple[str, ...]
    root: Operator
    facts: tuple[Fact, ...] = ()
    disabled_rules: Collection[str] = ()
    _without_facts: PhysicalPlan | None = field(default=None, repr=False)

    def for_view(self, view: GraphView, planning: GraphView | None = None) -> PhysicalPlan:
        """This plan, or where one of its facts is not true of ``view`` another that rests on none.

        ``planning`` is asked instead of ``view`` for what only chooses the plan: reads of ``view`` may be recorded.
        """
        if all(map(view.fact, self.facts)):
            return self
        if self._without_facts is None:
            self._without_facts = plan(self.logical, planning or view, self.disabled_rules, use_facts=False)
        return self._without_facts


def plan(
    logical: LogicalPlan, view: GraphView, disabled_rules: Collection[str] = (), use_facts: bool = True
) -> PhysicalPlan:
    """Rewrite, then choose by ``view``'s statistics, indexes and facts.

    Args:
        logical: from ``plan.build``.
        view: any view of the graph the plan will run on; on another version of it ``for_view`` gives the same results,
            maybe slower.
        disabled_rules: names of rewrite rules to leave out (tests).
        use_facts: whether checks may be left out that facts about the view show to be needless.
    """
    catalog = PlanningCatalog(view, use_facts and logical.read_only)
    rewritten, rules = rewrite(logical.root, catalog, disabled_rules)
    if not logical.read_only:
        rewritten = place_barriers(rewritten)
    root = plan_physical(rewritten, catalog)
    return PhysicalPlan(logical, rewritten, rules, root, tuple(catalog.facts), disabled_rules)
