"""Runs the examples of one page.

The rules, for whoever writes a page (CONTRIBUTING.md says them too):

- a page has one database, empty at first; what one example writes, the next one sees;
- ``<!-- database: people -->`` before an example begins anew, with the graph of ``docs/memql/people.md``, and
  ``<!-- database: empty -->`` with nothing; ``<!-- database: sample -->`` with the schema of the sample and no data:
  its answers depend on the Python that reads itself, so they are not compared;
- a ``memql`` block is what one would type into the shell: statements with semicolons between, ``:param`` lines first;
  its result follows in a ``text`` block. ``memql error`` means that the last statement must fail, and shows the error;
- ``python`` blocks of a page share their names; what they print follows in a ``text`` block;
- ``bash`` blocks run in an empty directory. Where a page talks to a port of ours, a server with the page's database is
  there; lines that are all ``curl`` are sent by Python's own client, and JSON is shown laid out;
- in a result ``...`` stands for anything within a line;
- ``<!-- not run: reason -->`` before a block leaves it out; all such are counted.

The clock stands at 2025-06-15T10:30:00Z, and chance is seeded: results are the same everywhere.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from doc_blocks import Block, Page, read_page
from doc_rendering import json_text, result_text

import memoradb
from memoradb import Database, Result
from memoradb.core.clock import ManualClock
from memoradb.core.errors import MemoraDBError
from memoradb.core.rng import SeededRandom
from memoradb.memql.syntax.parser import split_statements

ROOT = Path(__file__).parents[2]
PEOPLE = ROOT / "docs" / "memql" / "people.md"
NOW_NS = 1_749_983_400 * 1_000_000_000
PORTS = {"http": "8080", "wire": "7688", "mcp": "9090"}
"""The ports as the pages write them; free ones stand in for them when an example runs."""

_UNSTABLE = (
    (re.compile(r'("(?:(?:statement_)?time_ms|compile_ms|log_bytes|log_syncs|undo_bytes)": )[0-9.e-]+'), r"\1..."),
    (re.compile(r"\bin [0-9.]+ (ms|s)\b"), r"in ... \1"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "..."),
)
"""What no two runs share: times, sizes of the log, the identity of a graph."""


class ExampleError(AssertionError):
    """An example did not do what the page says."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an example printed, whether a page must show it, and whether its rows come in a promised order."""

    text: str
    must_show: bool = False
    ordered: bool = True
    compared: bool = True


