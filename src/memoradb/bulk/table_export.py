"""The graph as Parquet or Arrow IPC files, one for each combination of labels and for each type.

Columns are named as those of CSV files. Numbers, booleans, strings, bytes, dates, local times and local datetimes, and
lists of the simple ones, are Arrow's own as far as Arrow holds them; all else is text of the type that the column's
name says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from memoradb.core.calendar import DAY_NS
from memoradb.core.columns import Column, TypedColumn
from memoradb.core.temporal import Date, LocalDateTime, LocalTime
from memoradb.core.values import Value
from memoradb.storage.view import Element

from .graph_export import Batch, Exported, Group, Progress, Report, Selection, half_a_pair, write_groups
from .header import COLUMN_TYPES, Slot, slot_name
from .tables import require_pyarrow
from .text_values import written

_ITEMS: Final = {bool: "boolean", int: "long", float: "double", str: "string"}
_DATE_MAX: Final = (1 << 31) - 1
_NS_MAX: Final = (1 << 63) - 1


class TableExport:
    """Writes one selection as ``parquet`` or ``arrow`` files."""

    def __init__(self, selection: Selection, report: Report, form: str) -> None:
        self._arrow = require_pyarrow("Writing Parquet and Arrow")
        self._selection = selection
        self._form = form
        self._progress = Progress(selection, report, passes=2)

    def write(self, directory: str | os.PathLike[str]) -> Exported:
        """All files into an empty directory.

        Raises:
            ArgumentError: the directory is not empty, or a text that UTF-8 cannot hold.
        """
        return write_groups(self._selection, directory, f".{self._form}", self._write)

    def _write(self, file: Any, element: Element, group: Group) -> None:
        arrow = self._arrow
        slots: dict[Slot, None] = {}
        for batch in self._selection.batches(element, group):
            for key, column in batch.columns.items():
                slots.update(dict.fromkeys((key, *kind) for kind in _types(column)))
            self._progress.tell("columns", len(batch.ids))
        if element is Element.NODE:
            fields = [(":ID", arrow.int64()), (":LABEL", arrow.list_(arrow.string()))]
        else:
            fields = [(":START_ID", arrow.int64()), (":END_ID", arrow.int64()), (":TYPE", arrow.string())]
        fields += [(slot_name(slot), self._type(slot)) for slot in slots]
        schema = arrow.schema(fields)
        with self._writer(file, schema) as writer:
            for batch in self._selection.batches(element, group):
                count = len(batch.ids)
                if element is Element.NODE:
                    arrays = [arrow.array(batch.ids), arrow.array([list(batch.names)] * count, fields[1][1])]
                else:
                    types = arrow.array([batch.names[0]] * count, arrow.string())
                    arrays = [arrow.array(batch.starts), arrow.array(batch.ends), types]
                try:
                    arrays += [self._array(batch, slot, count) for slot in slots]
                except UnicodeEncodeError as error:
                    raise half_a_pair(error) from None
                writer.write_batch(arrow.record_batch(arrays, schema=schema))
                self._progress.tell("nodes" if element is Element.NODE else "relationships", count)

    def _writer(self, file: Any, schema: Any) -> Any:
        if self._form == "arrow":
            new_file: Any = self._arrow.ipc.new_file
            return new_file(file, schema)
        from pyarrow import parquet

        make: Any = parquet.ParquetWriter
        return make(file, schema, compression="zstd")

    def _type(self, slot: Slot) -> Any:
        arrow, (_, type, is_list) = self._arrow, slot
        natives: dict[str, Callable[[], Any]] = {
            "boolean": arrow.bool_,
            "long": arrow.int64,
            "double": arrow.float64,
            "bytes": arrow.binary,
            "date": arrow.date32,
            "localtime": lambda: arrow.time64("ns"),
            "localdatetime": lambda: arrow.timestamp("ns"),
        }
        make = natives.get(type) or arrow.string
        item = make()
        return arrow.list_(item) if is_list else item

    def _array(self, batch: Batch, slot: Slot, count: int) -> Any:
        key, type, is_list = slot
        column = batch.columns.get(key)
        if column is None:
            return self._arrow.nulls(count, self._type(slot))
        if isinstance(column, TypedColumn):
            if (COLUMN_TYPES[column.kind], False) != (type, is_list):
                return self._arrow.nulls(count, self._type(slot))
            return self._arrow.array(column.data, self._type(slot), mask=column.mask)
        values = [v if v is not None and _type_of(v) == (type, is_list) else None for v in column.values()]
        return self._arrow.array([None if v is None else _cell(v, type, is_list) for v in values], self._type(slot))


def _types(column: Column) -> set[tuple[str, bool]]:
    if isinstance(column, TypedColumn):
        return {(COLUMN_TYPES[column.kind], False)}
    return {_type_of(value) for value in column.values() if value is not None}


def _type_of(value: Value) -> tuple[str, bool]:
    """The type that a column for the value says, and whether that is a list."""
    kind = type(value)
    if kind in _ITEMS:
        return _ITEMS[kind], False
    if kind is list:
        kinds = set(map(type, value))
        if len(kinds) == 1 and (of := kinds.pop()) in _ITEMS:
            return _ITEMS[of], True
        return "json", False
    if kind is bytes:
        return "bytes", False
    if _native(value) is not None:
        return {Date: "date", LocalTime: "localtime", LocalDateTime: "localdatetime"}[kind], False
    name, is_list, _ = written(value, ";")
    # Text, so of a type that is not one of those that Arrow has: the reader takes such a column as it is.
    return ("json", False) if name in ("date", "localtime", "localdatetime") else (name, is_list)


def _native(value: Value) -> int | None:
    """The integer that Arrow keeps for a temporal value; None where it cannot."""
    match value:
        case Date(days) if abs(days) <= _DATE_MAX:
            return days
        case LocalTime(ns):
            return ns
        case LocalDateTime(days, ns) if abs(days * DAY_NS + ns) <= _NS_MAX:
            return days * DAY_NS + ns
        case _:
            return None


def _cell(value: Value, type: str, is_list: bool) -> Any:
    if is_list or type in ("boolean", "long", "double", "string", "bytes"):
        return value
    native = _native(value)
    if native is not None:
        return native
    if type == "json":
        from .typed_json import dumps, to_json

        return dumps(to_json(value)).decode()
    return written(value, ";")[2]
