"""Clients of a served database: ``memoradb.connect("http://...")`` and ``memoradb.connect("memoradb://...")``.

Both have ``execute`` as an embedded database has it, and answer with the same ``Result`` of the same values: over HTTP
they ask for MessagePack, which keeps the types that JSON has not. Errors come back as the classes they were on the
server. Transactions of several statements belong to the connection over ``memoradb://``, and have a name over HTTP.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar, overload
from urllib.parse import urlsplit

import orjson

from memoradb.core import errors
from memoradb.core.clock import SystemClock
from memoradb.core.errors import (
    ArgumentError,
    ConfigurationError,
    MemoraDBError,
    ProtocolError,
    RemoteProtocolError,
    TransactionClosed,
)
from memoradb.core.retry import ATTEMPTS, run_retried
from memoradb.core.rng import SystemRandom
from memoradb.core.spans import Position, Span
from memoradb.core.values import Value
from memoradb.memql.notifications import Notification
from memoradb.memql.parameters import normalise_parameters
from memoradb.memql.result import StatementResult, Summary
from memoradb.result import Result
from memoradb.storage.transaction import Isolation
from memoradb.storage.view import Counters

from .http.values import MSGPACK
from .wire.frames import FrameDecoder, encode_frame
from .wire.messages import (
    Begin,
    Cancel,
    Commit,
    Done,
    Failure,
    Hello,
    Message,
    Rollback,
    Rows,
    Run,
    Welcome,
    decode_column,
    decode_value,
    encode_value,
    from_frame,
    to_frame,
    to_wire,
)

T = TypeVar("T")

TIMEOUT_SECONDS = 300.0
"""How long a client waits for the server's next byte."""


class Client(Protocol):
    """What both clients offer."""

    def execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
        read_only: bool = False,
    ) -> Result:
        """Run one statement on the server."""
        ...

    def begin(self, *, isolation: Isolation = ..., timeout_ms: int | None = ...) -> ClientTransaction:
        """An explicit transaction, as ``Database.begin``; use it as a context manager."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...

    def __enter__(self) -> Client: ...

    def __exit__(self, *_: object) -> None: ...


def remote_error(fields: Mapping[str, Any], query: str | None = None) -> MemoraDBError:
    """The server's error as the class it was there, pointing into ``query`` as it did there."""
    kind = getattr(errors, str(fields.get("error") or fields.get("type")), None)
    message = str(fields.get("message") or "The server failed.")
    if not (isinstance(kind, type) and issubclass(kind, MemoraDBError)):
        kind = MemoraDBError
    if issubclass(kind, errors.LimitError):
        error: MemoraDBError = kind(message, limit=str(fields.get("limit")), value=int(fields.get("value") or 0))
    elif issubclass(kind, errors.HistoryUnavailable):
        error = kind(message, horizon=int(fields.get("horizon") or 0))
    else:
        error = kind(message)
    for attribute in ("code", "gqlstatus", "kind", "phase", "detail", "hint"):
        setattr(error, attribute, fields.get(attribute))
    position = fields.get("position")
    if isinstance(position, dict):
        error.position = Position(position["offset"], position["line"], position["column"])
        if query is not None:
            error.span = Span(position["offset"], position["offset"] + int(fields.get("length") or 1))
            error.located(query)
    return error


def _summary(query: str, fields: Mapping[str, Any]) -> Summary:
    return Summary(
        query,
        fields.get("query_type", ""),
        Counters(**fields.get("counters", {})),
        fields.get("plan"),
        fields.get("plan_tree"),
        tuple(map(Notification.from_dict, fields.get("notifications", ()))),
        round(fields.get("time_ms", 0) * 1e6),
        round(fields.get("compile_ms", 0) * 1e6),
        fields.get("position"),
        fields.get("transaction"),
        fields.get("as_of"),
    )


def _parameters(parameters: Mapping[str, Any] | None) -> Any:
    """Parameters as the protocols carry them.

    Raises:
        TypeMismatch: a value that MemQL has no type for.
    """
    normal = normalise_parameters(parameters) if parameters else {}
    given = to_wire(normal)
    try:
        encode_value(given)
    except UnicodeEncodeError:
        return {str(to_wire(k)): to_wire(v, any_text=True) for k, v in normal.items()}
    return given


def _check_text(query: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"The statement holds half a surrogate pair at offset {error.start}, which cannot be sent.",
            hint="Send the text as a parameter.",
        ) from None


