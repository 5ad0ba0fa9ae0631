"""CSV files as parts of a graph: the columns of a block at once, by pyarrow where it is installed.

A file is read in blocks of whole records, each a part. A block that pyarrow reads as RFC 4180 says, and whose values
are all of their types, costs no Python object for a number and no call for a row. Every other one goes through
``records``, which finds the same where there is nothing to object to, and else the line and column of what is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final

from memoradb.core.columns import Column, IntArray, lift
from memoradb.core.errors import ArgumentError, ConfigurationError, MemoraDBError
from memoradb.core.values import Value

from . import blocks
from .assembly import Assembly
from .bad_rows import BadRow
from .blocks import Block, read_blocks, size_of
from .header import Field, Role, parse_header
from .identity import file_identity
from .ids import Keys
from .records import Dialect, Record, after_last_record, is_plain, records
from .rows import NodeRows, RelationshipRows, choice_of
from .text_values import BLANK_TYPES, list_parser, parser_of

if TYPE_CHECKING:
    from .csv_arrow import ArrowBlocks

_IDS: Final = frozenset((Role.ID, Role.START_ID, Role.END_ID))
ID_TYPES: Final = ("string", "integer")


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How the files are written, and what is made of ids.

    ``id_type`` is that of ids kept as properties: ``string``, or ``integer`` (an id that is none is bad).
    """

    delimiter: str = ","
    quote: str | None = '"'
    array_delimiter: str = ";"
    multiline: bool = False
    encoding: str = "utf-8"
    id_type: str = "string"
    id_property: str | None = None
    """Keep the ids of nodes whose column has no name as this property."""

    def __post_init__(self) -> None:
        marks = {"delimiter": self.delimiter, "quote": self.quote, "array_delimiter": self.array_delimiter}
        for name, mark in marks.items():
            if mark is None and name == "quote":
                continue
            if not isinstance(mark, str) or len(mark) != 1 or not mark.isascii() or mark in "\r\n":
                raise ConfigurationError(f"The {name.replace('_', ' ')} is one ASCII character, not {mark!r}.")
        if len(set(marks.values())) < len(marks):
            raise ConfigurationError("Delimiter, quote and array delimiter must be different characters.")
        if self.id_type not in ID_TYPES:
            raise ConfigurationError(f"The id type is one of {', '.join(ID_TYPES)}, not {self.id_type!r}.")

    @property
    def dialect(self) -> Dialect:
        """What takes records apart."""
        return Dialect(self.delimiter, self.quote, self.multiline)


@dataclass(frozen=True)
class CsvGroup:
    """Files with the same columns: the first line of the first one names them.

    ``names`` are the labels or the type that all rows have, beside those that columns give.
    """

    files: Sequence[str]
    names: tuple[str, ...]
    relationships: bool
    options: CsvOptions

    @cached_property
    def _header(self) -> tuple[list[str | None], str]:
        """The column names, and the line that holds them."""
        for block in read_blocks(self.files[0], self._cut, self.options.encoding):
            text = _decoded(block)
            for record in records(text, self.options.dialect):
                if record.error:
                    raise ArgumentError(f"{block.file}:{record.line}: {record.error}.")
                return record.fields, record.text
        raise ArgumentError(f"{self.files[0]} is empty: its first line names the columns.")

    @cached_property
    def fields(self) -> list[Field]:
        """The columns."""
        fields = parse_header(self._header[0], f"{self.files[0]}:1", self.relationships)
        if self.relationships and not self.names and not any(f.role is Role.TYPE for f in fields):
            raise ArgumentError(
                f"{self.files[0]}: nothing says the type of the relationships.",
                hint="Give one with the files, as TYPE=FILE, or a column :TYPE.",
            )
        return fields

    def _cut(self, data: bytes) -> int:
        return after_last_record(data, self.options.dialect)

    def blocks(self) -> Iterator[Block]:
        """The data of all files, without headers: that of the first, and any repetition of it in the others."""
        header = self._header[1]
        for number, path in enumerate(self.files):
            for block in read_blocks(path, self._cut, self.options.encoding):
                if block.line == 1:
                    block = _without_header(block, header, self.options.dialect, always=not number)
                yield block

    def parts(self) -> Iterator[NodeRows | RelationshipRows]:
        """The rows, block by block."""
        reader = _BlockReader(self)
        for block in self.blocks():
            yield reader.part(block)


def _decoded(block: Block) -> str:
    return block.data.decode("utf-8", "surrogateescape")


def _without_header(block: Block, header: str, dialect: Dialect, always: bool) -> Block:
    text = _decoded(block)
    first = next(records(text, dialect), None)
    if first is None or not (always or first.text == header):
        return block
    head = text[: first.end].encode("utf-8", "surrogateescape")
    return Block(block.file, block.data[len(head) :], block.line + head.count(b"\n"), block.bytes)


