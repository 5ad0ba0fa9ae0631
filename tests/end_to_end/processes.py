"""Real processes: the command as it is started from a terminal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import memoradb

SOURCE = Path(memoradb.__file__).parents[1]
READY = "Ctrl-C stops the server."


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what a surrounding make or virtual environment put there."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "PYTHON", "VIRTUAL_ENV", "PYTEST"))
    }
    kept.pop("MEMORADB_TOKEN", None)
    return {**kept, "PYTHONPATH": str(SOURCE), **more}


class Process:
    """A running program whose lines are collected as they come."""

    def __init__(
        self, arguments: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ):
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [str(a) for a in arguments],
            cwd=cwd,
            env=dict(environment() if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, text: str, seconds: float = 60.0) -> float:
        """Wait for a line with ``text``; how long after the start it came, in seconds."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._ended or any(text in line for line in self.lines), seconds)
        assert found, f"no `{text}` in time:\n{self.output}"
        assert any(text in line for line in self.lines), f"it ended without `{text}`:\n{self.output}"
        return time.monotonic() - self.started

    def wait(self, seconds: float = 60.0) -> int:
        """The exit status."""
        status = self._process.wait(seconds)
        self._reader.join(seconds)
        return status

    def terminate(self, seconds: float = 60.0) -> int:
        """SIGTERM, and the exit status."""
        self._process.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL: no last word."""
        self._process.kill()
        self.wait()

    def close(self) -> None:
        """Leave nothing running."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()


@contextmanager
def running(
    arguments: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """A program that has ended when the block is left."""
    process = Process(arguments, cwd=cwd, env=env)
    try:
        yield process
    finally:
        process.close()


def memoradb_command(*arguments: str | Path) -> list[str | Path]:
    """The command of this checkout."""
    return [sys.executable, "-m", "memoradb", *arguments]


class Ports:
    """Three free ports, and the options that name them."""

    def __init__(self, *, http: bool = True, wire: bool = True, mcp: bool = False) -> None:
        self.http = free_port() if http else 0
        self.wire = free_port() if wire else 0
        self.mcp = free_port() if mcp else 0

    @property
    def options(self) -> list[str]:
        return ["--http-port", str(self.http), "--wire-port", str(self.wire), "--mcp-port", str(self.mcp)]

    @property
    def wire_url(self) -> str:
        return f"memoradb://127.0.0.1:{self.wire}"


@contextmanager
def served(data: Path, ports: Ports, *options: str | Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A server that has said that it is ready."""
    command = memoradb_command("serve", "--data", data, *ports.options, *options)
    with running(command, env=env) as process:
        process.wait_for(READY)
        yield process