class _Transactions:
    """``transaction`` for whoever has ``begin``."""

    def begin(self, *, isolation: Isolation = "serializable", timeout_ms: int | None = None) -> ClientTransaction:
        """An explicit transaction, as ``Database.begin``; use it as a context manager."""
        raise NotImplementedError

    @overload
    def transaction(self, *, isolation: Isolation = ..., timeout_ms: int | None = ...) -> ClientTransaction: ...

    @overload
    def transaction(
        self,
        work: Callable[[ClientTransaction], T],
        *,
        isolation: Isolation = ...,
        timeout_ms: int | None = ...,
        attempts: int = ...,
    ) -> T: ...

    def transaction(
        self,
        work: Callable[[ClientTransaction], T] | None = None,
        *,
        isolation: Isolation = "serializable",
        timeout_ms: int | None = None,
        attempts: int = ATTEMPTS,
    ) -> ClientTransaction | T:
        """``with client.transaction() as tx`` commits at the end of the block, and rolls back on an exception.

        ``client.transaction(work)`` runs ``work(tx)`` and commits, again after a random pause where it lost to another
        transaction, ``attempts`` times at most.
        """

        def begin() -> ClientTransaction:
            return self.begin(isolation=isolation, timeout_ms=timeout_ms)

        if work is None:
            return begin()
        return run_retried(begin, work, attempts, SystemClock(), SystemRandom())


