"""Transactions of several statements over HTTP."""

from __future__ import annotations

from typing import Any

from served import LONG, Served, eventually, serve


def begin(served: Served, **settings: object) -> str:
    answer = served.request("POST", "/api/v1/transactions", settings)
    assert answer.status == 201, answer.body
    return answer.json()["id"]


def end(served: Served, name: str, how: str) -> dict:  # type: ignore[type-arg]
    answer = served.request("POST", f"/api/v1/transactions/{name}/{how}")
    return answer.json() | {"code": answer.status}


def count(served: Served, label: str, **more: Any) -> int:
    return served.query(f"MATCH (n:{label}) RETURN count(n)", **more).json()["rows"][0][0]


def test_what_runs_in_a_transaction_is_seen_by_others_when_it_commits(served: Served) -> None:
    name = begin(served)
    assert served.query("CREATE (:InTx)", transaction=name).status == 200
    assert count(served, "InTx", transaction=name) == 1
    assert count(served, "InTx") == 0
    done = end(served, name, "commit")
    assert done["status"] == "ok"
    assert done["transaction"] == served.database.storage.history.commit_at(done["position"]).transaction  # type: ignore[union-attr]
    assert count(served, "InTx") == 1


def test_a_rollback_forgets_it_and_its_name(served: Served) -> None:
    name = begin(served)
    served.query("CREATE (:Dropped)", transaction=name)
    assert end(served, name, "rollback")["status"] == "ok"
    assert count(served, "Dropped") == 0
    gone = served.query("RETURN 1", transaction=name)
    assert (gone.status, gone.json()["error"]) == (409, "TransactionClosed")


def test_the_loser_of_a_conflict_is_told_that_it_may_try_again(served: Served) -> None:
    served.query("CREATE (:Fought {n: 0})")
    names = [begin(served), begin(served, isolation="snapshot")]
    for name in names:
        served.query("MATCH (n:Fought) SET n.n = n.n + 1", transaction=name)
    assert end(served, names[0], "commit")["code"] == 200
    lost = end(served, names[1], "commit")
    assert (lost["code"], lost["error"], lost["retryable"]) == (409, "WriteConflict", True)


def test_one_that_is_idle_is_rolled_back(served: Served) -> None:
    name = begin(served, idle_ms=20)
    served.query("CREATE (:Idle)", transaction=name)
    eventually(lambda: len(served.server.core.transactions) == 0)
    assert served.query("RETURN 1", transaction=name).json()["error"] == "TransactionClosed"
    assert count(served, "Idle") == 0


def test_one_that_is_open_for_longer_than_its_time_limit_says_so(served: Served) -> None:
    name = begin(served, timeout_ms=20)
    answer = served.query(LONG, transaction=name)
    assert answer.json()["error"] == "DeadlineExceeded"
    end(served, name, "rollback")


def test_bad_settings_are_refused(served: Served) -> None:
    for body in ({"isolation": "none"}, {"isolation": 1}, {"timeout_ms": 0}, {"idle_ms": "long"}, {"idle_ms": 10**9}):
        answer = served.request("POST", "/api/v1/transactions", body)
        assert answer.status == 400, body
    assert served.query("RETURN 1", transaction=5).status == 400


def test_a_transaction_belongs_to_the_token_that_began_it() -> None:
    with serve(token="secret") as served:
        headers = {"Authorization": "Bearer secret"}
        answer = served.request("POST", "/api/v1/transactions", {}, headers)
        name = answer.json()["id"]
        assert served.request("POST", f"/api/v1/transactions/{name}/commit").status == 401
        core = served.server.core
        assert len(core.transactions) == 1
        assert served.request("POST", f"/api/v1/transactions/{name}/commit", None, headers).status == 200


def test_stopping_the_server_rolls_open_transactions_back() -> None:
    with serve() as served:
        name = begin(served)
        served.query("CREATE (:Open)", transaction=name)
        database = served.database
        core = served.server.core
    assert len(core.transactions) == 0
    assert database is not None
