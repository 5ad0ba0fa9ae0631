"""Indexes built online: nobody waits, nothing is missed, nobody asks one that is not complete."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

import memoradb
from memoradb.core.columns import ListColumn
from memoradb.core.errors import DeadlineExceeded, SchemaError
from memoradb.storage.engine import Engine
from memoradb.storage.index.builder import IndexBuilder
from memoradb.storage.index.condition import Keys, TextMatch
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexDefinition, IndexKind

COUNT = 10_000


class Gate:
    """Holds a build up until it is opened."""

    def __init__(self, engine: Engine) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        builder = IndexBuilder(engine.store, engine._write_lock, rows_min=100)
        builder.pace = self._wait
        engine.store.builder = builder

    def _wait(self, rows: int) -> None:
        self.reached.set()
        assert self.opened.wait(30)


@pytest.fixture
def database() -> Iterator[memoradb.Database]:
    database = memoradb.open(None)
    database.execute(f"UNWIND range(1, {COUNT}) AS i CREATE (:P {{a: i, t: 'number ' + toString(i)}})")
    yield database
    database.close()


def rows(database: memoradb.Database, text: str) -> list[list[object]]:
    return [list(row) for row in database.execute(text)]


def state(database: memoradb.Database) -> list[list[object]]:
    return rows(database, "SHOW INDEXES YIELD name, state, populationPercent RETURN name, state, populationPercent")


def test_writers_go_on_while_an_index_is_built_and_what_they_write_is_in_it(database: memoradb.Database) -> None:
    gate = Gate(database.storage)
    for statement in (
        "CREATE INDEX plain FOR (n:P) ON (n.a)",
        "CREATE INDEX both FOR (n:P) ON (n.a, n.t)",
        "CREATE TEXT INDEX letters FOR (n:P) ON (n.t)",
        "CREATE FULLTEXT INDEX words FOR (n:P) ON EACH [n.t]",
    ):
        database.execute(statement)
    assert gate.reached.wait(30)
    assert {name for name, *_ in state(database)} == {"plain", "both", "letters", "words"}
    assert {s for _, s, _ in state(database)} == {"POPULATING"}
    plan = database.query_engine.prepare("MATCH (n:P {a: 7}) RETURN n", database.storage.snapshot()).plan
    assert "Index" not in repr(plan.root)
    database.execute("MATCH (n:P {a: 7}) SET n.a = -7, n.t = 'renamed'")
    database.execute("CREATE (:P {a: -8, t: 'came later'})")
    database.execute("MATCH (n:P {a: 9}) DELETE n")
    database.execute("MATCH (n:P {a: 10}) REMOVE n:P")
    with pytest.raises(SchemaError, match="still being built"):
        database.execute("CALL db.index.fulltext.queryNodes('words', 'renamed')")
    with pytest.raises(DeadlineExceeded, match="`plain` is still being built"):
        database.execute("CALL db.awaitIndex('plain', 0)")
    gate.opened.set()
    database.execute("CALL db.awaitIndexes(60)")
    assert {(s, p) for _, s, p in state(database)} == {("ONLINE", 100.0)}
    engine = database.storage
    for index in engine.store.indexes.values():
        assert index.verify(engine.store) == []
    assert rows(database, "MATCH (n:P {a: -7}) RETURN n.t") == [["renamed"]]
    assert rows(database, "MATCH (n:P) WHERE n.a IN [7, 9, 10, -8] RETURN n.t") == [["came later"]]
    assert rows(database, "MATCH (n:P) WHERE n.t CONTAINS 'ame' RETURN count(*)") == [[2]]
    assert rows(database, "CALL db.index.fulltext.queryNodes('words', 'renamed') YIELD node RETURN node.a") == [[-7]]


def test_a_snapshot_from_before_never_meets_the_index_and_one_from_after_does(database: memoradb.Database) -> None:
    gate = Gate(database.storage)
    database.execute("CREATE INDEX plain FOR (n:P) ON (n.a)")
    before = database.storage.snapshot()
    gate.opened.set()
    database.execute("CALL db.awaitIndexes()")
    assert not before.index_state("plain").is_online
    after = database.storage.snapshot()
    assert after.index_state("plain").is_online and after.schema_version > before.schema_version
    assert len(after.index_search("plain", Keys((5,)))) == 1


def test_an_index_that_is_dropped_while_it_is_built_is_gone(database: memoradb.Database) -> None:
    gate = Gate(database.storage)
    database.execute("CREATE INDEX plain FOR (n:P) ON (n.a)")
    assert gate.reached.wait(30)
    database.execute("DROP INDEX plain")
    gate.opened.set()
    database.execute("CALL db.awaitIndexes(60)")
    assert state(database) == []


def test_a_snapshot_that_becomes_too_old_is_no_end_of_the_build(database: memoradb.Database) -> None:
    gate = Gate(database.storage)
    engine = database.storage
    database.execute("CREATE TEXT INDEX letters FOR (n:P) ON (n.t)")
    assert gate.reached.wait(30)
    database.execute("MATCH (n:P) WHERE n.a > 5000 SET n.t = 'changed'")
    engine.store.undo.horizon = engine.store.position  # as where the budget is used up
    gate.opened.set()
    database.execute("CALL db.awaitIndexes(60)")
    assert engine.store.indexes["letters"].verify(engine.store) == []
    assert len(engine.snapshot().index_search("letters", TextMatch("CONTAINS", "changed"))) == COUNT - 5000


def test_a_build_that_is_cut_off_by_the_end_of_the_program_is_completed_when_it_opens_again() -> None:
    vfs = MemoryVfs()
    engine = Engine.open("/db", vfs=vfs, background=False)
    definition = IndexDefinition("plain", IndexKind.RANGE, Element.NODE, ("P",), ("a",))
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_nodes(COUNT, ["P"], {"a": ListColumn(list(range(COUNT)))})
        transaction.commit()
    gate = Gate(engine)
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_index(definition)
        transaction.commit()
    assert gate.reached.wait(30) and engine.snapshot().index_state("plain").name == "POPULATING"
    engine.checkpoint()
    threading.Timer(0.05, gate.opened.set).start()
    engine.close()
    engine = Engine.open("/db", vfs=vfs, background=False)
    assert engine.snapshot().index_state("plain").is_online
    assert engine.snapshot().index_search("plain", Keys((77,))).tolist() == [77]
    assert engine.store.indexes["plain"].verify(engine.store) == []
    engine.close()


def test_without_a_background_an_index_is_there_at_once() -> None:
    engine = Engine.open("/db", vfs=MemoryVfs(), background=False)
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_nodes(30_000, ["P"], {"a": ListColumn(list(range(30_000)))})
        transaction.overlay.create_index(IndexDefinition("plain", IndexKind.RANGE, Element.NODE, ("P",), ("a",)))
        transaction.commit()
    assert engine.snapshot().index_state("plain").is_online and engine.await_indexes(None, 0)
    assert np.array_equal(engine.snapshot().index_search("plain", Keys((77,))), [77])
    engine.close()


def test_a_build_that_ends_with_an_error_says_so(database: memoradb.Database) -> None:
    gate = Gate(database.storage)
    gate.opened.set()

    def fail(rows: int) -> None:
        raise MemoryError("no room")

    assert database.storage.store.builder is not None
    database.storage.store.builder.pace = fail
    database.execute("CREATE FULLTEXT INDEX words FOR (n:P) ON EACH [n.t]")
    with pytest.raises(SchemaError, match="could not be built: MemoryError"):
        database.execute("CALL db.awaitIndex('words', 20)")
    shown = rows(database, "SHOW INDEXES YIELD state, failureMessage")
    assert shown == [["FAILED", "MemoryError('no room')"]]
    with pytest.raises(SchemaError, match="could not be built"):
        database.execute("CALL db.index.fulltext.queryNodes('words', 'x')")
    database.execute("DROP INDEX words")
    database.execute("CALL db.awaitIndexes(20)")
