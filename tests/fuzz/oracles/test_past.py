"""The oracle of the past: right answers agree, and a state of another moment is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from memoradb.fuzz.examine import examine
from memoradb.fuzz.oracles.engine import Bench
from memoradb.fuzz.strategies.queries import Query

GRAPH = "CREATE (:A {x: 1, id: 0})-[:R]->(:B {x: 2, id: 1}), (:C {s: 'q', id: 2})"


def test_answers_as_of_then_agree_while_the_graph_goes_on() -> None:
    bench = Bench(GRAPH)
    for text in ("MATCH (n) RETURN n.x AS x", "MATCH (a:A)-[r]->(b) RETURN a, r, b", "MATCH (n) RETURN count(*) AS c"):
        assert examine(bench, Query(text), ("reference", "past")) is None
    assert bench.changed()[1] == 1
    bench.close()


def test_a_view_of_the_wrong_moment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(GRAPH)
    other, _ = bench.changed()

    def present(position: int) -> Any:
        return other.database.snapshot()

    monkeypatch.setattr(other.database.storage.history, "at", present)
    finding = examine(bench, Query("MATCH (n) RETURN n.x AS x"), ("reference", "past"))
    assert finding is not None
    assert finding.oracle == "past"
    bench.close()
