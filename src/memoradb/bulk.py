"""Bulk loading: columns into the graph without a statement or a Python object for each row.

Rows go in parts of ``PART_ROWS``, each one transaction: memory stays bounded, an interrupted load keeps whole parts.
Keys of relationship ends are resolved part by part against the unique index, or once against all nodes of the label
where the part is large.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, IntArray, Kind, ListColumn, TypedColumn, lift
from memoradb.core.errors import ArgumentError, EntityNotFound, MissingExtra
from memoradb.core.values import Value
from memoradb.memql.parameters import normalise
from memoradb.storage.engine import Engine
from memoradb.storage.view import Element, GraphView, IndexDefinition, IndexKind

if TYPE_CHECKING:
    import pyarrow

PART_ROWS: Final = 250_000
"""Rows a transaction: large enough that the log's and the indexes' cost per commit vanishes."""

Progress = Callable[[int, int], None] | None


class BulkLoader:
    """Loads columns through the storage engine's own writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- nodes

    def nodes(self, tables: TableParts, label: str, key: str | None, progress: Progress) -> int:
        """Nodes with ``label`` from Arrow tables; each column is a property."""
        self._ensure_unique(label, key)
        done = 0
        for columns, rows in tables.parts():
            with self._engine.begin(exclusive=True) as transaction:
                transaction.view.create_nodes(rows, (label,), columns)
                transaction.commit()
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
        rows = _common_length(columns)
        self._ensure_unique(labels[0], key)
        ready = {name: _column(values, name) for name, values in columns.items()}
        ids: list[int] = []
        for start in range(0, rows, PART_ROWS):
            stop = min(rows, start + PART_ROWS)
            part = {name: column.slice(start, stop) for name, column in ready.items()}
            with self._engine.begin(exclusive=True) as transaction:
                slots = transaction.view.create_nodes(stop - start, labels, part)
                ids.extend(transaction.view.ids(Element.NODE, slots).tolist())
                transaction.commit()
        self._engine.settle()
        return ids

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
        """Relationships from Arrow tables; the ends are found by (label, key, column)."""
        view = self._engine.snapshot()
        starts, ends = _KeyLookup(view, source[0], source[1]), _KeyLookup(view, target[0], target[1])
        done = 0
        for columns, rows in tables.parts():
            properties = {n: c for n, c in columns.items() if n not in (source[2], target[2])}
            from_ids = starts.ids(columns[source[2]])
            to_ids = ends.ids(columns[target[2]])
            self._relationships(type, from_ids, to_ids, properties)
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
        if len(start_ids) != len(end_ids):
            raise ArgumentError(f"{len(start_ids)} start ids but {len(end_ids)} end ids.")
        if columns and _common_length(columns) != len(start_ids):
            raise ArgumentError(f"{len(start_ids)} relationships but {_common_length(columns)} rows of properties.")
        ready = {name: _column(values, name) for name, values in columns.items()}
        from_ids, to_ids = np.asarray(start_ids, np.int64), np.asarray(end_ids, np.int64)
        for start in range(0, len(from_ids), PART_ROWS):
            stop = min(len(from_ids), start + PART_ROWS)
            part = {name: column.slice(start, stop) for name, column in ready.items()}
            self._relationships(type, from_ids[start:stop], to_ids[start:stop], part)
        self._engine.settle()
        return len(from_ids)

    def _relationships(self, type: str, from_ids: IntArray, to_ids: IntArray, properties: Mapping[str, Column]) -> None:
        with self._engine.begin(exclusive=True) as transaction:
            view = transaction.view
            sources = view.slots_of_ids(Element.NODE, from_ids)
            targets = view.slots_of_ids(Element.NODE, to_ids)
            for slots, ids in ((sources, from_ids), (targets, to_ids)):
                if len(slots) and slots.min() < 0:
                    missing = int(ids[int(np.argmin(slots))])
                    raise EntityNotFound(f"There is no node with id {missing}.", detail="NodeNotFound")
            view.create_relationships(type, sources, targets, properties)
            transaction.commit()


