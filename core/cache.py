"""Caches sized in bytes, with the policy that decides what stays as a part: least recently used, or W-TinyLFU.

``LruPolicy`` keeps what was asked for last: right where things cost much to make and are asked for in bursts.
``TinyLfuPolicy`` keeps what is asked for often, by an approximate count of everything that was ever asked for, which
ages: one long scan does not wash out what is always needed (Einziger, Friedman, Manes 2017, *TinyLFU: A Highly
Efficient Cache Admission Policy*; for entries of different sizes the admission by aggregated victims of Einziger,
Eytan, Friedman, Manes 2021, *Lightweight Robust Size Aware Cache Management*).

Which entries stay is never part of a result: a cache may forget anything at any time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What a cache did so far, and what it holds now."""

    hits: int
    misses: int
    evictions: int
    """Entries that were kept for a while and had to go; those that never got in are not counted."""
    entries: int
    bytes: int

    @property
    def hit_rate(self) -> float:
        """Share of the questions that were answered; 0 where nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class Policy(Protocol[K]):
    """Decides which entries stay. Knows keys and sizes, no values; its cache holds the lock."""

    def asked(self, key: K, present: bool) -> None:
        """Somebody asked for ``key``; ``present`` where it is there."""
        ...

    def add(self, key: K, size: int) -> list[K]:
        """A new entry; returns what has to go for it, which may be the entry itself."""
        ...

    def remove(self, key: K) -> None:
        """An entry that is there goes for another reason."""
        ...


class Cache(Generic[K, V]):
    """Values by key, so many bytes of them. Any number of threads.

    >>> cache: Cache[str, list[int]] = Cache(LruPolicy(100))
    >>> cache.get_or_load("a", lambda: ([1, 2], 60))
    [1, 2]
    >>> cache.put("b", [3], 60)
    >>> cache.get("a") is None, cache.get("b")
    (True, [3])
    """

    def __init__(self, policy: Policy[K]) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._entries: dict[K, tuple[V, int]] = {}
        self._loading: dict[K, threading.Event] = {}
        self._bytes = 0
        self._hits = self._misses = self._evictions = 0

    def get(self, key: K) -> V | None:
        """The value of ``key``, None where it is not there."""
        with self._lock:
            found = self._entries.get(key)
            self._policy.asked(key, found is not None)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            return found[0]

    def peek(self, key: K) -> V | None:
        """Likewise, without being counted as a question."""
        with self._lock:
            found = self._entries.get(key)
            return None if found is None else found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep ``value``, which takes ``size`` bytes, if the policy lets it in; replaces what was there."""
        with self._lock:
            self._forget(key)
            self._entries[key] = (value, size)
            self._bytes += size
            for gone in self._policy.add(key, size):
                self._bytes -= self._entries.pop(gone)[1]
                self._evictions += gone != key

    def get_or_load(self, key: K, load: Callable[[], tuple[V, int]]) -> V:
        """The value of ``key``; where it is not there ``load`` makes it, and says its size.

        Of several threads that want the same, one loads and the others wait; where it fails, the next one tries.
        """
        while True:
            found = self.get(key)
            if found is not None:
                return found
            with self._lock:
                entry = self._entries.get(key)
                if entry is not None:
                    return entry[0]
                busy = self._loading.get(key)
                if busy is None:
                    done = self._loading[key] = threading.Event()
                    break
            busy.wait()
        try:
            value, size = load()
            self.put(key, value, size)
            return value
        finally:
            with self._lock:
                del self._loading[key]
            done.set()

    def remove(self, key: K) -> None:
        """Forget ``key``; no error where it is not there."""
        with self._lock:
            self._forget(key)

    def clear(self) -> None:
        """Forget everything; the counts go on."""
        with self._lock:
            for key in list(self._entries):
                self._forget(key)

    def _forget(self, key: K) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= found[1]
            self._policy.remove(key)

    def keys(self) -> list[K]:
        """What is there now."""
        with self._lock:
            return list(self._entries)

    @property
    def statistics(self) -> CacheStatistics:
        """Counts so far."""
        with self._lock:
            return CacheStatistics(self._hits, self._misses, self._evictions, len(self._entries), self._bytes)


class _Queue(Generic[K]):
    """Keys from the least to the most recently used, with their sizes."""

    __slots__ = ("bytes", "sizes")

    def __init__(self) -> None:
        self.sizes: OrderedDict[K, int] = OrderedDict()
        self.bytes = 0

    def __contains__(self, key: K) -> bool:
        return key in self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def push(self, key: K, size: int) -> None:
        self.sizes[key] = size
        self.bytes += size

    def pop(self) -> tuple[K, int]:
        key, size = self.sizes.popitem(last=False)
        self.bytes -= size
        return key, size

    def take(self, key: K) -> int | None:
        """Take a key out, wherever it is; its size."""
        size = self.sizes.pop(key, None)
        if size is not None:
            self.bytes -= size
        return size


