"""A plain line shell: statements end with a semicolon; errors do not end it."""

from __future__ import annotations

import sys
from typing import Any

from memoradb.core.errors import MemoraDBError

from .output import show

HELP = """Statements end with a semicolon. Also:
  :help    this
  :param NAME VALUE    set a parameter (JSON)
  :quit    leave (so does end of input)"""


def run_shell(database: Any) -> None:
    """Read statements from standard input until it ends."""
    from memoradb.memql.syntax.parser import split_statements

    from .target import parse_parameters

    interactive = sys.stdin.isatty()
    if interactive:
        print("MemoraDB. End statements with a semicolon; :help for help.")
    parameters: dict[str, Any] = {}
    pending = ""
    while True:
        try:
            line = input(("memql> " if not pending else "  ...> ") if interactive else "")
        except EOFError:
            break
        except KeyboardInterrupt:
            pending = ""
            print()
            continue
        command = line.strip()
        if not pending and command.startswith(":"):
            word, _, rest = command.partition(" ")
            if word in (":quit", ":exit", ":q"):
                return
            if word == ":param" and " " in rest.strip():
                name, _, value = rest.strip().partition(" ")
                parameters |= parse_parameters((f"{name}={value}",))
            else:
                print(HELP)
            continue
        pending += line + "\n"
        if not command.endswith(";"):
            continue
        text, pending = pending, ""
        _run(database, text, parameters, split_statements)
    if pending.strip():
        _run(database, pending, parameters, split_statements)


def _run(database: Any, text: str, parameters: dict[str, Any], split: Any) -> None:
    try:
        for statement in split(text):
            show(database.execute(statement, parameters))
    except MemoraDBError as error:
        print(error, file=sys.stderr)
