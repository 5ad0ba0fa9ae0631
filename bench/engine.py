"""The query engine beside its peers and beside hand-written numpy: same data, same answers, one run.

    make bench-engine [ONLY=load,open,queries,point,paths,twohop,scans,matches,writes,growth] [ROUNDS=5]

``ONLY`` takes names of sections and of single questions (``q9,point``). Times are end to end through ``execute``, text
to Python rows, on one thread, one worker process an engine; engines take turns in an order that rotates every round.
MemoraDB's plans are *warm* (the text was seen), *fresh* (a text that no cache has seen, with literals instead of
parameters) or *new* (the same after all plans were forgotten). Answers of all engines are compared, also those after
the writes, and a difference fails the run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from report import RESULTS, ROUNDS, Row, publish
from social import CACHE, SHARED, peer_python

ENGINES = ("memoradb", "ladybug", "duckdb", "sqlite", "floor")
SECTIONS = ("load", "open", "queries", "point", "paths", "twohop", "scans", "matches", "writes", "growth")
LOAD_ROUNDS = 3
FLOOR_FACTOR, FLOOR_MARGIN = 4, 0.15
"""What each of q1 to q9 may take: so many times the hand-written floor, and so many milliseconds."""


@dataclass(frozen=True)
class EngineRow(Row):
    """A row with every peer and the floor of the same run; ``reference`` is the best peer. Medians of wall time."""

    operation: str = ""
    plan: str = "warm"
    cpu: float = 0.0
    floor: float | None = None
    target: float | None = None
    peers: tuple[tuple[str, float], ...] = ()

    @property
    def of_floor(self) -> float | None:
        return self.measured / self.floor if self.floor else None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "ok" if self.measured <= self.target else f"{self.measured / self.target:.2f} x"


class Run:
    """Engines' processes over databases that were loaded once, and what was measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.names: list[str] = [name for name in ENGINES if name in options.engines.split(",")]
        self.home = CACHE / f"engine-{options.persons}"
        self.data = CACHE / f"social-{options.persons}" / "data"
        if not self.data.exists():
            command = [sys.executable, SHARED / "social.py", "--persons", str(options.persons), "--out", self.data]
            subprocess.run(command, check=True)
        self.meta = json.loads((self.data / "meta.json").read_text("utf-8"))
        self.times: dict[tuple[str, str, str], list[float]] = {}
        """Seconds by engine, operation and plan."""
        self.cpus: dict[tuple[str, str, str], list[float]] = {}
        self.differences: list[str] = []
        self.versions: dict[str, str] = {}
        self.live: dict[str, Any] = {}

    def ask(self, worker: Any, *message: Any, timeout: float = 300) -> dict[str, Any]:
        found = worker.ask(*message, timeout=timeout)
        if not found["ok"] and not found.get("unsupported"):
            sys.exit(f"{worker.name}, {message[:2]}: {found['error']}\n{found.get('trace', '')}")
        return found

    def question(self, name: str, what: str, operation: str, *rest: Any) -> dict[str, Any] | None:
        """The same of one engine and question; None where it fails, which the run does not end for but ends with."""
        found = self.live[name].ask(what, operation, *rest, timeout=300)
        if found["ok"]:
            return found
        if not found.get("unsupported"):
            self.differences.append(f"{operation}: {name}: {found['error']}")
            print(f"FAILED {self.differences[-1]}", flush=True)
        return None

    def started(self, name: str, path: Path) -> Any:
        from engine_worker import Worker

        worker = Worker(name, str(path), 1)
        worker.start()
        return worker

    def note(self, engine: str, operation: str, plan: str, seconds: Iterable[float], cpu: Iterable[float]) -> None:
        self.times.setdefault((engine, operation, plan), []).extend(seconds)
        self.cpus.setdefault((engine, operation, plan), []).extend(cpu)

    def median(self, engine: str, operation: str, plan: str = "warm") -> float | None:
        """Milliseconds."""
        times = self.times.get((engine, operation, plan))
        return statistics.median(times) * 1e3 if times else None

    # --- loading and opening

    def load(self, rounds: int) -> None:
        """Load the data set into every engine, in turns; the last databases stay."""
        names = list(self.names)
        for _ in range(rounds):
            names = names[1:] + names[:1]
            for name in names:
                shutil.rmtree(self.home / name, ignore_errors=True)
                worker = self.started(name, self.home / name)
                found = self.ask(worker, "load", str(self.data), timeout=900)
                self.note(name, "load", "warm", [found["seconds"]], [found["cpu"]])
                worker.ask("quit", timeout=10)
                worker.proc.join(10)

    def open(self, rounds: int) -> None:
        """A new process each time: open, and answer one point query."""
        point = {"id": self.meta["vertices"][0]}
        for _ in range(rounds):
            for name in self.names:
                worker = self.started(name, self.home / name)
                found = self.ask(worker, "open", "point", point)
                self.note(name, "open", "warm", [found["seconds"]], [found["cpu"]])
                worker.stop()

    def start(self, where: Path) -> None:
        """All engines, opened."""
        point = {"id": self.meta["vertices"][0]}
        for name in self.names:
            worker = self.started(name, where / name)
            self.versions[name] = self.ask(worker, "open", "point", point)["version"]
            self.live[name] = worker

    def stop(self) -> None:
        for worker in self.live.values():
            worker.stop()
        self.live = {}

    # --- questions

    def asked(self, operation: Any) -> list[str]:
        """The engines that answer an operation."""
        return [n for n in self.names if n in ("memoradb", "floor", *operation.peers)]

    def compare(self, operation: Any, sets: list[dict[str, Any]]) -> None:
        """Answers of the first parameter sets; the first run of a text, so what is timed later is warm."""
        votes: dict[str, list[str]] = {}
        for name in self.asked(operation):
            found = self.question(name, "answers", operation.name, sets[:3])
            if found is not None:
                votes.setdefault(repr(found["answers"]), []).append(name)
        if len(votes) > 1:
            told = "; ".join(f"{', '.join(names)}: {answer[:300]}" for answer, names in votes.items())
            self.differences.append(f"{operation.name}: {told}")
            print(f"DIFFERENT {self.differences[-1]}", flush=True)

    def read(self, operations: list[Any]) -> None:
        from engine_workload import parameters

        rounds, budget = self.options.rounds, self.options.budget
        for operation in operations:
            sets = parameters(operation.name, self.meta)
            self.compare(operation, sets)
            many = (sets * (operation.calls // len(sets) + 1))[: operation.calls]
            names = self.asked(operation)
            for number in range(rounds):
                names = names[1:] + names[:1]
                start = number * 7 % len(sets)
                turn = many[start:] + many[:start]
                for name in names:
                    for plan, share in (("warm", 1.0), ("fresh", 0.5), ("new", 0.5)):
                        if plan != "warm" and not self.pays(name, operation, plan):
                            continue
                        found = self.question(name, "time", operation.name, turn, budget * share, plan)
                        if found is None:
                            break
                        self.note(name, operation.name, plan, found["times"], found["cpus"])
            self.tell(operation.name)

    def pays(self, name: str, operation: Any, plan: str) -> bool:
        """Whether another kind of plan is worth a measurement: not in a peer that takes long, nor in the floor."""
        if name == "memoradb":
            return True
        known = self.median(name, operation.name)
        return plan == "fresh" and name != "floor" and known is not None and known < 20

    def write(self, operations: list[Any]) -> None:
        """Each engine makes the same changes to a copy of its database; reads come after the writes of a round."""
        from engine_workload import write_parameters

        where = self.home / "writes"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        for name in self.names:
            shutil.copytree(self.home / name, where / name)
        os.sync()
        self.start(where)
        names = list(self.names)
        for number in range(self.options.rounds):
            names = names[1:] + names[:1]
            for operation in operations:
                if operation.is_write:
                    sets = [write_parameters(operation.name, number, call) for call in range(operation.calls)]
                else:
                    sets = [{}] * operation.calls
                for name in names:
                    found = self.question(name, "time", operation.name, sets, 1e9, "warm")
                    if found is not None:
                        self.note(name, operation.name, "warm", found["times"], found["cpus"])
        for operation in operations:
            if not operation.is_write:
                self.compare(operation, [{}])
            self.tell(operation.name)
        self.stop()
        shutil.rmtree(where)

    def same_plan(self) -> bool:
        """Whether two MATCHes of existing nodes and one MATCH of both have the same operators."""
        from engine_workload import parameters

        worker = self.live["memoradb"]
        plans = []
        for name in ("one_match", "two_matches"):
            plans.append(self.ask(worker, "explain", name, parameters(name, self.meta)[0])["plan"])
        physical = [plan.partition("Physical plan")[2].partition("Rules that fired")[0] for plan in plans]
        shapes = [re.findall(r"^ *([A-Z]\w+)", plan, re.MULTILINE) for plan in physical]
        if shapes[0] != shapes[1]:
            print(f"One MATCH:\n{plans[0]}\nTwo:\n{plans[1]}")
        return shapes[0] == shapes[1]

    # --- the table

    def tell(self, operation: str) -> None:
        shown = [f"{name} {found:.4g}" for name in self.names if (found := self.median(name, operation)) is not None]
        print(f"{time.strftime('%H:%M:%S')} {operation}: {', '.join(shown)} ms", flush=True)

    def row(self, operation: str, title: str, plan: str, target: float | None, unit: str = "ms") -> EngineRow | None:
        """One line; peers answer warm where their fresh plans were not measured."""
        scale = 1.0 if unit == "ms" else 1e-3
        mine = self.median("memoradb", operation, plan)
        if mine is None:
            return None
        peers = {}
        for name in self.names:
            if name in ("memoradb", "floor"):
                continue
            found = None if plan == "warm" else self.median(name, operation, "fresh")
            found = found or self.median(name, operation)
            if found is not None:
                peers[name] = round(found * scale, 5)
        best = min(peers, key=lambda name: peers[name]) if peers else ""
        floor = self.median("floor", operation)
        cpu = statistics.median(self.cpus["memoradb", operation, plan]) * 1e3 * scale
        return EngineRow(
            title,
            mine * scale,
            peers.get(best, 0.0),
            best,
            unit,
            operation,
            plan,
            round(cpu, 5),
            None if floor is None else round(floor * scale, 5),
            target,
            tuple(peers.items()),
        )

    def rows(self) -> list[EngineRow]:
        from engine_workload import OPERATIONS, TITLES

        found = []
        for operation in OPERATIONS:
            title = TITLES.get(operation.name, operation.name)
            for plan in ("warm", "fresh", "new"):
                target = operation.target
                if operation.section == "queries":
                    floor = self.median("floor", operation.name)
                    target = None if floor is None else round(FLOOR_FACTOR * floor + FLOOR_MARGIN, 4)
                if operation.name == "point" and plan == "fresh":
                    target = 0.06
                found.append(self.row(operation.name, f"{title}, {plan} plan", plan, target if plan != "new" else None))
        found.append(self.cpu_of_load())
        found.append(self.row("open", "open and first point query, imports not counted", "warm", 20.0))
        return [row for row in found if row is not None]

    def cpu_of_load(self) -> EngineRow | None:
        """CPU seconds, of all threads."""
        cpu = {
            n: statistics.median(self.cpus[n, "load", "warm"]) for n in self.names if (n, "load", "warm") in self.cpus
        }
        if "memoradb" not in cpu:
            return None
        peers = {name: cpu[name] for name in cpu if name not in ("memoradb", "floor")}
        best = min(peers, key=lambda name: peers[name]) if peers else ""
        mine = cpu["memoradb"]
        shown = tuple((name, round(seconds, 3)) for name, seconds in peers.items())
        title, floor = "bulk load of the data set, CPU", cpu.get("floor")
        return EngineRow(title, mine, peers.get(best, 0.0), best, "s", "load", "warm", mine, floor, 2.5, shown)


def means(rows: list[EngineRow]) -> dict[str, dict[str, float]]:
    """Geometric means over q1 to q9, by plan: ours, the best peer's of each, each peer's, the floor's."""
    found = {}
    for plan in ("warm", "fresh", "new"):
        nine = [r for r in rows if re.fullmatch(r"q\d", r.operation) and r.plan == plan]
        if len(nine) < 9:
            continue
        columns = {"memoradb": [r.measured for r in nine], "best peer": [r.reference for r in nine]}
        for peer, _ in nine[0].peers:
            columns[peer] = [dict(r.peers)[peer] for r in nine]
        columns["floor"] = [r.floor or 0.0 for r in nine]
        middle = {name: statistics.geometric_mean(column) for name, column in columns.items() if all(column)}
        found[plan] = {name: round(ms, 4) for name, ms in middle.items()}
        if "best peer" in middle:
            found[plan]["times better than the best peers"] = round(middle["best peer"] / middle["memoradb"], 2)
    return found


def show(rows: list[EngineRow]) -> None:
    """The table as people read it."""
    peers = [name for name in ENGINES if name not in ("memoradb", "floor")]
    print("\n| what | MemoraDB | " + " | ".join(peers) + " | floor | of the best peer | of the floor | target | |")
    print("|---" * (len(peers) + 7) + "|")
    for row in rows:
        known = dict(row.peers)
        cells = [f"{row.measured:.4g} {row.unit}", *(f"{known[p]:.4g}" if p in known else "" for p in peers)]
        cells += [f"{row.floor:.4g}" if row.floor else "", f"{row.ratio:.3f}" if row.reference else ""]
        cells += [f"{row.of_floor:.1f}" if row.of_floor else "", f"{row.target:.4g}" if row.target else "", row.verdict]
        print(f"| {row.name} | " + " | ".join(cells) + " |")


def kept_rows(new: set[tuple[str, str]], path: Path) -> tuple[list[EngineRow], list[Row], dict[str, Any]]:
    """What an earlier run published and this one did not measure."""
    if not path.exists():
        return [], [], {}
    body = json.loads(path.read_text("utf-8"))
    table, others = [], []
    for row in body["rows"]:
        if "operation" not in row:
            others.append(Row(*(row[f.name] for f in fields(Row))))
        elif (row["operation"], row["plan"]) not in new:
            row["peers"] = tuple(map(tuple, row["peers"]))
            table.append(EngineRow(*(row[f.name] for f in fields(EngineRow))))
    return table, others, body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--only", default="", help="sections or questions, separated by commas; all where empty")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--budget", type=float, default=0.15, help="seconds per engine, question and round")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="persons, for growth")
    parser.add_argument("--publish", action=argparse.BooleanOptionalAction, default=True, help="write the figures")
    options = parser.parse_args()
    if not SHARED.exists():
        sys.exit("The benchmark's data and peers live in ../shared/bench, which is not here.")
    python = peer_python()
    if Path(sys.prefix).resolve() != python.parents[1].resolve():
        # Everything runs in the peers' environment, which has this checkout too.
        sys.exit(subprocess.run([python, *sys.argv]).returncode)
    run(options)


