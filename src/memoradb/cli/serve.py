"""The command ``memoradb serve``: open, fill on first start, listen, wait for a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

import memoradb
from memoradb.server.app import Server
from memoradb.server.config import ServerConfig

EXAMPLE = "MATCH (c:Class)-[:INHERITS*]->(:Class {name: 'OSError'}) RETURN c.name LIMIT 5"


def _limit_threads() -> None:
    """One BLAS thread: a second one on a busy machine made searches thirty times slower (measured)."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def run_server(
    data: str,
    host: str,
    http_port: int,
    wire_port: int,
    mcp_port: int,
    token_file: str | None,
    sample: str | None,
    durability: str,
) -> None:
    """Serve until interrupted."""
    _limit_threads()
    token = Path(token_file).read_text("utf-8").strip() if token_file else os.environ.get("MEMORADB_TOKEN")
    config = ServerConfig(host, http_port, wire_port, mcp_port, token or None)
    config.check()
    with memoradb.open(data, durability=durability) as database:
        if sample is not None and database.storage.position <= 0:
            from .progress import load_sample

            load_sample(database)
        asyncio.run(_serve(database, config))


async def _serve(database: memoradb.Database, config: ServerConfig) -> None:
    server = Server(database, config)
    await server.start()
    _announce(database, config)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    await stopped.wait()
    click.echo("Stopping.")
    await server.stop()


def _announce(database: memoradb.Database, config: ServerConfig) -> None:
    statistics = database.storage.statistics
    host = config.host
    lines = [
        f"MemoraDB {memoradb.__version__}: {statistics.nodes():,} nodes, {statistics.relationships():,} relationships "
        f"in {database.path}"
    ]
    if config.http_port:
        lines.append(f"  HTTP  http://{host}:{config.http_port}")
    if config.wire_port:
        lines.append(f"  wire  memoradb://{host}:{config.wire_port}")
    if config.mcp_port:
        lines.append(f"  MCP   http://{host}:{config.mcp_port}/mcp")
    if config.token is None:
        lines.append("Authentication is off: only this machine can connect. Set MEMORADB_TOKEN to change that.")
    if config.http_port and config.wire_port:
        body = '{"query": "' + EXAMPLE + '"}'
        quoted = body.replace("'", "'\\''")
        lines += [
            "Try:",
            f"  curl -s http://{host}:{config.http_port}/query -d '{quoted}'",
            f'  memoradb query --url memoradb://{host}:{config.wire_port} "{EXAMPLE}"',
            f"  python -c \"import memoradb; print(memoradb.connect('http://{host}:{config.http_port}')"
            ".execute('MATCH (m:Module) RETURN count(*)').rows)\"",
        ]
    from memoradb.storage.vector.hnsw import available

    if not available():
        lines.append("hnswlib is not installed: vector search scans exactly (pip install 'memoradb[hnsw]').")
    click.echo("\n".join(lines))
