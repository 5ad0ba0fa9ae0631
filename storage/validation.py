"""Whether a transaction may commit: what it read and wrote, against what commits since its snapshot wrote.

First committer wins. ``Since`` tells what was written since from the versions that are kept anyhow: bitmaps and counts
of the two snapshots, and the undo of the columns, which reaches back as far as any open transaction needs. So a commit
leaves no trace of its own for others to check, and a transaction that meets no other is not checked at all.

What two transactions write is a conflict as ``touches`` says; what was read is one where reading it now would answer
otherwise (``Reads``); with ``isolation="snapshot"`` there are no such notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import BoolArray, IntArray
from memoradb.core.errors import UniqueViolation, WriteConflict
from memoradb.core.semantics import equivalence_key
from memoradb.core.values import Value

from .apply import check
from .changeset import Changeset
from .graph.bitmaps import below, bitmap_of, contained
from .reads import IndexReads, Place, Reads, index_key
from .snapshot import Snapshot
from .touches import Touches
from .undo import UndoLog
from .view import Element, IndexDefinition

if TYPE_CHECKING:
    from .store import GraphStore
    from .transaction import Transaction

Changed: TypeAlias = tuple[list[Value] | None, list[Value] | None]
"""An element's values in an index before and after; None where it was not, or is not, in it."""


class Since:
    """What commits between two snapshots of one store wrote. Slots mean the same in both."""

    def __init__(self, base: Snapshot, head: Snapshot, undo: UndoLog) -> None:
        self.base = base
        self.head = head
        self._undo = undo

    def _top(self, element: Element) -> int:
        return self.base.nodes_top if element is Element.NODE else self.base.relationships_top

    @cached_property
    def _written(self) -> dict[tuple[Element, str], BitMap]:
        """Older elements of which a property was written."""
        store, found = self.base.store, {}
        for column, slot in self._undo.since(self.base.position):
            found.setdefault(column, []).append(slot)
        names = {c: (element, key) for element, columns in store.columns.items() for key, c in list(columns.items())}
        return {names[column]: BitMap(slots) for column, slots in found.items()}

    def written(self, element: Element, key: str | None = None) -> BitMap:
        """Older elements of which a property was written: that one, or any."""
        if key is not None:
            found = self._written.get((element, key), _NONE)
        else:
            found = BitMap.union(_NONE, *(slots for (kind, _), slots in self._written.items() if kind is element))
        return below(found, self._top(element))

    @cached_property
    def relabelled(self) -> dict[str, BitMap]:
        """By label: nodes that gained or lost it, also by being created or deleted."""
        return self.head.label_changes(self.base)

    def relabelled_nodes(self, label: str | None = None) -> BitMap:
        """Older nodes that gained or lost a label: that one, or any."""
        if label is not None:
            found = self.relabelled.get(label, _NONE)
        else:
            found = BitMap.union(_NONE, *self.relabelled.values())
        return below(found, self.base.nodes_top)

    @cached_property
    def _deleted(self) -> dict[Element, BitMap]:
        base, head = self.base, self.head
        return {
            Element.NODE: below(head.deleted_nodes - base.deleted_nodes, base.nodes_top),
            Element.RELATIONSHIP: below(
                head.deleted_relationships - base.deleted_relationships, base.relationships_top
            ),
        }

    def deleted(self, element: Element) -> BitMap:
        """Older elements that are no more."""
        return self._deleted[element]

    @cached_property
    def created_relationships(self) -> IntArray:
        """Slots of new relationships, without those that are gone again."""
        slots = np.arange(self.base.relationships_top, self.head.relationships_top)
        return slots.compress(~contained(slots, self.head.deleted_relationships))

    @cached_property
    def links(self) -> dict[str, tuple[BitMap, BitMap]]:
        """By type: older nodes where a relationship that came or went starts, and where one ends."""
        gone = slots_of(self.deleted(Element.RELATIONSHIP))
        return {
            type: (below(bitmap_of(starts), self.base.nodes_top), below(bitmap_of(ends), self.base.nodes_top))
            for type, starts, ends in self.head.by_type(np.concatenate([gone, self.created_relationships]))
        }

    @cached_property
    def touches(self) -> Touches:
        """The same as one transaction's touches."""
        ends = self.head.endpoints(self.created_relationships)
        return Touches(
            self.written(Element.NODE) | self.relabelled_nodes(),
            self.deleted(Element.NODE),
            below(bitmap_of(np.concatenate(ends)), self.base.nodes_top),
            self.written(Element.RELATIONSHIP) | self.deleted(Element.RELATIONSHIP),
        )

    # --- indexes

    def index_changes(self, place: Place) -> Iterator[Changed]:
        """The values, before and after, of every element whose place in such an index changed."""
        element, names, keys = place
        changed = BitMap.union(_NONE, *(self.written(element, key) for key in keys))
        if element is Element.NODE:
            changed = BitMap.union(changed, *(self.relabelled.get(name, _NONE) for name in names))
        else:
            changed = changed | self.deleted(element) | bitmap_of(self.created_relationships)
        slots = slots_of(changed)
        if len(slots):
            pairs = zip(_values(self.base, place, slots), _values(self.head, place, slots), strict=True)
            yield from ((old, new) for old, new in pairs if not _same(old, new))

    def violates(self, place: Place, values: set[object]) -> bool:
        """Whether one of these values, by ``index_key``, has come into an index since."""
        return any(new is not None and index_key(new) in values for _, new in self.index_changes(place))


