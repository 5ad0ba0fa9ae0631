"""One session core under every protocol: run a statement for a client, with its limits, without blocking the loop.

A statement runs in a worker thread, from where it can be cancelled. One that has been seen to be short runs on the loop
itself the next time, since the hand-over to a thread costs more than a point read; should it take longer than expected,
it is stopped and starts again in a worker, which only a statement that reads may do.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from memoradb.core.errors import DeadlineExceeded, MemoraDBError
from memoradb.database import Database
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult
from memoradb.memql.session import Options
from memoradb.storage.transaction import Transaction

from .config import ServerConfig
from .transactions import OpenTransactions

T = TypeVar("T")

SHORT_NS: Final = 500_000
"""A read that took no longer runs on the loop from then on: a thread hand-over costs about a tenth of that."""

LOOP_BUDGET_NS: Final = 5_000_000
"""What a statement on the loop may take before it is moved to a worker: all other clients wait for it."""

SHORT_TEXT_MAX: Final = 4_096
"""Characters of statements that are remembered as short."""

SHORT_MAX: Final = 10_000
"""Statements remembered as short."""

WORKERS: Final = 8


@dataclass(slots=True)
class Served:
    """Counters of one server."""

    statements: int = 0
    errors: int = 0
    on_loop: int = 0
    time_ns: int = 0
    by_protocol: dict[str, int] = field(default_factory=dict)


class SessionCore:
    """Statements of all clients of one server."""

    def __init__(self, database: Database, config: ServerConfig) -> None:
        self.database = database
        self.config = config
        self.served = Served()
        self.transactions = OpenTransactions(database.storage)
        """Those of clients without a connection of their own."""
        self._short: dict[str, None] = {}
        self._running: set[Cancellation] = set()
        self._calls = 0
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

    @property
    def running(self) -> int:
        """Statements that run or wait for a worker."""
        return len(self._running)

    async def run(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        *,
        protocol: str,
        present: Callable[[StatementResult], T],
        cancellation: Cancellation | None = None,
        read_only: bool = False,
        transaction: Transaction | None = None,
    ) -> T:
        """Run one statement and answer what ``present`` makes of its result; both off the loop where they may be long.

        Cancelling the awaiting task cancels the statement.
        """
        self.served.statements += 1
        self.served.by_protocol[protocol] = self.served.by_protocol.get(protocol, 0) + 1
        cancellation = cancellation or self.cancellation()
        self._running.add(cancellation)
        try:
            if transaction is None and query in self._short:
                try:
                    return self._on_loop(query, parameters, present, cancellation)
                except DeadlineExceeded:
                    self._short.pop(query, None)
                    cancellation.check()
            result, shown = await self.call(
                lambda: self._in_worker(query, parameters, present, cancellation, read_only, transaction)
            )
        except MemoraDBError:
            self.served.errors += 1
            raise
        except asyncio.CancelledError:
            cancellation.cancel()
            raise
        finally:
            self._running.discard(cancellation)
        self.served.time_ns += result.summary.time_ns
        self._remember(query, result)
        return shown

    def _in_worker(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        present: Callable[[StatementResult], T],
        cancellation: Cancellation,
        read_only: bool,
        transaction: Transaction | None,
    ) -> tuple[StatementResult, T]:
        cancellation.check()  # it may have waited long for this worker
        engine = self.database.query_engine
        options = Options(cancellation=cancellation, read_only=read_only)
        result = engine.execute(query, parameters, transaction=transaction, options=options)
        return result, present(result)

    def _on_loop(
        self,
        query: str,
        parameters: Mapping[str, Any] | None,
        present: Callable[[StatementResult], T],
        cancellation: Cancellation,
    ) -> T:
        cancellation.check()
        engine = self.database.query_engine
        budget = Cancellation(engine.clock, engine.clock.monotonic_ns() + LOOP_BUDGET_NS)
        # Read-only: what the text meant when it was remembered may have changed with a procedure's registration.
        result = engine.execute(query, parameters, options=Options(cancellation=budget, read_only=True))
        self.served.on_loop += 1
        self.served.time_ns += result.summary.time_ns
        if result.summary.time_ns > SHORT_NS:
            self._short.pop(query, None)
        return present(result)

    def _remember(self, query: str, result: StatementResult) -> None:
        """Note a read that was short. CALL may do anything, also twice: it never runs on the loop."""
        summary = result.summary
        if (
            summary.query_type == "r"
            and summary.as_of is None  # a state of the past may have to be made first
            and summary.time_ns - summary.compile_ns <= SHORT_NS
            and len(query) <= SHORT_TEXT_MAX
            and "CALL" not in query.upper()
        ):
            if len(self._short) >= SHORT_MAX:
                self._short.clear()
            self._short[query] = None

    async def call(self, work: Callable[[], T]) -> T:
        """Run any blocking function in a worker thread."""
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._calls -= 1

    def cancel_all(self) -> None:
        """Stop every statement at its next batch."""
        for cancellation in self._running:
            cancellation.cancel()

    async def drain(self, seconds: float) -> None:
        """Let running statements end, for ``seconds`` at most; then stop them and wait for that."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (self._running or self._calls) and loop.time() < end:
            await asyncio.sleep(0.01)
        self.cancel_all()
        while self._running:
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Take no more statements."""
        self._executor.shutdown(wait=True, cancel_futures=True)
