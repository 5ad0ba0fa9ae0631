"""A point read through the Python API, warm, and where its time goes; inserts of one node, durable and not.

    make bench-point

References of the same run: SQLite for the same read and insert, a bare append with fdatasync for a durable write, and
a fixed loop of pure Python for everything that touches no disk.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from report import Row, alternate, calibration, median_us, publish

import memoradb
from memoradb.memql.exec.materialise import materialise
from memoradb.memql.exec.operator import Frame
from memoradb.memql.session import Options
from memoradb.result import Result

PEOPLE = 10_000
READ = "MATCH (p:Person {id: $id}) RETURN p.name, p.age"
INSERT = "CREATE (:Person {id: $id, name: $name, age: $age})"


def filled(path: Path | None, durability: str = "strict") -> memoradb.Database:
    """A database of people with a unique key."""
    database = memoradb.open(path, durability=durability)
    columns = {
        "id": list(range(PEOPLE)),
        "name": [f"Person {i}" for i in range(PEOPLE)],
        "age": [20 + i % 60 for i in range(PEOPLE)],
    }
    database.import_nodes("Person", columns, key="id")
    return database


def sqlite(path: Path) -> sqlite3.Connection:
    """The same people in SQLite, WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO person VALUES (?, ?, ?)", ((i, f"Person {i}", 20) for i in range(PEOPLE)))
    connection.execute("COMMIT")
    return connection


def read_stages(database: memoradb.Database) -> dict[str, Callable[[], object]]:
    """The parts of one read, each callable alone."""
    engine, parameters = database.query_engine, {"id": 4_711}
    options = Options()
    snapshot = database.storage.snapshot()
    prepared = engine.prepare(READ, snapshot)
    context = engine._context(snapshot, parameters, options, None, snapshot.position)
    batch = next(iter(context.batches(prepared.plan.root, Frame.top())))
    line = prepared.plan.line
    assert line is not None
    statement = engine.execute(READ, parameters)
    return {
        "snapshot": database.storage.snapshot,
        "plan from its text (cache)": lambda: engine.prepare(READ, snapshot),
        "look-up in a straight line": lambda: line(snapshot, parameters),
        "in batches instead: context": lambda: engine._context(snapshot, parameters, options, None, snapshot.position),
        "in batches instead: operators": lambda: list(context.batches(prepared.plan.root, Frame.top())),
        "in batches instead: values": lambda: [materialise(column, snapshot) for column in batch.columns.values()],
        "records": lambda: Result(statement).rows,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        memory, disk = filled(None), filled(home / "strict")
        relaxed = filled(home / "relaxed", "relaxed")
        lite = sqlite(home / "lite.db")
        log = os.open(home / "bare.log", os.O_CREAT | os.O_WRONLY)
        keys = itertools.count(PEOPLE)
        ids = itertools.cycle(range(0, PEOPLE, 37))

        def read() -> object:
            return memory.execute(READ, {"id": next(ids)}).rows

        def read_new_literal() -> object:
            return memory.execute(f"MATCH (p:Person {{id: {next(keys) % PEOPLE}}}) RETURN p.name, p.age").rows

        def read_lite() -> object:
            return lite.execute("SELECT name, age FROM person WHERE id = ?", (next(ids),)).fetchall()

        def insert(database: memoradb.Database) -> Callable[[], object]:
            return lambda: database.execute(INSERT, {"id": next(keys), "name": "New", "age": 30})

        def insert_lite() -> object:
            return lite.execute("INSERT INTO person VALUES (?, 'New', 30)", (next(keys),))

        def append() -> None:
            os.write(log, b"x" * 160)
            os.fdatasync(log)

        works: dict[str, Callable[[], float]] = {
            "calibration": lambda: median_us(calibration, 200),
            "read": lambda: median_us(read, 3_000),
            "literal": lambda: median_us(read_new_literal, 1_000),
            "read_lite": lambda: median_us(read_lite, 3_000),
            "insert_strict": lambda: median_us(insert(disk), 300),
            "insert_relaxed": lambda: median_us(insert(relaxed), 1_000),
            "insert_memory": lambda: median_us(insert(memory), 1_000),
            "insert_lite": lambda: median_us(insert_lite, 300),
            "append": lambda: median_us(append, 300),
            "open": lambda: median_us(lambda: memoradb.open(None).close(), 300),
        }
        stages = read_stages(memory)
        for name, stage in stages.items():
            works[f"stage {name}"] = lambda stage=stage: median_us(stage, 3_000)
        read()
        found = alternate(works)
        rows = [
            Row("point read, warm", found["read"], found["read_lite"], "SQLite"),
            Row("point read, text with a new literal", found["literal"], found["read_lite"], "SQLite, prepared"),
            Row("insert of one node, durable", found["insert_strict"], found["insert_lite"], "SQLite, WAL, FULL"),
            Row("insert of one node, durable", found["insert_strict"], found["append"], "append + fdatasync"),
            Row("insert of one node, relaxed", found["insert_relaxed"], found["calibration"], "calibration loop"),
            Row("insert of one node, in memory", found["insert_memory"], found["calibration"], "calibration loop"),
            Row("open and close a database in memory", found["open"], found["calibration"], "calibration loop"),
            *(Row(f"point read: {n}", found[f"stage {n}"], found["read"], "the whole read") for n in stages),
        ]
        publish("point", "One node: read and insert through the Python API; references of the same run", rows)
        lite.close()
        os.close(log)
        for database in (memory, disk, relaxed):
            database.close()


if __name__ == "__main__":
    main()
