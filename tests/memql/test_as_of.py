"""AS OF: the graph as it was, in every kind of statement that reads, and clear errors for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb import Database
from memoradb.core import errors
from memoradb.core.clock import ManualClock
from memoradb.memql.session import Options

HOUR = 3_600 * 10**9
START = 1_749_983_400 * 10**9  # 2025-06-15T10:30:00Z


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Three transactions, an hour apart, and an hour since."""
    clock = ManualClock(START)
    path = None if request.param == "memory" else tmp_path / "graph"
    with memoradb.open(path, clock=clock, durability="relaxed") as found:
        found.execute("CREATE (:P {name: 'a'})")
        clock.advance(HOUR)
        found.execute("CREATE (:P {name: 'b'})-[:K]->(:Q)")
        clock.advance(HOUR)
        found.execute("MATCH (p:P) SET p.name = toUpper(p.name)")
        clock.advance(HOUR)
        yield found


def names(db: Database, prefix: str, **parameters: object) -> list[str]:
    return db.execute(
        f"{prefix} MATCH (p:P) WITH p.name AS name ORDER BY name RETURN collect(name)", parameters
    ).value()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("TRANSACTION 1", ["a"]),
        ("TRANSACTION 2", ["a", "b"]),
        ("TRANSACTION 3", ["A", "B"]),
        ("datetime('2025-06-15T10:30:00Z')", ["a"]),
        ("datetime('2025-06-15T11:29:59Z')", ["a"]),
        ("datetime('2025-06-15T13:30:00+02:00')", ["a", "b"]),
        ("datetime() - duration('PT1H')", ["A", "B"]),
        ("datetime() - 2 * duration('PT1H')", ["a", "b"]),
        ("localdatetime('2025-06-15T11:45')", ["a", "b"]),
        ("'2025-06-15T12:30Z'", ["A", "B"]),
        ("datetime()", ["A", "B"]),
    ],
)
def test_a_moment_is_a_constant_expression_or_a_transaction(db: Database, moment: str, expected: list[str]) -> None:
    assert names(db, f"AS OF {moment}") == expected


def test_a_moment_may_be_a_parameter(db: Database) -> None:
    assert names(db, "AS OF TRANSACTION $n", n=1) == ["a"]
    assert names(db, "AS OF $then", then="2025-06-15T11:45:00Z") == ["a", "b"]
    then = db.execute("RETURN datetime('2025-06-15T11:45:00Z')").value()
    assert names(db, "AS OF $then", then=then) == ["a", "b"]
    assert names(db, "AS OF $then", then=then.to_python()) == ["a", "b"]


def test_a_date_is_its_first_moment_in_utc(db: Database) -> None:
    with pytest.raises(errors.HistoryUnavailable, match="no transaction yet"):
        names(db, "AS OF date('2025-06-15')")
    with pytest.raises(errors.HistoryUnavailable, match="yet to come"):
        names(db, "AS OF date('2025-06-16')")


def test_every_statement_that_reads_may_have_a_moment(db: Database) -> None:
    def values(text: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in db.execute(text).rows]

    assert values("AS OF TRANSACTION 1 CALL db.labels()") == [("P",)]
    assert values("AS OF TRANSACTION 1 MATCH (n) RETURN count(*) UNION ALL MATCH (q:Q) RETURN 1 AS `count(*)`") == [
        (1,)
    ]
    assert values("AS OF TRANSACTION 1 CALL { MATCH (n) RETURN n } RETURN count(n)") == [(1,)]
    assert values("AS OF TRANSACTION 1 UNWIND [1] AS x RETURN COUNT { (:P) }") == [(1,)]
    assert values("AS OF TRANSACTION 1 OPTIONAL MATCH (q:Q) RETURN q") == [(None,)]
    db.execute("CREATE INDEX later FOR (p:P) ON (p.name)")
    assert values("AS OF TRANSACTION 3 SHOW INDEXES YIELD name WHERE name = 'later' RETURN name") == []
    assert values("AS OF TRANSACTION 3 MATCH (p:P {name: 'A'}) RETURN p.name") == [("A",)]
    assert values("PROFILE AS OF TRANSACTION 1 MATCH (n) RETURN count(*)") == [(1,)]


def test_explain_as_of_shows_the_plan_for_then(db: Database) -> None:
    summary = db.execute("EXPLAIN AS OF TRANSACTION 1 MATCH (p:P) RETURN p").summary
    assert summary.plan is not None
    assert summary.plan.startswith("As of position ")


def test_a_result_knows_which_state_it_was_read_from(db: Database) -> None:
    assert db.execute("AS OF TRANSACTION 2 RETURN 1").summary.as_of == 2
    assert db.execute("RETURN 1").summary.as_of is None
    assert db.execute("CREATE (:Last)").summary.transaction == 4
    assert db.execute("RETURN 1").summary.transaction is None


