"""Clients of a served database: ``memoradb.connect("http://...")`` and ``memoradb.connect("memoradb://...")``.

Both have ``execute`` as an embedded database has it, and answer with the same ``Result``. The wire client keeps Python
values as they are; over HTTP nodes, temporal values and the like arrive as JSON.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from memoradb.core import errors
from memoradb.core.errors import ConfigurationError, MemoraDBError, ProtocolError, RemoteProtocolError
from memoradb.core.spans import Position
from memoradb.core.values import Value
from memoradb.memql.parameters import normalise_parameters
from memoradb.memql.result import StatementResult, Summary
from memoradb.result import Result
from memoradb.storage.view import Counters

from .wire.frames import FrameDecoder, encode_frame
from .wire.messages import (
    Cancel,
    Done,
    Failure,
    Hello,
    Message,
    Rows,
    Run,
    Welcome,
    decode_column,
    from_frame,
    to_frame,
    to_wire,
)

TIMEOUT_SECONDS = 300.0
"""How long a client waits for the server's next byte."""


class Client(Protocol):
    """What both clients offer."""

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        """Run one statement on the server."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...

    def __enter__(self) -> Client: ...

    def __exit__(self, *_: object) -> None: ...


def remote_error(fields: Mapping[str, Any]) -> MemoraDBError:
    """The server's error as the class it was there, where that class needs only a message."""
    name = fields.get("error") or fields.get("type") or ""
    kind = getattr(errors, str(name), None)
    message = str(fields.get("message") or "The server failed.")
    if not (isinstance(kind, type) and issubclass(kind, MemoraDBError)) or issubclass(kind, errors.LimitError):
        kind = MemoraDBError
    error = kind(message)
    for attribute in ("code", "gqlstatus", "kind", "phase", "detail", "hint"):
        if fields.get(attribute) is not None:
            setattr(error, attribute, fields[attribute])
    position = fields.get("position")
    if isinstance(position, dict):
        error.position = Position(position["offset"], position["line"], position["column"])
    return error


def _summary(query: str, fields: Mapping[str, Any]) -> Summary:
    counters = Counters(**fields.get("counters", {}))
    return Summary(
        query,
        fields.get("query_type", ""),
        counters,
        fields.get("plan"),
        fields.get("plan_tree"),
        fields.get("notifications", ()),
        int(fields.get("time_ms", 0) * 1e6),
        position=fields.get("position"),
    )


class HttpClient:
    """Statements over ``POST /query``; one connection, kept open."""

    def __init__(self, host: str, port: int, token: str | None, timeout: float) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        body: dict[str, Any] = {"query": query, "parameters": dict(parameters or {})}
        if timeout_ms is not None:
            body["timeout_ms"] = timeout_ms
        try:
            self._connection.request("POST", "/query", orjson.dumps(body, default=str), self._headers)
            response = self._connection.getresponse()
            fields = orjson.loads(response.read())
        except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as error:
            self._connection.close()
            raise ProtocolError(f"The server cannot be reached, or is none: {error}.") from error
        if response.status >= 400:
            raise remote_error({**fields, "message": fields.get("detail"), "detail": fields.get("reason")})
        rows = fields["rows"]
        values: list[list[Value]] = (
            [list(c) for c in zip(*rows, strict=True)] if rows else [[] for _ in fields["columns"]]
        )
        summary = _summary(query, fields["summary"])
        return Result(StatementResult(tuple(fields["columns"]), values, len(rows), summary))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WireClient:
    """Statements over the wire protocol; one socket, one statement at a time."""

    def __init__(self, host: str, port: int, token: str | None, timeout: float) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise ProtocolError(f"No server answers at {host}:{port}: {error}.") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = FrameDecoder()
        self._waiting: list[Message] = []
        self._number = 0
        self._send(Hello(token, "memoradb-python"))
        answer = self._receive()
        if isinstance(answer, Failure):
            self.close()
            raise remote_error(answer.error)
        if not isinstance(answer, Welcome):
            self.close()
            raise RemoteProtocolError("The server did not welcome us.")

    def _send(self, message: Message) -> None:
        try:
            self._socket.sendall(encode_frame(to_frame(message)))
        except OSError as error:
            raise ProtocolError(f"The connection is gone: {error}.") from error

    def _receive(self) -> Message:
        while not self._waiting:
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise ProtocolError(f"The connection is gone: {error}.") from error
            if not data:
                self._decoder.end()
                raise ProtocolError("The server closed the connection.")
            self._waiting = [from_frame(f) for f in self._decoder.receive(data)]
        return self._waiting.pop(0)

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        self._number += 1
        given = to_wire(normalise_parameters(parameters)) if parameters else {}
        self._send(Run(self._number, query, given, timeout_ms))
        values: list[list[Value]] = []
        count = 0
        try:
            while True:
                message = self._receive()
                match message:
                    case Rows(count=more, columns=columns):
                        if not values:
                            values = [[] for _ in columns]
                        for held, column in zip(values, columns, strict=True):
                            held.extend(decode_column(column, more))
                        count += more
                    case Done(columns=names, summary=summary):
                        values = values or [[] for _ in names]
                        found = _summary(query, summary)
                        return Result(StatementResult(tuple(names), values, count, found))
                    case Failure(error=error):
                        raise remote_error(error)
                    case _:
                        raise RemoteProtocolError(f"A client does not take {type(message).__name__}.")
        except KeyboardInterrupt:
            self._send(Cancel(self._number))
            raise

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(url: str, *, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> Client:
    """A client of the server at ``url``: ``http://host:8080`` or ``memoradb://host:7688``.

    Raises:
        ConfigurationError: another scheme.
        ProtocolError: nobody answers there.
        AuthenticationError: the server wants another token.
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    if parts.scheme == "http":
        return HttpClient(host, parts.port or 8080, token, timeout)
    if parts.scheme == "memoradb":
        return WireClient(host, parts.port or 7688, token, timeout)
    raise ConfigurationError(f"`{url}` is no address: use http://host:port or memoradb://host:port.")
