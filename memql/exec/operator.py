"""The operator protocol: frames in, batches out.

A physical plan is a tree of operators, immutable and shared by all runs of a cached plan; whatever a run needs to
remember lives in the generator that ``run`` returns. One activation of a plan is a *frame*: the top level (an
argument of one row) or one slice of an Apply's outer side. Every operator carries ``row``, the position in the
frame's argument, so that LIMIT, DISTINCT, aggregation and sort are written once, per row.

The rules (DESIGN 4.3): order is promised within a row; an aggregation without keys yields a row for each of the frame's
``n`` argument rows; argument rows enter with weight 1; on an error an operator yields its error-free prefix, then
raises; batches hold at most ``context.batch_rows`` rows and are never empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from memoradb.core.batch import Batch

if TYPE_CHECKING:
    from .context import Context


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects of an operator: rows out and cumulative cost in nanoseconds."""

    rows: float
    cost: float = 0.0


@dataclass(slots=True)
class Frame:
    """One activation: ``argument.row`` is arange(n) (None where n is 1), its weight None."""

    argument: Batch
    n: int

    @staticmethod
    def top() -> Frame:
        """The frame of a whole statement: one row without columns."""
        return Frame(Batch.unit(), 1)


@dataclass(eq=False, slots=True, kw_only=True)
class Operator:
    """A physical operator. Subclasses are dataclasses whose operator fields are their children."""

    estimate: Estimate | None = field(default=None, repr=False)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        """Yield the operator's rows for this frame, in non-empty batches."""
        raise NotImplementedError

    @property
    def children(self) -> tuple[Operator, ...]:
        """The operators that feed this one, outer side first."""
        found: list[Operator] = []
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Operator):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(v for v in value if isinstance(v, Operator))
        return tuple(found)

    @property
    def name(self) -> str:
        """The operator's name in EXPLAIN."""
        return type(self).__name__

    def describe(self) -> str:
        """What EXPLAIN shows beside the name."""
        return ""
