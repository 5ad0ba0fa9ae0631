"""The sample on the real library: sizes, shape, and that README's questions have sensible answers."""

import pytest

import memoradb
from memoradb.sample.python_library import load
from memoradb.sample.queries import OVERRIDES_MOST, PARSES_DATES, QUESTIONS, REACHES_ASYNCIO

pytestmark = pytest.mark.xdist_group("sample")


@pytest.fixture(scope="module")
def db():
    database = memoradb.open(None)
    shares: list[float] = []
    database.loaded = load(database, progress=lambda _what, share: shares.append(share))  # pyright: ignore[reportAttributeAccessIssue]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    yield database
    database.close()


def count(db, pattern: str) -> int:
    return db.execute(f"MATCH {pattern} RETURN count(*) AS n").value()


def test_sizes_are_about_as_promised(db):
    loaded = db.loaded
    assert 35_000 < loaded.nodes < 90_000
    assert 60_000 < loaded.relationships < 200_000
    assert loaded.nodes == count(db, "(n)")
    assert loaded.relationships == count(db, "()-[r]->()")
    assert count(db, "(:Package)") > 20
    assert count(db, "()-[:CALLS]->()") > 20_000


def test_everything_has_one_owner_but_top_modules(db):
    orphans = "MATCH (n) WHERE NOT (n)<-[:CONTAINS]-() AND NOT n:Module RETURN count(n) AS n"
    assert db.execute(orphans).value() == 0
    shared = "MATCH (n)<-[:CONTAINS]-(o) WITH n, count(o) AS owners WHERE owners > 1 RETURN count(n) AS n"
    assert db.execute(shared).value() == 0


@pytest.mark.parametrize(
    ("start", "type", "end"),
    [
        ("json.loads", "CALLS", "builtins.isinstance"),
        ("json.decoder.JSONDecoder.decode", "CALLS", "json.decoder.JSONDecoder.raw_decode"),
        ("json.decoder.JSONDecoder.raw_decode", "RAISES", "json.decoder.JSONDecodeError"),
        ("json.decoder.JSONDecodeError", "INHERITS", "builtins.ValueError"),
        ("argparse.ArgumentParser.parse_args", "CALLS", "argparse.ArgumentParser.parse_known_args"),
        ("argparse.ArgumentParser.parse_args", "CALLS", "argparse.ArgumentParser.error"),
    ],
)
def test_edges_that_anybody_can_look_up(db, start, type, end):
    query = f"MATCH (s)-[r:{type}]->(e) WHERE s.qualified_name = $s AND e.qualified_name = $e RETURN count(r) AS n"
    assert db.execute(query, {"s": start, "e": end}).value() == 1


def test_modules_without_source_say_so(db):
    assert db.execute("MATCH (m:Module {name: 'builtins'}) RETURN m.builtin, m.path, m.lines").rows == [
        (True, "(compiled)", None)
    ]
    assert db.execute("MATCH (m:Module {name: 'json'}) RETURN m.builtin, m.path").rows == [(None, "json/__init__.py")]


def test_docstrings_carry_vectors_and_what_has_none_does_not(db):
    assert db.execute(
        "MATCH (f:Function) WHERE (f.doc IS NULL) <> (f.embedding IS NULL) RETURN count(f) AS n"
    ).value() == count(db, "(f:Function {doc: ''})")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.title)
def test_every_question_has_an_answer(db, question):
    assert question.title.endswith("?")
    assert len(db.execute(question.query)) > 2


def test_modules_that_reach_asyncio_come_nearest_first(db):
    rows = db.execute(REACHES_ASYNCIO.query).to_dicts()
    assert "unittest.async_case" in [r["module"] for r in rows if r["imports"] == 1]
    assert [r["imports"] for r in rows] == sorted(r["imports"] for r in rows)
    assert all(1 <= r["imports"] <= 3 for r in rows)


def test_classes_that_override_most_never_override_more_than_there_is(db):
    rows = db.execute(OVERRIDES_MOST.query).to_dicts()
    assert all(0 < r["overridden"] <= r["inherited"] for r in rows)
    assert "collections.OrderedDict" in [r["class"] for r in rows]


def test_functions_that_parse_dates(db):
    found = [r["function"] for r in db.execute(PARSES_DATES.query)]
    assert "datetime.datetime.strptime" in found
    assert "datetime.date.fromisoformat" in found


def test_loading_twice_is_refused(db):
    before = count(db, "(n)")
    with pytest.raises(memoradb.MemoraDBError):
        load(db)
    assert count(db, "(n)") == before
