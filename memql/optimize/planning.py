"""What planning may ask of a graph, and the facts that a plan came to rest on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from memoradb.core.values import Value
from memoradb.storage.view import (
    Direction,
    EndsLabelled,
    Fact,
    Follows,
    GraphView,
    IndexDefinition,
    LoopFree,
    Statistics,
)

from ..cost.corrections import Applied
from ..cost.scope import EMPTY, Scope
from ..cost.selectivity import Selectivity
from ..plan.pattern import PatternGraph
from ..rewrite.switches import ALTERNATIVES


class PlanningCatalog:
    """A view as the planner sees it: indexes, statistics, and facts, each of which is noted when a choice uses it.

    A plan that rests on facts runs only on views of which they hold; ``use_facts`` False asks for one that rests on
    none. A statement that writes may undo a fact while it runs, so its plan uses none either.

    ``disabled``: names of physical alternatives that are not to be considered (``rewrite.switches``). Whoever chooses
    one notes it with ``use``. ``parameters``: values to estimate with, those of the first run; the plan serves all.
    ``corrections``: what runs have shown of estimates.
    """

    def __init__(
        self,
        view: GraphView,
        use_facts: bool = True,
        disabled: Collection[str] = (),
        parameters: Mapping[str, Value] | None = None,
        corrections: Applied | None = None,
    ) -> None:
        self.view = view
        self.statistics: Statistics = view.statistics
        """The view's; or the same, noting what is asked (``asked.AskedStatistics``)."""
        self.parameters = parameters or {}
        self.corrections = corrections or Applied()
        self.scope = EMPTY
        """The columns of the input of what is being planned."""
        self.disabled = disabled
        self.used: set[str] = set()
        self._use_facts = use_facts
        self.facts: set[Fact] = set()
        self._online: Sequence[IndexDefinition] | None = None

    def indexes(self) -> Sequence[IndexDefinition]:
        """All indexes that can be asked, and all constraints."""
        if self._online is None:
            self._online = [i for i in self.view.indexes() if self.view.index_state(i.name).is_online]
        return self._online

    def trial(self) -> PlanningCatalog:
        """The same, for a plan that may not be chosen: ``adopt`` its facts where it is."""
        other = PlanningCatalog(self.view, self._use_facts, self.disabled, self.parameters, self.corrections)
        other.scope = self.scope
        other.statistics = self.statistics
        return other

    def adopt(self, trial: PlanningCatalog) -> None:
        """What was tried is chosen."""
        self.facts |= trial.facts
        self.used |= trial.used

    def enabled(self, alternative: str) -> bool:
        """Whether a physical alternative may be considered."""
        assert alternative in ALTERNATIVES, alternative
        return alternative not in self.disabled

    def use(self, alternative: str) -> None:
        """Note that a physical alternative was chosen."""
        assert alternative in ALTERNATIVES, alternative
        self.used.add(alternative)

    def fact(self, fact: Fact) -> bool:
        """Whether ``fact`` holds; noted where it does."""
        if not self._use_facts or not self.view.fact(fact):
            return False
        self.facts.add(fact)
        return True

    def selectivity(self, graph: PatternGraph) -> Selectivity:
        """Estimates over the variables of one pattern graph."""
        types = {r.variable: r.types for r in graph.relationships if r.length is None}
        scope = self.scope.with_(Scope(self.labels(graph), types))
        return self.selectivity_of(scope)

    def selectivity_of(self, scope: Scope) -> Selectivity:
        """Estimates over columns."""
        known = (scope.labels, scope.types, self.parameters, self.corrections, scope.met_by)
        return Selectivity(self.statistics, *known)

    def labels(self, graph: PatternGraph) -> dict[str, tuple[str, ...]]:
        """The labels of a pattern's nodes, with those that the input's have already."""
        known = self.scope.labels
        return {n.variable: tuple(dict.fromkeys((*n.labels, *known.get(n.variable, ())))) for n in graph.nodes}

    def repeated_degree(self, labels: Sequence[str], types: Sequence[str], direction: Direction) -> float:
        """Mean degree of a node that such a relationship has led to or from already: E[d²] / E[d]."""
        follows = Follows(tuple(types), direction)
        return self.statistics.degree_after(labels, follows, follows)

    def labels_to_check(self, types: Sequence[str], direction: Direction, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``labels`` that a relationship's far end may lack; ``direction`` as seen from the near end."""
        if not types:
            return labels
        ends = {Direction.OUT: (True,), Direction.IN: (False,), Direction.BOTH: (True, False)}[direction]
        return tuple(
            label
            for label in labels
            if not self._all([EndsLabelled(t, outgoing, label) for t in types for outgoing in ends])
        )

    def _all(self, facts: Sequence[Fact]) -> bool:
        """Whether all hold; only then are they noted."""
        trial = self.trial()
        if not all(map(trial.fact, facts)):
            return False
        self.adopt(trial)
        return True

    def loop_free(self, types: Sequence[str]) -> bool:
        """Whether no relationship of these types leads from a node to itself."""
        return bool(types) and self._all([LoopFree(t) for t in types])
