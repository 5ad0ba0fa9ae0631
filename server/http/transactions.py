"""Transactions of several statements over HTTP: begun here, named by ``/query``, ended here."""

from __future__ import annotations

from typing import Any, cast

from memoradb.core.errors import RemoteProtocolError
from memoradb.storage.transaction import Isolation

from .base import Handler


class BeginHandler(Handler):
    """POST /api/v1/transactions."""

    async def post(self) -> None:
        body = self.body() if self.body_bytes() else {}
        isolation = body.get("isolation", "serializable")
        if not isinstance(isolation, str):
            raise RemoteProtocolError("`isolation` must be a string.")
        name = self.core.transactions.begin(
            self.token,
            isolation=cast(Isolation, isolation),
            timeout_ms=_milliseconds(body, "timeout_ms"),
            idle_ms=_milliseconds(body, "idle_ms"),
        )
        self.answer({"id": name}, 201)


class CommitHandler(Handler):
    """POST /api/v1/transactions/:name/commit."""

    async def post(self, name: str) -> None:
        storage = self.core.transactions.end(name, self.token)
        committed = await self.core.call(storage.commit)
        self.answer({"status": "ok", "position": committed.position, "transaction": committed.transaction})


class RollbackHandler(Handler):
    """POST /api/v1/transactions/:name/rollback."""

    async def post(self, name: str) -> None:
        self.core.transactions.end(name, self.token).rollback()
        self.answer({"status": "ok"})


def _milliseconds(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (type(value) is not int or value <= 0):
        raise RemoteProtocolError(f"`{name}` must be a positive whole number.")
    return value
