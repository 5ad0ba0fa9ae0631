"""Range and unique indexes: a dictionary for equality, sorted order for ranges and prefixes.

The dictionary maps a value's equivalence key to a slot, or to several. Sorted order is made when first asked for; keys
that came since are looked through one by one until they are worth sorting. Answers are candidates for the newest
state: removed entries are remembered with their position for older readers, and a reader older than ``last_change``
checks what it gets against its own values. ``last_change`` is therefore raised before anything changes.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.semantics import compare, equivalence_key, order_key
from memoradb.core.temporal_columns import KINDS
from memoradb.core.values import Value

from ..section import Section
from ..view import IndexDefinition, RangeBound

FRESH_KEYS_MIN = 256
"""Unsorted keys that are looked through one by one, at least."""

_UNIQUE_KINDS = frozenset((int, str, *KINDS))
"""Types of values that are their own keys, and whose equal values are alike: no NaN, no 1 = 1.0."""

Held: TypeAlias = int | list[int]


@dataclass(frozen=True, slots=True)
class _Order:
    """The first ``count`` keys that the index was given, sorted, by what can be compared with each other."""

    count: int
    numbers: list[Any]
    strings: list[str]
    others: list[tuple[Any, Any]]
    """(order key, key)."""


@dataclass(frozen=True, slots=True)
class _Removal:
    """An entry that ended at a log position."""

    position: int
    key: Any
    value: Value
    slot: int


@dataclass(slots=True)
class _Entries:
    """What the index holds."""

    held: dict[Any, Held] = field(default_factory=dict)
    values: dict[Any, Value] = field(default_factory=dict)
    """The value of each key that is not itself the value."""


class RangeIndex:
    """One label, one key. Null and NaN are not indexed: nothing equals them. One writer; any number of readers."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self._entries = _Entries()
        self._removed: list[_Removal] = []
        self._keys: list[Any] = []
        """Every key in the order in which it came; a key that went and came again is there twice."""
        self._order: _Order | None = None
        self._fill: Callable[[], tuple[IntArray, Column]] | None = None
        self._filling = threading.Lock()
        self.last_change = -1
        """Position of the newest change other than the addition of new elements."""

    def __len__(self) -> int:
        self.settle()
        return len(self._entries.held)

    # --- changes

    def fill_later(self, fill: Callable[[], tuple[IntArray, Column]]) -> None:
        """Let the index be filled when it is first used: ``fill`` gives the slots and their values."""
        self._fill = fill

    def settle(self) -> None:
        """Fill an index that was left for later; the writer does so before it changes what ``fill`` reads."""
        if self._fill is None:
            return
        with self._filling:
            if self._fill is not None:
                slots, values = self._fill()
                self._add_all(slots.tolist(), values.values())
                self._fill = None

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        self._add_all(slots.tolist(), values[0].values())

    def _add_all(self, slots: list[int], values: Sequence[Value]) -> None:
        if not self._entries.held and len(slots) > 1 and len(kinds := set(map(type, values))) == 1:
            if kinds <= _UNIQUE_KINDS:
                held: dict[Any, Held] = dict(zip(values, slots, strict=True))
                if len(held) == len(slots):  # all different: no need to look at them one by one
                    self._keys = list(values)
                    self._entries = _Entries(held)
                    return
        for slot, value in zip(slots, values, strict=True):
            if value is not None and value == value:
                self._insert(slot, value)

    def _insert(self, slot: int, value: Value) -> None:
        entries = self._entries
        key = equivalence_key(value)
        held = entries.held.get(key)
        if held is None:
            if key is not value:
                entries.values[key] = value
            entries.held[key] = slot
            self._keys.append(key)
        elif isinstance(held, list):
            if slot not in held[-1:]:
                entries.held[key] = [*held, slot] if slot > held[-1] else sorted({*held, slot})
        elif held != slot:
            entries.held[key] = sorted((held, slot))

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self.last_change = position
        before = None if old is None else old[0]
        after = None if new is None else new[0]
        if before is not None and before == before:
            self._remove(slot, before, position)
        if after is not None and after == after:
            self._insert(slot, after)

    def _remove(self, slot: int, value: Value, position: int) -> None:
        key = equivalence_key(value)
        self._removed.append(_Removal(position, key, value, slot))
        entries = self._entries
        held = entries.held.get(key)
        if isinstance(held, list):
            rest = [s for s in held if s != slot]
            entries.held[key] = rest if len(rest) > 1 else rest[0]
        elif held == slot:
            del entries.held[key]  # its value stays in ``values``: a reader may be looking at the key

    def prune(self, oldest: int | None) -> None:
        if self._removed:
            self._removed = [] if oldest is None else [r for r in self._removed if r.position > oldest]

    def seal(self) -> None:
        return None

    # --- answers

    def seek(self, value: Value, position: int) -> list[int]:
        """Slots whose value is equivalent, ascending."""
        if value is None or value != value:
            return []
        self.settle()
        try:
            key = equivalence_key(value)
            held = self._entries.held.get(key)
        except TypeError:
            return []  # a value that cannot be stored is nowhere
        found = [] if held is None else held if isinstance(held, list) else [held]
        if self.last_change > position and self._removed:
            gone = [r.slot for r in self._removed if r.position > position and r.key == key]
            if gone:
                return sorted({*found, *gone})
        return found

    def range(self, low: RangeBound | None, high: RangeBound | None, position: int) -> IntArray:
        """Slots with a value between the bounds and comparable with them, ascending."""
        self.settle()
        order, fresh = self._sorted()
        bound = low or high
        keys: Sequence[Any]
        if bound is None:
            keys = list(self._entries.held)
        elif type(bound.value) is int or type(bound.value) is float:
            keys = _slice(order.numbers, low, high, (int, float))
        elif type(bound.value) is str:
            keys = _slice(order.strings, low, high, (str,))
        else:
            keys = [key for key in self._others(order, low, high) if between(self._value(key), low, high)]
        keys = [*keys, *(key for key in fresh if between(self._value(key), low, high))]
        return self._slots(keys, position, lambda value: between(value, low, high))

    def _others(self, order: _Order, low: RangeBound | None, high: RangeBound | None) -> list[Any]:
        """Keys of other types whose order keys lie between the bounds': for points and lists more than are right."""
        start, stop = 0, len(order.others)
        if low is not None:
            start = bisect.bisect_left(order.others, order_key(low.value), key=_first)
        if high is not None:
            stop = bisect.bisect_right(order.others, order_key(high.value), key=_first)
        return [key for _, key in order.others[start:stop]]

    def prefix(self, prefix: str, position: int) -> IntArray:
        """Slots whose string starts with ``prefix``, ascending."""
        self.settle()
        order, fresh = self._sorted()
        strings = order.strings
        start = bisect.bisect_left(strings, prefix)
        stop = start
        while stop < len(strings) and strings[stop].startswith(prefix):
            stop += 1
        keys = [*strings[start:stop], *(key for key in fresh if type(key) is str and key.startswith(prefix))]
        return self._slots(keys, position, lambda value: type(value) is str and value.startswith(prefix))

    def _slots(self, keys: Sequence[Any], position: int, test: Callable[[Value], bool]) -> IntArray:
        found: list[int] = []
        table = self._entries.held
        for key in keys:
            held = table.get(key)
            if held is not None:
                found.extend(held if isinstance(held, list) else (held,))
        if self.last_change > position:
            found.extend(r.slot for r in self._removed if r.position > position and test(r.value))
        return np.unique(np.array(found, np.int64))

    def _value(self, key: Any) -> Value:
        return self._entries.values.get(key, key)

    def _sorted(self) -> tuple[_Order, Sequence[Any]]:
        """Sorted keys, and those that came since."""
        order = self._order
        count = len(self._keys)
        if order is None or count - order.count > max(FRESH_KEYS_MIN, order.count // 8):
            numbers, strings, others = [], [], []
            for key in self._entries.held.copy():
                if type(key) is int or type(key) is float:
                    numbers.append(key)
                elif type(key) is str:
                    strings.append(key)
                else:
                    others.append((order_key(self._value(key)), key))
            numbers.sort()
            strings.sort()
            others.sort(key=_first)
            order = self._order = _Order(count, numbers, strings, others)
        return order, self._keys[order.count :]

    # --- checkpoints: rebuilt from the columns, which is as fast as reading a file

    def dump(self, prefix: str) -> list[Section]:
        return []

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        return False


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _slice(order: list[Any], low: RangeBound | None, high: RangeBound | None, kinds: tuple[type, ...]) -> list[Any]:
    """The part of a sorted list between two bounds; nothing where a bound is of another type, or NaN."""
    start, stop = 0, len(order)
    for bound in (low, high):
        if bound is not None and (type(bound.value) not in kinds or bound.value != bound.value):
            return []
    if low is not None:
        start = (bisect.bisect_left if low.inclusive else bisect.bisect_right)(order, low.value)
    if high is not None:
        stop = (bisect.bisect_right if high.inclusive else bisect.bisect_left)(order, high.value)
    return order[start:stop]


def between(value: Value, low: RangeBound | None, high: RangeBound | None) -> bool:
    """Whether ``value`` is comparable with both bounds and lies between them."""
    for bound, sign in ((low, 1), (high, -1)):
        if bound is not None:
            order = compare(value, bound.value)
            if order is None or order * sign < 0 or (order == 0 and not bound.inclusive):
                return False
    return True
