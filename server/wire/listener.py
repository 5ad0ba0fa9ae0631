"""The wire protocol on the event loop: short, since everything it decides is in ``frames`` and ``messages``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Final, cast

from memoradb.core.errors import (
    AuthenticationError,
    LimitError,
    MemoraDBError,
    RemoteProtocolError,
    TransactionClosed,
)
from memoradb.core.limits import CONNECTIONS_MAX
from memoradb.core.values import Value
from memoradb.core.version import __version__
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult
from memoradb.storage.transaction import Isolation, Transaction

from ..session import SessionCore
from ..summary import summary_value
from .frames import FrameDecoder, encode_frame
from .messages import (
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
    encode_columns,
    from_frame,
    to_frame,
)

ROWS_A_FRAME: Final = 8_192
"""Rows of one frame, unless they are too large for it."""

ONE_WRITE_BYTES_MAX: Final = 64 << 10
"""Answers up to here go out in one piece: one system call, one packet."""

PIPELINED_MAX: Final = 1_000
"""Requests of one connection that may wait for their turn."""

TRANSACTIONS_MAX: Final = 16
"""Transactions that one connection may have open."""

_NO_COUNTERS: Final = {"query_type": "", "counters": {}, "rows": 0, "time_ms": 0.0}

_log = logging.getLogger("memoradb.wire")


def row_frames(number: int, columns: list[list[Value]], start: int, stop: int) -> Iterator[bytes]:
    """Rows ``start`` to ``stop`` of statement ``number`` as frames, halved until each fits."""
    part = [values[start:stop] for values in columns]
    try:
        frame = encode_frame(to_frame(Rows(number, stop - start, encode_columns(part))))
    except LimitError:
        if stop - start == 1:
            raise
        middle = (start + stop) // 2
        yield from row_frames(number, columns, start, middle)
        yield from row_frames(number, columns, middle, stop)
    else:
        yield frame


def answer_frames(number: int, result: StatementResult) -> list[bytes]:
    """A whole answer: rows, then what the statement did."""
    frames: list[bytes] = []
    for start in range(0, result.row_count if result.columns else 0, ROWS_A_FRAME):
        frames.extend(row_frames(number, result.values, start, min(result.row_count, start + ROWS_A_FRAME)))
    frames.append(encode_frame(to_frame(Done(number, list(result.columns), summary_value(result)))))
    return frames


class WireConnection(asyncio.Protocol):
    """One client. Its requests run one at a time and in order; CANCEL overtakes them."""

    def __init__(self, core: SessionCore, connections: set[WireConnection]) -> None:
        self._core = core
        self._connections = connections
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._welcomed = False
        self._queue: asyncio.Queue[Run | Begin | Commit | Rollback] = asyncio.Queue(PIPELINED_MAX)
        self._running: dict[int, Cancellation] = {}
        self._transactions: dict[int, Transaction] = {}
        self._worker: asyncio.Task[None] | None = None

    # --- the loop's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= CONNECTIONS_MAX:
            self._refuse(
                LimitError(
                    f"The server has {CONNECTIONS_MAX} connections already.",
                    limit="CONNECTIONS_MAX",
                    value=CONNECTIONS_MAX,
                )
            )
            return
        self._connections.add(self)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._writable.set()
        for cancellation in self._running.values():
            cancellation.cancel()
        if self._worker is not None:
            self._worker.cancel()

    def eof_received(self) -> bool:
        try:
            self._decoder.end()
        except RemoteProtocolError as error:
            self._refuse(error)
        return False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._decoder.receive(data):
                self._received(from_frame(frame))
        except MemoraDBError as error:
            self._refuse(error)

    # --- messages

    def _received(self, message: Message) -> None:
        match message:
            case Hello(token=token):
                if not self._core.is_allowed(token):
                    raise AuthenticationError("A valid token is needed.", hint="memoradb.connect(url, token=...)")
                self._welcomed = True
                self._send(Welcome(f"MemoraDB/{__version__}"))
            case _ if not self._welcomed:
                raise RemoteProtocolError("The first message must be HELLO.")
            case Run(id=number, timeout_ms=timeout):
                self._running[number] = self._core.cancellation(timeout)
                self._enqueue(message)
            case Begin() | Commit() | Rollback():
                self._enqueue(message)
            case Cancel(id=number):
                cancellation = self._running.get(number)
                if cancellation is not None:
                    cancellation.cancel()
            case _:
                raise RemoteProtocolError(f"A server does not take {type(message).__name__}.")

    def _enqueue(self, message: Run | Begin | Commit | Rollback) -> None:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            raise LimitError(
                f"More than {PIPELINED_MAX} requests wait on one connection.",
                limit="PIPELINED_MAX",
                value=PIPELINED_MAX,
                hint="Wait for answers, or open another connection.",
            ) from None

    async def _work(self) -> None:
        try:
            while True:
                message = await self._queue.get()
                try:
                    await self._answer(message)
                except MemoraDBError as error:
                    self._send(Failure(message.id, error.to_dict()))
                except Exception:
                    _log.exception("A statement failed inside the server.")
                    self._send(Failure(message.id, MemoraDBError("The server failed; its log says why.").to_dict()))
                finally:
                    self._running.pop(message.id, None)
        finally:
            for transaction in self._transactions.values():
                transaction.rollback()

    async def _answer(self, message: Run | Begin | Commit | Rollback) -> None:
        match message:
            case Run():
                await self._run(message)
                return
            case Begin(id=number, isolation=isolation, timeout_ms=timeout_ms):
                if len(self._transactions) >= TRANSACTIONS_MAX:
                    raise LimitError(
                        f"A connection may have {TRANSACTIONS_MAX} open transactions.",
                        limit="TRANSACTIONS_MAX",
                        value=TRANSACTIONS_MAX,
                    )
                self._transactions[number] = self._core.database.storage.begin(
                    isolation=cast(Isolation, isolation), timeout_ms=timeout_ms
                )
            case Commit(transaction=number):
                transaction = self._transaction(number)
                del self._transactions[number]
                committed = await self._core.call(transaction.commit)
                done = {"position": committed.position, "transaction": committed.transaction}
                self._send(Done(message.id, [], {**_NO_COUNTERS, **done}))
                return
            case Rollback(transaction=number):
                self._transaction(number).rollback()
                del self._transactions[number]
        self._send(Done(message.id, [], dict(_NO_COUNTERS)))

    def _transaction(self, number: int) -> Transaction:
        try:
            return self._transactions[number]
        except KeyError:
            raise TransactionClosed("The transaction was committed or rolled back before.") from None

    async def _run(self, message: Run) -> None:
        frames = await self._core.run(
            message.query,
            message.parameters,
            protocol="wire",
            present=lambda result: answer_frames(message.id, result),
            cancellation=self._running[message.id],
            read_only=message.read_only,
            transaction=None if message.transaction is None else self._transaction(message.transaction),
        )
        if sum(map(len, frames)) <= ONE_WRITE_BYTES_MAX:
            frames = [b"".join(frames)]
        for frame in frames:
            await self._writable.wait()
            self._write(frame)

    # --- sending

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def _send(self, message: Message) -> None:
        self._write(encode_frame(to_frame(message)))

    def _refuse(self, error: MemoraDBError) -> None:
        """Say why, and hang up."""
        if self._transport is not None and not self._transport.is_closing():
            self._send(Failure(-1, error.to_dict()))
            self._transport.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
