"""Whether a tree of relationships can be matched from a node: bottom-up semijoins (Yannakakis 1981).

``EXISTS { (p)-[:LIVES_IN]->(:City {name: $name}) }`` is true of the nodes that a set holds. The set is made from the
leaves inwards: the nodes that satisfy a leaf's labels and predicate, then those with a relationship to one of them, and
so on; each part of the graph is looked at once, however many rows ask, and from the side with fewer relationships. For
few rows that is more than they need, so they look for their first match instead, in rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arrays import slots_of
from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, IntArray, Kind, node_column

from ..kernels.compile import compile_predicate
from ..plan.explain import show
from ..plan.expr import Expr
from ..plan.fold import Branches, FoldEdge, FoldNode
from .adjacent import arrow, degree_slices, element_slots, labelled
from .context import Context
from .operator import Frame, Operator

SET_SHARE = 32
"""The set is made once more rows have asked than one for so many nodes: one looks at few neighbours, the set at all."""

SUMS_SHARE = 4
"""Members with more than one in so many of all relationships are added up by neighbour, not listed."""


class Asked:
    """What one run remembers: how many rows have asked, and the set once it is made."""

    __slots__ = ("members", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.members: BoolArray | None = None


@dataclass(eq=False, slots=True)
class Semijoin(Operator):
    """The rows of ``input`` from whose ``source`` the branches match at least once.

    ``search`` says the same row by row: a plan from an argument of the input's columns, stopped at the first match.
    """

    input: Operator
    search: Operator
    source: str
    branches: Branches

    @property
    def makes_rows(self) -> bool:
        return False

    @property
    def grows(self) -> bool:
        return False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        asked = context.kept(self, Asked)
        asked.rows += frame.n
        if asked.members is None:
            if asked.rows * SET_SHARE < context.view.statistics.nodes():
                yield from context.batches(self.search, frame)
                return
            asked.members = members(self.branches, context)
        for batch in context.batches(self.input, frame):
            slots, live = element_slots(batch.columns[self.source], Kind.NODE)
            hits = np.flatnonzero(asked.members.take(slots, mode="clip"))
            hits = hits if live is None else live.take(hits)
            if len(hits):
                yield batch if len(hits) == batch.length else batch.take(hits)

    @property
    def adjacency(self) -> str:
        return "set of nodes"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("semijoin_exists",)

    def describe(self) -> str:
        return ", ".join(_shown(self.source, self.branches))


def _shown(source: str, branches: Branches) -> list[str]:
    parts: list[str] = []
    for edge in branches.edges:
        text = arrow(source, None, edge.node.variable, edge.types, edge.direction, edge.node.labels)
        parts.append(text + ("" if edge.node.predicate is None else f" WHERE {show(edge.node.predicate)}"))
        if edge.node.branches is not None:
            parts.extend(_shown(edge.node.variable, edge.node.branches))
    return parts


def members(branches: Branches, context: Context) -> BoolArray:
    """By node slot: whether every branch has a match from there. ``branches`` hold no pairs."""
    assert not branches.pairs
    found: BoolArray | None = None
    for edge in branches.edges:
        reached = _reached(edge, context)
        found = reached if found is None else found & reached
    assert found is not None
    return found


def _slots(context: Context) -> IntArray:
    return np.asarray(context.view.nodes().to_array(), np.int64)


def _reached(edge: FoldEdge, context: Context) -> BoolArray:
    """By node slot: whether a relationship of ``edge`` leads from there to a node that satisfies its end."""
    view, types = context.view, edge.types or None
    everywhere = _slots(context)
    out = np.zeros(int(everywhere[-1]) + 1 if len(everywhere) else 1, np.bool_)
    if _is_plain(edge.node):
        out[everywhere] = view.degrees(everywhere, types, edge.direction) > 0
        return out
    ends = _satisfying(edge.node, everywhere, context)
    if not len(ends):
        return out
    back = edge.direction.reversed
    degrees = view.degrees(ends, types, back)
    if int(degrees.sum()) * SUMS_SHARE > view.statistics.relationships():
        values = np.zeros(len(out), np.int64)
        values[ends] = 1
        out[everywhere] = view.neighbour_sums(everywhere, values, types, edge.direction) > 0
        return out
    for start, stop in degree_slices(degrees, 8 * context.expand_rows_max):
        context.check()
        out[view.expand(ends[start:stop], types, back).node] = True
    return out


def _is_plain(node: FoldNode) -> bool:
    return not node.labels and node.predicate is None and node.branches is None


def _satisfying(node: FoldNode, everywhere: IntArray, context: Context) -> IntArray:
    """The slots of the nodes that have the labels, satisfy the predicate and from which the branches match."""
    view = context.view
    slots = everywhere
    if node.labels:
        slots = slots_of(labelled(node.labels, view))
    if node.branches is not None and len(slots):
        slots = slots.compress(members(node.branches, context).take(slots))
    if node.predicate is None or not len(slots):
        return slots
    return _filtered(node.variable, node.predicate, slots, context)


def _filtered(variable: str, predicate: Expr, slots: IntArray, context: Context) -> IntArray:
    allowed = compile_predicate(predicate)
    kept: list[IntArray] = []
    for start in range(0, len(slots), context.expand_rows_max):
        context.check()
        part = slots[start : start + context.expand_rows_max]
        kept.append(part.take(allowed(Batch({variable: node_column(part)}, len(part)), context)))
    return np.concatenate(kept)
