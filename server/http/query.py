"""POST /query: one statement in, its rows out, as JSON or as MessagePack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memoradb.core.errors import RemoteProtocolError
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult

from ..wire.messages import decode_value
from .base import Handler
from .values import JSON, MSGPACK, json_result, msgpack_result


class QueryHandler(Handler):
    """``{"query": text, "parameters": {...}}`` in; ``{"columns", "rows", "summary"}`` out.

    Also taken: ``timeout_ms``, and ``read_only`` to refuse a statement that writes.
    """

    _cancellation: Cancellation | None = None

    async def post(self) -> None:
        body = self._request()
        query, parameters = body.get("query"), body.get("parameters")
        if not isinstance(query, str):
            raise RemoteProtocolError("`query` must be a string.", hint='Send {"query": "RETURN 1"}.')
        if parameters is not None and not isinstance(parameters, dict):
            raise RemoteProtocolError("`parameters` must be an object.", hint='Send {"parameters": {"name": value}}.')
        timeout, read_only = body.get("timeout_ms"), body.get("read_only", False)
        if timeout is not None and (type(timeout) is not int or timeout <= 0):
            raise RemoteProtocolError("`timeout_ms` must be a positive whole number.")
        if type(read_only) is not bool:
            raise RemoteProtocolError("`read_only` must be true or false.")
        typed = MSGPACK in self.request.headers.get("Accept", "")
        present: Callable[[StatementResult], bytes] = msgpack_result if typed else json_result
        self._cancellation = self.core.cancellation(timeout)
        answer = await self.core.run(
            query,
            parameters,
            protocol="http",
            present=present,
            cancellation=self._cancellation,
            read_only=read_only,
        )
        self.send_bytes(answer, MSGPACK if typed else JSON)

    def _request(self) -> dict[str, Any]:
        if not self.request.headers.get("Content-Type", "").startswith(MSGPACK):
            return self.body()
        found = decode_value(self.body_bytes())
        if not isinstance(found, dict):
            raise RemoteProtocolError("The body must be a map.")
        return found

    def on_connection_close(self) -> None:
        # Nobody waits for the answer any more.
        super().on_connection_close()
        if self._cancellation is not None:
            self._cancellation.cancel()
