"""Plans whose estimates prove wrong are made again, with what was seen.

The first run of a plan counts the rows of its operators, batch by batch; so does one that follows on a run that took
much longer than that. Where an operator gave more or fewer rows than expected by more than ``FACTOR``, for as many as
it was given, what it stands for is corrected (``parts``, ``cost.corrections``), and the plan is made again when its
statement comes next: ``REPLANS_MAX`` times at most, for some estimates stay wrong whatever is learnt. Runs that handled
few rows teach nothing; an operator that was not asked for its last rows may have had more, not fewer. Only plans that
read are watched: one that writes is tied to what it reads by more than costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..cost.corrections import Corrections
from ..exec.operator import Operator
from ..exec.profile import Profile
from .planner import PhysicalPlan

FACTOR: Final = 8.0
"""How far rows may be from what was expected."""

REPLANS_MAX: Final = 3
"""How often a statement is planned again."""

ROWS_MIN: Final = 2_000
"""Rows that the operators of a run must have handled for it to teach anything: some tenths of a millisecond."""

SLOW_NS: Final = 1_000_000
"""A run that was not watched makes the next one watched where it took so long, and ``SLOWER`` times as usual."""

SLOWER: Final = 8


class Feedback:
    """What one database's runs have shown. Used by several threads."""

    def __init__(self) -> None:
        self.corrections = Corrections()
        self.replanned = 0
        """Plans that were to be made again."""

    def ran(self, plan: PhysicalPlan, profile: Profile) -> None:
        """A watched run is over, or was broken off: learn from it."""
        plan.watched = False
        if not plan.logical.read_only or plan.revision >= REPLANS_MAX:
            return
        operators = list(_operators(plan.root))
        measured = [m for operator in operators if (m := profile.measured(operator)) is not None]
        plan.usual_ns = sum(m.time_ns for m in measured)
        if sum(m.rows for m in measured) < ROWS_MIN:
            return
        wrong = False
        for operator in operators:
            factor = _wrong_by(operator, profile)
            if 1 / FACTOR <= factor <= FACTOR or operator.estimate is None:
                continue
            parts = operator.estimate.parts
            for part in parts:
                self.corrections.learn(part, factor ** (1 / len(parts)))
                wrong = True
        if wrong:
            plan.stale = True
            self.replanned += 1

    def took(self, plan: PhysicalPlan, time_ns: int) -> None:
        """A run that was not watched took longer than ``SLOW_NS``."""
        if plan.logical.read_only and plan.revision < REPLANS_MAX and time_ns > SLOWER * plan.usual_ns:
            plan.watched = True


def _operators(root: Operator) -> Iterator[Operator]:
    yield root
    for child in root.children:
        yield from _operators(child)
    for subquery in root.subqueries:
        if isinstance(subquery.plan, Operator):
            yield from _operators(subquery.plan)


def _wrong_by(operator: Operator, profile: Profile) -> float:
    """Rows over those expected, each for what came in; 1 where that cannot be said."""
    estimate, measured = operator.estimate, profile.measured(operator)
    if estimate is None or not estimate.parts or measured is None or not measured.arguments:
        return 1.0
    came, given = float(measured.arguments), 1.0
    if operator.children:
        below = operator.children[0]
        seen = profile.measured(below)
        if below.estimate is None or seen is None or not seen.rows:
            return 1.0
        came, given = float(seen.rows), max(below.estimate.rows, 1e-6)
    # Half a row stands for none, on both sides: what is tiny is not known well.
    expected = max(estimate.rows / given * came, 0.5)
    factor = max(measured.rows, 0.5) / expected
    return factor if measured.drained else max(1.0, factor)  # there might have been more
