"""One statement from text to result: the place to start reading.

``QueryEngine`` joins the compiler to a storage engine::

    text -> plan, from a cache or compiled (``preparation``)
         -> a snapshot (read) or a transaction's overlay (write) -> operators -> values

It holds no state of a client: transactions are the caller's and come in as arguments. Safe to use from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import (
    ArgumentError,
    MemoraDBError,
    MemQLError,
    ParameterMissing,
    SemanticError,
)
from memoradb.core.rng import Random, SystemRandom
from memoradb.core.spans import Span
from memoradb.core.values import Value
from memoradb.storage.overlay import Overlay
from memoradb.storage.view import Counters, GraphView

from .as_of import is_timed
from .exec.context import Cancellation, Context, KernelUse, batch_bytes
from .exec.materialise import shown
from .exec.operator import Frame
from .exec.profile import Profile
from .exec.spill import SYSTEM_FILES, TemporaryFiles
from .functions.registry import FunctionRegistry
from .notifications import Notification
from .optimize.feedback import SLOW_NS
from .optimize.planner import PhysicalPlan
from .parameters import normalise, normalise_parameters
from .past import Moments
from .preparation import Preparation, Prepared, too_complex
from .procedures.registry import ProcedureRegistry
from .result import Shown, StatementResult, Summary
from .rewrite.switches import KERNEL
from .syntax.ast import StatementMode
from .syntax.fingerprint import in_text
from .syntax.suggest import did_you_mean
from .syntax.text import statement_text

if TYPE_CHECKING:
    from memoradb.storage.engine import Engine
    from memoradb.storage.transaction import Transaction


@dataclass(slots=True)
class Options:
    """How to run one statement; what tests and protocols vary.

    ``timeout_ms`` None: no limit. ``disabled_rules``: what is left out of ``rewrite.switches``: rewrite rules, physical
    alternatives, kernels (such plans are not cached).
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
    disk_bytes_max: int | None = None
    read_only: bool = False
    kernels: KernelUse = "auto"
    as_of: Value = None


PLAIN_OPTIONS: Final = Options()
"""What most statements are run with; never changed."""

_NOTHING_CHANGED: Final = Counters()


