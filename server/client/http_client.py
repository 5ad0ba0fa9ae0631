"""The client that speaks HTTP."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from memoradb.core.errors import MemoraDBError, ProtocolError, RemoteProtocolError
from memoradb.memql.result import StatementResult
from memoradb.result import Result
from memoradb.storage.transaction import Isolation

from ..http.values import MSGPACK
from ..wire.messages import decode_column, decode_value, encode_value
from .answers import check_text, remote_error, sendable, summary_of
from .transaction import ClientTransaction, Transactions


class HttpClient(Transactions):
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
        check_text(query)
        body = {"query": query, "parameters": sendable(parameters), "read_only": read_only}
        if timeout_ms is not None:
            body["timeout_ms"] = timeout_ms
        if transaction is not None:
            body["transaction"] = transaction
        status, media_type, answer = self._request("POST", "/query", encode_value(body), self._headers)
        if status >= 400 or media_type != MSGPACK:
            raise _http_error(status, answer, query)
        fields = decode_value(answer)
        values = [decode_column(c, fields["count"]) for c in fields["values"]]
        summary = summary_of(query, fields["summary"])
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
