"""A line shell: statements end with a semicolon and may take several lines; errors do not end it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memoradb.core.errors import MemoraDBError

from .output import show
from .script import split_script
from .target import parse_parameters

if TYPE_CHECKING:
    from .target import Target

HELP = """\
A statement ends with a semicolon and may take several lines. Ctrl-C drops what was typed.
  :help                this text
  :param NAME VALUE    set the parameter $NAME to a JSON value (anything else is a string)
  :params              show the parameters
  :clear               forget the parameters
  :begin               open a transaction: statements take effect together, at :commit
  :commit              make the transaction's changes durable
  :rollback            forget the transaction's changes
  :quit                leave; so does the end of input"""

HISTORY_LINES = 1_000


class Shell:
    """One session at a terminal or over a script."""

    def __init__(self, target: Target, *, interactive: bool) -> None:
        self._target = target
        self._interactive = interactive
        self._parameters: dict[str, Any] = {}
        self._transaction: Any = None
        self.failed = False

    def run(self) -> None:
        """Read from standard input until it ends or ``:quit``."""
        if self._interactive:
            print("MemoraDB. A statement ends with a semicolon; :help for help.")
        pending = ""
        while True:
            try:
                line = input(self._prompt(pending))
            except EOFError:
                break
            except KeyboardInterrupt:
                pending = ""
                print()
                continue
            if not pending and line.lstrip().startswith(":"):
                if line.split()[0] in (":quit", ":exit", ":q"):
                    break
                self._guarded(self._command, line.strip())
                continue
            statements, pending = split_script(f"{pending}\n{line}" if pending else line)
            for statement in statements:
                self._guarded(self._execute, statement)
        if pending and not self._interactive:
            self._guarded(self._execute, pending)
        if self._transaction is not None:
            self._transaction.rollback()
            print("The open transaction was rolled back.", file=sys.stderr)

    def _prompt(self, pending: str) -> str:
        if not self._interactive:
            return ""
        if pending:
            return "  ...> "
        return "memql*> " if self._transaction is not None else "memql> "

    def _guarded(self, act: Any, text: str) -> None:
        try:
            act(text)
        except MemoraDBError as error:
            self.failed = True
            print(error, file=sys.stderr)
        except click.UsageError as error:
            self.failed = True
            print(error.message, file=sys.stderr)
        except KeyboardInterrupt:
            self.failed = True
            print("Cancelled.", file=sys.stderr)

    def _execute(self, statement: str) -> None:
        runner = self._target if self._transaction is None else self._transaction
        show(runner.execute(statement, self._parameters))

    def _command(self, line: str) -> None:
        word, *rest = line.split(maxsplit=2)
        match word, rest:
            case ":help", []:
                print(HELP)
            case ":param", [name, value]:
                self._parameters |= parse_parameters((f"{name}={value}",))
            case ":params", []:
                for name, value in self._parameters.items():
                    print(f"${name} = {value!r}")
            case ":clear", []:
                self._parameters.clear()
            case ":begin", []:
                if self._transaction is not None:
                    raise click.UsageError("A transaction is open already: :commit or :rollback it first.")
                self._transaction = self._target.begin()
            case ((":commit" | ":rollback"), []):
                self._end(word)
            case _:
                raise click.UsageError(f"`{line}` is no command of the shell; :help lists them.")

    def _end(self, word: str) -> None:
        if self._transaction is None:
            raise click.UsageError("No transaction is open: :begin opens one.")
        transaction, self._transaction = self._transaction, None
        if word == ":commit":
            transaction.commit()
        else:
            transaction.rollback()


def history_file() -> Path:
    """Where the lines of earlier sessions are kept."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "memoradb" / "history"


def _remember_lines() -> None:
    """Line editing, and a history that outlives the session, where the platform has readline."""
    try:
        import readline
    except ImportError:
        return
    import atexit

    path = history_file()
    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LINES)

    def save() -> None:
        with suppress(OSError):  # no home to write to: then there is no history
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)

    atexit.register(save)


def run_shell(target: Target) -> bool:
    """Read statements from standard input until it ends; whether all went well."""
    interactive = sys.stdin.isatty()
    if interactive:
        _remember_lines()
    shell = Shell(target, interactive=interactive)
    shell.run()
    return interactive or not shell.failed
