"""A hash table from integers to their numbers, a batch at a time: open addressing with linear probing.

Every step handles all keys of the batch that are not placed yet: look where they hash to; who finds its own key is
done, who finds another's goes on to the next place, who finds none claims it. Of several that claim one place one wins,
and the others look again (Knuth 1973, section 6.4, algorithm L, on arrays).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from memoradb.core.columns import IntArray

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplicative hashing."""

FIRST_MAX: Final = 8_192
"""Keys up to which it takes less to sort them than to place them: more than most queries have."""


class IntegerTable:
    """Numbers distinct integers from 0 in order of first appearance."""

    def __init__(self, keys: IntArray | None = None, check: Callable[[], None] = lambda: None) -> None:
        """``check`` is called now and then while the table grows: it may stop the statement."""
        self._check = check
        self.keys: IntArray = np.empty(1_024, np.int64) if keys is None else keys
        """By number; what is beyond ``count`` has no meaning."""
        self.count = 0 if keys is None else len(keys)
        self._bits = 11
        self._numbers: IntArray = np.zeros(0, np.int64)
        self._behind = True
        """Whether there are keys that have no place yet."""

    @property
    def bytes(self) -> int:
        """What it keeps."""
        return self.keys.nbytes + self._numbers.nbytes

    def assign(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        """(the number of each key, positions of the first row of each new one, ascending)."""
        if self._behind and self.count + len(keys) <= FIRST_MAX:
            return self._sorted(keys)
        if self._behind or 2 * (self.count + len(keys)) > len(self._numbers):
            self._rebuild(self.count + len(keys))
        numbers, claimed = self._place(keys)
        if not len(claimed):
            return numbers, claimed
        # New keys went by the numbers of the rows that won them: number them anew, in order of first appearance.
        new = np.flatnonzero(numbers >= self.count)
        owner = numbers.take(new) - self.count
        first = np.full(len(keys), len(keys), np.int64)
        first[owner[::-1]] = new[::-1]  # the last to write is the first row
        fresh = np.sort(first.take(claimed))
        rank = np.empty(len(keys), np.int64)
        rank[fresh] = np.arange(self.count, self.count + len(fresh))
        numbers[new] = rank.take(first.take(owner))
        self._numbers[self._claimed_places] = rank.take(first.take(claimed)) + 1
        self._append(keys.take(fresh))
        return numbers, fresh

    def find(self, keys: IntArray) -> IntArray:
        """The number of each key, -1 where it has none."""
        if self._behind:
            self._rebuild(self.count)
        numbers = np.full(len(keys), -1, np.int64)
        pending = np.arange(len(keys))
        places = self._hashed(keys)
        mask = len(self._numbers) - 1
        while len(pending):
            found = self._numbers.take(places) - 1
            occupied = np.flatnonzero(found >= 0)
            pending, places, found = pending.take(occupied), places.take(occupied), found.take(occupied)
            same = self.keys.take(found) == keys.take(pending)
            hit = np.flatnonzero(same)
            numbers[pending.take(hit)] = found.take(hit)
            miss = np.flatnonzero(~same)
            pending, places = pending.take(miss), (places.take(miss) + 1) & mask
        return numbers

    def _sorted(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        """``assign`` of few keys, without a place for them."""
        known = self.count
        together = np.concatenate([self.keys[:known], keys]) if known else keys
        _, first, inverse = np.unique(together, return_index=True, return_inverse=True)
        order = np.argsort(first)  # the known keys come first, in the order of their numbers
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        fresh = first.take(order[known:]) - known
        self._append(keys.take(fresh))
        return rank.take(inverse.reshape(-1)[known:]), fresh

    def _hashed(self, keys: IntArray) -> IntArray:
        mixed = keys.astype(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _MIX
        return (mixed >> np.uint64(64 - self._bits)).astype(np.int64)

    def _place(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        """(number of each key, where ``count + i`` stands for the new key of row i; the rows i that won a place)."""
        numbers = np.empty(len(keys), np.int64)
        pending = np.arange(len(keys))
        places = self._hashed(keys)
        mask = len(self._numbers) - 1
        claimed: list[IntArray] = []
        claimed_places: list[IntArray] = []
        while len(pending):
            found = self._numbers.take(places) - 1
            free = np.flatnonzero(found < 0)
            if len(free):
                where, who = places.take(free), pending.take(free)
                self._numbers[where] = self.count + who + 1
                found[free] = self._numbers.take(where) - 1
                won = np.flatnonzero(found.take(free) == self.count + who)
                claimed.append(who.take(won))
                claimed_places.append(where.take(won))
            mine = keys.take(pending)
            old = found < self.count
            held = np.where(
                old, self.keys.take(np.where(old, found, 0)), keys.take(np.where(old, 0, found - self.count))
            )
            same = held == mine
            hit = np.flatnonzero(same)
            numbers[pending.take(hit)] = found.take(hit)
            if len(hit) == len(pending):
                break
            miss = np.flatnonzero(~same)
            pending, places = pending.take(miss), (places.take(miss) + 1) & mask
        if not claimed:
            return numbers, np.zeros(0, np.int64)
        self._claimed_places = np.concatenate(claimed_places)
        return numbers, np.concatenate(claimed)

    def _append(self, keys: IntArray) -> None:
        count = self.count + len(keys)
        if count > len(self.keys):
            grown = np.empty(max(count, 2 * len(self.keys)), np.int64)
            grown[: self.count] = self.keys[: self.count]
            self.keys = grown
        self.keys[self.count : count] = keys
        self.count = count

    def _rebuild(self, room: int) -> None:
        """Places for ``room`` keys, half of them free at least, and the known keys in them, run by run."""
        self._behind = False
        self._bits = max(11, (2 * room).bit_length())
        # One more than the number, so that 0 is free: memory that is zero from the start costs when it is used.
        self._numbers = np.zeros(1 << self._bits, np.int64)
        mask = len(self._numbers) - 1
        for start in range(0, self.count, 1 << 16):
            self._check()
            pending = np.arange(start, min(start + (1 << 16), self.count))
            places = self._hashed(self.keys[start : start + len(pending)])
            while len(pending):
                free = np.flatnonzero(self._numbers.take(places) == 0)
                self._numbers[places.take(free)] = pending.take(free) + 1
                lost = np.flatnonzero(self._numbers.take(places) != pending + 1)
                pending, places = pending.take(lost), (places.take(lost) + 1) & mask
