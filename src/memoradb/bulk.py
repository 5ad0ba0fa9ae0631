"""Bulk loading: columns into the graph without a statement or a Python object for each row.

Rows go in parts of ``PART_ROWS``, each one transaction: memory stays bounded, and a load that fails keeps the parts
before the one at fault and nothing of that one. Errors name the row, counted from 0. Keys of relationship ends are
resolved against all nodes of the label: by a table where the keys are dense integers, else by binary search or a map.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.errors import (
    ArgumentError,
    EntityNotFound,
    MemoraDBError,
    MissingExtra,
    TypeMismatch,
    UniqueViolation,
)
from memoradb.core.semantics import check_storable, equivalence_key
from memoradb.core.values import Value
from memoradb.memql.parameters import normalise
from memoradb.storage.engine import Engine
from memoradb.storage.transaction import Transaction
from memoradb.storage.view import Element, GraphView, IndexDefinition, IndexKind

PART_ROWS: Final = 250_000
"""Rows a transaction: large enough that the log's and the indexes' cost per commit vanishes."""

_TABLE_SPREAD: Final = 8
"""A table of ids by key pays while it has at most so many places for each key."""

Progress = Callable[[int, int], None] | None
Columns = Mapping[str, Column]


class BulkLoader:
    """Loads columns through the storage engine's own writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- nodes

    def nodes(self, tables: TableParts, label: str, key: str | None, progress: Progress) -> int:
        """Nodes with ``label`` from a file; each column is a property."""
        _check_name(label, "A label")
        if key is not None:
            tables.require(key)
        self._ensure_unique(label, key)
        done = 0
        for columns, rows in tables.parts():
            self._create_nodes((label,), columns, rows, key, done)
            done += rows
            if progress is not None:
                progress(done, tables.rows)
        self._engine.settle()
        return done

    def node_columns(
        self, label: str | Sequence[str], columns: Mapping[str, Sequence[Value]], key: str | None
    ) -> list[int]:
        """Nodes from Python sequences; returns their ids in order."""
        labels = (label,) if isinstance(label, str) else tuple(label)
        for name in labels:
            _check_name(name, "A label")
        rows = _common_length(columns)
        if key is not None and key not in columns:
            raise ArgumentError(f"There is no column `{key}` to be the key; there are {_named(columns)}.")
        if key is not None and not labels:
            raise ArgumentError(f"A key such as `{key}` identifies nodes of a label: give one.")
        if labels:
            self._ensure_unique(labels[0], key)
        ready = {name: _column(values, name) for name, values in columns.items()}
        ids: list[int] = []
        for start in range(0, rows, PART_ROWS):
            stop = min(rows, start + PART_ROWS)
            part = {name: column.slice(start, stop) for name, column in ready.items()}
            ids.extend(self._create_nodes(labels, part, stop - start, key, start).tolist())
        self._engine.settle()
        return ids

    def _create_nodes(
        self, labels: Sequence[str], columns: Columns, rows: int, key: str | None, first_row: int
    ) -> IntArray:
        """One part, in one transaction; the nodes' ids."""
        if key is not None:
            nulls = columns[key].nulls()
            if nulls is not None:
                raise ArgumentError(f"Row {first_row + int(np.argmax(nulls))}: the key `{key}` is null.")
        try:
            with self._engine.begin(exclusive=True) as transaction:
                with _rows_in_errors(columns, first_row):
                    slots = transaction.view.create_nodes(rows, labels, columns)
                ids = transaction.view.ids(Element.NODE, slots)
                transaction.commit()
                return ids
        except UniqueViolation as error:
            raise self._located(error, labels, columns, first_row) from None

    def _located(
        self, error: UniqueViolation, labels: Sequence[str], columns: Columns, first_row: int
    ) -> UniqueViolation:
        """The violation, with the first row at fault: a value that an earlier row or an existing node has."""
        view = self._engine.snapshot()
        for index in view.indexes():
            if index.kind is not IndexKind.UNIQUE or index.labels[0] not in labels or index.keys[0] not in columns:
                continue
            label, name = index.labels[0], index.keys[0]
            slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
            held = {equivalence_key(v): None for v in view.property(Element.NODE, slots, name).values()}
            seen: dict[Any, int | None] = dict(held)
            for row, value in enumerate(columns[name].values()):
                if value is None:
                    continue
                known = equivalence_key(value)
                if known in seen:
                    other = seen[known]
                    where = "a node that exists" if other is None else f"row {first_row + other}"
                    return UniqueViolation(
                        f"Row {first_row + row}: `{name}` is {value!r}, which {where} has as (:{label} {{{name}}}).",
                        hint="Nothing of this part was loaded; the parts before it are.",
                    )
                seen[known] = row
        return error

    def _ensure_unique(self, label: str, key: str | None) -> None:
        if key is None:
            return
        view = self._engine.snapshot()
        for index in view.indexes():
            if index.kind is IndexKind.UNIQUE and index.labels == (label,) and index.keys == (key,):
                return
        definition = IndexDefinition(f"unique_{label}_{key}", IndexKind.UNIQUE, Element.NODE, (label,), (key,))
        with self._engine.begin(exclusive=True) as transaction:
            transaction.view.create_index(definition)
            transaction.commit()

    # --- relationships

    def relationships(
        self,
        tables: TableParts,
        type: str,
        source: tuple[str, str, str],
        target: tuple[str, str, str],
        progress: Progress,
    ) -> int:
        """Relationships from a file; the ends are found by (label, key, column)."""
        _check_name(type, "A relationship type")
        for end in (source, target):
            tables.require(end[2])
        view = self._engine.snapshot()
        starts = _KeyLookup(view, source[0], source[1])
        ends = starts if source[:2] == target[:2] else _KeyLookup(view, target[0], target[1])
        done = 0
        for columns, rows in tables.parts():
            properties = {n: c for n, c in columns.items() if n not in (source[2], target[2])}
            from_ids = starts.ids(columns[source[2]], source[2], done)
            to_ids = ends.ids(columns[target[2]], target[2], done)
            self._create_relationships(type, from_ids, to_ids, properties, done)
            done += rows
            if progress is not None:
                progress(done, tables.rows)
        self._engine.settle()
        return done

    def relationship_columns(
        self,
        type: str,
        start_ids: Sequence[int],
        end_ids: Sequence[int],
        columns: Mapping[str, Sequence[Value]],
    ) -> int:
        """Relationships between nodes given by id."""
        _check_name(type, "A relationship type")
        if len(start_ids) != len(end_ids):
            raise ArgumentError(f"{len(start_ids)} start ids but {len(end_ids)} end ids.")
        if columns and _common_length(columns) != len(start_ids):
            raise ArgumentError(f"{len(start_ids)} relationships but {_common_length(columns)} rows of properties.")
        ready = {name: _column(values, name) for name, values in columns.items()}
        from_ids, to_ids = _ids(start_ids, "start"), _ids(end_ids, "end")
        for start in range(0, len(from_ids), PART_ROWS):
            stop = min(len(from_ids), start + PART_ROWS)
            part = {name: column.slice(start, stop) for name, column in ready.items()}
            self._create_relationships(type, from_ids[start:stop], to_ids[start:stop], part, start)
        self._engine.settle()
        return len(from_ids)

    def _create_relationships(
        self, type: str, from_ids: IntArray, to_ids: IntArray, properties: Columns, first_row: int
    ) -> None:
        """One part, in one transaction."""
        with self._engine.begin(exclusive=True) as transaction:
            sources = _slots(transaction, from_ids, first_row)
            targets = _slots(transaction, to_ids, first_row)
            with _rows_in_errors(properties, first_row):
                transaction.view.create_relationships(type, sources, targets, properties)
            transaction.commit()


