"""One statement from text to result: the place to start reading.

``QueryEngine`` joins the compiler to a storage engine::

    text -> plan cache, or: fingerprint -> parse -> bind and build -> rewrite -> plan     compile()
         -> a snapshot (read) or a transaction's overlay (write) -> operators -> values   run()

It holds no state of a client: transactions are the caller's and come in as arguments. Safe to use from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import (
    ArgumentError,
    MemoraDBError,
    MemQLError,
    ParameterMissing,
    QueryTooComplex,
    SemanticError,
)
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.rng import Random, SystemRandom
from memoradb.core.spans import Span, position_of
from memoradb.core.values import Value
from memoradb.storage.overlay import Overlay
from memoradb.storage.view import Counters, GraphView

from .as_of import Timed, is_timed, take_apart
from .bind.types import Type
from .exec.context import Cancellation, Context, KernelUse, batch_bytes
from .exec.materialise import materialise
from .exec.operator import Frame
from .exec.profile import Profile
from .functions.registry import FunctionRegistry
from .notifications import Notification, NotificationKind, Remark
from .optimize.plan_cache import PlanCache
from .optimize.planner import PhysicalPlan, plan
from .parameters import normalise, normalise_parameters, type_of
from .past import Moments
from .plan.explain import Measured, logical_lines, physical_lines, render, summary_plan
from .procedures.registry import ProcedureRegistry
from .result import StatementResult, Summary
from .syntax.ast import StatementMode
from .syntax.fingerprint import fingerprint, in_text
from .syntax.suggest import did_you_mean
from .syntax.text import statement_text

if TYPE_CHECKING:
    from memoradb.storage.engine import Engine
    from memoradb.storage.transaction import Transaction


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


@dataclass(slots=True)
class Options:
    """How to run one statement; what tests and protocols vary.

    ``timeout_ms`` None: no limit. ``disabled_rules``: rewrite rules left out (such plans are not cached).
    ``batch_rows``: the most rows in a batch. ``kernels``: whether vectorised kernels run on batches that are large
    enough for them (``auto``), on every batch (``always``), or not at all (``never``: list columns and scalar
    semantics throughout); no result depends on it. ``as_of``: read the graph of then, as AS OF in the text does: a
    transaction's number, or a time.
    """

    timeout_ms: int | None = None
    batch_rows: int | None = None
    disabled_rules: Collection[str] = ()
    cancellation: Cancellation | None = None
    memory_bytes_max: int | None = None
    read_only: bool = False
    kernels: KernelUse = "auto"
    as_of: Value = None


PLAIN_OPTIONS: Final = Options()
"""What most statements are run with; never changed."""


@dataclass(slots=True)
class Plans:
    """Both levels of the plan cache."""

    by_text: PlanCache[Prepared] = field(default_factory=PlanCache)
    by_fingerprint: PlanCache[PhysicalPlan] = field(default_factory=PlanCache)


@dataclass(slots=True)
class QueryEngine:
    """Compiles and runs MemQL over one storage engine."""

    storage: Engine
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)
    functions: FunctionRegistry = field(default_factory=FunctionRegistry)
    procedures: ProcedureRegistry = field(default_factory=ProcedureRegistry)
    _present: Plans = field(default_factory=Plans)
    _past: Plans = field(default_factory=Plans)
    """Of statements with AS OF, without it: whatever the moment, they share their plans."""
    _timed: PlanCache[Timed] = field(default_factory=PlanCache)
    _moments: Moments = field(init=False)

    def __post_init__(self) -> None:
        self._moments = Moments(self.storage, self.clock)

    # --- text to plan

    def prepare(self, text: str, view: GraphView, disabled_rules: Collection[str] = (), past: bool = False) -> Prepared:
        """The plan for ``text``, from the cache where it was seen before, whatever its literals.

        ``past``: ``view`` is one of many states of the past; their plans are kept by schema and rough size.

        Raises:
            MemQLError: the text is not a statement that can be run; with its position.
        """
        if disabled_rules:
            return _prepared(text, self._compile(statement_text(text), view, {}, disabled_rules), {}, False)
        plans = self._past if past else self._present
        version = (view.schema_version, _size(view) if past else view.statistics.generation())
        prepared = plans.by_text.get(text, version)
        if prepared is not None:
            return prepared
        lifted = fingerprint(statement_text(text))
        compiled = plans.by_fingerprint.get(lifted.key, version)
        if compiled is None:
            types = {name: type_of(value) for name, value in lifted.parameters.items()}
            try:
                compiled = self._compile(lifted.key, view, types)
            except MemoraDBError:
                # The error must point into the text as written; should that compile, its plan is as good.
                prepared = _prepared(text, self._compile(text, view, {}), {}, False)
                plans.by_text.put(text, version, prepared)
                return prepared
            plans.by_fingerprint.put(lifted.key, version, compiled)
        prepared = _prepared(text, compiled, lifted.parameters, True)
        plans.by_text.put(text, version, prepared)
        return prepared

    def _compile(
        self,
        text: str,
        view: GraphView,
        parameter_types: Mapping[str, Type],
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
            return plan(logical, view, disabled_rules)
        except (MemQLError, QueryTooComplex) as error:
            raise error.located(text) from None
        except RecursionError:
            raise _too_complex(deepest(statement).span).located(text) from None

    def forget_plans(self) -> None:
        """Drop all cached plans: what a procedure or function name means has changed."""
        for plans in (self._present, self._past):
            plans.by_text.clear()
            plans.by_fingerprint.clear()
        self._timed.clear()

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring: how often a plan was found by its text, or by its fingerprint."""
        found: dict[str, int | float] = {}
        for name, plans in (("plan_cache", self._present), ("plan_cache_as_of", self._past)):
            texts, fingerprints = plans.by_text.counters, plans.by_fingerprint.counters
            asked = texts.hits + texts.misses
            found |= {
                f"{name}_text_hits": texts.hits,
                f"{name}_fingerprint_hits": fingerprints.hits,
                f"{name}_misses": fingerprints.misses,
                f"{name}_hit_rate": (texts.hits + fingerprints.hits) / asked if asked else 0.0,
            }
        return found

    # --- plan to result

    def execute(
        self,
        text: str,
        parameters: Mapping[str, Value] | None = None,
        *,
        transaction: Transaction | None = None,
        options: Options | None = None,
    ) -> StatementResult:
        """Run one statement to its end, in ``transaction`` or in one of its own.

        A statement that fails has no effect; inside a transaction the transaction goes on without it.

        Raises:
            MemoraDBError: any of the tree in ``core.errors``.
        """
        options = options or PLAIN_OPTIONS
        if type(text) is not str:
            text = statement_text(text)
        started = self.clock.monotonic_ns()
        given = normalise_parameters(parameters) if parameters else {}
        if options.as_of is not None or is_timed(text):
            result, compiled = self._in_the_past(text, given, transaction, options)
        elif transaction is not None:
            transaction.begin_statement()
            try:
                # Planning reads, too, but no answer rests on it: nothing of it is noted for the validation.
                prepared = self.prepare(text, transaction.overlay, options.disabled_rules)
                compiled = self.clock.monotonic_ns()
                result = self._in_transaction(text, prepared, given, transaction, options)
            finally:
                transaction.end_statement()
        else:
            snapshot = self.storage.snapshot()
            prepared = self.prepare(text, snapshot, options.disabled_rules)
            compiled = self.clock.monotonic_ns()
            if prepared.plan.logical.read_only or prepared.plan.logical.mode is StatementMode.EXPLAIN:
                result = self._run(text, prepared, given, snapshot, options)
            else:
                with self.storage.begin(exclusive=True) as own:
                    overlay = own.overlay
                    if overlay.base.schema_version != snapshot.schema_version:
                        # An index that the plan uses may have gone between planning and getting the writer's lock.
                        prepared = self.prepare(text, overlay, options.disabled_rules)
                    result = self._run(text, prepared, given, overlay, options)
                    committed = own.commit()
                    result.summary.position = committed.position
                    result.summary.transaction = committed.transaction
        summary = result.summary
        summary.compile_ns = compiled - started
        summary.time_ns = self.clock.monotonic_ns() - started
        return result

    def _in_transaction(
        self,
        text: str,
        prepared: Prepared,
        given: Mapping[str, Value],
        transaction: Transaction,
        options: Options,
    ) -> StatementResult:
        view, overlay = transaction.view, transaction.overlay
        if transaction.deadline_ns is not None:
            options = self._until(transaction.deadline_ns, options)
        if prepared.plan.logical.read_only:
            return self._run(text, prepared, given, view, options, overlay)
        savepoint = overlay.savepoint()
        try:
            return self._run(text, prepared, given, view, options, overlay)
        except BaseException:
            overlay.rollback_to(savepoint)
            raise

    # --- the past

    def _in_the_past(
        self, text: str, given: Mapping[str, Value], transaction: Transaction | None, options: Options
    ) -> tuple[StatementResult, int]:
        """The result of a statement with AS OF, and when it was compiled.

        Inside a transaction it reads what was committed, without the transaction's own changes; the past does not
        change, so nothing of it has to be validated at the commit.
        """
        if transaction is None:
            return self._as_of(text, given, options)
        transaction.begin_statement()
        try:
            if transaction.deadline_ns is not None:
                options = self._until(transaction.deadline_ns, options)
            return self._as_of(text, given, options)
        finally:
            transaction.end_statement()

    def _as_of(self, text: str, given: Mapping[str, Value], options: Options) -> tuple[StatementResult, int]:
        rest, position = self._past_position(text, given, options)
        try:
            view = self.storage.history.at(position)
            prepared = self.prepare(rest, view, options.disabled_rules, past=True)
            compiled = self.clock.monotonic_ns()
            if not prepared.plan.logical.read_only:
                raise SemanticError(
                    "A statement as of the past cannot write.", phase="runtime", detail="InvalidClauseComposition"
                )
            result = self._run(rest, prepared, given, view, options)
        except MemoraDBError as error:
            raise error.relocated(text) from None
        result.summary.query = text
        result.summary.as_of = position
        if result.summary.plan is not None:
            result.summary.plan = f"As of position {position} of the log\n\n{result.summary.plan}"
        return result, compiled

    def _past_position(self, text: str, given: Mapping[str, Value], options: Options) -> tuple[str, int]:
        """A statement without its AS OF, and the position that it is to be run at."""
        if not is_timed(text):
            moment = normalise(options.as_of, "as_of")
            return text, self._moments.position_of(moment, isinstance(moment, int))
        if options.as_of is not None:
            raise ArgumentError("The statement has an AS OF of its own.", hint="Give `as_of` or write it, not both.")
        present = self.storage.snapshot()
        timed = self._timed.get(text, (0, 0))
        if timed is None:
            from .bind.catalog import GraphCatalog

            timed = take_apart(text, GraphCatalog(present, self.functions, self.procedures))
            self._timed.put(text, (0, 0), timed)
        if not timed.parameters <= given.keys():
            raise _missing(text, min(timed.parameters - given.keys()), given)
        try:
            moment = timed.moment(self._context(present, given, options, None, present.position))
            return timed.rest, self._moments.position_of(moment, timed.transaction)
        except MemoraDBError as error:
            error.span = error.span or timed.span
            raise error.located(text) from None

    def _until(self, deadline_ns: int, options: Options) -> Options:
        """The same options with an end that is no later than ``deadline_ns``."""
        cancellation = options.cancellation
        if cancellation is None:
            own = None if options.timeout_ms is None else self.clock.monotonic_ns() + options.timeout_ms * 1_000_000
            cancellation = Cancellation(self.clock, own)
        cancellation.end_by(deadline_ns)
        return replace(options, cancellation=cancellation)

    def _run(
        self,
        text: str,
        prepared: Prepared,
        given: Mapping[str, Value],
        view: GraphView,
        options: Options,
        planning: GraphView | None = None,
    ) -> StatementResult:
        physical = prepared.plan.for_view(view, planning)
        logical = physical.logical
        if not logical.read_only and options.read_only and logical.mode is not StatementMode.EXPLAIN:
            raise MemQLError(
                "This connection may only read, and the statement writes.",
                code="Neo.ClientError.Statement.AccessMode",
                gqlstatus="25G02",
            )
        parameters = {**given, **prepared.literals} if prepared.literals else given
        if not logical.parameters <= parameters.keys() and logical.mode is not StatementMode.EXPLAIN:
            raise _missing(text, min(logical.parameters - parameters.keys()), given)
        if logical.mode is StatementMode.EXPLAIN:
            return self._explained(text, physical, _current(prepared, planning or view))
        profile = Profile(time.perf_counter_ns) if logical.mode is StatementMode.PROFILE else None
        context = self._context(view, parameters, options, profile, _position(planning or view))
        writer = None if logical.read_only else context.writer
        before = Counters() if writer is None else writer.statement_counters()
        try:
            values, count = self._drain(physical, context, logical.columns)
            if writer is not None:
                writer.check_deletes()
        except MemQLError as error:
            if prepared.fingerprinted and error.span is not None and error.position is None:
                error.span = in_text(text, error.span)
            raise error.located(text) from None
        except RecursionError:
            raise _too_complex() from None
        counters = before if writer is None else writer.statement_counters(before)
        summary = Summary(text, logical.statement_type, counters, notifications=_current(prepared, planning or view))
        if profile is not None:
            self._describe(summary, physical, profile.measured)
        return StatementResult(logical.columns, values, count, summary)

    def _drain(
        self, physical: PhysicalPlan, context: Context, columns: tuple[str, ...]
    ) -> tuple[list[list[Value]], int]:
        values: list[list[Value]] = [[] for _ in columns]
        count = 0
        for batch in context.batches(physical.root, Frame.top()):
            batch = batch.expanded()
            count += batch.length
            context.hold(batch_bytes(batch))  # a result is held whole until its last row is there
            # The root's columns stand in result order: names may repeat nothing, positions are enough.
            for gathered, column in zip(values, batch.columns.values(), strict=False):
                gathered.extend(materialise(column, context.view))
        return values, count

    def _context(
        self,
        view: GraphView,
        parameters: Mapping[str, Value],
        options: Options,
        profile: Profile | None,
        position: int,
    ) -> Context:
        cancellation = options.cancellation
        if cancellation is None and options.timeout_ms is not None:
            deadline = self.clock.monotonic_ns() + options.timeout_ms * 1_000_000
            cancellation = Cancellation(self.clock, deadline)
        return Context(
            view=view,
            parameters=parameters,
            clock=self.clock,
            now_ns=self.clock.now_ns(),
            random=self.random,
            functions=self.functions,
            procedures=self.procedures,
            past=self.storage,
            position=position,
            batch_rows=options.batch_rows,
            cancellation=cancellation,
            memory_bytes_max=options.memory_bytes_max,
            profile=profile,
            kernels=options.kernels,
        )

    # --- EXPLAIN and PROFILE

    def _explained(self, text: str, physical: PhysicalPlan, notifications: Sequence[Notification]) -> StatementResult:
        summary = Summary(text, physical.logical.statement_type, Counters(), notifications=notifications)
        self._describe(summary, physical, lambda _: None)
        return StatementResult((), [], 0, summary)

    def _describe(self, summary: Summary, physical: PhysicalPlan, measured: Callable[..., Measured | None]) -> None:
        lines = physical_lines(physical.root, measured)
        parts = [render(logical_lines(physical.rewritten), "Logical plan"), render(lines, "Physical plan")]
        if physical.rules:
            parts.append("Rules that fired: " + ", ".join(dict.fromkeys(physical.rules)))
        summary.plan = "\n\n".join(parts)
        summary.plan_tree = summary_plan(lines)


