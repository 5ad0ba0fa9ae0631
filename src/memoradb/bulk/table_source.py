"""Parquet, Arrow IPC and Feather files as parts of a graph: their columns are named as those of CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from memoradb.core.columns import Column, IntArray, lift
from memoradb.core.errors import ArgumentError, MemoraDBError
from memoradb.storage.arrow import column_of

from . import tables
from .arrow import ArrowParts
from .assembly import Assembly
from .bad_rows import BadRow
from .blocks import size_of
from .header import Field, Role, parse_header
from .identity import file_identity
from .ids import Keys
from .parquet import ParquetParts
from .rows import NodeRows, RelationshipRows, choice_of
from .tables import TableParts, require_pyarrow
from .text_values import parser_of

if TYPE_CHECKING:
    import pyarrow

_PARQUET_MAGIC: Final = b"PAR1"


def table_at(path: str) -> TableParts:
    """The table in a file, whichever of the forms it has."""
    size_of(path)
    with open(path, "rb") as file:
        magic = file.read(len(_PARQUET_MAGIC))
    return ParquetParts(path) if magic == _PARQUET_MAGIC else ArrowParts(path)


@dataclass(frozen=True)
class TableGroup:
    """Files of nodes, or of relationships. ``names`` are the labels or the type that all rows have."""

    files: Sequence[str]
    names: tuple[str, ...]
    relationships: bool
    id_property: str | None

    def tables(self) -> Iterator[tuple[TableParts, list[Field]]]:
        """Each file with its columns."""
        for path in self.files:
            table = table_at(path)
            fields = parse_header(table.names, path, self.relationships)
            if self.relationships and not self.names and not any(f.role is Role.TYPE for f in fields):
                raise ArgumentError(
                    f"{path}: nothing says the type of the relationships.",
                    hint="Give one with the files, as TYPE=FILE, or a column :TYPE.",
                )
            yield table, fields

    def parts(self) -> Iterator[NodeRows | RelationshipRows]:
        """The rows."""
        for table, fields in self.tables():
            assembly = Assembly(fields, self.names, self.relationships, "string", self.id_property)
            done, sent = 0, 0
            rows = tables.RELATIONSHIP_PART_ROWS if self.relationships else tables.PART_ROWS
            for batch in table.batches(rows):
                last = done + batch.num_rows >= table.rows
                share = table.bytes - sent if last else table.bytes * batch.num_rows // max(1, table.rows)
                yield _part(table.where, fields, batch, done, assembly, share)
                done += batch.num_rows
                sent += share


def _part(
    path: str, fields: Sequence[Field], batch: pyarrow.RecordBatch, done: int, assembly: Assembly, bytes: int
) -> NodeRows | RelationshipRows:
    columns: dict[int, Column] = {}
    keys: dict[int, Keys] = {}
    choices: dict[int, tuple[list[tuple[str, ...]], IntArray]] = {}
    wrong: dict[int, str] = {}
    for i, field in enumerate(fields):
        array: Any = batch.column(i)
        if field.role is Role.IGNORE:
            continue
        if field.role in (Role.LABEL, Role.TYPE):
            choices[i] = _choice(array, field.role)
        elif field.role is not Role.PROPERTY:
            keys[i] = Keys.of_arrow(array)
        else:
            columns[i] = _property(field, array, wrong)

    def describe(row: int, reason: str) -> BadRow:
        return BadRow(path, done + row + 1, reason, str(batch.slice(row, 1).to_pylist()[0]))

    bad: list[BadRow] = []
    count = batch.num_rows
    if not wrong:
        return assembly.rows(count, columns, keys, choices, describe, bytes, bad)
    good = np.setdiff1d(np.arange(count), np.fromiter(wrong, np.int64, len(wrong)))
    bad += (describe(row, reason) for row, reason in sorted(wrong.items()))
    return assembly.rows(
        len(good),
        {i: column.take(good) for i, column in columns.items()},
        {i: key.take(good) for i, key in keys.items()},
        {i: (options, codes.take(good)) for i, (options, codes) in choices.items()},
        lambda row, reason: describe(int(good[row]), reason),
        bytes,
        bad,
    )


def _property(field: Field, array: Any, wrong: dict[int, str]) -> Column:
    column = column_of(array, field.name)
    if field.type in (None, "string") or field.array:
        return column
    values = column.values()
    if not any(type(value) is str for value in values):
        return column
    parser = parser_of(field.type or "string", field.options)
    found = list(values)
    for row, value in enumerate(found):
        if type(value) is str:
            try:
                found[row] = parser(value)
            except (MemoraDBError, ValueError) as problem:
                reason = problem.message if isinstance(problem, MemoraDBError) else str(problem)
                wrong[row] = f"column `{field.name}`: {reason.removesuffix('.')}"
                found[row] = None
    return lift(found)


def _choice(array: Any, role: Role) -> tuple[list[tuple[str, ...]], IntArray]:
    """Labels as lists, or as texts with semicolons between; a type as text."""
    choice = choice_of([_names(value, role) for value in array.to_pylist()])
    assert choice.codes is not None
    return list(choice.options), choice.codes


def _names(value: Any, role: Role) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(name) for name in value if name)
    if not value:
        return ()
    return (str(value),) if role is Role.TYPE else tuple(filter(None, str(value).split(";")))


class TableSource:
    """Groups of files."""

    what = "tables"

    def __init__(self, nodes: Sequence[TableGroup], relationships: Sequence[TableGroup]) -> None:
        require_pyarrow("Reading Parquet and Arrow")
        self._nodes = nodes
        self._relationships = relationships
        # Looks at every header: what is wrong with one is said before anything is loaded.
        self.bytes = sum(t.bytes for g in (*nodes, *relationships) for t, _ in g.tables())

    def identity(self) -> list[object]:
        groups = [
            [g.relationships, list(g.names), g.id_property or "", [file_identity(f) for f in g.files]]
            for g in (*self._nodes, *self._relationships)
        ]
        return ["tables", tables.PART_ROWS, tables.RELATIONSHIP_PART_ROWS, *groups]

    def nodes(self) -> Iterator[NodeRows]:
        return chain.from_iterable(group.parts() for group in self._nodes)  # pyright: ignore[reportReturnType]

    def relationships(self) -> Iterator[RelationshipRows]:
        return chain.from_iterable(group.parts() for group in self._relationships)  # pyright: ignore[reportReturnType]
