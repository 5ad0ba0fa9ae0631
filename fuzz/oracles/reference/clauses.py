"""Queries as folds: each clause takes a table of rows and gives the next one.

Tables of reading clauses are iterators, so that a row which nothing asks for is never made: the law for errors is a
lazy pull in row order (``UNWIND [1, 0] AS x RETURN 1 / x LIMIT 1`` succeeds). An updating clause takes its whole input
before it changes anything, and has done all of its work before the next clause begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from memoradb.core.errors import UnsupportedFeature
from memoradb.core.semantics import equivalence_key
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e

from .calls import call_procedure
from .matching import variables_of
from .projection import project
from .run import Row, Run, read, settled
from .updates import UPDATES, Updates


@dataclass(slots=True)
class Table:
    """Rows; ``columns`` are None for a query without RETURN. ``keys``: each row's sort key where ORDER BY sorted."""

    columns: tuple[str, ...] | None
    rows: Iterable[Row]
    keys: list[Any] | None = field(default=None)


def updates_in(query: a.Query) -> bool:
    """Whether a query writes, itself or in a subquery."""
    if isinstance(query, a.Union):
        return updates_in(query.left) or updates_in(query.right)
    return any(isinstance(c, UPDATES) or (isinstance(c, a.CallSubquery) and updates_in(c.query)) for c in query.clauses)


class Clauses:
    """Runs the clauses of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._updates = Updates(run)

    def query(self, query: a.Query, rows: Iterable[Row]) -> Table:
        """The result of ``query`` started from ``rows``."""
        if isinstance(query, a.SingleQuery):
            return self.single(query, rows)
        start = list(rows)
        left, right = self.query(query.left, start), self.query(query.right, start)
        together = _chained(left.rows, right.rows)
        return Table(left.columns, together if query.all else _distinct(together))

    def single(self, query: a.SingleQuery, rows: Iterable[Row]) -> Table:
        """A query without UNION."""
        clauses = query.clauses
        if len(clauses) == 1 and isinstance(clauses[0], a.Call):
            columns, found = call_procedure(self._run, clauses[0], rows, standalone=True)
            return Table(columns or None, found)
        for clause in clauses:
            match clause:
                case a.Return():
                    projected = project(self._run, clause.projection, rows)
                    return Table(projected.columns, projected.rows, projected.keys)
                case a.With():
                    rows = project(self._run, clause.projection, rows, clause.where).rows
                case a.Match():
                    rows = self._match(clause, rows)
                    if self._run.shuffle is not None:
                        rows = self._run.in_some_order(list(rows))
                case a.Unwind():
                    rows = self._unwind(clause, rows)
                case a.Call():
                    rows = call_procedure(self._run, clause, rows)[1]
                case a.CallSubquery():
                    rows = self._call(clause, rows)
                case a.Create() | a.Merge() | a.Set() | a.Remove() | a.Delete() | a.Foreach():
                    rows = self._updates.clause(clause, settled(rows))
                case _:
                    raise UnsupportedFeature(f"{type(clause).__name__} is not supported.", span=clause.span)
        return Table(None, rows)

    def _match(self, clause: a.Match, rows: Iterable[Row]) -> Iterator[Row]:
        expressions = self._run.expressions
        new = variables_of(clause.patterns)
        for row in rows:
            found = False
            for matched in self._run.matcher.match(clause.patterns, row):
                if expressions.holds(clause.where, matched):
                    found = True
                    yield matched
            if clause.optional and not found:
                yield {**dict.fromkeys(new), **row}

    def _unwind(self, clause: a.Unwind, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            source = self._run.expressions.evaluate(clause.source, row)
            if source is None:
                continue
            for item in source if type(source) is list else [source]:
                yield {**row, clause.variable.name: item}

    # --- CALL { }

    def _call(self, clause: a.CallSubquery, rows: Iterable[Row]) -> Iterable[Row]:
        """The subquery for each row; one that writes has done all of it before the next clause begins."""
        if updates_in(clause.query):
            return [made for row in settled(rows) for made in self._called(clause, row)]
        return (made for row in rows for made in self._called(clause, row))

    def _called(self, clause: a.CallSubquery, row: Row) -> Iterator[Row]:
        if clause.import_star:
            inner = self.query(clause.query, [dict(row)])
        elif clause.imports is not None:
            inner = self.query(clause.query, [{v.name: row[v.name] for v in clause.imports}])
        else:
            inner = self._imported(clause.query, row)
        if inner.columns is None:
            for _ in inner.rows:
                pass
            yield row
            return
        missed = True
        for found in inner.rows:
            missed = False
            yield {**row, **found}
        if missed and clause.optional:
            yield {**row, **dict.fromkeys(inner.columns)}

    def _imported(self, query: a.Query, row: Row) -> Table:
        """The older form: each part of the query sees what its own first WITH imports, or nothing."""
        if isinstance(query, a.Union):
            left, right = self._imported(query.left, row), self._imported(query.right, row)
            together = _chained(left.rows, right.rows)
            return Table(left.columns, together if query.all else _distinct(together))
        return self.single(query, [dict(row) if importing(query) else {}])


def importing(query: a.SingleQuery) -> bool:
    """Whether a query begins with a WITH of plain variables, which imports them into a CALL subquery."""
    first = query.clauses[0]
    if not isinstance(first, a.With) or first.where is not None or len(query.clauses) < 2:
        return False
    projection = first.projection
    plain = all(isinstance(i.expression, e.Variable) and i.alias is None for i in projection.items)
    return plain and (projection.star or bool(projection.items))


def _chained(*parts: Iterable[Row]) -> Iterator[Row]:
    """The rows of the parts of a UNION, which reads all of their columns."""
    for part in parts:
        for row in part:
            yield {name: read(row, name) for name in row}


def _distinct(rows: Iterable[Row]) -> Iterator[Row]:
    seen: set[Any] = set()
    for row in rows:
        key = tuple(equivalence_key(read(row, name)) for name in row)
        if key not in seen:
            seen.add(key)
            yield row
