"""Facts that spare a query checks: statements about one snapshot, exact and cheap to decide.

The planner may leave out a test for null, for a target's label or for a relationship used twice where a fact says that
it can never fail; the statement then runs only on a view of which the fact holds. A fact is decided from the arrays at
hand and remembered by the snapshot. What costs a pass over all relationships is remembered by their base, which is
immutable: labels only have to be looked at again where the label lost a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of

from .graph.bitmaps import bitmap_of
from .view import Element, EndsLabelled, Fact, IndexDefinition, IndexKind, LoopFree, NeverNull

if TYPE_CHECKING:
    from .elements import Elements
    from .graph.adjacency import AdjacencyState

LOOP_PART = 1 << 20
"""Relationships that are looked at together."""


def holds(fact: Fact, snapshot: Elements) -> bool:
    """Whether ``fact`` is true of ``snapshot``. Deleted relationships count as if they were there: that is safe."""
    match fact:
        case NeverNull(label, key):
            if any(_requires(definition, label, key) for definition in snapshot.indexes()):
                return True
            slots = slots_of(snapshot.nodes_with_label(label))
            return snapshot.property(Element.NODE, slots, key).nulls() is None
        case EndsLabelled(type, outgoing, label):
            # No live relationship has a deleted end; those that are dead themselves may have.
            allowed = snapshot.nodes_with_label(label) | snapshot.deleted_nodes
            return _ends_labelled(type, outgoing, allowed, snapshot)
        case LoopFree(type):
            return _loop_free(type, snapshot)


def _requires(definition: IndexDefinition, label: str, key: str) -> bool:
    """Whether a constraint says that every node with the label has the property."""
    kinds = (IndexKind.EXISTENCE, IndexKind.KEY)
    node = definition.element is Element.NODE and definition.kind in kinds
    return node and definition.labels == (label,) and key in definition.keys


def _ends_labelled(type: str, outgoing: bool, allowed: BitMap, snapshot: Elements) -> bool:
    state = snapshot.adjacency_state(type)
    if state is None or allowed.contains_range(0, snapshot.nodes_top):
        return True  # there is none, or there are no other nodes
    ends = ends_of(state, outgoing)
    delta = state.delta
    new = (delta.target if outgoing else delta.source)[: delta.count]
    return ends <= allowed and (not len(new) or bitmap_of(new) <= allowed)


def ends_of(state: AdjacencyState, outgoing: bool) -> BitMap:
    """The nodes that relationships of the base end (``outgoing``) or start at, deleted ones too. Read only."""
    known: dict[object, object] = state.facts
    ends = known.get(("ends", outgoing))
    if not isinstance(ends, BitMap):
        # A node is an end where it has relationships as seen from there.
        offsets = (state.incoming if outgoing else state.outgoing).offsets
        without = offsets[1:] == offsets[:-1]
        rows = len(without)
        if 2 * int(np.count_nonzero(without)) < rows:  # a range is made at once, and little is taken from it
            ends = BitMap(range(rows)) - bitmap_of(np.flatnonzero(without))
        else:
            ends = bitmap_of(np.flatnonzero(~without))
        known["ends", outgoing] = ends
    return ends


def _loop_free(type: str, snapshot: Elements) -> bool:
    return not len(loops_of(type, snapshot))


def loops_of(type: str, snapshot: Elements) -> BitMap:
    """The relationships of a type that start and end at one node, deleted ones too.

    Those of all types are looked for together, once: what comes later is looked at when somebody asks again.
    """
    table, top, measured = snapshot.store.relationships, snapshot.relationships_top, snapshot.store.measured
    known, found = measured.loops
    if known < top:
        parts = [found]
        for first in range(known, top, LOOP_PART):
            part = slice(first, min(first + LOOP_PART, top))
            parts.append(np.flatnonzero(table.source[part] == table.target[part]) + first)
        found = np.concatenate(parts)
        measured.loops = (top, found)
    found = found[: int(np.searchsorted(found, top))]
    code = snapshot.store.type_codes.get(type, -1)
    return bitmap_of(found.compress(table.type_code.take(found) == code))
