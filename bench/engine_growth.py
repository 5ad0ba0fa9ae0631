"""The same questions at three sizes, each ten times the last: time and memory for each node and relationship.

Times are of the processor: one statement runs on one thread, and others on the machine must not bend a curve.

The generator of ``../shared/bench`` lets the mean degree grow with the number of persons (hubs are a share of all, and
so are their followers). Here 500 hubs are followed by 0.5 to 5 % of everybody at every size: relationships and 2-hop
paths grow as persons do, so a curve that bends does so for the engine's own reasons.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from engine_worker import Worker
from engine_workload import OPERATIONS, SHARED, parameters
from parts import CACHE
from report import Row

SIZES = (10_000, 100_000, 1_000_000)
HUBS = 500
SKIPPED = ("one_match", "two_matches", "paths13")
NODE_QUESTIONS = ("scan", "contains", "top", "group_by_name", "columns")


def follows(rng: Any, persons: int) -> tuple[Any, Any, Any]:
    """As the generator's own: sources, targets, hubs; ten random ones a person beside the hubs' followers."""
    import numpy as np

    sources, targets = (rng.integers(1, persons + 1, 10 * persons) for _ in range(2))
    hubs = np.sort(rng.choice(np.arange(1, persons + 1), HUBS, replace=False))
    parts = [targets * (persons + 1) + sources]
    for hub in hubs.tolist():
        fans = rng.choice(persons, int(rng.integers(persons // 200, persons // 20)), replace=False) + 1
        parts.append(hub * (persons + 1) + fans)
    keys = np.unique(np.concatenate(parts))
    found, ends = keys % (persons + 1), keys // (persons + 1)
    kept = found != ends
    return found[kept], ends[kept], hubs


def data_of(persons: int) -> Path:
    """The data set, made once."""
    out = CACHE / f"growth-{persons}" / "data"
    if not (out / "meta.json").exists():
        # By its path: a module of this directory has the same name.
        spec = importlib.util.spec_from_file_location("social_generator", SHARED / "social.py")
        assert spec is not None and spec.loader is not None
        generator: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(generator)
        generator.follows = follows
        generator.generate(out, persons)
    return out


def measured(persons: int, rounds: int, budget: float) -> dict[str, Any]:
    """Load, memory and times of one size."""
    data = data_of(persons)
    meta = json.loads((data / "meta.json").read_text("utf-8"))
    path = data.parent / "memoradb"
    loader = Worker("memoradb", str(path), 1)
    loader.start()
    loaded = _asked(loader, "load", str(data), timeout=900)
    loader.ask("quit", timeout=10)
    nodes = sum(meta[name] for name in ("persons", "cities", "states", "countries", "interests"))
    relationships = meta["follows"] + meta["has_interest"] + meta["lives_in"] + meta["cities"] + meta["states"]
    worker = Worker("memoradb", str(path), 1)
    worker.start()
    first = parameters("point", meta)[0]
    opened = _asked(worker, "open", "point", first)
    reads = [o for o in OPERATIONS if o.section not in ("writes",) and o.name not in SKIPPED]
    reads.sort(key=lambda o: o.name not in NODE_QUESTIONS)
    resident: dict[str, float] = {}
    times: dict[str, float] = {}
    for number, operation in enumerate(reads):
        if number == len(NODE_QUESTIONS):
            resident["nodes"] = _asked(worker, "resident")["bytes"] - opened["resident"]
        sets = parameters(operation.name, meta)[:10]
        _asked(worker, "answers", operation.name, sets[:1], timeout=600)
        found: list[float] = []
        for _ in range(rounds):
            found += _asked(worker, "time", operation.name, sets, budget, "warm", timeout=600)["cpus"]
        times[operation.name] = statistics.median(found) * 1e3
    resident["all"] = _asked(worker, "resident")["bytes"] - opened["resident"]
    worker.stop()
    return {
        "persons": persons,
        "nodes": nodes,
        "relationships": relationships,
        "paths of two hops": meta["paths2"],
        "load CPU s": loaded["cpu"],
        "disk MB": loaded["disk"] / 1e6,
        "open and first read ms": opened["cpu"] * 1e3,
        "bytes of a node": resident["nodes"] / nodes,
        "bytes of a relationship": (resident["all"] - resident["nodes"]) / relationships,
        "load us of an element": loaded["cpu"] * 1e6 / (nodes + relationships),
        "times ms": times,
    }


def _asked(worker: Worker, *message: Any, timeout: float = 120) -> dict[str, Any]:
    found = worker.ask(*message, timeout=timeout)
    if not found["ok"]:
        sys.exit(f"{message[:2]}: {found['error']}\n{found.get('trace', '')}")
    return found


def growth(rounds: int, budget: float, sizes: tuple[int, ...] = SIZES) -> tuple[list[Row], list[Any]]:
    """Rows (each size beside a tenth of it, per node and relationship) and the figures themselves."""
    found = [measured(size, min(rounds, 2), budget) for size in sizes]
    rows = []
    for small, large in itertools.pairwise(found):
        elements = (large["nodes"] + large["relationships"]) / (small["nodes"] + small["relationships"])
        name = f"{small['persons']:,} persons"
        for key in ("bytes of a node", "bytes of a relationship", "load us of an element"):
            rows.append(Row(f"growth, {large['persons']:,}: {key}", large[key], small[key], name, ""))
        for operation, ms in large["times ms"].items():
            title = f"growth, {large['persons']:,}: {operation}"
            rows.append(Row(title, ms, small["times ms"][operation] * elements, f"{elements:.1f} times {name}", "ms"))
    return rows, found


def show(found: list[dict[str, Any]]) -> None:
    """Nanoseconds of a question for each node and relationship, side by side for the sizes; other figures first."""
    print("\n| growth | " + " | ".join(f"{size['persons']:,} persons" for size in found) + " |")
    print("|---" * (len(found) + 1) + "|")
    for name in (key for key in found[0] if key not in ("persons", "times ms")):
        print(f"| {name} | " + " | ".join(f"{size[name]:,.4g}" for size in found) + " |")
    for operation in found[0]["times ms"]:
        cells = []
        for size in found:
            ms = size["times ms"][operation]
            cells.append(f"{ms:,.4g} ms, {ms * 1e6 / (size['nodes'] + size['relationships']):,.3g} ns each")
        print(f"| {operation} | " + " | ".join(cells) + " |")
