"""Constraints: what they refuse, what they say of it, and what they leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.clock import SystemClock
from memoradb.core.errors import ConstraintError, ExistenceViolation, SchemaError, TypeViolation, UniqueViolation
from memoradb.core.rng import SystemRandom
from memoradb.storage import constraints
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs


@pytest.fixture
def database() -> memoradb.Database:
    return memoradb.open(None)


def opened(vfs: MemoryVfs) -> memoradb.Database:
    return memoradb.Database(Engine.open("/db", vfs=vfs, background=False), SystemClock(), SystemRandom())


def count(database: memoradb.Database) -> int:
    return next(iter(database.execute("MATCH (n) RETURN count(*)")))[0]


def refused(database: memoradb.Database, text: str, error: type[ConstraintError], *says: str) -> None:
    before = count(database), [list(row) for row in database.execute("SHOW CONSTRAINTS YIELD name")]
    with pytest.raises(error) as raised:
        database.execute(text)
    for part in says:
        assert part in raised.value.message, raised.value.message
    assert before == (count(database), [list(row) for row in database.execute("SHOW CONSTRAINTS YIELD name")])


def test_a_violation_names_element_property_value_and_constraint(database: memoradb.Database) -> None:
    for statement in (
        "CREATE CONSTRAINT one FOR (p:P) REQUIRE p.a IS UNIQUE",
        "CREATE CONSTRAINT two FOR (p:P) REQUIRE (p.b, p.c) IS NODE KEY",
        "CREATE CONSTRAINT there FOR (p:P) REQUIRE p.d IS NOT NULL",
        "CREATE CONSTRAINT typed FOR (p:P) REQUIRE p.e IS :: INTEGER | LIST<STRING NOT NULL>",
        "CREATE (:P {a: 1, b: 2, c: 'x', d: 0, e: 5}), (:P {a: 2, b: 2, c: 'y', d: 0, e: ['a']})",
    ):
        database.execute(statement)
    refused(database, "CREATE (:P {a: 1.0, b: 9, c: 9, d: 0})", UniqueViolation, "node", "0", "(:P)", "a = 1", "`one`")
    refused(database, "MATCH (p:P {a: 2}) SET p.c = 'x'", UniqueViolation, "0 and 1", "b = 2 and c = 'x'", "`two`")
    refused(database, "CREATE (:P {b: 7, d: 0})", ExistenceViolation, "(:P)", "`c`", "`two`")
    refused(database, "MATCH (p:P {a: 2}) REMOVE p.d", ExistenceViolation, "node 1 (:P)", "`d`", "`there`")
    refused(database, "MATCH (p:P {a: 2}) SET p.e = 'x'", TypeViolation, "node 1", "e = 'x' (STRING)", "`typed`")
    refused(database, "MATCH (p:P {a: 2}) SET p.e = [1]", TypeViolation, "e = [1]", "LIST<STRING NOT NULL>")
    refused(database, "CREATE (:Q {a: 1}) WITH 1 AS x MATCH (q:Q) SET q:P", ConstraintError, "(:P)")


def test_constraints_on_relationships_hold_as_those_on_nodes(database: memoradb.Database) -> None:
    for statement in (
        "CREATE CONSTRAINT one FOR ()-[r:R]-() REQUIRE r.a IS UNIQUE",
        "CREATE CONSTRAINT two FOR ()-[r:R]-() REQUIRE r.b IS RELATIONSHIP KEY",
        "CREATE CONSTRAINT typed FOR ()-[r:R]-() REQUIRE r.c IS TYPED DATE",
        "CREATE (x:X)-[:R {a: 1, b: 1, c: date('2020-01-01')}]->(x), (x)-[:S {a: 1}]->(x)",
    ):
        database.execute(statement)
    refused(
        database, "MATCH (x:X) CREATE (x)-[:R {a: 1, b: 2}]->(x)", UniqueViolation, "relationships", "[:R]", "a = 1"
    )
    refused(database, "MATCH (x:X) CREATE (x)-[:R {a: 2}]->(x)", ExistenceViolation, "relationship", "`b`")
    refused(database, "MATCH ()-[r:R]->() SET r.c = 1", TypeViolation, "relationship 0 [:R]", "c = 1 (INTEGER)", "DATE")
    database.execute("MATCH ()-[r:R]->() DELETE r WITH count(*) AS c MATCH (x:X) CREATE (x)-[:R {a: 1, b: 1}]->(x)")


def test_a_constraint_that_the_data_breaks_is_not_created_and_names_what_breaks_it(database: memoradb.Database) -> None:
    database.execute("UNWIND range(0, 9) AS i CREATE (:P {a: i % 9, b: CASE i WHEN 4 THEN 'x' ELSE i END})")
    database.execute("CREATE (:P)")
    refused(database, "CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS UNIQUE", UniqueViolation, "nodes 0 and 9", "a = 0")
    refused(database, "CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS NODE KEY", ExistenceViolation, "node 10", "`a`")
    refused(database, "CREATE CONSTRAINT c FOR (p:P) REQUIRE p.d IS NOT NULL", ExistenceViolation, "11 nodes", "others")
    refused(database, "CREATE CONSTRAINT c FOR (p:P) REQUIRE p.b IS :: INTEGER", TypeViolation, "node 4", "b = 'x'")
    with pytest.raises(ConstraintError) as raised:
        database.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS UNIQUE")
    assert raised.value.code == "Neo.ClientError.Schema.ConstraintCreationFailed"


def test_inside_a_transaction_only_the_end_counts(database: memoradb.Database) -> None:
    database.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS NODE KEY")
    database.execute("CREATE (:P {a: 1}), (:P {a: 2})")
    with database.transaction() as transaction:
        transaction.execute("MATCH (p:P) SET p.a = 3 - p.a")  # they swap
        transaction.execute("CREATE (:P)")
        transaction.execute("MATCH (p:P) WHERE p.a IS NULL SET p.a = 3")
        transaction.execute("CREATE (:P {a: 1, gone: true})")
        transaction.execute("MATCH (p:P {gone: true}) DELETE p")
        transaction.execute("MATCH (p:P {a: 3}) REMOVE p:P")
        transaction.execute("CREATE (:P {a: 3})")
    assert [row[0] for row in database.execute("MATCH (p:P) RETURN p.a ORDER BY p.a")] == [1, 2, 3]


def test_a_value_is_free_again_where_its_holder_loses_the_label_or_the_value(database: memoradb.Database) -> None:
    database.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS UNIQUE")
    database.execute("CREATE (:P {a: 1}), (:P {a: 2}), (:P {a: 3})")
    database.execute("MATCH (p:P {a: 1}) REMOVE p:P CREATE (:P {a: 1})")
    database.execute("MATCH (p:P {a: 2}) REMOVE p.a CREATE (:P {a: 2})")
    database.execute("MATCH (p:P {a: 3}) DELETE p CREATE (:P {a: 3})")
    refused(database, "CREATE (:P {a: 3})", UniqueViolation, "a = 3")


def test_a_constraint_and_what_it_forbids_do_not_come_in_one_transaction(database: memoradb.Database) -> None:
    transaction = database.begin()
    transaction.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS UNIQUE")
    transaction.execute("CREATE (:P {a: 1}), (:P {a: 1})")
    with pytest.raises(UniqueViolation):
        transaction.commit()
    assert count(database) == 0


def test_many_new_elements_are_checked_as_few_are(database: memoradb.Database) -> None:
    database.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE (p.a, p.b) IS NODE KEY")
    database.execute("CREATE CONSTRAINT t FOR (p:P) REQUIRE p.a IS :: INTEGER")
    database.execute("UNWIND range(0, 4999) AS i CREATE (:P {a: i % 100, b: 'b' + toString(i / 100)})")
    refused(
        database,
        "UNWIND range(4990, 5100) AS i CREATE (:P {a: i % 100, b: 'b' + toString(i / 100)})",
        UniqueViolation,
        "a = 90 and b = 'b49'",
    )
    refused(
        database,
        "UNWIND range(5000, 5100) AS i CREATE (:P {a: i % 100, b: 'b' + toString(i % 7)})",
        UniqueViolation,
    )
    refused(
        database,
        "UNWIND range(5000, 5100) AS i CREATE (:P {a: CASE i WHEN 5050 THEN 1.5 ELSE i END, b: 'x'})",
        TypeViolation,
        "a = 1.5 (FLOAT)",
    )
    database.execute("UNWIND range(5000, 5100) AS i CREATE (:P {a: i, b: 'x'})")


def test_constraints_hold_after_reopening_from_the_log_and_from_a_checkpoint() -> None:
    for checkpoint in (False, True):
        vfs = MemoryVfs()
        database = opened(vfs)
        database.execute("CREATE CONSTRAINT k FOR (p:P) REQUIRE (p.a, p.b) IS NODE KEY")
        database.execute("CREATE CONSTRAINT t FOR (p:P) REQUIRE p.c IS :: LIST<INTEGER NOT NULL>")
        database.execute("CREATE TEXT INDEX x FOR (p:P) ON (p.b)")
        database.execute("CREATE (:P {a: 1, b: 'x', c: [1]})")
        if checkpoint:
            database.checkpoint()
            database.execute("CREATE (:P {a: 2, b: 'y'})")
        database.close()
        database = opened(vfs)
        refused(database, "CREATE (:P {a: 1, b: 'x'})", UniqueViolation, "nodes 0 and")
        refused(database, "CREATE (:P {a: 1})", ExistenceViolation)
        refused(database, "CREATE (:P {a: 1, b: 'z', c: ['x']})", TypeViolation)
        assert [row[0] for row in database.execute("MATCH (p:P) WHERE p.b CONTAINS 'x' RETURN p.a")] == [1]
        database.close()


def test_a_constraint_goes_by_drop_constraint_alone(database: memoradb.Database) -> None:
    database.execute("CREATE CONSTRAINT c FOR (p:P) REQUIRE p.a IS UNIQUE")
    with pytest.raises(SchemaError, match="is a constraint"):
        database.execute("DROP INDEX c")
    with pytest.raises(SchemaError, match="There is a constraint"):
        database.execute("CREATE CONSTRAINT d FOR (p:P) REQUIRE p.a IS NODE KEY")
    database.execute("CREATE CONSTRAINT d IF NOT EXISTS FOR (p:P) REQUIRE p.a IS NODE KEY")
    database.execute("DROP CONSTRAINT c")
    database.execute("CREATE (:P {a: 1}), (:P {a: 1})")
    assert not list(database.execute("SHOW INDEXES"))


rows = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 3), st.sampled_from([1.0, "1", "a", True, float("nan")])),
        st.one_of(st.none(), st.integers(0, 1)),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("kind", ["p.a IS UNIQUE", "(p.a, p.b) IS UNIQUE", "p.a IS NODE KEY", "(p.a, p.b) IS NODE KEY"])
@given(statements=st.lists(rows, max_size=5))
def test_new_elements_are_refused_as_a_look_at_all_of_them_says(
    kind: str, statements: list[list[tuple[object, object]]]
) -> None:
    quick, slow = memoradb.open(None), memoradb.open(None)
    for database in (quick, slow):
        database.execute(f"CREATE CONSTRAINT c FOR (p:P) REQUIRE {kind}")
    outcomes: list[list[str | None]] = [[], []]
    for statement in statements:
        given_rows = [{"a": a, "b": b} for a, b in statement]
        for database, found in ((quick, outcomes[0]), (slow, outcomes[1])):
            with pytest.MonkeyPatch.context() as patch:
                if database is slow:
                    patch.setattr(constraints, "_is_plainly_unique", lambda *_: False)
                try:
                    database.execute("UNWIND $rows AS r CREATE (:P {a: r.a, b: r.b})", {"rows": given_rows})
                    found.append(None)
                except ConstraintError as error:
                    found.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert quick.storage.snapshot().state_hash() == slow.storage.snapshot().state_hash()
