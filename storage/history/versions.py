"""The versions of one element: what each transaction made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from memoradb.core.columns import IntArray
from memoradb.core.values import Value

from ..changeset import Changeset
from ..view import Element, GraphView
from .records import Commit

VersionKind = Literal["kept", "created", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Version:
    """One element after one transaction."""

    transaction: int
    """Number of the transaction."""
    position: int
    """Its position in the log."""
    time_us: int
    """When it was committed: microseconds since 1970."""
    kind: VersionKind
    """``kept``: how it was at the horizon, before which nothing is known."""
    labels: tuple[str, ...] = ()
    """Of a node, in the order in which it got them; empty after its deletion."""
    properties: tuple[tuple[str, Value], ...] = ()
    """By key; empty after its deletion."""
    type: str | None = None
    """Of a relationship."""
    source: int | None = None
    """Of a relationship: the id of the node that it starts at."""
    target: int | None = None
    """Of a relationship: the id of the node that it ends at."""


def version_at(view: GraphView, element: Element, identity: int, commit: Commit) -> Version | None:
    """An element as a view has it, where it does: where its history begins."""
    slots = view.slots_of_ids(element, np.array([identity], np.int64))
    slot = int(slots[0])
    if slot < 0:
        return None
    properties = tuple(sorted(view.properties(element, slot).items()))
    found = Version(commit.transaction, commit.position, commit.time_us, "kept", (), properties)
    if element is Element.NODE:
        return replace(found, labels=view.node_labels(slot))
    source, target = (int(view.ids(Element.NODE, end)[0]) for end in view.endpoints(slots))
    return replace(found, type=view.relationship_type(slots)[0], source=source, target=target)


def versions(commits: Iterable[Commit], element: Element, identity: int, first: Version | None) -> Iterator[Version]:
    """The versions that ``commits`` made, after ``first``, which comes first."""
    if first is not None:
        yield first
    current = first
    for commit in commits:
        after = _after(commit, element, identity, current)
        if after is not None:
            yield after
            current = None if after.kind == "deleted" else after


def _after(commit: Commit, element: Element, identity: int, before: Version | None) -> Version | None:
    """The element after one transaction; None where that had nothing to do with it."""
    changeset = commit.changeset
    found = before if before is not None else _created(changeset, element, identity)
    if found is None:
        return None
    gone = _among(changeset.delete_nodes if element is Element.NODE else changeset.delete_relationships, identity)
    if before is None:
        if gone:
            return None  # nobody ever saw it
        kind: VersionKind = "created"
    elif gone:
        return replace(
            before,
            transaction=commit.transaction,
            position=commit.position,
            time_us=commit.time_us,
            kind="deleted",
            labels=(),
            properties=(),
        )
    else:
        kind = "changed"
    touched = before is None
    properties = dict(found.properties)
    for change in changeset.properties:
        if change.element is element:
            for i in np.flatnonzero(change.ids == identity).tolist():
                touched = True
                value = change.values.item(i)
                if value is None:
                    properties.pop(change.key, None)
                else:
                    properties[change.key] = value
    labels = list(found.labels)
    if element is Element.NODE:
        for change in changeset.labels:
            if _among(change.ids, identity):
                touched = True
                if change.remove and change.label in labels:
                    labels.remove(change.label)
                elif not change.remove and change.label not in labels:
                    labels.append(change.label)
    if not touched:
        return None
    return Version(
        commit.transaction,
        commit.position,
        commit.time_us,
        kind,
        tuple(labels),
        tuple(sorted(properties.items())),
        found.type,
        found.source,
        found.target,
    )


def _among(ids: IntArray, identity: int) -> bool:
    return len(ids) > 0 and bool((ids == identity).any())


def _created(changeset: Changeset, element: Element, identity: int) -> Version | None:
    """The element as a changeset creates it, without what the changeset sets afterwards."""
    if element is Element.NODE:
        for new in changeset.new_nodes:
            if new.first_id <= identity < new.first_id + new.count:
                i = identity - new.first_id
                held = ((key, column.item(i)) for key, column in new.properties.items())
                return Version(0, 0, 0, "created", new.labels, _present(held))
        return None
    for new in changeset.new_relationships:
        if new.first_id <= identity < new.first_id + new.count:
            i = identity - new.first_id
            held = ((key, column.item(i)) for key, column in new.properties.items())
            return Version(0, 0, 0, "created", (), _present(held), new.type, int(new.sources[i]), int(new.targets[i]))
    return None


def _present(items: Iterable[tuple[str, Value]]) -> tuple[tuple[str, Value], ...]:
    return tuple((key, value) for key, value in items if value is not None)
