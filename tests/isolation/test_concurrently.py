"""Transactions of several real threads at once: histories without cycles, and invariants that hold at every moment."""

import itertools
import os
import random
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import memoradb
from memoradb.core.errors import WriteConflict
from memoradb.core.rng import SeededRandom
from memoradb.database import Transaction
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))

from cycles import Append, Executed, Read, anomalies
from together import together

SCALE = int(os.environ.get("MEMORADB_ISOLATION_SCALE", "1"))
"""How much longer to run than in every day's tests."""

MANY = 10_000
"""Attempts of a transaction that must succeed in the end."""


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path):
    path = None if request.param == "memory" else tmp_path / "graph"
    with memoradb.open(path, random=SeededRandom(3), durability="relaxed") as database:
        yield database


# --- list-append


class OneProperty:
    """A list in a property of one node: appending reads and writes it."""

    schema = ("CREATE CONSTRAINT FOR (l:List) REQUIRE l.key IS UNIQUE",)
    start = "UNWIND range(0, 5) AS key CREATE (:List {key: key, items: []})"

    @staticmethod
    def append(tx: Transaction, key: int, value: int) -> None:
        tx.execute("MATCH (l:List {key: $k}) SET l.items = l.items + $v", {"k": key, "v": value})

    @staticmethod
    def read(tx: Transaction, key: int) -> list[int]:
        return tx.execute("MATCH (l:List {key: $k}) RETURN l.items", {"k": key}).value()


class OneNodeEach:
    """A node for each item, numbered by how many there are: nothing but phantoms, found by an index."""

    schema = ("CREATE INDEX FOR (i:Item) ON (i.key)",)
    start = "CREATE (:Item)"

    @staticmethod
    def append(tx: Transaction, key: int, value: int) -> None:
        tx.execute(
            "OPTIONAL MATCH (i:Item {key: $k}) WITH count(i) AS n CREATE (:Item {key: $k, place: n, value: $v})",
            {"k": key, "v": value},
        )

    @staticmethod
    def read(tx: Transaction, key: int) -> list[int]:
        query = "MATCH (i:Item {key: $k}) WITH i ORDER BY i.place RETURN collect(i.value)"
        return tx.execute(query, {"k": key}).value()


class OneRelationshipEach(OneNodeEach):
    """A relationship for each item: phantoms in an adjacency, with the number in a property of the list."""

    schema = ("CREATE CONSTRAINT FOR (l:List) REQUIRE l.key IS UNIQUE",)
    start = "UNWIND range(0, 5) AS key CREATE (:List {key: key})"

    @staticmethod
    def append(tx: Transaction, key: int, value: int) -> None:
        tx.execute(
            "MATCH (l:List {key: $k}) WITH l, COUNT { (l)-[:HAS]->() } AS n "
            "CREATE (l)-[:HAS {place: n, value: $v}]->(l)",
            {"k": key, "v": value},
        )

    @staticmethod
    def read(tx: Transaction, key: int) -> list[int]:
        query = "MATCH (l:List {key: $k})-[h:HAS]->() WITH h ORDER BY h.place RETURN collect(h.value)"
        return tx.execute(query, {"k": key}).value()


@pytest.mark.parametrize("lists", [OneProperty, OneNodeEach, OneRelationshipEach])
def test_histories_of_appends_and_reads_are_strictly_serializable(db: memoradb.Database, lists: type) -> None:
    for statement in (*lists.schema, lists.start):
        db.execute(statement)
    clock, values, history = itertools.count(), itertools.count(1), []
    meeting = threading.Barrier(4)

    def work(thread: int) -> None:
        choice = random.Random(thread)
        for step in range(40 * SCALE):
            operations: list[Append | Read] = []
            began, committed = next(clock), True
            try:
                with db.transaction() as tx:
                    if step % 4 == 0:
                        meeting.wait(30)  # however the threads are scheduled: all have one open now
                    for _ in range(choice.randrange(1, 5)):
                        key = choice.randrange(6)
                        if choice.random() < 0.4:
                            value = next(values)
                            operations.append(Append(key, value))
                            lists.append(tx, key, value)
                        else:
                            operations.append(Read(key, tuple(lists.read(tx, key))))
            except WriteConflict:
                committed = False
            history.append(Executed(operations, began, next(clock), committed))

    together(4, work)
    with db.transaction() as tx:
        finals = [Read(key, tuple(lists.read(tx, key))) for key in range(6)]
    history.append(Executed(finals, next(clock), next(clock)))
    found = anomalies(history)
    assert not found.found, dict(found.found)
    aborted = sum(not t.committed for t in history)
    assert 0 < aborted < len(history) * 0.8, (aborted, len(history))


