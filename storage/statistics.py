"""Statistics of one state of the graph: what the optimizer estimates by.

What bitmaps and offsets tell is exact and free: nodes with labels, relationships by type. Relationships between labels
are counted once, and from then on brought up to date: a later snapshot adds what came, and takes away what went, since
they were counted. Degrees and values are measured when somebody first asks, once a generation, and shared by its
snapshots; where there are very many elements a part of them is looked at. A commit pays for none of this, and neither
does opening a database: nothing of it is written down, for its sources (bitmaps, offsets, columns) are.

``ViewStatistics`` reads any view through its own methods, a transaction's too, whose reads are then noted like others;
``SnapshotStatistics`` does the same faster, by the arrays of a snapshot, and keeps what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import run_of, slots_of
from memoradb.core.columns import Column, ConstantColumn, IntArray

from .facts import ends_of, loops_of
from .graph.bitmaps import bitmap_of, contained, mask_of
from .summary import DegreeSummary, ValueSummary, places_of, summary_of, summary_of_degrees
from .view import Direction, Element, EndsLabelled, Follows, GraphView

if TYPE_CHECKING:
    from .graph.adjacency import AdjacencyState
    from .snapshot import Snapshot

EXACT_ROWS: Final = 1 << 17
"""Nodes or values up to which all are looked at: a millisecond or two, once a generation."""

SAMPLE_ROWS: Final = 1 << 15
"""How many are looked at where there are more."""

COUNTED_EDGES: Final = 1 << 18
"""Relationships between two labels that are looked at to count them: some milliseconds."""

MEASURES_MAX: Final = 4_096
"""Measurements kept; beyond them all are made again."""

_T = TypeVar("_T")


class ViewStatistics:
    """Statistics of a view, by what it answers. For one use: nothing is kept."""

    def __init__(self, view: GraphView) -> None:
        self._view = view

    # --- counts

    def labels(self) -> Sequence[str]:
        return self._view.labels()

    def nodes(self) -> int:
        return self._view.node_count()

    def nodes_with_label(self, label: str) -> int:
        return len(self._view.nodes_with_label(label))

    def nodes_with_labels(self, labels: Sequence[str]) -> int:
        if not labels:
            return self.nodes()
        found = [self._view.nodes_with_label(label) for label in labels]
        if len(found) == 2:
            return found[0].intersection_cardinality(found[1])
        return len(found[0] if len(found) == 1 else BitMap.intersection(*found))

    def relationships(self, type: str | None = None) -> int:
        return self._view.relationship_count() if type is None else len(self._view.relationships([type]))

    def relationships_between(self, source: str | None, type: str | None, target: str | None) -> int:
        view = self._view
        starts, ends = view.endpoints(view.relationships(None if type is None else [type]))
        kept = np.ones(len(starts), np.bool_)
        for label, nodes in ((source, starts), (target, ends)):
            if label is not None:
                kept &= contained(nodes, view.nodes_with_label(label))
        return int(kept.sum())

    # --- measurements

    def degrees(self, label: str | None, type: str | None, direction: Direction) -> DegreeSummary:
        nodes, sample = self._sample(label, EXACT_ROWS)
        return summary_of_degrees(self._degrees(sample, Follows.of(type, direction)), nodes)

    def degree_after(self, labels: Sequence[str], before: Follows, then: Follows) -> float:
        sample = self._sample(self._rarest(labels), EXACT_ROWS)[1]
        reached = self._degrees(sample, before).astype(np.float64)
        total = float(reached.sum())
        if not total:
            return 0.0
        return float((reached * self._degrees(sample, then)).sum()) / total

    def values(
        self, label: str | None, key: str, element: Element = Element.NODE, met_by: Follows | None = None
    ) -> ValueSummary:
        if element is Element.NODE and met_by is not None:
            count, slots = self._ends(label, met_by)
        elif element is Element.NODE:
            count, slots = self._sample(label, EXACT_ROWS)
        else:
            found = self._view.relationships(None if label is None else [label])
            count, slots = len(found), found.take(places_of(len(found), EXACT_ROWS))
        return summary_of(self._gather(element, slots, key), count)

    def has_loops(self, type: str) -> bool:
        starts, ends = self._view.endpoints(self._view.relationships([type]))
        return bool((starts == ends).any())

    def has_parallels(self, type: str) -> bool | None:
        starts, ends = self._view.endpoints(self._view.relationships([type]))
        return has_duplicates(starts, ends)

    def generation(self) -> int:
        return 0

    # --- how it is read

    def _members(self, label: str | None) -> BitMap:
        return self._view.nodes() if label is None else self._view.nodes_with_label(label)

    def _rarest(self, labels: Sequence[str]) -> str | None:
        return min(labels, key=self.nodes_with_label, default=None)

    def _sample(self, label: str | None, most: int) -> tuple[int, IntArray]:
        """How many nodes have a label, and the slots of at most ``most`` of them."""
        members = self._members(label)
        count = len(members)
        places = places_of(count, most if count <= most else SAMPLE_ROWS)
        run = run_of(members)
        return count, places + run.start if run is not None else slots_of(members).take(places)

    def _ends(self, label: str | None, met_by: Follows) -> tuple[int, IntArray]:
        """How many relationships lead to nodes with a label, and some of these nodes, each as often as it is met."""
        view = self._view
        relationships = view.relationships(met_by.types or None)
        starts, ends = view.endpoints(relationships.take(places_of(len(relationships), SAMPLE_ROWS)))
        parts = [x for x, other in ((ends, Direction.OUT), (starts, Direction.IN)) if met_by.direction is not other]
        return self._labelled(label, np.concatenate(parts), len(parts) * len(relationships))

    def _labelled(self, label: str | None, nodes: IntArray, total: int) -> tuple[int, IntArray]:
        """Of nodes, a sample of ``total``, those with a label; with their number in all."""
        if label is None or not len(nodes):
            return total, nodes
        members = self._view.nodes_with_label(label)
        run = run_of(members)
        inside = contained(nodes, members) if run is None else (nodes >= run.start) & (nodes < run.stop)
        kept = np.flatnonzero(inside)
        return total * len(kept) // len(nodes), nodes.take(kept)

    def _degrees(self, slots: IntArray, follows: Follows) -> IntArray:
        return self._view.degrees(slots, follows.types or None, follows.direction)

    def _gather(self, element: Element, slots: IntArray, key: str) -> Column:
        return self._view.property(element, slots, key)


def has_duplicates(starts: IntArray, ends: IntArray) -> bool:
    """Whether two relationships have the same start and the same end."""
    if len(starts) < 2:
        return False
    pairs = starts.astype(np.int64) << 32 | ends.astype(np.int64)
    pairs.sort()
    return bool((pairs[1:] == pairs[:-1]).any())


@dataclass(frozen=True, slots=True)
class _Counted:
    """Relationships between two labels in one state, and what of it is needed to bring them up to date."""

    count: int
    position: int
    top: int
    nodes_top: int
    dead: BitMap
    source: BitMap | None
    target: BitMap | None


class Measured:
    """What the snapshots of one store have found out; shared by them. Replaced entry by entry, never changed."""

    def __init__(self) -> None:
        self.counted: dict[tuple[str | None, str, str | None], _Counted] = {}
        self.made: dict[tuple[object, ...], tuple[int, Any]] = {}
        """By what it is of: the generation, and the measurement."""
        self.loops: tuple[int, IntArray] = (0, np.zeros(0, np.int64))
        """Relationships from a node to itself among those below a slot: see ``facts.loops_of``."""


class SnapshotStatistics(ViewStatistics):
    """Statistics of a snapshot: its own counts, and measurements of its generation; its own where it shares none."""

    def __init__(self, snapshot: Snapshot, shares: bool = True) -> None:
        self._view = self._snapshot = snapshot
        self._shares = shares
        self._own: dict[tuple[object, ...], Any] = {}

    def generation(self) -> int:
        return self._snapshot.generation

    # --- counts

    def relationships(self, type: str | None = None) -> int:
        live = self._snapshot.counts_by_type
        return sum(live.values()) if type is None else live.get(type, 0)

    def relationships_between(self, source: str | None, type: str | None, target: str | None) -> int:
        key = ("between", source, type, target)
        found = self._own.get(key)
        if found is None:
            types = [type] if type is not None else list(self._snapshot.counts_by_type)
            found = self._own[key] = sum(self._between(source, t, target) for t in types)
        return found

    def _between(self, source: str | None, type: str, target: str | None) -> int:
        state = self._snapshot.adjacency_state(type)
        if state is None:
            return 0
        source, target = self._telling(source, type, False), self._telling(target, type, True)
        if source is None and target is None:
            return self.relationships(type)
        key = (source, type, target)
        known = self._snapshot.store.measured.counted.get(key)
        if known is not None and known.position <= self._snapshot.position:
            count = self._brought_up(known, key)
            if count is None:
                count = self._counted(source, state, type, target)
        else:
            count = self._counted(source, state, type, target)
            if known is not None:
                return count  # of the past: what is shared is of a newer state
        self._snapshot.store.measured.counted[key] = self._noted(count, source, target)
        return count

    def _telling(self, label: str | None, type: str, outgoing: bool) -> str | None:
        """The label, None where all relationships of the type have it at that end."""
        if label is None or self._snapshot.fact(EndsLabelled(type, outgoing, label)):
            return None
        return label

    def _label_set(self, label: str | None) -> BitMap | None:
        return None if label is None else self._snapshot.nodes_with_label(label)

    def _noted(self, count: int, source: str | None, target: str | None) -> _Counted:
        at = self._snapshot
        sets = self._label_set(source), self._label_set(target)
        return _Counted(count, at.position, at.relationships_top, at.nodes_top, at.deleted_relationships, *sets)

    def _brought_up(self, known: _Counted, key: tuple[str | None, str, str | None]) -> int | None:
        """A count of an older state as of this one; None where it has to be counted anew."""
        at = self._snapshot
        source, type, target = key
        if at.relationships_top - known.top > COUNTED_EDGES:
            return None
        sets = self._label_set(source), self._label_set(target)
        for before, now in zip((known.source, known.target), sets, strict=True):
            if before is not now and before is not None and now is not None:
                changed = before ^ now
                changed -= at.deleted_nodes  # they have no relationships any more
                if len(changed) and changed.min() < known.nodes_top:
                    return None
        count = known.count
        if at.relationships_top > known.top:
            came = np.arange(known.top, at.relationships_top)
            if at.deleted_relationships is not known.dead:
                came = came.compress(~contained(came, at.deleted_relationships))
            count += self._among(came, type, *sets)
        if at.deleted_relationships is not known.dead:
            gone = slots_of(at.deleted_relationships - known.dead)
            count -= self._among(gone.compress(gone < known.top), type, known.source, known.target)
        return count

    def _among(self, relationships: IntArray, type: str, source: BitMap | None, target: BitMap | None) -> int:
        """How many of these are of a type and between the sets."""
        at = self._snapshot
        if not len(relationships):
            return 0
        code = at.store.type_codes[type]
        relationships = relationships.compress(at.type_codes(relationships) == code)
        kept = np.ones(len(relationships), np.bool_)
        for nodes, members in zip(at.endpoints(relationships), (source, target), strict=True):
            if members is not None:
                kept &= contained(nodes, members)
        return int(kept.sum())

    def _counted(self, source: str | None, state: AdjacencyState, type: str, target: str | None) -> int:
        sets = self._label_set(source), self._label_set(target)
        sizes = [self._degree_sum(members, state, type, i == 0) for i, members in enumerate(sets)]
        if sets[0] is None or sets[1] is None:
            return sizes[1] if sets[0] is None else sizes[0]
        # The side that has fewer relationships is followed; where they are very many, a part of its nodes is.
        outgoing = sizes[0] <= sizes[1]
        near, far = sets if outgoing else sets[::-1]
        assert near is not None and far is not None
        size, count = min(sizes), len(near)
        if not size:
            return 0
        nodes = slots_of(near)
        if size > COUNTED_EDGES:
            nodes = nodes.take(places_of(count, max(1, count * COUNTED_EDGES // size)))
        direction = Direction.OUT if outgoing else Direction.IN
        found = self._snapshot.expand(nodes, [type], direction)
        inside = int(mask_of(far, self._snapshot.nodes_top).take(found.node).sum())
        return inside if len(nodes) == count else round(inside * size / max(1, len(found.node)))

    def _degree_sum(self, members: BitMap | None, state: AdjacencyState, type: str, outgoing: bool) -> int:
        """Relationships of a type that leave, or reach, the nodes of a set; by offsets where their slots are a run."""
        if members is None:
            return self.relationships(type)
        run = run_of(members)
        at = self._snapshot
        if run is not None and not state.delta.count and not len(at.deleted_relationships):
            offsets = (state.outgoing if outgoing else state.incoming).offsets
            if state.top <= at.relationships_top:
                last = len(offsets) - 1
                return int(offsets[min(run.stop, last)]) - int(offsets[min(run.start, last)])
        if not state.delta.count:
            members = members & ends_of(state, not outgoing)
        return int(at.degrees(slots_of(members), [type], Direction.OUT if outgoing else Direction.IN).sum())

    # --- measurements

    def degrees(self, label: str | None, type: str | None, direction: Direction) -> DegreeSummary:
        make = super().degrees
        return self._measured(("degrees", label, type, direction), label, lambda: make(label, type, direction))

    def degree_after(self, labels: Sequence[str], before: Follows, then: Follows) -> float:
        rarest = self._rarest(labels)
        make, one = super().degree_after, () if rarest is None else (rarest,)
        return self._measured(("after", rarest, before, then), rarest, lambda: make(one, before, then))

    def values(
        self, label: str | None, key: str, element: Element = Element.NODE, met_by: Follows | None = None
    ) -> ValueSummary:
        make = super().values
        name = ("values", element, label, key, met_by)
        if element is Element.NODE:
            return self._measured(name, label, lambda: make(label, key, element, met_by))
        return self._measured(name, None, lambda: self._relationship_values(label, key))

    def _relationship_values(self, type: str | None, key: str) -> ValueSummary:
        """Values of relationships, which the adjacency lists: their slots need not be looked for."""
        at = self._snapshot
        if key not in at.store.columns[Element.RELATIONSHIP]:
            return ValueSummary(self.relationships(type), 1.0, 0)
        state = None if type is None else at.adjacency_state(type)
        if state is None:
            return super().values(type, key, Element.RELATIONSHIP)
        base, delta = state.outgoing.relationship, state.delta
        slots = np.concatenate([base, delta.relationship[: delta.count]])
        if len(slots) > EXACT_ROWS:
            slots = slots.take(places_of(len(slots), SAMPLE_ROWS))
        slots = np.sort(slots).astype(np.int64)
        slots = slots.compress(slots < at.relationships_top)
        if len(at.deleted_relationships):
            slots = slots.compress(~contained(slots, at.deleted_relationships))
        return summary_of(self._gather(Element.RELATIONSHIP, slots, key), self.relationships(type))

    def _ends(self, label: str | None, met_by: Follows) -> tuple[int, IntArray]:
        at = self._snapshot
        state = at.adjacency_state(met_by.types[0]) if len(met_by.types) == 1 else None
        if state is None or state.delta.count * 4 > state.size or len(at.deleted_relationships) * 4 > state.size:
            return super()._ends(label, met_by)
        # Far ends as the base has them: those of the few that came or went since are as good as any.
        parts = []
        for csr, other in ((state.outgoing, Direction.OUT), (state.incoming, Direction.IN)):
            if met_by.direction is not other:
                parts.append(csr.node.take(places_of(len(csr.node), SAMPLE_ROWS)).astype(np.int64))
        nodes = np.concatenate(parts)
        nodes = nodes.compress(nodes < at.nodes_top)
        return self._labelled(label, nodes, len(parts) * self.relationships(met_by.types[0]))

    def has_loops(self, type: str) -> bool:
        at = self._snapshot
        loops = loops_of(type, at)
        return bool(len(loops - at.deleted_relationships if len(at.deleted_relationships) else loops))

    def has_parallels(self, type: str) -> bool | None:
        """By the base where it tells, else by all relationships; a deleted one counts as if it were there."""
        state = self._snapshot.adjacency_state(type)
        if state is None:
            return False
        known = state.facts.get("parallels")
        if known is None:
            csr = state.outgoing
            known = state.facts["parallels"] = has_duplicates(csr.keys().astype(np.int64), csr.node.astype(np.int64))
        if known or not state.delta.count:
            return bool(known)
        # Only what has come since can have a twin: of its starts all relationships are looked at.
        fresh = slots_of(bitmap_of(state.delta.source[: state.delta.count]))
        found = self._snapshot.expand(fresh, [type], Direction.OUT)
        return has_duplicates(found.source_position, found.node)

    def _measured(self, key: tuple[object, ...], label: str | None, make: Callable[[], _T]) -> _T:
        """A measurement of this generation, shared where it is the newest one's.

        One of a label that has twice the nodes, or half, is made again: a small label may change much in a graph that
        hardly does.
        """
        key = (*key, len(self._members(label)).bit_length())
        shared, generation = self._snapshot.store.measured.made, self._snapshot.generation
        known = shared.get(key) if self._shares else None
        if known is not None and known[0] == generation:
            return known[1]
        if key in self._own:
            return self._own[key]
        made = make()
        if self._shares and (known is None or known[0] < generation):
            if len(shared) >= MEASURES_MAX:
                shared.clear()
            shared[key] = (generation, made)
        else:
            self._own[key] = made
        return made

    def _gather(self, element: Element, slots: IntArray, key: str) -> Column:
        # Not through the view: should undo be gone, a plan may rest on a value that is too new.
        column = self._snapshot.store.columns[element].get(key)
        return ConstantColumn(None, len(slots)) if column is None else column.gather(slots, self._snapshot.position)