class _BlockReader:
    """Makes parts of a group's blocks."""

    def __init__(self, group: CsvGroup) -> None:
        self._group = group
        self._fields = group.fields
        self._options = options = group.options
        self._dialect = options.dialect
        self._assembly = Assembly(self._fields, group.names, group.relationships, options.id_type, options.id_property)
        self._ids = [i for i, f in enumerate(self._fields) if f.role in _IDS]
        self._parsers: dict[int, Callable[[str], Value]] = {}
        for i, one in enumerate(self._fields):
            if one.role is Role.PROPERTY:
                parser = parser_of(one.type or "string", one.options)
                self._parsers[i] = list_parser(parser, options.array_delimiter) if one.array else parser
        self._arrow = arrow_blocks(self._fields, self._dialect, options.array_delimiter)

    def part(self, block: Block) -> NodeRows | RelationshipRows:
        """The rows of one block."""
        if self._arrow is not None and is_plain(block.data, self._dialect):
            found = self._arrow.columns(block.data)
            if found is not None:
                columns, keys, texts, count = found
                choices = {i: (self._named(i, options), codes) for i, (options, codes) in texts.items()}
                return self._assembly.rows(count, columns, keys, choices, _Lines(block, self._dialect), block.bytes, [])
        return self._exactly(block)

    def _named(self, column: int, options: Sequence[str | None]) -> list[tuple[str, ...]]:
        """The labels, or the type, that each text of a column means."""
        if self._fields[column].role is Role.TYPE:
            return [(option,) if option else () for option in options]
        split = self._options.array_delimiter
        return [tuple(filter(None, option.split(split))) if option else () for option in options]

    def _exactly(self, block: Block) -> NodeRows | RelationshipRows:
        """Record by record, with all that is wrong."""
        fields, width = self._fields, len(self._fields)
        table: list[list[Value]] = [[] for _ in fields]
        kept: list[Record] = []
        bad: list[BadRow] = []
        whole = block.data.isascii() or _is_utf8(block.data)
        for record in records(_decoded(block), self._dialect, block.line):
            error = record.error
            if error is None and not whole and not _is_utf8(record.text.encode("utf-8", "surrogateescape")):
                error = "the row is not UTF-8"
            if error is None and len(record.fields) != width:
                error = f"{len(record.fields)} fields where the header has {width}"
            if error is None:
                row: list[Value] = []
                for i, text in enumerate(record.fields):
                    parser = self._parsers.get(i)
                    if parser is None or text is None:
                        row.append(text)
                        continue
                    field = fields[i]
                    if not text.strip(" \t") and field.type not in BLANK_TYPES and not field.array:
                        row.append(None)
                        continue
                    try:
                        row.append(parser(text))
                    except (MemoraDBError, ValueError) as problem:
                        reason = problem.message if isinstance(problem, MemoraDBError) else str(problem)
                        error = f"column {i + 1}, `{field.name}`: {reason.removesuffix('.')}"
                        break
                else:
                    kept.append(record)
                    for column, value in zip(table, row, strict=True):
                        column.append(value)
            if error is not None:
                bad.append(BadRow(block.file, record.line, error, record.text))
        columns: dict[int, Column] = {i: lift(table[i]) for i in self._parsers}
        keys = {i: Keys.of_texts(table[i]) for i in self._ids}
        texts = {i: table[i] for i, f in enumerate(fields) if f.role in (Role.LABEL, Role.TYPE)}
        choices: dict[int, tuple[list[tuple[str, ...]], IntArray]] = {}
        for i, values in texts.items():
            options, codes = _choice_of_texts(values)
            choices[i] = self._named(i, options), codes

        def describe(row: int, reason: str) -> BadRow:
            return BadRow(block.file, kept[row].line, reason, kept[row].text)

        return self._assembly.rows(len(kept), columns, keys, choices, describe, block.bytes, bad)


def arrow_blocks(fields: Sequence[Field], dialect: Dialect, array_delimiter: str) -> ArrowBlocks | None:
    """The fast reader of blocks; None where pyarrow is not installed."""
    try:
        from .csv_arrow import ArrowBlocks
    except ImportError:
        return None
    return ArrowBlocks(fields, dialect, array_delimiter)


def _choice_of_texts(texts: Sequence[str | None]) -> tuple[list[str | None], IntArray]:
    choice = choice_of([(text,) for text in texts])  # pyright: ignore[reportArgumentType]
    assert choice.codes is not None
    return [option[0] for option in choice.options], choice.codes


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Lines:
    """Where the rows of a block stand: worked out when somebody asks, which is when one of them is bad."""

    def __init__(self, block: Block, dialect: Dialect) -> None:
        self._block = block
        self._dialect = dialect
        self._records: list[Record] | None = None

    def __call__(self, row: int, reason: str) -> BadRow:
        if self._records is None:
            self._records = list(records(_decoded(self._block), self._dialect, self._block.line))
        record = self._records[row]
        return BadRow(self._block.file, record.line, reason, record.text)


class CsvSource:
    """Groups of files."""

    what = "CSV"

    def __init__(self, nodes: Sequence[CsvGroup], relationships: Sequence[CsvGroup]) -> None:
        self._nodes = nodes
        self._relationships = relationships
        self.bytes = sum(size_of(f) for g in (*nodes, *relationships) for f in g.files)
        for group in (*nodes, *relationships):
            _ = group.fields  # what is wrong with a header is said before anything is loaded

    def identity(self) -> list[object]:
        parts = [
            [g.relationships, list(g.names), [file_identity(f) for f in g.files]]
            for g in (*self._nodes, *self._relationships)
        ]
        options = [repr(g.options) for g in (*self._nodes, *self._relationships)][:1]
        return ["csv", blocks.BLOCK_BYTES, *options, *parts]

    def nodes(self) -> Iterator[NodeRows]:
        return chain.from_iterable(group.parts() for group in self._nodes)  # pyright: ignore[reportReturnType]

    def relationships(self) -> Iterator[RelationshipRows]:
        return chain.from_iterable(group.parts() for group in self._relationships)  # pyright: ignore[reportReturnType]
