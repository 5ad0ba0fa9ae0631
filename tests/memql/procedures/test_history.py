"""db.history and db.changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb import Database
from memoradb.core import errors
from memoradb.core.clock import ManualClock

HOUR = 3_600 * 10**9


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    clock = ManualClock(1_749_983_400 * 10**9)
    path = None if request.param == "memory" else tmp_path / "graph"
    with memoradb.open(path, clock=clock, durability="relaxed") as found:
        for text in (
            "CREATE (:Person {name: 'Ada', age: 36})-[:KNOWS {since: 2020}]->(:Person {name: 'Bo'})",
            "MATCH (p:Person {name: 'Ada'}) SET p.name = 'Ada L.', p:Author REMOVE p.age",
            "MATCH (:Author)-[k:KNOWS]->() SET k.since = 2021",
            "MATCH (p:Author) DETACH DELETE p",
        ):
            found.execute(text)
            clock.advance(HOUR)
        yield found


def rows(db: Database, text: str, **parameters: Any) -> list[dict[str, Any]]:
    return db.execute(text, parameters).to_dicts()


def ada(db: Database) -> str:
    return db.execute("AS OF TRANSACTION 1 MATCH (p {name: 'Ada'}) RETURN elementId(p)").value()


def test_each_version_of_a_node_that_is_gone_comes_by_its_element_id(db: Database) -> None:
    created, changed, deleted = rows(db, "CALL db.history($id)", id=ada(db))
    assert created["change"] == "created"
    assert created["properties"] == created["after"] == {"name": "Ada", "age": 36}
    assert created["before"] == {}
    assert changed["change"] == "changed"
    assert changed["labels"] == ["Person", "Author"]
    assert changed["properties"] == {"name": "Ada L."}
    assert changed["before"] == {"name": "Ada", "age": 36}
    assert changed["after"] == {"name": "Ada L."}
    assert deleted["change"] == "deleted"
    assert deleted["properties"] == {}
    assert [r["transaction"] for r in (created, changed, deleted)] == [1, 2, 4]
    assert [str(r["time"]) for r in (created, changed, deleted)] == [
        "2025-06-15T10:30Z",
        "2025-06-15T11:30Z",
        "2025-06-15T13:30Z",
    ]


def test_the_history_of_an_element_at_hand_is_that_of_a_relationship_too(db: Database) -> None:
    found = rows(
        db,
        "AS OF TRANSACTION 3 MATCH ()-[k:KNOWS]->() CALL db.history(k) YIELD change, type, properties, before "
        "RETURN change, type, properties, before",
    )
    assert found == [
        {"change": "created", "type": "KNOWS", "properties": {"since": 2020}, "before": {}},
        {"change": "changed", "type": "KNOWS", "properties": {"since": 2021}, "before": {"since": 2020}},
    ]


def test_a_statement_sees_no_version_later_than_its_own_moment(db: Database) -> None:
    text = "CALL db.history($id) YIELD transaction RETURN transaction"
    assert [r["transaction"] for r in rows(db, f"AS OF TRANSACTION 2 {text}", id=ada(db))] == [1, 2]
    with db.begin() as tx:
        db.execute("CREATE (:Later)")
        assert tx.execute("CALL db.changes(5) YIELD element RETURN element").rows == []
    assert len(rows(db, "CALL db.changes(5)")) == 1


def test_an_element_that_never_was_has_no_history(db: Database) -> None:
    head, uuid, _ = ada(db).split(":")
    assert rows(db, "CALL db.history($id)", id=f"{head}:{uuid}:12345") == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("nobody", errors.ArgumentError),
        ("n:another-graph:1", errors.ArgumentError),
        (7, errors.TypeMismatch),
        (None, errors.TypeMismatch),
    ],
)
def test_what_names_no_element_of_this_graph_is_refused(db: Database, given: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        db.execute("CALL db.history($id)", {"id": given})


def test_in_memory_there_is_no_history_from_before_the_changes_that_are_kept() -> None:
    with memoradb.open(None, history="2KB") as db:
        element = db.execute("CREATE (n:N {x: 0}) RETURN elementId(n)").value()
        for i in range(30):
            db.execute("MATCH (n:N) SET n.x = $i", {"i": i})
        with pytest.raises(errors.HistoryUnavailable):
            rows(db, "CALL db.history($id)", id=element)


def test_before_the_horizon_history_begins_with_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_096)
    with memoradb.open(tmp_path / "graph", history="1KB", durability="relaxed") as db:
        element = db.execute("CREATE (n:N {x: 0}) RETURN elementId(n)").value()
        for i in range(120):
            db.execute("MATCH (n:N) SET n.x = $i", {"i": i})
            if i % 40 == 39:
                db.checkpoint()
                db.storage.rest()
        assert db.storage.history.horizon > 1
        first, *later = rows(db, "CALL db.history($id)", id=element)
        assert first["change"] == "kept"
        assert first["transaction"] is None
        assert first["properties"] == {"x": db.storage.history.horizon - 2}
        assert [version["properties"]["x"] for version in later] == list(range(first["properties"]["x"] + 1, 120))


# --- db.changes


def summary(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r["transaction"], r["kind"], r["change"], r["before"], r["after"]) for r in found]


def test_changes_have_what_was_before_and_what_came_after(db: Database) -> None:
    assert summary(rows(db, "CALL db.changes(2, 4)")) == [
        (2, "node", "changed", {"name": "Ada", "age": 36}, {"name": "Ada L."}),
        (3, "relationship", "changed", {"since": 2020}, {"since": 2021}),
        (4, "relationship", "deleted", {"since": 2021}, None),
        (4, "node", "deleted", {"name": "Ada L."}, None),
    ]


def test_a_stretch_is_given_by_transactions_or_times_and_both_ends_belong_to_it(db: Database) -> None:
    def numbers(start: object, end: object = None) -> list[int]:
        text = "CALL db.changes($from, $to) YIELD transaction RETURN DISTINCT transaction ORDER BY transaction"
        return [r["transaction"] for r in rows(db, text, **{"from": start, "to": end})]

    assert numbers(None) == [1, 2, 3, 4]
    assert numbers(2) == [2, 3, 4]
    assert numbers(2, 2) == [2]
    assert numbers(3, 2) == []
    assert numbers(5) == []
    assert numbers(1, 99) == [1, 2, 3, 4]
    assert numbers("2025-06-15T11:30:00Z", "2025-06-15T12:30:00Z") == [2, 3]
    assert numbers("2025-06-15T11:30:01Z") == [3, 4]
    assert numbers("2020-01-01", "2030-01-01") == [1, 2, 3, 4]


def test_changes_without_an_end_run_to_the_newest(db: Database) -> None:
    assert len(rows(db, "CALL db.changes(null)")) == len(rows(db, "CALL db.changes(1, null)")) == 7


def test_a_long_history_can_be_stopped(db: Database) -> None:
    from memoradb.memql.exec.context import Cancellation
    from memoradb.memql.session import Options

    cancelled = Cancellation(ManualClock())
    cancelled.cancel()
    for text in ("CALL db.changes(1)", f"CALL db.history('{ada(db)}')"):
        with pytest.raises(errors.Cancelled):
            db.execute(text, options=Options(cancellation=cancelled))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=15))
def test_a_history_agrees_with_reading_as_of_each_transaction(steps: list[tuple[int, int, int]]) -> None:
    writes = (
        "MERGE (n:N {id: $a}) SET n.x = $b",
        "MATCH (n:N {id: $a}) SET n:Extra, n.x = null, n.y = $b",
        "MATCH (n:N {id: $a}) REMOVE n:Extra, n.y",
        "MATCH (n:N {id: $a}) DETACH DELETE n",
    )
    with memoradb.open(None) as db:
        for kind, a, b in steps:
            db.execute(writes[kind], {"a": a, "b": b})
        newest = max((c.transaction for c in db.changes()), default=0)
        elements = {r["element"] for r in rows(db, "CALL db.changes(null)")} if newest else set()
        for element in elements:
            state: tuple[Any, ...] | None = None
            versions = {r["transaction"]: r for r in rows(db, "CALL db.history($id)", id=element)}
            for number in range(1, newest + 1):
                if number in versions:
                    version = versions[number]
                    gone = version["change"] == "deleted"
                    state = None if gone else (sorted(version["labels"]), version["properties"])
                found = rows(
                    db,
                    f"AS OF TRANSACTION {number} MATCH (n) WHERE elementId(n) = $id "
                    "RETURN labels(n) AS labels, properties(n) AS properties",
                    id=element,
                )
                assert [(sorted(f["labels"]), f["properties"]) for f in found] == ([] if state is None else [state])
