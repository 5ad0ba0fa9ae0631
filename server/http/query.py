"""POST /query: one statement in, its rows out, as JSON or as MessagePack."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from memoradb.core.errors import RemoteProtocolError
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult

from ..wire.messages import decode_value
from .base import Handler
from .values import JSON, MSGPACK, json_result, msgpack_result


class QueryHandler(Handler):
    """``{"query": text, "parameters": {...}}`` in; ``{"columns", "rows", "summary"}`` out.

    Also taken: ``timeout_ms``, ``read_only`` to refuse a statement that writes, and ``transaction``, the id of one that
    was begun, to run in it.
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
        name = body.get("transaction")
        if name is not None and not isinstance(name, str):
            raise RemoteProtocolError("`transaction` must be a string.")
        typed = MSGPACK in self.request.headers.get("Accept", "")
        present: Callable[[StatementResult], bytes] = msgpack_result if typed else json_result
        self._cancellation = self.core.cancellation(timeout)
        inside = nullcontext() if name is None else self.core.transactions.use(name, self.token)
        with inside as transaction:
            answer = await self.core.run(
                query,
                parameters,
                protocol="http",
                present=present,
                cancellation=self._cancellation,
                read_only=read_only,
                transaction=transaction,
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
