"""Multiway intersection: a node that several bound nodes lead to, found by all of them at once.

A cycle in a pattern closes where a node is reached from two or more bound ones. Following one relationship and testing
the others afterwards makes the neighbours of whichever end was chosen, for every row. The generic join instead starts
each row from its end of fewest relationships and looks those few up in the lists of the others: never more work than
the smallest list, which is what makes it worst-case optimal (Ngo, Porat, Ré, Rudra 2012; Veldhuizen's leapfrog 2014 is
the same bound on sorted lists). The look-up is ``between``'s, for all rows of a batch together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, IntArray, node_column, relationship_column
from memoradb.storage.view import Direction

from .adjacent import arrow, counted_rows, degree_slices, relationship_conflicts, with_nodes
from .between import between, ranked
from .context import Context
from .operator import Frame, Operator

LOOK_UP_NS: Final = 20
"""A neighbour that is looked up among another node's, roughly."""

LIST_NS: Final = 40
"""A relationship made ready to be looked up among, roughly: sorted, or marked."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One relationship that leads to the node: from ``source``, ``direction`` as seen from there.

    ``variable`` names it; ``shown``: something reads it afterwards. ``unique``: relationships that it must differ
    from, of the input or of legs before it.
    """

    source: str
    variable: str
    types: tuple[str, ...]
    direction: Direction
    shown: bool = False
    unique: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Intersect(Operator):
    """Each node that all ``legs`` lead to: a row for each choice of their relationships.

    ``target`` None: nothing reads the node. Two legs at least; parallel relationships give rows, or weights where
    nothing is shown.
    """

    input: Operator
    target: str | None
    legs: tuple[Leg, ...]
    target_labels: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        demand = frame.demand
        for batch in context.batches(self.input, frame):
            if demand is not None:
                batch = demand.open(batch)
            batch, sources = with_nodes(batch, *(leg.source for leg in self.legs))
            if batch.length:
                yield from self._intersected(batch, sources, None if demand is None else demand.rows, context)

    def _intersected(
        self, batch: Batch, sources: list[IntArray], first: int | None, context: Context
    ) -> Iterator[Batch]:
        view = context.view
        ends = [ranked(slots) for slots in sources]
        each = [view.degrees(e, leg.types or None, leg.direction) for (e, _), leg in zip(ends, self.legs, strict=True)]
        degrees = [own.take(which) for own, (_, which) in zip(each, ends, strict=True)]
        fewest = degrees[0]
        for more in degrees[1:]:
            fewest = np.minimum(fewest, more)
        # Looking up in a leg reads the lists of its different ends: where most legs have many, it may cost less to
        # begin every row with the one of most than each row with its least.
        lists = [LIST_NS * int(own.sum()) for own in each]
        costs = [LOOK_UP_NS * int(d.sum()) + sum(lists) - own for d, own in zip(degrees, lists, strict=True)]
        least = min(costs)
        if least < LOOK_UP_NS * int(fewest.sum()) + sum(lists):
            number = costs.index(least)
            parts = [(number, np.flatnonzero(fewest), degrees[number])]
        else:
            begun = np.argmin(np.stack(degrees), axis=0)
            parts = [(n, np.flatnonzero((begun == n) & (fewest > 0)), fewest) for n in range(len(self.legs))]
        for number, rows, made in parts:
            for start, stop in degree_slices(made.take(rows), context.expand_rows_max, first):
                context.check()
                yield from self._from(batch, sources, rows[start:stop], number, context)

    def _from(
        self, batch: Batch, sources: list[IntArray], rows: IntArray, number: int, context: Context
    ) -> Iterator[Batch]:
        """The rows at ``rows``, begun with the leg ``number``."""
        view, leg = context.view, self.legs[number]
        reached = view.expand(sources[number].take(rows), leg.types or None, leg.direction)
        positions, nodes = rows.take(reached.source_position), reached.node
        chosen: dict[int, IntArray] = {number: reached.relationship}
        keep: BoolArray | None = None
        for label in self.target_labels:
            has = view.has_label(nodes, label)
            keep = has if keep is None else keep & has
        if keep is not None and not keep.all():
            kept = np.flatnonzero(keep)
            positions, nodes = positions.take(kept), nodes.take(kept)
            chosen[number] = chosen[number].take(kept)
        for other, leg in enumerate(self.legs):
            if other == number or not len(positions):
                continue
            found = list(between(sources[other].take(positions), nodes, leg.types, leg.direction, context))
            if not found:
                return
            hits = found[0][0] if len(found) == 1 else np.concatenate([pairs for pairs, _ in found])
            relationships = found[0][1] if len(found) == 1 else np.concatenate([r for _, r in found])
            positions, nodes = positions.take(hits), nodes.take(hits)
            chosen = {known: column.take(hits) for known, column in chosen.items()}
            chosen[other] = relationships
        if not len(positions):
            return
        yield from self._checked(batch, positions, nodes, chosen, context)

    def _checked(
        self, batch: Batch, positions: IntArray, nodes: IntArray, chosen: dict[int, IntArray], context: Context
    ) -> Iterator[Batch]:
        """The rows whose relationships differ where they must."""
        own = {leg.variable: chosen[number] for number, leg in enumerate(self.legs)}
        keep: BoolArray | None = None
        for number, leg in enumerate(self.legs):
            for name in leg.unique:
                if name in own:
                    differ = own[name] != chosen[number]
                else:
                    differ = ~relationship_conflicts(batch, name, chosen[number], positions)
                keep = differ if keep is None else keep & differ
        if keep is not None and not keep.all():
            kept = np.flatnonzero(keep)
            positions, nodes = positions.take(kept), nodes.take(kept)
            chosen = {number: column.take(kept) for number, column in chosen.items()}
        if not len(positions):
            return
        if self.target is None and not any(leg.shown for leg in self.legs):
            yield counted_rows(batch, positions)
            return
        size = context.expand_rows_max
        for start in range(0, len(positions), size):
            stop = start + size
            out = batch.take(positions[start:stop])
            columns = dict(out.columns)
            for number, leg in enumerate(self.legs):
                if leg.shown:
                    columns[leg.variable] = relationship_column(chosen[number][start:stop])
            if self.target is not None:
                columns[self.target] = node_column(nodes[start:stop])
            yield Batch(columns, out.length, out.row, out.weight)

    @property
    def adjacency(self) -> str:
        return "CSR lists, intersected"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("multiway_intersection",)

    def describe(self) -> str:
        parts = [
            arrow(
                leg.source,
                leg.variable if leg.shown else None,
                self.target,
                leg.types,
                leg.direction,
                self.target_labels if number == 0 else (),
            )
            for number, leg in enumerate(self.legs)
        ]
        return ", ".join(parts)
