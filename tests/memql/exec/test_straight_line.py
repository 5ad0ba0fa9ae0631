"""Look-ups without batches: the same answers, notes, errors and bounds as the plan that they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.errors import Cancelled, DeadlineExceeded, ParameterMissing, WriteConflict
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.straight_line import EXPANDED_MAX, ROWS_MAX
from memoradb.memql.session import Options

OFF = Options(disabled_rules=("straight_line",))

LOOK_UPS = (
    "MATCH (p:P {id: $v}) RETURN p.name, p.x",
    "MATCH (p:P {id: $v}) RETURN p",
    "MATCH (p:P {x: $v}) RETURN p.id, $v, 'constant', p.missing",
    "MATCH (p:P:Q {id: $v}) RETURN p.x AS a, p.x AS b",
    "MATCH (p:P) WHERE p.name = $v RETURN p.id",
    "MATCH (p) WHERE id(p) = $v RETURN p.name",
    "MATCH (p:P {id: $v})-[:R]->(q) RETURN q.id",
    "MATCH (p:P {id: $v})<-[r:R]-(q:Q) RETURN p.id, r.w, q",
    "MATCH (p:P {id: $v})-[r]-(q) RETURN p, r, q.x, $v",
    "MATCH (p:P {x: $v})-[r:R|S]->() RETURN r.w, p.name",
    "MATCH (p) WHERE id(p) = $v MATCH (p)-[:S]-(q) RETURN q.id",
)

VALUES: tuple[Any, ...] = (0, 1, 2, 3, 1.0, 2.5, float("nan"), "n1", "", None, True, [1], {"a": 1}, -1, 1 << 62)


def filled() -> memoradb.Database:
    db = memoradb.open(None)
    db.execute("CREATE CONSTRAINT p_id FOR (p:P) REQUIRE p.id IS UNIQUE")
    db.execute("CREATE INDEX p_x FOR (p:P) ON (p.x)")
    db.execute("CREATE INDEX p_name FOR (p:P) ON (p.name)")
    db.execute(
        "UNWIND range(0, 7) AS i "
        "CREATE (p:P {id: i, name: 'n' + toString(i), x: [1, 2, 1.0, 2.5, 1, true, null, 3][i]})"
        " FOREACH (_ IN CASE WHEN i % 2 = 0 THEN [1] ELSE [] END | SET p:Q)"
    )
    db.execute(
        "MATCH (a:P), (b:P) WHERE (a.id * 3 + b.id) % 4 = 0 CREATE (a)-[:R {w: a.id * 10 + b.id}]->(b), (a)-[:S]->(b)"
    )
    return db


@pytest.fixture(scope="module")
def db() -> Iterator[memoradb.Database]:
    with filled() as database:
        yield database


def rows(source: Any, text: str, value: Any, **options: Any) -> Counter[str]:
    return Counter(map(repr, source.execute(text, {"v": value}, **options)))


def fires(db: memoradb.Database, text: str) -> bool:
    return db.query_engine.prepare(text, db.snapshot()).plan.line is not None


@pytest.mark.parametrize("text", LOOK_UPS)
def test_look_ups_of_this_shape_run_in_a_straight_line(db: memoradb.Database, text: str) -> None:
    assert fires(db, text)
    assert not db.query_engine.prepare(text, db.snapshot(), OFF.disabled_rules).plan.line


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (p:P {id: $v}) RETURN p.x + 1",
        "MATCH (p:P {id: $v}) WHERE p.x > 1 RETURN p.name",
        "MATCH (p:P) WHERE p.id IN $v RETURN p.name",
        "MATCH (p:P {id: $v}) RETURN DISTINCT p.x",
        "MATCH (p:P {id: $v}) RETURN count(*)",
        "MATCH (p:P {id: $v}) SET p.y = 1 RETURN p.name",
        "UNWIND $v AS v MATCH (p:P {id: v}) RETURN p.name",
    ],
)
def test_plans_of_another_shape_do_not(db: memoradb.Database, text: str) -> None:
    assert not fires(db, text)


@pytest.mark.parametrize("text", LOOK_UPS)
def test_the_answer_is_that_of_the_plan(db: memoradb.Database, text: str) -> None:
    for value in VALUES:
        assert rows(db, text, value) == rows(db, text, value, options=OFF), value


CHANGES = (
    "CREATE (:P:Q {id: 100, name: 'new', x: 1})",
    "MATCH (p:P {id: 1}) SET p.x = 2, p.name = 'changed'",
    "MATCH (p:P {id: 2}) DETACH DELETE p",
    "MATCH (p:P {id: 3}) REMOVE p:P",
    "MATCH (p:P {id: 4}) SET p.id = 104 REMOVE p:Q",
    "MATCH (a:P {id: 0}), (b:P {id: 5}) CREATE (a)-[:R {w: -1}]->(b)",
    "MATCH ()-[r:S]->() WHERE id(r) % 2 = 0 DELETE r",
)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from(CHANGES), max_size=4, unique=True), st.lists(st.sampled_from(CHANGES), max_size=3))
def test_so_it_is_in_transactions_and_as_of_the_past(committed: list[str], own: list[str]) -> None:
    with filled() as db:
        before = db.snapshot().position  # pyright: ignore[reportAttributeAccessIssue]
        for statement in committed:
            db.execute(statement)
        then = db.storage.history.at(before)
        with db.begin() as tx, db.begin(isolation="snapshot") as loose:
            for statement in own:
                tx.execute(statement)
            for text in LOOK_UPS:
                for value in (0, 1, 2, 3, 4, 100, "new"):
                    plain = text.replace("RETURN", "WITH * WHERE rand() >= 0 RETURN")
                    assert rows(tx, text, value) == rows(tx, plain, value)
                    assert rows(loose, text, value) == rows(loose, plain, value)
            tx.rollback()
        as_of = _number(db, before)
        for text in LOOK_UPS:
            plan = db.query_engine.prepare(text, db.snapshot()).plan
            assert plan.line is not None
            for value in (0, 1, 2, 3, 4):
                found = plan.line(then, {"v": value})
                known = db.query_engine.execute(text, {"v": value}, options=replace(OFF, as_of=as_of))
                assert found is not None and found == known.values


def _number(db: memoradb.Database, position: int) -> int:
    return next(c.transaction for c in db.changes() if c.position == position)


def test_more_than_a_few_rows_come_in_batches() -> None:
    with memoradb.open(None) as db:
        db.execute("CREATE INDEX p_x FOR (p:P) ON (p.x)")
        for count in (ROWS_MAX, ROWS_MAX + 1):
            db.execute("MATCH (p:P) DETACH DELETE p")
            db.execute("UNWIND range(1, $n) AS i CREATE (:P {x: 1, i: i})", {"n": count})
            found = db.execute("MATCH (p:P {x: 1}) RETURN p.i").column("p.i")
            assert sorted(found) == list(range(1, count + 1))
        db.execute("CREATE (h:P {x: 2}) WITH h UNWIND range(1, $n) AS i CREATE (h)-[:R]->({i: i})", {"n": EXPANDED_MAX})
        text = "MATCH (p:P {x: 2})-[:R]->(q) RETURN q.i"
        assert sorted(db.execute(text).column("q.i")) == list(range(1, EXPANDED_MAX + 1))
        db.execute("MATCH (h:P {x: 2}) CREATE (h)-[:R]->({i: 0})")
        assert sorted(db.execute(text).column("q.i")) == list(range(EXPANDED_MAX + 1))


def test_what_it_reads_is_validated_as_any_read() -> None:
    for text in ("MATCH (p:P {id: 1}) RETURN p.name", "MATCH (p:P {id: 1})-[:R]->(q) RETURN q.name"):
        with filled() as db:
            tx = db.begin()
            tx.execute(text)
            db.execute("MATCH (p:P) SET p.name = 'other'")
            tx.execute("CREATE (:X)")
            with pytest.raises(WriteConflict):
                tx.commit()


def test_an_element_that_is_not_there_yet_is_a_read_too() -> None:
    with filled() as db:
        tx = db.begin()
        assert len(tx.execute("MATCH (p:P {id: 50}) RETURN p.name")) == 0
        db.execute("CREATE (:P {id: 50})")
        tx.execute("CREATE (:X)")
        with pytest.raises(WriteConflict):
            tx.commit()


def test_it_is_stopped_and_asks_for_its_parameters(db: memoradb.Database) -> None:
    cancellation = Cancellation(db.query_engine.clock)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        db.execute(LOOK_UPS[0], {"v": 1}, options=Options(cancellation=cancellation))
    with pytest.raises(DeadlineExceeded):
        db.execute(LOOK_UPS[0], {"v": 1}, options=Options(cancellation=Cancellation(db.query_engine.clock, -1)))
    with pytest.raises(ParameterMissing):
        db.execute(LOOK_UPS[0])


def test_explain_and_profile_show_the_operators(db: memoradb.Database) -> None:
    plan = db.execute(f"PROFILE {LOOK_UPS[0]}", {"v": 1}).summary.plan
    assert plan is not None and "NodeIndexSeek" in plan and "straight_line" in plan
    assert db.execute(f"EXPLAIN {LOOK_UPS[0]}").summary.plan is not None


def test_a_list_that_is_returned_is_the_clients_own(db: memoradb.Database) -> None:
    given = [1, 2]
    first = db.execute("MATCH (p:P {id: 1}) RETURN $v", {"v": given}).value()
    first.append(3)
    assert given == [1, 2]
    both = db.execute("MATCH (p:P {x: 1}) RETURN [7, 8] AS l").column("l")
    both[0].append(9)
    assert db.execute("MATCH (p:P {x: 1}) RETURN [7, 8] AS l").column("l")[0] == [7, 8]
