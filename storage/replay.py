"""Applying a log to a store: consecutive changesets together, as far as that gives the same.

Most of a log is small changesets, many of them alike. Applied one by one each costs its decoding, its place in every
bitmap and array, and a snapshot; applied together (``changeset.batch``) these are paid once for thousands. The state
is the same: elements in the same slots, names met in the same order, equal values. What is not kept are the states in
between, nor undo for them. Indexes that are rebuilt from columns are left to be filled when they are first used.
"""

from __future__ import annotations

import contextlib
from typing import Final

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, ListColumn
from memoradb.core.columns import IntArray as Ints
from memoradb.core.errors import CorruptionError

from .apply import apply, bury_nodes, bury_relationships
from .changeset import Changeset, decode
from .changeset.batch import Batch, Created, Merged, Values, can_merge, column_of
from .changeset.compact import shape_of
from .graph.bitmaps import bitmap_of
from .index import upkeep
from .index.index import Index
from .index.rebuilt import RebuiltIndex
from .properties.column import Form, PropertyColumn
from .store import GraphStore
from .view import Element

BATCH_RECORDS: Final = 32_768
"""Changesets that are applied together at most."""
BATCH_BYTES: Final = 8 << 20
"""Bytes of them."""


class Unreadable(CorruptionError):
    """A changeset that cannot be understood, and its position in the log."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position_in_log = position


class Replay:
    """Brings a store forward. One writer; what was given is in the store after ``flush``."""

    def __init__(self, store: GraphStore, keep_undo: bool = False) -> None:
        """``keep_undo``: somebody reads the store at an earlier position and goes on to do so."""
        self._store = store
        self._keep_undo = keep_undo
        self._batch = Batch()
        self._pending: list[tuple[int, bytes]] = []

    def add(self, position: int, payload: bytes | Changeset) -> None:
        """The next changeset.

        Raises:
            Unreadable: it, or one before it, cannot be understood; the store stands somewhere before it.
        """
        if isinstance(payload, bytes):
            try:
                shape = shape_of(payload)
                changeset = None if shape is not None else decode(payload)
            except CorruptionError as error:
                self.flush()
                raise Unreadable(position, error.message) from error
            batch = self._batch
            if shape is not None:
                batch.add(payload, shape)
            elif changeset is not None and can_merge(changeset):
                batch.add_large(changeset, len(payload))
            else:
                self.flush()
                self._apply(position, payload)
                return
            self._pending.append((position, payload))
            if batch.count >= BATCH_RECORDS or batch.bytes >= BATCH_BYTES:
                self.flush()
            return
        self.flush()
        self._apply(position, payload)

    def flush(self) -> None:
        """Apply what is still waiting.

        Raises:
            Unreadable: one of it cannot be understood.
        """
        batch, pending = self._batch, self._pending
        if not pending:
            return
        self._batch, self._pending = Batch(), []
        merged = None
        if batch.is_worth_merging:
            with contextlib.suppress(CorruptionError):  # which one is damaged comes out below
                merged = batch.merge()
        if merged is None:
            for position, payload in pending:
                self._apply(position, payload)
            return
        position = pending[-1][0]
        apply_merged(self._store, merged, position, self._keep_undo)
        self._store.publish(position)

    def _apply(self, position: int, payload: bytes | Changeset) -> None:
        try:
            changeset = payload if isinstance(payload, Changeset) else decode(payload)
        except CorruptionError as error:
            raise Unreadable(position, error.message) from error
        apply(self._store, changeset, position)
        self._store.publish(position)


def apply_merged(store: GraphStore, merged: Merged, position: int, keep_undo: bool = False) -> None:
    """Make a batch part of the newest state, as of ``position``, its last changeset's."""
    store.prune_if_due()
    _introduce(store, merged)
    follow = _Follow(store, merged, keep_undo)
    _create_nodes(store, merged.nodes)
    _create_relationships(store, merged.relationships)
    for (element, key), assigned in merged.assigned.items():
        column, slots = store.column(element, key), store.table(element).slots_of(assigned.ids)
        if keep_undo:
            column.put_all(slots, assigned.values, position)
        else:
            column.overwrite(slots, assigned.values)
    for label, change in merged.labelled.items():
        added, removed = (bitmap_of(store.nodes.slots_of(ids)) for ids in (change.added, change.removed))
        store.labels[label] = (store.labels[label] - removed) | added
    if len(merged.delete_relationships):
        bury_relationships(store, store.relationships.slots_of(merged.delete_relationships))
    if len(merged.delete_nodes):
        bury_nodes(store, store.nodes.slots_of(merged.delete_nodes))
    follow.finish(position)
    store.applied(position, merged.count)


def _introduce(store: GraphStore, merged: Merged) -> None:
    """Let the store meet every name in the order in which the changesets have them."""
    for step in merged.names:
        match step.action:
            case "node":
                for key, _ in step.values:
                    store.column(Element.NODE, key)
                for label in step.names:
                    _meet_label(store, label)
            case "relationship":
                for key, _ in step.values:
                    store.column(Element.RELATIONSHIP, key)
                store.type_code(step.names[0])
            case "set node":
                store.column(Element.NODE, step.names[0])
            case "set relationship":
                store.column(Element.RELATIONSHIP, step.names[0])
            case "label" | "unlabel":
                _meet_label(store, step.names[0])
            case _:
                pass


