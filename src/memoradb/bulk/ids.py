"""What files call nodes by, and which nodes those are.

An id is compared by its text: ``7`` in a column of integers and ``"7"`` are the same, ``"007"`` is another. Nearly all
ids are decimal integers as one writes them, so those are kept as numbers: a table where they are dense, else one map
for all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Value

if TYPE_CHECKING:
    import pyarrow

Key: TypeAlias = int | str

TABLE_SPREAD: Final = 8
"""A table by key pays while it has at most so many places for each key."""
TABLE_PLACES_MIN: Final = 1 << 16
"""A table of so many places is always small enough."""


class Keys:
    """The ids of one part's rows: all of them numbers, or anything; None is a row without one."""

    __slots__ = ("items", "numbers")

    def __init__(self, numbers: IntArray | None, items: list[Key | None] | None = None) -> None:
        self.numbers = numbers
        self.items = items

    def __len__(self) -> int:
        return len(self.items if self.numbers is None else self.numbers)  # pyright: ignore[reportArgumentType]

    def key(self, row: int) -> Key | None:
        """One id."""
        if self.numbers is not None:
            return int(self.numbers[row])
        assert self.items is not None
        return self.items[row]

    def listed(self) -> list[Key | None]:
        """All of them."""
        if self.items is None:
            assert self.numbers is not None
            return self.numbers.tolist()
        return self.items

    def take(self, rows: IntArray) -> Keys:
        """Those of some rows."""
        if self.numbers is not None:
            return Keys(self.numbers.take(rows))
        items = self.listed()
        return Keys(None, [items[i] for i in rows.tolist()])

    def texts(self) -> list[str | None]:
        """As the files write them."""
        return [None if key is None else str(key) for key in self.listed()]

    @staticmethod
    def of_texts(texts: Sequence[str | None]) -> Keys:
        """Ids as texts."""
        try:
            numbers = list(map(int, texts))  # pyright: ignore[reportArgumentType]
            if list(map(str, numbers)) == list(texts):
                return Keys(np.array(numbers, np.int64))
        except (TypeError, ValueError, OverflowError):
            pass  # some id is no integer: below each is looked at
        return Keys(None, [None if text is None else _key(text) for text in texts])

    @staticmethod
    def of_column(column: Column) -> Keys:
        """Ids as values: integers, or anything by its text."""
        if isinstance(column, TypedColumn) and column.kind == Kind.INTEGER and column.mask is None:
            return Keys(column.data)
        return Keys.of_texts([None if value is None else _text(value) for value in column.values()])

    @staticmethod
    def of_arrow(array: pyarrow.Array[Any]) -> Keys:
        """Ids as an Arrow array of strings or integers."""
        import pyarrow
        import pyarrow.compute

        compute: Any = pyarrow.compute  # its functions are made when it is imported; no type checker knows them

        if not array.null_count and len(array):
            if pyarrow.types.is_integer(array.type):
                data: Any = array.cast(pyarrow.int64())
                return Keys(np.frombuffer(data.buffers()[1], np.int64, len(data), data.offset * 8))
            try:
                numbers: Any = compute.cast(array, pyarrow.int64())
                if compute.all(compute.equal(compute.cast(numbers, array.type), array)).as_py():
                    return Keys(np.frombuffer(numbers.buffers()[1], np.int64, len(numbers), numbers.offset * 8))
            except pyarrow.ArrowInvalid:
                pass  # some id is no integer
        return Keys.of_texts([None if value is None else _text(value) for value in array.to_pylist()])


def _text(value: Value) -> str:
    return value if type(value) is str else str(value)


def _key(text: str) -> Key:
    if len(text) <= 20 and text.isascii() and text.lstrip("-").isdigit():
        number = int(text)
        if str(number) == text and INTEGER_MIN <= number <= INTEGER_MAX:
            return number
    return text


