"""Caches: both policies against plain models, and what TinyLFU is for."""

from __future__ import annotations

import bisect
import itertools
import random
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.cache import Cache, FrequencySketch, LruPolicy, Policy, TinyLfuPolicy

POLICIES: list[Callable[[int], Policy[int]]] = [LruPolicy, TinyLfuPolicy]

Operation = tuple[str, int, int]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["get", "put", "put", "remove"]), st.integers(0, 12), st.integers(0, 60)), max_size=80
)


class ModelLru:
    """Keys and sizes in one list, the least recently used first."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.entries: list[tuple[int, int]] = []

    def run(self, operation: Operation) -> bool:
        """Whether a get hits."""
        what, key, size = operation
        held = [e for e in self.entries if e[0] == key]
        if what == "get":
            self.entries = [e for e in self.entries if e[0] != key] + held
            return bool(held)
        self.entries = [e for e in self.entries if e[0] != key]
        if what == "put" and size <= self.bytes_max:
            self.entries.append((key, size))
            while sum(s for _, s in self.entries) > self.bytes_max:
                self.entries.pop(0)
        return False


@given(OPERATIONS, st.integers(0, 150))
def test_lru_does_what_a_list_does(operations: list[Operation], bytes_max: int) -> None:
    cache: Cache[int, object] = Cache(LruPolicy(bytes_max))
    model = ModelLru(bytes_max)
    for operation in operations:
        what, key, size = operation
        hit = model.run(operation)
        if what == "get":
            assert (cache.get(key) is not None) == hit
        elif what == "put":
            cache.put(key, object(), size)
        else:
            cache.remove(key)
        assert sorted(cache.keys()) == sorted(k for k, _ in model.entries)
        assert cache.statistics.bytes == sum(s for _, s in model.entries)


@pytest.mark.parametrize("policy", POLICIES)
@given(operations=OPERATIONS, bytes_max=st.integers(0, 150))
def test_a_cache_never_holds_more_than_it_may_nor_a_wrong_value(
    policy: Callable[[int], Policy[int]], operations: list[Operation], bytes_max: int
) -> None:
    cache: Cache[int, int] = Cache(policy(bytes_max))
    newest: dict[int, tuple[int, int]] = {}
    asked = hits = 0
    for what, key, size in operations:
        if what == "get":
            asked += 1
            found = cache.get(key)
            hits += found is not None
            assert found is None or found == newest[key][0]
        elif what == "put":
            newest[key] = (len(newest) * 1000 + size + 1, size)
            cache.put(key, newest[key][0], size)
        else:
            cache.remove(key)
            assert cache.peek(key) is None
        statistics = cache.statistics
        assert statistics.bytes <= bytes_max
        assert statistics.bytes == sum(newest[k][1] for k in cache.keys())  # noqa: SIM118
        assert (statistics.hits, statistics.misses) == (hits, asked - hits)
        assert statistics.entries == len(cache.keys())
    cache.clear()
    assert (cache.statistics.entries, cache.statistics.bytes) == (0, 0)


@given(st.lists(st.integers(0, 300), max_size=400))
def test_a_sketch_never_counts_too_little_before_it_ages(keys: list[int]) -> None:
    sketch = FrequencySketch(64)
    exact: dict[int, int] = {}
    for key in keys:
        sketch.add(key)
        exact[key] = exact.get(key, 0) + 1
    assert all(sketch.count(key) >= min(count, sketch.COUNT_MAX) for key, count in exact.items())
    before = {key: sketch.count(key) for key in exact}
    sketch.grow()
    assert {key: sketch.count(key) for key in exact} == before


def test_a_sketch_forgets_what_is_asked_for_no_more() -> None:
    sketch = FrequencySketch(64)
    for _ in range(12):
        sketch.add("old")
    for i in range(64 * FrequencySketch.SAMPLES * 4):
        sketch.add(("new", i % 20))
    assert sketch.count("old") <= 3


def zipf(rng: random.Random, keys: int, count: int) -> list[int]:
    """Draws of 0 to keys - 1, the i-th with a probability in proportion to 1 / (i + 1)."""
    bounds = list(itertools.accumulate(1 / (i + 1) for i in range(keys)))
    return [bisect.bisect(bounds, rng.random() * bounds[-1]) for _ in range(count)]


def hit_rate(policy: Policy[int], trace: list[int], size: Callable[[int], int]) -> float:
    cache: Cache[int, int] = Cache(policy)
    for key in trace:
        cache.get_or_load(key, lambda key=key: (key + 1, size(key)))
    return cache.statistics.hit_rate


@pytest.mark.parametrize("size", [lambda _: 10, lambda key: 1 + key * 7919 % 19], ids=["one size", "many sizes"])
def test_tiny_lfu_keeps_what_is_popular_through_scans_that_wash_out_lru(size: Callable[[int], int]) -> None:
    rng = random.Random(7)
    trace: list[int] = []
    for scan in range(8):
        trace += zipf(rng, 2_000, 3_000)
        trace += range(10_000 + 1_000 * scan, 11_000 + 1_000 * scan)
    lru, lfu = hit_rate(LruPolicy(2_000), trace, size), hit_rate(TinyLfuPolicy(2_000), trace, size)
    possible = 1 - len(set(trace)) / len(trace)
    assert lru < lfu <= possible
    assert lfu > lru + 0.05, (lru, lfu)


def test_one_thread_loads_and_the_others_wait() -> None:
    cache: Cache[str, list[int]] = Cache(LruPolicy(100))
    started, let_go, loads = threading.Event(), threading.Event(), [0]

    def load() -> tuple[list[int], int]:
        loads[0] += 1
        started.set()
        assert let_go.wait(10)
        return [1], 10

    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get_or_load("k", load))) for _ in range(4)]
    threads[0].start()
    assert started.wait(10)
    for thread in threads[1:]:
        thread.start()
    let_go.set()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert len(found) == 4
    assert all(f is found[0] for f in found)


def test_a_load_that_fails_keeps_nothing_and_the_next_one_tries_again() -> None:
    cache: Cache[str, int] = Cache(TinyLfuPolicy(100))

    def fail() -> tuple[int, int]:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        cache.get_or_load("k", fail)
    assert cache.get_or_load("k", lambda: (5, 1)) == 5
    assert cache.get("k") == 5
