"""Many changesets as one: those in the compact form read shape by shape into columns, larger ones as they are.

What they do together is what they do one after the other: elements in the order in which they were created, of several
values of one property the last one, of a label that comes and goes what it was in the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import BoolArray, Column, Kind, ListColumn, TypedColumn
from memoradb.core.columns import IntArray as Ints
from memoradb.core.errors import CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.values import Value

from ..view import Element
from .changeset import Changeset
from .compact import Action, Shape, Step

LARGE_STEPS_MAX: Final = 4_096
LARGE_ROWS_MAX: Final = 1 << 32
"""Steps of a changeset, and elements of a step, up to which it can be merged: what numbers them fits 64 bits."""

_KINDS: Final = {"q": (Kind.INTEGER, np.int64), "d": (Kind.FLOAT, np.float64), "?": (Kind.BOOLEAN, np.bool_)}

_KIND_CODES: Final = {kind: code for code, (kind, _) in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Values:
    """Some values of one key: of the elements at ``rows``, in the order of these."""

    rows: Ints
    code: str
    data: Any
    """An array, or a list where the code is that of strings and other values; None where all are null."""


@dataclass(slots=True)
class Created:
    """New elements of one kind, in order."""

    ids: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    names: dict[str, list[Ints]] = field(default_factory=dict)
    """By label, or by type: the rows that have it."""
    values: dict[str, list[Values]] = field(default_factory=dict)
    """By key."""
    sources: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    targets: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Assigned:
    """The last values of one key: of elements by id, each once."""

    ids: Ints
    values: Column


@dataclass(frozen=True, slots=True)
class Labelled:
    """Nodes by id that get a label, and that lose it."""

    added: Ints
    removed: Ints


@dataclass(frozen=True, slots=True)
class Merged:
    """What a batch does. Every mapping is in the order in which its names first came."""

    count: int
    """Elements touched."""
    names: Sequence[Step]
    """Steps in which every name comes first where it first came."""
    nodes: Created
    relationships: Created
    assigned: dict[tuple[Element, str], Assigned]
    labelled: dict[str, Labelled]
    delete_relationships: Ints
    delete_nodes: Ints


class Batch:
    """Collects changesets, and merges them."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self._rows: dict[Shape, tuple[list[bytes], list[int]]] = {}
        self._large: list[_Part] = []

    def add(self, payload: bytes, shape: Shape) -> None:
        """The next changeset; ``shape`` is its."""
        rows = self._rows.get(shape)
        if rows is None:
            rows = self._rows[shape] = ([], [])
        rows[0].append(payload)
        rows[1].append(self.count)
        self.count += 1
        self.bytes += len(payload)

    def add_large(self, changeset: Changeset, size: int) -> None:
        """The next changeset, of so many bytes, that has no compact form but ``can_merge``."""
        self._large += _parts_of(changeset, self.count)
        self.count += 1
        self.bytes += size

    @property
    def is_worth_merging(self) -> bool:
        """Whether enough of them are alike, or large."""
        return self.count >= 4 * len(self._rows)

    def merge(self) -> Merged:
        """All of them as one.

        Raises:
            CorruptionError: one of them is damaged.
        """
        parts = [*self._large, *(part for shape, rows in self._rows.items() for part in _parts(shape, *rows))]
        parts.sort(key=lambda part: int(part.order[0]))
        by_action: dict[str, list[_Part]] = {}
        for part in parts:
            by_action.setdefault(part.step.action, []).append(part)
        assigned: dict[tuple[Element, str], list[_Part]] = {}
        labelled: dict[str, list[_Part]] = {}
        for part in parts:
            match part.step.action:
                case "set node":
                    assigned.setdefault((Element.NODE, part.step.names[0]), []).append(part)
                case "set relationship":
                    assigned.setdefault((Element.RELATIONSHIP, part.step.names[0]), []).append(part)
                case "label" | "unlabel":
                    labelled.setdefault(part.step.names[0], []).append(part)
                case _:
                    pass
        return Merged(
            sum(len(part.order) for part in parts),
            [part.step for part in parts],
            _created(by_action.get("node", [])),
            _created(by_action.get("relationship", [])),
            {key: _assigned(found) for key, found in assigned.items()},
            {label: _labelled(found) for label, found in labelled.items()},
            _ids(by_action.get("delete", [])),
            _ids(by_action.get("drop", [])),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One step of all changesets of one shape: of its elements one after the other."""

    step: Step
    order: Ints
    """When each is done, against the steps of all others; ascending."""
    ids: tuple[Ints, ...]
    values: tuple[tuple[str, str, Any], ...]
    """(key, code, data)."""


def _parts(shape: Shape, payloads: list[bytes], ordinals: list[int]) -> Iterator[_Part]:
    rows = shape.table(payloads)
    at = np.full(len(payloads), shape.end, np.int64)
    order = np.array(ordinals, np.int64) * LARGE_STEPS_MAX
    for i, step in enumerate(shape.steps):
        place = step.first
        ends = [rows[f"f{place + j}"].astype(np.int64).ravel() for j in range(1, len(step.ids))]
        place += len(step.ids)
        values: list[tuple[str, str, Any]] = []
        for key, code in step.values:
            data: Any = None
            if code in ("s", "v"):
                stops = at[:, None] + np.cumsum(rows[f"f{place}"], axis=1, dtype=np.int64)
                data = _read(payloads, at, stops, code)
                at = stops[:, -1]
            elif code != "-":
                data = rows[f"f{place}"].astype(_KINDS[code][1]).ravel()
            place += code != "-"
            values.append((key, code, data))
        when = ((order + i)[:, None] * LARGE_ROWS_MAX + np.arange(step.rows)).ravel()
        yield _Part(step, when, (shape.ids_of(step, rows).ravel(), *ends), tuple(values))


def can_merge(changeset: Changeset) -> bool:
    """Whether it is about elements only, in few enough steps, none of which is about none."""
    if changeset.drop_indexes or changeset.create_indexes or changeset.notes:
        return False
    counts = [new.count for new in (*changeset.new_nodes, *changeset.new_relationships)]
    counts += (len(change.ids) for change in (*changeset.properties, *changeset.labels))
    return all(counts) and len(counts) + 2 <= LARGE_STEPS_MAX


def _parts_of(changeset: Changeset, ordinal: int) -> Iterator[_Part]:
    """The steps of one changeset, in the order in which they are applied."""
    numbers = itertools.count(ordinal * LARGE_STEPS_MAX)

    def part(action: Action, names: tuple[str, ...], ids: tuple[Ints, ...], columns: Mapping[str, Column]) -> _Part:
        values = tuple((key, *_data_of(columns[key])) for key in sorted(columns))
        step = Step(action, names, tuple((key, code) for key, code, _ in values), len(ids[0]), 0)
        return _Part(step, next(numbers) * LARGE_ROWS_MAX + np.arange(step.rows), ids, values)

    for new in changeset.new_nodes:
        yield part("node", new.labels, (np.arange(new.first_id, new.first_id + new.count),), new.properties)
    for new in changeset.new_relationships:
        ids = np.arange(new.first_id, new.first_id + new.count)
        yield part("relationship", (new.type,), (ids, new.sources, new.targets), new.properties)
    for change in changeset.properties:
        set_one: Action = "set node" if change.element is Element.NODE else "set relationship"
        yield part(set_one, (change.key,), (change.ids,), {"": change.values})
    for change in changeset.labels:
        yield part("unlabel" if change.remove else "label", (change.label,), (change.ids,), {})
    if len(changeset.delete_relationships):
        yield part("delete", (), (changeset.delete_relationships,), {})
    if len(changeset.delete_nodes):
        yield part("drop", (), (changeset.delete_nodes,), {})


def _data_of(column: Column) -> tuple[str, Any]:
    """The values of a column as code and data."""
    if isinstance(column, TypedColumn) and column.mask is None and column.kind in _KIND_CODES:
        return _KIND_CODES[column.kind], column.data
    values = column.values()
    return ("v", values) if any(value is not None for value in values) else ("-", None)


def _read(payloads: list[bytes], starts: Ints, stops: Ints, code: str) -> list[Value]:
    """Strings and other values out of each changeset, one after the other from ``starts`` to each of its ``stops``."""
    found: list[Value] = []
    try:
        for payload, start, ends in zip(payloads, starts.tolist(), stops.tolist(), strict=True):
            for stop in ends:
                raw = payload[start:stop]
                found.append(decode_value(raw) if code == "v" else str(raw, "utf-8", "surrogatepass"))
                start = stop
    except UnicodeDecodeError:
        raise CorruptionError("Encoded text is not UTF-8.") from None
    return found


def _ranks(parts: Sequence[_Part]) -> tuple[list[Ints], int]:
    """For each part the places of its rows among those of all parts, in order; and how many rows there are."""
    if len(parts) == 1:
        return [np.arange(len(parts[0].order))], len(parts[0].order)
    order = np.concatenate([part.order for part in parts])
    ranks = np.empty(len(order), np.int64)
    ranks[np.argsort(order, kind="stable")] = np.arange(len(order))
    return np.split(ranks, np.cumsum([len(part.order) for part in parts])[:-1]), len(order)


def _placed(pieces: Sequence[Ints], ranks: Sequence[Ints], count: int) -> Ints:
    """Arrays of the parts, put in order."""
    if len(pieces) == 1:
        return pieces[0]
    found = np.empty(count, np.int64)
    for piece, places in zip(pieces, ranks, strict=True):
        found[places] = piece
    return found


def _ids(parts: Sequence[_Part]) -> Ints:
    if not parts:
        return np.zeros(0, np.int64)
    ranks, count = _ranks(parts)
    return _placed([part.ids[0] for part in parts], ranks, count)


def _created(parts: Sequence[_Part]) -> Created:
    found = Created()
    if not parts:
        return found
    ranks, count = _ranks(parts)
    ends = [_placed([part.ids[i] for part in parts], ranks, count) for i in range(len(parts[0].ids))]
    found.ids = ends[0]
    if len(ends) > 1:
        found.sources, found.targets = ends[1:]
    for part, places in zip(parts, ranks, strict=True):
        for name in part.step.names:
            found.names.setdefault(name, []).append(places)
        for key, code, data in part.values:
            found.values.setdefault(key, []).append(Values(places, code, data))
    return found


def _assigned(parts: Sequence[_Part]) -> Assigned:
    ranks, count = _ranks(parts)
    ids = _placed([part.ids[0] for part in parts], ranks, count)
    column = column_of([Values(places, *part.values[0][1:]) for part, places in zip(parts, ranks, strict=True)], count)
    last = _last_of_each(ids)
    return Assigned(ids.take(last), column.take(last))


def _labelled(parts: Sequence[_Part]) -> Labelled:
    ranks, count = _ranks(parts)
    ids = _placed([part.ids[0] for part in parts], ranks, count)
    adds = np.zeros(count, np.bool_)
    for part, places in zip(parts, ranks, strict=True):
        adds[places] = part.step.action == "label"
    last = _last_of_each(ids)
    ids, adds = ids.take(last), adds.take(last)
    return Labelled(ids.compress(adds), ids.compress(~adds))


def _last_of_each(ids: Ints) -> Ints:
    """Positions of the last occurrence of every id, ascending."""
    _, first = np.unique(ids[::-1], return_index=True)
    return np.sort(len(ids) - 1 - first)


def column_of(pieces: Sequence[Values], count: int) -> Column:
    """The values of ``count`` rows, null where no piece has any: typed where all that are there are of one type."""
    codes = {piece.code for piece in pieces if piece.code != "-"}
    if len(codes) == 1 and (code := codes.pop()) in _KINDS:
        kind, dtype = _KINDS[code]
        if len(pieces) == 1 and len(pieces[0].rows) == count:
            return TypedColumn(kind, _in_order(pieces[0], count))
        data: NDArray[Any] = np.zeros(count, dtype)
        mask: BoolArray = np.ones(count, np.bool_)
        for piece in pieces:
            if piece.code != "-":
                data[piece.rows] = piece.data
                mask[piece.rows] = False
        return TypedColumn(kind, data, mask if mask.any() else None)
    if len(pieces) == 1 and len(pieces[0].rows) == count and pieces[0].data is not None:
        return ListColumn(pieces[0].data)  # a part that is alone is in order
    items: list[Value] = [None] * count
    for piece in pieces:
        if piece.code != "-":
            data = piece.data.tolist() if isinstance(piece.data, np.ndarray) else piece.data
            for row, value in zip(piece.rows.tolist(), data, strict=True):
                items[row] = value
    return ListColumn(items)


def _in_order(piece: Values, count: int) -> NDArray[Any]:
    assert int(piece.rows[-1]) == count - 1, "a part that is alone is in order"
    return piece.data
