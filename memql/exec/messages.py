"""Message passing over a tree of factors: by node, how often what hangs from it matches, and what that adds up to.

A message says for each node that satisfies a part of the pattern in how many ways it does (``counts``), and for each
measure carried from below the sum over all these ways, or the extreme. Messages go from the leaves to the root: the
number of a node is the product over its branches of the sums over its neighbours (FAQ/InsideOut: Abo Khamis, Ngo,
Rudra 2016; sum-product and max-product over an acyclic join). No row is ever made. Each edge of the tree costs one look
at the relationships on its smaller side: listed from the nodes below where these are few (a semijoin, as in Yannakakis
1981), from the nodes above where those are, or added up in place over all of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from memoradb.core.arrays import distinct, slots_of
from memoradb.core.batch import Batch
from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, StringColumn, TypedColumn, node_column
from memoradb.core.values import INTEGER_MAX
from memoradb.storage.view import Direction, Element, GraphView, LoopFree

from ..kernels.compile import compile_predicate
from ..plan.factors import FactorEdge, FactorNode, Guard, Measure, common_types
from .adjacent import Predicate, degree_slices, labelled
from .context import Context
from .message import Message, Numbers, Unsuited, added, combined, extreme, joined, largest, less, neutral, times

EARLY_SHARE: Final = 8
"""A branch goes before the node's own predicate where it is expected to hold at one in so many nodes at most."""

LISTED_SHARE: Final = 4
"""To list a relationship costs as much as to add up so many in place."""

FEW_SHARE: Final = 8
"""Relationships fewer than one for so many nodes are sorted by their ends, not scattered over all nodes."""


def compiled(root: FactorNode) -> dict[str, Predicate]:
    """The predicates of a tree, by variable."""
    return {n.variable: compile_predicate(n.predicate) for n in root.nodes() if n.predicate is not None}


def holds(guard: Guard, view: GraphView) -> bool:
    """Whether the factors of a pattern are independent in a view."""
    counters = getattr(view, "counters", None)
    if counters is not None and counters.nodes_deleted:
        return False  # relationships may still lead to nodes that are gone, and the law has its say there
    for types in guard.loop_free:
        if not all(view.fact(LoopFree(t)) for t in types or view.relationship_types()):
            return False
    return not any(labelled(a + b, view) for a, b in guard.apart)


