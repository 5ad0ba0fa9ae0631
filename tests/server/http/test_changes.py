"""GET /api/v1/changes: pages, resuming, waiting."""

from __future__ import annotations

import threading

from served import Served


def page(served: Served, **query: int) -> dict:  # type: ignore[type-arg]
    shown = "&".join(f"{name}={value}" for name, value in query.items())
    answer = served.request("GET", f"/api/v1/changes?{shown}")
    assert answer.status == 200, answer.body
    return answer.json()


def test_pages_follow_each_other_without_gap_or_repeat(served: Served) -> None:
    start = served.database.storage.position
    for i in range(7):
        served.query("CREATE (:Paged {i: $i})", {"i": i})
    seen, after = [], start
    while True:
        found = page(served, after=after, limit=3)
        seen += [commit["changes"][0]["properties"]["i"] for commit in found["commits"]]
        if found["next"] == found["newest"] == after:
            break
        assert len(found["commits"]) <= 3
        after = found["next"]
    assert seen == list(range(7))


def test_a_change_names_its_element_and_what_is_new(served: Served) -> None:
    start = served.database.storage.position
    served.query("CREATE (:Shown {a: 1, at: date('2025-06-15')})-[:LINKED {w: 2}]->(:Shown)")
    served.query("MATCH (n:Shown {a: 1}) SET n:More, n.b = 3 REMOVE n.a")
    served.query("MATCH (n:Shown) DETACH DELETE n")
    created, changed, deleted = page(served, after=start)["commits"]
    first, _, linked = created["changes"]
    assert first["labels"] == ["Shown"]
    assert first["properties"] == {"a": 1, "at": "2025-06-15"}
    assert (linked["kind"], linked["type"], linked["start"]) == ("relationship", "LINKED", first["element"])
    assert changed["changes"] == [
        {
            "element": first["element"],
            "kind": "node",
            "change": "changed",
            "labels": ["More"],
            "properties": {"a": None, "b": 3},
        }
    ]
    assert {c["change"] for c in deleted["changes"]} == {"deleted"}
    assert len(deleted["changes"]) == 3
    assert created["transaction"] + 2 == deleted["transaction"]


def test_at_the_end_a_page_waits_for_the_next_commit(served: Served) -> None:
    after = served.database.storage.position
    writer = threading.Timer(0.05, lambda: served.database.execute("CREATE (:Awaited)"))
    writer.start()
    found = page(served, after=after, wait_ms=30_000)
    writer.join()
    assert [c["labels"] for commit in found["commits"] for c in commit["changes"]] == [["Awaited"]]


def test_at_the_end_a_page_that_does_not_wait_is_empty(served: Served) -> None:
    after = served.database.storage.position
    assert page(served, after=after) == {"commits": [], "next": after, "newest": after}


def test_a_position_that_is_not_there_yet_or_no_number_is_refused(served: Served) -> None:
    for wrong in ("after=100000", "after=-1", "after=x", "limit=0"):
        answer = served.request("GET", f"/api/v1/changes?{wrong}")
        assert answer.status == 400, wrong
        assert answer.json()["error"] == "ArgumentError"
