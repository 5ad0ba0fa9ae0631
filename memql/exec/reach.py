"""Reachability: where trails of some lengths end, each end once, without making the trails.

The law. Let ``low`` be 0 or 1, and let each hop's predicate depend on nothing but the hop and the row. Then the nodes
at the end of a trail (no relationship twice) of ``low`` to ``high`` hops are those at the end of a walk (any
relationship as often as it likes) of as many hops:

- every trail is a walk;
- from a walk of at most k hops to another node, cutting out what lies between two visits of one node leaves a path of
  at most k hops and at least one, which is a trail;
- a walk back to its start with directed hops contains, cut likewise, a cycle through the start that visits no other
  node twice: a trail again, of at least one hop. An undirected walk may go out and back over one relationship, which
  is no trail. So for undirected hops with ``low`` 1 the start is an end only if it lies on a cycle, which is looked
  for on its own (``closed_trails``).

With ``low`` of 2 or more it is false: a walk a-b-a-b of three hops has no trail of two or three beside it. Neither
where a trail must avoid relationships of the rest of the pattern. ``is_reachability`` says where the law applies.
It is about sets of ends, so whoever reads the rows must not count them (``optimize.distinct_rows``).

A breadth-first search is a frontier of nodes and an array of bits (``frontier``). Searches from many nodes run side by
side as long as their arrays are small. Every step takes a bounded number of relationships, so that it can be cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from memoradb.core.arrays import distinct, slots_of
from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, IntArray, node_column, ragged_positions, relationship_column
from memoradb.storage.view import Direction

from ..plan.expr import Expr
from .adjacent import arrow, hop_test, labelled, with_nodes
from .bidirectional import Bidirectional
from .breadth_first import BreadthFirst
from .closed_trails import Allowed
from .context import Context
from .operator import Frame, Operator
from .var_expand import gathered

MARK_BYTES: Final = 1 << 24
"""Of the array that searches side by side share: about what the caches still help with."""

SEARCHES_MAX: Final = 4_096
"""Searches side by side."""

TWO_SIDED_NODES_MIN: Final = 4_096
"""Nodes of the graph from which on a pair is searched for from both of its nodes; a smaller one is looked at whole."""

TWO_SIDED_ROWS_MAX: Final = 64
"""Pairs with one node in common up to which each is searched for by itself: 0.2 ms, where a whole search takes 20."""


def is_reachability(low: int, high: int | None, list_is_read: bool, apart: bool) -> bool:
    """Whether the distinct ends of a variable length are those of walks: see the module.

    Args:
        low: fewest hops.
        high: most hops.
        list_is_read: whether anything reads the list of relationships.
        apart: whether they must differ from others of the pattern.
    """
    return low in (0, 1) and (high is None or high >= low) and not list_is_read and not apart


@dataclass(eq=False, slots=True)
class Reach(Operator):
    """Each node that ``low`` to ``high`` hops from ``source`` lead to, once for each row.

    ``target`` None: the rows from which any is reached. ``into``: the rows whose ``target``, which is bound, is.
    """

    input: Operator
    source: str
    target: str | None
    types: tuple[str, ...]
    direction: Direction
    low: int
    high: int | None
    hop_variable: str | None = None
    hop_predicate: Expr | None = None
    target_labels: tuple[str, ...] = ()
    into: bool = False
    _allowed: Callable[[Batch, Context], IntArray] | None = None
    _reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._allowed, self._reads = hop_test(self.hop_predicate, self.hop_variable)

    @property
    def makes_rows(self) -> bool:
        return not self.into and self.target is not None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            bound = (self.target,) if self.into and self.target is not None else ()
            batch, (sources, *ends) = with_nodes(batch, self.source, *bound)
            targets = ends[0] if ends else None
            if not batch.length:
                continue
            found = (
                self._reached(batch, sources, frame, context)
                if targets is None
                else self._pairs(batch, sources, targets, context)
            )
            yield from gathered(found, context.rows_max)

    def _reached(self, batch: Batch, sources: IntArray, frame: Frame, context: Context) -> Iterator[Batch]:
        satisfied = None if frame.demand is None or frame.n == 1 else frame.demand.satisfied
        most = _side_by_side(context)
        looks = context.kept(self, Looks) if self._may_be_set() else None
        first = most if looks is None else 1
        for rows in _shared(sources, most, bool(self._reads) or satisfied is not None, first):
            if looks is not None and (members := looks.set_for(self, context)) is not None:
                hits = rows[0].compress(members.take(sources.take(rows[0])))
                if len(hits):
                    yield batch.take(hits)
                continue
            group = _Group(self, self.direction, batch, sources, rows, satisfied, context)
            with context.held() as memory:
                memory.add(context.view.nodes_top * group.searches)
                yield from group.batches(looks)

    def _may_be_set(self) -> bool:
        """Whether what is asked is of the source alone: does anything with these labels lie within reach?

        Backwards, an undirected walk may return to where it began over one relationship, which is no trail.
        """
        backwards_too = self.direction is not Direction.BOTH or self.low == 0
        return self.target is None and bool(self.target_labels) and not self._reads and backwards_too

    def sources(self, context: Context) -> BoolArray:
        """By node slot: whether anything with the labels lies within reach; a search backwards from all such nodes."""
        view = context.view
        ends = slots_of(labelled(self.target_labels, view))
        allowed = self.allowed_on(Batch({}, 1), context)
        members = np.zeros(view.nodes_top, np.bool_)
        one, hops = np.zeros(1, np.int64), (self.low, self.high)
        search = BreadthFirst(self.types, self.direction.reversed, hops, one, allowed, lambda _: None, context)
        for _, nodes in search.found_from(np.zeros(len(ends), np.int64), ends):
            members[nodes] = True
        return members

    def _pairs(self, batch: Batch, sources: IntArray, targets: IntArray, context: Context) -> Iterator[Batch]:
        """The rows whose target is reached: searched for from both sides, or from the side with fewer nodes."""
        starts, ends, direction = sources, targets, self.direction
        from_sources, from_targets = len(distinct(sources)), len(distinct(targets))
        if from_targets < from_sources:
            starts, ends, direction = targets, sources, direction.reversed
        rows = np.arange(batch.length)
        searches = min(from_sources, from_targets)
        if context.view.nodes_top >= TWO_SIDED_NODES_MIN and len(rows) <= TWO_SIDED_ROWS_MAX * searches:
            apart = np.flatnonzero(sources != targets)
            yield from self._two_sided(batch, sources, targets, apart, context)
            rows = np.flatnonzero(sources == targets)
            batch, starts, ends = batch.take(rows), starts.take(rows), ends.take(rows)
        for some in _shared(starts, _side_by_side(context), bool(self._reads)):
            group = _Group(self, direction, batch, starts, some, None, context)
            with context.held() as memory:
                memory.add(2 * context.view.nodes_top * group.searches)
                yield from group.into(ends)

    def _two_sided(
        self, batch: Batch, sources: IntArray, targets: IntArray, rows: IntArray, context: Context
    ) -> Iterator[Batch]:
        if not len(rows):
            return
        search = Bidirectional(self.types, self.direction, context)
        with context.held() as memory:
            memory.add(search.bytes)
            for row in rows.tolist():
                context.check()
                allowed = self.allowed_on(batch, context)
                here = None if allowed is None else partial(_on_row, allowed, row)
                if search.reaches(int(sources[row]), int(targets[row]), self.high, here):
                    yield batch.slice(row, row + 1)

    def allowed_on(self, batch: Batch, context: Context) -> Allowed | None:
        """The predicate on hops over the rows of a batch; None where there is none."""
        predicate, hop = self._allowed, self.hop_variable
        if predicate is None:
            return None
        assert hop is not None

        def allowed(relationships: IntArray, rows: IntArray) -> IntArray:
            inner = Batch({n: batch.columns[n].take(rows) for n in self._reads}, len(rows))
            return predicate(inner.with_columns({hop: relationship_column(relationships)}), context)

        return allowed

    @property
    def adjacency(self) -> str:
        return "CSR, bit frontier"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("reachability",)

    def describe(self) -> str:
        high = "" if self.high is None else self.high
        length = f"*{self.low}..{high}"
        return arrow(self.source, None, self.target, self.types, self.direction, self.target_labels, length) + "  bits"


def _shared(sources: IntArray, most: int, apart: bool, size: int | None = None) -> Iterator[tuple[IntArray, IntArray]]:
    """(rows, offsets): the rows of search i are ``rows[offsets[i]:offsets[i+1]]``; at most ``most`` searches.

    Rows with one source share a search unless they are to be kept ``apart``. ``size``: how many searches are side by
    side at first; then twice as many each time.
    """
    count, first = len(sources), 0
    size = most if size is None else size
    if apart or count == 1:
        while first < count:
            rows = np.arange(first, min(first + size, count))
            yield rows, np.arange(len(rows) + 1)
            first, size = first + size, min(2 * size, most)
        return
    order = np.argsort(sources, kind="stable")
    starts = np.flatnonzero(np.diff(sources.take(order), prepend=-1))
    bounds = np.append(starts, count)
    while first < len(starts):
        offsets = bounds[first : first + size + 1]
        yield order[offsets[0] : offsets[-1]], offsets - offsets[0]
        first, size = first + size, min(2 * size, most)


def _on_row(allowed: Allowed, row: int, relationships: IntArray) -> IntArray:
    return allowed(relationships, np.full(len(relationships), row, np.int64))


def _side_by_side(context: Context) -> int:
    """How many searches share an array."""
    return max(1, min(MARK_BYTES // max(context.view.nodes_top, 1), SEARCHES_MAX, context.rows_max))


class Looks:
    """What one run has paid for looking from sources one by one, and the set of sources once that is cheaper.

    Where most sources see the labels nearby, no set is needed; where many see none, each of them looks at all that it
    can reach. So searches are made until they have looked at as many relationships as there are: then the set costs no
    more than what was spent.
    """

    __slots__ = ("members", "relationships")

    def __init__(self) -> None:
        self.relationships = 0
        self.members: BoolArray | None = None

    def set_for(self, plan: Reach, context: Context) -> BoolArray | None:
        """The set, None as long as it does not pay."""
        if self.members is None and self.relationships > context.view.statistics.relationships():
            self.members = plan.sources(context)
        return self.members


class _Group:
    """Searches side by side, and the rows that ask for them."""

    def __init__(
        self,
        plan: Reach,
        direction: Direction,
        batch: Batch,
        starts: IntArray,
        rows: tuple[IntArray, IntArray],
        satisfied: BoolArray | None,
        context: Context,
    ) -> None:
        """``starts``: by row, where its search begins; ``rows``: see ``_shared``."""
        self._plan = plan
        self._direction = direction
        self._batch = batch
        self._rows, self._offsets = rows
        self.searches = len(self._offsets) - 1
        self._starts = starts.take(self._rows.take(self._offsets[:-1]))
        self._satisfied = satisfied
        self._context = context

    def batches(self, looks: Looks | None) -> Iterator[Batch]:
        """What is found, in batches."""
        plan, context = self._plan, self._context
        if plan.target is None and plan.low == 1 and not plan.target_labels and plan.hop_predicate is None:
            degrees = context.view.degrees(self._starts, plan.types or None, self._direction)
            yield from self._rows_of(np.flatnonzero(degrees), None)
            return
        search = self._search()
        for number, nodes in search.found():
            for label in plan.target_labels:
                kept = np.flatnonzero(context.view.has_label(nodes, label))
                number, nodes = number.take(kept), nodes.take(kept)
            if plan.target is None:
                number = search.finish(number)
            if len(number):
                yield from self._rows_of(number, None if plan.target is None else nodes)
        if looks is not None:
            looks.relationships += search.looked_at

    def into(self, ends: IntArray) -> Iterator[Batch]:
        """The rows whose own end is found; a search stops when all of its rows are."""
        top = self._context.view.nodes_top
        number = np.repeat(np.arange(self.searches), np.diff(self._offsets))
        keys = number * top + ends.take(self._rows)
        order = np.argsort(keys, kind="stable")
        keys, rows = keys.take(order), self._rows.take(order)
        wanted = np.zeros(self.searches * top, np.bool_)
        wanted[keys] = True
        # Two rows may ask for one end: a search is done when as many different ones were found.
        left = np.bincount(distinct(keys) // top, minlength=self.searches)
        search = self._search()
        for found_by, nodes in search.found():
            met = found_by * top + nodes
            met = met.compress(wanted.take(met))
            if not len(met):
                continue
            left -= np.bincount(met // top, minlength=self.searches)
            search.finish(np.flatnonzero(left == 0))
            first = np.searchsorted(keys, met, "left")
            counts = np.searchsorted(keys, met, "right") - first
            total = np.cumsum(counts)
            places = np.repeat(first - (total - counts), counts) + np.arange(int(total[-1]))
            hits = rows.take(places)
            for start in range(0, len(hits), self._context.rows_max):
                yield self._batch.take(hits[start : start + self._context.rows_max])

    def _search(self) -> BreadthFirst:
        allowed = self._plan.allowed_on(self._batch, self._context)

        def of_search(relationships: IntArray, number: IntArray) -> IntArray:
            assert allowed is not None
            return allowed(relationships, self._rows.take(self._offsets.take(number)))

        plan = self._plan
        return BreadthFirst(
            plan.types,
            self._direction,
            (plan.low, plan.high),
            self._starts,
            None if allowed is None else of_search,
            self._wanting,
            self._context,
        )

    def _rows_of(self, number: IntArray, nodes: IntArray | None) -> Iterator[Batch]:
        """The rows of the searches that found something, with what they found; in batches of bounded size."""
        size = self._context.rows_max
        if len(self._rows) == self.searches:
            rows = self._rows.take(number)
        else:
            offsets, inner = ragged_positions(self._offsets, number)
            rows = self._rows.take(inner)
            nodes = None if nodes is None else np.repeat(nodes, np.diff(offsets))
        for start in range(0, len(rows), size):
            out = self._batch.take(rows[start : start + size])
            if nodes is not None and self._plan.target is not None:
                out = out.with_columns({self._plan.target: node_column(nodes[start : start + size])})
            yield out

    def _wanting(self, number: IntArray) -> IntArray | None:
        """Places of the searches whose argument row still wants some; None for all."""
        if self._satisfied is None:
            return None
        return np.flatnonzero(~self._satisfied.take(self._batch.rows().take(self._rows.take(number))))
