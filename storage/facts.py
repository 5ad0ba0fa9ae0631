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

from .graph.bitmaps import bitmap_of, slots_of
from .view import Element, EndsLabelled, Fact, IndexDefinition, IndexKind, LoopFree, NeverNull

if TYPE_CHECKING:
    from .elements import Elements


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
    known: dict[object, object] = state.facts
    ends = known.get(("ends", outgoing))
    if not isinstance(ends, BitMap):
        nodes = state.outgoing.node if outgoing else state.incoming.node
        met = np.zeros(int(nodes.max()) + 1 if len(nodes) else 0, np.bool_)
        met[nodes] = True
        ends = bitmap_of(np.flatnonzero(met))
        known["ends", outgoing] = ends
    delta = state.delta
    new = (delta.target if outgoing else delta.source)[: delta.count]
    return ends <= allowed and (not len(new) or bitmap_of(new) <= allowed)


def _loop_free(type: str, snapshot: Elements) -> bool:
    state = snapshot.adjacency_state(type)
    if state is None:
        return True
    base = state.facts.get("loops")
    if base is None:
        csr = state.outgoing
        sources = np.repeat(np.arange(csr.rows), np.diff(csr.offsets))
        base = bool((sources == csr.node).any())
        state.facts["loops"] = base
    delta = state.delta
    return not base and not bool((delta.source[: delta.count] == delta.target[: delta.count]).any())