def _slots(transaction: Transaction, ids: IntArray, first_row: int) -> IntArray:
    slots = transaction.view.slots_of_ids(Element.NODE, ids)
    if len(slots) and slots.min() < 0:
        row = int(np.argmax(slots < 0))
        raise EntityNotFound(f"Row {first_row + row}: there is no node with id {int(ids[row])}.", detail="NodeNotFound")
    return slots


@contextmanager
def _rows_in_errors(columns: Columns, first_row: int) -> Iterator[None]:
    """A TypeMismatch raised inside says which row and column it is about."""
    try:
        yield
    except TypeMismatch as error:
        for name, column in columns.items():
            for row, value in enumerate(column.values()):
                try:
                    check_storable(value)
                except TypeMismatch as found:
                    raise TypeMismatch(
                        f"Row {first_row + row}, `{name}`: {found.message}", detail=found.detail, hint=found.hint
                    ) from None
        raise error


class _KeyLookup:
    """Node ids by the value of one property under one label."""

    def __init__(self, view: GraphView, label: str, key: str) -> None:
        self._what = f"(:{label} {{{key}}})"
        slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
        values = view.property(Element.NODE, slots, key)
        ids = view.ids(Element.NODE, slots)
        self._numbers: IntArray | None = None
        """Sorted keys, with ``_ids`` in the same order, where all are integers."""
        self._table: IntArray | None = None
        """Ids by key less ``_low``, -1 where there is none, where the keys are dense."""
        self._low = 0
        self._by_value: dict[Any, int] | None = None
        nulls = values.nulls()
        if nulls is not None:
            present = np.flatnonzero(~nulls)
            values, ids = values.take(present), ids.take(present)
        self._ids = ids
        if isinstance(values, TypedColumn) and values.kind == Kind.INTEGER and len(ids):
            self._by_number(values.data)
        else:
            self._values = values.values()
            if len(self._map()) < len(self._values):
                raise self._ambiguous()

    def _by_number(self, numbers: IntArray) -> None:
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < _TABLE_SPREAD * len(numbers):
            self._low, self._table = low, np.full(high - low + 1, -1, np.int64)
            self._table[numbers - low] = self._ids
            if int((self._table >= 0).sum()) < len(numbers):
                raise self._ambiguous()
        order = np.argsort(numbers, kind="stable")
        self._numbers, self._ids = numbers.take(order), self._ids.take(order)
        if (self._numbers[1:] == self._numbers[:-1]).any():
            raise self._ambiguous()

    def _map(self) -> dict[Any, int]:
        if self._by_value is None:
            keys = self._values if self._numbers is None else self._numbers.tolist()
            pairs = zip(keys, self._ids.tolist(), strict=True)
            self._by_value = {equivalence_key(v): i for v, i in pairs}
        return self._by_value

    def ids(self, keys: Column, name: str, first_row: int) -> IntArray:
        """The node id for each key; an error names the first row whose key is null or has no node."""
        nulls = keys.nulls()
        if nulls is not None:
            raise ArgumentError(f"Row {first_row + int(np.argmax(nulls))}: `{name}` is null.")
        if isinstance(keys, TypedColumn) and keys.kind == Kind.INTEGER and self._numbers is not None:
            found = self._by_table(keys.data) if self._table is not None else self._by_search(keys.data)
        else:
            known = self._map()
            found = np.fromiter((known.get(equivalence_key(v), -1) for v in keys.values()), np.int64, len(keys))
        if len(found) and int(found.min()) < 0:
            row = int(np.argmax(found < 0))
            raise EntityNotFound(
                f"Row {first_row + row}: there is no node {self._what} for `{name}` = {keys.item(row)!r}.",
                detail="NodeNotFound",
                hint="Nothing of this part was loaded; the parts before it are.",
            )
        return found

    def _by_table(self, keys: IntArray) -> IntArray:
        assert self._table is not None
        inside = (keys >= self._low) & (keys < self._low + len(self._table))
        if inside.all():
            return self._table.take(keys - self._low)
        return np.where(inside, self._table.take(np.where(inside, keys - self._low, 0)), -1)

    def _by_search(self, keys: IntArray) -> IntArray:
        assert self._numbers is not None
        places = np.searchsorted(self._numbers, keys)
        places[places == len(self._numbers)] = 0
        return np.where(self._numbers.take(places) == keys, self._ids.take(places), -1)

    def _ambiguous(self) -> MemoraDBError:
        return ArgumentError(
            f"Several nodes {self._what} have the same value, so it does not say which one is meant.",
            hint="Use a key that is unique.",
        )