class HttpClient(_Transactions):
    """Statements over ``POST /query``; one connection, kept open. Threads may share it: they take turns."""

    def __init__(self, host: str, port: int, token: str | None, timeout: float) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self._lock = threading.Lock()
        self._headers = {"Content-Type": MSGPACK, "Accept": MSGPACK}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
        read_only: bool = False,
    ) -> Result:
        return self._execute(query, parameters, timeout_ms, read_only, None)

    def _execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        timeout_ms: int | None,
        read_only: bool,
        transaction: str | None,
    ) -> Result:
        _check_text(query)
        body = {"query": query, "parameters": _parameters(parameters), "read_only": read_only}
        if timeout_ms is not None:
            body["timeout_ms"] = timeout_ms
        if transaction is not None:
            body["transaction"] = transaction
        status, media_type, answer = self._request("POST", "/query", encode_value(body), self._headers)
        if status >= 400 or media_type != MSGPACK:
            raise _http_error(status, answer, query)
        fields = decode_value(answer)
        values = [decode_column(c, fields["count"]) for c in fields["values"]]
        summary = _summary(query, fields["summary"])
        return Result(StatementResult(tuple(fields["columns"]), values, fields["count"], summary))

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that answers a request."""
        headers = self._headers | {"Content-Type": "application/json", "Accept": "application/json"}
        status, _, answer = self._request(method, path, b"" if body is None else orjson.dumps(body), headers)
        if status >= 400:
            raise _http_error(status, answer, "")
        return orjson.loads(answer)

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        with self._lock:
            try:
                self._connection.request(method, path, body, dict(headers))
                response = self._connection.getresponse()
                return response.status, response.headers.get("Content-Type", ""), response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                where = f"{self._connection.host}:{self._connection.port}"
                raise ProtocolError(f"The server at {where} cannot be reached: {error}.") from error
            except BaseException:  # Ctrl-C: what is on its way would be taken for the next answer
                self._connection.close()
                raise

    # --- transactions

    def begin(self, *, isolation: Isolation = "serializable", timeout_ms: int | None = None) -> ClientTransaction:
        """An explicit transaction, as ``Database.begin``; use it as a context manager.

        The server rolls it back where it is not used for a minute.
        """
        path = "/api/v1/transactions"
        body = {"isolation": isolation} | ({} if timeout_ms is None else {"timeout_ms": timeout_ms})
        name = self._json("POST", path, body)["id"]

        def execute(query: str, parameters: Mapping[str, Any] | None, timeout_ms: int | None) -> Result:
            return self._execute(query, parameters, timeout_ms, False, name)

        def end(commit: bool) -> None:
            self._json("POST", f"{path}/{name}/{'commit' if commit else 'rollback'}")

        return ClientTransaction(execute, end)

    # --- the change feed

    def changes(self, after: int = 0, *, wait_ms: int = 0) -> Iterator[dict[str, Any]]:
        """What each transaction after a position of the log did, as JSON has it: see ``GET /api/v1/changes``.

        Ends with the newest one; where ``wait_ms`` is given, when none came for so long.
        """
        while True:
            page = self._json("GET", f"/api/v1/changes?after={after}&wait_ms={wait_ms}")
            yield from page["commits"]
            if page["next"] == after or (not wait_ms and page["next"] == page["newest"]):
                return
            after = page["next"]

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _http_error(status: int, answer: bytes, query: str) -> MemoraDBError:
    try:
        fields = orjson.loads(answer)
        fields = {**fields, "message": fields["detail"], "detail": fields["reason"]}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return RemoteProtocolError(f"What answers there (status {status}) is no MemoraDB server.")
    return remote_error(fields, query)


class WireClient(_Transactions):
    """Statements over the wire protocol; one socket. Threads may share it: they take turns."""

    def __init__(self, host: str, port: int, token: str | None, timeout: float) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise ProtocolError(f"No server answers at {host}:{port}: {error}.") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()
        self._decoder = FrameDecoder()
        self._waiting: list[Message] = []
        self._number = 0
        try:
            self._send(Hello(token, "memoradb-python"))
            match self._receive():
                case Welcome():
                    pass
                case Failure(error=error):
                    raise remote_error(error)
                case _:
                    raise RemoteProtocolError("The server did not welcome us.")
        except BaseException:
            self.close()
            raise

    # --- statements

    def execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
        read_only: bool = False,
    ) -> Result:
        return self._execute(query, parameters, timeout_ms, read_only, None)

    def _execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        timeout_ms: int | None,
        read_only: bool,
        transaction: int | None,
    ) -> Result:
        _check_text(query)
        given = _parameters(parameters)
        with self._lock:
            return self._ask(lambda n: Run(n, query, given, timeout_ms, read_only, transaction), query)

    def _ask(self, request: Callable[[int], Message], query: str) -> Result:
        """Send a request and collect its answer."""
        self._number += 1
        number = self._number
        self._send(request(number))
        values: list[list[Value]] = []
        count = 0
        try:
            while True:
                match self._receive():
                    case Failure(id=-1, error=error):
                        self.close()
                        raise remote_error(error)
                    case Rows(id=n) | Done(id=n) | Failure(id=n) if n != number:
                        continue  # the rest of a statement that was given up
                    case Rows(count=more, columns=columns):
                        if not values:
                            values = [[] for _ in columns]
                        for held, column in zip(values, columns, strict=True):
                            held.extend(decode_column(column, more))
                        count += more
                    case Done(columns=names, summary=summary):
                        values = values or [[] for _ in names]
                        return Result(StatementResult(tuple(names), values, count, _summary(query, summary)))
                    case Failure(error=error):
                        raise remote_error(error, query)
                    case other:
                        raise RemoteProtocolError(f"A client does not take {type(other).__name__}.")
        except KeyboardInterrupt:
            self._send(Cancel(number))
            raise

    # --- transactions

    def begin(self, *, isolation: Isolation = "serializable", timeout_ms: int | None = None) -> ClientTransaction:
        """An explicit transaction, as ``Database.begin``; use it as a context manager."""
        with self._lock:
            self._ask(lambda number: Begin(number, isolation, timeout_ms), "")
            number = self._number

        def execute(query: str, parameters: Mapping[str, Any] | None, timeout_ms: int | None) -> Result:
            return self._execute(query, parameters, timeout_ms, False, number)

        def end(commit: bool) -> None:
            with self._lock:
                self._ask(lambda n: Commit(n, number) if commit else Rollback(n, number), "")

        return ClientTransaction(execute, end)

    # --- the socket

    def _send(self, message: Message) -> None:
        frame = encode_frame(to_frame(message))
        try:
            self._socket.sendall(frame)
        except OSError as error:
            # A server that refused us said why before it hung up.
            try:
                refusal = self._receive()
            except MemoraDBError:
                refusal = None
            self.close()
            if isinstance(refusal, Failure):
                raise remote_error(refusal.error) from error
            raise ProtocolError(f"The connection is gone: {error}.") from error

    def _receive(self) -> Message:
        try:
            while not self._waiting:
                data = self._socket.recv(1 << 16)
                if not data:
                    self._decoder.end()
                    raise ProtocolError("The server closed the connection.")
                self._waiting = [from_frame(f) for f in self._decoder.receive(data)]
        except OSError as error:
            self.close()
            raise ProtocolError(f"The connection is gone: {error}.") from error
        except ProtocolError:
            self.close()
            raise
        return self._waiting.pop(0)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ClientTransaction:
    """Several statements on a server that take effect together, or not at all.

    Leaving the ``with`` block commits; an exception rolls back, and so does the end of the connection.
    """

    def __init__(
        self, execute: Callable[[str, Mapping[str, Any] | None, int | None], Result], end: Callable[[bool], None]
    ) -> None:
        """``execute`` runs a statement in it; ``end`` commits or, given false, rolls back."""
        self._execute = execute
        self._finish = end
        self._is_open = True

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        """Run one statement inside the transaction. One that fails changes nothing; the transaction goes on."""
        return self._execute(query, parameters, timeout_ms)

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises:
            WriteConflict: another transaction committed first what this one touched: run it again.
        """
        self._end(True)

    def rollback(self) -> None:
        """Forget the changes; a second time is no error."""
        if self._is_open:
            self._end(False)

    def _end(self, commit: bool) -> None:
        if not self._is_open:
            raise TransactionClosed("The transaction was committed or rolled back before.")
        self._is_open = False
        self._finish(commit)

    def __enter__(self) -> ClientTransaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._is_open:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()


def connect(url: str, *, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> HttpClient | WireClient:
    """A client of the server at ``url``: ``http://host:8080`` or ``memoradb://host:7688``.

    Raises:
        ConfigurationError: another scheme, or no port where one should be.
        ProtocolError: nobody answers there.
        AuthenticationError: the server wants another token.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise ConfigurationError(f"`{url}` is no address: {error}.") from None
    if parts.scheme == "http":
        return HttpClient(host, port or 8080, token, timeout)
    if parts.scheme == "memoradb":
        return WireClient(host, port or 7688, token, timeout)
    raise ConfigurationError(f"`{url}` is no address: use http://host:port or memoradb://host:port.")
