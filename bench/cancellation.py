"""How long a statement over ten million rows goes on after it was told to stop.

    python bench/cancellation.py [--rows N] [--cancels N] [--graph DIRECTORY] [--seed N] [STATEMENT ...]

Two views of the same thing, for each statement:

* *looks*: the statement runs to its end and every look at its cancellation is noted, in CPU time of its thread. Who
  cancels at a random moment waits for the rest of the interval that the moment falls into; the distribution of that is
  computed from the intervals. What else the machine does has no part in it.
* *cancels*: the statement is started again and again and cancelled from another thread after a random part of its
  time; what is shown is the time on the wall from ``cancel()`` until it has raised ``Cancelled``.

``--graph`` names a data directory (a copy that nobody else has open) with the social graph of ``bench/social.py``, for
statements that join.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import threading
import time
from collections.abc import Sequence
from typing import Final

import memoradb
from memoradb.core.clock import SystemClock
from memoradb.core.errors import Cancelled
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.session import Options

_ROWS: Final = "UNWIND range(1, $rows / 1000) AS i UNWIND range(1, 1000) AS j WITH 1000 * i + j AS x"

STATEMENTS: Final = {
    "sort integers": f"{_ROWS} RETURN x ORDER BY x * 7919 % 10000019 SKIP $rows - 3",
    "sort two keys": f"{_ROWS} RETURN x ORDER BY x % 1000, x * 7919 % 10000019 DESC SKIP $rows - 3",
    "top of many": f"{_ROWS} RETURN x ORDER BY x * 7919 % 10000019 SKIP 100000 LIMIT 3",
    "group, few": f"{_ROWS} WITH x % 1000 AS k, count(*) AS n, max(x) AS m RETURN max(n), max(m)",
    "group, many": f"{_ROWS} WITH x * 7919 % 3000017 AS k, sum(x) AS n RETURN max(n)",
    "distinct": f"{_ROWS} WITH DISTINCT x * 7919 % 5000011 AS k RETURN sum(k)",
    "count distinct": f"{_ROWS} RETURN count(DISTINCT x * 7919 % 5000011)",
    "collect": f"{_ROWS} WITH collect(x) AS xs RETURN xs[5]",
    "collect in groups": f"{_ROWS} WITH x % 1000 AS k, collect(x) AS xs RETURN max(xs[5])",
    "percentile": f"{_ROWS} RETURN percentileCont(x * 7919 % 10000019, 0.5)",
}
ON_THE_GRAPH: Final = {
    "two hops, one predicate": (
        "MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(c:Person) WHERE a.age + c.age = 60 RETURN count(*)"
    ),
    "two hops, grouped by pairs of ages": (
        "MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(c:Person) "
        "WITH a.age AS x, c.age AS y, count(*) AS n RETURN max(n)"
    ),
    "two halves of a circle": (
        "MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(c:Person)-[:FOLLOWS]->(d:Person)-[:FOLLOWS]->(a) "
        "WHERE a.age = 30 AND c.age = 40 RETURN count(*)"
    ),
    "relationships sorted": (
        "MATCH (a:Person)-[:FOLLOWS]->(b:Person) RETURN a.id ORDER BY b.name, a.id SKIP 2000000 LIMIT 3"
    ),
}


class Looks(Cancellation):
    """Notes when it is looked at, in the CPU time of the thread that looks."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.at_ns: list[int] = [time.thread_time_ns()]

    def check(self) -> None:
        self.at_ns.append(time.thread_time_ns())
        super().check()


def waits_ms(intervals: Sequence[int], shares: Sequence[float]) -> list[float]:
    """What share of all moments waits at most so long: quantiles of the rest of the interval at a random moment.

    Of an interval g a moment within it waits up to w with the probability min(g, w) / g, and g / total of all moments
    fall into it: P(wait <= w) = sum(min(g, w)) / total.
    """
    ordered = sorted(intervals)
    below = [0, *itertools.accumulate(ordered)]
    total = max(below[-1], 1)

    def waiting_at_most(wait: float) -> float:
        place = bisect.bisect_left(ordered, wait)
        return (below[place] + wait * (len(ordered) - place)) / total

    found: list[float] = []
    for share in shares:
        low, high = 0.0, float(ordered[-1])
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if waiting_at_most(middle) < share else (low, middle)
        found.append(high / 1e6)
    return found


def looks(database: memoradb.Database, text: str, parameters: dict[str, int]) -> tuple[float, list[float]]:
    """(CPU seconds of the statement, waits in milliseconds: median, 99th percentile, longest)."""
    cancellation = Looks()
    database.execute(text, parameters, options=Options(cancellation=cancellation))
    at = [*cancellation.at_ns, time.thread_time_ns()]
    intervals = [b - a for a, b in itertools.pairwise(at)]
    return (at[-1] - at[0]) / 1e9, [*waits_ms(intervals, (0.5, 0.99)), max(intervals) / 1e6]


def cancelled_ms(database: memoradb.Database, text: str, parameters: dict[str, int], after_s: float) -> float | None:
    """Milliseconds from ``cancel()`` to the end of the statement; None where it had ended before."""
    cancellation = Cancellation(SystemClock())
    ended: list[float] = []

    def run() -> None:
        try:
            database.execute(text, parameters, options=Options(cancellation=cancellation))
        except Cancelled:
            ended.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(after_s)
    asked = time.perf_counter()
    cancellation.cancel()
    thread.join()
    return (ended[0] - asked) * 1e3 if ended else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--cancels", type=int, default=20)
    parser.add_argument("--graph")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("statements", nargs="*")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    all_cancels: list[float] = []
    print(f"{'':36}{'CPU s':>8}   waits by looks, ms: 50 %    99 %     max   cancels, ms: 50 %    99 %     max")
    with memoradb.open(given.graph) as database:
        for name, text in (STATEMENTS | (ON_THE_GRAPH if given.graph else {})).items():
            if given.statements and name not in given.statements:
                continue
            parameters = {"rows": given.rows} if "$rows" in text else {}
            seconds, waits = looks(database, text, parameters)
            line = f"{name:36}{seconds:8.2f}{waits[0]:27.1f}{waits[1]:8.1f}{waits[2]:8.1f}"
            tried = (cancelled_ms(database, text, parameters, chance.random() * seconds) for _ in range(given.cancels))
            found = sorted(ms for ms in tried if ms is not None)
            if found:
                all_cancels += found
                line += f"{found[len(found) // 2]:20.1f}{found[int(len(found) * 0.99)]:8.1f}{found[-1]:8.1f}"
            print(line, flush=True)
    if all_cancels:
        all_cancels.sort()
        print(f"all cancels: {len(all_cancels)}, 99th percentile {all_cancels[int(len(all_cancels) * 0.99)]:.1f} ms")


if __name__ == "__main__":
    main()