def run(options: argparse.Namespace) -> None:
    from engine_workload import OPERATIONS

    wanted = [name for name in options.only.split(",") if name] or list(SECTIONS)
    unknown = set(wanted) - {*SECTIONS, *(o.name for o in OPERATIONS)}
    if unknown:
        sys.exit(f"No section or question is called {', '.join(sorted(unknown))}.")
    chosen = [o for o in OPERATIONS if o.section in wanted or o.name in wanted]
    bench = Run(options)
    missing = [name for name in bench.names if not (bench.home / name).exists()]
    if "load" in wanted:
        bench.load(min(options.rounds, LOAD_ROUNDS))
    elif missing and (chosen or "open" in wanted):
        others, bench.names = bench.names, missing
        bench.load(1)
        bench.names = others
        bench.times.clear()
        bench.cpus.clear()
    if "open" in wanted:
        bench.open(options.rounds)
    extra: dict[str, Any] = {"persons": options.persons, "rounds": options.rounds}
    reads = [o for o in chosen if o.section != "writes"]
    if reads:
        bench.start(bench.home)
        bench.read(reads)
        if "matches" in wanted:
            extra["same_plan"] = bench.same_plan()
        bench.stop()
    if writes := [o for o in OPERATIONS if o.section == "writes" and (o in chosen)]:
        bench.write(writes)
    rows = bench.rows()
    others: list[Row] = []
    if "growth" in wanted:
        import engine_growth

        sizes = tuple(map(int, options.sizes.split(",")))
        found = engine_growth.growth(options.rounds, options.budget, sizes)
        others, extra["growth"] = found
        engine_growth.show(extra["growth"])
    path = RESULTS / "engine.json"
    table, old, body = kept_rows({(row.operation, row.plan) for row in rows}, path)
    rows = sorted([*rows, *table], key=lambda row: place(row.operation))
    extra["means_ms"] = means(rows)
    extra["agree"] = not bench.differences
    for name in ("growth", "same_plan", "versions"):
        extra.setdefault(name, bench.versions if name == "versions" and bench.versions else body.get(name))
    if rows:
        show(rows)
        print(f"\nGeometric means of q1 to q9, ms: {json.dumps(extra['means_ms'])}")
    if options.publish and not bench.differences:
        title = f"Query engine, {options.persons:,} persons: one thread, text to Python rows; reference: the best peer"
        publish("engine", title, [*rows, *(others or old)], extra)
    if bench.differences:
        sys.exit("Answers differ; nothing was published:\n" + "\n".join(bench.differences))


def place(operation: str) -> int:
    from engine_workload import OPERATIONS

    names = [o.name for o in OPERATIONS]
    return names.index(operation) if operation in names else len(names)


if __name__ == "__main__":
    main()