class IdMap:
    """Node ids by what files call the nodes, within one space."""

    def __init__(self) -> None:
        self._low = 0
        self._table: IntArray | None = np.zeros(0, np.int64)
        """By key less ``_low``, -1 where there is none; None once there is a map."""
        self._map: dict[Key, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, keys: Keys) -> IntArray:
        """The node's id for each key, -1 for a key that no node has."""
        table = self._table
        if table is not None:
            if keys.numbers is None:
                numbers = np.array([k if type(k) is int else INTEGER_MIN for k in keys.listed()], np.int64)
            else:
                numbers = keys.numbers
            return self._look_up(table, numbers)
        get = self._map.get
        return np.fromiter(map(get, keys.listed(), itertools.repeat(-1)), np.int64, len(keys))  # pyright: ignore[reportArgumentType, reportCallIssue]

    def _look_up(self, table: IntArray, numbers: IntArray) -> IntArray:
        if not len(table):
            return np.full(len(numbers), -1, np.int64)
        inside = (numbers >= self._low) & (numbers < self._low + len(table))
        if inside.all():
            return table.take(numbers - self._low)
        return np.where(inside, table.take(np.where(inside, numbers - self._low, 0)), -1)

    def repeated(self, keys: Keys) -> IntArray:
        """Rows whose key a node has already, or an earlier row."""
        numbers = keys.numbers
        if numbers is None or not self._fits(numbers):
            self._to_map()
        if self._table is not None and numbers is not None and len(numbers):
            places = np.arange(len(numbers))
            scratch = np.empty(len(self._table), np.int64)
            # Backwards, so that the first row with a key is the one that stays.
            scratch[numbers[::-1] - self._low] = places[::-1]
            again = scratch.take(numbers - self._low) != places
            return np.flatnonzero(again | (self._look_up(self._table, numbers) >= 0))
        items = keys.listed()
        fresh = set(items)
        if len(fresh) == len(items) and self._map.keys().isdisjoint(fresh):
            return np.zeros(0, np.int64)
        found: list[int] = []
        seen: set[Key] = set()
        for row, key in enumerate(items):
            if key is not None:
                if key in seen or key in self._map:
                    found.append(row)
                seen.add(key)
        return np.array(found, np.int64)

    def add(self, keys: Keys, ids: IntArray) -> None:
        """New nodes, by keys that were not there; ``repeated`` was asked about them before."""
        self._count += len(keys)
        if self._table is not None and keys.numbers is not None and self._fits(keys.numbers):
            if len(keys):
                self._table[keys.numbers - self._low] = ids
            return
        self._to_map()
        self._map.update(zip(keys.listed(), ids.tolist(), strict=True))  # pyright: ignore[reportArgumentType, reportCallIssue]
        self._map.pop(None, None)  # pyright: ignore[reportArgumentType, reportCallIssue]

    def _fits(self, numbers: IntArray) -> bool:
        """Whether the table holds these keys, made larger if need be and if that pays."""
        table = self._table
        if table is None:
            return False
        if not len(numbers):
            return True
        low, high = int(numbers.min()), int(numbers.max())
        if len(table):
            low, high = min(low, self._low), max(high, self._low + len(table) - 1)
            if low == self._low and high - low < len(table):
                return True
        places = high - low + 1
        if places > max(TABLE_PLACES_MIN, TABLE_SPREAD * (self._count + len(numbers))):
            return False
        # Half as much again beyond the end, so that ascending keys do not move the table with every part.
        room = places + (places // 2 if len(table) else 0)
        larger = np.full(room, -1, np.int64)
        larger[self._low - low : self._low - low + len(table)] = table
        self._table, self._low = larger, low
        return True

    def _to_map(self) -> None:
        if self._table is not None:
            held = np.flatnonzero(self._table >= 0)
            self._map = dict(zip((held + self._low).tolist(), self._table.take(held).tolist(), strict=True))
            self._table = None
