"""What PROFILE measures of each operator: rows and batches out, and its own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memoradb.core.batch import Batch

from ..plan.explain import Measured
from .operator import Operator


class _Counter:
    __slots__ = ("batches", "rows", "time_ns")

    def __init__(self) -> None:
        self.rows = self.batches = self.time_ns = 0


class Profile:
    """Counters by operator for one run. ``clock_ns`` gives nanoseconds."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._counters: dict[int, _Counter] = {}

    def watch(self, operator: Operator, batches: Iterator[Batch]) -> Iterator[Batch]:
        """``batches``, counted."""
        counter = self._counters.setdefault(id(operator), _Counter())
        while True:
            started = self._clock_ns()
            try:
                batch = next(batches)
            except StopIteration:
                counter.time_ns += self._clock_ns() - started
                return
            counter.time_ns += self._clock_ns() - started
            counter.batches += 1
            counter.rows += batch.length if batch.weight is None else int(batch.weight.sum())
            yield batch

    def measured(self, operator: Operator) -> Measured | None:
        """What was seen of ``operator``; its time without its children's."""
        counter = self._counters.get(id(operator))
        if counter is None:
            return Measured(0, 0, 0)
        inner = (*operator.children, *(s.plan for s in operator.subqueries))
        below = sum(self._counters[id(c)].time_ns for c in inner if id(c) in self._counters)
        return Measured(counter.rows, counter.batches, max(0, counter.time_ns - below))
