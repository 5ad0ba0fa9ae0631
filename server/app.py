"""A server: HTTP, the wire protocol and MCP on one event loop, over one database. The place to start reading."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from importlib import import_module
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.web import Application

from memoradb.core.errors import ConfigurationError, RemoteProtocolError
from memoradb.database import Database

from .config import ServerConfig
from .http.admin import HealthHandler, MetricsHandler, SnapshotHandler
from .http.base import DISCARD_BYTES_MAX, Handler
from .http.changes import ChangesHandler
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
from .http.transactions import BeginHandler, CommitHandler, RollbackHandler
from .items import Items
from .session import SessionCore
from .wire.listener import WireConnection

BACKLOG: Final = 128

_log = logging.getLogger("memoradb.server")


class NotFoundHandler(Handler):
    """Any other address."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            hint = "The routes are POST /query and those below /api/v1, such as GET /api/v1/health."
            self.fail(RemoteProtocolError(f"There is nothing at {self.request.path}.", hint=hint), 404)


def make_application(core: SessionCore) -> Application:
    """The Tornado application: every route."""
    base = {"core": core}
    items = {"core": core, "items": Items(core.database)}
    return Application(
        [
            (r"/query", QueryHandler, base),
            (r"/api/v1/health", HealthHandler, base),
            (r"/api/v1/metrics", MetricsHandler, base),
            (r"/api/v1/changes", ChangesHandler, base),
            (r"/api/v1/transactions", BeginHandler, base),
            (r"/api/v1/transactions/([\w-]+)/commit", CommitHandler, base),
            (r"/api/v1/transactions/([\w-]+)/rollback", RollbackHandler, base),
            (r"/api/v1/nodes", NodesHandler, items),
            (r"/api/v1/nodes/([0-9]+)", NodeHandler, items),
            (r"/api/v1/nodes/([0-9]+)/related", RelatedHandler, items),
            (r"/api/v1/edges", EdgesHandler, items),
            (r"/api/v1/vectors", VectorsHandler, items),
            (r"/api/v1/vectors/([0-9]+)/similar", SimilarHandler, items),
            (r"/api/v1/batch", BatchHandler, items),
            (r"/api/v1/query/hybrid", HybridHandler, items),
            (r"/api/v1/snapshot", SnapshotHandler, base),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=base,
        log_function=lambda handler: None,
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigurationError: the port is taken, not allowed, or the address is none of this machine's.
    """
    listener = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # The protocol is named so that asyncio knows its connections as TCP and turns Nagle's delay off: with it on, an
        # answer in two parts takes 44 ms (measured).
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} on {host} is taken."
            hint = "Stop what listens there, or choose another: --http-port, --wire-port, --mcp-port (0 is off)."
        else:
            message = f"Cannot listen on {host}, port {port}: {error.strerror or error}."
            hint = "Choose another address (--host) or port (--http-port, --wire-port, --mcp-port)."
        raise ConfigurationError(message, hint=hint) from error
    listener.setblocking(False)
    return listener


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
        self._background: list[asyncio.Task[Any]] = []
        self._sockets: list[socket.socket] = []
        self._stopping = False

    async def start(self) -> None:
        """Listen on every port that is not 0.

        All ports are taken first, so that one that is not free stops the start. MCP's library takes about a second to
        load: that happens in the background, and who calls its port before waits for it.

        Raises:
            ConfigurationError: a port is taken.
        """
        config = self.config
        try:
            for port in (config.http_port, config.wire_port, config.mcp_port):
                if port:
                    self._sockets.append(listening_socket(config.host, port))
        except ConfigurationError:
            for listener in self._sockets:
                listener.close()
            self.core.close()
            raise
        sockets = iter(self._sockets)
        loop = asyncio.get_running_loop()
        if config.http_port:
            # Bodies are measured by the handlers, which can say what is wrong; Tornado would only hang up.
            http = self._http = HTTPServer(make_application(self.core), max_body_size=4 * DISCARD_BYTES_MAX)
            http.add_socket(next(sockets))
        if config.wire_port:
            self._wire = await loop.create_server(
                lambda: WireConnection(self.core, self._connections), sock=next(sockets)
            )
        self._in_background(self._warm_up())
        if config.mcp_port:
            self._in_background(self._serve_mcp(next(sockets)))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_log_failure)
        self._background.append(task)

    async def _warm_up(self) -> None:
        """Load the parser now rather than under the first client's statement."""
        await self.core.call(lambda: self.core.database.execute("RETURN 1"))

    async def _serve_mcp(self, listener: socket.socket) -> None:
        try:
            uvicorn = await self.core.call(lambda: import_module("uvicorn"))
            app = await self.core.call(lambda: import_module("memoradb.server.mcp.app"))
        except BaseException:
            listener.close()  # who waits for an answer learns that there is none
            raise
        if self._stopping:
            return
        # The SDK announces itself on the log; a server's start says that already.
        logging.getLogger("mcp").setLevel(logging.WARNING)
        settings = uvicorn.Config(
            app.make_http_app(self.core),
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
        self._mcp = uvicorn.Server(settings)
        self._mcp.capture_signals = contextlib.nullcontext  # signals are the command's
        await self._mcp.serve(sockets=[listener])

    async def stop(self) -> None:
        """Take no more connections, let running statements end or stop them, then close all connections."""
        self._stopping = True
        if self._http is not None:
            self._http.stop()
        if self._wire is not None:
            self._wire.close()
        await self.core.drain(self.config.grace_seconds)
        self.core.transactions.close()
        if self._mcp is not None:
            self._mcp.should_exit = True
        if self._http is not None:
            await self._http.close_all_connections()
        for connection in list(self._connections):
            connection.close()
        await asyncio.gather(*self._background, return_exceptions=True)
        for listener in self._sockets:
            listener.close()
        self.core.close()


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("A part of the server failed.", exc_info=error)


@contextlib.contextmanager
def running(database: Database, config: ServerConfig) -> Iterator[Server]:
    """A server on a thread of its own, for programs (and tests) that are not asynchronous themselves.

    Raises:
        ConfigurationError: as ``Server.start`` does.
    """
    loop = asyncio.new_event_loop()
    server = Server(database, config)
    thread = threading.Thread(target=loop.run_forever, name="memoradb-server", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
