"""A server: HTTP, the wire protocol and MCP on one event loop, over one database. The place to start reading."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application

from memoradb.core.errors import ConfigurationError
from memoradb.database import Database

from .config import ServerConfig
from .http.admin import HealthHandler, MetricsHandler, SnapshotHandler
from .http.base import Handler
from .http.items import (
    BatchHandler,
    EdgesHandler,
    HybridHandler,
    NodeHandler,
    NodesHandler,
    RelatedHandler,
    SimilarHandler,
    VectorsHandler,
)
from .http.query import QueryHandler
from .items import Items
from .session import SessionCore
from .wire.listener import WireConnection


class NotFoundHandler(Handler):
    """Any other address."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            self.send_error(404, reason="Not Found")


def make_application(core: SessionCore) -> Application:
    """The Tornado application: every route."""
    base = {"core": core}
    items = {"core": core, "items": Items(core.database)}
    return Application(
        [
            (r"/query", QueryHandler, base),
            (r"/api/v1/health", HealthHandler, base),
            (r"/api/v1/metrics", MetricsHandler, base),
            (r"/api/v1/nodes", NodesHandler, items),
            (r"/api/v1/nodes/(\d+)", NodeHandler, items),
            (r"/api/v1/nodes/(\d+)/related", RelatedHandler, items),
            (r"/api/v1/edges", EdgesHandler, items),
            (r"/api/v1/vectors", VectorsHandler, items),
            (r"/api/v1/vectors/(\d+)/similar", SimilarHandler, items),
            (r"/api/v1/batch", BatchHandler, items),
            (r"/api/v1/query/hybrid", HybridHandler, items),
            (r"/api/v1/snapshot", SnapshotHandler, base),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=base,
        log_function=lambda handler: None,
    )


class Server:
    """Starts and stops the protocols of one database. The database stays the caller's."""

    def __init__(self, database: Database, config: ServerConfig) -> None:
        config.check()
        self.config = config
        self.core = SessionCore(database, config)
        self._http: HTTPServer | None = None
        self._wire: asyncio.Server | None = None
        self._connections: set[WireConnection] = set()
        self._mcp: Any = None
        self._mcp_task: asyncio.Task[None] | None = None
        self.ports: dict[str, int] = {}

    async def start(self) -> None:
        """Listen on every port that is not 0.

        Raises:
            ConfigurationError: a port is taken.
        """
        config = self.config
        try:
            if config.http_port:
                listener = self._http = HTTPServer(
                    make_application(self.core),
                    max_body_size=config.body_bytes_max,
                    max_buffer_size=config.body_bytes_max + (1 << 20),
                )
                listener.listen(config.http_port, config.host)
                self.ports["http"] = config.http_port
            if config.wire_port:
                loop = asyncio.get_running_loop()
                self._wire = await loop.create_server(
                    lambda: WireConnection(self.core, self._connections), config.host, config.wire_port
                )
                self.ports["wire"] = config.wire_port
            if config.mcp_port:
                await self._start_mcp()
                self.ports["mcp"] = config.mcp_port
        except OSError as error:
            await self.stop()
            if error.errno != errno.EADDRINUSE:
                raise
            taken = next(
                (p for n, p in (("http", config.http_port), ("wire", config.wire_port)) if p and n not in self.ports),
                config.mcp_port,
            )
            raise ConfigurationError(
                f"Port {taken} on {config.host} is taken.",
                hint="Stop what listens there, or choose another: --http-port, --wire-port, --mcp-port (0 is off).",
            ) from error

    async def _start_mcp(self) -> None:
        import socket

        import uvicorn

        from .mcp.app import make_server

        # The SDK announces itself on the log; a server's start says that already.
        logging.getLogger("mcp").setLevel(logging.WARNING)
        probe = socket.socket(socket.AF_INET6 if ":" in self.config.host else socket.AF_INET)
        with probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((self.config.host, self.config.mcp_port))
        app: Any = make_server(self.core.database).streamable_http_app()
        if self.config.token is not None:
            app = _with_token(app, self.core)
        settings = uvicorn.Config(
            app, self.config.host, self.config.mcp_port, log_level="warning", access_log=False, lifespan="on"
        )
        self._mcp = uvicorn.Server(settings)
        self._mcp.install_signal_handlers = lambda: None
        self._mcp_task = asyncio.get_running_loop().create_task(self._mcp._serve())
        while not self._mcp.started and not self._mcp_task.done():
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Close all connections; running statements end first."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        if self._wire is not None:
            self._wire.close()
            for connection in list(self._connections):
                connection.close()
        if self._mcp is not None and self._mcp_task is not None:
            self._mcp.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await self._mcp_task
        self.core.close()


def _with_token(app: Any, core: SessionCore) -> Any:
    """An ASGI application that wants the server's token."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            header = headers.get(b"authorization", b"").decode("latin-1")
            if not core.is_allowed(header[7:] if header.startswith("Bearer ") else None):
                await send(
                    {"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]}
                )
                await send({"type": "http.response.body", "body": b""})
                return
        await app(scope, receive, send)

    return guarded
