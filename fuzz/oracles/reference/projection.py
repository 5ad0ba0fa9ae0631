"""WITH and RETURN: items, grouping, DISTINCT, ORDER BY, SKIP, LIMIT, WHERE.

Each projected row remembers one input row that it came from. ORDER BY and WHERE are evaluated on both together, new
names first. After DISTINCT or grouping the checks let them name projected items only, and those have the same value
on every input row of a group; so one of these rows stands for all. Aggregates range over the whole group.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.semantics import equivalence_key, order_key, type_name
from memoradb.core.values import Value
from memoradb.memql.bind.aggregation import contains_aggregate
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e

from .run import Later, Row, Run, read


@dataclass(slots=True)
class Projected:
    """The new table; ``keys``: its rows' sort keys, where there is ORDER BY."""

    columns: tuple[str, ...]
    rows: Iterable[Row]
    keys: list[Any] | None


@dataclass(slots=True)
class _Made:
    """A projected row, an input row it came from, and its group (None where nothing aggregates)."""

    row: Row
    source: Row
    group: list[Row] | None = None

    def both(self) -> Row:
        return {**self.source, **self.row}


def item_names(projection: a.Projection, names: Iterable[str]) -> list[tuple[str, e.Expression]]:
    """(name, expression) of each column; ``*`` stands for ``names``, sorted."""
    items: list[tuple[str, e.Expression]] = []
    if projection.star:
        items.extend((name, e.Variable(name)) for name in sorted(names))
    for item in projection.items:
        if item.alias is not None:
            name = item.alias.name
        elif isinstance(item.expression, e.Variable):
            name = item.expression.name
        else:
            name = item.text
        items.append((name, item.expression))
    return items


def project(run: Run, projection: a.Projection, rows: Iterable[Row], where: e.Expression | None = None) -> Projected:
    """The table that a projection makes of ``rows``."""
    if run.shuffle is not None:
        rows = run.in_some_order(list(rows))
    shown = run.columns[id(projection)]
    starred = shown[: len(shown) - len(projection.items)] if projection.star else ()
    items = item_names(projection, starred)
    if any(contains_aggregate(x) for _, x in items):
        made: Iterable[_Made] = _grouped(run, items, rows)
    else:
        made = _plain(run, items, rows)
    if projection.distinct:
        made = _distinct(made)
    stop = None if projection.limit is None else _count(run, projection.limit, "LIMIT")
    keys = None
    if stop == 0:
        # Nothing is asked for, so nothing is sorted, and no row is made.
        return Projected(tuple(n for n, _ in items), (), None)
    if projection.order_by:
        made, keys = _sorted(run, projection.order_by, list(made))
    if stop is not None or projection.skip is not None:
        skip = 0 if projection.skip is None else _count(run, projection.skip, "SKIP")
        stop = None if stop is None else skip + stop
        made = itertools.islice(made, skip, stop)
        keys = None if keys is None else keys[skip:stop]
    if where is not None:
        made = _filtered(run, made, where)
    return Projected(tuple(n for n, _ in items), (m.row for m in made), keys)


def _filtered(run: Run, made: Iterable[_Made], where: e.Expression) -> Iterator[_Made]:
    for m in made:
        if run.expressions.holds(where, m.both()):
            yield m


def _plain(run: Run, items: list[tuple[str, e.Expression]], rows: Iterable[Row]) -> Iterator[_Made]:
    for row in rows:
        yield _Made({name: _later(run, x, row) for name, x in items}, row)


def _grouped(run: Run, items: list[tuple[str, e.Expression]], rows: Iterable[Row]) -> Iterator[_Made]:
    """One row for each group of equivalent keys; without keys there is one group, though it be empty."""
    evaluate = run.expressions.evaluate
    keys = [x for _, x in items if not contains_aggregate(x)]
    groups: dict[Any, list[Row]] = {} if keys else {(): []}
    for row in rows:
        groups.setdefault(tuple(equivalence_key(evaluate(x, row)) for x in keys), []).append(row)
    for group in groups.values():
        source = group[0] if group else {}
        yield _Made({name: _later(run, x, source, group) for name, x in items}, source, group)


def _later(run: Run, expression: e.Expression, row: Row, group: list[Row] | None = None) -> Value:
    if isinstance(expression, e.Variable):
        return row[expression.name]
    if run.eager:
        return run.expressions.evaluate(expression, row, group)
    return Later(lambda: run.expressions.evaluate(expression, row, group))


def _distinct(made: Iterable[_Made]) -> Iterator[_Made]:
    seen: set[Any] = set()
    for m in made:
        key = tuple(equivalence_key(read(m.row, name)) for name in m.row)
        if key not in seen:
            seen.add(key)
            yield m


class _Descending:
    """A sort key in the opposite order."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return other.key < self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


def _sorted(run: Run, sorting: tuple[a.SortItem, ...], made: list[_Made]) -> tuple[list[_Made], list[Any]]:
    keyed = []
    for m in made:
        both = m.both()
        key = tuple(order_key(run.expressions.evaluate(item.expression, both, m.group)) for item in sorting)
        directed = tuple(_Descending(k) if i.descending else k for k, i in zip(key, sorting, strict=True))
        keyed.append((directed, key, m))
    keyed.sort(key=lambda found: found[0])
    return [m for _, _, m in keyed], [key for _, key, _ in keyed]


def _count(run: Run, expression: e.Expression, clause: str) -> int:
    value = run.expressions.evaluate(expression, {})
    if type(value) is not int:
        raise MemQLSyntaxError(
            f"{clause} takes a whole number, not {type_name(value)}.", phase="runtime", detail="InvalidArgumentType"
        )
    if value < 0:
        raise MemQLSyntaxError(f"{clause} takes 0 or more.", phase="runtime", detail="NegativeIntegerArgument")
    return value