def test_the_option_does_what_the_text_does(db: Database) -> None:
    text = "MATCH (p:P) RETURN count(p)"
    then = db.execute("RETURN datetime('2025-06-15T10:45:00Z')").value()
    for as_of in (1, then, then.to_python(), "2025-06-15T10:45:00Z"):
        assert db.execute(text, options=Options(as_of=as_of)).value() == 1
    with pytest.raises(errors.ArgumentError, match="of its own"):
        db.execute(f"AS OF TRANSACTION 1 {text}", options=Options(as_of=1))
    with pytest.raises(errors.SemanticError, match="cannot write"):
        db.execute("CREATE (:P)", options=Options(as_of=1))


# --- what cannot be read


@pytest.mark.parametrize("moment", ["TRANSACTION 0", "TRANSACTION 4", "datetime('2020-01-01')", "date('2030-01-01')"])
def test_what_was_not_or_is_yet_to_come_is_refused_and_says_what_is_newest(db: Database, moment: str) -> None:
    with pytest.raises(errors.HistoryUnavailable) as caught:
        db.execute(f"AS OF {moment} MATCH (n) RETURN n")
    assert "The newest transaction is 3, of 2025-06-15T12:30Z; the first one is of" in str(caught.value)
    assert caught.value.position is not None
    assert caught.value.position.column == 1


def test_what_is_no_longer_kept_is_refused_and_the_horizon_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from memoradb.storage.history import memory_records

    with memoradb.open(None) as db:
        records = db.storage.history._records
        assert isinstance(records, memory_records.MemoryRecords)
        records._bytes_max = 1_000
        for i in range(20):
            db.execute("CREATE (:N {i: $i})", {"i": i})
        horizon = db.storage.history.horizon
        assert horizon > 0
        with pytest.raises(errors.HistoryUnavailable) as caught:
            db.execute("AS OF TRANSACTION 1 MATCH (n) RETURN n")
        assert caught.value.horizon == horizon
        assert str(horizon) in str(caught.value)