# --- invariants


@pytest.mark.parametrize("isolation", ["serializable", "snapshot"])
def test_money_is_neither_made_nor_lost(db: memoradb.Database, isolation) -> None:
    accounts, each = 6, 100
    db.execute("UNWIND range(1, $n) AS i CREATE (:Account {number: i, balance: $each})", {"n": accounts, "each": each})
    total = "MATCH (a:Account) RETURN sum(a.balance)"

    def work(thread: int) -> None:
        choice = random.Random(thread)

        def transfer(tx: Transaction) -> None:
            source, target = choice.sample(range(1, accounts + 1), 2)
            amount = choice.randrange(1, 20)
            held = tx.execute("MATCH (a:Account {number: $n}) RETURN a.balance", {"n": source}).value()
            for number, change in ((source, -min(amount, held)), (target, min(amount, held))):
                tx.execute(
                    "MATCH (a:Account {number: $n}) SET a.balance = a.balance + $by", {"n": number, "by": change}
                )

        for step in range(25 * SCALE):
            if thread == 0:
                assert db.execute(total).value() == accounts * each
                with db.transaction() as reader:
                    assert reader.execute(total).value() == accounts * each
            elif step % 5 == 4:  # a single statement among them
                db.execute(
                    "MATCH (a:Account {number: 1}), (b:Account {number: 2}) SET a.balance = a.balance - 1, "
                    "b.balance = b.balance + 1"
                )
            else:
                db.transaction(transfer, isolation=isolation, attempts=MANY)

    together(4, work)
    assert db.execute(total).value() == accounts * each


def test_no_relationship_dangles_and_degrees_agree_when_nodes_are_deleted_meanwhile(db: memoradb.Database) -> None:
    """Every node counts its own relationships: the counter is the number of them, at every moment."""
    db.execute("CREATE CONSTRAINT FOR (x:X) REQUIRE x.k IS UNIQUE")
    db.execute("UNWIND range(0, 14) AS k CREATE (:X {k: k, degree: 0})")
    wrong = "MATCH (x:X) WITH x, COUNT { (x)--() } AS degree WHERE x.degree <> degree RETURN count(*)"

    def check() -> None:
        view = db.storage.snapshot()
        starts, ends = view.endpoints(view.relationships())
        live = view.nodes()
        assert all(int(slot) in live for slot in (*starts.tolist(), *ends.tolist()))
        slots = np.asarray(live.to_array(), np.int64)
        both = len(view.expand(slots, None, Direction.OUT).node), len(view.expand(slots, None, Direction.IN).node)
        assert both == (view.relationship_count(),) * 2

    def work(thread: int) -> None:
        choice = random.Random(thread)

        def connect(tx: Transaction) -> None:
            a, b = choice.sample(range(15), 2)
            tx.execute(
                "MATCH (a:X {k: $a}), (b:X {k: $b}) CREATE (a)-[:R]->(b) "
                "SET a.degree = a.degree + 1, b.degree = b.degree + 1",
                {"a": a, "b": b},
            )

        def delete(tx: Transaction) -> None:
            k = choice.randrange(15)
            tx.execute("MATCH (x:X {k: $k})--(y) WITH x, y, count(*) AS n SET y.degree = y.degree - n", {"k": k})
            tx.execute("MATCH (x:X {k: $k}) DETACH DELETE x", {"k": k})
            tx.execute("MERGE (x:X {k: $k}) ON CREATE SET x.degree = 0", {"k": k})

        for step in range(25 * SCALE):
            if thread == 0:
                check()
                assert db.execute(wrong).value() == 0
            else:
                db.transaction(delete if step % 6 == 5 else connect, attempts=MANY)

    together(4, work)
    check()
    assert db.execute(wrong).value() == 0
    assert db.execute("MATCH (x:X) RETURN count(*), count(DISTINCT x.k)").rows == [(15, 15)]


def test_connecting_and_deleting_without_any_reads_leaves_nothing_dangling(db: memoradb.Database) -> None:
    db.execute("UNWIND range(0, 39) AS k CREATE (:X {k: k})")

    def work(thread: int) -> None:
        choice = random.Random(thread)
        for _ in range(30 * SCALE):
            a, b = choice.sample(range(40), 2)
            text = (
                "MATCH (a:X {k: $a}), (b:X {k: $b}) CREATE (a)-[:R]->(b)"
                if thread % 2
                else "MATCH (a:X {k: $a}) DETACH DELETE a CREATE (:X {k: $a})"
            )
            try:
                with db.transaction(isolation="snapshot") as tx:
                    tx.execute(text, {"a": a, "b": b})
            except WriteConflict:
                continue

    together(4, work)
    view = db.storage.snapshot()
    starts, ends = view.endpoints(view.relationships())
    assert all(slot in view.nodes() for slot in (*starts.tolist(), *ends.tolist()))


