"""Full-text and vector indexes on relationships: now, then, inside transactions, and after reopening."""

from __future__ import annotations

import memoradb
from memoradb.core.clock import SystemClock
from memoradb.core.rng import SystemRandom
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs

WORDS = (
    "CALL db.index.fulltext.queryRelationships('words', $q) YIELD relationship RETURN relationship.n AS n ORDER BY n"
)
NEAR = "CALL db.index.vector.queryRelationships('near', 1, $v) YIELD relationship RETURN relationship.n"


def opened(vfs: MemoryVfs) -> memoradb.Database:
    return memoradb.Database(Engine.open("/db", vfs=vfs, background=False), SystemClock(), SystemRandom())


def found(run: memoradb.Database | memoradb.Transaction, text: str, **parameters: object) -> list[object]:
    return [row[0] for row in run.execute(text, parameters)]


def test_relationships_are_found_by_their_words_and_vectors_in_every_state() -> None:
    vfs = MemoryVfs()
    database = opened(vfs)
    database.execute("CREATE FULLTEXT INDEX words FOR ()-[r:SAYS|WRITES]-() ON EACH [r.text]")
    database.execute(
        "CREATE VECTOR INDEX near FOR ()-[r:SAYS]-() ON (r.e) OPTIONS {indexConfig: {`vector.dimensions`: 2}}"
    )
    database.execute(
        "CREATE (a)-[:SAYS {n: 1, text: 'good morning', e: [1.0, 0.0]}]->(b), "
        "(b)-[:WRITES {n: 2, text: 'good night'}]->(a), "
        "(a)-[:OTHER {n: 3, text: 'good day'}]->(b), (a)-[:SAYS {n: 4, text: 'bye', e: [0.0, 1.0]}]->(b)"
    )
    assert found(database, WORDS, q="good") == [1, 2] and found(database, NEAR, v=[0.1, 1.0]) == [4]
    old = database.storage.snapshot()
    with database.transaction() as transaction:
        transaction.execute("MATCH ()-[r {n: 2}]->() SET r.text = 'bad night'")
        transaction.execute("MATCH ()-[r {n: 4}]->() DELETE r")
        transaction.execute("MATCH (a)-[{n: 1}]->(b) CREATE (a)-[:WRITES {n: 5, text: 'good evening'}]->(b)")
        assert found(transaction, WORDS, q="good") == [1, 5] and found(transaction, NEAR, v=[0.1, 1.0]) == [1]
    assert found(database, WORDS, q="good") == [1, 5] and found(database, NEAR, v=[0.1, 1.0]) == [1]
    assert len(old.text_search("words", "good").slots) == 2 and len(old.vector_search("near", [0.1, 1.0], 9).slots) == 2
    database.checkpoint()
    database.execute("MATCH ()-[r {n: 5}]->() SET r.text = 'bad evening'")
    database.close()
    database = opened(vfs)
    assert found(database, WORDS, q="good") == [1] and found(database, WORDS, q="bad") == [2, 5]
    assert found(database, NEAR, v=[0.1, 1.0]) == [1]
    for index in database.storage.store.indexes.values():
        assert index.verify(database.storage.store) == []
    database.close()
