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

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray

if TYPE_CHECKING:
    from ..plan.expr import Subquery
    from .context import Context


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way to the same rows that the planner did not take; ``cost`` in nanoseconds, with all that is below.

    ``joins``: it would join two halves.
    """

    description: str
    rows: float
    cost: float
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects of an operator: rows out and cumulative cost in nanoseconds.

    ``alternatives``: what it was chosen over, cheapest first. ``parts``: names of what was estimated, by which a run
    that shows it to be wrong corrects it (``cost.corrections``).
    """

    rows: float
    cost: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    parts: tuple[str, ...] = ()


DEMAND_GROWTH = 8
"""How many times more rows a source gives each time it is asked again."""


@dataclass(slots=True)
class Demand:
    """What is wanted of a frame by one who may stop early: LIMIT, EXISTS.

    Sources begin with ``rows`` rows and give ``DEMAND_GROWTH`` times as many each time they are asked again; what they
    would give for an argument row that is ``satisfied`` they leave out.
    """

    satisfied: BoolArray
    rows: int

    @staticmethod
    def of(argument_rows: int, rows: int) -> Demand:
        """Nobody is satisfied yet; about ``rows`` rows will do."""
        return Demand(np.zeros(argument_rows, np.bool_), max(1, rows))

    def open(self, batch: Batch) -> Batch:
        """The rows of ``batch`` whose argument row still wants some."""
        if len(self.satisfied) == 1:
            return batch.slice(0, 0) if self.satisfied[0] else batch
        wanting = np.flatnonzero(~self.satisfied.take(batch.rows()))
        return batch if len(wanting) == batch.length else batch.take(wanting)


@dataclass(slots=True)
class Frame:
    """One activation: ``argument.row`` is arange(n) (None where n is 1), its weight None.

    ``demand`` None: every row is wanted. It goes down to the sources through what passes rows on one by one; what must
    see all rows first asks with ``whole()``.
    """

    argument: Batch
    n: int
    demand: Demand | None = None

    def whole(self) -> Frame:
        """The same frame, asked for all of its rows."""
        return self if self.demand is None else Frame(self.argument, self.n)

    def asked(self, rows: int) -> Frame:
        """The same frame, of which some ``rows`` rows for each argument row are wanted first."""
        return Frame(self.argument, self.n, Demand.of(self.n, rows))

    @staticmethod
    def top() -> Frame:
        """The frame of a whole statement: one row without columns."""
        return Frame(Batch({}, 1), 1)


@dataclass(eq=False, slots=True, kw_only=True)
class Operator:
    """A physical operator. Subclasses are dataclasses whose operator fields are their children."""

    estimate: Estimate | None = field(default=None, repr=False)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        """Yield the operator's rows for this frame, in non-empty batches."""
        raise NotImplementedError

    @property
    def makes_rows(self) -> bool:
        """Whether it may give more rows than come in: a weight counts as one."""
        return True

    @property
    def grows(self) -> bool:
        """Whether the plan may give more rows than its argument has."""
        return self.makes_rows or any(child.grows for child in self.children)

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
    def subqueries(self) -> tuple[Subquery, ...]:
        """The subqueries in the operator's own expressions, whose plans it runs."""
        from ..plan.expr import subqueries_in

        return tuple(s for f in fields(self) for s in subqueries_in(getattr(self, f.name)))

    @property
    def name(self) -> str:
        """The operator's name in EXPLAIN."""
        return type(self).__name__

    @property
    def adjacency(self) -> str:
        """The form in which the operator reads relationships, in a few words; empty where it reads none."""
        return ""

    @property
    def switches(self) -> tuple[str, ...]:
        """The physical alternatives (``rewrite.switches``) by whose choice the operator stands in its plan."""
        return ()

    def describe(self) -> str:
        """What EXPLAIN shows beside the name."""
        return ""
