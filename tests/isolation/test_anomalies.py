"""The anomalies of the literature, one by one: refused, or under snapshot isolation allowed where it allows them."""

from typing import Any

import pytest

import memoradb
from memoradb.core.errors import DeleteConnectedNode, UniqueViolation, WriteConflict
from memoradb.database import Transaction

ISOLATIONS = ("serializable", "snapshot")


@pytest.fixture
def db():
    with memoradb.open() as database:
        yield database


def commits(tx: Transaction) -> bool:
    try:
        tx.commit()
    except WriteConflict:
        assert not tx.is_open
        return False
    return True


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_label_that_was_there_already_is_written_all_the_same(db, isolation):
    """In either order the node would have the label in the end."""
    db.execute("CREATE (:X:Wanted {n: 1})")
    tx = db.begin(isolation=isolation)
    tx.execute("MATCH (x:X) SET x:Wanted")
    tx.execute("CREATE (:Other)")
    db.execute("MATCH (x:X) REMOVE x:Wanted")
    assert not commits(tx)
    tx = db.begin(isolation=isolation)
    tx.execute("MATCH (x:X) REMOVE x:Wanted")
    tx.execute("CREATE (:Other)")
    db.execute("MATCH (x:X) SET x:Wanted")
    assert not commits(tx)


def test_a_deletion_that_failed_for_a_relationship_is_a_read_of_it(db):
    db.execute("CREATE (:X {n: 1})-[:R]->(:Y)")
    tx = db.begin()
    with pytest.raises(DeleteConnectedNode):
        tx.execute("MATCH (x:X) DELETE x")
    tx.execute("CREATE (:Other)")
    db.execute("MATCH ()-[r:R]->() DELETE r")
    assert not commits(tx)


def test_an_index_that_was_there_already_is_a_read(db):
    db.execute("CREATE INDEX mine FOR (x:X) ON (x.n)")
    tx = db.begin()
    tx.execute("CREATE INDEX mine IF NOT EXISTS FOR (x:X) ON (x.n)")
    tx.execute("CREATE (:Other)")
    db.execute("DROP INDEX mine")
    assert not commits(tx)


def test_a_loser_gets_what_drivers_try_again(db):
    db.execute("CREATE (:X)")
    txs = [db.begin(), db.begin()]
    for tx in txs:
        tx.execute("MATCH (x:X) SET x.n = 1")
    txs[0].commit()
    with pytest.raises(WriteConflict, match="first") as raised:
        txs[1].commit()
    assert raised.value.retryable and raised.value.code.startswith("Neo.TransientError.") and raised.value.hint


def one(runner, query: str, **parameters: object) -> Any:
    return runner.execute(query, parameters).value()


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_write_skew(db, isolation):
    """Berenson and others 1995, A5B: two doctors each leave since the other one is on call."""
    db.execute("CREATE (:Doctor {name: 'a', on: true}), (:Doctor {name: 'b', on: true})")
    txs = [db.begin(isolation=isolation) for _ in range(2)]
    for tx, name in zip(txs, "ab", strict=True):
        assert one(tx, "MATCH (d:Doctor) WHERE d.on RETURN count(*)") == 2
        tx.execute("MATCH (d:Doctor {name: $name}) SET d.on = false", {"name": name})
    assert [commits(tx) for tx in txs] == [True, isolation == "snapshot"]
    assert one(db, "MATCH (d:Doctor) WHERE d.on RETURN count(*)") == (0 if isolation == "snapshot" else 1)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("indexed", [False, True])
