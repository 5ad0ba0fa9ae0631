"""Changesets told element by element, and the feed of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import memoradb
from memoradb import Database
from memoradb.core import errors
from memoradb.core.clock import ManualClock
from memoradb.memql.changes import Change, CommittedChanges


@pytest.fixture
def db() -> Iterator[Database]:
    with memoradb.open(None, clock=ManualClock(1_749_983_400 * 10**9)) as found:
        yield found


def last(db: Database) -> list[Change]:
    *_, committed = db.changes()
    return list(committed.changes)


def test_what_is_created_comes_whole_with_the_ends_of_relationships(db: Database) -> None:
    db.execute("CREATE (a:A:B {x: 1, n: null})-[:R {w: 2}]->(b)")
    first, second, relationship = last(db)
    assert (first.kind, first.change, first.labels, first.properties) == ("node", "created", ["A", "B"], {"x": 1})
    assert (second.labels, second.properties) == ([], {})
    assert (relationship.kind, relationship.type, relationship.properties) == ("relationship", "R", {"w": 2})
    assert (relationship.start, relationship.end) == (first.element, second.element)
    assert first.element == db.execute("MATCH (a:A) RETURN elementId(a)").value()


def test_what_changed_comes_with_its_new_values_alone_and_null_for_what_was_removed(db: Database) -> None:
    db.execute("CREATE (:A {x: 1, y: 2, z: 3})")
    db.execute("MATCH (a:A) SET a.x = 10, a:C REMOVE a.y, a:A")
    (change,) = last(db)
    assert change.change == "changed"
    assert change.properties == {"x": 10, "y": None}
    assert (change.labels, change.labels_removed) == (["C"], ["A"])
    assert change.to_dict().keys() == {"element", "kind", "change", "labels", "labels_removed", "properties"}


def test_what_is_deleted_is_named_once_whatever_was_done_to_it_before(db: Database) -> None:
    db.execute("CREATE (:A {x: 1})-[:R]->(:B)")
    db.execute("MATCH (a:A)-[r:R]->() SET a.x = 2, r.w = 1 DELETE r, a")
    assert sorted((c.kind, c.change, c.properties) for c in last(db)) == [
        ("node", "deleted", {}),
        ("relationship", "deleted", {}),
    ]


def test_indexes_come_and_go_by_name(db: Database) -> None:
    db.execute("CREATE INDEX some FOR (a:A) ON (a.x)")
    assert [(c.kind, c.change, c.element) for c in last(db)] == [("index", "created", "some")]
    db.execute("DROP INDEX some")
    assert [(c.kind, c.change, c.element) for c in last(db)] == [("index", "deleted", "some")]


# --- the feed


def test_each_transaction_comes_once_in_order_with_its_time(db: Database) -> None:
    for i in range(3):
        db.execute("CREATE ({i: $i})", {"i": i})
    found = list(db.changes())
    assert [c.transaction for c in found] == [1, 2, 3]
    assert [c.changes[0].properties["i"] for c in found] == [0, 1, 2]
    assert str(found[0].time) == "2025-06-15T10:30Z"
    assert found[0].position < found[1].position < found[2].position


def test_a_reader_resumes_from_any_position_after_the_database_was_opened_again(tmp_path: Path) -> None:
    with memoradb.open(tmp_path / "graph", durability="relaxed") as db:
        for i in range(10):
            db.execute("CREATE ({i: $i})", {"i": i})
            if i == 4:
                db.checkpoint()
        seen = list(db.changes())
    with memoradb.open(tmp_path / "graph", durability="relaxed") as db:
        db.execute("CREATE ({i: 10})")
        for at, committed in enumerate(seen):
            rest = list(db.changes(committed.position))
            assert [c.transaction for c in rest] == list(range(at + 2, 12))
            assert rest[:-1] == seen[at + 1 :]


def test_a_follower_gets_every_commit_of_many_writers_and_ends_with_the_database() -> None:
    found: list[CommittedChanges] = []
    with memoradb.open(None) as db:
        feed = db.changes(follow=True)

        def follow() -> None:
            found.extend(feed)

        def write(name: str) -> None:
            for i in range(25):
                db.execute("CREATE (:W {name: $name, i: $i})", {"name": name, "i": i})

        follower = threading.Thread(target=follow)
        writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        follower.start()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert db.storage.history.wait_beyond(74, 10) is not None
        while len(found) < 75 and follower.is_alive():
            follower.join(0.005)
    follower.join(10)
    assert not follower.is_alive()
    assert [c.transaction for c in found] == list(range(1, 76))
    for name in "abc":
        written = [c.changes[0].properties for c in found]
        assert [p["i"] for p in written if p["name"] == name] == list(range(25))


def test_a_position_that_the_log_has_not_reached_is_refused(db: Database) -> None:
    for wrong in (1, -1, "0", True):
        with pytest.raises(errors.ArgumentError):
            db.changes(wrong)  # pyright: ignore[reportArgumentType]


def test_a_closed_database_has_no_feed(db: Database) -> None:
    db.close()
    with pytest.raises(errors.DatabaseClosed):
        db.changes()
