"""Health, metrics, snapshots."""

from __future__ import annotations

from memoradb.core.version import __version__

from .base import Handler


class HealthHandler(Handler):
    """GET /api/v1/health: open to everybody, so that a load balancer needs no token."""

    def authenticate(self) -> None:
        return None

    async def get(self) -> None:
        storage = self.core.database.storage
        self.answer(
            {
                "status": "healthy",
                "version": __version__,
                "cluster": {"mode": "single", "role": "leader", "nodes": 1},
                "position": storage.position,
                "nodes": storage.statistics.nodes(),
                "relationships": storage.statistics.relationships(),
            }
        )


class MetricsHandler(Handler):
    """GET /api/v1/metrics."""

    async def get(self) -> None:
        served = self.core.served
        self.answer(
            {
                **self.core.database.storage.metrics(),
                "statements": served.statements,
                "statements_running": self.core.running,
                "statements_on_loop": served.on_loop,
                "statement_errors": served.errors,
                "statement_time_ms": served.time_ns / 1e6,
                "statements_by_protocol": dict(served.by_protocol),
            }
        )


class SnapshotHandler(Handler):
    """POST /api/v1/snapshot: write a checkpoint now."""

    async def post(self) -> None:
        database = self.core.database
        await self.core.call(database.checkpoint)
        self.answer({"status": "ok", "position": database.storage.position, "durable": database.path is not None}, 201)
