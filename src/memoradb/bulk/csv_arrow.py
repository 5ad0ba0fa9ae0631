"""A block of CSV through pyarrow's reader: whole columns, or None where anything in it is unusual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv as arrow_csv

from memoradb.core.columns import Column, IntArray, ListColumn
from memoradb.core.errors import MemoraDBError
from memoradb.storage.arrow import column_of

from .header import Field, Role
from .ids import Keys
from .records import Dialect
from .text_values import BLANK_TYPES, default_zone, list_parser, parser_of

compute: Any = pyarrow.compute
"""Its functions are made when it is imported; no type checker knows them."""

_TYPES: Final[dict[str, pyarrow.DataType]] = {
    "byte": pyarrow.int8(),
    "short": pyarrow.int16(),
    "int": pyarrow.int32(),
    "long": pyarrow.int64(),
    "float": pyarrow.float64(),
    "double": pyarrow.float64(),
    "boolean": pyarrow.bool_(),
    "date": pyarrow.date32(),
    "localdatetime": pyarrow.timestamp("ns"),
}
"""Types whose text Arrow reads itself: less than ours do, and that the same way."""
_ITEMS: Final = frozenset(("byte", "short", "int", "long", "float", "double"))
"""Types of which lists are read by Arrow."""

Found = tuple[dict[int, Column], dict[int, Keys], dict[int, tuple[list[str | None], IntArray]], int]


class ArrowBlocks:
    """Reads blocks with the columns of one group of files."""

    def __init__(self, fields: Sequence[Field], dialect: Dialect, array_delimiter: str) -> None:
        self._fields = fields
        self._array_delimiter = array_delimiter
        names = [str(i) for i in range(len(fields))]
        types = {str(i): pyarrow.string() for i in range(len(fields))}
        for i, field in enumerate(fields):
            if field.role is Role.PROPERTY and not field.array and field.type in _TYPES:
                types[str(i)] = _TYPES[field.type]
        self._used = [str(i) for i, field in enumerate(fields) if field.role is not Role.IGNORE]
        self._skipped = False
        self._names = names
        self._parse = arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            double_quote=True,
            newlines_in_values=dialect.multiline,
            ignore_empty_lines=True,
            invalid_row_handler=self._skip,
        )
        self._convert = arrow_csv.ConvertOptions(
            column_types=types,
            include_columns=self._used,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
            check_utf8=True,
        )

    def _skip(self, row: Any) -> str:
        self._skipped = True
        return "skip"

    def columns(self, data: bytes) -> Found | None:
        """By column number: properties, ids, the options of labels or types with their codes; and the rows."""
        if not data.strip():
            return None
        self._skipped = False
        read = arrow_csv.ReadOptions(column_names=self._names, block_size=max(len(data) + 1, 1 << 12))
        try:
            table = arrow_csv.read_csv(
                pyarrow.BufferReader(data), read_options=read, parse_options=self._parse, convert_options=self._convert
            )
        except pyarrow.ArrowException:
            return None
        if self._skipped:
            return None
        properties: dict[int, Column] = {}
        keys: dict[int, Keys] = {}
        choices: dict[int, tuple[list[str | None], IntArray]] = {}
        for name in self._used:
            number = int(name)
            field = self._fields[number]
            array: Any = table.column(name).combine_chunks()
            if isinstance(array, pyarrow.ChunkedArray):
                array = array.chunk(0) if array.num_chunks else pyarrow.array([], array.type)
            if field.role in (Role.LABEL, Role.TYPE):
                choices[number] = _choice(array)
            elif field.role is not Role.PROPERTY:
                keys[number] = Keys.of_arrow(array)
            else:
                column = self._property(field, array)
                if column is None:
                    return None
                properties[number] = column
        return properties, keys, choices, table.num_rows

    def _property(self, field: Field, array: Any) -> Column | None:
        if field.array:
            return self._lists(field, array)
        if field.type in _TYPES or field.type in (None, "string"):
            return column_of(array, field.name)
        if field.type == "datetime" and default_zone(field.options) == 0:
            moments = _utc_moments(array)
            if moments is not None:
                return column_of(moments, field.name)
        return _parsed(array, parser_of(field.type or "string", field.options), keep_blank=field.type in BLANK_TYPES)

    def _lists(self, field: Field, array: Any) -> Column | None:
        parser = list_parser(parser_of(field.type or "string", field.options), self._array_delimiter)
        if field.type in _ITEMS and not compute.any(compute.equal(array, "")).as_py():
            try:
                items = compute.split_pattern(array, self._array_delimiter)
                return column_of(items.cast(pyarrow.list_(_TYPES[field.type])), field.name)
            except pyarrow.ArrowException:
                return None
        return _parsed(array, parser, keep_blank=True)


def _choice(array: Any) -> tuple[list[str | None], IntArray]:
    encoded = array.dictionary_encode()
    options: list[str | None] = encoded.dictionary.to_pylist()
    codes = np.asarray(encoded.indices.fill_null(len(options)).to_numpy(zero_copy_only=False), np.int64)
    return [*options, None], codes


def _utc_moments(array: Any) -> Any:
    """Moments that all end in ``Z``, as timestamps; None where some do not, or Arrow cannot hold them."""
    if not compute.all(compute.ends_with(array, "Z")).as_py():
        return None
    try:
        return array.cast(pyarrow.timestamp("ns", "UTC"))
    except pyarrow.ArrowException:
        return None


def _parsed(array: Any, parser: Any, keep_blank: bool) -> Column | None:
    """Value by value, where Arrow has no such type; None where one is bad."""
    try:
        return ListColumn(
            [
                None if text is None or not (keep_blank or text.strip(" \t")) else parser(text)
                for text in array.to_pylist()
            ]
        )
    except (MemoraDBError, ValueError):
        return None
