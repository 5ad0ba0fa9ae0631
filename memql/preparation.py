"""From a text to its plan, through the plan caches.

The first level answers a text that was seen before; the second the same statement with other literals, by its
fingerprint; what is in neither is parsed, bound, rewritten and planned. The present and the past have caches of their
own. Safe to use from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from memoradb.core.errors import MemoraDBError, MemQLError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span, position_of
from memoradb.core.values import Value
from memoradb.storage.view import GraphView

from .as_of import Timed, take_apart
from .bind.types import Type
from .cost.corrections import Applied
from .functions.registry import FunctionRegistry
from .notifications import Notification, NotificationKind, Remark
from .optimize.feedback import Feedback
from .optimize.plan_cache import PlanCache
from .optimize.planner import PhysicalPlan, plan
from .parameters import type_of
from .procedures.registry import ProcedureRegistry
from .syntax.ast import StatementMode
from .syntax.fingerprint import fingerprint, places_in_text
from .syntax.text import statement_text


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what one text of it has of its own.

    ``literals`` are the values that were lifted out of the text. ``fingerprinted``: the plan was made from the text's
    fingerprint, and its spans point there. ``notifications`` stand beside the remarks that they are made of.
    """

    plan: PhysicalPlan
    literals: Mapping[str, Value]
    fingerprinted: bool = False
    notifications: Sequence[tuple[Remark, Notification]] = ()

    def current(self, view: GraphView) -> Sequence[Notification]:
        """The notifications that are true of ``view``: a name that was unknown may have come into the graph since."""
        if not self.notifications:
            return ()
        known: dict[NotificationKind, Callable[[], Sequence[str]]] = {
            NotificationKind.UNKNOWN_LABEL: view.labels,
            NotificationKind.UNKNOWN_RELATIONSHIP_TYPE: view.relationship_types,
            NotificationKind.UNKNOWN_PROPERTY_KEY: view.property_keys,
        }
        return [n for r, n in self.notifications if r.name is None or r.name not in known[r.kind]()]


@dataclass(slots=True)
class Plans:
    """Both levels of the plan cache."""

    by_text: PlanCache[Prepared] = field(default_factory=PlanCache)
    by_fingerprint: PlanCache[PhysicalPlan] = field(default_factory=PlanCache)


