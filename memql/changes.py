"""What transactions did, element by element, and a feed of it that can be followed without gaps or repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import ArgumentError, DatabaseClosed
from memoradb.core.temporal import DateTime
from memoradb.core.values import Value
from memoradb.storage.changeset import Changeset
from memoradb.storage.view import Element, GraphView

from .past import Past, time_of

ElementKind: TypeAlias = Literal["node", "relationship", "index"]
ChangeKind: TypeAlias = Literal["created", "changed", "deleted"]


@dataclass(slots=True)
class Change:
    """What one transaction did to one element.

    ``element`` is its element id; of an index or a constraint its name. A created element has its labels or its type
    and ends (element ids), and its properties; a changed one the labels that it gained and lost, and new values of the
    properties that changed, null where one was removed; a deleted one is only named.
    """

    element: str
    kind: ElementKind
    change: ChangeKind
    labels: list[str] = field(default_factory=list)
    labels_removed: list[str] = field(default_factory=list)
    type: str | None = None
    start: str | None = None
    end: str | None = None
    properties: dict[str, Value] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Value]:
        """By name, without what is empty: as it is sent."""
        shown = {name: getattr(self, name) for name in type(self).__slots__}
        return {name: value for name, value in shown.items() if value not in (None, [], {})}


def element_id(element: Element, identity: int, uuid: str) -> str:
    """The element id of an element of the graph ``uuid``, there or not."""
    return f"{'n' if element is Element.NODE else 'r'}:{uuid}:{identity}"


def changes_of(changeset: Changeset, uuid: str) -> list[Change]:
    """A changeset, element by element, in the order in which it names them: indexes last."""
    found: dict[tuple[Element, int], Change] = {}

    def change(element: Element, identity: int, kind: ChangeKind = "changed") -> Change:
        known = found.get((element, identity))
        if known is None:
            name: ElementKind = "node" if element is Element.NODE else "relationship"
            known = found[element, identity] = Change(element_id(element, identity, uuid), name, kind)
        return known

    for new in changeset.new_nodes:
        for i, properties in enumerate(_rows(new.properties.items(), new.count)):
            made = change(Element.NODE, new.first_id + i, "created")
            made.labels, made.properties = list(new.labels), properties
    for new in changeset.new_relationships:
        ends = zip(new.sources.tolist(), new.targets.tolist(), strict=True)
        rows = _rows(new.properties.items(), new.count)
        for i, (properties, (start, end)) in enumerate(zip(rows, ends, strict=True)):
            made = change(Element.RELATIONSHIP, new.first_id + i, "created")
            made.type, made.properties = new.type, properties
            made.start, made.end = element_id(Element.NODE, start, uuid), element_id(Element.NODE, end, uuid)
    for put in changeset.properties:
        for identity, value in zip(put.ids.tolist(), put.values.values(), strict=True):
            one = change(put.element, identity)
            if value is None and one.change == "created":
                one.properties.pop(put.key, None)
            else:
                one.properties[put.key] = value
    for put in changeset.labels:
        for identity in put.ids.tolist():
            one = change(Element.NODE, identity)
            if not put.remove:
                one.labels.append(put.label)
            elif put.label in one.labels:
                one.labels.remove(put.label)
            else:
                one.labels_removed.append(put.label)
    _delete(changeset.delete_relationships, Element.RELATIONSHIP, found, change)
    _delete(changeset.delete_nodes, Element.NODE, found, change)
    dropped: list[Change] = [Change(name, "index", "deleted") for name in changeset.drop_indexes]
    return [*found.values(), *dropped, *(Change(d.name, "index", "created") for d in changeset.create_indexes)]


def _rows(columns: Iterable[tuple[str, Column]], count: int) -> Iterator[dict[str, Value]]:
    """Columns as a map for each row, without nulls."""
    named = [(key, column.values()) for key, column in columns]
    for i in range(count):
        yield {key: values[i] for key, values in named if values[i] is not None}


def _delete(
    ids: IntArray,
    element: Element,
    found: dict[tuple[Element, int], Change],
    change: Callable[[Element, int, ChangeKind], Change],
) -> None:
    for identity in ids.tolist():
        found.pop((element, identity), None)
        change(element, identity, "deleted")


# --- the feed ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommittedChanges:
    """What one transaction did. Whoever goes on after its ``position`` misses nothing and sees nothing twice."""

    position: int
    transaction: int
    time: DateTime
    changes: tuple[Change, ...]


def check_after(after: int, past: Past) -> None:
    """ArgumentError for a position that is none, or that the log has not reached.

    Whoever asks for what comes after a position that was never there follows another database, or one that was
    restored from an older copy: waiting for it would leave a gap.
    """
    if type(after) is not int or after < 0:
        raise ArgumentError(f"A position of the log is a whole number, 0 or more, not {after!r}.")
    if after > past.position:
        raise ArgumentError(
            f"The log has no position {after}; its newest is {past.position}.",
            hint="Is this the database that the position comes from? 0 begins with the first transaction.",
        )


def committed_changes(past: Past, after: int, upto: int | None = None) -> Iterator[CommittedChanges]:
    """Each transaction after a position, up to another, in order.

    Raises:
        HistoryUnavailable: what comes after ``after`` is no longer kept.
    """
    for commit in past.history.changes(after, upto):
        changes = tuple(changes_of(commit.changeset, past.uuid))
        yield CommittedChanges(commit.position, commit.transaction, time_of(commit.time_us), changes)


def followed_changes(past: Past, after: int) -> Iterator[CommittedChanges]:
    """Likewise, and then each that is still to come, as soon as it is committed; ends when the database is closed."""
    try:
        while True:
            newest = past.position
            yield from committed_changes(past, after, newest)
            after = newest
            past.history.wait_beyond(after)
    except DatabaseClosed:
        return


# --- what was there before ---------------------------------------------------


@dataclass(slots=True)
class State:
    """An element between two transactions."""

    labels: list[str]
    properties: dict[str, Value]
    type: str | None = None
    start: str | None = None
    end: str | None = None


class States:
    """Elements as they were, while transactions go by. Begins with a view, and keeps what changed since."""

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self._known: dict[str, State | None] = {}

    def before(self, change: Change) -> State | None:
        """The element before its change; None where it was not there."""
        if change.element not in self._known:
            self._known[change.element] = self._seen(change)
        return self._known[change.element]

    def _seen(self, change: Change) -> State | None:
        view = self._view
        element = Element.NODE if change.kind == "node" else Element.RELATIONSHIP
        slots = view.slots_of_ids(element, np.array([int(change.element.rpartition(":")[2])], np.int64))
        slot = int(slots[0])
        if slot < 0:
            return None
        properties = dict(view.properties(element, slot))
        if element is Element.NODE:
            return State(list(view.node_labels(slot)), properties) if view.node_is_live(slot) else None
        if not view.relationship_is_live(slot):
            return None
        start, end = (view.element_id(Element.NODE, int(ends[0])) for ends in view.endpoints(slots))
        return State([], properties, view.relationship_type(slots)[0], start, end)

    def apply(self, change: Change) -> State | None:
        """The element after its change, which the next one finds as what was before; None where it is gone."""
        before = self.before(change)
        after: State | None = None
        if change.change == "created":
            after = State(list(change.labels), dict(change.properties), change.type, change.start, change.end)
        elif change.change == "changed" and before is not None:
            labels = [label for label in before.labels if label not in change.labels_removed]
            labels += [label for label in change.labels if label not in labels]
            merged = before.properties | change.properties
            properties = {key: value for key, value in merged.items() if value is not None}
            after = State(labels, properties, before.type, before.start, before.end)
        self._known[change.element] = after
        return after
