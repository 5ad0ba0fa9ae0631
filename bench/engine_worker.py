"""One engine in a process of its own, which times itself: what travels between processes is in no figure.

The driver's side is ``Peer`` of ``../shared/bench/compare.py``; this is the other end of its pipe.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import multiprocessing
import pkgutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from engine_workload import SHARED, Parameters, engine

from compare import Peer  # pyright: ignore[reportMissingImports]  # isort: skip
from peers import workload  # pyright: ignore[reportMissingImports]  # isort: skip
from peers.base import Unsupported  # pyright: ignore[reportMissingImports]  # isort: skip

# ``compare`` puts its folder first, where a module has the name of one of ours: new processes inherit the order.
sys.path.remove(str(SHARED.resolve()))
sys.path.append(str(SHARED))

ROWS_SENT = 200
"""Larger answers are compared by their hash."""

PACKAGES = ("core", "grammar", "storage", "memql", "bulk", "result", "database")
"""What an embedded database may import in the course of its life."""


class Worker(Peer):
    """The driver's handle of one engine's process."""

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        arguments = (self.name, self.path, self.threads, other)
        self.proc = context.Process(target=serve, args=arguments, daemon=True)
        self.proc.start()
        other.close()


def import_all(name: str) -> None:
    """Whatever the engine would import later, and not at the expense of the first question."""
    import numpy  # noqa: F401
    import pyarrow.parquet  # noqa: F401  # pyright: ignore[reportMissingImports]

    if name != "memoradb":
        importlib.import_module({"sqlite": "sqlite3", "floor": "numpy"}.get(name, name))
        return
    import memoradb

    for found in pkgutil.walk_packages(memoradb.__path__, "memoradb."):
        if found.name.split(".")[1] in PACKAGES:
            importlib.import_module(found.name)


def resident_bytes() -> int:
    """Of this process, now."""
    gc.collect()
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


def digest(rows: list[tuple[Any, ...]]) -> object:
    """An answer as what may be compared: free of order, tolerant of float's last digits."""
    found = workload.canon(rows)
    if len(found) <= ROWS_SENT:
        return found
    return [len(found), hashlib.sha256(repr(found).encode()).hexdigest()]


def timed(
    database: Any, operation: str, sets: list[Parameters], budget: float, kind: str
) -> tuple[list[float], list[float]]:
    """Seconds and CPU seconds of each call, until the budget is used up; once at least.

    ``kind``: ``warm``, the same text again with parameters; ``fresh``, a text that no cache has seen, its parameters
    written into it; ``new``, the same after all plans were forgotten.
    """
    times, cpus = [], []
    spent = 0.0
    run = database.run
    for values in sets:
        if kind == "new":
            database.db.query_engine.forget_plans()
        name, arguments, fresh = database.ready(operation, values, kind != "warm")
        cpu, started = time.process_time(), time.perf_counter()
        run(name, arguments, fresh)
        seconds = time.perf_counter() - started
        cpus.append(time.process_time() - cpu)
        times.append(seconds)
        spent += seconds
        if spent > budget:
            break
    return times, cpus


def serve(name: str, path: str, threads: int | None, pipe: Any) -> None:
    """Answer the driver until it says ``quit``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database: Any = None
    while True:
        message = pipe.recv()
        what = message[0]
        try:
            if what == "load":
                import_all(name)
                database = engine(name)(path, threads)
                cpu, started = time.process_time(), time.perf_counter()
                database.load(message[1])
                out = {
                    "seconds": time.perf_counter() - started,
                    "cpu": time.process_time() - cpu,
                    "disk": database.disk_bytes(),
                }
            elif what == "open":
                import_all(name)
                database = engine(name)(path, threads)
                before, cpu, started = resident_bytes(), time.process_time(), time.perf_counter()
                database.open()
                opened = time.perf_counter()
                database.run(message[1], message[2])
                done = time.perf_counter()
                out = {"open": opened - started, "first": done - opened, "seconds": done - started}
                out |= {"cpu": time.process_time() - cpu, "version": database.version(), "resident": before}
            elif what == "answers":
                _, operation, sets = message
                rows = [database.run(operation, values) for values in sets]
                out = {"answers": [digest(database.plain(answer)) for answer in rows]}
            elif what == "time":
                times, cpus = timed(database, *message[1:])
                out = {"times": times, "cpus": cpus}
            elif what == "explain":
                out = {"plan": database.db.execute("EXPLAIN " + database.texts[message[1]], message[2]).summary.plan}
            elif what == "resident":
                out = {"bytes": resident_bytes()}
            elif what == "close":
                database.close()
                out = {}
            else:
                pipe.send({"ok": True})
                return
            pipe.send({"ok": True, **out})
        except Unsupported as error:
            pipe.send({"ok": False, "unsupported": True, "error": f"does not answer {error}"})
        except BaseException as error:
            pipe.send({"ok": False, "error": f"{type(error).__name__}: {error}"[:500], "trace": traceback.format_exc()})
