"""Where statements run, how they are stopped, what is counted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from served import LONG

import memoradb
from memoradb.core.errors import Cancelled, DeadlineExceeded, MemQLError, TransactionClosed
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult
from memoradb.server.config import ServerConfig
from memoradb.server.session import SessionCore

Work = Callable[[SessionCore], Any]


def rows(result: StatementResult) -> list[list[Any]]:
    return [list(row) for row in zip(*result.values, strict=True)]


def with_core(work: Work, **config: Any) -> None:
    """Run a coroutine function over a core of its own."""

    async def run() -> None:
        with memoradb.open() as database:
            core = SessionCore(database, ServerConfig(**config))
            try:
                await work(core)
            finally:
                core.close()

    asyncio.run(run())


async def ask(core: SessionCore, query: str, cancellation: Cancellation | None = None) -> list[list[Any]]:
    return await core.run(query, None, protocol="test", present=rows, cancellation=cancellation)


def test_a_read_that_was_short_runs_on_the_loop_afterwards() -> None:
    async def work(core: SessionCore) -> None:
        for _ in range(5):
            assert await ask(core, "RETURN 1 AS x") == [[1]]
        assert core.served.on_loop >= 3
        assert core.served.statements == 5

    with_core(work)


@pytest.mark.parametrize("text", ["CREATE (:Written)", "CALL db.labels()", "RETURN 1 // and no CALL"])
def test_writes_and_calls_never_run_on_the_loop(text: str) -> None:
    async def work(core: SessionCore) -> None:
        for _ in range(4):
            await ask(core, text)
        assert core.served.on_loop == 0

    with_core(work)


def test_a_read_that_was_short_and_no_longer_is_moves_to_a_worker() -> None:
    async def work(core: SessionCore) -> None:
        text = "UNWIND range(1, $n) AS a UNWIND range(1, $n) AS b RETURN count(*)"

        async def count(n: int) -> list[list[Any]]:
            return await core.run(text, {"n": n}, protocol="test", present=rows)

        for _ in range(4):
            assert await count(2) == [[4]]
        before = core.served.on_loop
        assert before > 0
        assert await count(3_000) == [[9_000_000]]
        assert core.served.on_loop == before

    with_core(work)


def test_the_loop_goes_on_while_a_statement_runs() -> None:
    async def work(core: SessionCore) -> None:
        switch = core.cancellation()
        slow = asyncio.create_task(ask(core, LONG, switch))
        while core.running == 0:
            await asyncio.sleep(0)
        assert await ask(core, "RETURN 2") == [[2]]
        assert core.running == 1
        switch.cancel()
        with pytest.raises(Cancelled):
            await slow
        assert core.running == 0

    with_core(work)


def test_cancelling_the_task_cancels_the_statement() -> None:
    async def work(core: SessionCore) -> None:
        switch = core.cancellation()
        slow = asyncio.create_task(ask(core, LONG, switch))
        while core.running == 0:
            await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        with pytest.raises(Cancelled):
            switch.check()

    with_core(work)


def test_a_client_cannot_ask_for_more_time_than_the_server_grants() -> None:
    async def work(core: SessionCore) -> None:
        with pytest.raises(DeadlineExceeded):
            await ask(core, LONG, core.cancellation(3_600_000))

    with_core(work, query_timeout_ms=30)


def test_drain_waits_for_what_ends_and_stops_what_does_not() -> None:
    async def work(core: SessionCore) -> None:
        short = asyncio.create_task(ask(core, "UNWIND range(1, 300000) AS x RETURN count(x)"))
        slow = asyncio.create_task(ask(core, LONG))
        while core.running < 2:
            await asyncio.sleep(0)
        await core.drain(1.0)
        assert await short == [[300_000]]
        with pytest.raises(Cancelled):
            await slow

    with_core(work)


def test_a_fault_is_counted_and_leaves_nothing_running() -> None:
    async def work(core: SessionCore) -> None:
        with pytest.raises(MemQLError):
            await ask(core, "RETURN nothing_of_that_name")
        assert core.served.errors == 1
        assert core.running == 0

    with_core(work)


def test_a_statement_runs_inside_a_given_transaction() -> None:
    async def work(core: SessionCore) -> None:
        transaction = core.database.storage.begin()
        await core.run("CREATE (:T)", None, protocol="test", present=rows, transaction=transaction)
        assert await ask(core, "MATCH (t:T) RETURN count(t)") == [[0]]
        transaction.commit()
        assert await ask(core, "MATCH (t:T) RETURN count(t)") == [[1]]
        with pytest.raises(TransactionClosed):
            transaction.commit()

    with_core(work)


def test_tokens_are_compared_whole() -> None:
    async def work(core: SessionCore) -> None:
        assert core.is_allowed("secret")
        for token in (None, "", "secre", "secrets", "\xe9"):
            assert not core.is_allowed(token)

    with_core(work, token="secret")