def _meet_label(store: GraphStore, label: str) -> None:
    if label not in store.labels:
        store.labels[label] = BitMap()


def _create_nodes(store: GraphStore, new: Created) -> None:
    count = len(new.ids)
    if not count:
        return
    start = store.nodes.count
    _create_values(store, Element.NODE, start, new)
    store.nodes.append(new.ids)
    store.live_nodes = store.live_nodes | BitMap(range(start, start + count))
    for label, rows in new.names.items():
        store.labels[label] = store.labels[label] | bitmap_of(start + _joined(rows))


def _create_relationships(store: GraphStore, new: Created) -> None:
    count = len(new.ids)
    if not count:
        return
    start = store.relationships.count
    _create_values(store, Element.RELATIONSHIP, start, new)
    sources, targets = store.nodes.slots_of(new.sources), store.nodes.slots_of(new.targets)
    if len(new.names) == 1:
        (type,) = new.names
        store.add_relationships(type, new.ids, sources, targets)
        return
    rows = {type: np.sort(_joined(found)) for type, found in new.names.items()}
    codes = np.zeros(count, np.int32)
    for type, found in rows.items():
        codes[found] = store.type_code(type)
    slots = store.relationships.extend(new.ids, int(codes.max()), sources, targets)
    store.relationships.type_code[slots] = codes
    for type, found in rows.items():
        store.link(type, sources.take(found), targets.take(found), slots.take(found))


def _joined(parts: list[Ints]) -> Ints:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _create_values(store: GraphStore, element: Element, start: int, new: Created) -> None:
    for key, pieces in new.values.items():
        there = [piece for piece in pieces if piece.code != "-"]
        if there:
            low = min(int(piece.rows[0]) for piece in there)
            high = max(int(piece.rows[-1]) for piece in there) + 1
            moved = [Values(piece.rows - low, piece.code, piece.data) for piece in there] if low else there
            _append(store.column(element, key), start + low, column_of(moved, high - low))


def _append(column: PropertyColumn, start: int, values: Column) -> None:
    """Values of new slots. The first of them gives an empty column its form, as it does one by one."""
    if column.form is Form.EMPTY and isinstance(values, ListColumn):
        first = next(i for i, value in enumerate(values.items) if value is not None)
        if any(type(value) is not type(values.items[first]) for value in values.items[first:] if value is not None):
            column.append(start + first, ListColumn([values.items[first]]))
    column.append(start, values)


# --- indexes -----------------------------------------------------------------


class _Follow:
    """Keeps indexes in step with a batch: what they held before it, and what they must hold after it."""

    def __init__(self, store: GraphStore, merged: Merged, keep_undo: bool) -> None:
        self._store = store
        self._tops = {element: store.table(element).count for element in Element}
        self._rows: list[tuple[Index, Ints, list[upkeep.Row]]] = []
        for index in list(store.indexes.values()):
            if not _concerns(merged, index):
                continue
            if isinstance(index, RebuiltIndex) and not keep_undo:
                store.refill_later(index.definition)
                continue
            index.settle()
            slots = self._changed(merged, index)
            self._rows.append((index, slots, upkeep.rows_of(store, index.definition, slots)))

    def _changed(self, merged: Merged, index: Index) -> Ints:
        """Elements that were there before and that the index may have to hear of."""
        definition = index.definition
        element = definition.element
        ids = [found.ids for (e, key), found in merged.assigned.items() if e is element and key in definition.keys]
        if element is Element.NODE:
            ids.append(merged.delete_nodes)
            for label, change in merged.labelled.items():
                if label in definition.labels:
                    ids += (change.added, change.removed)
        else:
            ids.append(merged.delete_relationships)
        slots = self._store.table(element).slots_of(distinct(np.concatenate(ids))) if ids else np.zeros(0, np.int64)
        return slots.compress((slots >= 0) & (slots < self._tops[element]))

    def finish(self, position: int) -> None:
        """The batch is in the columns and bitmaps."""
        store = self._store
        for index, changed, rows in self._rows:
            upkeep.replaced(store, [index], changed, [rows], position)
            definition = index.definition
            top = self._tops[definition.element]
            covered = store.covered_slots(definition)
            slots = covered[int(np.searchsorted(covered, top)) :]
            if not len(slots):
                continue
            columns = store.columns[definition.element]
            held = [columns[key].gather(slots, position) for key in definition.keys if key in columns]
            missing = [found.nulls() for found in held]
            if len(held) < len(definition.keys) or not held:
                held = [
                    columns[key].gather(slots, position) if key in columns else ListColumn([None] * len(slots))
                    for key in definition.keys
                ]
            if missing and all(mask is not None for mask in missing):
                there = np.flatnonzero(~np.logical_and.reduce([m for m in missing if m is not None]))
                slots, held = slots.take(there), [found.take(there) for found in held]
            if len(slots) and missing:
                index.add(slots, held, position)


def _concerns(merged: Merged, index: Index) -> bool:
    definition = index.definition
    if not definition.keys:
        return False
    if any(element is definition.element and key in definition.keys for element, key in merged.assigned):
        return True
    names = set(definition.labels)
    if definition.element is Element.RELATIONSHIP:
        return not names.isdisjoint(merged.relationships.names) or len(merged.delete_relationships) > 0
    return (
        not names.isdisjoint(merged.nodes.names)
        or not names.isdisjoint(merged.labelled)
        or len(merged.delete_nodes) > 0
    )
