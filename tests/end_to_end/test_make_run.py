"""``make run`` in a fresh copy of the repository: all its own set-up, a filled server, three statements to paste."""

from __future__ import annotations

import ast
import builtins
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import clean_environment, copy_checkout
from processes import READY, Ports, Process, running

import memoradb

pytestmark = pytest.mark.timeout(600)  # a loaded machine and an empty cache of pip


def start(ports: Ports) -> list[str | Path]:
    numbers = (f"HTTP_PORT={ports.http}", f"WIRE_PORT={ports.wire}", f"MCP_PORT={ports.mcp}")
    return ["make", "run", f"PYTHON={sys.executable}", *numbers]


def stop(server: Process) -> None:
    """As Ctrl-C in a terminal does: the signal goes to make and what it started."""
    os.killpg(server.pid, signal.SIGINT)
    server.wait(30)
    assert "Stopping." in server.output


def paste(line: str, cwd: Path) -> str:
    """Run a line as a shell would."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def test_make_run_serves_the_sample_and_what_it_prints_can_be_pasted(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    ports = Ports(mcp=True)
    with running(start(ports), cwd=checkout, env=clean_environment()) as server:
        server.wait_for(READY, 500)
        for tenth in range(11):
            assert sum(f"Loading the sample: {tenth * 10} %" in line for line in server.lines) == 1
        assert "in ./memoradb-data" in server.output
        for address in (f"http://127.0.0.1:{ports.http}", f"memoradb://127.0.0.1:{ports.wire}", f":{ports.mcp}/mcp"):
            assert address in server.output
        curl, shell, python = (line.strip() for line in server.lines[server.lines.index("Try:") + 1 :][:3])
        with memoradb.connect(ports.wire_url) as client:
            assert client.execute("MATCH (n) RETURN count(n)").value() > 30_000
            assert client.execute("MATCH ()-[r]->() RETURN count(r)").value() > 50_000

            assert curl.startswith("curl ")
            answer = json.loads(paste(curl, checkout))
            assert answer["columns"] == ["c.name"]
            names = [row[0] for row in answer["rows"]]
            assert len(names) == 5
            assert all(issubclass(getattr(builtins, n, OSError), OSError) for n in names)
            assert names == sorted(names)

            assert shell.startswith(".venv/bin/memoradb query ")
            text = shlex.split(shell)[-1]
            count = client.execute(text).value()
            assert count > 10
            assert str(count) in paste(shell, checkout)

            assert python.startswith(".venv/bin/python -c ")
            rows = ast.literal_eval(paste(python, checkout))
            assert rows[0][0] in ("ValueError", "TypeError")
            assert rows == sorted(rows, key=lambda row: -row[1])
        stop(server)

    # The second start: no set-up, no filling, and up at once.
    with running(start(ports), cwd=checkout, env=clean_environment()) as server:
        took = server.wait_for(READY, 60)
        assert "Loading" not in server.output
        assert "Installing" not in server.output
        assert took < 10  # about one second on an idle machine, imports included
        stop(server)


def test_an_old_python_gets_a_clear_message(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    imitation = 'import sys; sys.version_info = (3, 9, 1, "final", 0); exec(sys.argv[1])'
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(imitation)} "$2"\n')
    old.chmod(0o755)
    checkout = copy_checkout(tmp_path / "checkout")
    for target in ("run", "test"):
        done = subprocess.run(
            ["make", target, f"PYTHON={old}"],
            cwd=checkout,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert (
            f"MemoraDB needs Python 3.11 or newer; this is Python 3.9. Try: make PYTHON=python3.11 {target}"
            in done.stderr
        )
    assert not (checkout / ".venv").exists()


def test_without_a_compiler_hnswlib_is_left_out_and_it_is_said(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    for compiler, word in (("CXX_FOUND=", "[arrow]"), ("CXX_FOUND=c++", "[hnsw,arrow]")):
        shown = subprocess.run(
            ["make", "-n", "run", compiler],
            cwd=checkout,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert ("No C++ compiler found" in shown) is (word == "[arrow]")
        assert f"-e '.{word}'" in shown