def _position(view: GraphView) -> int:
    """The log position of what is committed in a view."""
    return view.base.position if isinstance(view, Overlay) else view.position  # pyright: ignore[reportAttributeAccessIssue]


def _size(view: GraphView) -> int:
    """The order of magnitude of a graph: the same for two that are within twice each other, mostly."""
    statistics = view.statistics
    return statistics.nodes().bit_length() << 8 | statistics.relationships().bit_length()


def _prepared(text: str, plan: PhysicalPlan, literals: Mapping[str, Value], fingerprinted: bool) -> Prepared:
    """A plan for one text, with its remarks placed in it."""
    notifications = []
    for remark in plan.logical.remarks:
        spans = (remark.span, *remark.quoted)
        at, *quoted = [in_text(text, s) for s in spans] if fingerprinted else spans
        parts = [" ".join(text[s.start : s.end].split()) for s in quoted]
        notifications.append((remark, Notification.of(remark, position_of(text, at.start), parts)))
    return Prepared(plan, literals, fingerprinted, notifications)


def _current(prepared: Prepared, view: GraphView) -> Sequence[Notification]:
    """The notifications that are true of ``view``: a name that was unknown may have come into the graph since."""
    if not prepared.notifications:
        return ()
    known: dict[NotificationKind, Callable[[], Sequence[str]]] = {
        NotificationKind.UNKNOWN_LABEL: view.labels,
        NotificationKind.UNKNOWN_RELATIONSHIP_TYPE: view.relationship_types,
        NotificationKind.UNKNOWN_PROPERTY_KEY: view.property_keys,
    }
    return [n for r, n in prepared.notifications if r.name is None or r.name not in known[r.kind]()]


def _missing(text: str, name: str, given: Mapping[str, Value]) -> ParameterMissing:
    """The error for a parameter without a value, at its first place in the text."""
    from .syntax.lower_expressions import parameter_name
    from .syntax.tokens import tokenize

    places = [t for t in tokenize(text) if t.type == "PARAM" and parameter_name(t) == name]
    return ParameterMissing(
        f"Expected parameter: {name}.",
        span=Span(places[0].start_pos, places[0].end_pos) if places else None,
        hint=did_you_mean(name, given) or f"Give a value for ${name} with the statement.",
    ).located(text)


def _too_complex(span: Span | None = None) -> QueryTooComplex:
    return QueryTooComplex(
        "The statement has too many clauses or nests too deep.",
        span=span,
        limit="NESTING_DEPTH_MAX",
        value=NESTING_DEPTH_MAX,
        hint="Split it, or pass data as a list parameter to UNWIND.",
    )