@dataclass(slots=True)
class QueryEngine:
    """Compiles and runs MemQL over one storage engine."""

    storage: Engine
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)
    temporary_files: TemporaryFiles = SYSTEM_FILES
    """Where what does not fit into a statement's memory goes."""
    functions: FunctionRegistry = field(default_factory=FunctionRegistry)
    procedures: ProcedureRegistry = field(default_factory=ProcedureRegistry)
    preparation: Preparation = field(init=False)
    _moments: Moments = field(init=False)

    def __post_init__(self) -> None:
        self.preparation = Preparation(self.functions, self.procedures)
        self._moments = Moments(self.storage, self.clock)

    def prepare(
        self,
        text: str,
        view: GraphView,
        disabled_rules: Collection[str] = (),
        past: bool = False,
        given: Mapping[str, Value] | None = None,
    ) -> Prepared:
        """See ``Preparation.prepare``."""
        return self.preparation.prepare(text, view, disabled_rules, past, given)

    def forget_plans(self) -> None:
        """Drop all cached plans: what a procedure or function name means has changed."""
        self.preparation.forget()

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring."""
        return self.preparation.metrics()

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
        prepared: Prepared | None = None
        if options.as_of is not None or is_timed(text):
            result, compiled = self._in_the_past(text, given, transaction, options)
        elif transaction is not None:
            transaction.begin_statement()
            try:
                # Planning reads, too, but no answer rests on it: nothing of it is noted for the validation.
                prepared = self.preparation.prepare(text, transaction.overlay, options.disabled_rules, given=given)
                compiled = self.clock.monotonic_ns()
                result = self._in_transaction(text, prepared, given, transaction, options)
            finally:
                transaction.end_statement()
        else:
            snapshot = self.storage.snapshot()
            prepared = self.preparation.prepare(text, snapshot, options.disabled_rules, given=given)
            compiled = self.clock.monotonic_ns()
            if prepared.plan.logical.read_only or prepared.plan.logical.mode is StatementMode.EXPLAIN:
                result = self._run(text, prepared, given, snapshot, options)
            else:
                with self.storage.begin(exclusive=True) as own:
                    overlay = own.overlay
                    if overlay.base.schema_version != snapshot.schema_version:
                        # An index that the plan uses may have gone between planning and getting the writer's lock.
                        prepared = self.preparation.prepare(text, overlay, options.disabled_rules, given=given)
                    result = self._run(text, prepared, given, overlay, options)
                    committed = own.commit()
                    result.summary.position = committed.position
                    result.summary.transaction = committed.transaction
        summary = result.summary
        summary.compile_ns = compiled - started
        summary.time_ns = self.clock.monotonic_ns() - started
        if summary.time_ns > SLOW_NS and prepared is not None:
            self.preparation.feedback.took(prepared.plan, summary.time_ns - summary.compile_ns)
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
            prepared = self.preparation.prepare(rest, view, options.disabled_rules, past=True, given=given)
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
        timed = self.preparation.timed(text, present)
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
        cancellation = self._cancellation(options) or Cancellation(self.clock)
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
        if physical.line is not None and logical.mode is StatementMode.EXECUTE and options.memory_bytes_max is None:
            if (cancellation := self._cancellation(options)) is not None:
                cancellation.check()
            values = physical.line(view, parameters)
            if values is not None:
                summary = Summary(text, "r", _NOTHING_CHANGED, notifications=prepared.current(planning or view))
                return StatementResult(logical.columns, values, len(values[0]), summary)
        if logical.mode is StatementMode.EXPLAIN:
            return self._explained(text, physical, prepared.current(planning or view))
        profiled = logical.mode is StatementMode.PROFILE
        profile = Profile(time.perf_counter_ns) if profiled or physical.watched else None
        context = self._context(view, parameters, options, profile, _position(planning or view))
        context.unchanging = logical.read_only
        writer = None if logical.read_only else context.writer
        before = Counters() if writer is None else writer.statement_counters()
        try:
            pieces, count = self._drain(physical, context, logical.columns)
            if writer is not None:
                writer.check_deletes()
        except MemQLError as error:
            if prepared.fingerprinted and error.span is not None and error.position is None:
                error.span = in_text(text, error.span)
            raise error.located(text) from None
        except RecursionError:
            raise too_complex() from None
        finally:
            context.close()
            if profile is not None and physical.watched:
                self.preparation.feedback.ran(physical, profile)
        counters = before if writer is None else writer.statement_counters(before)
        summary = Summary(text, logical.statement_type, counters, notifications=prepared.current(planning or view))
        if profile is not None and profiled:
            self._describe(summary, physical, profile)
        return StatementResult(logical.columns, [], count, summary, pieces)

    def _drain(
        self, physical: PhysicalPlan, context: Context, columns: tuple[str, ...]
    ) -> tuple[list[list[Shown]], int]:
        pieces: list[list[Shown]] = []
        count = 0
        for batch in context.batches(physical.root, Frame.top()):
            batch = batch.expanded()
            count += batch.length
            context.hold(batch_bytes(batch))  # a result is held whole until its last row is there
            # The root's columns stand in result order: names may repeat nothing, positions are enough.
            if columns:
                pieces.append([shown(column, context.view) for column in batch.columns.values()])
        return pieces, count

    def _cancellation(self, options: Options) -> Cancellation | None:
        """What may stop a statement that begins now."""
        if options.cancellation is not None or options.timeout_ms is None:
            return options.cancellation
        return Cancellation(self.clock, self.clock.monotonic_ns() + options.timeout_ms * 1_000_000)

    def _context(
        self,
        view: GraphView,
        parameters: Mapping[str, Value],
        options: Options,
        profile: Profile | None,
        position: int,
    ) -> Context:
        context = Context(
            view,
            parameters,
            self.clock,
            self.clock.now_ns(),
            self.random,
            self.functions,
            self.procedures,
            self.storage,
            position,
            profile=profile,
            temporary_files=self.temporary_files,
        )
        if options is not PLAIN_OPTIONS:
            context = replace(
                context,
                batch_rows=options.batch_rows,
                cancellation=self._cancellation(options),
                memory_bytes_max=options.memory_bytes_max,
                disk_bytes_max=options.disk_bytes_max,
                kernels=options.kernels,
                kernels_off=_kernels_off(options.disabled_rules) if options.disabled_rules else frozenset(),
            )
        return context

    # --- EXPLAIN and PROFILE

    def _explained(self, text: str, physical: PhysicalPlan, notifications: Sequence[Notification]) -> StatementResult:
        summary = Summary(text, physical.logical.statement_type, Counters(), notifications=notifications)
        self._describe(summary, physical, None)
        return StatementResult((), [], 0, summary)

    def _describe(self, summary: Summary, physical: PhysicalPlan, profile: Profile | None) -> None:
        # Imported here: what is not explained does without.
        from .explain.report import report
        from .explain.text import text_of
        from .explain.tree import tree_of

        said = report(physical, profile)
        summary.plan = text_of(said)
        summary.plan_tree = tree_of(said)


def _kernels_off(disabled: Collection[str]) -> frozenset[str]:
    """The kernels among the names of ``Options.disabled_rules``."""
    return frozenset(name.removeprefix(KERNEL) for name in disabled if name.startswith(KERNEL))


def _position(view: GraphView) -> int:
    """The log position of what is committed in a view."""
    return view.base.position if isinstance(view, Overlay) else view.position  # pyright: ignore[reportAttributeAccessIssue]


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
