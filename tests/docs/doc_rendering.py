"""Results as text for the pages: the same on every machine and in every terminal."""

from __future__ import annotations

import json
import re
from typing import Any

from memoradb.core.coercion import format_float
from memoradb.core.values import Node, Path, Relationship
from memoradb.result import Result

JSON_WIDTH = 100
_MEASURED = re.compile(r"( +[\d.]+ [kMG]?B)? +\d+\.\d{3} +\d+\.\d{3}$|(?<=^Held in memory at most: ).*")
"""Columns of PROFILE at the end: bytes, and milliseconds, which no two runs or versions of Python share."""
_ONE = {
    "nodes": "node",
    "relationships": "relationship",
    "properties": "property",
    "labels": "label",
    "indexes": "index",
    "constraints": "constraint",
}


def _without_measures(line: str) -> str:
    dots = "..." if line.startswith("Held") else "      ..."
    return _MEASURED.sub(dots, line)


def value_text(value: Any) -> str:
    """A value as MemQL would write it; elements as patterns."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return format_float(value)
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        case list() | tuple():
            return "[" + ", ".join(map(value_text, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{k}: {value_text(v)}" for k, v in value.items()) + "}"
        case Node():
            parts = ["".join(f":{label}" for label in value.labels)]
            parts += [value_text(value.properties)] if value.properties else []
            return f"({' '.join(p for p in parts if p)})"
        case Relationship():
            parts = [f":{value.type}", *([value_text(value.properties)] if value.properties else [])]
            return f"[{' '.join(parts)}]"
        case Path():
            text = value_text(value.nodes[0])
            for i, relationship in enumerate(value.relationships):
                forward = relationship.start == value.nodes[i].id
                arrow = ("-", "->") if forward else ("<-", "-")
                text += f"{arrow[0]}{value_text(relationship)}{arrow[1]}{value_text(value.nodes[i + 1])}"
            return text
        case _:
            return str(value)


def table_text(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A plain table."""
    widths = [max(len(r[i]) for r in [columns, *rows]) for i in range(len(columns))]
    head, *shown = (" | ".join(c.ljust(w) for c, w in zip(x, widths, strict=True)).rstrip() for x in [columns, *rows])
    return "\n".join([head, "-+-".join("-" * w for w in widths), *(shown if rows else ["(no rows)"])])


def result_text(result: Result) -> str:
    """What a statement answers: plan, rows, and what it changed."""
    parts: list[str] = []
    if result.summary.plan is not None:
        lines = [line.rstrip() for line in result.summary.plan.split("\n")]
        parts.append("\n".join(map(_without_measures, lines)))
    if result.columns:
        parts.append(table_text(result.columns, [tuple(map(value_text, row)) for row in result]))
    counters = result.summary.counters
    changed = [_counted(n, v) for n in type(counters).__slots__ if (v := getattr(counters, n))]
    if changed:
        parts.append(", ".join(changed))
    return "\n\n".join(parts)


def _counted(name: str, count: int) -> str:
    """``1 node created``, ``2 properties set``."""
    thing, _, done = name.rpartition("_")
    if count == 1:
        thing = _ONE[thing]
    return f"{count} {thing} {done}"


def json_text(value: Any, indent: int = 0) -> str:
    """JSON with everything on one line that fits one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= JSON_WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(k, ensure_ascii=False)}: {json_text(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner + i for i in items) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(inner + json_text(v, indent + 2) for v in value) + "\n" + " " * indent + "]"


def agrees(shown: str, actual: str, ordered: bool = True) -> bool:
    """Whether what a page shows is what came out; ``...`` stands for anything within a line.

    Rows that no ORDER BY puts in order may stand in any.
    """
    wanted, found = shown.rstrip().split("\n"), actual.rstrip().split("\n")
    if not ordered:
        wanted, found = sorted(wanted), sorted(found)
    if len(wanted) != len(found):
        return False
    return all(_line_agrees(w.rstrip(), f.rstrip()) for w, f in zip(wanted, found, strict=True))


def _line_agrees(wanted: str, found: str) -> bool:
    if "..." not in wanted:
        return wanted == found
    return re.fullmatch(".*".join(map(re.escape, wanted.split("..."))), found) is not None