class _KeyLookup:
    """Node ids by the value of one property under one label: sorted once, then binary search for a whole part."""

    def __init__(self, view: GraphView, label: str, key: str) -> None:
        self._what = f"(:{label} {{{key}}})"
        slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
        values = view.property(Element.NODE, slots, key)
        ids = view.ids(Element.NODE, slots)
        if isinstance(values, TypedColumn) and values.kind == Kind.INTEGER:
            present = np.flatnonzero(~values.mask) if values.mask is not None else np.arange(len(slots))
            numbers = values.data.take(present)
            order = np.argsort(numbers, kind="stable")
            self._numbers: NDArray[np.int64] | None = numbers.take(order)
            self._ids = ids.take(present).take(order)
            self._by_value: dict[Value, int] = {}
        else:
            self._numbers = None
            self._ids = ids
            self._by_value = {v: i for v, i in zip(values.values(), ids.tolist(), strict=True) if v is not None}

    def ids(self, keys: Column) -> IntArray:
        """The node id for each key; EntityNotFound names the first key without a node."""
        if self._numbers is not None and isinstance(keys, TypedColumn) and keys.mask is None:
            if len(self._numbers):
                places = np.searchsorted(self._numbers, keys.data)
                places[places == len(self._numbers)] = 0
                wrong = self._numbers.take(places) != keys.data
                if not wrong.any():
                    return self._ids.take(places)
                raise self._missing(keys.item(int(np.argmax(wrong))))
            if not len(keys):
                return np.zeros(0, np.int64)
            raise self._missing(keys.item(0))
        found = self._by_value
        if self._numbers is not None:
            found = dict(zip(self._numbers.tolist(), self._ids.tolist(), strict=True))
        out = np.empty(len(keys), np.int64)
        for i, value in enumerate(keys.values()):
            try:
                out[i] = found[value]
            except (KeyError, TypeError):
                raise self._missing(value) from None
        return out

    def _missing(self, value: Value) -> EntityNotFound:
        return EntityNotFound(f"There is no node {self._what} with the value {value!r}.", detail="NodeNotFound")


class TableParts:
    """A Parquet file read part by part as columns of the engine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise MissingExtra(
                "Reading Parquet needs pyarrow.", hint='Install it with: pip install "memoradb[arrow]"'
            ) from error
        self._file = parquet.ParquetFile(os.fspath(path))
        self.rows: int = self._file.metadata.num_rows

    def parts(self) -> Iterator[tuple[dict[str, Column], int]]:
        """Columns by name and their length, ``PART_ROWS`` rows at most at a time."""
        for batch in self._file.iter_batches(batch_size=PART_ROWS):
            names = batch.schema.names
            yield {name: arrow_column(batch.column(i)) for i, name in enumerate(names)}, batch.num_rows


def parquet_tables(path: str | os.PathLike[str]) -> TableParts:
    """The file at ``path``, to be read in parts."""
    return TableParts(path)


def arrow_column(array: pyarrow.Array) -> Column:
    """An Arrow array as a column: numbers and booleans without a copy per value, the rest by value."""
    import pyarrow

    kind = array.type
    mask: NDArray[np.bool_] | None = None
    if array.null_count:
        mask = np.asarray(array.is_null())
    if pyarrow.types.is_integer(kind) and kind != pyarrow.uint64():
        filled = array.fill_null(0) if array.null_count else array
        return TypedColumn(Kind.INTEGER, np.asarray(filled).astype(np.int64), mask)
    if pyarrow.types.is_floating(kind):
        filled = array.fill_null(0.0) if array.null_count else array
        return TypedColumn(Kind.FLOAT, np.asarray(filled).astype(np.float64), mask)
    if pyarrow.types.is_boolean(kind):
        filled = array.fill_null(False) if array.null_count else array
        return TypedColumn(Kind.BOOLEAN, np.asarray(filled).astype(np.bool_), mask)
    values: list[Any] = array.to_pylist()
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return ListColumn(values)
    if pyarrow.types.is_dictionary(kind) and pyarrow.types.is_string(kind.value_type):
        return ListColumn(values)
    return ListColumn([normalise(v) for v in values])


def _column(values: Sequence[Value], name: str) -> Column:
    if isinstance(values, np.ndarray) and values.ndim == 1:
        if values.dtype.kind == "i":
            return TypedColumn(Kind.INTEGER, values.astype(np.int64))
        if values.dtype.kind == "f":
            return TypedColumn(Kind.FLOAT, values.astype(np.float64))
        if values.dtype.kind == "b":
            return TypedColumn(Kind.BOOLEAN, values)
    return lift([normalise(v, f"{name}[{i}]") for i, v in enumerate(values)])


def _common_length(columns: Mapping[str, Sequence[Value]]) -> int:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise ArgumentError(f"Columns of different lengths: {sorted(lengths)}.")
    return lengths.pop() if lengths else 0