class TableParts:
    """A Parquet file read part by part as columns of the engine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise MissingExtra(
                "Reading Parquet needs pyarrow.", hint='Install it with: pip install "memoradb[arrow]"'
            ) from error
        self._path = os.fspath(path)
        try:
            self._file = parquet.ParquetFile(self._path)
        except FileNotFoundError as error:
            raise ArgumentError(f"There is no file {self._path}.") from error
        except (pyarrow.ArrowException, OSError) as error:
            raise ArgumentError(f"{self._path} cannot be read as Parquet: {error}") from error
        self.rows: int = self._file.metadata.num_rows
        self._names: list[str] = self._file.schema_arrow.names
        doubled = sorted({n for n in self._names if self._names.count(n) > 1})
        if doubled:
            raise ArgumentError(f"{self._path} has several columns `{doubled[0]}`.")

    def require(self, name: str) -> None:
        """ArgumentError unless there is a column of that name."""
        if name not in self._names:
            raise ArgumentError(f"{self._path} has no column `{name}`; it has {_named(self._names)}.")

    def parts(self) -> Iterator[tuple[dict[str, Column], int]]:
        """Columns by name and their length, ``PART_ROWS`` rows at most at a time."""
        import pyarrow

        from memoradb.storage.arrow import column_of

        batches = self._file.iter_batches(batch_size=PART_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise ArgumentError(f"{self._path} is damaged: {error}") from error
            if batch is None:
                return
            yield {name: column_of(batch.column(i), name) for i, name in enumerate(self._names)}, batch.num_rows


def parquet_tables(path: str | os.PathLike[str]) -> TableParts:
    """The file at ``path``, to be read in parts."""
    return TableParts(path)


def _column(values: Sequence[Value], name: str) -> Column:
    if isinstance(values, np.ndarray) and values.ndim == 1:
        if values.dtype.kind == "i":
            return TypedColumn(Kind.INTEGER, values.astype(np.int64))
        if values.dtype.kind == "f":
            return TypedColumn(Kind.FLOAT, values.astype(np.float64))
        if values.dtype.kind == "b":
            return TypedColumn(Kind.BOOLEAN, values)
    return lift([normalise(v, f"{name}[{i}]") for i, v in enumerate(values)])


def _ids(ids: Sequence[int], which: str) -> IntArray:
    array = np.asarray(ids)
    if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu"):
        raise TypeMismatch(f"The {which} ids are integers, one for each relationship.")
    return array.astype(np.int64)


def _common_length(columns: Mapping[str, Sequence[Value]]) -> int:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        shown = ", ".join(f"`{name}` {len(values)}" for name, values in columns.items())
        raise ArgumentError(f"Columns of different lengths: {shown}.")
    return lengths.pop() if lengths else 0


def _check_name(name: str, what: str) -> None:
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"{what} is a string that is not empty, not {name!r}.")


def _named(names: Sequence[str] | Columns | Mapping[str, Any]) -> str:
    return ", ".join(f"`{n}`" for n in names) or "none"
