"""Three statements to try, as printed at a server's start: ready to be pasted into a terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import orjson

from memoradb.server.config import ServerConfig

OF_THE_SAMPLE = (
    'MATCH (c:Class)-[:INHERITS*]->(:Class {name: "OSError"}) RETURN DISTINCT c.name ORDER BY c.name LIMIT 5',
    'MATCH (m:Module)-[:IMPORTS*1..3]->(:Module {name: "asyncio"}) RETURN count(DISTINCT m) AS modules',
    "MATCH (f:Function)-[:RAISES]->(c:Class) RETURN c.name, count(f) AS functions ORDER BY functions DESC LIMIT 5",
)
OF_ANY_GRAPH = (
    "MATCH (n) RETURN labels(n) AS labels, count(*) AS nodes ORDER BY nodes DESC LIMIT 5",
    "MATCH ()-[r]->() RETURN type(r) AS type, count(*) AS relationships ORDER BY relationships DESC LIMIT 5",
    "SHOW INDEXES",
)


def command(name: str, path: str) -> str:
    """How this shell calls the program ``name``: by name where that finds it, else by its path, short if it can be.

    Args:
        name: as one would type it.
        path: where it is.
    """
    found = shutil.which(name)
    if found is not None and Path(found).absolute() == Path(path).absolute():
        return name
    relative = os.path.relpath(path)
    return shlex.quote(path if relative.startswith("..") else relative)


def example_lines(config: ServerConfig, *, sample: bool) -> list[str]:
    """One line for curl, the command line and Python each, as far as the ports they need are open."""
    asked, counted, ranked = OF_THE_SAMPLE if sample else OF_ANY_GRAPH
    http = f"http://{config.reachable_host}:{config.http_port}"
    wire = f"memoradb://{config.reachable_host}:{config.wire_port}"
    lines: list[str] = []
    if config.http_port:
        body = shlex.quote(orjson.dumps({"query": asked}).decode())
        token = "" if config.token is None else ' -H "Authorization: Bearer $MEMORADB_TOKEN"'
        lines.append(f"curl -s{token} {http}/query -d {body}")
    url = wire if config.wire_port else http
    if config.wire_port or config.http_port:
        # The console script stands beside the interpreter; `python -m memoradb` is the same program.
        script = str(Path(sys.executable).parent / "memoradb")
        program = command("memoradb", script) if Path(script).exists() else f"{_python()} -m memoradb"
        lines.append(f"{program} query --url {url} {shlex.quote(counted)}")
        token = "" if config.token is None else ', token=__import__("os").environ["MEMORADB_TOKEN"]'
        text = orjson.dumps(ranked).decode()
        code = f'import memoradb; print(memoradb.connect("{url}"{token}).execute({text}).rows)'
        lines.append(f"{_python()} -c {shlex.quote(code)}")
    return lines


def _python() -> str:
    return command("python", sys.executable)