def validate(own: Touches, reads: Reads | None, since: Since) -> None:
    """Let a transaction commit, or not.

    Raises:
        WriteConflict: another transaction committed first what this one wrote or read.
    """
    element = own.conflict_with(since.touches)
    if element is not None:
        raise WriteConflict(
            f"Another transaction changed the same {element.value.lower()} first.", hint="Run the transaction again."
        )
    if reads is not None:
        changed = next((what for what, differs in _CHECKS.items() if differs(reads, since)), None)
        if changed is not None:
            raise WriteConflict(
                f"Another transaction changed what this one had read: {changed}.",
                hint='Run the transaction again; with isolation "snapshot" reads are not checked.',
            )


# --- what was read -----------------------------------------------------------


def _elements_differ(reads: Reads, since: Since) -> bool:
    for element in Element:
        gone = since.deleted(element)
        whole = reads.elements[element]
        if whole.intersect(since.written(element)) or whole.intersect(gone) or reads.seen[element].intersect(gone):
            return True
    for (element, key), slots in reads.properties.items():
        if slots.meets(since.written(element, key)) or slots.meets(since.deleted(element)):
            return True
    return any(ids and _have_come(since, element, ids) for element, ids in reads.absent.items())


def _have_come(since: Since, element: Element, ids: set[int]) -> bool:
    """Whether one of these ids stands for a new element by now; a transaction's own deletions are none."""
    slots = since.head.slots_of_ids(element, np.fromiter(ids, np.int64, len(ids)))
    top = since.base.nodes_top if element is Element.NODE else since.base.relationships_top
    return bool((slots >= top).any())


def _labels_differ(reads: Reads, since: Since) -> bool:
    gone = since.deleted(Element.NODE)
    if reads.all_labels.intersect(since.relabelled_nodes()) or reads.all_labels.intersect(gone):
        return True
    if any(since.relabelled.get(label) for label in reads.scanned_labels):
        return True
    return any(slots.meets(since.relabelled_nodes(label)) or slots.meets(gone) for label, slots in reads.labels.items())


def _scans_differ(reads: Reads, since: Since) -> bool:
    if reads.all_nodes and since.head.nodes() != since.base.nodes():
        return True
    types = reads.scanned_types
    return bool(types) and any(None in types or type in types for type in since.links)


def _expansions_differ(reads: Reads, since: Since) -> bool:
    gone = since.deleted(Element.NODE)
    for (type, outgoing), nodes in reads.expanded.items():
        if nodes.meets(gone):
            return True
        found = since.links.values() if type is None else (since.links.get(type, (_NONE, _NONE)),)
        if any(nodes.meets(ends[0 if outgoing else 1]) for ends in found):
            return True
    return False


def _indexes_differ(reads: Reads, since: Since) -> bool:
    return any(_index_differs(since, place, noted) for place, noted in reads.indexes.items())


def _index_differs(since: Since, place: Place, noted: IndexReads) -> bool:
    for old, new in since.index_changes(place):
        if noted.everything:
            return True
        for values in (old, new):
            if values is not None:
                if noted.keys and index_key(values) in noted.keys:
                    return True
                if any(test(values) for test in noted.tests):
                    return True
    return False


