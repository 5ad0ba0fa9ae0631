"""Range indexes on several keys: a dictionary for all of them, sorted order for the first few and a range on the next.

An element is in it where its first key has a value; the others may be null. What comes first and in bulk stands in
sorted arrays (``composite_run``), all else in a dictionary, whose sorted order is made when first asked for; keys that
came since are looked through one by one until they are worth sorting.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, ListColumn, StringColumn, TypedColumn
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.values import Value

from ..view import IndexDefinition
from .composite_run import CompositeRun, run_of_rows
from .condition import Condition, Keys
from .frozen import FROZEN_ROWS_MIN
from .range_index import FRESH_KEYS_MIN, Held
from .rebuilt import RebuiltIndex

Key = tuple[Any, ...]
"""Equivalence keys, one for each property."""


@dataclass(frozen=True, slots=True)
class _Order:
    """The first ``count`` keys that the index was given, sorted: (order keys, key)."""

    count: int
    items: list[tuple[Key, Key]]


class CompositeIndex(RebuiltIndex):
    """One label, two keys or more. One writer; any number of readers."""

    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._run: CompositeRun | None = None
        self._held: dict[Key, Held] = {}
        self._values: dict[Key, tuple[Value, ...]] = {}
        """The values of each key that is not itself the values."""
        self._keys: list[Key] = []
        """Every key in the order in which it came; a key that went and came again is there twice."""
        self._order: _Order | None = None
        self._elements = 0

    def __len__(self) -> int:
        return self.size[1]

    @property
    def size(self) -> tuple[int, int]:
        """(elements, distinct values); what both the run and the dictionary have counts twice."""
        self.settle()
        return self._elements, len(self._held) + (0 if self._run is None else self._run.distinct)

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        if len(slots) >= FROZEN_ROWS_MIN and not self._elements and self._run is None:
            found = run_of_rows(slots, values)
            if found is not None:
                run, others = found
                self._run, self._elements = run, len(run)
                slots, values = slots.take(others), [column.take(others) for column in values]
        if all(map(is_own_key, values)):
            # Numbers and strings that are all there are their own keys.
            keys = list(zip(*(column.values() for column in values), strict=True))
            if not self._elements and len(held := dict(zip(keys, slots.tolist(), strict=True))) == len(keys):
                self._held = dict(held)
                self._keys = keys
                self._elements = len(keys)
                return
            for slot, key in zip(slots.tolist(), keys, strict=True):
                self._insert(slot, key)
            return
        for slot, row in zip(slots.tolist(), zip(*(column.values() for column in values), strict=True), strict=True):
            if row[0] is not None:
                self._insert_values(slot, row)

    def _insert_values(self, slot: int, values: Sequence[Value]) -> None:
        key = key_of(values)
        if key not in self._held and any(k is not v for k, v in zip(key, values, strict=True)):
            self._values[key] = tuple(values)
        self._insert(slot, key)

    def _insert(self, slot: int, key: Key) -> None:
        run = self._run
        if run is not None and slot < run.top and slot in run.find(key):
            return
        self._elements += 1
        held = self._held.get(key)
        if held is None:
            self._held[key] = slot
            self._keys.append(key)
        elif isinstance(held, list):
            self._held[key] = [*held, slot] if slot > held[-1] else sorted({*held, slot})
        elif held != slot:
            self._held[key] = sorted((held, slot))

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self.removals.last_change = position
        if old is not None and old[0] is not None:
            self._remove(slot, key_of(old), position)
        if new is not None and new[0] is not None:
            self._insert_values(slot, new)

    def _remove(self, slot: int, key: Key, position: int) -> None:
        self.removals.note(slot, position)
        self._elements -= 1
        held = self._held.get(key)
        if isinstance(held, list):
            rest = [s for s in held if s != slot]
            self._held[key] = rest if len(rest) > 1 else rest[0]
        elif held == slot:
            del self._held[key]  # its values stay: a reader may be looking at the key
        if self._run is not None and slot < self._run.top:
            self._run.gone.add(slot)  # if it stands there at all, in its only row

    def contents(self) -> dict[Any, Any]:
        self.settle()
        found: dict[Any, Any] = dict(self._held)
        for key, slots in () if self._run is None else self._run.items():
            held = found.get(key, [])
            slots = sorted([*slots, *(held if isinstance(held, list) else (held,))])
            found[key] = slots if len(slots) > 1 else slots[0]
        return found

    # --- answers

    def seek(self, values: Sequence[Value], position: int) -> list[int]:
        """Slots whose values are equivalent, ascending; nothing is equal to null or NaN."""
        self.settle()
        if any(v is None or v != v for v in values):
            return []
        try:
            held = self._held.get(key_of(values))
        except TypeError:
            return []  # a value that cannot be stored is nowhere
        found = [] if held is None else held if isinstance(held, list) else [held]
        if self._run is not None and (frozen := self._run.find(values)):
            found = sorted({*found, *frozen}) if found else frozen
        gone = self.removals.since(position)
        return sorted({*found, *gone}) if gone else found

    def is_exact(self, condition: Condition) -> bool:
        return isinstance(condition, Keys) and len(condition.equal) == len(self.definition.keys)

    def lacks(self, keys: Sequence[Key]) -> bool:
        """Whether none of these keys is held."""
        self.settle()
        if self._run is not None and any(map(self._run.find, keys)):
            return False
        return self._held.keys().isdisjoint(keys)

    def candidates(self, condition: Condition, position: int) -> IntArray:
        """Slots among which are all whose values meet the condition, ascending."""
        self.settle()
        assert isinstance(condition, Keys)
        if len(condition.equal) == len(self.definition.keys):
            return np.array(self.seek(condition.equal, position), np.int64)
        if any(v is None or v != v for v in condition.equal):
            return np.zeros(0, np.int64)
        order, fresh = self._sorted()
        low, high = _span(condition)
        part = max(len(low), len(high))
        start = bisect.bisect_left(order.items, low, key=lambda item: item[0][:part])
        stop = bisect.bisect_right(order.items, high, key=lambda item: item[0][:part])
        keys = [key for _, key in order.items[start:stop]]
        keys += [key for key in fresh if condition.holds(self._values.get(key, key))]
        found: list[int] = []
        for key in keys:
            held = self._held.get(key)
            if held is not None:
                found.extend(held if isinstance(held, list) else (held,))
        frozen = np.zeros(0, np.int64) if self._run is None else self._run.candidates(condition)
        found += self.removals.since(position)  # last: what leaves meanwhile is noted before it goes
        return distinct(np.concatenate([frozen, np.array(found, np.int64)]))

    def _sorted(self) -> tuple[_Order, Sequence[Key]]:
        """Sorted keys, and those that came since."""
        order = self._order
        count = len(self._keys)
        if order is None or count - order.count > max(FRESH_KEYS_MIN, order.count // 8):
            items = [(tuple(map(order_key, self._values.get(key, key))), key) for key in self._held.copy()]
            items.sort(key=lambda item: item[0])
            order = self._order = _Order(count, items)
        return order, self._keys[order.count :]


def key_of(values: Sequence[Value]) -> Key:
    """The key of an element's values.

    Raises:
        TypeError: one of them cannot be stored.
    """
    key = tuple(map(equivalence_key, values))
    hash(key)
    return key


_OWN_KEYS: Final = frozenset((int, str))


def is_own_key(column: Column) -> bool:
    """Whether a column holds integers or strings and no null."""
    if isinstance(column, ConstantColumn):
        return column.value.__class__ is int or column.value.__class__ is str
    if isinstance(column, ListColumn):
        return _OWN_KEYS.issuperset(map(type, column.items))
    if isinstance(column, TypedColumn):
        return column.kind is Kind.INTEGER and column.mask is None
    return isinstance(column, StringColumn) and column.nulls() is None


def _span(condition: Keys) -> tuple[Key, Key]:
    """The order keys between which all lie that meet a condition; those of other types are outside."""
    first = tuple(map(order_key, condition.equal))
    if not condition.has_next:
        return first, first
    if condition.prefix is not None:
        low = order_key(condition.prefix)
        after = _after(condition.prefix)
        return (*first, low), (*first, (low[0] + 0.5,) if after is None else order_key(after))
    bound = condition.low or condition.high
    assert bound is not None
    rank = order_key(bound.value)[0]
    low = (rank,) if condition.low is None else order_key(condition.low.value)
    high = (rank + 0.5,) if condition.high is None else order_key(condition.high.value)
    return (*first, low), (*first, high)


def _after(prefix: str) -> str | None:
    """The least string after all that start with ``prefix``; None where there is none."""
    stem = prefix.rstrip("\U0010ffff")
    return stem[:-1] + chr(ord(stem[-1]) + 1) if stem else None
