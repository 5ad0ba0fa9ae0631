"""POST /query over a real socket."""

import http.client
import json

import pytest
from served import LONG, Served, eventually


def test_rows_columns_and_summary_come_as_json(served: Served) -> None:
    answer = served.query("UNWIND $xs AS x RETURN x AS number, x * 2 AS twice", {"xs": [1, 2]})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json()
    assert found["columns"] == ["number", "twice"]
    assert found["rows"] == [[1, 2], [2, 4]]
    assert found["summary"]["query_type"] == "r"
    assert found["summary"]["rows"] == 2


def test_a_write_is_answered_with_its_counters_and_its_log_position(served: Served) -> None:
    found = served.query("CREATE (:Written {a: 1})-[:TO]->(:Written)").json()
    assert found["columns"] == []
    assert found["rows"] == []
    assert found["summary"]["counters"] == {
        "nodes_created": 2,
        "relationships_created": 1,
        "properties_set": 1,
        "labels_added": 2,
    }
    assert found["summary"]["position"] > 0


def test_explain_and_profile_carry_the_plan(served: Served) -> None:
    explained = served.query("EXPLAIN MATCH (n:Planned) RETURN n").json()["summary"]
    assert "Logical plan" in explained["plan"]
    assert "Physical plan" in explained["plan"]
    profiled = served.query("PROFILE UNWIND [1, 2] AS x RETURN x").json()
    assert profiled["rows"] == [[1], [2]]
    assert profiled["summary"]["plan_tree"]


@pytest.mark.parametrize(
    ("query", "status", "code", "position"),
    [
        ("RETURN foo", 400, "Neo.ClientError.Statement.SyntaxError", (7, 1, 8)),
        ("MATCH (n)\nRETURN n,", 400, "Neo.ClientError.Statement.SyntaxError", None),
        ("RETURN unheard(1)", 400, "Neo.ClientError.Statement.SyntaxError", (7, 1, 8)),
        ("RETURN $missing", 400, "Neo.ClientError.Statement.ParameterMissing", None),
        ("RETURN " + "[" * 10_000 + "]" * 10_000, 400, "Neo.ClientError.Statement.SyntaxError", (107, 1, 108)),
        ("RETURN 1 / 0", 400, "Neo.ClientError.Statement.ArithmeticError", None),
    ],
)
def test_a_fault_is_a_problem_document(
    served: Served, query: str, status: int, code: str, position: tuple[int, int, int] | None
) -> None:
    answer = served.query(query)
    problem = answer.json()
    assert answer.status == problem["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == code
    assert problem["detail"]
    assert "hint" in problem
    if position is not None:
        assert tuple(problem["position"].values()) == position
        assert "^" in problem["text"]


def test_a_hint_says_what_was_meant(served: Served) -> None:
    problem = served.query("MATCH (friend) RETURN freind").json()
    assert "friend" in problem["hint"]
    assert problem["position"] == {"offset": 22, "line": 1, "column": 23}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "not JSON"),
        (b"{}", "`query` must be a string"),
        (b'{"query": 1}', "`query` must be a string"),
        (b'{"query": "RETURN 1", "parameters": [1]}', "`parameters` must be an object"),
        (b'{"query": "RETURN 1", "timeout_ms": 0}', "`timeout_ms`"),
        (b'{"query": "RETURN 1", "timeout_ms": true}', "`timeout_ms`"),
        (b'{"query": "RETURN 1", "read_only": 1}', "`read_only`"),
    ],
)
def test_a_malformed_body_is_refused_in_words(served: Served, body: bytes, says: str) -> None:
    answer = served.request("POST", "/query", body)
    assert answer.status == 400
    assert says in answer.json()["detail"]
    assert answer.json()["code"] == "Neo.ClientError.Request.Invalid"


def test_a_malformed_messagepack_body_is_refused_in_words(served: Served) -> None:
    for body in (b"\xc1", b"\x93\x01", b"\x91" * 5_000 + b"\x90", b"\x01"):
        answer = served.request("POST", "/query", body, {"Content-Type": "application/vnd.memoradb+msgpack"})
        assert answer.status == 400


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30])
def test_an_integer_beyond_64_bits_is_refused_rather_than_made_a_float(served: Served, number: int) -> None:
    answer = served.query("RETURN $x", {"x": number})
    assert answer.status == 400
    assert answer.json()["error"] == "ArithmeticOverflow"
    assert served.query("RETURN $x", {"x": 2**63 - 1}).json()["rows"] == [[2**63 - 1]]


def test_a_parameter_nested_too_deep_is_refused(served: Served) -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    answer = served.query("RETURN $x", {"x": deep})
    assert answer.status == 400
    assert answer.json()["limit"] == "VALUE_DEPTH_MAX"


def test_a_read_only_request_refuses_to_write_and_writes_nothing(served: Served) -> None:
    answer = served.query("CREATE (:Forbidden)", read_only=True)
    assert answer.status == 400
    assert answer.json()["code"] == "Neo.ClientError.Statement.AccessMode"
    assert served.query("MATCH (n:Forbidden) RETURN count(n) AS n").json()["rows"] == [[0]]
    assert served.query("EXPLAIN CREATE (:Forbidden)", read_only=True).status == 200


def test_a_statement_beyond_its_time_is_stopped(served: Served) -> None:
    answer = served.query(LONG, timeout_ms=50)
    assert answer.status == 408
    assert answer.json()["code"] == "Neo.ClientError.Transaction.TransactionTimedOut"
    eventually(lambda: served.running == 0)


def test_other_clients_are_served_while_a_long_statement_runs(served: Served) -> None:
    slow = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
    slow.request("POST", "/query", json.dumps({"query": LONG}).encode())
    eventually(lambda: served.running == 1)
    assert served.query("RETURN 1").status == 200
    assert served.running == 1
    slow.close()
    eventually(lambda: served.running == 0)


def test_the_statement_of_a_client_that_went_away_is_cancelled(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
    connection.request("POST", "/query", json.dumps({"query": LONG}).encode())
    eventually(lambda: served.running == 1)
    connection.close()
    eventually(lambda: served.running == 0)


def test_a_write_of_a_client_that_went_away_leaves_nothing(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
    text = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b CREATE (:Half {a: a})"
    connection.request("POST", "/query", json.dumps({"query": text}).encode())
    eventually(lambda: served.running == 1)
    connection.close()
    eventually(lambda: served.running == 0)
    assert served.query("MATCH (n:Half) RETURN count(n)").json()["rows"] == [[0]]


def test_one_connection_takes_many_requests(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
    for i in range(20):
        connection.request("POST", "/query", json.dumps({"query": f"RETURN {i}"}).encode())
        assert json.loads(connection.getresponse().read())["rows"] == [[i]]
    connection.close()
