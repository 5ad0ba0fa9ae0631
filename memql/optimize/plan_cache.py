"""The two-level plan cache: by raw text, then by fingerprint.

Level one answers the same text again in one dictionary look-up. Level two answers the same statement with other
literals: the fingerprint lifts them to parameters, and its key finds the plan. An entry is good for one schema
version and one generation of the statistics; an outdated one is dropped when met. Least recently used entries go
first; both levels are bounded by number, and plans of very long texts are not kept at all.

Locking: one lock around each change; ``get`` on a plain dict is atomic.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from memoradb.core.limits import PLAN_CACHE_ENTRIES, PLAN_CACHE_TEXT_BYTES

T = TypeVar("T")


@dataclass(slots=True)
class CacheCounters:
    """How often the cache helped."""

    hits: int = 0
    misses: int = 0


class PlanCache(Generic[T]):
    """Least-recently-used map from text to ``T``, for one level."""

    def __init__(self, entries_max: int = PLAN_CACHE_ENTRIES) -> None:
        self._entries: OrderedDict[str, tuple[tuple[int, int], T]] = OrderedDict()
        self._entries_max = entries_max
        self._newest: str | None = None
        """What was asked for or put last, and so is the last to go."""
        self._lock = threading.Lock()
        self.counters = CacheCounters()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, version: tuple[int, int]) -> T | None:
        """The entry for ``key`` made for this (schema version, statistics generation), or None."""
        entry = self._entries.get(key)
        if entry is None or entry[0] != version:
            self.counters.misses += 1
            return None
        self.counters.hits += 1
        if key != self._newest:
            with self._lock:
                if key in self._entries:
                    self._entries.move_to_end(key)
                    self._newest = key
        return entry[1]

    def put(self, key: str, version: tuple[int, int], value: T) -> None:
        """Keep ``value``; the oldest entry makes room."""
        if len(key) > PLAN_CACHE_TEXT_BYTES:
            return
        with self._lock:
            self._entries[key] = (version, value)
            self._entries.move_to_end(key)
            self._newest = key
            while len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: a procedure or function was registered."""
        with self._lock:
            self._entries.clear()
