"""The command line in this process, as a terminal would show it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from memoradb.cli.main import commands
from memoradb.core.errors import MemoraDBError


def memoradb(*arguments: str | Path, stdin: str | None = None) -> Result:
    """Run the command; ``exception`` is what it raised, which ``main`` would print without a traceback."""
    found = CliRunner(env={"MEMORADB_TOKEN": ""}).invoke(commands, [str(a) for a in arguments], input=stdin)
    assert found.exception is None or isinstance(found.exception, (SystemExit, MemoraDBError)), found.exception
    return found
