"""What a second thread brings to the kernels of scans, filters and folds.

    python bench/threads.py [--rows 10000000] [--rounds 9] [--seconds 0.3]

numpy lets go of the interpreter's lock in its inner loops and takes it back between them: what a thread gains depends
on how long a call is, and on how much memory it moves. Each kernel works on blocks of the same rows, as operators do,
for a while on one thread and for as long on two; the median of all rounds counts. The first row is a control, SHA-256,
which needs no lock while it computes: what it does not gain, others on the machine have taken.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from memoradb.storage.graph.csr import Csr

BLOCKS = (16_384, 32_768, 1 << 20)
"""Rows of a block: what a scan gives at a time, what an expand does, and what both could if nobody had to wait."""

Kernel = Callable[[int, int], object]
"""The work on rows ``start`` to ``stop``."""


def kernels(rows: int) -> dict[str, Kernel]:
    """By name; one million nodes with ten relationships each where there are ten million rows."""
    rng: Any = np.random.default_rng(1)
    ages = rng.integers(18, 90, rows)
    slots = rng.integers(0, min(rows, 1_000_000), rows)
    codes = rng.integers(0, 10_000, rows).astype(np.int32)
    degrees = rng.poisson(10, rows // 10)
    offsets = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)
    ends = rng.integers(0, len(degrees), int(offsets[-1])).astype(np.int32)
    csr = Csr(offsets, ends, ends)

    def both_ends(a: int, b: int) -> object:
        positions, nodes, _ = csr.follow(np.arange(a // 10, b // 10))
        return np.count_nonzero(ages.take(positions) < ages.take(nodes))

    return {
        "control": lambda a, b: hashlib.sha256(ages[a:b]).digest(),
        "compare": lambda a, b: ages[a:b] < 50,
        "take": lambda a, b: ages.take(slots[a:b]),
        "filter and sum": lambda a, b: ages[a:b].compress(ages[a:b] > 30).sum(),
        "bincount": lambda a, b: np.bincount(codes[a:b], minlength=10_000),
        "running sum": lambda a, b: np.cumsum(ages[a:b]),
        "sort": lambda a, b: np.sort(slots[a:b]),
        "expand": lambda a, b: csr.follow(np.arange(a // 10, b // 10)),
        "expand, gather at both ends, compare": both_ends,
    }


def blocks_a_second(work: Kernel, rows: int, block: int, threads: int, seconds: float) -> float:
    """How many blocks so many threads get done."""
    done = [0] * threads
    end = time.perf_counter() + seconds

    def run(number: int) -> None:
        for start in itertools.cycle(range(number * block, rows - block + 1, threads * block)):
            if time.perf_counter() > end:
                return
            work(start, start + block)
            done[number] += 1

    others = [threading.Thread(target=run, args=(number,)) for number in range(1, threads)]
    started = time.perf_counter()
    for other in others:
        other.start()
    run(0)
    for other in others:
        other.join()
    return sum(done) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement")
    options = parser.parse_args()
    print(f"{options.rows:,} rows; millions a second on one thread, on two, and how many times more\n")
    print("| kernel | blocks of | one | two | |\n|---|---|---|---|---|")
    for block in BLOCKS:
        for name, work in kernels(options.rows).items():
            rates: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(options.rounds):
                for threads, found in rates.items():
                    found.append(blocks_a_second(work, options.rows, block, threads, options.seconds))
            gain = statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))
            one, two = (statistics.median(found) * block / 1e6 for found in rates.values())
            print(f"| {name} | {block:,} | {one:,.0f} | {two:,.0f} | {gain:.2f} |", flush=True)


if __name__ == "__main__":
    main()
