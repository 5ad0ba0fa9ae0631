"""MCP by the SDK's own client: over streamable HTTP beside the other protocols, and over stdio."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import LONG, Served, eventually, serve

import memoradb

SEED = "CREATE (:Person {name: 'Ada', born: date('1815-12-10')})-[:KNOWS {since: 1833}]->(:Person {name: 'Charles'})"


@pytest.fixture(scope="module")
def graph() -> Iterator[Served]:
    # The client's half of the library first: two threads of one process must not load it at the same time.
    import mcp.client  # noqa: F401

    with serve(mcp=True) as served:
        served.database.execute(SEED)
        served.database.execute("CREATE INDEX person_name FOR (n:Person) ON (n.name)")
        yield served


@pytest.fixture(scope="module")
def stdio(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from mcp.client.stdio import StdioServerParameters

    data = tmp_path_factory.mktemp("stdio") / "data"
    with memoradb.open(data) as database:
        database.execute(SEED)
        database.execute("CREATE INDEX person_name FOR (n:Person) ON (n.name)")
    source = str(Path(memoradb.__file__).parents[1])
    return StdioServerParameters(
        command=sys.executable, args=["-m", "memoradb", "mcp", "--data", str(data)], env={"PYTHONPATH": source}
    )


def talk(target: Any, work: Any) -> Any:
    """Run ``work(client)`` against a server."""
    from mcp.client import Client

    async def run() -> Any:
        async with Client(target) as client:
            return await work(client)

    return asyncio.run(run())


async def _conversation(client: Any) -> None:
    """What must hold whatever carries it."""
    (tool,) = (await client.list_tools()).tools
    assert tool.name == "query"
    assert tool.annotations.read_only_hint is True
    assert set(tool.input_schema["properties"]) == {"query", "parameters", "limit", "timeout_ms"}
    assert tool.input_schema["required"] == ["query"]
    assert set(tool.output_schema["required"]) == {"columns", "rows", "row_count", "truncated"}

    text = "MATCH (p:Person {name: $name})-[k:KNOWS]->(q) RETURN p.born AS born, k.since AS since, q.name AS other"
    answer = await client.call_tool("query", {"query": text, "parameters": {"name": "Ada"}})
    assert not answer.is_error
    assert answer.structured_content == {
        "columns": ["born", "since", "other"],
        "rows": [["1815-12-10", 1833, "Charles"]],
        "row_count": 1,
        "truncated": False,
    }
    assert "1815-12-10" in answer.content[0].text

    refused = await client.call_tool("query", {"query": "CREATE (:Person {name: 'Eve'})"})
    assert refused.is_error
    assert "Neo.ClientError.Statement.AccessMode" in refused.content[0].text
    hidden = await client.call_tool("query", {"query": "MATCH (p:Person) CALL { WITH p SET p.x = 1 } RETURN p"})
    assert hidden.is_error
    count = await client.call_tool("query", {"query": "MATCH (p:Person) RETURN count(p) AS n, count(p.x) AS x"})
    assert count.structured_content["rows"] == [[2, 0]]

    wrong = await client.call_tool("query", {"query": "MATCH (person) RETURN persn"})
    assert wrong.is_error
    assert "^^^^^" in wrong.content[0].text
    assert "person" in wrong.content[0].text

    cut = await client.call_tool("query", {"query": "UNWIND range(1, 50) AS x RETURN x", "limit": 3})
    assert cut.structured_content["rows"] == [[1], [2], [3]]
    assert cut.structured_content["truncated"] is True
    assert (await client.call_tool("query", {"query": "RETURN 1", "limit": 0})).is_error
    assert (await client.call_tool("query", {"query": "RETURN 1", "limit": 1_000_000})).is_error

    plan = await client.call_tool("query", {"query": "EXPLAIN CREATE (:Person)"})
    assert plan.structured_content["columns"] == ["plan"]

    late = await client.call_tool("query", {"query": LONG, "timeout_ms": 30})
    assert late.is_error
    assert "TransactionTimedOut" in late.content[0].text

    resources = (await client.list_resources()).resources
    assert [r.uri for r in resources] == ["memoradb://schema"]
    schema = (await client.read_resource("memoradb://schema")).contents[0].text
    assert "(:Person) 2 nodes" in schema
    assert "born: DATE" in schema
    assert "(:Person)-[:KNOWS]->(:Person)" in schema
    assert "person_name on Person (name)" in schema


def test_the_sdks_client_asks_over_http(graph: Served) -> None:
    talk(graph.mcp_url, _conversation)


def test_the_sdks_client_asks_over_stdio(stdio: Any) -> None:
    talk(stdio, _conversation)


def test_mcp_shares_the_process_and_its_graph(graph: Served) -> None:
    with memoradb.connect(graph.wire_url) as client:
        client.execute("CREATE (:Shared {by: 'wire'})")

    async def ask(client: Any) -> Any:
        return await client.call_tool("query", {"query": "MATCH (s:Shared) RETURN s.by AS by"})

    assert talk(graph.mcp_url, ask).structured_content["rows"] == [["wire"]]
    metrics = graph.request("GET", "/api/v1/metrics").json()
    assert metrics["statements_by_protocol"]["mcp"] > 0


def test_a_call_that_is_given_up_stops_its_statement(graph: Served) -> None:
    async def give_up(client: Any) -> None:
        call = asyncio.create_task(client.call_tool("query", {"query": LONG, "timeout_ms": 60_000}))
        while graph.running == 0:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    talk(graph.mcp_url, give_up)
    eventually(lambda: graph.running == 0)


def test_with_a_token_only_its_bearer_reaches_mcp() -> None:
    with serve(mcp=True, token="secret") as served:
        import http.client
        import json

        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
        accept = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        for token, allowed in (("", False), ("Bearer no", False), ("Bearer secret", True)):
            connection = http.client.HTTPConnection("127.0.0.1", served.config.mcp_port, timeout=30)
            connection.request("POST", "/mcp", body, {**accept, "Authorization": token, "Host": "my.example.org"})
            response = connection.getresponse()
            assert (response.status != 401) is allowed
            connection.close()


def test_without_a_token_no_web_page_reaches_mcp(graph: Served) -> None:
    import http.client

    for headers in ({"Host": "evil.example.org"}, {"Origin": "https://evil.example.org"}):
        connection = http.client.HTTPConnection("127.0.0.1", graph.config.mcp_port, timeout=30)
        connection.request("POST", "/mcp", b"{}", {"Content-Type": "application/json", **headers})
        assert connection.getresponse().status in (403, 421)
        connection.close()
