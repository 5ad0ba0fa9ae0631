"""From the columns of a file to nodes or relationships, by what its header says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from memoradb.core.columns import Column, IntArray, Kind, ListColumn, TypedColumn, lift

from .bad_rows import BadRow
from .header import Field, Role
from .ids import Keys
from .rows import Choice, Describe, NodeRows, RelationshipRows

Choices = Mapping[int, tuple[Sequence[tuple[str, ...]], IntArray]]
"""By column number: the labels (the type) that occur, and which each row has; empty where it has none."""

INTEGER_IDS = frozenset(("integer", "int", "long"))


class Assembly:
    """Makes rows of one group of files."""

    def __init__(
        self,
        fields: Sequence[Field],
        names: tuple[str, ...],
        relationships: bool,
        id_type: str = "string",
        id_property: str | None = None,
    ) -> None:
        """For a group of files.

        Args:
            fields: the columns.
            names: labels, or the type, that all rows have.
            relationships: else they are nodes.
            id_type: of ids that are kept, ``string`` or ``integer``, unless their column says it.
            id_property: keep ids as this property where their column has no name.
        """
        self._fields = fields
        self._names = names
        self._relationships = relationships
        self._id_type = id_type
        self._id_property = id_property
        self._place = {one.role: i for i, one in enumerate(fields) if one.role is not Role.PROPERTY}

    def rows(
        self,
        count: int,
        columns: Mapping[int, Column],
        keys: Mapping[int, Keys],
        choices: Choices,
        describe: Describe,
        bytes: int,
        bad: list[BadRow],
    ) -> NodeRows | RelationshipRows:
        """One part, from its columns by number."""
        properties: dict[str, Column] = {}
        for i, column in columns.items():
            name = self._fields[i].name
            properties[name] = merged(properties[name], column) if name in properties else column
        if self._relationships:
            types = self._types(choices)
            start, end = (self._place[role] for role in (Role.START_ID, Role.END_ID))
            starts, ends = ((self._fields[i].space, keys[i]) for i in (start, end))
            return RelationshipRows(count, types, properties, starts, ends, describe, bytes, bad)
        labels = self._labels(choices)
        place = self._place.get(Role.ID)
        if place is None:
            return NodeRows(count, labels, properties, "", None, describe, bytes, bad)
        one = self._fields[place]
        rows = NodeRows(count, labels, properties, one.space, keys[place], describe, bytes, bad)
        kept_as = one.name or self._id_property
        if kept_as is None:
            return rows
        return with_ids(rows, kept_as, one.options.get("id-type", self._id_type) in INTEGER_IDS)

    def _types(self, choices: Choices) -> Choice:
        if Role.TYPE not in self._place:
            return Choice([self._names])
        options, codes = choices[self._place[Role.TYPE]]
        return Choice([option or self._names for option in options], codes)

    def _labels(self, choices: Choices) -> Choice:
        if Role.LABEL not in self._place:
            return Choice([self._names])
        options, codes = choices[self._place[Role.LABEL]]
        return Choice([tuple(dict.fromkeys((*self._names, *labels))) for labels in options], codes)


def with_ids(rows: NodeRows, name: str, integers: bool) -> NodeRows:
    """The rows with what files call them as a property; where that should be integers, the others are bad."""
    keys = rows.keys
    assert keys is not None
    if not integers:
        rows.columns[name] = ListColumn(list(keys.texts()))
        return rows
    if keys.numbers is not None:
        rows.columns[name] = TypedColumn(Kind.INTEGER, keys.numbers)
        return rows
    items = keys.listed()
    rows.columns[name] = lift([key if type(key) is int else None for key in items])
    wrong = {i: f"the id {key!r} is not an integer" for i, key in enumerate(items) if type(key) is str}
    return without(rows, wrong)


def without(rows: NodeRows, wrong: Mapping[int, str]) -> NodeRows:
    """The rows but for some, which are bad for a reason."""
    if not wrong:
        return rows
    good = np.setdiff1d(np.arange(rows.count), np.fromiter(wrong, np.int64, len(wrong)))
    describe = rows.describe
    taken = rows.take(good)
    taken.describe = lambda row, reason: describe(int(good[row]), reason)
    taken.bad = [*rows.bad, *(describe(row, reason) for row, reason in wrong.items())]
    return taken


def merged(first: Column, second: Column) -> Column:
    """One property from two columns of different types: each row has its value in one of them."""
    if first.nulls() is None:
        return first
    pairs = zip(first.values(), second.values(), strict=True)
    return lift([b if a is None else a for a, b in pairs])