def test_a_phantom(db, isolation, indexed):
    """A3: both find a free room at nine, and both book it."""
    db.execute("CREATE (:Room {name: 'r'})")
    if indexed:
        db.execute("CREATE INDEX FOR (b:Booking) ON (b.hour)")
    txs = [db.begin(isolation=isolation) for _ in range(2)]
    for tx in txs:
        assert one(tx, "MATCH (b:Booking) WHERE 9 <= b.hour < 10 RETURN count(*)") == 0
        tx.execute("CREATE (:Booking {hour: 9})")
    assert [commits(tx) for tx in txs] == [True, isolation == "snapshot"]
    other = db.begin()
    assert one(other, "MATCH (b:Booking) WHERE 12 <= b.hour < 13 RETURN count(*)") == 0
    other.execute("CREATE (:Booking {hour: 12})")
    db.execute("CREATE (:Booking {hour: 14})")
    assert commits(other) is indexed  # without an index the whole label is searched


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_lost_update(db, isolation):
    """P4: refused in every isolation, for both write the same element."""
    db.execute("CREATE (:Counter {n: 1})")
    txs = [db.begin(isolation=isolation) for _ in range(2)]
    for tx in txs:
        tx.execute("MATCH (c:Counter) SET c.n = c.n + 1")
    assert [commits(tx) for tx in txs] == [True, False]
    assert one(db, "MATCH (c:Counter) RETURN c.n") == 2


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_the_read_only_anomaly(db, isolation):
    """Fekete, O'Neil and O'Neil 2004: a reader alone shows that two writers are in no order."""
    db.execute("CREATE (:Account {name: 'checking', sum: 0}), (:Account {name: 'savings', sum: 0})")
    total = "MATCH (a:Account) RETURN sum(a.sum)"
    withdraw, deposit = (db.begin(isolation=isolation) for _ in range(2))
    assert one(withdraw, total) == 0
    deposit.execute("MATCH (a:Account {name: 'savings'}) SET a.sum = a.sum + 20")
    assert commits(deposit)
    with db.transaction(isolation=isolation) as reader:
        assert one(reader, total) == 20  # so the deposit was first, and the withdrawal needs no penalty
    withdraw.execute("MATCH (a:Account {name: 'checking'}) SET a.sum = a.sum - 11")
    assert commits(withdraw) is (isolation == "snapshot")


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_reads_of_one_transaction_are_of_one_moment(db, isolation):
    """A5A, and P2: what was read twice is the same, and what was read together fits together."""
    db.execute("CREATE (:X {n: 1}), (:Y {n: 1})")
    tx = db.begin(isolation=isolation)
    assert one(tx, "MATCH (x:X) RETURN x.n") == 1
    db.execute("MATCH (x:X), (y:Y) SET x.n = 2, y.n = 2")
    db.execute("CREATE (:X {n: 3})")
    assert one(tx, "MATCH (y:Y) RETURN y.n") == 1
    assert one(tx, "MATCH (x:X) RETURN collect(x.n)") == [1]
    tx.commit()  # it wrote nothing, so there is nothing to check


def test_nothing_of_an_aborted_or_unfinished_transaction_is_seen(db):
    """G1a, G1b."""
    db.execute("CREATE (:X {n: 1})")
    tx = db.begin()
    tx.execute("MATCH (x:X) SET x.n = 2")
    assert one(db, "MATCH (x:X) RETURN x.n") == 1
    tx.execute("MATCH (x:X) SET x.n = 3")
    assert one(tx, "MATCH (x:X) RETURN x.n") == 3
    tx.rollback()
    assert one(db, "MATCH (x:X) RETURN x.n") == 1


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_merge_of_one_key_under_a_constraint_makes_one_node_and_the_loser_finds_it(db, isolation):
    db.execute("CREATE CONSTRAINT FOR (p:Person) REQUIRE p.name IS UNIQUE")
    merge = "MERGE (p:Person {name: $name}) RETURN id(p)"
    first, second, other = (db.begin(isolation=isolation) for _ in range(3))
    made = one(first, merge, name="Ana")
    one(second, merge, name="Ana")
    one(other, merge, name="Bo")
    assert [commits(first), commits(second), commits(other)] == [True, False, True]
    assert db.transaction(lambda tx: one(tx, merge, name="Ana"), isolation=isolation) == made
    assert one(db, "MATCH (p:Person) RETURN count(*)") == 2


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_create_of_one_key_twice_loses_first_and_then_violates_the_constraint(db, isolation):
    db.execute("CREATE CONSTRAINT FOR (p:Person) REQUIRE p.name IS UNIQUE")
    tries = []

    def create(tx):
        tries.append(tx)
        tx.execute("CREATE (:Person {name: 'Ana'})")
        if len(tries) == 1:
            db.execute("CREATE (:Person {name: 'Ana'})")

    with pytest.raises(UniqueViolation):
        db.transaction(create, isolation=isolation)
    assert len(tries) == 2


