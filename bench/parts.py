"""Parts of a benchmark that run in a process of their own: fresh memory, another environment, a process to kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parents[1] / ".cache"
PARTS: dict[str, Callable[..., Any]] = {}
"""By name; the result travels as JSON."""


def part(work: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``work`` be called by its name from another process."""
    PARTS[work.__name__] = work
    return work


def command(file: str, name: str, *arguments: object, python: str = sys.executable) -> list[str]:
    """What runs one part of ``file``."""
    return [python, str(Path(__file__).with_name(file)), "--part", name, json.dumps(arguments)]


def alone(
    file: str, name: str, *arguments: object, python: str = sys.executable, env: dict[str, str] | None = None
) -> Any:
    """Run one part of ``file`` in a process of its own."""
    line = command(file, name, *arguments, python=python)
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True, env={**os.environ, **(env or {})})
    return json.loads(done.stdout.decode().rpartition("\x1e")[2])


def finish(result: object) -> None:
    """Hand a part's result to the process that asked."""
    sys.stdout.write("\x1e" + json.dumps(result))
    sys.stdout.flush()


def run_part(name: str, arguments: str) -> None:
    """The other end of ``alone``."""
    finish(PARTS[name](*json.loads(arguments)))


def home(name: str) -> Path:
    """An empty place on the disk of the checkout."""
    path = CACHE / "storage" / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
