"""Who may come in, how much, and what anything unexpected is answered."""

import http.client

import pytest
from served import Served, serve


def test_an_unknown_address_says_what_there_is(served: Served) -> None:
    answer = served.request("GET", "/api/v1/nothing")
    assert answer.status == 404
    assert "/api/v1/health" in answer.json()["hint"]


def test_a_wrong_method_says_which_is_right(served: Served) -> None:
    answer = served.request("GET", "/query")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["hint"] == "Use POST."


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api/v1/health", "DELETE"), ("/api/v1/snapshot", "GET"), ("/api/v1/nodes/1", "PUT")],
)
def test_every_route_refuses_other_methods(served: Served, path: str, method: str) -> None:
    assert served.request(method, path).status == 405


def test_a_body_that_is_too_long_is_refused_and_its_sender_can_read_why() -> None:
    with serve(body_bytes_max=10_000) as served:
        answer = served.query("RETURN $x", {"x": "a" * 5_000_000})
        assert answer.status == 413
        problem = answer.json()
        assert problem["limit"] == "HTTP_BODY_BYTES_MAX"
        assert problem["value"] == 10_000
        assert problem["hint"]
        assert served.query("RETURN 1").status == 200


def test_a_chunked_body_that_is_too_long_is_refused_too() -> None:
    with serve(body_bytes_max=10_000) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
        connection.request("POST", "/query", (b"x" * 1_000 for _ in range(100)), encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()


def test_an_absurd_length_is_refused_before_the_body_is_read(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.config.http_port, timeout=30)
    connection.putrequest("POST", "/query")
    connection.putheader("Content-Length", str(2 << 30))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_with_a_token_only_its_bearer_comes_in() -> None:
    with serve(token="s3cret") as served:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            answer = served.request("POST", "/query", {"query": "RETURN 1"}, headers)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.json()["code"] == "Neo.ClientError.Security.Unauthorized"
        headers = {"Authorization": "Bearer s3cret"}
        assert served.request("POST", "/query", {"query": "RETURN 1"}, headers).status == 200
        assert served.request("GET", "/api/v1/metrics").status == 401
        assert served.request("GET", "/api/v1/health").status == 200


def test_without_a_token_no_web_page_comes_in_through_a_browser(served: Served) -> None:
    for headers in ({"Origin": "https://example.com"}, {"Host": "example.com"}, {"Origin": "null"}):
        answer = served.request("POST", "/query", {"query": "CREATE (:Planted)"}, headers)
        assert answer.status == 403
        assert answer.json()["code"] == "Neo.ClientError.Security.Forbidden"
    assert served.query("MATCH (n:Planted) RETURN count(n)").json()["rows"] == [[0]]
    for headers in ({"Origin": "http://localhost:3000"}, {"Host": "localhost"}, {"Host": "[::1]:8080"}):
        assert served.request("POST", "/query", {"query": "RETURN 1"}, headers).status == 200


def test_a_fault_of_the_server_is_a_problem_document_too(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(served.database, "checkpoint", fail)
    answer = served.request("POST", "/api/v1/snapshot")
    assert answer.status == 500
    assert answer.json()["code"] == "Neo.DatabaseError.General.UnknownError"
    assert b"a bug" not in answer.body
