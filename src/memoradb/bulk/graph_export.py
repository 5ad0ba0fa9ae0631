"""A state of the graph in batches of columns, for whatever writes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import ArgumentError, EntityNotFound
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.storage.view import Element, GraphView

from .file_groups import NODES, RELATIONSHIPS

BATCH_ROWS: Final = 50_000
"""Elements whose properties are gathered together."""

Report = Callable[[str, float], None] | None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    nodes: int
    relationships: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Nodes with the same labels, or relationships of one type. ``starts`` and ``ends`` are ids of nodes."""

    names: tuple[str, ...]
    ids: IntArray
    columns: dict[str, Column]
    starts: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    ends: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Group:
    """Elements that are written together, by slot."""

    names: tuple[str, ...]
    slots: IntArray


class Selection:
    """A view, whole or cut down to some of its elements."""

    def __init__(self, view: GraphView, nodes: IntArray | None = None, relationships: IntArray | None = None) -> None:
        """Slots of ``nodes`` and ``relationships``, ascending; None: all of them."""
        self._view = view
        self.nodes = np.asarray(view.nodes().to_array(), np.int64) if nodes is None else nodes
        self.relationships = view.relationships() if relationships is None else relationships

    @property
    def elements(self) -> int:
        """How many there are."""
        return len(self.nodes) + len(self.relationships)

    def node_groups(self) -> list[Group]:
        """The nodes by their labels, in the order of the first of each."""
        slots, view = self.nodes, self._view
        codes = np.zeros(len(slots), np.int64)
        for label in view.labels():
            has = view.has_label(slots, label)
            if has.any():
                codes = np.unique(codes * 2 + has, return_inverse=True)[1]
        return [Group(view.node_labels(int(slots[rows[0]])), slots.take(rows)) for rows in _rows_by_code(codes)]

    def relationship_groups(self) -> list[Group]:
        """The relationships by type, in the order of the first of each."""
        view, slots = self._view, self.relationships
        groups = []
        for type in view.relationship_types():
            of_type = np.intersect1d(view.relationships([type]), slots, assume_unique=True)
            if len(of_type):
                groups.append(Group((type,), of_type))
        return sorted(groups, key=lambda group: int(group.slots[0]))

    def batches(self, element: Element, group: Group) -> Iterator[Batch]:
        """The elements of a group with their properties; keys that none of a batch has are left out."""
        view = self._view
        for first in range(0, len(group.slots), BATCH_ROWS):
            slots = group.slots[first : first + BATCH_ROWS]
            columns = {key: view.property(element, slots, key) for key in view.property_keys()}
            held = {key: column for key, column in columns.items() if not _all_null(column)}
            ids = view.ids(element, slots)
            if element is Element.NODE:
                yield Batch(group.names, ids, held)
            else:
                starts, ends = (view.ids(Element.NODE, side) for side in view.endpoints(slots))
                yield Batch(group.names, ids, held, starts, ends)


def _rows_by_code(codes: IntArray) -> list[IntArray]:
    if not len(codes):
        return []
    order = np.argsort(codes, kind="stable")
    bounds = np.flatnonzero(np.diff(codes.take(order))) + 1
    return sorted(np.split(order, bounds), key=lambda rows: int(rows[0]))


def _all_null(column: Column) -> bool:
    nulls = column.nulls()
    return len(column) > 0 and nulls is not None and bool(nulls.all())


def selected(view: GraphView, values: Iterable[Value]) -> Selection:
    """The nodes, relationships and paths among ``values``, also inside lists and maps, and what the relationships join.

    Raises:
        EntityNotFound: one of them is not in the view.
    """
    nodes: set[int] = set()
    relationships: set[int] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        match value:
            case Node():
                nodes.add(value.id)
            case Relationship():
                relationships.add(value.id)
                nodes |= {value.start, value.end}
            case Path():
                waiting += [*value.nodes, *value.relationships]
            case list():
                waiting += value
            case dict():
                waiting += value.values()
            case _:
                pass
    slots: list[IntArray] = []
    for element, ids in ((Element.NODE, nodes), (Element.RELATIONSHIP, relationships)):
        found = np.sort(view.slots_of_ids(element, np.array(sorted(ids), np.int64)))
        if len(found) and found[0] < 0:
            raise EntityNotFound("The query returned what is not in the graph now.", detail="DeletedEntityAccess")
        slots.append(found)
    return Selection(view, slots[0], slots[1])


@contextmanager
def writing(path: str) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete.

    Raises:
        ArgumentError: it cannot be written.
    """
    partial = f"{path}.part"
    try:
        with open(partial, "wb") as file:
            yield file
        os.replace(partial, path)
    except BaseException as error:
        if os.path.exists(partial):
            os.remove(partial)
        if isinstance(error, OSError):
            raise ArgumentError(f"{path} cannot be written: {error}.") from error
        raise


def empty_directory(path: str | os.PathLike[str]) -> str:
    """The directory, made where there is none; ArgumentError where it holds anything."""
    place = os.fspath(path)
    try:
        os.makedirs(place, exist_ok=True)
        holds = os.listdir(place)
    except OSError as error:
        raise ArgumentError(f"{place} is no directory that can be made: {error}.") from error
    if holds:
        raise ArgumentError(f"{place} is not empty.", hint="An export goes into a directory of its own.")
    return place


def half_a_pair(error: UnicodeEncodeError) -> ArgumentError:
    """What is said of a text that UTF-8 cannot hold."""
    return ArgumentError(f"A text holds half a surrogate pair, {error.object[error.start]!r}, which UTF-8 cannot.")


def file_name(kind: str, names: Sequence[str], ending: str, taken: set[str]) -> str:
    """A name for a group's file: its labels or type as far as a file name may hold them, unlike any other.

    >>> taken = set()
    >>> file_name("nodes-", ("A", "b c"), ".csv", taken), file_name("nodes-", ("A", "b/c"), ".csv", taken)
    ('nodes-A-b_c.csv', 'nodes-A-b_c-2.csv')
    """
    plain = "-".join(names) or "unlabelled"
    stem = "".join(ch if (ch.isalnum() and ch.isascii()) or ch in "-_" else "_" for ch in plain)[:80]
    number = 1
    name = f"{kind}{stem}{ending}"
    while name.lower() in taken:
        number += 1
        name = f"{kind}{stem}-{number}{ending}"
    taken.add(name.lower())
    return name


def write_groups(
    selection: Selection,
    directory: str | os.PathLike[str],
    ending: str,
    write: Callable[[IO[bytes], Element, Group], None],
) -> Exported:
    """A file for each group of a selection, filled by ``write``, in an empty directory.

    Raises:
        ArgumentError: the directory is not empty, or a file cannot be written; and what ``write`` raises.
    """
    place = empty_directory(directory)
    taken: set[str] = set()
    files: list[str] = []
    for element, kind, groups in (
        (Element.NODE, NODES, selection.node_groups()),
        (Element.RELATIONSHIP, RELATIONSHIPS, selection.relationship_groups()),
    ):
        for group in groups:
            name = file_name(kind, group.names, ending, taken)
            files.append(name)
            with writing(os.path.join(place, name)) as file:
                write(file, element, group)
    return Exported(len(selection.nodes), len(selection.relationships), tuple(files))


class Progress:
    """Tells how much of a selection is written."""

    def __init__(self, selection: Selection, report: Report, passes: int = 1) -> None:
        self._total = max(1, selection.elements * passes)
        self._report = report
        self._done = 0

    def tell(self, what: str, count: int) -> None:
        """So many more elements."""
        self._done += count
        if self._report is not None:
            self._report(what, min(1.0, self._done / self._total))
