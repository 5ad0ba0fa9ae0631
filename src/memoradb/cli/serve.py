"""The command ``memoradb serve``: open, fill on first start, listen, wait for a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

import memoradb
from memoradb.core.errors import ConfigurationError, CorruptionError, ForeignDirectory
from memoradb.server.app import Server, listening_socket
from memoradb.server.config import ServerConfig

from .examples import example_lines
from .progress import load_sample


def _limit_threads() -> None:
    """One BLAS thread: a second one on a busy machine made searches thirty times slower (measured)."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def read_token(token_file: str | None) -> str | None:
    """The token from a file, or from ``MEMORADB_TOKEN``; None where neither is given.

    Raises:
        ConfigurationError: the file cannot be read, or holds none.
    """
    if token_file is None:
        return os.environ.get("MEMORADB_TOKEN") or None
    try:
        token = Path(token_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The token file {token_file} cannot be read: {error}.") from error
    if not token:
        raise ConfigurationError(f"The token file {token_file} is empty.")
    return token


def run_server(
    data: str,
    config: ServerConfig,
    sample: str | None,
    durability: str,
    history: str = "all",
    memory_limit: str = "80%",
) -> None:
    """Serve until interrupted."""
    _limit_threads()
    config.check()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _leave)
    for port in (config.http_port, config.wire_port, config.mcp_port):
        if port:
            listening_socket(config.host, port).close()  # a taken port is said before the work, not after
    if sample is not None:
        fill(data)
    with memoradb.open(data, durability=durability, history=history, memory_limit=memory_limit) as database:
        asyncio.run(_serve(database, config))


def _leave(number: int, frame: FrameType | None) -> None:
    """SIGTERM before the event loop takes it over: unwind, so that what is open is closed."""
    raise SystemExit(128 + number)


def fill(data: str) -> None:
    """Load the sample where there is no database yet: into a directory beside, which takes its place when complete.

    So an interrupted first start leaves nothing half full, and the next one begins anew.

    Raises:
        DatabaseLocked: another process is doing the same.
    """
    target = Path(data).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        return
    part = target.with_name(f"{target.name}.loading")
    if part.exists():
        with suppress(CorruptionError, ForeignDirectory):
            memoradb.open(part).close()  # whoever has it open is loading just now
        shutil.rmtree(part)
    try:
        with memoradb.open(part) as database:
            load_sample(database)
            database.checkpoint()
        _replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _replace(part: Path, target: Path) -> None:
    try:
        part.rename(target)
    except OSError:
        # An empty directory that cannot be replaced, such as the place where a disk is mounted: its content can be.
        # The identity goes last: without it the directory is refused, not taken for complete.
        for child in sorted(part.iterdir(), key=lambda p: p.name == "memoradb.json"):
            shutil.move(child, target / child.name)


async def _serve(database: memoradb.Database, config: ServerConfig) -> None:
    server = Server(database, config)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # asked twice, it ends at once: the log bears that

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows has no such thing
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    await server.start()
    click.echo("\n".join(announcement(database, config)))
    await stopped.wait()
    click.echo("Stopping.")
    await server.stop()


def announcement(database: memoradb.Database, config: ServerConfig) -> list[str]:
    """What the start prints: what is served, where, to whom, and what to try."""
    from memoradb.storage.vector.hnsw import available

    statistics = database.storage.statistics
    host = config.reachable_host
    lines = [
        f"MemoraDB {memoradb.__version__}: {statistics.nodes():,} nodes, {statistics.relationships():,} relationships "
        f"in {database.path}"
    ]
    addresses = {
        "HTTP": (config.http_port, f"http://{host}:{config.http_port}"),
        "wire": (config.wire_port, f"memoradb://{host}:{config.wire_port}"),
        "MCP": (config.mcp_port, f"http://{host}:{config.mcp_port}/mcp"),
    }
    lines += [f"  {name:<5} {address}" for name, (port, address) in addresses.items() if port]
    if config.token is None:
        lines.append("Authentication is off: only this machine can connect. Set MEMORADB_TOKEN to change that.")
    else:
        lines.append("Authentication is on: clients must present the token.")
    if not available():
        lines.append("hnswlib is not installed: vector search scans exactly (pip install 'memoradb[hnsw]').")
    examples = example_lines(config, sample="Module" in database.snapshot().labels())
    if examples:
        lines += ["Try:", *(f"  {line}" for line in examples)]
    lines.append("Ctrl-C stops the server.")
    return lines
