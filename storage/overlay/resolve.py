"""From slots to ids: an overlay's changes as a changeset for the log, and what they touch for the conflict check."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import IntArray, lift

from ..changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties
from ..graph.bitmaps import bitmap_of, slots_of
from ..view import Element

if TYPE_CHECKING:
    from .view import OverlayView


@dataclass(frozen=True, slots=True)
class Touches:
    """What a transaction depends on, by id: for the conflict check at commit."""

    exclusive: frozenset[int]
    """Nodes that it changed or deleted."""
    shared: frozenset[int]
    """Nodes that it connected to."""
    relationships: frozenset[int]
    """Relationships that it changed or deleted."""

    def conflicts_with(self, other: Touches) -> bool:
        """Whether the two cannot both commit without one having seen the other."""
        return not (
            self.exclusive.isdisjoint(other.exclusive)
            and self.exclusive.isdisjoint(other.shared)
            and self.shared.isdisjoint(other.exclusive)
            and self.relationships.isdisjoint(other.relationships)
        )


def changeset_of(overlay: OverlayView) -> Changeset:
    """All changes, by id."""
    changes = overlay.changes
    properties: list[SetProperties] = []
    for (element, key), patches in changes.patches.items():
        dead = changes.dead[element]
        slots = [s for s in patches if s not in dead] if len(dead) else list(patches)
        if slots:
            ids = overlay.ids(element, np.array(slots, np.int64))
            properties.append(SetProperties(element, key, ids, lift([patches[s] for s in slots])))
    labels: list[SetLabels] = []
    for table, remove in ((changes.labels_added, False), (changes.labels_removed, True)):
        for label, nodes in table.items():
            slots = slots_of(nodes - changes.dead_nodes)
            if len(slots):
                labels.append(SetLabels(label, overlay.ids(Element.NODE, slots), remove))
    return Changeset(
        tuple(sorted(changes.dropped_indexes)),
        tuple(_new_nodes(overlay)),
        tuple(_new_relationships(overlay)),
        tuple(properties),
        tuple(labels),
        _old_ids(overlay, Element.RELATIONSHIP, changes.dead_relationships),
        _old_ids(overlay, Element.NODE, changes.dead_nodes),
        tuple(changes.created_indexes.values()),
    )


def _old_ids(overlay: OverlayView, element: Element, slots: BitMap) -> IntArray:
    """Ids of those that are older than the transaction."""
    if not slots:
        return np.zeros(0, np.int64)
    found = slots_of(slots)
    return overlay.base.ids(element, found.compress(found < overlay.changes.chunks(element).base))


def _new_nodes(overlay: OverlayView) -> Iterable[NewNodes]:
    dead = overlay.changes.dead_nodes
    for chunk in overlay.changes.nodes.items:
        for a, b in _living(chunk.start, chunk.count, dead):
            columns = chunk.properties
            if (a, b) != (0, chunk.count):
                columns = {key: column.slice(a, b) for key, column in columns.items()}
            yield NewNodes(chunk.first_id + a, b - a, chunk.labels, columns)


def _new_relationships(overlay: OverlayView) -> Iterable[NewRelationships]:
    dead = overlay.changes.dead_relationships
    for chunk in overlay.changes.relationships.items:
        sources, targets = overlay.ids(Element.NODE, chunk.sources), overlay.ids(Element.NODE, chunk.targets)
        for a, b in _living(chunk.start, chunk.count, dead):
            columns = {key: column.slice(a, b) for key, column in chunk.properties.items()}
            yield NewRelationships(chunk.first_id + a, chunk.type, sources[a:b], targets[a:b], columns)


def _living(start: int, count: int, dead: BitMap) -> list[tuple[int, int]]:
    """Runs [a, b) of a chunk, counted from its start, that are not deleted."""
    if not len(dead):
        return [(0, count)] if count else []
    gone = [s - start for s in dead & BitMap(range(start, start + count))]
    return [(a + 1, b) for a, b in itertools.pairwise((-1, *gone, count)) if a + 1 < b]


def touches_of(overlay: OverlayView) -> Touches:
    """What the transaction wrote of elements that were there before, by id."""
    changes = overlay.changes
    written = dict(changes.dead)
    for (element, _), patches in changes.patches.items():
        written[element] = written[element] | BitMap(patches)
    for nodes in (*changes.labels_added.values(), *changes.labels_removed.values()):
        written[Element.NODE] = written[Element.NODE] | nodes
    ends = [part for chunk in changes.relationships.items for part in (chunk.sources, chunk.targets)]
    shared = bitmap_of(np.concatenate(ends)) if ends else BitMap()
    return Touches(
        frozenset(_old_ids(overlay, Element.NODE, written[Element.NODE]).tolist()),
        frozenset(_old_ids(overlay, Element.NODE, shared).tolist()),
        frozenset(_old_ids(overlay, Element.RELATIONSHIP, written[Element.RELATIONSHIP]).tolist()),
    )
