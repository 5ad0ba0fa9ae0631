"""Start and stop."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from served import LONG, eventually, free_port, serve

import memoradb
from memoradb.core.errors import ConfigurationError, ProtocolError
from memoradb.server.app import listening_socket, running
from memoradb.server.config import ServerConfig


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("name", ["http_port", "wire_port", "mcp_port"])
def test_a_taken_port_is_said_and_the_others_are_free_again(name: str, taken: int) -> None:
    free = ServerConfig(http_port=free_port(), wire_port=free_port(), mcp_port=free_port())
    config = replace(free, **{name: taken})
    with (
        memoradb.open() as database,
        pytest.raises(ConfigurationError, match=f"Port {taken} on 127.0.0.1 is taken") as caught,
        running(database, config),
    ):
        pass
    assert f"--{name.replace('_', '-')}" in str(caught.value.hint)
    for port in {config.http_port, config.wire_port, config.mcp_port} - {taken}:
        listening_socket("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(ConfigurationError, match=r"Cannot listen on 192\.0\.2\.1"):
        listening_socket("192.0.2.1", free_port())
    with pytest.raises(ConfigurationError, match=r"Cannot listen on no\.such\.host\.invalid"):
        listening_socket("no.such.host.invalid", free_port())


def test_port_0_turns_a_protocol_off() -> None:
    with memoradb.open() as database, running(database, ServerConfig(http_port=0, wire_port=0, mcp_port=0)):
        assert database.execute("RETURN 1").value() == 1


def test_the_database_stays_open_when_its_server_stops() -> None:
    with memoradb.open() as database:
        for _ in range(2):
            port = free_port()
            with (
                running(database, ServerConfig(http_port=0, wire_port=port, mcp_port=0)),
                memoradb.connect(f"memoradb://127.0.0.1:{port}") as client,
            ):
                client.execute("CREATE (:Kept)")
        assert database.execute("MATCH (n:Kept) RETURN count(n)").value() == 2


def test_a_server_that_stops_before_mcp_has_loaded_stops() -> None:
    with serve(mcp=True) as served, memoradb.connect(served.wire_url) as client:
        assert client.execute("RETURN 1").value() == 1


def test_a_running_statement_is_stopped_after_its_grace() -> None:
    failures: list[Exception] = []

    def ask(url: str) -> None:
        try:
            with memoradb.connect(url) as client:
                client.execute(LONG)
        except memoradb.MemoraDBError as error:
            failures.append(error)

    with serve(grace_seconds=0.05) as served:
        thread = threading.Thread(target=ask, args=(served.wire_url,))
        thread.start()
        eventually(lambda: served.running == 1)
    thread.join(10)
    assert not thread.is_alive()
    assert [type(e).__name__ for e in failures] in (["Cancelled"], ["ProtocolError"])
    assert not isinstance(failures[0], ProtocolError) or "closed" in str(failures[0])
