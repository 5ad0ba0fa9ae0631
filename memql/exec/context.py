"""What one run of a statement carries: its view, parameters, clock, limits, and what it may be stopped by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from memoradb.core import limits
from memoradb.core.batch import Batch
from memoradb.core.clock import Clock
from memoradb.core.columns import Column, ListColumn, lift
from memoradb.core.errors import Cancelled, DeadlineExceeded, QueryMemoryExceeded, ReadOnlyDatabase
from memoradb.core.footprint import batch_bytes
from memoradb.core.rng import Random
from memoradb.core.values import Value
from memoradb.storage.view import GraphView, GraphWriter

from ..functions.registry import FunctionRegistry
from .operator import Frame, Operator
from .spill import SYSTEM_FILES, Spill, TemporaryFiles

if TYPE_CHECKING:
    from ..past import Past
    from ..procedures.registry import ProcedureRegistry
    from .profile import Profile


T = TypeVar("T")

__all__ = ["Cancellation", "Context", "Held", "KernelUse", "batch_bytes"]

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

    __slots__ = ("_bytes", "_context", "_counter")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._bytes = 0
        self._counter = None if context.profile is None else context.profile.running
        """Of the operator that keeps it, where that is measured."""

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.release(self._bytes)
        if self._counter is not None:
            self._counter.hold(-self._bytes)

    def add(self, bytes: int) -> None:
        """Account more; QueryMemoryExceeded beyond the statement's limit."""
        self._bytes += bytes
        if self._counter is not None:
            self._counter.hold(bytes)
        self._context.hold(bytes)

    def keep_only(self, bytes: int) -> None:
        """What is kept is so much now; QueryMemoryExceeded where it has grown beyond the statement's limit."""
        more = bytes - self._bytes
        self._bytes = bytes
        if self._counter is not None:
            self._counter.hold(more)
        self._context.hold(more)

    @property
    def crowded(self) -> bool:
        """Whether this activation holds more than its share: time to write something to disk, where it can.

        The share is a part of what the statement's others leave, so that several that spill get along.
        """
        context = self._context
        return self._bytes * limits.SPILL_SHARE > context.memory_limit - (context.held_bytes - self._bytes)


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
    unchanging: bool = False
    """The statement does not write: the view stays what it is while the statement runs."""
    kernels_off: frozenset[str] = frozenset()
    """Operators and functions whose kernels are left out (tests)."""
    kernel_rows_min: int = field(default=0, init=False, repr=False)
    """Batches of fewer rows run by scalar semantics on list columns."""
    temporary_files: TemporaryFiles = SYSTEM_FILES
    """Where files come from for what does not fit into memory."""
    disk_bytes_max: int | None = None
    _held_bytes: int = field(default=0, repr=False)
    _disk_bytes: int = field(default=0, init=False, repr=False)
    _spills: tuple[Spill, ...] = field(default=(), init=False, repr=False)
    memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)
    """What kernels remember from batch to batch: see ``kernels.per_string``."""

    def __post_init__(self) -> None:
        self.kernel_rows_min = _KERNEL_ROWS[self.kernels]

    def kept(self, owner: object, make: Callable[[], T]) -> T:
        """What ``owner``, a part of the plan, keeps from one activation to the next: made by the first of them.

        Where the statement writes, nothing is: what was true of the graph then may not be any more.
        """
        if not self.unchanging:
            return make()
        found = self.memo.get(id(owner))
        if found is None:
            found = self.memo[id(owner)] = make()
        return found

    def lifted(self, items: list[Value]) -> Column:
        """A column of ``items``, in a typed form where they have one and kernels may use it."""
        return ListColumn(items) if self.kernels == "never" else lift(items)

    def typed(self, column: Column) -> Column:
        """``column`` in a typed form, where it is a list that has one and kernels may use it."""
        if type(column) is not ListColumn or len(column.items) < self.kernel_rows_min:
            return column
        return lift(column.items)

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

    @property
    def memory_limit(self) -> int:
        """The most bytes that the statement may hold."""
        return self.memory_bytes_max or limits.QUERY_MEMORY_BYTES

    def hold(self, bytes: int) -> None:
        """Account memory that an operator keeps; QueryMemoryExceeded beyond the limit."""
        self._held_bytes += bytes
        if self.profile is not None:
            self.profile.held(self._held_bytes)
        limit = self.memory_bytes_max or limits.QUERY_MEMORY_BYTES
        if self._held_bytes > limit and bytes > 0:
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

    def spill(self) -> Spill:
        """A temporary file for batches: ``with context.spill() as spill``. It is gone when the statement ends."""
        found = Spill(self.temporary_files, self)
        self._spills += (found,)
        return found

    def write_to_disk(self, bytes: int) -> None:
        """Account bytes of temporary files; QueryMemoryExceeded beyond the limit."""
        limit = self.disk_bytes_max or limits.QUERY_DISK_BYTES
        if self._disk_bytes + bytes > limit:
            raise QueryMemoryExceeded(
                f"The statement needs more than {limit:,} bytes of temporary files.",
                limit="QUERY_DISK_BYTES",
                value=limit,
                hint="Sort, group or join fewer rows, or limit earlier.",
            )
        self._disk_bytes += bytes
        if self.profile is not None:
            self.profile.on_disk(self._disk_bytes)

    def forget_on_disk(self, bytes: int) -> None:
        """Give accounted bytes of temporary files back."""
        self._disk_bytes -= bytes

    @property
    def disk_bytes(self) -> int:
        """What the statement has in temporary files now."""
        return self._disk_bytes

    def close(self) -> None:
        """The statement has ended: no temporary file stays, even where an error's traceback keeps operators alive."""
        for spill in self._spills:
            spill.close()
        self._spills = ()

    @property
    def held_bytes(self) -> int:
        """What all operators of the statement keep now."""
        return self._held_bytes

    def batches(self, operator: Operator, frame: Frame) -> Iterator[Batch]:
        """Run ``operator``: every operator pulls its children through here, which is where PROFILE looks."""
        if self.profile is not None:
            return self.profile.watch(operator, self._checked(operator.run(frame, self)), frame.n)
        if self.cancellation is not None:
            return self._checked(operator.run(frame, self))
        return operator.run(frame, self)

    def _checked(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.check()
            yield batch
