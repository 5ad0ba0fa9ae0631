"""Health, metrics, snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memoradb.core.version import __version__

from .base import Handler

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


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
    """GET /api/v1/metrics: JSON, or the text that Prometheus reads where it is asked for."""

    async def get(self) -> None:
        served, storage = self.core.served, self.core.database.storage
        horizon = await self.core.call(lambda: storage.history.horizon)  # it looks at files
        numbers: dict[str, int | float] = {
            **storage.metrics(),
            **self.core.database.query_engine.metrics(),
            "history_horizon": horizon,
            "statements": served.statements,
            "statements_running": self.core.running,
            "statements_on_loop": served.on_loop,
            "statement_errors": served.errors,
            "statement_time_ms": served.time_ns / 1e6,
            "transactions_open": len(self.core.transactions),
        }
        if any(form in self.request.headers.get("Accept", "") for form in ("text/plain", "openmetrics")):
            self.send_bytes(prometheus_text(numbers, served.by_protocol), PROMETHEUS)
        else:
            self.answer({**numbers, "statements_by_protocol": dict(served.by_protocol)})


def prometheus_text(numbers: Mapping[str, int | float], by_protocol: Mapping[str, int]) -> bytes:
    """Numbers in Prometheus' exposition format, version 0.0.4.

    >>> print(prometheus_text({"nodes": 3}, {"http": 2}).decode(), end="")
    memoradb_nodes 3
    memoradb_statements_by_protocol{protocol="http"} 2
    """
    lines = [f"memoradb_{name} {value}" for name, value in numbers.items()]
    lines += [f'memoradb_statements_by_protocol{{protocol="{name}"}} {n}' for name, n in sorted(by_protocol.items())]
    return "".join(f"{line}\n" for line in lines).encode()


class SnapshotHandler(Handler):
    """POST /api/v1/snapshot: write a checkpoint now."""

    async def post(self) -> None:
        database = self.core.database
        await self.core.call(database.checkpoint)
        self.answer({"status": "ok", "position": database.storage.position, "durable": database.path is not None}, 201)
