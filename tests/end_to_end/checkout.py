"""A copy of this repository's files, and the environments that are made from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from processes import environment

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".cache", "*_cache", ".hypothesis", "__pycache__", "memoradb-data", "build", "dist", "*.egg-info"
)


def copy_checkout(target: Path) -> Path:
    """The repository's files at ``target``, links kept as links, without what was made there."""
    shutil.copytree(ROOT, target, symlinks=True, ignore=LEFT_OUT)
    return target


def clean_environment(**more: str) -> dict[str, str]:
    """An environment in which only what is installed can be imported."""
    found = environment(**more)
    del found["PYTHONPATH"]
    return found


def run(
    *arguments: str | Path, cwd: Path, seconds: float = 300.0, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program that must succeed."""
    done = subprocess.run(
        [str(a) for a in arguments],
        cwd=cwd,
        env=dict(env or clean_environment()),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def make(checkout: Path, *targets: str, seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
    """``make`` with the Python that runs these tests."""
    return run("make", f"PYTHON={sys.executable}", *targets, cwd=checkout, seconds=seconds)
