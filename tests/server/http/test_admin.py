"""Health, metrics, snapshots."""

from pathlib import Path

from served import Served, serve

import memoradb


def test_health_tells_state_cluster_and_size(served: Served) -> None:
    served.query("CREATE (:Healthy)-[:AND]->(:Well)")
    found = served.request("GET", "/api/v1/health").json()
    assert found["status"] == "healthy"
    assert found["version"] == memoradb.__version__
    assert found["cluster"] == {"mode": "single", "role": "leader", "nodes": 1}
    assert found["nodes"] >= 2
    assert found["relationships"] >= 1


def test_metrics_count_statements_errors_and_protocols(served: Served) -> None:
    before = served.request("GET", "/api/v1/metrics").json()
    served.query("RETURN 1")
    served.query("RETURN nothing_of_that_name")
    with memoradb.connect(served.wire_url) as client:
        client.execute("RETURN 1")
    after = served.request("GET", "/api/v1/metrics").json()
    assert after["statements"] == before["statements"] + 3
    assert after["statement_errors"] == before["statement_errors"] + 1
    assert after["statements_by_protocol"]["wire"] == before["statements_by_protocol"].get("wire", 0) + 1
    assert after["statement_time_ms"] > before["statement_time_ms"]
    assert after["statements_running"] == 0
    assert {"nodes", "relationships", "commits", "log_position"} <= after.keys()


def test_metrics_come_as_prometheus_text_where_that_is_asked_for(served: Served) -> None:
    served.query("RETURN 1")
    answer = served.request("GET", "/api/v1/metrics", headers={"Accept": "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"})
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines())
    assert int(lines["memoradb_statements"]) >= 1
    assert int(lines['memoradb_statements_by_protocol{protocol="http"}']) >= 1
    shown = served.request("GET", "/api/v1/metrics").json()
    assert {f"memoradb_{name}" for name in shown if name != "statements_by_protocol"} <= lines.keys()
    assert {"history_horizon", "history_view_hit_rate", "plan_cache_hit_rate", "undo_bytes"} <= shown.keys()


def test_a_snapshot_in_memory_says_that_it_is_not_durable(served: Served) -> None:
    answer = served.request("POST", "/api/v1/snapshot")
    assert answer.status == 201
    assert answer.json()["status"] == "ok"
    assert answer.json()["durable"] is False


def test_a_snapshot_on_disk_is_there_at_the_next_start(tmp_path: Path) -> None:
    with serve(path=tmp_path / "data") as served:
        served.query("CREATE (:Kept)")
        answer = served.request("POST", "/api/v1/snapshot")
        assert answer.json() == {"status": "ok", "position": served.database.storage.position, "durable": True}
        assert {"log_bytes", "log_syncs"} <= served.request("GET", "/api/v1/metrics").json().keys()
    assert list((tmp_path / "data" / "metadata").iterdir())
    with memoradb.open(tmp_path / "data") as database:
        assert database.execute("MATCH (n:Kept) RETURN count(n)").value() == 1
