"""From slots to ids: an overlay's changes as a changeset for the log, and what they touch for the conflict check."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import IntArray, ListColumn, lift

from ..changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties
from ..graph.bitmaps import below, bitmap_of
from ..touches import Touches
from ..view import Element

if TYPE_CHECKING:
    from .view import OverlayView


_NONE: Final = np.zeros(0, np.int64)


def changeset_of(overlay: OverlayView) -> Changeset:
    """All changes, by id."""
    changes = overlay.changes
    if changes.only_adds:  # as most transactions do
        return Changeset(
            new_nodes=tuple(_new_nodes(overlay)) if changes.nodes.items else (),
            new_relationships=tuple(_new_relationships(overlay)) if changes.relationships.items else (),
        )
    properties: list[SetProperties] = []
    for (element, key), patches in changes.patches.items():
        dead = changes.dead[element]
        slots = [s for s in patches if s not in dead] if len(dead) else list(patches)
        if slots:
            ids = overlay.ids(element, np.array(slots, np.int64))
            values = [patches[s] for s in slots]
            properties.append(SetProperties(element, key, ids, lift(values) if len(values) > 1 else ListColumn(values)))
    labels: list[SetLabels] = []
    for table, remove in ((changes.labels_added, False), (changes.labels_removed, True)):
        for label, nodes in table.items():
            slots = slots_of(nodes - changes.dead_nodes)
            if len(slots):
                labels.append(SetLabels(label, overlay.ids(Element.NODE, slots), remove))
    return Changeset(
        tuple(sorted(changes.dropped_indexes)),
        tuple(_new_nodes(overlay)) if changes.nodes.items else (),
        tuple(_new_relationships(overlay)) if changes.relationships.items else (),
        tuple(properties),
        tuple(labels),
        _old_ids(overlay, Element.RELATIONSHIP, changes.dead_relationships),
        _old_ids(overlay, Element.NODE, changes.dead_nodes),
        tuple(changes.created_indexes.values()),
        tuple(sorted(changes.notes.items())),
    )


def _old_ids(overlay: OverlayView, element: Element, slots: BitMap) -> IntArray:
    """Ids of those that are older than the transaction."""
    if not slots:
        return _NONE
    found = slots_of(slots)
    return overlay.base.ids(element, found.compress(found < overlay.changes.chunks(element).base))


def _new_nodes(overlay: OverlayView) -> Iterable[NewNodes]:
    dead = overlay.changes.dead_nodes
    for chunk in overlay.changes.nodes.items:
        if not dead:
            if chunk.count:
                yield NewNodes(chunk.first_id, chunk.count, chunk.labels, chunk.properties)
            continue
        for a, b in _living(chunk.start, chunk.count, dead):
            columns = {key: column.slice(a, b) for key, column in chunk.properties.items()}
            yield NewNodes(chunk.first_id + a, b - a, chunk.labels, columns)


def _new_relationships(overlay: OverlayView) -> Iterable[NewRelationships]:
    dead = overlay.changes.dead_relationships
    for chunk in overlay.changes.relationships.items:
        sources, targets = overlay.ids(Element.NODE, chunk.sources), overlay.ids(Element.NODE, chunk.targets)
        if not dead:
            if chunk.count:
                yield NewRelationships(chunk.first_id, chunk.type, sources, targets, chunk.properties)
            continue
        for a, b in _living(chunk.start, chunk.count, dead):
            columns = {key: column.slice(a, b) for key, column in chunk.properties.items()}
            yield NewRelationships(chunk.first_id + a, chunk.type, sources[a:b], targets[a:b], columns)


def _living(start: int, count: int, dead: BitMap) -> list[tuple[int, int]]:
    """Runs [a, b) of a chunk, counted from its start, that are not deleted."""
    gone = [s - start for s in dead & BitMap(range(start, start + count))]
    return [(a + 1, b) for a, b in itertools.pairwise((-1, *gone, count)) if a + 1 < b]


def touches_of(overlay: OverlayView) -> Touches:
    """What the transaction wrote of elements that were there before, by slot."""
    changes = overlay.changes
    changed = {Element.NODE: BitMap(), Element.RELATIONSHIP: BitMap()}
    for (element, _), patches in changes.patches.items():
        changed[element] |= BitMap(patches)
    nodes = changed[Element.NODE] | changes.relabelled
    ends = [part for chunk in changes.relationships.items for part in (chunk.sources, chunk.targets)]
    top, relationships_top = changes.nodes.base, changes.relationships.base
    return Touches(
        below(nodes, top),
        below(changes.dead_nodes, top),
        below(bitmap_of(np.concatenate(ends)), top) if ends else BitMap(),
        below(changed[Element.RELATIONSHIP] | changes.dead_relationships, relationships_top),
    )