def _facts_differ(reads: Reads, since: Since) -> bool:
    return not all(map(since.head.fact, reads.facts))


def _names_differ(reads: Reads, since: Since) -> bool:
    return any(getattr(since.head, name)() != getattr(since.base, name)() for name in reads.names)


def _schema_differs(reads: Reads, since: Since) -> bool:
    return reads.schema_read and since.head.schema_version != since.base.schema_version


_CHECKS: dict[str, Callable[[Reads, Since], bool]] = {
    "properties of an element": _elements_differ,
    "the labels of nodes": _labels_differ,
    "all nodes or relationships": _scans_differ,
    "the relationships of a node": _expansions_differ,
    "a place in an index": _indexes_differ,
    "all of a label or type": _facts_differ,
    "the names in use": _names_differ,
    "the schema": _schema_differs,
}
"""Each kind of note, as an error names it; cheap ones first."""


# --- uniqueness --------------------------------------------------------------


def lost_a_race(changeset: Changeset, definitions: Sequence[IndexDefinition], since: Since) -> bool:
    """Whether a value that may not be there twice came with a commit since the transaction began.

    Then the loser did nothing wrong: what it will see when it runs again lets MERGE match, and CREATE fail for good.
    """
    for definition in definitions:
        wanted = {key for key in _written_keys(changeset, definition) if key is not None}
        if wanted and since.violates((definition.element, definition.labels, definition.keys), wanted):
            return True
    return False


def _written_keys(changeset: Changeset, definition: IndexDefinition) -> Iterator[object]:
    """Index keys of new nodes. Several keys that are set one by one are not put together: their nodes are older."""
    for new in changeset.new_nodes:
        columns = [new.properties.get(key) for key in definition.keys]
        held = [column.values() for column in columns if column is not None]
        if len(held) == len(columns):
            yield from map(index_key, zip(*held, strict=True))
    if len(definition.keys) == 1:
        for change in changeset.properties:
            if change.key == definition.keys[0]:
                yield from (index_key((value,)) for value in change.values.values())


# --- pieces ------------------------------------------------------------------


def _values(view: Snapshot, place: Place, slots: IntArray) -> list[list[Value] | None]:
    """What an index holds of each element in one view; None where it holds nothing."""
    element, names, keys = place
    there = _covered(view, element, names, slots)
    known = slots.compress(there)
    columns = [view.property(element, known, key).values() for key in keys]
    rows = iter(zip(*columns, strict=True))
    found = (list(next(rows)) if covered else None for covered in there.tolist())
    return [None if row is None or all(value is None for value in row) else row for row in found]


def _covered(view: Snapshot, element: Element, names: Sequence[str], slots: IntArray) -> BoolArray:
    there = np.zeros(len(slots), np.bool_)
    if element is Element.NODE:
        asked = bitmap_of(slots)
        for name in names:
            there |= contained(slots, view.nodes_with_label(name) & asked)
        return there
    inside = np.flatnonzero((slots < view.relationships_top) & ~contained(slots, view.deleted_relationships))
    types = view.relationship_type(slots.take(inside))
    there[inside] = [type in names for type in types]
    return there


def _same(old: list[Value] | None, new: list[Value] | None) -> bool:
    if old is None or new is None:
        return old is new
    return list(map(equivalence_key, old)) == list(map(equivalence_key, new))


_NONE = BitMap()


def check_commit(store: GraphStore, transaction: Transaction, changeset: Changeset) -> None:
    """Refuse what others made impossible since the transaction began; nothing was, where it is the newest.

    Raises:
        WriteConflict: what it wrote or read was written by another, who committed first.
        UniqueViolation: it breaks a constraint that nobody else had a part in.
    """
    base = transaction.overlay.base
    if base.position == store.position:
        check(store, changeset)
        return
    if base.position < store.undo.horizon:
        raise WriteConflict("The transaction is too old to be checked.", hint="Run it again.")
    since = Since(base, store.head(), store.undo)
    validate(transaction.overlay.touches(), transaction.reads, since)
    try:
        check(store, changeset)
    except UniqueViolation as violation:
        unique = [d for d in base.indexes() if d.kind.is_unique]
        if not lost_a_race(changeset, unique, since):
            raise
        raise WriteConflict(
            f"Another transaction was first: {violation.message}", hint="Run the transaction again."
        ) from violation
