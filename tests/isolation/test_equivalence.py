"""Transactions that interleave answer as if they had run one after another, in the order in which they committed.

Schedules are random and single-threaded, so that each can be run again: every transaction that committed is repeated
alone on a second database, in commit order, and every answer must be the same; so must be the graph in the end. The
statements are those of ``test_read_validation``, each alone sound: here they meet in transactions of several.
"""

import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import memoradb
from memoradb.core.errors import ConstraintError, MemoraDBError, WriteConflict
from memoradb.database import Transaction

sys.path.insert(0, str(Path(__file__).parent))

from test_read_validation import GRAPH, QUERIES, SCHEMA, WRITES

DATA_WRITES = [write for write in WRITES if "INDEX" not in write]
GRAPH_QUERIES = [
    query
    for query in QUERIES
    if not query.startswith(("CALL", "SHOW")) and "SEARCH" not in query and not query.endswith((" a", " r"))
]
"""Those whose answers tell nothing but the graph: no ids, no scores, no names that once were in use."""
MORE = [
    "MATCH (n:A) WITH count(*) AS c CREATE (:Count {k: c})",
    "MATCH (n:Count) RETURN n.k ORDER BY n.k",
    "MATCH (a:A {k: 1})-[:R]->(b) WITH a, count(b) AS d SET a.degree = d",
    "MATCH (a:A) WHERE a.degree > 1 RETURN a.k ORDER BY a.k",
    "MERGE (n:A {k: 4}) ON CREATE SET n.x = 18 ON MATCH SET n.x = coalesce(n.x, 0) + 1",
    "MERGE (n:B {k: 7})",
    "MATCH (a:A {k: 2}), (b:B {k: 1}) MERGE (a)-[:R]->(b)",
    "MATCH (a:A {x: 20})-[r:R]->(b) SET b.x = 20, r.w = 7",
    "MATCH (n:B {k: 7}) SET n:A",
]
SCALE = int(os.environ.get("MEMORADB_ISOLATION_SCALE", "1"))
"""How much longer to run than in every day's tests."""

Step: TypeAlias = tuple[str, Any]
"""A statement, and what it answered."""

DUMP = (
    "MATCH (n) RETURN labels(n), properties(n)",
    "MATCH (a)-[r]->(b) RETURN type(r), properties(r), properties(a), properties(b)",
)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[memoradb.Database, memoradb.Database]]:
    with memoradb.open() as first, memoradb.open() as second:
        for db in (first, second):
            for statement in SCHEMA.strip().split(";"):
                db.execute(statement)
        yield first, second


def reset(db: memoradb.Database) -> None:
    db.execute("MATCH (n) DETACH DELETE n")
    db.execute(GRAPH)


def answer(runner: memoradb.Database | Transaction, text: str) -> Any:
    """Rows in no order, or the class of the error."""
    try:
        return sorted(map(repr, runner.execute(text).rows))
    except MemoraDBError as error:
        return type(error)


@pytest.mark.parametrize("seed", [*range(40 * SCALE), 110])  # 110: a label that was there already, set again
def test_a_schedule_is_equivalent_to_its_commits_in_order(
    pair: tuple[memoradb.Database, memoradb.Database], seed: int
) -> None:
    db, alone = pair
    reset(db)
    reset(alone)
    choice = random.Random(seed)
    pool = choice.sample(GRAPH_QUERIES + DATA_WRITES + MORE, 14)
    running: dict[int, tuple[Transaction, int, list[Step]]] = {}
    writers: list[list[Step]] = []
    readers: defaultdict[int, list[list[Step]]] = defaultdict(list)
    """By how many had committed when they began: a transaction that changed nothing stands where its snapshot does."""
    for number in range(60):
        if len(running) < 3:
            running[number] = (db.begin(), len(writers), [])
        key = choice.choice(list(running))
        tx, began, steps = running[key]
        match choice.randrange(8):
            case 0 | 1:
                del running[key]
                changed = not tx._storage.overlay.changeset().is_empty
                try:
                    tx.commit()
                except (WriteConflict, ConstraintError):
                    continue
                (writers if changed else readers[began]).append(steps)
            case 2 if choice.random() < 0.2:
                del running[key]
                tx.rollback()
            case 3 if choice.random() < 0.5:
                text = choice.choice(pool)
                alone_answered = answer(db, text)  # a statement alone, between the others
                if not isinstance(alone_answered, type):
                    writers.append([(text, alone_answered)])
            case _:
                text = choice.choice(pool)
                steps.append((text, answer(tx, text)))
    for tx, *_ in running.values():
        tx.rollback()
    for place, steps in enumerate([*writers, []]):
        for serial in (*readers[place], steps):
            with alone.transaction() as tx:
                for text, expected in serial:
                    assert answer(tx, text) == expected, text
    assert [answer(db, text) for text in DUMP] == [answer(alone, text) for text in DUMP]
