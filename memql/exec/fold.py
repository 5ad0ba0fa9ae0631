"""Counting matches without making them: message passing from the leaves of a dead tree (DESIGN 4.2).

A tree of relationships that hangs from a bound node, and of which nothing is read, multiplies the row's weight by its
number of matches: the product over its branches, where a branch counts the sum over its neighbours of what hangs from
each of them (factorised databases; FAQ, Abo Khamis, Ngo, Rudra 2016). Each node is counted once a run, however often it
is met. Two branches whose relationships must differ are corrected by inclusion and exclusion: the product less the ways
in which both take the same relationship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arithmetic import checked
from memoradb.core.arrays import distinct
from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, node_column
from memoradb.core.values import INTEGER_MAX
from memoradb.storage.view import Direction

from ..kernels.compile import compile_predicate
from ..plan.explain import show
from ..plan.fold import Branches, FoldEdge, FoldNode
from .adjacent import arrow, degree_slices, multiplied, with_nodes
from .context import Context
from .operator import Frame, Operator

SPARSE_SHARE = 16
"""Counts are remembered by node once more than one in so many nodes was asked for."""


@dataclass(eq=False, slots=True)
class Fold(Operator):
    """Each row weighs as many times more as ``branches`` have matches from its ``source``; rows without any go."""

    input: Operator
    source: str
    branches: Branches

    @property
    def makes_rows(self) -> bool:
        return False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        # An operator below may write between two batches: counts are kept over batches on snapshots only.
        changing = hasattr(context.view, "create_nodes")
        counts = context.kept(self, lambda: NodeCounts(None, self.branches))
        for batch in context.batches(self.input, frame):
            batch, (sources,) = with_nodes(batch, self.source)
            if not batch.length:
                continue
            if changing and not context.unchanging:
                counts = NodeCounts(None, self.branches)
            factor = counts.of(sources, context)
            kept = np.flatnonzero(factor)
            if len(kept):
                out = batch if len(kept) == batch.length else batch.take(kept)
                yield Batch(out.columns, out.length, out.row, multiplied(out.weight, factor.take(kept)))

    @property
    def adjacency(self) -> str:
        return "CSR sums"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("fold_patterns",)

    def describe(self) -> str:
        return ", ".join(_shown(self.source, self.branches))


def _shown(source: str, branches: Branches) -> list[str]:
    parts: list[str] = []
    for number, edge in enumerate(branches.edges):
        text = arrow(source, None, edge.node.variable, edge.types, edge.direction, edge.node.labels)
        if edge.node.predicate is not None:
            text += f" WHERE {show(edge.node.predicate)}"
        if any(number in pair for pair in branches.pairs):
            text += " (differs)"
        parts.append(text)
        if edge.node.branches is not None:
            parts.extend(_shown(edge.node.variable, edge.node.branches))
    return parts


class NodeCounts:
    """By node: in how many ways a folded node and what hangs from it match there.

    Each node is counted once, but where so few are asked for that remembering them would cost more.
    """

    def __init__(self, node: FoldNode | None, branches: Branches | None = None) -> None:
        self._node = node
        self._branches = branches if node is None else node.branches
        self._allowed: Callable[[Batch, Context], IntArray] | None = None
        if node is not None and node.predicate is not None:
            self._allowed = compile_predicate(node.predicate)
        self._ends = [NodeCounts(edge.node) for edge in (self._branches.edges if self._branches else ())]
        self._known = np.zeros(0, np.int64)
        """By node, -1 where it was not counted yet; made once many nodes were asked for."""
        self._asked = 0
        self.all_sums: IntArray | None = None
        """By node: the sum of these counts over its neighbours, once it was worth to make it for all."""

    @property
    def is_plain(self) -> bool:
        """Whether every node counts once: then a neighbour sum is a degree."""
        node = self._node
        return node is not None and not node.labels and node.predicate is None and node.branches is None

    def of(self, nodes: IntArray, context: Context) -> IntArray:
        """The number for each of ``nodes``."""
        if self.is_plain:
            return np.ones(len(nodes), np.int64)
        top = int(nodes.max()) + 1 if len(nodes) else 0
        self._asked += len(nodes)
        if self._asked * SPARSE_SHARE < top:
            met = distinct(nodes)
            return self._in_parts(met, context).take(np.searchsorted(met, nodes))
        if top > len(self._known):
            grown = np.full(max(top, 2 * len(self._known)), -1, np.int64)
            grown[: len(self._known)] = self._known
            self._known = grown
        unknown = nodes.compress(self._known.take(nodes) < 0)
        if len(unknown):
            wanted = np.zeros(len(self._known), np.bool_)
            wanted[unknown] = True
            fresh = np.flatnonzero(wanted)
            self._known[fresh] = self._in_parts(fresh, context)
        return self._known.take(nodes)

    def _in_parts(self, nodes: IntArray, context: Context) -> IntArray:
        size = context.expand_rows_max
        if len(nodes) <= size:
            return self._counted(nodes, context)
        starts = range(0, len(nodes), size)
        return np.concatenate([self._counted(nodes[start : start + size], context) for start in starts])

    def _counted(self, nodes: IntArray, context: Context) -> IntArray:
        context.check()
        out = np.zeros(len(nodes), np.int64)
        rows = np.arange(len(nodes))
        if self._node is not None:
            for label in self._node.labels:
                rows = rows.compress(context.view.has_label(nodes.take(rows), label))
            if self._allowed is not None and len(rows):
                batch = Batch({self._node.variable: node_column(nodes.take(rows))}, len(rows))
                rows = rows.take(self._allowed(batch, context))
        if self._branches is None or not len(rows):
            out[rows] = 1
            return out
        out[rows] = self._products(nodes.take(rows), self._branches, context)
        return out

    def _products(self, nodes: IntArray, branches: Branches, context: Context) -> IntArray:
        """The product over the branches, pairs that must differ corrected."""
        sums = [self._sum(nodes, edge, end, context) for edge, end in zip(branches.edges, self._ends, strict=True)]
        paired = {i for pair in branches.pairs for i in pair}
        total: IntArray | None = None
        for i, ways in enumerate(sums):
            if i not in paired:
                total = ways if total is None else product(total, ways)
        for i, j in branches.pairs:
            ways = product(sums[i], sums[j]) - self._same(nodes, i, j, branches, context)
            total = ways if total is None else product(total, ways)
        assert total is not None
        return total

    def _sum(self, nodes: IntArray, edge: FoldEdge, end: NodeCounts, context: Context) -> IntArray:
        """For each node the sum of ``end``'s numbers over its neighbours by ``edge``."""
        types = edge.types or None
        degrees = context.view.degrees(nodes, types, edge.direction)
        if end.is_plain:
            return degrees
        if (known := end.all_sums) is not None:
            return known.take(nodes)
        everywhere = np.asarray(context.view.nodes().to_array(), np.int64)
        if len(everywhere) and int(degrees.sum()) > len(everywhere):
            # More neighbours than there are nodes: count every node once, and add up without listing neighbours.
            values = np.zeros(int(everywhere[-1]) + 1, np.int64)
            values[everywhere] = end.of(everywhere, context)
            most = int(context.view.degrees(everywhere, types, edge.direction).max())
            if int(values.max()) * most <= INTEGER_MAX:
                known = np.zeros(len(values), np.int64)
                known[everywhere] = context.view.neighbour_sums(everywhere, values, types, edge.direction)
                end.all_sums = known
                return known.take(nodes)
        out = np.zeros(len(nodes), np.int64)
        for start, stop in degree_slices(degrees, 8 * context.expand_rows_max):
            context.check()
            found = context.view.expand(nodes[start:stop], types, edge.direction)
            out[start:stop] = summed(end.of(found.node, context), found.source_position, stop - start)
        return out

    def _same(self, nodes: IntArray, i: int, j: int, branches: Branches, context: Context) -> IntArray:
        """For each node in how many ways branches i and j take the same relationship."""
        first, second = branches.edges[i], branches.edges[j]
        types = first.types or second.types
        if first.types and second.types:
            types = tuple(t for t in first.types if t in second.types)
        view = context.view
        out = np.zeros(len(nodes), np.int64)
        degrees = view.degrees(nodes, types or None, first.direction)
        for start, stop in degree_slices(degrees, 8 * context.expand_rows_max):
            context.check()
            part = nodes[start:stop]
            found = view.expand(part, types or None, first.direction)
            here = part.take(found.source_position)
            starts, ends = view.endpoints(found.relationship)
            far = ends if second.direction is Direction.OUT else starts
            if second.direction is Direction.BOTH:
                far = found.node
                both = np.arange(len(here))
            else:
                both = np.flatnonzero((starts if second.direction is Direction.OUT else ends) == here)
            if not len(both):
                continue
            ways = product(self._ends[i].of(found.node.take(both), context), self._ends[j].of(far.take(both), context))
            out[start:stop] = summed(ways, found.source_position.take(both), stop - start)
        return out


def product(a: IntArray, b: IntArray) -> IntArray:
    """``a * b``, checked for overflow."""
    if len(a):
        highest = int(a.max()) * int(b.max())
        if highest > INTEGER_MAX:
            # The extremes need not be on one row: look at each.
            for x, y in zip(a.tolist(), b.tolist(), strict=True):
                checked(x * y)
    return a * b


def summed(values: IntArray, groups: IntArray, count: int) -> IntArray:
    """Sums of ``values`` by group number, ``groups`` non-decreasing; checked for overflow."""
    out = np.zeros(count, np.int64)
    if not len(values):
        return out
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    if int(values.max()) > INTEGER_MAX // len(values):
        stops = np.append(starts[1:], len(values))
        for group, a, b in zip(groups.take(starts).tolist(), starts.tolist(), stops.tolist(), strict=True):
            out[group] = checked(sum(values[a:b].tolist()))
        return out
    out[groups.take(starts)] = np.add.reduceat(values, starts)
    return out