def steady_database(path: str | None = None) -> Database:
    """A database whose clock stands and whose chance is seeded."""
    return memoradb.open(path, clock=ManualClock(NOW_NS), random=SeededRandom(1), durability="relaxed")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PageRun:
    """One run through a page's examples. A context manager; ``directory`` is empty and the working directory."""

    def __init__(self, page: Page, directory: Path) -> None:
        self._page = page
        self._directory = directory
        self._parameters: dict[str, Any] = {}
        self._namespace: dict[str, Any] = {"__name__": "__example__"}
        text = "\n".join(b.text for b in page.examples if b.not_run is None and b.language != "memql")
        self._ports = {name: free_port() for name, port in PORTS.items() if re.search(rf"\b{port}\b", text)}
        self._server = ExitStack()
        self._database: Database | None = None
        self._directories = 0
        self._compared = True

    def __enter__(self) -> PageRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self._end()
        for left_open in self._namespace.values():
            if isinstance(left_open, Database):
                left_open.close()

    def _end(self) -> None:
        self._server.close()
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def database(self) -> Database:
        """The page's database: in memory, or in a directory with a server over it."""
        if self._database is None:
            served = bool(self._ports)
            self._directories += 1
            data = self._directory / f"memoradb-data-{self._directories}"
            self._database = steady_database(str(data) if served else None)
            if served:
                from memoradb.server.app import running
                from memoradb.server.config import ServerConfig

                if "mcp" in self._ports:
                    # The server imports this in a thread: an example that imports the SDK meanwhile would meet a half.
                    import_module("memoradb.server.mcp.app")
                http, wire, mcp = (self._ports.get(name, 0) for name in ("http", "wire", "mcp"))
                config = ServerConfig(http_port=http, wire_port=wire, mcp_port=mcp)
                self._server.enter_context(running(self._database, config))
        return self._database

    def run(self, block: Block) -> Outcome:
        """What ``block`` prints.

        Raises:
            ExampleError: it failed, or did not fail though the page says that it does.
        """
        if block.database is not None:
            self._begin(block.database)
        match block.language:
            case "memql":
                return self._memql(block)
            case "python":
                return Outcome(self._as_written(self._python(block)), compared=self._compared)
            case _:
                return Outcome(self._as_written(self._bash(block)), compared=self._compared)

    def _begin(self, name: str) -> None:
        self._end()
        self._parameters = {}
        self._compared = name != "sample"
        match name:
            case "empty":
                pass
            case "people":
                for block in read_page(PEOPLE).examples:
                    if "graph" in block.flags:
                        self._statements(block.text)
            case "sample":
                from memoradb.sample.python_library import SCHEMA

                for statement in SCHEMA:
                    self.database.execute(statement)
            case _:
                raise ExampleError(f"There is no database {name!r}.")

    # --- memql

    def _statements(self, text: str) -> list[Result]:
        lines = text.split("\n")
        while lines and lines[0].startswith(":param "):
            _, name, value = lines.pop(0).split(" ", 2)
            self._parameters[name] = json.loads(value)
        return [self.database.execute(s, self._parameters) for s in split_statements("\n".join(lines))]

    def _memql(self, block: Block) -> Outcome:
        try:
            results = self._statements(block.text)
        except MemoraDBError as error:
            if "error" not in block.flags:
                raise ExampleError(f"the example fails:\n{error}") from error
            return Outcome(str(error), must_show=True)
        if "error" in block.flags:
            raise ExampleError("the example runs, though the page says that it fails")
        answers = any(r.columns or r.summary.plan is not None for r in results)
        ordered = "ORDER BY" in block.text.upper() or any(r.summary.plan is not None for r in results)
        return Outcome("\n\n".join(t for t in map(result_text, results) if t), answers, ordered, self._compared)

    # --- python

    def _python(self, block: Block) -> str:
        printed = io.StringIO()
        if self._ports:
            _ = self.database
        code = compile(self._with_ports(block.text), f"{self._page.path.name}:{block.start + 1}", "exec")
        try:
            with contextlib.redirect_stdout(printed):
                exec(code, self._namespace)
        except Exception as error:
            raise ExampleError(f"the example raises {type(error).__name__}: {error}") from error
        return printed.getvalue()

    # --- bash

    def _with_ports(self, text: str) -> str:
        for name, port in self._ports.items():
            text = re.sub(rf"\b{PORTS[name]}\b", str(port), text)
        return text

    def _as_written(self, text: str) -> str:
        for name, port in self._ports.items():
            text = re.sub(rf"\b{port}\b", PORTS[name], text)
        text = text.replace(str(self._directory), ".")
        for pattern, replacement in _UNSTABLE:
            text = pattern.sub(replacement, text)
        return text

    def _bash(self, block: Block) -> str:
        if self._ports:
            _ = self.database
        commands = self._with_ports(block.text).replace("\\\n", " ")
        lines = [shlex.split(line, comments=True) for line in _command_lines(commands)]
        if all(words[0] == "curl" for words in lines if words):
            return "\n".join(_curl(words, self._directory) for words in lines if words)
        environment = os.environ | {"PATH": f"{self._commands()}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
        environment |= {"COLUMNS": "100", "NO_COLOR": "1"}
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if ended.returncode:
            raise ExampleError(f"the commands end with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def _commands(self) -> Path:
        """A directory with `memoradb` and `python` of this checkout."""
        place = self._directory / ".bin"
        if not place.is_dir():
            place.mkdir()
            for name, arguments in (("memoradb", "-m memoradb"), ("python", "")):
                script = place / name
                script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
                script.chmod(0o755)
        return place


def _command_lines(text: str) -> Iterator[str]:
    """Commands of a script: lines, joined where a quote is still open."""
    pending = ""
    for line in text.split("\n"):
        pending = f"{pending}\n{line}" if pending else line
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            continue
        yield pending
        pending = ""
    if pending:
        raise ExampleError("a quote is never closed")


def _curl(words: list[str], directory: Path) -> str:
    """The answer to a ``curl`` command of the few options that our pages use."""
    method, body, url, headers, show_status = None, None, "", {}, False
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-s":
                pass
            case "-i":
                show_status = True
            case "-X":
                method = next(rest)
            case "-d":
                body = next(rest)
                if body.startswith("@"):
                    body = (directory / body[1:]).read_text("utf-8")
            case "-H":
                name, _, value = next(rest).partition(":")
                headers[name] = value.strip()
            case _ if word.startswith("-"):
                raise ExampleError(f"the runner does not know curl {word}")
            case _:
                url = word
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method or ("GET" if body is None else "POST"), f"/{path}", body, headers)
        response = connection.getresponse()
        answer = response.read().decode()
    finally:
        connection.close()
    shown = json_text(json.loads(answer)) if "json" in response.headers.get("Content-Type", "") else answer
    return f"HTTP/1.1 {response.status} {response.reason}\n{shown}" if show_status else shown