@pytest.mark.parametrize(
    ("moment", "error", "said"),
    [
        ("5", errors.SemanticError, "An integer cannot say a moment"),
        ("duration('P1D')", errors.SemanticError, "A duration cannot"),
        ("n.when", errors.UndefinedVariable, "`n`"),
        ("count(*)", errors.SemanticError, "cannot aggregate"),
        ("COUNT { (n) }", errors.SemanticError, "cannot read the graph"),
        ("[(a)-->(b) | 1][0]", errors.SemanticError, "cannot read the graph"),
        ("'yesterday'", errors.ArgumentError, "`yesterday`"),
        ("$t", errors.ParameterMissing, "t"),
        ("$list", errors.TypeMismatch, "takes a datetime"),
        ("TRANSACTION $list", errors.TypeMismatch, "whole number"),
    ],
)
def test_what_is_no_moment_is_refused_where_it_stands(
    db: Database, moment: str, error: type[errors.MemQLError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        db.execute(f"AS OF {moment} MATCH (n) RETURN n", {"list": [1]})
    assert caught.value.position is not None
    assert caught.value.position.line == 1


@pytest.mark.parametrize(
    "update",
    [
        "CREATE (:P)",
        "MERGE (:P)",
        "SET p.x = 1",
        "REMOVE p.name",
        "DETACH DELETE p",
        "FOREACH (x IN [1] | SET p.x = x)",
        "CALL (p) { CREATE (:P) } RETURN 1",
    ],
)
def test_a_statement_that_writes_is_refused_at_the_clause_that_would(db: Database, update: str) -> None:
    text = f"AS OF TRANSACTION 1\nMATCH (p:P)\n{update}"
    with pytest.raises(errors.SemanticError, match="cannot be changed") as caught:
        db.execute(text)
    assert caught.value.position is not None
    assert caught.value.position.line == 3
    assert "AS OF at line 1, column 1" in str(caught.value.hint)
    assert db.execute("MATCH (p:P) RETURN count(p)").value() == 2


def test_schema_commands_and_procedures_that_write_are_refused(db: Database) -> None:
    db.query_engine.procedures.register("test.write", [], [], lambda: None, mode="WRITE")
    for text in ("CREATE INDEX FOR (p:P) ON (p.x)", "DROP INDEX x IF EXISTS", "CALL test.write()"):
        with pytest.raises(errors.SemanticError, match="cannot be changed"):
            db.execute(f"AS OF TRANSACTION 1 {text}")


def test_errors_of_the_query_point_into_the_text_as_written(db: Database) -> None:
    for text, line, column in (
        ("AS OF TRANSACTION 1 MATCH (p:P) RETURN q", 1, 40),
        ("AS OF TRANSACTION 1\n  MATCH (p:P {name: 'a'})\nRETURN 1 / (size(p.name) - 1)", 3, 8),
    ):
        with pytest.raises(errors.MemQLError) as caught:
            db.execute(text)
        position = caught.value.position
        assert position is not None
        assert (position.line, position.column) == (line, column)
        assert text.splitlines()[line - 1].strip() in str(caught.value)


# --- transactions


def test_inside_a_transaction_it_reads_what_was_committed(db: Database) -> None:
    with db.begin() as tx:
        tx.execute("CREATE (:P {name: 'mine'})")
        assert tx.execute("AS OF TRANSACTION 2 MATCH (p:P) RETURN count(p)").value() == 2
        assert tx.execute("AS OF TRANSACTION 3 MATCH (p:P) RETURN count(p)").value() == 2
        assert tx.execute("MATCH (p:P) RETURN count(p)").value() == 3


def test_what_a_transaction_read_of_the_past_never_makes_it_lose(db: Database) -> None:
    with db.begin() as tx:
        before = tx.execute("AS OF TRANSACTION 3 MATCH (p:P) RETURN count(p)").value()
        db.execute("CREATE (:P {name: 'c'})")
        tx.execute("CREATE (:Count {n: $n})", {"n": before})
    assert db.execute("MATCH (c:Count) RETURN c.n").value() == 2


def test_a_transaction_that_is_over_reads_no_past_either(db: Database) -> None:
    tx = db.begin()
    tx.rollback()
    with pytest.raises(errors.TransactionClosed):
        tx.execute("AS OF TRANSACTION 1 MATCH (n) RETURN n")


# --- plans


def test_one_plan_serves_every_moment_and_every_literal(db: Database) -> None:
    past = db.query_engine.preparation.past
    for number in (1, 2, 3):
        for name in "ab":
            db.execute(f"AS OF TRANSACTION {number} MATCH (p:P {{name: '{name}'}}) RETURN p.name")
    assert len(past.by_fingerprint) == 1
    db.execute("AS OF datetime() MATCH (p:P {name: 'a'}) RETURN p.name")
    assert len(past.by_fingerprint) == 1


def test_statements_about_the_past_leave_the_plans_of_the_present_alone(db: Database) -> None:
    text = "MATCH (p:P) RETURN count(p)"
    db.execute(text)
    counters = db.query_engine.preparation.present.by_text.counters
    hits = counters.hits
    for _ in range(3):
        db.execute(f"AS OF TRANSACTION 1 {text}")
        db.execute(text)
    assert counters.hits == hits + 3


def test_a_plan_that_rests_on_a_fact_of_one_moment_is_not_run_at_another() -> None:
    with memoradb.open(None) as db:
        db.execute("UNWIND range(1, 50) AS i CREATE (:F {x: i})-[:T]->(:G {x: i})")
        db.execute("CREATE (:F)-[:T]->(:H)")
        for text in (
            "MATCH (f:F) WHERE f.x IS NOT NULL RETURN count(*)",
            "MATCH (f:F) RETURN count(f.x)",
            "MATCH (:F)-[:T]->(g:G) RETURN count(*)",
        ):
            for number, expected in ((1, 50), (2, 50), (1, 50)):
                assert db.execute(f"AS OF TRANSACTION {number} {text}").value() == expected
        db.execute("MATCH (n:H)<-[t:T]-(f) SET n:G, n.x = 51, f.x = 51")
        assert db.execute("AS OF TRANSACTION 3 MATCH (:F)-[:T]->(g:G) RETURN count(*)").value() == 51
        assert db.execute("AS OF TRANSACTION 2 MATCH (:F)-[:T]->(g:G) RETURN count(*)").value() == 50


def test_a_procedure_registered_anew_is_what_the_past_calls_too(db: Database) -> None:
    for value in (1, 2):
        db.register_procedure("test.one", [], [("x", "INTEGER")], lambda value=value: [{"x": value}])
        assert db.execute("AS OF TRANSACTION 1 CALL test.one() YIELD x RETURN x").value() == value


# --- the law


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=12))
def test_every_transaction_can_be_read_again_as_it_was(steps: list[tuple[int, int, int]]) -> None:
    """Write, look, remember; later each look as of its transaction gives the same."""
    look = (
        "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) "
        "RETURN n.id AS id, n.x AS x, labels(n) AS labels, r.w AS w, m.id AS m ORDER BY id, w, m"
    )
    writes = (
        "MERGE (n:N {id: $a}) SET n.x = $b",
        "MATCH (n:N {id: $a}) SET n:Extra, n.x = null",
        "MATCH (n:N {id: $a}), (m:N) CREATE (n)-[:R {w: $b}]->(m)",
        "MATCH (n:N {id: $a}) DETACH DELETE n",
        "MATCH (n:N {id: $a})-[r:R]->() DELETE r",
    )
    with memoradb.open(None) as db:
        seen: dict[int, object] = {}
        for kind, a, b in steps:
            number = db.execute(writes[kind], {"a": a, "b": b}).summary.transaction
            if number is not None:
                seen[number] = db.execute(look).rows
        for number, rows in seen.items():
            assert db.execute(f"AS OF TRANSACTION {number} {look}").rows == rows
