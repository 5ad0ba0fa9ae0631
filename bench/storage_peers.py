"""What Ladybug does with the same disk and data; runs in the peers' environment, for ``bench/storage.py``."""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

import ladybug  # pyright: ignore[reportMissingImports]
from parts import part, run_part
from report import ROUNDS, median_us

NODES, RELATIONSHIPS = 1_000_000, 10_000_000
INSERT = "CREATE (:Person {id: $id, name: $name, age: $age})"


def person(i: int) -> dict[str, object]:
    return {"id": i, "name": "New", "age": 30}


@part
def ladybug_insert(folder: str) -> float:
    connection = ladybug.Connection(ladybug.Database(folder), num_threads=1)
    connection.execute("CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING, age INT64)")
    keys = itertools.count()
    statement = connection.prepare(INSERT, person(0))
    return statistics.median(
        median_us(lambda: connection.execute(statement, person(next(keys))), 300) for _ in range(ROUNDS)
    )


@part
def ladybug_load(folder: str, kind: str) -> float:
    path = Path(folder) / "ladybug"
    connection = ladybug.Connection(ladybug.Database(str(path)))
    connection.execute("CREATE NODE TABLE Person(id INT64 PRIMARY KEY, age INT64)")
    connection.execute("CREATE REL TABLE KNOWS(FROM Person TO Person, since INT64)")
    header = " (HEADER=true)" if kind == "csv" else ""
    connection.execute(f'COPY Person FROM "{folder}/people.{kind}"{header}')
    started = time.perf_counter()
    connection.execute(f'COPY KNOWS FROM "{folder}/knows.{kind}"{header}')
    seconds = time.perf_counter() - started
    count = connection.execute("MATCH ()-[r:KNOWS]->() RETURN count(r)").get_next()[0]
    path.unlink()
    return count / seconds


@part
def ladybug_make(path: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(11)
    connection = ladybug.Connection(ladybug.Database(path))
    connection.execute("CREATE NODE TABLE Person(id INT64 PRIMARY KEY, age INT64)")
    connection.execute("CREATE REL TABLE KNOWS(FROM Person TO Person)")
    with tempfile.TemporaryDirectory() as folder:
        people = pa.table({"id": np.arange(NODES), "age": rng.integers(18, 90, NODES)})
        parquet.write_table(people, f"{folder}/people.parquet")
        ends = {name: rng.integers(0, NODES, RELATIONSHIPS) for name in ("from", "to")}
        parquet.write_table(pa.table(ends), f"{folder}/knows.parquet")
        connection.execute(f'COPY Person FROM "{folder}/people.parquet"')
        connection.execute(f'COPY KNOWS FROM "{folder}/knows.parquet"')


@part
def ladybug_open(path: str) -> float:
    started = time.perf_counter()
    connection = ladybug.Connection(ladybug.Database(path), num_threads=1)
    connection.execute("MATCH (p:Person {id: 4711})-[:KNOWS]->(q) RETURN count(q), min(q.age)").get_all()
    return time.perf_counter() - started


if __name__ == "__main__":
    run_part(*sys.argv[2:])
