"""What the language says when something is wrong, and when something is doubtful: every text is a golden file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memoradb
from memoradb.core.errors import MemoraDBError

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import DIRECTORY, Case, check  # pyright: ignore[reportMissingImports]

ERRORS = sorted((DIRECTORY / "errors").glob("*.txt"))
GIVEN: dict[str, Any] = {"name": "Ada", "n": -1}


@pytest.fixture(scope="module")
def database() -> Iterator[memoradb.Database]:
    db = memoradb.open(None)
    db.execute(
        "CREATE (a:Person {name: 'Ada', age: 36})-[:KNOWS {since: 1833}]->(:Person {name: 'Charles', age: 44}), "
        "(:City {name: 'Rome'}), (a)-[:KNOWS]->(a)"
    )
    db.execute("UNWIND range(1, 2000) AS i CREATE (:Item {number: i, code: i, size: i % 10})")
    db.execute("CREATE INDEX person_name FOR (n:Person) ON (n.name)")
    db.execute("CREATE INDEX item_code FOR (n:Item) ON (n.code)")
    db.execute("CREATE VECTOR INDEX vectors FOR (n:Paper) ON (n.e) OPTIONS {indexConfig: {`vector.dimensions`: 2}}")
    yield db
    db.close()


def error_of(database: memoradb.Database, case: Case) -> str:
    """The error as a person reads it, and what a program reads of it."""
    given = {name: GIVEN[name] for name in case.options.get("given", "").split(",") if name}
    transaction = database.begin()
    try:
        result = transaction.execute(case.text, given)
    except MemoraDBError as error:
        place = "" if error.position is None else f" at {error.position.line}:{error.position.column}"
        return f"{error}\n({error.kind}, {error.phase}: {error.detail}{place})"
    finally:
        transaction.rollback()
    return f"no error: {result.to_dicts()}"


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.stem)
def test_errors_say_what_happened_where_and_what_to_do(database: memoradb.Database, path: Path) -> None:
    check(path, lambda case: error_of(database, case))


def notifications_of(database: memoradb.Database, case: Case) -> str:
    transaction = database.begin()
    try:
        found = transaction.execute(case.text).summary.notifications
    finally:
        transaction.rollback()
    lines = []
    for n in found:
        assert n.position is not None
        place = f"{n.position.line}:{n.position.column}"
        lines.append(
            f"{place} {n.description}  [{n.code.rpartition('.')[2]}, {n.gqlstatus}, {n.severity}, {n.category}]"
        )
    return "\n".join(lines) or "nothing"


def test_notifications_tell_what_is_doubtful(database: memoradb.Database) -> None:
    path = DIRECTORY / "notifications" / "remarks.txt"
    check(path, lambda case: notifications_of(database, case))
