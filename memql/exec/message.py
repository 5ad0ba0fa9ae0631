"""What message passing passes: numbers by node, and how those of several branches become one.

See ``messages`` for what they mean. All arithmetic on integers is exact, or not done at all (``Unsuited``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import IntArray
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN

from ..plan.factors import Measure

Numbers: TypeAlias = NDArray[Any]


class Unsuited(Exception):
    """The data is not what these kernels add up exactly as the law does: the plan must be run row by row."""


@dataclass(slots=True)
class Message:
    """``slots`` ascending; ``counts`` None where all are 1. A measure's numbers are aligned with ``slots``."""

    slots: IntArray
    counts: IntArray | None = None
    sums: dict[Measure, Numbers] = field(default_factory=dict)
    extremes: dict[Measure, Numbers] = field(default_factory=dict)

    def ways(self) -> IntArray:
        """``counts`` as an array."""
        return np.ones(len(self.slots), np.int64) if self.counts is None else self.counts

    def copy(self) -> Message:
        """The same, to be changed."""
        return Message(self.slots, self.counts, dict(self.sums), dict(self.extremes))

    def take(self, positions: IntArray) -> Message:
        """The message of some of the nodes."""
        return Message(
            self.slots.take(positions),
            None if self.counts is None else self.counts.take(positions),
            {m: x.take(positions) for m, x in self.sums.items()},
            {m: x.take(positions) for m, x in self.extremes.items()},
        )


def extreme(measure: Measure) -> np.ufunc:
    """What takes the better of two. NaN is larger than every number: maximum passes it on, fmin passes it over."""
    return np.maximum if measure.kind == "max" else np.fmin


def neutral(measure: Measure, data: Numbers) -> Any:
    """What loses against every number."""
    if data.dtype == np.float64:
        return -np.inf if measure.kind == "max" else np.nan
    return INTEGER_MIN if measure.kind == "max" else INTEGER_MAX


def largest(data: Numbers) -> int:
    """The largest absolute value of integers; 0 of floats, which have no bound."""
    if not len(data) or data.dtype == np.float64:
        return 0
    return max(abs(int(data.min())), abs(int(data.max())))


def times(a: Numbers, b: IntArray) -> Numbers:
    """Products; Unsuited where integers might leave 64 bits."""
    if a.dtype == np.float64:
        with np.errstate(all="ignore"):
            return a * b
    if largest(a) * largest(b) > INTEGER_MAX:
        raise Unsuited
    return a * b


def plus(a: Numbers, b: Numbers) -> Numbers:
    """Sums; Unsuited where integers might leave 64 bits."""
    if largest(a) + largest(b) > INTEGER_MAX:
        raise Unsuited
    with np.errstate(all="ignore"):
        return a + b


def joined(message: Message, reached: Message) -> Message:
    """The message with one more branch, of whose numbers there is one for each node."""
    counts, before = reached.ways(), message.counts
    there = counts != 0
    kept = None if there.all() else np.flatnonzero(there)
    if kept is not None:
        message, counts = message.take(kept), counts.take(kept)
        before = message.counts
    for measure, data in message.sums.items():
        message.sums[measure] = times(data, counts)
    for measure, data in reached.sums.items():
        data = data if kept is None else data.take(kept)
        message.sums[measure] = data if before is None else times(data, before)
    for measure, data in reached.extremes.items():
        message.extremes[measure] = data if kept is None else data.take(kept)
    message.counts = counts if before is None else times(before, counts)
    return message


def combined(a: Message, b: Message) -> Message:
    """Each way of one with each of the other, node by node."""
    if a.extremes or b.extremes or any(x.dtype == np.float64 for m in (a, b) for x in m.sums.values()):
        raise Unsuited  # what is counted too often could not be taken back
    counts, others = a.ways(), b.ways()
    out = Message(a.slots, times(counts, others))
    out.sums = {m: times(x, others) for m, x in a.sums.items()} | {m: times(x, counts) for m, x in b.sums.items()}
    return out


def less(a: Message, b: Message) -> Message:
    """What is in ``a`` and not in ``b``, node by node."""
    if any(largest(x) + largest(b.sums.get(m, x)) > INTEGER_MAX for m, x in a.sums.items()):
        raise Unsuited
    out = Message(a.slots, a.ways() - b.ways())
    out.sums = {m: x - b.sums[m] if m in b.sums else x for m, x in a.sums.items()}
    return out


def added(a: Message, b: Message) -> Message:
    """Both ways to the same nodes."""
    out = Message(a.slots, plus(a.ways(), b.ways()))
    out.sums = {m: plus(x, b.sums[m]) for m, x in a.sums.items()}
    out.extremes = {m: extreme(m)(x, b.extremes[m]) for m, x in a.extremes.items()}
    return out
