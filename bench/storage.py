"""Storage beside what others do with the same disk, in the same run: commits, loads, starts, pauses, memory, the past.

    make bench-storage [ONLY=commit,bulk,open,pause,past,memory]

Every section runs in processes of its own. Peers (SQLite of Python, Ladybug, DuckDB) live in the environment that
``bench/social.py`` makes. Data: 1M nodes and 10M relationships, made once under ``.cache``.
"""

from __future__ import annotations

import argparse
import compileall
import ctypes
import itertools
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from parts import CACHE, alone, command, finish, home, part, run_part
from report import RESULTS, ROUNDS, Row, alternate, calibration, median_us, publish

ROOT = Path(__file__).parents[1]
SHIM = ROOT.parent / "shared" / "bench" / "fsync_shim.c"
NODES, RELATIONSHIPS = 1_000_000, 10_000_000
FILE = "storage.py"
INSERT = "CREATE (:Person {id: $id, name: $name, age: $age})"
SECTIONS: dict[str, Callable[[], list[Row]]] = {}


def section(work: Callable[[], list[Row]]) -> Callable[[], list[Row]]:
    SECTIONS[work.__name__] = work
    return work


def person(i: int) -> dict[str, object]:
    return {"id": i, "name": "New", "age": 30}


# --- commits


@section
def commit() -> list[Row]:
    """Inserts of one client and of 64, durable and not."""
    folder = home("commit")
    folder.mkdir()
    rows = alone(FILE, "one_client", str(folder))
    found = [Row(*row) for row in rows]
    writers: list[dict[str, float]] = []
    relaxed: list[dict[str, float]] = []
    env = {}
    shim = folder / "shim.so"
    if SHIM.exists() and shutil.which("cc"):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"], check=True)
        env = {"LD_PRELOAD": str(shim)}
    for i in range(ROUNDS):
        writers.append(alone(FILE, "many_clients", str(folder / f"s{i}"), "strict", str(shim), env=env))
        relaxed.append(alone(FILE, "many_clients", str(folder / f"r{i}"), "relaxed", str(shim), env=env))
    rate, reference = (statistics.median(x["rate"] for x in runs) for runs in (writers, relaxed))
    found.append(Row("64 writers, durable", rate, reference, "the same, relaxed", "commits/s"))
    if env:
        shared = statistics.median(x["commits"] / max(1, x["syncs"]) for x in writers)
        found.append(Row("64 writers: commits for one fdatasync", shared, 16, "the least asked for", ""))
    return found


