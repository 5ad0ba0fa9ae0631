"""The graph as CSV files with the headers of Neo4j's import tool.

A file for each combination of labels and for each type. Every column says its type; where values of one property are of
several types it has several columns. Strings are always quoted, so that an empty one is told from a missing one. What
no type of Neo4j holds exactly has a column of type ``json``.
"""

from __future__ import annotations

import os
from typing import IO, Final

from memoradb.core.columns import Column, Kind, StringColumn, TypedColumn
from memoradb.core.errors import ArgumentError
from memoradb.storage.view import Element

from .graph_export import Batch, Exported, Group, Progress, Report, Selection, half_a_pair, write_groups
from .header import COLUMN_TYPES, Slot, slot_name
from .text_values import float_text, written

ARRAY_DELIMITER: Final = ";"


class CsvExport:
    """Writes one selection."""

    def __init__(self, selection: Selection, report: Report) -> None:
        self._selection = selection
        self._progress = Progress(selection, report, passes=2)

    def write(self, directory: str | os.PathLike[str]) -> Exported:
        """All files into an empty directory.

        Raises:
            ArgumentError: the directory is not empty, or something that UTF-8 or this form cannot hold.
        """
        return write_groups(self._selection, directory, ".csv", self._write)

    def _write(self, file: IO[bytes], element: Element, group: Group) -> None:
        slots: dict[Slot, None] = {}
        for batch in self._selection.batches(element, group):
            for key, column in batch.columns.items():
                slots.update(dict.fromkeys((key, type, is_list) for type, is_list in _types(column)))
            self._progress.tell("columns", len(batch.ids))
        if element is Element.NODE:
            for label in group.names:
                if ARRAY_DELIMITER in label:
                    raise ArgumentError(
                        f"A CSV file cannot hold the label `{label}`, for {ARRAY_DELIMITER} parts labels.",
                        hint="Parquet, JSON lines and GraphML can.",
                    )
            head, names = [":ID", ":LABEL"], ARRAY_DELIMITER.join(group.names)
        else:
            head, names = [":START_ID", ":END_ID", ":TYPE"], group.names[0]
        header = [*head, *map(slot_name, slots)]
        _put(file, ",".join(map(_quoted, header)) + "\n")
        for batch in self._selection.batches(element, group):
            ids = (batch.ids,) if element is Element.NODE else (batch.starts, batch.ends)
            count = len(batch.ids)
            cells = [list(map(str, side.tolist())) for side in ids]
            cells.append([_quoted(names) if names else ""] * count)
            cells += _cells(batch, list(slots), count)
            _put(file, "".join(line + "\n" for line in map(",".join, zip(*cells, strict=True))))
            self._progress.tell("nodes" if element is Element.NODE else "relationships", count)


def _put(file: IO[bytes], text: str) -> None:
    try:
        file.write(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise half_a_pair(error) from None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _types(column: Column) -> set[tuple[str, bool]]:
    """The types of a column's values."""
    if isinstance(column, TypedColumn):
        return {(COLUMN_TYPES[column.kind], False)}
    if isinstance(column, StringColumn):
        return {("string", False)}
    return {written(value, ARRAY_DELIMITER)[:2] for value in column.values() if value is not None}


def _cells(batch: Batch, slots: list[Slot], count: int) -> list[list[str]]:
    """The texts of each column, empty where a row has nothing in it."""
    empty = [""] * count
    out: list[list[str]] = []
    texts: dict[str, list[tuple[str, bool, str] | None]] = {}
    for key, type, is_list in slots:
        column = batch.columns.get(key)
        if column is None:
            out.append(empty)
        elif isinstance(column, (TypedColumn, StringColumn)):
            own = "string" if isinstance(column, StringColumn) else COLUMN_TYPES[column.kind]
            out.append(_simple(column) if (own, False) == (type, is_list) else empty)
        else:
            if key not in texts:
                texts[key] = [None if v is None else written(v, ARRAY_DELIMITER) for v in column.values()]
            quoting = type in ("string", "bytes", "json", "point") or is_list
            out.append(
                [
                    "" if t is None or t[0] != type or t[1] != is_list else _quoted(t[2]) if quoting else t[2]
                    for t in texts[key]
                ]
            )
    return out


def _simple(column: Column) -> list[str]:
    values = column.values()
    if isinstance(column, StringColumn):
        return ["" if v is None else _quoted(v) for v in values]  # pyright: ignore[reportArgumentType]
    if isinstance(column, TypedColumn) and column.kind == Kind.BOOLEAN:
        return ["" if v is None else "true" if v else "false" for v in values]
    text = float_text if isinstance(column, TypedColumn) and column.kind == Kind.FLOAT else str
    return ["" if v is None else text(v) for v in values]
