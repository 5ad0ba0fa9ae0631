"""What is to be said of a plan, before it is text or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..cost.constants import DEFAULTS, in_use
from ..exec.profile import Profile
from ..optimize.planner import PhysicalPlan
from ..plan.explain import PlanLine, logical_lines, physical_lines
from ..plan.nodes import LogicalNode
from ..rewrite.driver import RULES, Firing
from ..rewrite.switches import ALTERNATIVES
from .wording import alternative_in_words, fact_in_words, rule_in_words, statistic_in_words

WARNED_FROM: Final = 10.0
"""The q-error from which on an estimate is warned of."""

CHANGED_MAX: Final = 6
"""Lines of the plan that are shown of what a rule took away, and of what it put there."""

_RULE_NAMES: Final = frozenset(rule.__name__ for rule in RULES)


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired, in a sentence; VERBOSE also says which lines of the logical plan it changed into which."""

    name: str
    sentence: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number about the graph that the planner asked for."""

    of: str
    known: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that EXPLAIN or PROFILE says of one plan.

    ``rules``: rewrite rules in the order in which they fired (without VERBOSE each once). ``taken``: the physical
    alternatives of the plan, by name. ``statistics``: only for VERBOSE. ``bytes_most`` and ``disk_bytes_most``: what
    the whole statement held in memory and on disk at most, None unless it was run.
    """

    verbose: bool
    logical: list[PlanLine]
    physical: list[PlanLine]
    rules: tuple[Fired, ...]
    taken: dict[str, str]
    facts: tuple[str, ...]
    statistics: tuple[Statistic, ...]
    corrections: dict[str, float]
    revision: int
    calibrated: bool
    bytes_most: int | None = None
    disk_bytes_most: int | None = None

    @property
    def profiled(self) -> bool:
        """Whether the statement was run."""
        return self.bytes_most is not None

    @property
    def surprises(self) -> list[tuple[int, PlanLine]]:
        """The lines whose estimates were off by more than ``WARNED_FROM``, the worst first, with their numbers."""
        found = [(n, x) for n, x in numbered(self.physical) if n and (x.q_error or 0.0) > WARNED_FROM]
        return sorted(found, key=lambda item: -(item[1].q_error or 0.0))


def numbered(lines: list[PlanLine]) -> list[tuple[int, PlanLine]]:
    """Lines with the numbers by which they are spoken of; 0 for what is no operator."""
    found: list[tuple[int, PlanLine]] = []
    number = 0
    for line in lines:
        number += line.is_operator
        found.append((number if line.is_operator else 0, line))
    return found


def report(plan: PhysicalPlan, profile: Profile | None = None) -> Report:
    """What is to be said of ``plan``, and of the run that ``profile`` has seen."""
    verbose = plan.reasons is not None
    taken = {name: alternative_in_words(name) for name in plan.rules if name in ALTERNATIVES}
    return Report(
        verbose,
        logical_lines(plan.rewritten),
        physical_lines(plan.root) if profile is None else physical_lines(plan.root, profile.measured),
        _fired(plan),
        taken,
        tuple(sorted(map(fact_in_words, plan.facts))),
        _statistics(plan),
        dict(sorted(plan.corrections.items())),
        plan.revision,
        in_use() != DEFAULTS,
        None if profile is None else profile.bytes_most,
        None if profile is None else profile.disk_bytes_most,
    )


def _fired(plan: PhysicalPlan) -> tuple[Fired, ...]:
    sentences = {rule.__name__: rule_in_words(rule) for rule in RULES}
    if plan.reasons is None:
        return tuple(Fired(name, sentences[name]) for name in dict.fromkeys(plan.rules) if name in _RULE_NAMES)
    return tuple(_changed(firing, sentences) for firing in plan.reasons.firings)


def _changed(firing: Firing, sentences: dict[str, str]) -> Fired:
    before, after = _shown(firing.before), _shown(firing.after)
    gone = tuple(line for line in before if line not in after)[:CHANGED_MAX]
    new = tuple(line for line in after if line not in before)[:CHANGED_MAX]
    name = firing.rule.__name__
    return Fired(name, sentences[name], gone, new)


def _shown(node: LogicalNode) -> list[str]:
    return [f"{line.name}  {line.details}".rstrip() for line in logical_lines(node)]


def _statistics(plan: PhysicalPlan) -> tuple[Statistic, ...]:
    if plan.reasons is None:
        return ()
    found: dict[tuple[str, str], None] = {}
    for asked in plan.reasons.asked:
        said = statistic_in_words(asked)
        if said is not None:
            found[said] = None
    return tuple(Statistic(of, known) for of, known in found)


def why(line: PlanLine) -> str:
    """Why an operator was taken over its alternatives, in a sentence; empty where there was no choice."""
    if not line.alternatives or line.cost_ns is None:
        return ""
    best = min(line.alternatives, key=lambda other: other.cost)
    if best.cost < line.cost_ns:
        return "Something cheaper up to here leaves more to be done after it."
    if best.cost <= line.cost_ns * 1.001:
        return "As cheap as the next best, and looked at first."
    return f"Expected to be the cheapest: the next best costs {times(best.cost, line.cost_ns)} as much."


def times(cost: float, chosen: float) -> str:
    """How many times ``chosen`` a cost is."""
    factor = cost / max(chosen, 1e-9)
    return f"{factor:,.2f} times" if factor < 10 else f"{min(factor, 1e9):,.0f} times"
