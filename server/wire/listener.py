"""The wire protocol on the event loop: short, since everything it decides is in ``frames`` and ``messages``."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from memoradb.core.errors import AuthenticationError, MemoraDBError, RemoteProtocolError
from memoradb.core.limits import CONNECTIONS_MAX
from memoradb.core.version import __version__
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.result import StatementResult

from ..session import SessionCore
from .frames import FrameDecoder, encode_frame
from .messages import Cancel, Done, Failure, Hello, Message, Rows, Run, Welcome, encode_column, from_frame, to_frame

ROWS_A_FRAME: Final = 8_192


class WireConnection(asyncio.Protocol):
    """One client. Statements run one at a time and in order; CANCEL overtakes them."""

    def __init__(self, core: SessionCore, connections: set[WireConnection]) -> None:
        self._core = core
        self._connections = connections
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._welcomed = False
        self._queue: asyncio.Queue[Run] = asyncio.Queue()
        self._running: dict[int, Cancellation] = {}
        self._worker: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= CONNECTIONS_MAX:
            self._refuse(RemoteProtocolError(f"The server has {CONNECTIONS_MAX} connections already."))
            return
        self._connections.add(self)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        for cancellation in self._running.values():
            cancellation.cancel()
        if self._worker is not None:
            self._worker.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._decoder.receive(data):
                self._received(from_frame(frame))
        except MemoraDBError as error:
            self._refuse(error)

    def _received(self, message: Message) -> None:
        match message:
            case Hello(token=token):
                if not self._core.is_allowed(token):
                    raise AuthenticationError("A valid token is needed.")
                self._welcomed = True
                self._send(Welcome(f"MemoraDB/{__version__}"))
            case _ if not self._welcomed:
                raise RemoteProtocolError("The first message must be HELLO.")
            case Run(id=number, timeout_ms=timeout):
                self._running[number] = self._core.cancellation(timeout)
                self._queue.put_nowait(message)
            case Cancel(id=number):
                cancellation = self._running.get(number)
                if cancellation is not None:
                    cancellation.cancel()
            case _:
                raise RemoteProtocolError(f"A server does not take {type(message).__name__}.")

    async def _work(self) -> None:
        while True:
            message = await self._queue.get()
            try:
                result = await self._core.run(
                    message.query,
                    message.parameters,
                    protocol="wire",
                    cancellation=self._running[message.id],
                    read_only=message.read_only,
                )
                self._answer(message.id, result)
            except MemoraDBError as error:
                self._send(Failure(message.id, error.to_dict()))
            finally:
                self._running.pop(message.id, None)

    def _answer(self, number: int, result: StatementResult) -> None:
        from ..http.query import summary_value

        for start in range(0, result.row_count if result.columns else 0, ROWS_A_FRAME):
            columns = [values[start : start + ROWS_A_FRAME] for values in result.values]
            self._send(Rows(number, len(columns[0]), [encode_column(c) for c in columns]))
        self._send(Done(number, list(result.columns), summary_value(result)))

    def _send(self, message: Message) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_frame(to_frame(message)))

    def _refuse(self, error: MemoraDBError) -> None:
        self._send(Failure(-1, error.to_dict()))
        if self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
