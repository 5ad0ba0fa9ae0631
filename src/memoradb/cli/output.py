"""Results for the terminal and for programs."""

from __future__ import annotations

import csv
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from memoradb.result import Result, plain


def text_of(value: Any) -> str:
    """A value as one line."""
    value = plain(value)
    if value is None:
        return "null"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def show(result: Result, form: str = "table") -> None:
    """Print rows as a table, JSON lines or CSV; without rows, what changed."""
    if result.summary.plan is not None:
        print(result.summary.plan)
    if form == "json":
        for row in result:
            print(orjson.dumps({k: plain(v) for k, v in row.data().items()}).decode())
        return
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(result.columns)
        writer.writerows([text_of(v) for v in row] for row in result)
        return
    console = Console()
    if result.columns:
        table = Table(*result.columns, header_style="bold")
        for row in result:
            table.add_row(*(text_of(v) for v in row))
        console.print(table, markup=False)
    counters = result.summary.counters
    changed = [f"{v} {n.replace('_', ' ')}" for n in type(counters).__slots__ if (v := getattr(counters, n))]
    rows = f"{len(result)} row{'' if len(result) == 1 else 's'}"
    parts = ([rows] if result.columns else []) + changed
    console.print(f"{', '.join(parts) or 'done'} in {result.summary.time_ns / 1e6:.1f} ms", style="dim", markup=False)
