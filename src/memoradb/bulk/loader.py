"""Columns into the graph without a statement or a Python object for each row.

Rows go in parts, each one transaction (``tables.PART_ROWS``): memory stays bounded, and a load that fails keeps the
parts before the one at fault and nothing of that one. Errors name the row, counted from 0. Keys of relationship ends
are looked up among all nodes of the label: in a table where the keys are dense integers, else by binary search or in
a map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from memoradb.core.columns import IntArray
from memoradb.core.errors import ArgumentError, EntityNotFound, TypeMismatch, UniqueViolation
from memoradb.core.semantics import check_storable, equivalence_key
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.transaction import Transaction
from memoradb.storage.view import Element, IndexDefinition, IndexKind

from . import tables as parts
from .columns import Columns, as_column, as_ids, check_name, common_length, named
from .keys import KeyLookup
from .tables import TableParts

Progress = Callable[[int, int], None] | None


class BulkLoader:
    """Loads columns through the storage engine's own writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- nodes

    def nodes(self, tables: TableParts, label: str, key: str | None, progress: Progress) -> int:
        """Nodes with ``label`` from a file; each column is a property."""
        check_name(label, "A label")
        if key is not None:
            tables.require(key)
        self._ensure_unique(label, key)
        done = 0
        for columns, rows in tables.parts(parts.PART_ROWS):
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
            check_name(name, "A label")
        rows = common_length(columns)
        if key is not None and key not in columns:
            raise ArgumentError(f"There is no column `{key}` to be the key; there are {named(columns)}.")
        if key is not None and not labels:
            raise ArgumentError(f"A key such as `{key}` identifies nodes of a label: give one.")
        if labels:
            self._ensure_unique(labels[0], key)
        ready = {name: as_column(values, name) for name, values in columns.items()}
        ids: list[int] = []
        for start in range(0, rows, parts.PART_ROWS):
            stop = min(rows, start + parts.PART_ROWS)
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
            if not index.kind.is_unique or index.element is not Element.NODE or len(index.keys) != 1:
                continue
            if index.labels[0] not in labels or index.keys[0] not in columns:
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
            same = index.element is Element.NODE and index.labels == (label,) and index.keys == (key,)
            if same and index.kind.is_unique:
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
        check_name(type, "A relationship type")
        for end in (source, target):
            tables.require(end[2])
        view = self._engine.snapshot()
        starts = KeyLookup(view, source[0], source[1])
        ends = starts if source[:2] == target[:2] else KeyLookup(view, target[0], target[1])
        done = 0
        for columns, rows in tables.parts(parts.RELATIONSHIP_PART_ROWS):
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
        check_name(type, "A relationship type")
        if len(start_ids) != len(end_ids):
            raise ArgumentError(f"{len(start_ids)} start ids but {len(end_ids)} end ids.")
        if columns and common_length(columns) != len(start_ids):
            raise ArgumentError(f"{len(start_ids)} relationships but {common_length(columns)} rows of properties.")
        ready = {name: as_column(values, name) for name, values in columns.items()}
        from_ids, to_ids = as_ids(start_ids, "start"), as_ids(end_ids, "end")
        for start in range(0, len(from_ids), parts.RELATIONSHIP_PART_ROWS):
            stop = min(len(from_ids), start + parts.RELATIONSHIP_PART_ROWS)
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
