"""Vector search: exact against a loop, HNSW against exact, visibility, filters, dump and load."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.core.columns import ListColumn
from memoradb.core.errors import ArgumentError
from memoradb.core.values import Value
from memoradb.core.vectors import Vector
from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.vector.hnsw import available
from memoradb.storage.vector.vector_index import VectorIndex
from memoradb.storage.view import Element, IndexDefinition, IndexKind

numbers = st.integers(-4, 4).map(float)
vectors = st.lists(st.lists(numbers, min_size=3, max_size=3), max_size=25)
similarities = st.sampled_from(["cosine", "euclidean"])
needs_hnswlib = pytest.mark.skipif(not available(), reason="hnswlib is not installed")


def definition(similarity: str, dimensions: int = 3) -> IndexDefinition:
    options: tuple[tuple[str, Value], ...] = (("dimensions", dimensions), ("similarity", similarity))
    return IndexDefinition("v", IndexKind.VECTOR, Element.NODE, ("A",), ("e",), options)


def an_index(rows: list[list[float]], similarity: str, position: int = 1) -> VectorIndex:
    index = VectorIndex(definition(similarity, len(rows[0]) if rows else 3))
    index.add(np.arange(len(rows)), [ListColumn(list(rows))], position)
    return index


def similarity_of(a: list[float], b: list[float], kind: str) -> float | None:
    """Neo4j's scores, by the book; None where a vector has no direction."""
    if kind == "euclidean":
        return 1 / (1 + sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
    norms = math.hypot(*a) * math.hypot(*b)
    return None if not norms else (1 + sum(x * y for x, y in zip(a, b, strict=True)) / norms) / 2


def exact(rows: dict[int, list[float]], query: list[float], k: int, kind: str) -> list[tuple[int, float]]:
    scored = ((slot, similarity_of(row, query, kind)) for slot, row in rows.items())
    found = [(slot, score) for slot, score in scored if score is not None]
    return sorted(found, key=lambda pair: (-round(pair[1], 5), pair[0]))[:k]


def check(
    index: VectorIndex, rows: dict[int, list[float]], query: list[float], k: int, position: int, kind: str
) -> None:
    found = index.search(query, k, position)
    expected = exact(rows, query, k, kind)
    assert found.scores.tolist() == pytest.approx([score for _, score in expected], abs=1e-5)
    everything = dict(exact(rows, query, len(rows), kind))
    for slot, score in zip(found.slots.tolist(), found.scores.tolist(), strict=True):
        assert score == pytest.approx(everything[slot], abs=1e-5)


@given(vectors, st.lists(numbers, min_size=3, max_size=3).filter(any), st.integers(1, 8), similarities)
def test_an_exact_search_is_right(rows: list[list[float]], query: list[float], k: int, kind: str) -> None:
    check(an_index(rows, kind), dict(enumerate(rows)), query, k, 1, kind)


@given(vectors, vectors, similarities)
def test_a_snapshot_sees_the_vectors_of_its_position(before: list, after: list, kind: str) -> None:
    index, now = an_index(before, kind), dict(enumerate(before))
    for slot, row in enumerate(after):
        index.replace(slot, [now[slot]] if slot in now else None, [row], 2)
        now[slot] = row
    then = dict(now)
    for slot in list(now)[:3]:
        index.replace(slot, [now.pop(slot)], None, 3)
    for position, rows in ((1, dict(enumerate(before))), (2, then), (3, now)):
        check(index, rows, [1.0, 2.0, -1.0], 5, position, kind)


@given(vectors, st.sets(st.integers(0, 24)))
def test_a_filter_leaves_candidates_alone(rows: list, chosen: set[int]) -> None:
    found = an_index(rows, "euclidean").search([1.0, 0.0, 0.0], 4, 1, BitMap(chosen))
    kept = {slot: row for slot, row in enumerate(rows) if slot in chosen}
    assert found.scores.tolist() == pytest.approx(
        [s for _, s in exact(kept, [1.0, 0.0, 0.0], 4, "euclidean")], abs=1e-5
    )
    assert set(found.slots.tolist()) <= chosen


def test_what_is_no_vector_of_the_index_is_left_out() -> None:
    items: list[Value] = [
        [1.0, 0.0, 0.0],
        [1.0, 0.0],
        "abc",
        [0.0, 0.0, 0.0],
        None,
        [1, 2, 3],
        Vector((0.0, 1.0, 0.0)),
        [1.0, float("nan"), 0.0],
        ["a", "b", "c"],
    ]
    index = VectorIndex(definition("cosine"))
    index.add(np.arange(len(items)), [ListColumn(items)], 1)
    assert sorted(index.search([1.0, 1.0, 1.0], 9, 1).slots.tolist()) == [0, 5, 6]


@pytest.mark.parametrize("query", [[1.0], [0.0, 0.0, 0.0], [float("inf"), 0.0, 0.0]])
def test_a_query_that_cannot_be_compared_is_an_argument_error(query: list[float]) -> None:
    with pytest.raises(ArgumentError):
        an_index([[1.0, 0.0, 0.0]], "cosine").search(query, 1, 1)


def random_rows(count: int, dimensions: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


def recall(
    index: VectorIndex, oracle: VectorIndex, queries: np.ndarray, k: int, candidates: BitMap | None = None
) -> float:
    hits = 0
    for query in queries:
        found = set(index.search(query.tolist(), k, 5, candidates).slots.tolist())
        hits += len(found & set(oracle.search(query.tolist(), k, 5, candidates).slots.tolist()))
        assert len(found) == k
    return hits / (k * len(queries))


@needs_hnswlib
@pytest.mark.parametrize("kind", ["cosine", "euclidean"])
def test_hnsw_finds_nearly_what_an_exact_scan_finds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.vector.vector_index.HNSW_ROWS_MIN", 500)
    monkeypatch.setattr("memoradb.storage.vector.vector_index.EXACT_CANDIDATES_MAX", 100)
    rows = random_rows(2_000, 16, 1)
    index, oracle = VectorIndex(definition(kind, 16)), VectorIndex(definition(kind, 16))
    for one in (index, oracle):
        one.add(np.arange(1_800), [ListColumn(rows[:1_800].tolist())], 1)
    index.seal()
    assert (index.search_mode, oracle.search_mode) == ("hnsw", "exact")
    for one in (index, oracle):  # a fresh part, deletions and overwrites on top of the graph
        one.add(np.arange(1_800, 2_000), [ListColumn(rows[1_800:].tolist())], 2)
        for slot in range(0, 600, 2):
            one.replace(slot, [rows[slot].tolist()], None, 3)
        for slot in range(1, 100, 2):
            one.replace(slot, [rows[slot].tolist()], [(-rows[slot]).tolist()], 4)
    queries = random_rows(40, 16, 2)
    assert recall(index, oracle, queries, 10) > 0.9
    half = BitMap(range(0, 2_000, 3))
    assert recall(index, oracle, queries, 10, half) > 0.85
    few = BitMap(range(1_700, 1_760))
    assert recall(index, oracle, queries, 10, few) == 1.0
    exact_hit = index.search(rows[1_900].tolist(), 1, 5)
    assert exact_hit.slots.tolist() == [1_900]  # an insert is found at once
    assert index.search(rows[0].tolist(), 1, 2).slots.tolist() == [0]  # and by an older snapshot what was deleted since


@needs_hnswlib
def test_a_graph_is_loaded_as_it_was_dumped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.vector.vector_index.HNSW_ROWS_MIN", 300)
    monkeypatch.setattr("memoradb.storage.vector.vector_index.EXACT_CANDIDATES_MAX", 50)
    rows = random_rows(600, 8, 3)
    index = an_index(rows.tolist(), "cosine")
    index.seal()
    (section,) = index.dump("vectors/index-0")
    loaded = VectorIndex(definition("cosine", 8))
    assert loaded.load({"vectors/index-0": decode_section(memoryview(encode_section(section)), "f")}, "vectors/index-0")
    assert loaded.search_mode == "hnsw"
    for query in random_rows(10, 8, 4).tolist():
        one, other = index.search(query, 5, 1), loaded.search(query, 5, 1)
        assert one.slots.tolist() == other.slots.tolist() and one.scores.tolist() == other.scores.tolist()
    loaded.replace(3, [rows[3].tolist()], [rows[4].tolist()], 2)
    assert loaded.search(rows[4].tolist(), 2, 2).slots.tolist() == [3, 4]


def test_without_hnswlib_a_graph_in_a_checkpoint_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(400, 4, 5)
    index = an_index(rows.tolist(), "euclidean")
    monkeypatch.setattr("memoradb.storage.vector.vector_index.HNSW_ROWS_MIN", 100)
    index.seal()
    (section,) = index.dump("vectors/index-0")
    monkeypatch.setattr("memoradb.storage.vector.vector_index.available", lambda: False)
    loaded = VectorIndex(definition("euclidean", 4))
    loaded.load({"vectors/index-0": section}, "vectors/index-0")
    assert loaded.search_mode == "exact" and loaded.search(rows[7].tolist(), 1, 1).slots.tolist() == [7]
