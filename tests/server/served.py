"""A real server on a thread, reached over loopback."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import memoradb
from memoradb.core.errors import ConfigurationError
from memoradb.server.app import Server, running
from memoradb.server.config import ServerConfig

LONG = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*) AS n"
"""A statement that runs for minutes, in many batches."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` is true; a failure after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.005)


@dataclass(frozen=True)
class Answer:
    """What an HTTP request was answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A running server and how to reach it."""

    database: memoradb.Database
    server: Server

    @property
    def config(self) -> ServerConfig:
        return self.server.config

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.config.http_port}"

    @property
    def wire_url(self) -> str:
        return f"memoradb://127.0.0.1:{self.config.wire_port}"

    @property
    def mcp_url(self) -> str:
        return f"http://127.0.0.1:{self.config.mcp_port}/mcp"

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One HTTP request; a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.config.http_port, timeout=30)
        try:
            raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, raw, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def query(self, text: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        """POST /query."""
        return self.request("POST", "/query", {"query": text, "parameters": parameters or {}, **more})

    def socket(self) -> socket.socket:
        """A bare connection to the wire port."""
        return socket.create_connection(("127.0.0.1", self.config.wire_port), timeout=30)

    @property
    def running(self) -> int:
        """Statements that run now."""
        return self.server.core.running


@contextmanager
def serve(*, mcp: bool = False, path: Any = None, **config: Any) -> Iterator[Served]:
    """A server over a database of its own, in memory unless ``path`` is given."""
    with memoradb.open(path) as database:
        for attempt in range(5):
            ports = ServerConfig(
                http_port=free_port(), wire_port=free_port(), mcp_port=free_port() if mcp else 0, **config
            )
            try:
                with running(database, ports) as server:
                    yield Served(database, server)
                    return
            except ConfigurationError as error:
                # Another test was faster in taking the port.
                if "is taken" not in error.message or attempt == 4:
                    raise
