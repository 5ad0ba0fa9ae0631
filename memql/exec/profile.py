"""What is measured of each operator in a run: rows and batches out, and its own time; for PROFILE and for feedback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memoradb.core.batch import Batch

from ..plan.explain import Measured
from .operator import Operator


class _Counter:
    __slots__ = ("arguments", "batches", "bytes", "bytes_most", "ended", "rows", "started", "time_ns")

    def __init__(self) -> None:
        self.rows = self.batches = self.time_ns = 0
        self.arguments = self.started = self.ended = 0
        self.bytes = self.bytes_most = 0

    def hold(self, bytes: int) -> None:
        """The operator keeps so much more memory; less where it is negative."""
        self.bytes += bytes
        self.bytes_most = max(self.bytes_most, self.bytes)


class Profile:
    """Counters by operator for one run. ``clock_ns`` gives nanoseconds."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._counters: dict[int, _Counter] = {}
        self.running: _Counter | None = None
        """The counter of the operator whose code runs now."""
        self.bytes_most = 0
        """What the statement held in memory at most, its result too."""
        self.disk_bytes_most = 0
        """What it had in temporary files at most."""

    def held(self, bytes: int) -> None:
        """The statement holds ``bytes`` now."""
        self.bytes_most = max(self.bytes_most, bytes)

    def on_disk(self, bytes: int) -> None:
        """It has ``bytes`` in temporary files now."""
        self.disk_bytes_most = max(self.disk_bytes_most, bytes)

    def watch(self, operator: Operator, batches: Iterator[Batch], arguments: int = 1) -> Iterator[Batch]:
        """``batches``, counted: the rows of a frame of so many ``arguments``."""
        counter = self._counters.setdefault(id(operator), _Counter())
        counter.arguments += arguments
        counter.started += 1
        while True:
            above, self.running = self.running, counter
            started = self._clock_ns()
            try:
                batch = next(batches)
            except StopIteration:
                counter.ended += 1
                return
            finally:
                counter.time_ns += self._clock_ns() - started
                self.running = above
            counter.batches += 1
            counter.rows += batch.length if batch.weight is None else int(batch.weight.sum())
            yield batch

    def measured(self, operator: Operator) -> Measured | None:
        """What was seen of ``operator``: its time without its children's, and with theirs."""
        counter = self._counters.get(id(operator))
        if counter is None:
            return Measured(0, 0, 0, arguments=0, drained=False)
        inner = (*operator.children, *(s.plan for s in operator.subqueries))
        below = sum(self._counters[id(c)].time_ns for c in inner if id(c) in self._counters)
        time_ns = max(0, counter.time_ns - below)
        return Measured(
            counter.rows,
            counter.batches,
            time_ns,
            max(1, counter.arguments),
            self.was_drained(operator),
            counter.time_ns,
            counter.bytes_most,
        )

    def was_drained(self, operator: Operator) -> bool:
        """Whether ``operator`` ran, and each time to its end: nobody stopped asking before."""
        counter = self._counters.get(id(operator))
        return counter is not None and counter.started == counter.ended
