"""POST /query: one statement, rows as JSON."""

from __future__ import annotations

from memoradb.core.errors import RemoteProtocolError
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult
from memoradb.result import plain

from .base import Handler


def summary_value(result: StatementResult) -> dict[str, object]:
    """A summary as JSON."""
    summary = result.summary
    counters = {n: v for n in type(summary.counters).__slots__ if (v := getattr(summary.counters, n))}
    value: dict[str, object] = {
        "query_type": summary.query_type,
        "counters": counters,
        "rows": result.row_count,
        "time_ms": summary.time_ns / 1e6,
    }
    if summary.position is not None:
        value["position"] = summary.position
    if summary.plan is not None:
        value["plan"] = summary.plan
        value["plan_tree"] = summary.plan_tree
    if summary.notifications:
        value["notifications"] = list(summary.notifications)
    return value


def result_value(result: StatementResult) -> dict[str, object]:
    """Columns, rows and summary as JSON."""
    columns = [[plain(v) for v in values] for values in result.values]
    return {
        "columns": list(result.columns),
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "summary": summary_value(result),
    }


class QueryHandler(Handler):
    """``{"query": text, "parameters": {...}}`` in; ``{"columns", "rows", "summary"}`` out."""

    _cancellation: Cancellation | None = None

    async def post(self) -> None:
        body = self.body()
        query, parameters = body.get("query"), body.get("parameters", {})
        if not isinstance(query, str):
            raise RemoteProtocolError("`query` must be a string.", hint='Send {"query": "RETURN 1"}.')
        if not isinstance(parameters, dict):
            raise RemoteProtocolError("`parameters` must be an object.")
        timeout = body.get("timeout_ms")
        if timeout is not None and (type(timeout) is not int or timeout <= 0):
            raise RemoteProtocolError("`timeout_ms` must be a positive whole number.")
        self._cancellation = self.core.cancellation(timeout)
        result = await self.core.run(query, parameters, protocol="http", cancellation=self._cancellation)
        self.answer(result_value(result))

    def on_connection_close(self) -> None:
        # Nobody waits for the answer any more.
        if self._cancellation is not None:
            self._cancellation.cancel()
