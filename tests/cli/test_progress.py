"""Progress where there is no terminal."""

import os
import subprocess
import sys

import pytest

from memoradb.cli.progress import progress


def test_each_tenth_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Loading") as report:
        for share in (0.0, 0.01, 0.1, 0.11, 0.19, 0.42, 1.0):
            report("parts", share)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Loading: {tenth * 10} % (parts)" for tenth in range(11)]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar() -> None:
    import pty

    code = """
from memoradb.cli.progress import progress
with progress("Loading") as report:
    for i in range(11):
        report("parts", i / 10)
"""
    leader, follower = pty.openpty()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], stderr=follower, env=env, timeout=30, check=True)
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert done.returncode == 0
    assert "Loading: parts" in shown
    assert "100%" in shown
    assert "Loading: 10 %" not in shown