class Messages:
    """The messages of one run."""

    def __init__(self, predicates: dict[str, Predicate], context: Context) -> None:
        self._predicates = predicates
        self._context = context
        nodes = context.view.nodes()
        self._top = nodes.max() + 1 if len(nodes) else 1
        self._all: IntArray | None = None
        self.strings: dict[Measure, StringColumn] = {}
        """Of measures whose numbers are ranks of strings: the strings by rank."""

    def of(self, node: FactorNode, within: IntArray | None = None, without: int | None = None) -> Message:
        """The message of ``node``, of the nodes ``within`` only (ascending), or ``without`` one of its branches."""
        message = Message(self._candidates(node, within))
        second = {j: i for i, j in node.pairs}
        first = dict(node.pairs)
        branches = [i for i in range(len(node.edges)) if i != without and i not in second]
        early = [i for i in branches if node.edges[i].node.rows * EARLY_SHARE < len(message.slots)]
        late = [i for i in branches if i not in early]
        for position in [*early, None, *late]:
            if not len(message.slots):
                break
            self._context.check()
            if position is None:
                if node.predicate is not None:
                    message = message.take(self._satisfying(node, message.slots))
            elif position in first:
                two = node.edges[position], node.edges[first[position]]
                message = joined(message, self._over_pair(*two, message.slots))
            else:
                message = joined(message, self._over(node.edges[position], message.slots))
        for measure in node.measures:
            self._measure(message, measure)
        return message

    @property
    def _everywhere(self) -> IntArray:
        if self._all is None:
            self._all = slots_of(self._context.view.nodes())
        return self._all

    def _candidates(self, node: FactorNode, within: IntArray | None) -> IntArray:
        if within is None:
            return slots_of(labelled(node.labels, self._context.view)) if node.labels else self._everywhere
        for label in node.labels:
            within = within.compress(self._context.view.has_label(within, label))
        return within

    def _satisfying(self, node: FactorNode, slots: IntArray) -> IntArray:
        """Positions of the nodes on which the predicate is true."""
        predicate, size = self._predicates[node.variable], self._context.expand_rows_max
        parts: list[IntArray] = []
        for start in range(0, len(slots), size):
            self._context.check()
            piece = slots[start : start + size]
            found = predicate(Batch({node.variable: node_column(piece)}, len(piece)), self._context)
            parts.append(found + start if start else found)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _measure(self, message: Message, measure: Measure) -> None:
        """Add a measure of the node itself: a property of it, once for each way."""
        column = self._context.view.property(Element.NODE, message.slots, measure.key)
        nulls = column.nulls()
        if measure.kind == "count":
            if nulls is not None:
                message.sums[measure] = np.where(nulls, 0, message.ways())
            return
        if isinstance(column, ConstantColumn) and column.value is None:
            column = TypedColumn(Kind.INTEGER, np.zeros(len(message.slots), np.int64), nulls)
        if measure.kind == "sum":
            if not isinstance(column, TypedColumn) or column.kind not in (Kind.INTEGER, Kind.FLOAT):
                raise Unsuited
            if column.kind == Kind.FLOAT and nulls is not None:
                raise Unsuited  # of no value the sum is the integer 0
            data = column.data if nulls is None else np.where(nulls, 0, column.data)
            with np.errstate(all="ignore"):
                message.sums[measure] = data if message.counts is None else times(data, message.counts)
            return
        message.extremes[measure] = self._extreme(measure, column)

    def _extreme(self, measure: Measure, column: Column) -> Numbers:
        nulls = column.nulls()
        if isinstance(column, StringColumn):
            ranks = np.asarray(column.dictionary.ranks(), np.int64)
            by_rank = np.empty(len(ranks), np.int32)
            by_rank[ranks] = np.arange(len(ranks), dtype=np.int32)
            self.strings[measure] = StringColumn(by_rank, column.dictionary)
            data = ranks.take(column.codes, mode="clip") if len(ranks) else np.zeros(len(column), np.int64)
        elif isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
            data = column.data
        else:
            raise Unsuited
        return data if nulls is None else np.where(nulls, neutral(measure, data), data)

    def _over(self, edge: FactorEdge, slots: IntArray) -> Message:
        """For each of ``slots`` what its neighbours by ``edge`` add up to; it may be none."""
        view, types = self._context.view, edge.types or None
        if edge.is_plain:
            return Message(slots, view.degrees(slots, types, edge.direction))
        back = edge.direction.reversed
        if edge.back is not None:
            return self._over_and_back(edge, edge.node.edges[edge.back], slots)
        if edge.high > 1:
            return self._over_hops(edge, slots, back)
        degrees = view.degrees(slots, types, edge.direction)
        total = int(degrees.sum())
        if total * LISTED_SHARE < len(labelled(edge.node.labels, view)):
            return self._looked_up(edge, slots, degrees)
        counted = degrees if not edge.labels and edge.node.predicate is None and not edge.node.edges else None
        return self._spread(self.of(edge.node), types, back, slots, total, counted)

    def _over_and_back(self, edge: FactorEdge, next_edge: FactorEdge, slots: IntArray) -> Message:
        """The same where the branch ``next_edge`` of the far node must not follow the relationship back.

        Less, for each relationship that both might take, what hangs from the near node as if it were the end of that
        branch, with all else that hangs from the far one.
        """
        back = edge.direction.reversed
        rest = self.of(edge.node, None, edge.back)
        whole = rest.copy()
        if len(rest.slots):
            whole = joined(whole, self._over(next_edge, rest.slots))
        types = common_types(edge.types, next_edge.types) or None
        taken = self._spread(rest, types, back, slots, None)
        ends = self._aligned(self.of(next_edge.node), slots)
        return less(self._spread(whole, edge.types or None, back, slots, None), combined(taken, ends))

    def _over_pair(self, one: FactorEdge, other: FactorEdge, slots: IntArray) -> Message:
        """For each of ``slots`` the ways by two branches, less those in which both take the same relationship."""
        ways = combined(self._over(one, slots), self._over(other, slots))
        a, b = self.of(one.node), self.of(other.node)
        _, in_a, in_b = np.intersect1d(a.slots, b.slots, assume_unique=True, return_indices=True)
        types = common_types(one.types, other.types) or None
        same = self._spread(combined(a.take(in_a), b.take(in_b)), types, one.direction.reversed, slots, None)
        return less(ways, same)

    def _over_hops(self, edge: FactorEdge, slots: IntArray, back: Direction) -> Message:
        types = edge.types or None
        found: Message | None = None
        message = self.of(edge.node)
        for hop in range(1, edge.high + 1):
            last = hop == edge.high
            message = self._spread(message, types, back, slots if last else None, None)
            if hop >= edge.low:
                here = message if last else self._aligned(message, slots)
                found = here if found is None else added(found, here)
        assert found is not None
        return found

    def _aligned(self, message: Message, slots: IntArray) -> Message:
        """A message as numbers for each of ``slots``."""
        out = Message(slots, self._dense(message.slots, message.ways()).take(slots))
        for measure, data in message.sums.items():
            out.sums[measure] = self._dense(message.slots, data).take(slots)
        for measure, data in message.extremes.items():
            dense = np.full(self._top, neutral(measure, data), data.dtype)
            dense[message.slots] = data
            out.extremes[measure] = dense.take(slots)
        return out

    def _dense(self, slots: IntArray, data: Numbers) -> Numbers:
        dense = np.zeros(self._top, data.dtype)
        dense[slots] = data
        return dense

    def _looked_up(self, edge: FactorEdge, slots: IntArray, degrees: IntArray) -> Message:
        """From few nodes: list their relationships, and ask only the nodes that these lead to."""
        view, types = self._context.view, edge.types or None
        positions: list[IntArray] = [np.zeros(0, np.int64)]
        ends: list[IntArray] = [np.zeros(0, np.int64)]
        for start, stop in degree_slices(degrees, self._context.expand_rows_max):
            self._context.check()
            found = view.expand(slots[start:stop], types, edge.direction)
            positions.append(found.source_position + start)
            ends.append(found.node)
        position, end = np.concatenate(positions), np.concatenate(ends)
        met = np.zeros(self._top, np.bool_)
        met[end] = True
        message = self.of(edge.node, np.flatnonzero(met))
        place = np.full(self._top, -1, np.int64)
        place[message.slots] = np.arange(len(message.slots))
        source = place.take(end)
        kept = np.flatnonzero(source >= 0)
        return self._gathered(message, source.take(kept), position.take(kept), slots, len(slots))

    def _spread(
        self,
        message: Message,
        types: tuple[str, ...] | None,
        back: Direction,
        onto: IntArray | None,
        total: int | None,
        counted: IntArray | None = None,
    ) -> Message:
        """A message one relationship further: for each of ``onto`` the sums over its neighbours.

        ``onto`` None: for each node that has such a neighbour. ``total``: the relationships of ``onto``;
        ``counted``: the counts, where they are known.
        """
        view, context = self._context.view, self._context
        degrees = view.degrees(message.slots, types, back)
        listed = int(degrees.sum())
        for data in (message.counts, *message.sums.values()):
            if (1 if data is None else largest(data)) * listed > INTEGER_MAX:
                raise Unsuited
        if total is None and listed * LISTED_SHARE > self._top:
            targets = self._everywhere if onto is None else onto
            total = int(view.degrees(targets, types, back.reversed).sum())
        if total is None or listed * LISTED_SHARE <= total:
            if listed * FEW_SHARE < self._top:
                return self._spread_few(message, degrees, types, back, onto)
            every, none = np.arange(self._top), np.zeros(0, np.int64)
            out = self._gathered(message, none, none, every, self._top)
            for start, stop in degree_slices(degrees, 4 * context.expand_rows_max):
                context.check()
                found = view.expand(message.slots[start:stop], types, back)
                part = self._gathered(message, found.source_position + start, found.node, every, self._top)
                out = part if start == 0 else added(out, part)
            return out.take(np.flatnonzero(out.ways()) if onto is None else onto)
        targets = self._everywhere if onto is None else onto
        forwards = back.reversed
        counts = counted
        if counts is None:
            counts = view.neighbour_sums(targets, self._dense(message.slots, message.ways()), types, forwards)
        out = Message(targets, counts)
        for measure, data in message.sums.items():
            with np.errstate(all="ignore"):
                out.sums[measure] = view.neighbour_sums(targets, self._dense(message.slots, data), types, forwards)
        for measure, data in message.extremes.items():
            out.extremes[measure] = self._extremes_over(measure, message.slots, data, types, forwards, targets)
        return out.take(np.flatnonzero(counts)) if onto is None else out

    def _spread_few(
        self,
        message: Message,
        degrees: IntArray,
        types: tuple[str, ...] | None,
        back: Direction,
        onto: IntArray | None,
    ) -> Message:
        """The same over few relationships: no array of all nodes is made."""
        sources: list[IntArray] = [np.zeros(0, np.int64)]
        ends: list[IntArray] = [np.zeros(0, np.int64)]
        for start, stop in degree_slices(degrees, self._context.expand_rows_max):
            self._context.check()
            found = self._context.view.expand(message.slots[start:stop], types, back)
            sources.append(found.source_position + start)
            ends.append(found.node)
        source, end = np.concatenate(sources), np.concatenate(ends)
        if onto is None:
            onto = distinct(end)
        elif len(onto):
            there = onto.take(np.searchsorted(onto, end), mode="clip") == end
            if not there.all():
                kept = np.flatnonzero(there)
                source, end = source.take(kept), end.take(kept)
        else:
            source = end = onto
        return self._gathered(message, source, np.searchsorted(onto, end), onto, len(onto))

    def _extremes_over(
        self,
        measure: Measure,
        slots: IntArray,
        data: Numbers,
        types: tuple[str, ...] | None,
        direction: Direction,
        onto: IntArray,
    ) -> Numbers:
        view = self._context.view
        dense = np.full(self._top, neutral(measure, data), data.dtype)
        dense[slots] = data
        out = np.full(len(onto), neutral(measure, data), data.dtype)
        degrees = view.degrees(onto, types, direction)
        for start, stop in degree_slices(degrees, 4 * self._context.expand_rows_max):
            self._context.check()
            part = degrees[start:stop]
            rows = np.flatnonzero(part)
            if len(rows):
                found = view.expand(onto[start:stop], types, direction)
                starts = (np.cumsum(part) - part).take(rows)
                out[rows + start] = extreme(measure).reduceat(dense.take(found.node), starts)
        return out

    def _gathered(self, message: Message, source: IntArray, into: IntArray, slots: IntArray, size: int) -> Message:
        """The numbers at positions ``source`` of a message, added up by position ``into`` of ``slots``."""
        if message.counts is None:
            out = Message(slots, np.bincount(into, minlength=size).astype(np.int64, copy=False))
        else:
            counts = np.zeros(size, np.int64)
            np.add.at(counts, into, message.counts.take(source))
            out = Message(slots, counts)
        for measure, data in message.sums.items():
            total = out.sums[measure] = np.zeros(size, data.dtype)
            with np.errstate(all="ignore"):
                np.add.at(total, into, data.take(source))
        for measure, data in message.extremes.items():
            best = out.extremes[measure] = np.full(size, neutral(measure, data), data.dtype)
            extreme(measure).at(best, into, data.take(source))
        return out
