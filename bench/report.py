"""What every benchmark prints and writes: measured, reference, ratio, taken in the same run.

A figure of one machine says little; beside a reference of the same run it does. Rounds alternate between what is
measured and its reference, and the median of all rounds counts.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One line of a table. Times in microseconds unless ``unit`` says otherwise."""

    name: str
    measured: float
    reference: float
    reference_name: str
    unit: str = "us"

    @property
    def ratio(self) -> float:
        return self.measured / self.reference if self.reference else float("nan")


def calibration() -> None:
    """A fixed piece of pure Python work: how fast the interpreter is on this machine right now."""
    total = 0
    table = {i: i * 3 for i in range(64)}
    for i in range(2_000):
        total += table[i & 63] ^ i


def median_us(work: Callable[[], object], repeat: int) -> float:
    """Median microseconds of one call over ``repeat`` calls."""
    times = []
    clock = time.perf_counter_ns
    for _ in range(repeat):
        started = clock()
        work()
        times.append(clock() - started)
    return statistics.median(times) / 1e3


def alternate(works: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median over ``rounds`` of each measurement, taken in turns and in rotating order."""
    found: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for _ in range(rounds):
        names = names[1:] + names[:1]
        for name in names:
            found[name].append(works[name]())
    return {name: statistics.median(values) for name, values in found.items()}


def machine() -> dict[str, object]:
    """Where and when the figures were taken."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "taken": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _rounded(figure: float) -> float:
    """Three digits: more would be noise, and documents quote what stands in the file."""
    return float(f"{figure:.3g}")


def publish(name: str, title: str, rows: list[Row], extra: dict[str, object] | None = None) -> None:
    """Print the table, and write it to ``bench/results/<name>.json``."""
    print(f"\n{title}\n")
    print("| what | measured | reference | ratio |\n|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.name} | {row.measured:,.4g} {row.unit} | "
            f"{row.reference:,.4g} {row.unit} ({row.reference_name}) | {row.ratio:.2f} |"
        )
    RESULTS.mkdir(exist_ok=True)
    written = [asdict(row) | {n: _rounded(getattr(row, n)) for n in ("measured", "reference", "ratio")} for row in rows]
    body = {"title": title, **machine(), "rows": written, **(extra or {})}
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=1) + "\n", "utf-8")
