"""db.stats: every kind of row, of the state that the statement reads."""

from __future__ import annotations

from typing import Any

import pytest

import memoradb


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 20) AS i CREATE (:A {k: i % 2})-[:T {w: i}]->(:B:C {s: toString(i % 3)})")
        database.execute("MATCH (a:A) WITH a LIMIT 1 CREATE (a)-[:L]->(a)")
        yield database


def rows(db: memoradb.Database, kind: str, **of: Any) -> list[dict[str, Any]]:
    """The rows of a kind, without what they do not say."""
    found = [row for row in db.execute("CALL db.stats()").to_dicts() if row["kind"] == kind]
    found = [row for row in found if all(row[key] == value for key, value in of.items())]
    return [{key: value for key, value in row.items() if value is not None} for row in found]


def test_nodes_pairs_of_labels_and_relationships_are_counted(db):
    assert rows(db, "nodes", label=None) == [{"kind": "nodes", "count": 40, "exact": True}]
    assert [r["count"] for r in rows(db, "nodes") if "label" in r] == [20, 20, 20]
    (pair,) = rows(db, "label pair")
    assert (pair["label"], pair["target"], pair["count"]) == ("B", "C", 20)
    by_type = {r["type"]: r for r in rows(db, "relationships") if "type" in r}
    assert by_type["L"]["selfLoops"] and not by_type["T"]["selfLoops"]
    assert not by_type["T"]["parallelEdges"] and by_type["T"]["count"] == 20
    patterns = {(r["label"], r["type"], r["target"]): r["count"] for r in rows(db, "pattern")}
    assert patterns == {("A", "L", "A"): 1, ("A", "T", "B"): 20, ("A", "T", "C"): 20}


def test_degrees_and_values_are_summed_up(db):
    degrees, _ = rows(db, "degrees", label="A", type="L")
    assert degrees["degrees"] == {
        "direction": "OUT",
        "mean": 0.05,
        "largest": 1,
        "without": 19,
        "quantiles": [0, 0, 0, 0, 0, 0, 0, 0, 1],
    }
    (values,) = rows(db, "node property", label="A", key="k")
    assert (values["distinct"], values["nullShare"], values["exact"]) == (2, 0.0, True)
    assert values["heavyHitters"] == [{"value": 0, "share": 0.5}, {"value": 1, "share": 0.5}]
    (weights,) = rows(db, "relationship property")
    assert (weights["type"], weights["key"], weights["distinct"]) == ("T", "w", 20)


def test_they_are_those_of_the_state_that_is_read(db):
    with db.begin() as transaction:
        transaction.execute("CREATE (:A)")
        text = "CALL db.stats() YIELD kind, label, count WHERE kind = 'nodes' AND label = 'A' RETURN count"
        assert transaction.execute(text).value() == 21
        assert db.execute(text).value() == 20
        assert db.execute(f"AS OF TRANSACTION 1 {text}").value() == 20
        transaction.rollback()


def test_an_empty_graph_has_two_rows():
    with memoradb.open(None) as database:
        assert database.execute("CALL db.stats() YIELD kind, count RETURN kind, count").rows == [
            ("nodes", 0),
            ("relationships", 0),
        ]
