"""The simple API's routes, each as documented."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from served import Served, serve

PREFIX = "/api/v1"


def unit(place: int) -> list[float]:
    """A vector of 128 dimensions that leans to ``place``."""
    return [1.0 if i == place else 0.01 * (place % 7) for i in range(128)]


@pytest.fixture
def api() -> Iterator[Served]:
    with serve() as served:
        yield served


def post(api: Served, path: str, body: Any, status: int = 201) -> Any:
    answer = api.request("POST", PREFIX + path, body)
    assert answer.status == status, answer.body
    return answer.json()


def get(api: Served, path: str, status: int = 200) -> Any:
    answer = api.request("GET", PREFIX + path)
    assert answer.status == status, answer.body
    return answer.json()


def test_a_node_is_stored_and_read_back(api: Served) -> None:
    created = post(api, "/nodes", {"id": 100, "label": "UserPreference", "theme": "dark"})
    assert created == {
        "id": 100,
        "label": "UserPreference",
        "status": "ok",
        "nodes": 1,
        "edges": 0,
        "vectors": 0,
    }
    assert get(api, "/nodes/100") == {
        "id": 100,
        "label": "UserPreference",
        "labels": ["UserPreference"],
        "properties": {"theme": "dark"},
        "has_vector": False,
    }


def test_a_node_posted_again_is_the_same_node(api: Served) -> None:
    post(api, "/nodes", {"id": 1, "label": "A", "x": 1})
    post(api, "/nodes", {"id": 1, "label": "A", "y": 2})
    assert get(api, "/nodes/1")["properties"] == {"x": 1, "y": 2}
    assert api.query("MATCH (n:Item) RETURN count(n)").json()["rows"] == [[1]]


def test_edges_lead_to_related_nodes_by_distance(api: Served) -> None:
    for i in (1, 2, 3, 4):
        post(api, "/nodes", {"id": i, "label": "N"})
    created = post(api, "/edges", {"from": 1, "to": 2, "kind": "related"})
    assert created == {
        "from": 1,
        "to": 2,
        "kind": "related",
        "status": "ok",
        "nodes": 0,
        "edges": 1,
        "vectors": 0,
    }
    post(api, "/edges", {"from": 3, "to": 2, "kind": "child_of"})
    post(api, "/edges", {"from": 3, "to": 4, "kind": "owns"})
    near = get(api, "/nodes/1/related")
    assert [(n["id"], n["distance"]) for n in near["related"]] == [(2, 1)]
    far = get(api, "/nodes/1/related?depth=2")
    assert {k: far[k] for k in ("id", "depth", "count")} == {"id": 1, "depth": 2, "count": 2}
    assert [(n["id"], n["distance"]) for n in far["related"]] == [(2, 1), (3, 2)]
    assert api.query("MATCH (:Item {id: 3})-[r]->() RETURN type(r) AS t ORDER BY t").json()["rows"] == [
        ["CHILD_OF"],
        ["OWNS"],
    ]


def test_vectors_find_similar_nodes(api: Served) -> None:
    for i in range(5):
        post(api, "/nodes", {"id": i, "label": "N"})
        created = post(api, "/vectors", {"id": i, "dims": unit(i)})
        assert created == {
            "id": i,
            "dimensions": 128,
            "status": "ok",
            "nodes": 0,
            "edges": 0,
            "vectors": 1,
        }
    post(api, "/vectors", {"id": 4, "dims": unit(0)})
    found = get(api, "/vectors/0/similar?top_k=2")
    assert (found["id"], found["top_k"], found["count"]) == (0, 2, 2)
    assert found["similar"][0]["id"] == 4
    assert math.isclose(found["similar"][0]["score"], 1.0, abs_tol=1e-6)
    assert 0 not in [n["id"] for n in found["similar"]]
    assert get(api, "/nodes/0")["has_vector"] is True


def test_a_node_without_vector_has_nothing_similar(api: Served) -> None:
    post(api, "/nodes", {"id": 1, "label": "N"})
    assert get(api, "/vectors/1/similar") == {"id": 1, "top_k": 10, "count": 0, "similar": []}


def test_a_batch_is_one_transaction(api: Served) -> None:
    body = {
        "nodes": [{"id": 1, "label": "A"}, {"id": 2, "label": "B"}],
        "edges": [{"from": 1, "to": 2, "kind": "links"}],
        "vectors": [{"id": 1, "dims": unit(1)}],
    }
    assert post(api, "/batch", body) == {"status": "ok", "nodes": 2, "edges": 1, "vectors": 1}
    body = {"nodes": [{"id": 3}], "edges": [{"from": 3, "to": 99}]}
    problem = post(api, "/batch", body, 404)
    assert "99" in problem["detail"]
    get(api, "/nodes/3", 404)


def test_hybrid_puts_what_is_related_and_similar_first(api: Served) -> None:
    nodes = [{"id": i, "label": "N"} for i in range(1, 6)]
    edges = [{"from": 1, "to": 2}, {"from": 1, "to": 3}]
    vectors = [{"id": i, "dims": unit(0 if i in (1, 3) else i)} for i in (1, 3, 4)]
    post(api, "/batch", {"nodes": nodes, "edges": edges, "vectors": vectors})
    found = post(api, "/query/hybrid", {"node_id": 1, "depth": 2, "top_k": 5}, 200)
    assert {k: found[k] for k in ("node_id", "depth", "top_k", "count", "related_count", "similar_count")} == {
        "node_id": 1,
        "depth": 2,
        "top_k": 5,
        "count": 3,
        "related_count": 2,
        "similar_count": 2,
    }
    assert [n["id"] for n in found["results"]] == [3, 2, 4]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/nodes", {"label": "NoId"}, 400),
        ("/nodes", {"id": "1"}, 400),
        ("/nodes", {"id": True}, 400),
        ("/nodes", {"id": 2**70}, 400),
        ("/nodes", {"id": 1, "label": "two words"}, 400),
        ("/nodes", {"id": 1, "label": "x`) DETACH DELETE n //"}, 400),
        ("/nodes", {"id": 1, "nested": {"a": 1}}, 400),
        ("/edges", {"from": 1, "to": 2, "kind": "related"}, 404),
        ("/edges", {"from": 1, "to": 2, "kind": "hates"}, 400),
        ("/edges", {"from": 1}, 400),
        ("/vectors", {"id": 1, "dims": [1.0]}, 400),
        ("/vectors", {"id": 1, "dims": ["a"] * 128}, 400),
        ("/vectors", {"id": 1}, 400),
        ("/batch", {"nodes": {"id": 1}}, 400),
        ("/batch", {"nodes": [1]}, 400),
        ("/query/hybrid", {}, 400),
        ("/query/hybrid", {"node_id": 1, "depth": "two"}, 400),
        ("/query/hybrid", {"node_id": 12345}, 404),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(api: Served, path: str, body: Any, status: int) -> None:
    problem = post(api, path, body, status)
    assert problem["code"].startswith("Neo.ClientError.")
    assert api.query("MATCH (n) RETURN count(n)").json()["rows"] == [[0]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nodes/5", 404),
        ("/nodes/99999999999999999999999", 404),
        ("/nodes/5/related", 404),
        ("/nodes/5/related?depth=0", 400),
        ("/nodes/5/related?depth=11", 400),
        ("/nodes/5/related?depth=x", 400),
        ("/nodes/5/related?depth=%C2%B2", 400),
        ("/vectors/5/similar", 404),
        ("/vectors/5/similar?top_k=0", 400),
        ("/vectors/5/similar?top_k=" + "9" * 5_000, 400),
    ],
)
def test_reading_what_is_not_there_or_not_allowed_is_said(api: Served, path: str, status: int) -> None:
    assert get(api, path, status)["code"].startswith("Neo.ClientError.")


def test_an_index_of_other_dimensions_that_is_there_decides(api: Served) -> None:
    api.query(
        "CREATE VECTOR INDEX item_vectors FOR (n:Item) ON (n.embedding) "
        "OPTIONS {indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
    )
    post(api, "/nodes", {"id": 1})
    assert post(api, "/vectors", {"id": 1, "dims": [1, 2, 3]})["dimensions"] == 3
    assert "3 numbers" in post(api, "/vectors", {"id": 1, "dims": unit(1)}, 400)["detail"]


def test_reading_makes_no_schema(api: Served) -> None:
    get(api, "/nodes/5", 404)
    assert api.query("SHOW INDEXES").json()["rows"] == []