class LruPolicy(Generic[K]):
    """Keeps what was asked for last."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._queue: _Queue[K] = _Queue()

    def asked(self, key: K, present: bool) -> None:
        if present:
            self._queue.sizes.move_to_end(key)

    def add(self, key: K, size: int) -> list[K]:
        if size > self._bytes_max:
            return [key]  # it alone would not fit: the others stay
        queue = self._queue
        queue.push(key, size)
        gone: list[K] = []
        while queue.bytes > self._bytes_max:
            gone.append(queue.pop()[0])
        return gone

    def remove(self, key: K) -> None:
        self._queue.take(key)


class FrequencySketch:
    """About how often each key was asked for: a count-min sketch of small counters that are halved now and then.

    Four counters a key, the least of them counts: never too low (but for what ageing took), seldom too high. After
    ten times as many questions as there are counters in a row all are halved, so that what was popular fades. ``grow``
    doubles the rows and keeps every estimate.
    """

    ROWS: Final = 4
    COUNT_MAX: Final = 15
    SAMPLES: Final = 10
    _SEEDS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
    _MASK: Final = (1 << 64) - 1
    _HALVED: Final = bytes(i >> 1 for i in range(256))

    def __init__(self, width: int = 256) -> None:
        """``width``: counters in a row, a power of two."""
        self.width = width
        self._rows = [bytearray(width) for _ in range(self.ROWS)]
        self._seen = 0

    def _places(self, key: Hashable) -> list[int]:
        hashed = hash(key)
        return [((hashed + 1) * seed & self._MASK) >> 32 & (self.width - 1) for seed in self._SEEDS]

    def count(self, key: Hashable) -> int:
        """How often, at most ``COUNT_MAX``."""
        return min(row[place] for row, place in zip(self._rows, self._places(key), strict=True))

    def add(self, key: Hashable) -> None:
        """Once more. Only the smallest of the counters grow: the others are too high already."""
        places = self._places(key)
        least = min(row[place] for row, place in zip(self._rows, places, strict=True))
        if least < self.COUNT_MAX:
            for row, place in zip(self._rows, places, strict=True):
                if row[place] == least:
                    row[place] = least + 1
        self._seen += 1
        if self._seen >= self.SAMPLES * self.width:
            self._rows = [row.translate(self._HALVED) for row in self._rows]
            self._seen //= 2

    def grow(self) -> None:
        """Twice as wide; a key's new place is its old one or that far to the right of it."""
        self._rows = [row + row for row in self._rows]
        self.width *= 2


class TinyLfuPolicy(Generic[K]):
    """Keeps what is asked for often: a small window of newcomers, and a main part that they have to earn a place in.

    The main part is a segmented LRU: *probation*, and *protected* for what was asked for again. What the window has no
    room for is let in where it was asked for more often than all that would have to go for it together.
    """

    WINDOW: Final = 0.01
    """Share of the bytes for newcomers."""
    PROTECTED: Final = 0.8
    """Share of the main part for what was asked for again."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._window_max = int(bytes_max * self.WINDOW)
        self._main_max = bytes_max - self._window_max
        self._protected_max = int(self._main_max * self.PROTECTED)
        self._window: _Queue[K] = _Queue()
        self._probation: _Queue[K] = _Queue()
        self._protected: _Queue[K] = _Queue()
        self._sketch = FrequencySketch()

    def asked(self, key: K, present: bool) -> None:
        self._sketch.add(key)
        if not present:
            return
        for queue in (self._window, self._protected):
            if key in queue:
                queue.sizes.move_to_end(key)
                return
        size = self._probation.take(key)
        assert size is not None, "an entry that is there is in one of the three queues"
        self._protected.push(key, size)
        while self._protected.bytes > self._protected_max:
            self._probation.push(*self._protected.pop())

    def add(self, key: K, size: int) -> list[K]:
        if size > self._main_max:
            return [key]
        while len(self._window) + len(self._probation) + len(self._protected) >= self._sketch.width:
            self._sketch.grow()
        self._window.push(key, size)
        gone: list[K] = []
        while self._window.bytes > self._window_max:
            gone += self._admit(*self._window.pop())
        return gone

    def _admit(self, key: K, size: int) -> list[K]:
        """Let ``key`` into the main part, or not; returns what goes."""
        room = self._main_max - self._probation.bytes - self._protected.bytes
        victims: list[tuple[_Queue[K], K]] = []
        wanted, against = self._sketch.count(key), 0
        for queue in (self._probation, self._protected):
            for victim, bytes_ in queue.sizes.items():
                if room >= size:
                    break
                against += self._sketch.count(victim)
                if against >= wanted:
                    return [key]
                victims.append((queue, victim))
                room += bytes_
        for queue, victim in victims:
            queue.take(victim)
        self._probation.push(key, size)
        return [victim for _, victim in victims]

    def remove(self, key: K) -> None:
        for queue in (self._window, self._probation, self._protected):
            if queue.take(key) is not None:
                return
