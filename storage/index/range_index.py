"""Range and unique indexes: frozen runs of what came in bulk, and for all else a dictionary and its sorted order.

Numbers, strings and dates that come together stand in sorted arrays (``frozen``). The dictionary maps the equivalence
key of any other value to a slot, or to several; its sorted order is made when first asked for, and keys that came since
are looked through one by one until they are worth sorting. What leaves a run is remembered beside it.

Answers are candidates for the newest state: removed entries are remembered with their position for older readers, and a
reader older than ``last_change`` checks what it gets against its own values. ``last_change`` is therefore raised before
anything changes.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, ListColumn, StringColumn, TypedColumn, lift
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal_columns import KINDS
from memoradb.core.values import Value

from ..view import IndexDefinition, RangeBound
from .condition import Condition, Keys, between
from .frozen import FROZEN_ROWS_MIN, TOGETHER_MIN, Frozen, run_of
from .rebuilt import RebuiltIndex

FRESH_KEYS_MIN = 256
"""Unsorted keys that are looked through one by one, at least."""

GROUP_ROWS_MIN = 64
"""Rows from which on equal values are put together first, and then each of them is looked at once."""

GONE_PART = 4
GONE_MIN = 4_096
"""What left the runs is taken out of them when it is a fourth of all and more than a thousand."""

_UNIQUE_KINDS = frozenset((int, str, *KINDS))
"""Types of values that are their own keys, and whose equal values are alike: no NaN, no 1 = 1.0."""

_OWN_KEYS = frozenset((int, str))
"""Types of values that are their own equivalence keys."""

Held: TypeAlias = int | list[int]
Row: TypeAlias = Sequence[Value] | None
"""Values by key; None where an element is not in the index."""


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
    """What the index holds beside its runs."""

    held: dict[Any, Held] = field(default_factory=dict)
    values: dict[Any, Value] = field(default_factory=dict)
    """The value of each key that is not itself the value."""


class RangeIndex(RebuiltIndex):
    """One label, one key. Null and NaN are not indexed: nothing equals them. One writer; any number of readers."""

    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._frozen = Frozen()
        self._entries = _Entries()
        self._removed: list[_Removal] = []
        self._keys: list[Any] = []
        """Every key in the order in which it came; a key that went and came again is there twice."""
        self._order: _Order | None = None
        self._elements = 0

    def __len__(self) -> int:
        return self.size[1]

    @property
    def size(self) -> tuple[int, int]:
        """(elements, distinct values); a value that both a run and the dictionary have counts twice."""
        self.settle()
        return self._elements, len(self._entries.held) + sum(run.distinct for run in self._frozen.runs)

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        if len(slots) >= FROZEN_ROWS_MIN:
            self._add_many(slots, values[0])
            return
        if self._add_distinct(slots.tolist(), values[0].values()):
            return
        self._add_some(slots, values)

    def _add_many(self, slots: IntArray, column: Column) -> None:
        """Into runs what has a form for them."""
        if isinstance(column, ConstantColumn):
            if column.value is not None and column.value == column.value:
                self._insert_all(column.value, slots.tolist())
        elif not isinstance(column, ListColumn):
            if not self._freeze(slots, column):
                self._add_some(slots, [column])
        else:
            by_type: dict[type, list[int]] = {}
            for row, value in enumerate(column.items):
                by_type.setdefault(type(value), []).append(row)
            by_type.pop(type(None), None)
            for rows in by_type.values():
                # Values of one type; were they not lifted, they would have no form.
                alike = lift([column.items[row] for row in rows])
                part = slots.take(np.array(rows, np.int64))
                if len(rows) < FROZEN_ROWS_MIN or not self._freeze(part, alike):
                    self._add_some(part, [alike])

    def _freeze(self, slots: IntArray, column: Column) -> bool:
        """Whether these values stand in a run now; null and NaN do nowhere."""
        if int(slots.min()) < self._frozen.top or not (run := run_of(slots, column)):
            return False
        frozen = self._frozen.with_run(run)
        if frozen is None:
            return False
        self._frozen = frozen
        self._elements += len(run)
        return True

    def _add_some(self, slots: IntArray, values: Sequence[Column]) -> None:
        groups = _grouped(slots, values[0]) if len(slots) >= GROUP_ROWS_MIN else None
        if groups is not None:
            for value, found in groups:
                self._insert_all(value, found)
            return
        for slot, value in zip(slots.tolist(), values[0].values(), strict=True):
            if value is not None and value == value:
                self._insert(slot, value)

    def add_one(self, slot: int, value: Value) -> None:
        """The same for one element."""
        if value is not None and value == value:
            self._insert(slot, value)

    def _add_distinct(self, slots: list[int], values: Sequence[Value]) -> bool:
        """Whether the values were taken as they are: the first, of one type, all different."""
        fresh = len(slots) > 1 and not self._entries.held and slots[0] >= self._frozen.top
        if fresh and len(kinds := set(map(type, values))) == 1:
            if kinds <= _UNIQUE_KINDS:
                held: dict[Any, Held] = dict(zip(values, slots, strict=True))
                if len(held) == len(slots):  # all different: no need to look at them one by one
                    self._keys = list(values)
                    self._entries = _Entries(held)
                    self._order = None
                    self._elements += len(slots)
                    return True
        return False

    def _insert_all(self, value: Value, slots: list[int]) -> None:
        """Several ascending slots with one value."""
        if slots[0] < self._frozen.top:
            slots = self._returned(value, slots)
            if not slots:
                return
        entries, key = self._entries, equivalence_key(value)
        held = entries.held.get(key)
        if held is None:
            if key is not value:
                entries.values[key] = value
            entries.held[key] = slots[0] if len(slots) == 1 else slots
            self._keys.append(key)
            self._elements += len(slots)
            return
        known = held if isinstance(held, list) else [held]
        merged = [*known, *slots] if slots[0] > known[-1] else sorted({*known, *slots})
        self._elements += len(merged) - len(known)
        entries.held[key] = merged if len(merged) > 1 else merged[0]

    def _returned(self, value: Value, slots: list[int]) -> list[int]:
        """Let those of ``slots`` that stand in a run with the value be back where they were; returns the others."""
        frozen = self._frozen
        standing = {slot for run in frozen.runs for slot in run.find(value)}
        if standing.isdisjoint(slots):
            return slots
        back = frozen.gone.intersection(standing.intersection(slots))
        self._elements += len(back)
        frozen.gone.difference_update(back)
        return [slot for slot in slots if slot not in standing]

    def _insert(self, slot: int, value: Value) -> None:
        entries = self._entries
        key = value if value.__class__ is int or value.__class__ is str else equivalence_key(value)
        if slot < self._frozen.top and self._stands(slot, value):
            if slot in self._frozen.gone:  # it comes back to where it was
                self._elements += 1
                self._frozen.gone.discard(slot)
            return
        held = entries.held.get(key)
        if held is None:
            if key is not value:
                entries.values[key] = value
            entries.held[key] = slot
            self._keys.append(key)
            self._elements += 1
        elif isinstance(held, list):
            if slot not in held[-1:]:
                self._elements += 1
                entries.held[key] = [*held, slot] if slot > held[-1] else sorted({*held, slot})
        elif held != slot:
            self._elements += 1
            entries.held[key] = sorted((held, slot))

    def _stands(self, slot: int, value: Value) -> bool:
        """Whether a run has, or had, ``slot`` with this value."""
        return any(slot in run.find(value) for run in self._frozen.runs)

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self.removals.last_change = position
        before = None if old is None else old[0]
        after = None if new is None else new[0]
        if before is not None and before == before:
            self._remove(slot, before, position)
        if after is not None and after == after:
            self._insert(slot, after)

    def replace_all(self, changes: Sequence[tuple[int, Row, Row]], position: int) -> None:
        """The same for many elements, each named once: (slot, old, new). Elements with one value go together."""
        self.removals.last_change = position
        leaving: dict[Any, tuple[Value, list[int]]] = {}
        coming: dict[Any, tuple[Value, list[int]]] = {}
        for slot, old, new in changes:
            for row, table in ((old, leaving), (new, coming)):
                value = None if row is None else row[0]
                if value is not None and value == value:
                    table.setdefault(equivalence_key(value), (value, []))[1].append(slot)
        for key, (value, slots) in leaving.items():
            self._remove_all(key, value, slots, position)
        for value, slots in coming.values():
            self._insert_all(value, sorted(slots))

    def _remove_all(self, key: Any, value: Value, slots: list[int], position: int) -> None:
        """Several slots lose one value."""
        self._removed.extend(_Removal(position, key, value, slot) for slot in slots)
        self._elements -= len(slots)
        entries, gone = self._entries, set(slots)
        held = entries.held.get(key)
        if held is not None:
            rest = [slot for slot in (held if isinstance(held, list) else (held,)) if slot not in gone]
            if rest:
                entries.held[key] = rest if len(rest) > 1 else rest[0]
            else:
                del entries.held[key]  # its value stays in ``values``: a reader may be looking at the key
        if min(slots) < self._frozen.top:
            self._frozen.gone.update(slot for slot in slots if slot < self._frozen.top)
            self._settle_runs()

    def _settle_runs(self) -> None:
        """Take what left the runs out of them, where it is much."""
        if len(self._frozen.gone) * GONE_PART > self._frozen.top + GONE_MIN:
            self._frozen = self._frozen.settled()

    def _remove(self, slot: int, value: Value, position: int) -> None:
        key = equivalence_key(value)
        self._removed.append(_Removal(position, key, value, slot))
        self._elements -= 1
        entries = self._entries
        held = entries.held.get(key)
        if isinstance(held, list):
            rest = [s for s in held if s != slot]
            entries.held[key] = rest if len(rest) > 1 else rest[0]
        elif held == slot:
            del entries.held[key]  # its value stays in ``values``: a reader may be looking at the key
        if slot < self._frozen.top:
            self._frozen.gone.add(slot)  # if it stands in a run at all: there is but one place for it
            self._settle_runs()

    def prune(self, oldest: int | None) -> None:
        if self._removed:
            self._removed = [] if oldest is None else [r for r in self._removed if r.position > oldest]

    def contents(self) -> dict[Any, Any]:
        self.settle()
        found = dict(self._entries.held)
        for key, slots in self._frozen.contents().items():
            held = found.get(key, [])
            slots = sorted([*slots, *(held if isinstance(held, list) else (held,))])
            found[key] = slots if len(slots) > 1 else slots[0]
        return found

    # --- answers

    def is_exact(self, condition: Condition) -> bool:
        return True

    def lacks(self, keys: Sequence[Any]) -> bool:
        """Whether none of these equivalence keys is held."""
        self.settle()
        frozen = self._frozen
        if frozen.runs:
            if len(keys) < TOGETHER_MIN:
                if any(map(frozen.find, keys)):
                    return False
            elif len(frozen.find_all(keys)[1]):
                return False
        return self._entries.held.keys().isdisjoint(keys)

    def candidates(self, condition: Condition, position: int) -> IntArray:
        """Slots among which are all whose value meets the condition, ascending."""
        assert isinstance(condition, Keys)
        if condition.equal:
            return np.array(self.seek(condition.equal[0], position), np.int64)
        if condition.prefix is not None:
            return self.prefix(condition.prefix, position)
        return self.range(condition.low, condition.high, position)

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
        if self._frozen.runs and (frozen := self._frozen.find(value)):
            found = sorted({*found, *frozen}) if found else frozen
        if self.last_change > position and self._removed:
            gone = [r.slot for r in self._removed if r.position > position and r.key == key]
            if gone:
                return sorted({*found, *gone})
        return found

    def seek_all(self, values: Sequence[Value], position: int) -> tuple[IntArray, IntArray]:
        """For each of many values what ``seek`` finds: (place of the value, slot), by place and slot."""
        self.settle()
        if self._frozen.runs and len(values) < TOGETHER_MIN:
            return self._seek_each(values, position)
        owners, found = self._held_all(values)
        places, slots = np.array(owners, np.int64), np.array(found, np.int64)
        frozen = self._frozen
        if frozen.runs:
            in_runs, of_runs = frozen.find_all(values)
            if owners:
                places, slots = np.concatenate([in_runs, places]), np.concatenate([of_runs, slots])
                order = np.lexsort((slots, places))
                places, slots = places.take(order), slots.take(order)
            else:
                places, slots = in_runs, of_runs
        # Looked at last: what a writer has taken out meanwhile is remembered as removed before it is gone.
        if self.last_change > position and self._removed:
            return self._seek_each(values, position)
        return places, slots

    def _seek_each(self, values: Sequence[Value], position: int) -> tuple[IntArray, IntArray]:
        """``seek_all``, one value after the other."""
        hits = [self.seek(value, position) for value in values]
        owners = [i for i, slots in enumerate(hits) for _ in slots]
        return np.array(owners, np.int64), np.array([slot for slots in hits for slot in slots], np.int64)

    def _held_all(self, values: Sequence[Value]) -> tuple[list[int], list[int]]:
        """(place of the value, slot) of all that the dictionary has, by place and slot."""
        table = self._entries.held
        if not table:
            return [], []
        if set(map(type, values)) <= _OWN_KEYS:
            held = list(map(table.get, values))
        else:
            held = [self._held(value) for value in values]
        owners: list[int] = []
        found: list[int] = []
        if held.count(None) == len(held):
            return owners, found
        for i, slots in enumerate(held):
            if isinstance(slots, int):
                owners.append(i)
                found.append(slots)
            elif slots is not None:
                owners.extend([i] * len(slots))
                found.extend(slots)
        return owners, found

    def _held(self, value: Value) -> Held | None:
        """What the dictionary has for a value."""
        try:
            return None if value is None or value != value else self._entries.held.get(equivalence_key(value))
        except TypeError:
            return None  # a value that cannot be stored is nowhere

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
        frozen = self._frozen.span(low, high)
        return self._slots(keys, frozen, position, lambda value: between(value, low, high))

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
        frozen = self._frozen.prefix(prefix)
        return self._slots(keys, frozen, position, lambda value: type(value) is str and value.startswith(prefix))

    def _slots(self, keys: Sequence[Any], frozen: IntArray, position: int, test: Callable[[Value], bool]) -> IntArray:
        """The slots of keys of the dictionary, and those of runs, each once."""
        found: list[int] = []
        table = self._entries.held
        for key in keys:
            held = table.get(key)
            if held is not None:
                found.extend(held if isinstance(held, list) else (held,))
        if self.last_change > position:
            found.extend(r.slot for r in self._removed if r.position > position and test(r.value))
        return distinct(np.concatenate([frozen, np.array(found, np.int64)]))

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


def _grouped(slots: IntArray, column: Column) -> Iterator[tuple[Value, list[int]]] | None:
    """The values of a typed column that are there, each with its slots, ascending; None for other columns."""
    if isinstance(column, StringColumn):
        numbers, absent = column.codes, column.nulls()
    elif isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.FLOAT):
        numbers, absent = column.data, column.nulls()
        if column.kind is Kind.FLOAT:
            nan = np.isnan(numbers)
            absent = nan if absent is None else absent | nan
    else:
        return None
    if absent is not None:
        kept = np.flatnonzero(~absent)
        slots, numbers = slots.take(kept), numbers.take(kept)
    order = np.lexsort((slots, numbers))
    slots, numbers = slots.take(order), numbers.take(order)
    edges = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(slots)]
    if not len(slots):
        return iter(())
    values: Sequence[Value] = numbers.take(np.array(starts, np.int64)).tolist()
    if isinstance(column, StringColumn):
        values = list(map(column.dictionary.string, values))
    listed = slots.tolist()
    return ((value, listed[a:b]) for value, a, b in zip(values, starts, stops, strict=True))


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