def test_merge_without_a_constraint_does_not_duplicate(db):
    merge = "MERGE (p:Person {name: 'Ana'})"
    first, second = db.begin(), db.begin()
    first.execute(merge)
    second.execute(merge)
    assert [commits(first), commits(second)] == [True, False]
    loose = [db.begin(isolation="snapshot") for _ in range(2)]
    for tx in loose:
        tx.execute("MERGE (p:Person {name: 'Bo'})")
    assert [commits(tx) for tx in loose] == [True, True]  # this is what snapshot isolation costs
    assert one(db, "MATCH (p:Person) RETURN count(*)") == 3


def test_transfers_between_different_accounts_do_not_disturb_each_other(db):
    db.execute("UNWIND ['a', 'b', 'c', 'd'] AS name CREATE (:Account {name: name, balance: 10})")

    def transfer(tx, source, target):
        assert one(tx, "MATCH (a:Account {name: $n}) RETURN a.balance", n=source) >= 3
        tx.execute("MATCH (a:Account {name: $n}) SET a.balance = a.balance - 3", {"n": source})
        tx.execute("MATCH (a:Account {name: $n}) SET a.balance = a.balance + 3", {"n": target})

    txs = [db.begin() for _ in range(3)]
    for tx, source, target in zip(txs, "acb", "bdc", strict=True):
        transfer(tx, source, target)
    assert [commits(tx) for tx in txs] == [True, True, False]  # the third meets both


def test_two_may_connect_to_a_node_that_a_third_changes_but_none_may_delete_it(db):
    db.execute("CREATE CONSTRAINT FOR (x:X) REQUIRE x.k IS UNIQUE")
    db.execute("UNWIND range(1, 4) AS k CREATE (:X {k: k})")
    one_, two, change, delete = (db.begin() for _ in range(4))
    one_.execute("MATCH (a:X {k: 1}), (b:X {k: 2}) CREATE (a)-[:R]->(b)")
    two.execute("MATCH (a:X {k: 1}), (b:X {k: 3}) CREATE (b)-[:R]->(a)")
    change.execute("MATCH (a:X {k: 1}) SET a.other = 1")
    delete.execute("MATCH (a:X {k: 1}) DETACH DELETE a")
    assert [commits(tx) for tx in (one_, two, change, delete)] == [True, True, True, False]


def test_reads_through_facts_that_spare_checks_are_validated(db):
    """The plan tests no label at the end of R, since all ends have it; then one has it no more."""
    db.execute("CREATE CONSTRAINT FOR (p:P) REQUIRE p.k IS UNIQUE")
    db.execute("CREATE (:P {k: 1})-[:R]->(:Q {k: 2}), (:P {k: 3})-[:R]->(:Q {k: 4})")
    query = "MATCH (p:P {k: 1})-[:R]->(q:Q) RETURN count(*)"
    for _ in range(2):
        assert one(db, query) == 1
    tx, other = db.begin(), db.begin()
    assert one(tx, query) == one(other, query) == 1
    db.execute("CREATE (:P {k: 5})-[:R]->(:Q {k: 6})")
    other.execute("CREATE (:Own)")
    assert commits(other)  # the fact still holds, and nothing else was read that changed
    db.execute("MATCH (q:Q {k: 2}) REMOVE q:Q")
    tx.execute("CREATE (:Own)")
    assert not commits(tx)