@dataclass(slots=True)
class Preparation:
    """Compiles statements, and remembers what it compiled."""

    functions: FunctionRegistry
    procedures: ProcedureRegistry
    present: Plans = field(default_factory=Plans)
    past: Plans = field(default_factory=Plans)
    """Of statements with AS OF, without it: whatever the moment, they share their plans."""
    feedback: Feedback = field(default_factory=Feedback)
    """What runs have shown of plans of the present."""
    _timed: PlanCache[Timed] = field(default_factory=PlanCache)

    def prepare(
        self,
        text: str,
        view: GraphView,
        disabled_rules: Collection[str] = (),
        past: bool = False,
        given: Mapping[str, Value] | None = None,
    ) -> Prepared:
        """The plan for ``text``, from the cache where it was seen before, whatever its literals.

        ``past``: ``view`` is one of many states of the past; their plans are kept by schema and rough size.
        ``given``: values of parameters, for the estimates of a plan that has to be made.

        Raises:
            MemQLError: the text is not a statement that can be run; with its position.
        """
        given = given or {}
        if disabled_rules:
            return _prepared(
                text, self._compile(statement_text(text), view, {}, given, None, disabled_rules), {}, False
            )
        plans = self.past if past else self.present
        version = (view.schema_version, _size(view) if past else view.generation)
        prepared = plans.by_text.get(text, version)
        if prepared is not None and not prepared.plan.stale:
            return prepared
        lifted = fingerprint(statement_text(text))
        compiled = plans.by_fingerprint.get(lifted.key, version)
        if compiled is None or compiled.stale:
            types = {name: type_of(value) for name, value in lifted.parameters.items()}
            corrections = None if past else self.feedback.corrections.for_plan(version[1])
            revision = 0 if compiled is None else compiled.revision + 1
            try:
                compiled = self._compile(lifted.key, view, types, {**given, **lifted.parameters}, corrections)
            except MemoraDBError:
                # The error must point into the text as written; should that compile, its plan is as good.
                prepared = _prepared(text, self._compile(text, view, {}, given), {}, False)
                plans.by_text.put(text, version, prepared)
                return prepared
            compiled.revision = revision
            if compiled.logical.mode is StatementMode.EXPLAIN:
                return _prepared(text, compiled, lifted.parameters, True)  # each shows what is known by then
            plans.by_fingerprint.put(lifted.key, version, compiled)
        prepared = _prepared(text, compiled, lifted.parameters, True)
        plans.by_text.put(text, version, prepared)
        return prepared

    def timed(self, text: str, view: GraphView) -> Timed:
        """A statement that begins with AS OF, taken apart.

        Raises:
            MemQLError: it is no statement, it writes, or its moment is no constant; with its position.
        """
        timed = self._timed.get(text, (0, 0))
        if timed is None:
            from .bind.catalog import GraphCatalog

            timed = take_apart(text, GraphCatalog(view, self.functions, self.procedures))
            self._timed.put(text, (0, 0), timed)
        return timed

    def _compile(
        self,
        text: str,
        view: GraphView,
        parameter_types: Mapping[str, Type],
        parameters: Mapping[str, Value],
        corrections: Applied | None = None,
        disabled_rules: Collection[str] = (),
    ) -> PhysicalPlan:
        # Imported here: a database whose statements are all cached never loads the parser.
        from .bind.catalog import GraphCatalog
        from .plan.build import plan_statement
        from .syntax.parser import parse
        from .syntax.walk import deepest

        catalog = GraphCatalog(view, self.functions, self.procedures)
        statement = parse(text)
        try:
            logical = plan_statement(statement, text, catalog, parameter_types)
            return plan(logical, view, disabled_rules, parameters=parameters, corrections=corrections)
        except (MemQLError, QueryTooComplex) as error:
            raise error.located(text) from None
        except RecursionError:
            raise too_complex(deepest(statement).span).located(text) from None

    def forget(self) -> None:
        """Drop all cached plans: what a procedure or function name means has changed."""
        for plans in (self.present, self.past):
            plans.by_text.clear()
            plans.by_fingerprint.clear()
        self._timed.clear()

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring: how often a plan was found by its text, or by its fingerprint."""
        found: dict[str, int | float] = {}
        for name, plans in (("plan_cache", self.present), ("plan_cache_as_of", self.past)):
            texts, fingerprints = plans.by_text.counters, plans.by_fingerprint.counters
            asked = texts.hits + texts.misses
            found |= {
                f"{name}_text_hits": texts.hits,
                f"{name}_fingerprint_hits": fingerprints.hits,
                f"{name}_misses": fingerprints.misses,
                f"{name}_hit_rate": (texts.hits + fingerprints.hits) / asked if asked else 0.0,
            }
        found["plans_corrected"] = self.feedback.replanned
        return found


def _size(view: GraphView) -> int:
    """The order of magnitude of a graph: the same for two that are within twice each other, mostly."""
    statistics = view.statistics
    return statistics.nodes().bit_length() << 8 | statistics.relationships().bit_length()


def _prepared(text: str, plan: PhysicalPlan, literals: Mapping[str, Value], fingerprinted: bool) -> Prepared:
    """A plan for one text, with its remarks placed in it."""
    notifications = []
    place = places_in_text(text) if fingerprinted and plan.logical.remarks else None
    for remark in plan.logical.remarks:
        spans = (remark.span, *remark.quoted)
        at, *quoted = spans if place is None else map(place, spans)
        parts = [" ".join(text[s.start : s.end].split()) for s in quoted]
        notifications.append((remark, Notification.of(remark, position_of(text, at.start), parts)))
    return Prepared(plan, literals, fingerprinted, notifications)


def too_complex(span: Span | None = None) -> QueryTooComplex:
    """What is said where the stack is too small for a statement."""
    return QueryTooComplex(
        "The statement has too many clauses or nests too deep.",
        span=span,
        limit="NESTING_DEPTH_MAX",
        value=NESTING_DEPTH_MAX,
        hint="Split it, or pass data as a list parameter to UNWIND.",
    )
