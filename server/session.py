"""One session core under every protocol: run a statement for a client, with its limits, without blocking the loop.

A statement that the planner expects to be short runs on the loop itself; anything else in a worker thread, from where
it can be cancelled.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from memoradb.core.errors import MemoraDBError
from memoradb.database import Database
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult
from memoradb.memql.session import Options

from .config import ServerConfig

SHORT_NS: Final = 500_000.0
"""Expected cost below which a statement runs on the loop: a thread hand-over costs about a tenth of that."""

WORKERS: Final = 8


@dataclass(slots=True)
class Served:
    """Counters of one server."""

    statements: int = 0
    errors: int = 0
    time_ns: int = 0
    by_protocol: dict[str, int] = field(default_factory=dict)


class SessionCore:
    """Statements of all clients of one server."""

    def __init__(self, database: Database, config: ServerConfig) -> None:
        self.database = database
        self.config = config
        self.served = Served()
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="memoradb-query")

    def is_allowed(self, token: str | None) -> bool:
        """Whether a client with this token may come in; compared in constant time."""
        if self.config.token is None:
            return True
        return token is not None and hmac.compare_digest(token.encode(), self.config.token.encode())

    def cancellation(self, timeout_ms: int | None = None) -> Cancellation:
        """A switch for one statement, with its deadline."""
        clock = self.database.query_engine.clock
        limit = self.config.query_timeout_ms
        wanted = limit if timeout_ms is None else min(timeout_ms, limit)
        return Cancellation(clock, clock.monotonic_ns() + wanted * 1_000_000)

    async def run(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        *,
        protocol: str,
        cancellation: Cancellation | None = None,
        read_only: bool = False,
    ) -> StatementResult:
        """Run one statement."""
        engine = self.database.query_engine
        options = Options(cancellation=cancellation or self.cancellation(), read_only=read_only)
        self.served.statements += 1
        self.served.by_protocol[protocol] = self.served.by_protocol.get(protocol, 0) + 1
        try:
            if self._is_short(query):
                result = engine.execute(query, parameters, options=options)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(
                    self._executor, lambda: engine.execute(query, parameters, options=options)
                )
        except MemoraDBError:
            self.served.errors += 1
            raise
        self.served.time_ns += result.summary.time_ns
        return result

    def _is_short(self, query: str) -> bool:
        """Whether a read is expected to be over at once. Faults are left to the run itself."""
        try:
            prepared = self.database.query_engine.prepare(query, self.database.storage.snapshot())
        except MemoraDBError:
            return True
        root = prepared.plan.root
        cheap = root.estimate is not None and root.estimate.cost < SHORT_NS
        return cheap and prepared.plan.logical.read_only

    async def call(self, work: Any) -> Any:
        """Run any blocking function in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Let running statements end, take no more."""
        self._executor.shutdown(wait=True, cancel_futures=True)
