"""GET /api/v1/changes: what transactions did, page by page; one that is at the end may wait for more."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from memoradb.core.errors import ArgumentError
from memoradb.memql.changes import check_after, committed_changes

from ..session import SessionCore
from .base import Handler
from .values import json_value

COMMITS: Final = 100
COMMITS_MAX: Final = 1_000
CHANGES_MAX: Final = 10_000
"""A page ends with the transaction that makes it so long."""

WAIT_MS_MAX: Final = 60_000
POLL_SECONDS: Final = 0.02


class ChangesHandler(Handler):
    """``?after=N&limit=100&wait_ms=0``: transactions after a position; ``next`` is where the next page begins."""

    def initialize(self, core: SessionCore) -> None:
        super().initialize(core)
        self._is_gone = False

    async def get(self) -> None:
        storage = self.core.database.storage
        after, limit = self.count("after", 0), self.count("limit", COMMITS)
        wait_ms = min(self.count("wait_ms", 0), WAIT_MS_MAX)
        if not 1 <= limit <= COMMITS_MAX:
            raise ArgumentError(f"`limit` must be between 1 and {COMMITS_MAX}.")
        check_after(after, storage)
        # Waiting costs no worker: the position is looked at from the loop, every so often.
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_ms / 1e3
        while storage.position <= after and loop.time() < end and not self._is_gone:
            await asyncio.sleep(POLL_SECONDS)
        if not self._is_gone:
            self.answer(await self.core.call(lambda: self._page(after, limit)))

    def _page(self, after: int, limit: int) -> dict[str, Any]:
        storage = self.core.database.storage
        newest = following = storage.position
        commits: list[dict[str, Any]] = []
        size = 0
        for committed in committed_changes(storage, after, newest):
            if len(commits) >= limit or size >= CHANGES_MAX:
                following = commits[-1]["position"]
                break
            size += len(committed.changes)
            commits.append(
                {
                    "position": committed.position,
                    "transaction": committed.transaction,
                    "time": str(committed.time),
                    "changes": [json_value(change.to_dict()) for change in committed.changes],
                }
            )
        return {"commits": commits, "next": following, "newest": newest}

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._is_gone = True
