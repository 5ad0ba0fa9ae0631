"""ORDER BY similarity LIMIT k becomes a vector search where a query returns properties, as queries do."""

import pytest

import memoradb

SCHEMA = (
    "CREATE VECTOR INDEX meaning FOR (n:Note) ON (n.e) OPTIONS {indexConfig: {`vector.dimensions`: 2}}",
    "CREATE (:Note {text: 'east', e: [1.0, 0.0]}), (:Note {text: 'north', e: [0.0, 1.0]}), (:Note {text: 'none'})",
)


@pytest.fixture
def database() -> memoradb.Database:
    database = memoradb.open()
    for statement in SCHEMA:
        database.execute(statement)
    return database


def plan_of(database: memoradb.Database, query: str) -> str:
    return database.execute(f"EXPLAIN {query}", {"q": [1.0, 0.1]}).summary.plan or ""


def test_it_fires_below_a_projection_of_properties(database: memoradb.Database) -> None:
    query = "MATCH (n:Note) WHERE n.e IS NOT NULL RETURN n.text ORDER BY vector.similarity.cosine(n.e, $q) DESC LIMIT 1"
    assert "VectorSearch" in plan_of(database, query)
    assert database.execute(query, {"q": [1.0, 0.1]}).rows == [("east",)]


def test_it_does_not_fire_below_a_projection_that_may_fail_on_a_row_that_is_cut(database: memoradb.Database) -> None:
    query = (
        "MATCH (n:Note) WHERE n.e IS NOT NULL RETURN 1 / size(n.text) AS x "
        "ORDER BY vector.similarity.cosine(n.e, $q) DESC LIMIT 1"
    )
    assert "VectorSearch" not in plan_of(database, query)


def test_it_does_not_fire_where_nodes_without_a_vector_would_come_first(database: memoradb.Database) -> None:
    query = "MATCH (n:Note) RETURN n.text ORDER BY vector.similarity.cosine(n.e, $q) DESC LIMIT 1"
    assert "VectorSearch" not in plan_of(database, query)
    assert database.execute(query, {"q": [1.0, 0.1]}).rows == [("none",)]
