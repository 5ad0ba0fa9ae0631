"""The whole pipeline from a bound statement to a physical plan, in one readable function."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from memoradb.core.values import Value
from memoradb.storage.view import Fact, GraphView

from ..cost.corrections import Applied
from ..exec.operator import Operator
from ..exec.straight_line import StraightLine, straight_line
from ..plan.logical import LogicalPlan
from ..plan.nodes import LogicalNode
from ..rewrite.driver import Firing, rewrite
from .asked import Asked, AskedStatistics
from .eager import place_barriers
from .physical import plan_physical
from .planning import PlanningCatalog


@dataclass(frozen=True, slots=True)
class Reasons:
    """How a plan came about: the rules that fired, in order, and the statistics that were asked, with the answers."""

    firings: tuple[Firing, ...]
    asked: tuple[Asked, ...]


@dataclass(slots=True)
class PhysicalPlan:
    """A plan that can be run, any number of times and by several threads at once.

    ``facts``: the plan is right only on views of which these hold; ``for_view`` gives one that is. ``corrections``:
    what earlier runs have shown of its estimates, with factors. How it fares itself is the rest: see ``feedback``.
    """

    logical: LogicalPlan
    rewritten: LogicalNode
    rules: tuple[str, ...]
    root: Operator
    facts: tuple[Fact, ...] = ()
    disabled_rules: Collection[str] = ()
    line: StraightLine | None = None
    """The same as ``root`` without batches, where the plan has such a form."""
    corrections: Mapping[str, float] = field(default_factory=dict)
    revision: int = 0
    """How often its statement was planned again."""
    watched: bool = False
    """The next run counts the rows of its operators."""
    stale: bool = False
    """Its estimates proved wrong: it is to be planned again."""
    usual_ns: int = 0
    """How long the run took that was watched last."""
    reasons: Reasons | None = None
    """What EXPLAIN VERBOSE says of how it came about; kept for such statements alone."""
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
    logical: LogicalPlan,
    view: GraphView,
    disabled_rules: Collection[str] = (),
    use_facts: bool = True,
    parameters: Mapping[str, Value] | None = None,
    corrections: Applied | None = None,
) -> PhysicalPlan:
    """Rewrite, then choose by ``view``'s statistics, indexes and facts.

    Args:
        logical: from ``plan.build``.
        view: any view of the graph the plan will run on; on another version of it ``for_view`` gives the same results,
            maybe slower.
        disabled_rules: names of rewrite rules and physical alternatives to leave out (tests).
        use_facts: whether checks may be left out that facts about the view show to be needless.
        parameters: values that estimates are made for, where known; the plan is right for all.
        corrections: what earlier runs have shown of estimates.
    """
    corrections = corrections or Applied()
    catalog = PlanningCatalog(view, use_facts and logical.read_only, disabled_rules, parameters, corrections)
    firings: list[Firing] | None = None
    asked: AskedStatistics | None = None
    if logical.verbose:
        firings, asked = [], AskedStatistics(catalog.statistics)
        catalog.statistics = asked.statistics
    rewritten, rules = rewrite(logical.root, catalog, disabled_rules, firings)
    if not logical.read_only:
        rewritten = place_barriers(rewritten)
    root = plan_physical(rewritten, catalog)
    line = straight_line(root) if catalog.enabled("straight_line") else None
    if line is not None:
        catalog.use("straight_line")
    rules += tuple(sorted(catalog.used))
    return PhysicalPlan(
        logical,
        rewritten,
        rules,
        root,
        tuple(catalog.facts),
        disabled_rules,
        line,
        corrections.used,
        watched=logical.read_only,
        reasons=None if firings is None or asked is None else Reasons(tuple(firings), asked.answers()),
    )
