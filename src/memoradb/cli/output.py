"""Results for the terminal and for programs."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from memoradb.result import Result
from memoradb.server.http.values import json_bytes, json_value
from memoradb.storage.view import Counters

TABLE_ROWS_MAX: Final = 1_000
"""Rows that a table shows: all must be measured before the first can be printed. JSON and CSV print them all."""

WIDTH_ELSEWHERE: Final = 100_000
"""Columns of what is no terminal: nothing is cut or wrapped in a pipe."""


def text_of(value: Any) -> str:
    """A value as one line."""
    value = json_value(value)
    if value is None:
        return "null"
    return value if isinstance(value, str) else json_bytes(value).decode()


def changes(counters: Counters) -> list[str]:
    """What a statement changed, in words."""
    return [f"{v:,} {n.replace('_', ' ')}" for n in type(counters).__slots__ if (v := getattr(counters, n))]


def show(result: Result, form: str = "table") -> None:
    """Print rows as a table, JSON lines or CSV, and what changed; the plan for EXPLAIN and PROFILE.

    In JSON and CSV only rows go to standard output, or the plan where there are none: the rest goes to standard error.
    """
    plan = result.summary.plan
    for notification in result.summary.notifications:
        place = notification.position
        where = "" if place is None else f" (line {place.line}, column {place.column})"
        print(f"Note{where}: {notification.description}", file=sys.stderr)
    if form == "table":
        _show_table(result)
        return
    changed = changes(result.summary.counters)
    if changed:
        print(", ".join(changed), file=sys.stderr)
    if form == "json":
        if plan is not None and not result.columns:
            sys.stdout.write(_plan_json(result))
        for row in result:
            sys.stdout.write(json_bytes({k: json_value(v) for k, v in row.data().items()}).decode() + "\n")
        return
    if plan is not None and not result.columns:
        print(plan)
    if result.columns:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(["" if v is None else text_of(v) for v in row] for row in result)


def write_plan(result: Result, path: str) -> None:
    """Write the plan of EXPLAIN or PROFILE as JSON to a file, ``-`` for standard output.

    Raises:
        click.UsageError: the statement begins with neither, or the file cannot be written.
    """
    if result.summary.plan_tree is None:
        raise click.UsageError("Only EXPLAIN and PROFILE have a plan: write one of them before the statement.")
    if path == "-":
        sys.stdout.write(_plan_json(result))
        return
    try:
        Path(path).write_text(_plan_json(result), "utf-8")
    except OSError as error:
        raise click.UsageError(f"The plan cannot be written to {path}: {error.strerror}.") from None


def _plan_json(result: Result) -> str:
    return orjson.dumps(result.summary.plan_tree, option=orjson.OPT_INDENT_2).decode() + "\n"


def _show_table(result: Result) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH_ELSEWHERE, highlight=False)
    if result.summary.plan is not None:
        print(result.summary.plan)
    if result.columns:
        table = Table(header_style="bold")
        for name in result.columns:
            table.add_column(Text(name), overflow="fold")
        for row in result.rows[:TABLE_ROWS_MAX]:
            table.add_row(*(Text(text_of(v)) for v in row))
        console.print(table)
        if len(result) > TABLE_ROWS_MAX:
            more = len(result) - TABLE_ROWS_MAX
            console.print(f"... and {more:,} more rows: --format json or csv prints them all.", markup=False)
    rows = f"{len(result):,} row{'' if len(result) == 1 else 's'}"
    parts = ([rows] if result.columns else []) + changes(result.summary.counters)
    console.print(f"{', '.join(parts) or 'Done'} in {result.summary.time_ns / 1e6:.1f} ms.", style="dim", markup=False)