def merged(keys: list[int], runner: memoradb.Database | Transaction) -> None:
    runner.execute("UNWIND $ks AS k MERGE (x:X {k: k}) SET x.seen = coalesce(x.seen, 0) + 1", {"ks": keys})


@pytest.mark.parametrize("isolation", ["serializable", "snapshot"])
def test_merge_under_a_constraint_makes_one_node_for_each_key(db: memoradb.Database, isolation) -> None:
    db.execute("CREATE CONSTRAINT FOR (x:X) REQUIRE x.k IS UNIQUE")

    def work(thread: int) -> None:
        choice = random.Random(thread)
        for step in range(25 * SCALE):
            merge = partial(merged, choice.sample(range(12), 3))
            if step % 4 == 3:
                merge(db)
            else:
                db.transaction(merge, isolation=isolation, attempts=MANY)

    together(4, work)
    assert db.execute("MATCH (x:X) RETURN count(*) = count(DISTINCT x.k), sum(x.seen)").rows == [
        (True, 4 * 25 * SCALE * 3)
    ]


def test_merge_without_a_constraint_makes_one_node_for_each_key_too(db: memoradb.Database) -> None:
    def work(thread: int) -> None:
        choice = random.Random(thread)
        for _ in range(15 * SCALE):
            db.transaction(partial(merged, [choice.randrange(8)]), attempts=MANY)

    together(4, work)
    assert db.execute("MATCH (x:X) WITH x.k AS k, count(*) AS n WHERE n > 1 RETURN count(*)").value() == 0


def test_indexes_of_every_kind_hold_exactly_what_is_committed(db: memoradb.Database) -> None:
    """A reader compares each index with a scan of the same snapshot."""
    for statement in (
        "CREATE INDEX by_n FOR (x:X) ON (x.n)",
        "CREATE FULLTEXT INDEX words FOR (x:X) ON EACH [x.t]",
        "CREATE VECTOR INDEX near FOR (x:X) ON (x.v) OPTIONS {indexConfig: {`vector.dimensions`: 2}}",
    ):
        db.execute(statement)
    everybody = "MATCH (x:X) WHERE x.v IS NOT NULL WITH x ORDER BY x.k RETURN collect(x.k)"
    found_by = {
        "range": "MATCH (x:X) WHERE x.n >= 0 WITH x ORDER BY x.k RETURN collect(x.k)",
        "text": "MATCH (x) SEARCH x IN (FULLTEXT INDEX words FOR 'here') WITH x ORDER BY x.k RETURN collect(x.k)",
        "vector": "MATCH (x) SEARCH x IN (VECTOR INDEX near FOR [1.0, 0.0] LIMIT 500) "
        "WITH x ORDER BY x.k RETURN collect(x.k)",
    }

    def work(thread: int) -> None:
        choice = random.Random(thread)
        for step in range(20 * SCALE):
            key = thread * 1000 + step
            if thread == 0:
                with db.transaction() as tx:
                    expected = tx.execute(everybody).value()
                    for kind, query in found_by.items():
                        assert tx.execute(query).value() == expected, kind
                continue

            def change(tx: Transaction, key: int = key, step: int = step) -> None:
                angle = choice.random()
                tx.execute(
                    "CREATE (:X {k: $k, n: $k, t: 'is here', v: [$a, 1.0]}), (:X {k: -$k})", {"k": key, "a": angle}
                )
                old = thread * 1000 + choice.randrange(step + 1)
                match choice.randrange(4):
                    case 0:
                        tx.execute("MATCH (x:X {n: $old}) DETACH DELETE x", {"old": old})
                    case 1:
                        tx.execute("MATCH (x:X {n: $old}) REMOVE x.n, x.t, x.v", {"old": old})
                    case 2:
                        tx.execute("MATCH (x:X {n: $old}) REMOVE x:X", {"old": old})
                    case _:
                        tx.execute(
                            "MATCH (x:X {n: $old}) SET x.t = 'still here', x.v = [0.5, $a]", {"old": old, "a": angle}
                        )

            db.transaction(change, attempts=MANY)

    together(3, work)
