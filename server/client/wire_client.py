"""The client that speaks the wire protocol."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from memoradb.core.errors import MemoraDBError, ProtocolError, RemoteProtocolError
from memoradb.core.values import Value
from memoradb.memql.result import StatementResult
from memoradb.result import Result
from memoradb.storage.transaction import Isolation

from ..wire.frames import FrameDecoder, encode_frame
from ..wire.messages import (
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
    from_frame,
    to_frame,
)
from .answers import check_text, remote_error, sendable, summary_of
from .transaction import ClientTransaction, Transactions


class WireClient(Transactions):
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
        check_text(query)
        given = sendable(parameters)
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
                        return Result(StatementResult(tuple(names), values, count, summary_of(query, summary)))
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