@part
def one_client(folder: str) -> list[list[object]]:
    import memoradb

    path = Path(folder)
    databases = {d: memoradb.open(path / d, durability=d) for d in ("strict", "relaxed")}
    databases["memory"] = memoradb.open(None)
    for database in databases.values():
        database.import_nodes("Person", {k: [v] for k, v in person(0).items()}, key="id")
    lite = sqlite3.connect(path / "lite.db", isolation_level=None)
    lite.execute("PRAGMA journal_mode=WAL")
    lite.execute("PRAGMA synchronous=FULL")
    lite.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)")
    log = os.open(path / "bare.log", os.O_CREAT | os.O_WRONLY)
    ready = os.open(path / "ready.log", os.O_CREAT | os.O_RDWR)
    os.write(ready, bytes(16 << 20))
    os.fsync(ready)
    os.lseek(ready, 0, 0)
    keys = itertools.count(1)

    def insert(name: str) -> Callable[[], object]:
        return lambda: databases[name].execute(INSERT, person(next(keys)))

    def append(file: int) -> Callable[[], object]:
        def work() -> None:
            os.write(file, b"x" * 160)
            os.fdatasync(file)

        return work

    def edges() -> float:
        database = databases["memory"]
        pairs = [{"a": i % 500, "b": i // 2} for i in range(1_000)]
        with database.transaction() as transaction:
            started = time.perf_counter()
            transaction.execute(
                "UNWIND $pairs AS p MATCH (a:Spot {id: p.a}), (b:Spot {id: p.b}) CREATE (a)-[:NEXT {w: p.b}]->(b)",
                {"pairs": pairs},
            )
            return (time.perf_counter() - started) * 1e6 / len(pairs)

    def one_edge() -> float:
        database = databases["memory"]
        with database.transaction() as transaction:
            return median_us(
                lambda: transaction.execute(
                    "MATCH (a:Spot {id: $a}), (b:Spot {id: $b}) CREATE (a)-[:NEXT]->(b)", {"a": 1, "b": 2}
                ),
                1_000,
            )

    databases["memory"].import_nodes("Spot", {"id": list(range(1_000))}, key="id")
    works: dict[str, Callable[[], float]] = {
        "strict": lambda: median_us(insert("strict"), 300),
        "relaxed": lambda: median_us(insert("relaxed"), 1_000),
        "memory": lambda: median_us(insert("memory"), 1_000),
        "lite": lambda: median_us(lambda: lite.execute("INSERT INTO person VALUES (?, 'New', 30)", (next(keys),)), 300),
        "append": lambda: median_us(append(log), 300),
        "ready": lambda: median_us(append(ready), 300),
        "calibration": lambda: median_us(calibration, 200),
        "edges": edges,
        "edge": one_edge,
    }
    found = alternate(works)
    rows = [
        ["durable insert of one node, one client", found["strict"], found["append"], "append + fdatasync"],
        ["durable insert of one node, one client", found["strict"], found["ready"], "the same in a preallocated file"],
        ["durable insert of one node, one client", found["strict"], found["lite"], "SQLite, WAL, FULL"],
        ["insert of one node without fsync", found["relaxed"], found["calibration"], "calibration loop"],
        ["insert of one node in memory", found["memory"], found["calibration"], "calibration loop"],
        [
            "relationship in a transaction, in a batch of 1,000",
            found["edges"],
            found["calibration"],
            "calibration loop",
        ],
        ["relationship in a transaction, one by one", found["edge"], found["calibration"], "calibration loop"],
    ]
    ladybug = peer("ladybug_insert", str(path / "ladybug"))
    if ladybug is not None:
        rows.insert(3, ["durable insert of one node, one client", found["strict"], ladybug, "Ladybug"])
    return rows


@part
def many_clients(folder: str, durability: str, shim: str) -> dict[str, float]:
    import memoradb

    threads, each = 64, 60
    database = memoradb.open(folder, durability=durability)
    database.execute(INSERT, person(-1))
    counter = ctypes.CDLL(shim).shim_fdata if os.path.exists(shim) else lambda: 0
    barrier = threading.Barrier(threads + 1)

    def work(n: int) -> None:
        barrier.wait()
        for i in range(each):
            database.execute(INSERT, person(n * each + i))

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    before, started = counter(), time.perf_counter()
    for worker in workers:
        worker.join()
    seconds, syncs = time.perf_counter() - started, counter() - before
    database.close()
    shutil.rmtree(folder)
    return {"rate": threads * each / seconds, "commits": threads * each, "syncs": syncs}


# --- loads


@section
def bulk() -> list[Row]:
    """Relationships from Parquet and CSV, both directions and the key's index built."""
    folder = home("bulk")
    folder.mkdir()
    alone(FILE, "write_files", str(folder))
    names = ("parquet", "csv")
    ours = {name: [alone(FILE, "load", str(folder), name) for _ in range(ROUNDS)] for name in names}
    rows = []
    for name in names:
        peers = [peer("ladybug_load", str(folder), name) for _ in range(3)]
        known = [p for p in peers if p]
        reference = statistics.median(known) if known else 0.0
        rate = statistics.median(ours[name])
        rows.append(Row(f"import of relationships from {name.title()}", rate, reference, "Ladybug, COPY", "1/s"))
    return rows


@part
def write_files(folder: str, nodes: int = 200_000, relationships: int = 4_000_000) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    rng: Any = np.random.default_rng(7)
    people = pa.table({"id": np.arange(nodes), "age": rng.integers(18, 90, nodes)})
    knows = pa.table(
        {
            "from": rng.integers(0, nodes, relationships),
            "to": rng.integers(0, nodes, relationships),
            "since": rng.integers(1990, 2026, relationships),
        }
    )
    parquet.write_table(people, f"{folder}/people.parquet")
    parquet.write_table(knows, f"{folder}/knows.parquet")
    csv.write_csv(people.rename_columns(["id:ID", "age:int"]), f"{folder}/people.csv")
    csv.write_csv(knows.rename_columns([":START_ID", ":END_ID", "since:int"]), f"{folder}/knows.csv")


@part
def load(folder: str, kind: str) -> float:
    import memoradb

    path = f"{folder}/db"
    database = memoradb.open(path)
    try:
        if kind == "parquet":
            database.import_parquet(f"{folder}/people.parquet", label="Person", key="id")
            started = time.perf_counter()
            count = database.import_parquet(
                f"{folder}/knows.parquet",
                type="KNOWS",
                source=("Person", "id", "from"),
                target=("Person", "id", "to"),
            )
            seconds = time.perf_counter() - started
        else:
            database.execute("CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE")
            started = time.perf_counter()
            database.import_csv(
                nodes={"Person": f"{folder}/people.csv"},
                relationships={"KNOWS": f"{folder}/knows.csv"},
                id_type="integer",
            )
            seconds = time.perf_counter() - started
            count = database.execute("MATCH ()-[r:KNOWS]->() RETURN count(r)").value()
        assert database.execute("MATCH (:Person)<-[r:KNOWS]-() RETURN count(r)").value() == count
    finally:
        database.close()
        shutil.rmtree(path)
    return count / seconds


# --- starts


@section
def open_() -> list[Row]:
    """To the first answer: after a clean close, and after kill -9 with 100 MB of log."""
    large = large_database()
    for package in (*filter(Path.is_dir, (ROOT / "src" / "memoradb").iterdir()), ROOT / "src" / "memoradb"):
        compileall.compile_dir(str(package.resolve()), quiet=1)  # as an installed package is
    clean = [alone(FILE, "first_answer", str(large)) for _ in range(ROUNDS)]
    ladybug = [peer("ladybug_open", str(ladybug_database())) for _ in range(3)]
    killed = home("killed")
    crashed, floors = [], []
    for _ in range(ROUNDS):
        shutil.rmtree(killed, ignore_errors=True)
        shutil.copytree(large, killed)
        os.sync()
        writer = subprocess.Popen(
            command(FILE, "write_log", str(killed), 100 << 20),
            stdout=subprocess.PIPE,
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        started = time.perf_counter()
        for file in (killed / "log").iterdir():
            file.read_bytes()
        floors.append(time.perf_counter() - started)
        crashed.append(alone(FILE, "first_answer", str(killed)))
    known = [p for p in ladybug if p]
    rows = [
        Row(
            "open 1M nodes, 10M relationships, to the first answer",
            statistics.median(clean),
            statistics.median(known) if known else 0.0,
            "Ladybug",
            "s",
        ),
        Row("the same after kill -9 with 100 MB of log", statistics.median(crashed), 5.0, "the most asked for", "s"),
        Row("the same", statistics.median(crashed), statistics.median(floors), "reading the log's bytes", "s"),
    ]
    shutil.rmtree(killed)
    return rows


def large_database() -> Path:
    """1M nodes and 10M relationships, closed cleanly; made once a format."""
    path = CACHE / "storage" / "large"
    if not (path.parent / "large.made").exists():
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        alone(FILE, "make_large", str(path), RELATIONSHIPS)
        (path.parent / "large.made").touch()
    return path


@part
def make_large(folder: str, relationships: int) -> None:
    import numpy as np

    import memoradb

    rng: Any = np.random.default_rng(11)
    with memoradb.open(folder) as database:
        columns: Any = {"id": np.arange(NODES), "age": rng.integers(18, 90, NODES)}
        ids = database.import_nodes("Person", columns, key="id")
        if relationships:
            ends: Any = np.asarray(ids)
            database.import_relationships("KNOWS", rng.choice(ends, relationships), rng.choice(ends, relationships), {})


@part
def first_answer(folder: str) -> float:
    started = time.perf_counter()
    import memoradb

    database = memoradb.open(folder)
    database.execute("MATCH (p:Person {id: 4711})-[:KNOWS]->(q) RETURN count(q), min(q.age)").rows  # noqa: B018
    seconds = time.perf_counter() - started
    finish(seconds)
    os._exit(0)  # nothing was written: no close, so that the next round opens the same


@part
def write_log(folder: str, size: int) -> None:
    """Transactions of ten new nodes, ten relationships and ten changes, until there is so much log."""
    import memoradb

    database = memoradb.open(folder, durability="relaxed")
    begun = database.storage.metrics()["log_bytes"]
    i = 0
    while database.storage.metrics()["log_bytes"] - begun < size:
        rows = [{"id": NODES + 10 * i + k, "old": (i * 7919 + k) % NODES} for k in range(10)]
        database.execute(
            "UNWIND $rows AS row MATCH (p:Person {id: row.old}) SET p.age = row.id % 90 "
            "CREATE (p)-[:KNOWS]->(:Person {id: row.id, age: 33, name: 'Somebody with a name'})",
            {"rows": rows},
        )
        i += 1
    database.storage.rest()
    print("ready", flush=True)
    time.sleep(600)


# --- pauses


@section
def pause() -> list[Row]:
    """The longest wait of a reader and of a writer while a checkpoint runs, at 1M nodes."""
    found = alone(FILE, "pauses", str(large_database()), str(home("pause")))
    return [
        Row(
            f"longest wait of a {who}, checkpoint running",
            found[f"{who} with"],
            found[f"{who} without"],
            "without",
            "ms",
        )
        for who in ("reader", "writer")
    ]


@part
def pauses(large: str, folder: str) -> dict[str, float]:
    import memoradb

    shutil.copytree(large, folder)
    os.sync()  # what the copy left to write must not be waited for by what is measured
    database = memoradb.open(folder, durability="relaxed")
    keys = itertools.count(NODES)
    stop = threading.Event()
    longest: dict[str, list[float]] = {}

    def read() -> object:
        return database.execute("MATCH (p:Person {id: $id})-[:KNOWS]->(q) RETURN count(q)", {"id": next(keys) % NODES})

    def write() -> object:
        i = next(keys)
        database.execute("MATCH (p:Person {id: $id}) SET p.age = 1", {"id": i * 7919 % NODES})
        return database.execute(INSERT, person(i))

    def loop(work: Callable[[], object], times: list[float]) -> None:
        while not stop.is_set():
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
            # About a thousand a second each. Python threads that never rest hold each other up by themselves.
            time.sleep(0.0005)

    def run(name: str, during: Callable[[], object]) -> None:
        stop.clear()
        threads = []
        for who, work in (("reader", read), ("writer", write)):
            times = longest.setdefault(f"{who} {name}", [])
            threads.append(threading.Thread(target=loop, args=(work, times)))
        for thread in threads:
            thread.start()
        during()
        stop.set()
        for thread in threads:
            thread.join()

    run("warm", lambda: time.sleep(1))
    for _ in range(ROUNDS):
        run("without", lambda: time.sleep(2))
        run("with", database.checkpoint)
    database.close()
    shutil.rmtree(folder)
    return {name: max(times) * 1e3 for name, times in longest.items()}


# --- the past


@section
def past() -> list[Row]:
    """An old snapshot beside the newest, and AS OF a point 100,000 transactions back."""
    old = alone(FILE, "old_snapshot", str(large_database()), str(home("old")))
    back = [alone(FILE, "as_of", str(home("past"))) for _ in range(3)]
    middle = {key: statistics.median(x[key] for x in back) for key in back[0]}
    return [
        Row("scan of 1M values at an old snapshot, 100,000 changed since", old["old"], old["new"], "the newest", "ms"),
        Row("AS OF 100,000 transactions back, first", middle["first"], 1_000, "the most asked for", "ms"),
        Row("AS OF 100,000 transactions back, again", middle["again"], middle["present"], "the present", "ms"),
    ]


@part
def old_snapshot(large: str, folder: str) -> dict[str, float]:
    import memoradb

    shutil.copytree(large, folder)
    os.sync()  # what the copy left to write must not be waited for by what is measured
    database = memoradb.open(folder, durability="relaxed")
    query = "MATCH (p:Person) RETURN sum(p.age)"
    old = database.begin()
    old.execute(query)
    database.execute("MATCH (p:Person) WHERE p.id % 10 = 0 SET p.age = p.age + 1")
    assert old.execute(query).value() != database.execute(query).value()
    found = alternate(
        {
            "old": lambda: median_us(lambda: old.execute(query).value(), 9) / 1e3,
            "new": lambda: median_us(lambda: database.execute(query).value(), 9) / 1e3,
        }
    )
    old.rollback()
    database.close()
    shutil.rmtree(folder)
    return found


@part
def as_of(folder: str) -> dict[str, float]:
    import memoradb

    with memoradb.open(folder, durability="relaxed") as database:
        database.import_nodes("Person", {"id": list(range(100_000)), "age": [30] * 100_000}, key="id")
        for i in range(150_000):
            database.execute(INSERT, person(100_000 + i))
    with memoradb.open(folder) as database:
        query = "MATCH (p:Person) RETURN count(p), max(p.id)"
        number = database.storage.metrics()["transactions"] - 100_000
        past = f"AS OF TRANSACTION {number} {query}"
        started = time.perf_counter()
        rows = database.execute(past).rows
        first = (time.perf_counter() - started) * 1e3
        assert rows[0][0] == 150_000, rows
        again = median_us(lambda: database.execute(past).rows, 50) / 1e3
        present = median_us(lambda: database.execute(query).rows, 50) / 1e3
    shutil.rmtree(folder)
    return {"first": first, "again": again, "present": present}


# --- memory


@section
def memory() -> list[Row]:
    """Resident bytes of a process after a checkpoint and after reading everything, above those of an empty one."""
    empty = alone(FILE, "resident", str(home("memory0")), 0, 0)
    nodes = alone(FILE, "resident", str(home("memory1")), NODES, 0)
    whole = alone(FILE, "resident", str(home("memory2")), NODES, RELATIONSHIPS)
    numbers = 2 * 8  # two numbers a node
    return [
        Row(
            "bytes of a node, without 8 for each number",
            (nodes - empty) / NODES - numbers,
            40,
            "the most asked for",
            "B",
        ),
        Row("bytes of a relationship", (whole - nodes) / RELATIONSHIPS, 24, "the most asked for", "B"),
    ]


@part
def resident(folder: str, nodes: int, relationships: int) -> float:
    import gc

    import numpy as np

    import memoradb

    rng: Any = np.random.default_rng(5)
    database = memoradb.open(folder, durability="relaxed")
    if nodes:
        columns: Any = {"number": np.arange(nodes), "age": rng.integers(18, 90, nodes)}
        ids: Any = np.asarray(database.import_nodes("Person", columns))
        if relationships:
            database.import_relationships("KNOWS", rng.choice(ids, relationships), rng.choice(ids, relationships), {})
    else:
        database.execute("CREATE (:Person {number: 1, age: 2})-[:KNOWS]->(:Person {number: 2})")
    database.checkpoint()
    for query in (
        "MATCH (p:Person) RETURN sum(p.number), sum(p.age)",
        "MATCH (p:Person {number: 1})-[:KNOWS]->(q)-[:KNOWS]->(r) RETURN count(r), min(r.age)",
        "MATCH (p:Person {number: 1})<-[:KNOWS]-(q)<-[:KNOWS]-(r) RETURN count(r), min(r.age)",
    ):
        database.execute(query).rows  # noqa: B018
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text("ascii")
    found = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024
    database.close()
    shutil.rmtree(folder)
    return found


# --- peers, in their own environment


def peer(name: str, *arguments: object) -> float | None:
    """A figure of a peer, None where it cannot be had."""
    from social import peer_python

    try:
        return alone("storage_peers.py", name, *arguments, python=str(peer_python()))
    except subprocess.CalledProcessError as error:
        print(f"No figure of {name}: {error}", file=sys.stderr)
        return None


def ladybug_database() -> Path:
    path = CACHE / "storage" / "large.ladybug"
    if not path.exists():
        peer("ladybug_make", str(path))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="sections, separated by commas; all where empty")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(*options.part)
        return
    names = [name for name in options.only.split(",") if name] or [name.rstrip("_") for name in SECTIONS]
    rows: list[Row] = []
    for name in names:
        found = (SECTIONS.get(name) or SECTIONS[f"{name}_"])()
        rows += found
        for row in found:
            print(f"{row.name}: {row.measured:,.4g} {row.unit}, {row.ratio:.2f} of {row.reference_name}", flush=True)
    path = RESULTS / "storage.json"
    if len(names) < len(SECTIONS) and path.exists():
        new = {row.name for row in rows}
        kept = json.loads(path.read_text("utf-8"))["rows"]
        rows += [Row(*(row[f.name] for f in fields(Row))) for row in kept if row["name"] not in new]
    publish("storage", "Storage: commits, loads, starts, pauses, the past, memory; references of the same run", rows)


if __name__ == "__main__":
    main()
