"""The ends of relationships by the value of a property of theirs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn
from memoradb.core.errors import ArgumentError, EntityNotFound, MemoraDBError
from memoradb.core.semantics import equivalence_key
from memoradb.storage.view import Element, GraphView

TABLE_SPREAD: Final = 8
"""A table of ids by key pays while it has at most so many places for each key."""


class KeyLookup:
    """Node ids by the value of one property under one label."""

    def __init__(self, view: GraphView, label: str, key: str) -> None:
        self._what = f"(:{label} {{{key}}})"
        slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
        values = view.property(Element.NODE, slots, key)
        ids = view.ids(Element.NODE, slots)
        self._numbers: IntArray | None = None
        """Sorted keys, with ``_ids`` in the same order, where all are integers."""
        self._table: IntArray | None = None
        """Ids by key less ``_low``, -1 where there is none, where the keys are dense."""
        self._low = 0
        self._by_value: dict[Any, int] | None = None
        nulls = values.nulls()
        if nulls is not None:
            present = np.flatnonzero(~nulls)
            values, ids = values.take(present), ids.take(present)
        self._ids = ids
        if isinstance(values, TypedColumn) and values.kind == Kind.INTEGER and len(ids):
            self._by_number(values.data)
        else:
            self._values = values.values()
            if len(self._map()) < len(self._values):
                raise self._ambiguous()

    def _by_number(self, numbers: IntArray) -> None:
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < TABLE_SPREAD * len(numbers):
            self._low, self._table = low, np.full(high - low + 1, -1, np.int64)
            self._table[numbers - low] = self._ids
            if int((self._table >= 0).sum()) < len(numbers):
                raise self._ambiguous()
        order = np.argsort(numbers, kind="stable")
        self._numbers, self._ids = numbers.take(order), self._ids.take(order)
        if (self._numbers[1:] == self._numbers[:-1]).any():
            raise self._ambiguous()

    def _map(self) -> dict[Any, int]:
        if self._by_value is None:
            keys = self._values if self._numbers is None else self._numbers.tolist()
            pairs = zip(keys, self._ids.tolist(), strict=True)
            self._by_value = {equivalence_key(v): i for v, i in pairs}
        return self._by_value

    def ids(self, keys: Column, name: str, first_row: int) -> IntArray:
        """The node id for each key; an error names the first row whose key is null or has no node."""
        nulls = keys.nulls()
        if nulls is not None:
            raise ArgumentError(f"Row {first_row + int(np.argmax(nulls))}: `{name}` is null.")
        if isinstance(keys, TypedColumn) and keys.kind == Kind.INTEGER and self._numbers is not None:
            found = self._by_table(keys.data) if self._table is not None else self._by_search(keys.data)
        else:
            known = self._map()
            found = np.fromiter((known.get(equivalence_key(v), -1) for v in keys.values()), np.int64, len(keys))
        if len(found) and int(found.min()) < 0:
            row = int(np.argmax(found < 0))
            raise EntityNotFound(
                f"Row {first_row + row}: there is no node {self._what} for `{name}` = {keys.item(row)!r}.",
                detail="NodeNotFound",
                hint="Nothing of this part was loaded; the parts before it are.",
            )
        return found

    def _by_table(self, keys: IntArray) -> IntArray:
        assert self._table is not None
        inside = (keys >= self._low) & (keys < self._low + len(self._table))
        if inside.all():
            return self._table.take(keys - self._low)
        return np.where(inside, self._table.take(np.where(inside, keys - self._low, 0)), -1)

    def _by_search(self, keys: IntArray) -> IntArray:
        assert self._numbers is not None
        places = np.searchsorted(self._numbers, keys)
        places[places == len(self._numbers)] = 0
        return np.where(self._numbers.take(places) == keys, self._ids.take(places), -1)

    def _ambiguous(self) -> MemoraDBError:
        return ArgumentError(
            f"Several nodes {self._what} have the same value, so it does not say which one is meant.",
            hint="Use a key that is unique.",
        )
