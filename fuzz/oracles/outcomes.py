"""What a statement did, in a form that two executions can be compared by.

Rows are a bag, in runs of equal sort keys where ORDER BY decides; an element that was there before is known by its id,
a new one by what it holds. Floats are rounded to eleven digits, since the order of a sum is open (DESIGN 4.3).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from memoradb.core.values import Node, Path, Relationship, Value


@dataclass
class Outcome:
    """One execution. ``error``: the class and phase of the error, else None. ``graph``: after a write, its form."""

    error: str | None = None
    columns: tuple[str, ...] = ()
    rows: list[Any] = field(default_factory=list)
    keys: list[Any] | None = None
    graph: Any = None
    shown: list[tuple[Value, ...]] = field(default_factory=list)

    def text(self, most: int = 12) -> str:
        """For people: the error, or the rows."""
        if self.error is not None:
            return self.error
        lines = [", ".join(map(_show, row)) for row in self.shown[:most]]
        more = len(self.shown) - most
        names = f" of {', '.join(self.columns)}" if self.columns else ""
        return "\n".join([f"{len(self.shown)} rows{names}", *lines, *([f"and {more} more"] if more > 0 else [])])


def _show(value: Value) -> str:
    match value:
        case Node():
            return f"({value.id}{''.join(f':{x}' for x in sorted(value.labels))} {value.properties})"
        case Relationship():
            return f"[{value.id}:{value.type} {value.start}->{value.end} {value.properties}]"
        case Path():
            return f"<{' '.join(map(_show, (*value.nodes, *value.relationships)))}>"
        case list():
            return f"[{', '.join(map(_show, value))}]"
        case str():
            return repr(value)
        case _:
            return str(value)


@dataclass(frozen=True)
class Known:
    """The ids of the elements that were there before the statement."""

    nodes: frozenset[int]
    relationships: frozenset[int]

    def form(self, value: Value, loose: bool = False) -> Any:
        """A hashable form, equal for equal values of equal types. ``loose``: lists as bags, 1 the same as 1.0."""
        match value:
            case None | bool() | str():
                return (type(value).__name__, value)
            case int():
                return ("number", float(value)) if loose else ("int", value)
            case float():
                if value != value:
                    return ("float", "NaN")
                rounded = float(f"{value:.11g}") + 0.0 if math.isfinite(value) else value
                return ("number" if loose else "float", rounded)
            case list():
                items = [self.form(v, loose) for v in value]
                return ("list", *(sorted(items, key=repr) if loose else items))
            case dict():
                return ("map", *((k, self.form(value[k], loose)) for k in sorted(value)))
            case Node():
                known = value.id if value.id in self.nodes else "new"
                return ("node", known, *sorted(value.labels), self.form(value.properties, loose))
            case Relationship():
                known = value.id if value.id in self.relationships else "new"
                return ("relationship", known, value.type, self.form(value.properties, loose))
            case Path():
                parts = itertools.chain(value.nodes, value.relationships)
                return ("path", *(self.form(v, loose) for v in parts))
            case _:
                return (type(value).__name__, str(value))

    def graph(self, nodes: Sequence[Node], relationships: Sequence[Relationship]) -> Any:
        """A form of a whole graph, equal for graphs that differ in the ids of new elements alone.

        Nodes are told apart by what they hold and, twice over, by what they are joined to: enough for graphs that small
        queries make, though not for every pair of graphs.
        """
        marks = {n.id: hash(self.form(n)) for n in nodes}
        joined: dict[int, list[tuple[Relationship, bool]]] = {n.id: [] for n in nodes}
        for r in relationships:
            joined[r.start].append((r, True))
            joined[r.end].append((r, False))
        held = {r.id: hash(self.form(r)) for r in relationships}
        for _ in range(2):
            marks = {
                n: hash((mark, *sorted((held[r.id], out, marks[r.end if out else r.start]) for r, out in joined[n])))
                for n, mark in marks.items()
            }
        ends = Counter((held[r.id], marks[r.start], marks[r.end]) for r in relationships)
        return Counter(marks.values()), ends


def same(expected: Outcome, found: Outcome) -> bool:
    """Whether two outcomes agree; ``keys`` of either say which rows must come in which order."""
    if expected.error != found.error or expected.columns != found.columns or expected.graph != found.graph:
        return False
    keys = expected.keys if expected.keys is not None else found.keys
    return _runs_agree(expected.rows, found.rows, keys)


def _runs_agree(expected: list[Any], found: list[Any], keys: list[Any] | None) -> bool:
    if len(expected) != len(found):
        return False
    if keys is None or len(keys) != len(expected):
        return Counter(expected) == Counter(found)
    start = 0
    for _, run in itertools.groupby(_decided(keys)):
        stop = start + sum(1 for _ in run)
        if Counter(expected[start:stop]) != Counter(found[start:stop]):
            return False
        start = stop
    return True


def _decided(keys: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As much of each sort key as decides: up to the first part whose rows differ in the last digits of a float alone.

    Which of them comes first is open, and with it what the later parts decide.
    """
    rounded = [tuple(map(_rounded, key)) for key in keys]
    exact: dict[tuple[Any, ...], set[Any]] = {}
    for key, near in zip(keys, rounded, strict=True):
        for i, part in enumerate(key):
            exact.setdefault(near[: i + 1], set()).add(part)
    ends = ((i for i in range(1, len(near) + 1) if len(exact[near[:i]]) > 1) for near in rounded)
    return [near[: next(end, None)] for near, end in zip(rounded, ends, strict=True)]


def _rounded(part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(map(_rounded, part))
    return float(f"{part:.11g}") if isinstance(part, float) and math.isfinite(part) else part


def similar(known: Known, expected: Outcome, found: Outcome) -> bool:
    """Whether two outcomes agree but for the order of rows and in lists, and 1 against 1.0."""
    if expected.error != found.error or expected.columns != found.columns or expected.graph != found.graph:
        return False
    return _loose(known, expected.shown) == _loose(known, found.shown)


def _loose(known: Known, rows: Iterable[tuple[Value, ...]]) -> Counter[Any]:
    return Counter(tuple(known.form(v, True) for v in row) for row in rows)
