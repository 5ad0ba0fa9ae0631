"""What statements read inside a transaction that has changed the graph, and what they delete."""

import pytest

import memoradb


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database


@pytest.mark.parametrize("returned", ["count(*)", "count(b)", "count(r)"])
def test_labels_are_checked_against_the_transactions_own_changes(db, returned):
    # The committed graph alone would prove that every T leads to a B.
    db.execute("CREATE (:A)-[:T]->(:B), (:A)-[:T]->(:B)")
    with db.begin() as transaction:
        transaction.execute("CREATE (:A)-[:T]->(:C)")
        assert transaction.execute(f"MATCH (:A)-[r:T]->(b:B) RETURN {returned}").rows == [(2,)]
        assert transaction.execute("MATCH (:A)-[:T*1..2]->(b:B) RETURN count(b)").rows == [(2,)]


def test_elements_are_deleted_from_inside_lists_and_maps(db):
    db.execute("CREATE (:A), (:B), (:C)")
    db.execute("MATCH (a:A), (b:B) WITH {x: [a], y: b} AS held DETACH DELETE held.x[0], held.y")
    assert db.execute("MATCH (n) RETURN labels(n)").rows == [(["C"],)]
