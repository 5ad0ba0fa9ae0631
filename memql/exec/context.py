"""What one run of a statement carries: its view, parameters, clock, limits, and what it may be stopped by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from memoradb.core import limits
from memoradb.core.batch import Batch
from memoradb.core.clock import Clock
from memoradb.core.columns import Column, ListColumn, lift
from memoradb.core.errors import Cancelled, DeadlineExceeded, QueryMemoryExceeded, ReadOnlyDatabase
from memoradb.core.rng import Random
from memoradb.core.values import Value
from memoradb.storage.view import GraphView, GraphWriter

from ..functions.registry import FunctionRegistry
from .operator import Frame, Operator

if TYPE_CHECKING:
    from ..past import Past
    from ..procedures.registry import ProcedureRegistry
    from .profile import Profile


KernelUse: TypeAlias = Literal["auto", "always", "never"]
"""On which batches vectorised kernels run; see ``Options.kernels``."""

_KERNEL_ROWS: Final[dict[KernelUse, int]] = {
    "auto": limits.KERNEL_ROWS_MIN,
    "always": 0,
    "never": 1 << 62,
}


class Cancellation:
    """A switch that another thread may throw, and a deadline. Checked between batches."""

    def __init__(self, clock: Clock, deadline_ns: int | None = None) -> None:
        self._clock = clock
        self._deadline_ns = deadline_ns
        self._cancelled = False

    def cancel(self) -> None:
        """Stop the statement at its next batch."""
        self._cancelled = True

    def end_by(self, deadline_ns: int) -> None:
        """Stop at ``deadline_ns``, where the deadline is not earlier anyhow."""
        self._deadline_ns = deadline_ns if self._deadline_ns is None else min(self._deadline_ns, deadline_ns)

    def check(self) -> None:
        """Cancelled or DeadlineExceeded where the statement must stop."""
        if self._cancelled:
            raise Cancelled("The statement was cancelled.")
        if self._deadline_ns is not None and self._clock.monotonic_ns() > self._deadline_ns:
            raise DeadlineExceeded("The statement ran longer than its time limit.")


class Held:
    """The memory that one activation of an operator keeps: given back when its run ends, however it ends."""

    __slots__ = ("_bytes", "_context")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._bytes = 0

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.release(self._bytes)

    def add(self, bytes: int) -> None:
        """Account more; QueryMemoryExceeded beyond the statement's limit."""
        self._bytes += bytes
        self._context.hold(bytes)

    def keep_only(self, bytes: int) -> None:
        """What is kept has shrunk to so much."""
        self._context.release(self._bytes - bytes)
        self._bytes = bytes


@dataclass(slots=True)
class Context:
    """One run of one statement. Not shared between threads."""

    view: GraphView
    parameters: Mapping[str, Value]
    clock: Clock
    now_ns: int
    random: Random
    functions: FunctionRegistry
    procedures: ProcedureRegistry
    past: Past | None = None
    """Where the view comes from: what procedures about the graph's past ask."""
    position: int = 0
    """The log position of what is committed in the view."""
    batch_rows: int | None = None
    cancellation: Cancellation | None = None
    memory_bytes_max: int | None = None
    profile: Profile | None = None
    kernels: KernelUse = "auto"
    kernel_rows_min: int = field(default=0, init=False, repr=False)
    """Batches of fewer rows run by scalar semantics on list columns."""
    _held_bytes: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.kernel_rows_min = _KERNEL_ROWS[self.kernels]

    def lifted(self, items: list[Value]) -> Column:
        """A column of ``items``, in a typed form where they have one and kernels may use it."""
        return ListColumn(items) if self.kernels == "never" else lift(items)

    def plain(self, column: Column) -> Column:
        """``column``, as a list where kernels are off."""
        return ListColumn(column.values()) if self.kernels == "never" else column

    @property
    def rows_max(self) -> int:
        """The most rows a batch may have."""
        return self.batch_rows or limits.BATCH_ROWS

    @property
    def expand_rows_max(self) -> int:
        """The most rows one step of an expand may make."""
        return self.batch_rows or limits.EXPAND_ROWS_MAX

    @property
    def writer(self) -> GraphWriter:
        """The view, to write to."""
        if not hasattr(self.view, "create_nodes"):
            raise ReadOnlyDatabase("This statement runs on a snapshot, which cannot be written to.")
        return self.view  # pyright: ignore[reportReturnType]

    def check(self) -> None:
        """Stop here where the statement was cancelled or its time is up."""
        if self.cancellation is not None:
            self.cancellation.check()

    def hold(self, bytes: int) -> None:
        """Account memory that an operator keeps; QueryMemoryExceeded beyond the limit."""
        self._held_bytes += bytes
        limit = self.memory_bytes_max or limits.QUERY_MEMORY_BYTES
        if self._held_bytes > limit:
            raise QueryMemoryExceeded(
                f"The statement needs more than {limit:,} bytes.",
                limit="QUERY_MEMORY_BYTES",
                value=limit,
                hint="Return fewer rows, or aggregate or limit earlier.",
            )

    def release(self, bytes: int) -> None:
        """Give accounted memory back."""
        self._held_bytes -= bytes

    def held(self) -> Held:
        """An account for one activation: ``with context.held() as memory``."""
        return Held(self)

    @property
    def held_bytes(self) -> int:
        """What all operators of the statement keep now."""
        return self._held_bytes

    def batches(self, operator: Operator, frame: Frame) -> Iterator[Batch]:
        """Run ``operator``: every operator pulls its children through here, which is where PROFILE looks."""
        if self.profile is not None:
            return self.profile.watch(operator, self._checked(operator.run(frame, self)))
        if self.cancellation is not None:
            return self._checked(operator.run(frame, self))
        return operator.run(frame, self)

    def _checked(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.check()
            yield batch


def batch_bytes(batch: Batch) -> int:
    """A rough size: what accounting needs, not what a profiler would say."""
    return 64 + batch.length * (16 + 24 * len(batch.columns))
