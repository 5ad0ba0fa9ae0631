"""About how much memory a store takes: arrays of its own exactly, Python objects by their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..properties.column import PropertyColumn
from ..store import GraphStore
from ..view import Element

OBJECT_BYTES = 64
"""A Python object in a list or a dictionary: a short string, a number and its place."""
STORE_BYTES = 64 << 10
"""An empty store, with its locks and dictionaries."""


def bytes_of(store: GraphStore) -> int:
    """What the store takes by itself. Arrays that are mapped from files are not counted, nor what was never read."""
    total = STORE_BYTES + store.undo.bytes
    for element in Element:
        table = store.table(element)
        total += _arrays(vars(table).values())
        for column in store.columns[element].values():
            total += _column(column)
    for bitmap in (store.live_nodes, *store.labels.values()):
        total += len(bitmap) // 4
    for adjacency in store.adjacency.values():
        state = adjacency.state
        for part in (state.outgoing, state.incoming):
            total += _arrays(getattr(part, "__dict__", {}).values())
        delta = state.delta
        chains = (part for chain in (delta.outgoing, delta.incoming) for part in (chain.head, chain.next))
        total += 3 * delta.source.nbytes + sum(part.nbytes for part in chains)
    return total


def _arrays(values: Iterable[Any]) -> int:
    return sum(v.nbytes for v in values if isinstance(v, np.ndarray) and v.flags.writeable)


def _column(column: PropertyColumn) -> int:
    state = vars(column).get("state")
    if state is None:
        return 0  # still in its file
    if isinstance(state.data, list):
        return len(state.data) * OBJECT_BYTES
    total = _arrays((state.data, state.present, *state.rest)) + len(state.misfits) * OBJECT_BYTES
    return total + (len(state.dictionary) * 2 * OBJECT_BYTES if state.dictionary is not None else 0)
