"""Plans whose estimates prove wrong are made again with what was seen; those that write are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.memql.cost.corrections import FACTOR_MAX, PARTS_MAX, Corrections
from memoradb.memql.optimize import feedback
from memoradb.storage.statistics import SnapshotStatistics


@pytest.fixture
def db():
    with memoradb.open(None, clock=ManualClock(0)) as database:  # no run takes long by it
        database.execute("CREATE INDEX FOR (a:A) ON (a.flag)")
        database.execute("UNWIND range(1, 4000) AS i CREATE (:A {k: i, flag: true})")
        database.execute("UNWIND range(1, 40) AS i CREATE (:B {k: i})")
        database.execute("MATCH (a:A), (b:B) WHERE a.k % 40 = b.k % 40 CREATE (a)-[:T]->(b)")
        yield database


@pytest.fixture
def wrong(monkeypatch):
    """Statistics by which hardly any node has the flag."""
    true = SnapshotStatistics.values

    def values(self, label, key, *more):
        found = true(self, label, key, *more)
        return (
            replace(found, frequent=(), histograms=(), distinct=10**9, _keys=(), _sums=(0.0,))
            if key == "flag"
            else found
        )

    monkeypatch.setattr(SnapshotStatistics, "values", values)


TEXT = "MATCH (a:A {flag: true})-[:T]->(b:B) WHERE b.k < 3 RETURN count(a.k) AS n, min(b.k) AS least"


def physical(database, text):
    plan = database.execute(f"EXPLAIN {text}").summary.plan
    return plan.split("Physical plan")[1].split("Rules that fired")[0]


def current(database, text):
    return database.query_engine.prepare(text, database.storage.snapshot()).plan


def test_wrong_statistics_are_corrected_by_a_run_and_the_second_plan_is_another(db, wrong):
    before = physical(db, TEXT)
    first = db.execute(TEXT)
    after = physical(db, TEXT)
    second = db.execute(TEXT)
    assert first.rows == second.rows
    assert before != after
    plan = current(db, TEXT)
    assert plan.revision == 1 and not plan.stale
    assert any("flag" in part and factor > 100 for part, factor in plan.corrections.items())
    explained = db.execute(f"EXPLAIN {TEXT}").summary.plan
    assert "Estimates corrected by what runs have shown: " in explained and ".flag" in explained
    assert db.query_engine.metrics()["plans_corrected"] >= 1


def test_another_text_and_another_statement_profit_from_what_was_learnt(db, wrong):
    db.execute(TEXT)
    db.execute(TEXT.replace("3", "4"))
    assert current(db, TEXT.replace("3", "5")).revision == 1
    other = db.execute("EXPLAIN MATCH (x:A) WHERE x.flag = true RETURN x.k").summary.plan_tree
    assert other["rows_estimated"] == pytest.approx(4000, rel=0.1)


def test_a_plan_that_writes_is_not_made_again(db, wrong):
    text = "MATCH (a:A {flag: true}) SET a.seen = 1"
    db.execute(text)
    db.execute(text)
    assert current(db, text).revision == 0 and not current(db, text).stale


def test_right_estimates_and_small_runs_leave_a_plan_as_it_is(db):
    for text in (TEXT, "MATCH (b:B) WHERE b.k > 30 AND b.k * b.k > 10 RETURN b.k"):
        db.execute(text)
        plan = current(db, text)
        db.execute(text)
        assert current(db, text) is plan and not plan.watched


def test_a_statement_is_planned_again_a_bounded_number_of_times(db, monkeypatch):
    monkeypatch.setattr(feedback, "_wrong_by", lambda *_: 100.0)
    text = "MATCH (a:A)-[:T]->(b:B) WHERE a.k > 5 RETURN a.k, b.k"
    for _ in range(10):
        db.execute(text)
    assert current(db, text).revision == feedback.REPLANS_MAX


def test_a_run_that_takes_much_longer_than_usual_lets_the_next_one_be_watched(db):
    db.execute(TEXT)
    plan, learning = current(db, TEXT), db.query_engine.preparation.feedback
    plan.usual_ns = 1_000_000
    learning.took(plan, 2_000_000)
    assert not plan.watched
    learning.took(plan, 20_000_000)
    assert plan.watched
    db.execute(TEXT)
    assert not plan.watched


def test_what_was_learnt_ends_with_the_statistics_that_it_was_learnt_of(db, wrong):
    db.execute(TEXT)
    corrections = db.query_engine.preparation.feedback.corrections
    assert len(corrections) and current(db, TEXT).corrections
    db.execute("UNWIND range(1, 6000) AS i CREATE (:A {k: i})")  # a new generation
    assert not current(db, TEXT).corrections and not len(corrections)


def test_corrections_build_on_each_other_and_are_bounded():
    corrections = Corrections()
    corrections.learn("x", 10.0)
    corrections.learn("x", 5.0)
    applied = corrections.for_plan(0)
    assert applied.factor("x") == 50.0 and applied.factor("y") == 1.0 and applied.used == {"x": 50.0}
    corrections.learn("x", 1e30)
    assert corrections.for_plan(0).factor("x") == FACTOR_MAX
    for number in range(PARTS_MAX + 10):
        corrections.learn(str(number), 2.0)
    assert len(corrections) == PARTS_MAX
    assert not corrections.for_plan(1) and not len(corrections)
