"""Range and unique indexes: a dictionary for equality, sorted order for ranges and prefixes.

The dictionary maps a value's equivalence key to a slot, or a list of slots. Sorted order is made when first asked and
again after changes. Removed entries are remembered with their position, for readers that are older than the removal.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.semantics import compare, equivalence_key, order_key
from memoradb.core.values import Value

from ..section import Section
from ..view import IndexDefinition, RangeBound


class RangeIndex:
    """One label, one key. Null and NaN are not indexed: nothing equals them."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self._slots: dict[Any, int | list[int]] = {}
        self._values: dict[Any, Value] = {}
        self._removed: list[tuple[int, Any, Value, int]] = []
        self._order: tuple[list[Any], list[Any]] | None = None
        self.last_change = -1
        """Position of the newest change other than the addition of new elements."""

    def __len__(self) -> int:
        return len(self._slots)

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        table = self._slots
        for slot, value in zip(slots.tolist(), values[0].values(), strict=True):
            if value is None or value != value:
                continue
            self._insert(table, slot, value)
        self._order = None

    def _insert(self, table: dict[Any, int | list[int]], slot: int, value: Value) -> None:
        key = equivalence_key(value)
        held = table.get(key)
        if held is None:
            table[key] = slot
            self._values[key] = value
        elif isinstance(held, list):
            if slot not in held[-1:]:
                table[key] = sorted({*held, slot})
        elif held != slot:
            table[key] = sorted((held, slot))

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        before = None if old is None else old[0]
        after = None if new is None else new[0]
        if before is not None and before == before:
            key = equivalence_key(before)
            self._removed.append((position, key, before, slot))
            held = self._slots.get(key)
            if isinstance(held, list):
                rest = [s for s in held if s != slot]
                self._slots[key] = rest if len(rest) > 1 else rest[0]
            elif held == slot:
                del self._slots[key]
                del self._values[key]
        if after is not None and after == after:
            self._insert(self._slots, slot, after)
        self.last_change = position
        self._order = None

    def prune(self) -> None:
        self._removed = []

    def seal(self) -> None:
        return None

    # --- answers: candidates; a reader older than ``last_change`` checks them

    def seek(self, value: Value, position: int) -> list[int]:
        """Slots whose value is equivalent, ascending."""
        if value is None or value != value:
            return []
        try:
            key = equivalence_key(value)
            held = self._slots.get(key)
        except TypeError:
            return []
        found = [] if held is None else held if isinstance(held, list) else [held]
        if self._removed and self.last_change > position:
            gone = [s for at, k, _, s in self._removed if at > position and k == key]
            if gone:
                return sorted({*found, *gone})
        return found

    def _sorted(self) -> tuple[list[Any], list[Any]]:
        if self._order is None:
            pairs = sorted((order_key(v), k) for k, v in list(self._values.items()))
            self._order = ([k for k, _ in pairs], [k for _, k in pairs])
        return self._order

    def range(self, low: RangeBound | None, high: RangeBound | None, position: int) -> IntArray:
        """Slots with a value between the bounds, of the bounds' own type, ascending."""
        order, keys = self._sorted()
        sample = (low or high).value if low or high else None  # pyright: ignore[reportOptionalMemberAccess]
        rank = order_key(sample)[:1]
        start = (
            bisect.bisect_left(order, rank)
            if low is None
            else (
                bisect.bisect_left(order, order_key(low.value))
                if low.inclusive
                else bisect.bisect_right(order, order_key(low.value))
            )
        )
        stop = (
            bisect.bisect_left(order, (rank[0] + 1,))
            if high is None
            else (
                bisect.bisect_right(order, order_key(high.value))
                if high.inclusive
                else bisect.bisect_left(order, order_key(high.value))
            )
        )
        found: list[int] = []
        for key in keys[start:stop]:
            held = self._slots.get(key)
            if held is not None and self._comparable(self._values.get(key), sample):
                found.extend(held if isinstance(held, list) else [held])
        if self._removed and self.last_change > position:
            found.extend(s for at, _, v, s in self._removed if at > position and between(v, low, high))
        return np.unique(np.array(found, np.int64))

    def _comparable(self, value: Value, sample: Value) -> bool:
        return sample is None or compare(value, sample) is not None

    def prefix(self, prefix: str, position: int) -> IntArray:
        """Slots whose string starts with ``prefix``."""
        order, keys = self._sorted()
        start = bisect.bisect_left(order, order_key(prefix))
        found: list[int] = []
        for key in keys[start:]:
            value = self._values.get(key)
            if type(value) is not str or not value.startswith(prefix):
                break
            held = self._slots.get(key)
            if held is not None:
                found.extend(held if isinstance(held, list) else [held])
        if self._removed and self.last_change > position:
            found.extend(
                s for at, _, v, s in self._removed if at > position and type(v) is str and v.startswith(prefix)
            )
        return np.unique(np.array(found, np.int64))

    # --- checkpoints: rebuilt from the columns, which is as fast as reading a file

    def dump(self, prefix: str) -> list[Section]:
        return []

    def load(self, sections: dict[str, Section], prefix: str) -> bool:
        return False


def between(value: Value, low: RangeBound | None, high: RangeBound | None) -> bool:
    """Whether ``value`` is comparable with both bounds and lies between them."""
    for bound, sign in ((low, 1), (high, -1)):
        if bound is not None:
            order = compare(value, bound.value)
            if order is None or order * sign < 0 or (order == 0 and not bound.inclusive):
                return False
    return True
