"""What may differ each time is evaluated once for each row, although rows may stand for several by a weight."""

import pytest

import memoradb
from memoradb.core.rng import SeededRandom


@pytest.fixture
def db():
    with memoradb.open(None, random=SeededRandom(7)) as database:
        database.execute("CREATE (a:A) WITH a UNWIND range(1, 200) AS i CREATE (a)-[:T]->(:B {i: i})")
        yield database


def values(db, text):
    return [row[0] for row in db.execute(text).rows]


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (a:A)-[:T]->() RETURN rand()",
        "MATCH (a:A)-[:T]->() WITH a, rand() AS r RETURN r",
        "MATCH (a:A)-[:T]->() UNWIND [rand()] AS r RETURN r",
        "MATCH (a:A)-[:T]->() CALL { RETURN rand() AS r } RETURN r",
        "MATCH (a:A)-[:T]->() RETURN head(COLLECT { RETURN rand() AS r })",
    ],
)
def test_each_row_draws_for_itself(db, text):
    assert len(set(values(db, text))) == 200


def test_a_condition_is_drawn_for_each_row_and_not_for_all(db):
    for text in (
        "MATCH (b:B) WHERE rand() < 0.5 RETURN b.i",
        "MATCH (a:A)-[:T]->() WHERE rand() < 0.5 RETURN 1",
        "MATCH (a:A)-[:T]->() WITH a WHERE rand() < 0.5 RETURN 1",
    ):
        assert 50 < len(values(db, text)) < 150


def test_groups_and_sums_draw_for_each_row(db):
    assert len(values(db, "MATCH (a:A)-[:T]->() RETURN rand() AS r, count(*) AS n")) == 200
    total = values(db, "MATCH (a:A)-[:T]->() RETURN sum(rand() * 1.0)")[0]
    assert 50 < total < 150
    assert len(set(values(db, "MATCH (b:B) RETURN b.i ORDER BY rand() LIMIT 200"))) == 200


def test_what_is_stable_within_a_statement_is_drawn_once(db):
    assert len(set(map(str, values(db, "MATCH (a:A)-[:T]->() RETURN datetime()")))) == 1
