"""JSON lines as a graph: an object each, as Neo4j's APOC exports nodes and relationships, or plain ones as nodes.

    {"type":"node","id":"0","labels":["Person"],"properties":{"name":"Ana"}}
    {"type":"relationship","id":"0","label":"KNOWS","properties":{"since":2020},"start":{"id":"0"},"end":{"id":"1"}}

The lines come in any order: the files are read twice, first for nodes, then for relationships. What values are:
``typed_json``. Dates in APOC's own exports are plain strings, and stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from memoradb.core.columns import Column, lift
from memoradb.core.errors import MemoraDBError
from memoradb.core.semantics import check_storable
from memoradb.core.values import Value

from . import blocks
from .assembly import with_ids
from .bad_rows import BadRow
from .blocks import Block, read_blocks, size_of
from .identity import file_identity
from .ids import Keys
from .rows import Choice, NodeRows, RelationshipRows, choice_of
from .typed_json import from_json, has_long_number, loads

CELLS_MAX: Final = 20_000_000
"""Rows times keys of a part: objects with hardly a key in common are taken fewer at a time."""

_SCALARS: Final = frozenset((bool, int, float, str))


class _Bad(Exception):
    """Why a line is no node or relationship."""


class JsonLines:
    """Files of JSON lines."""

    what = "JSON lines"

    def __init__(self, paths: Sequence[str], labels: tuple[str, ...] = (), id_property: str | None = None) -> None:
        """Files, and what to make of them.

        Args:
            paths: the files; ids are the same in all of them.
            labels: where not empty, every object is a node with these labels.
            id_property: keep the ids of nodes as this property.
        """
        self._paths = paths
        self._labels = labels
        self._id_property = id_property
        self.bytes = sum(map(size_of, paths)) * (1 if labels else 2)

    def identity(self) -> list[object]:
        files = [file_identity(path) for path in self._paths]
        return ["jsonl", blocks.BLOCK_BYTES, files, list(self._labels), self._id_property or ""]

    def nodes(self) -> Iterator[NodeRows]:
        for path in self._paths:
            for block in read_blocks(path):
                yield from self._nodes(block)

    def relationships(self) -> Iterator[RelationshipRows]:
        if not self._labels:
            for path in self._paths:
                for block in read_blocks(path):
                    yield from self._relationships(block)

    def _nodes(self, block: Block) -> Iterator[NodeRows]:
        lines: list[int] = []
        rows: list[tuple[Any, tuple[str, ...], dict[str, Value]]] = []
        bad: list[BadRow] = []
        for line, raw, tree in _objects(block):
            try:
                if isinstance(tree, _Bad):
                    raise tree
                if self._labels:
                    rows.append((None, self._labels, _properties(tree)))
                elif tree.get("type") == "node":
                    rows.append((_id(tree.get("id")), _names(tree.get("labels") or ()), _properties(_map(tree))))
                elif tree.get("type") == "relationship":
                    continue
                else:
                    raise _Bad('neither "type": "node" nor "relationship" (plain objects need a label)')
                lines.append(line)
            except (_Bad, MemoraDBError) as error:
                bad.append(BadRow(block.file, line, _reason(error), _text(raw)))
        for first, stop, columns in _tables([row[2] for row in rows]):
            part = rows[first:stop]
            labels = Choice([self._labels]) if self._labels else choice_of([row[1] for row in part])
            keys = None if self._labels else Keys.of_texts([row[0] for row in part])
            describe = _Place(block, lines[first:stop])
            last = stop == len(rows)
            found = NodeRows(len(part), labels, columns, "", keys, describe, block.bytes * last, bad * (not first))
            keep = self._id_property is not None and keys is not None
            yield with_ids(found, self._id_property or "", False) if keep else found

    def _relationships(self, block: Block) -> Iterator[RelationshipRows]:
        lines: list[int] = []
        rows: list[tuple[str, str | None, str | None, dict[str, Value]]] = []
        bad: list[BadRow] = []
        for line, raw, tree in _objects(block, _mentions_relationship):
            if isinstance(tree, _Bad) or tree.get("type") != "relationship":
                continue  # the first pass had something to say about it
            try:
                start, end = (_end(tree.get(which)) for which in ("start", "end"))
                (type,) = _names([tree.get("label") or ""])
                rows.append((type, start, end, _properties(_map(tree))))
                lines.append(line)
            except (_Bad, MemoraDBError) as error:
                bad.append(BadRow(block.file, line, _reason(error), _text(raw)))
        for first, stop, columns in _tables([row[3] for row in rows]):
            part = rows[first:stop]
            types = choice_of([(row[0],) for row in part])
            starts, ends = (Keys.of_texts([row[i] for row in part]) for i in (1, 2))  # pyright: ignore[reportArgumentType]
            bytes = block.bytes * (stop == len(rows))
            describe = _Place(block, lines[first:stop])
            yield RelationshipRows(
                len(part), types, columns, ("", starts), ("", ends), describe, bytes, bad * (not first)
            )


class _Place:
    """Where the rows of a part stand in their block."""

    def __init__(self, block: Block, lines: list[int]) -> None:
        self._block = block
        self._lines = lines

    def __call__(self, row: int, reason: str) -> BadRow:
        line = self._lines[row]
        return BadRow(self._block.file, line, reason, _text(self._block.data.split(b"\n")[line - self._block.line]))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _mentions_relationship(raw: bytes) -> bool:
    """False for lines that cannot be a relationship, which need no look; a word may be spelt with escapes."""
    return b"relationship" in raw or b"\\u" in raw


def _objects(block: Block, wanted: Callable[[bytes], object] = bytes.strip) -> Iterator[tuple[int, bytes, Any]]:
    """Line number, text, and the object of each line that is wanted, or why it is none."""
    large = has_long_number(block.data)
    for number, raw in enumerate(block.data.split(b"\n"), block.line):
        if not wanted(raw):
            continue
        try:
            tree = loads(raw, large)
        except (ValueError, RecursionError) as error:
            yield number, raw, _Bad(f"not JSON: {error}")
            continue
        yield number, raw, tree if type(tree) is dict else _Bad("not a JSON object")


def _reason(error: Exception) -> str:
    return error.message.removesuffix(".") if isinstance(error, MemoraDBError) else str(error)


def _id(value: Any) -> str | None:
    if value is None or type(value) in (str, int):
        return None if value is None else str(value)
    raise _Bad(f"an id is a string or an integer, not {value!r}")


def _end(value: Any) -> str | None:
    return _id(value.get("id") if isinstance(value, dict) else value)


def _names(values: Any) -> tuple[str, ...]:
    if isinstance(values, (list, tuple)) and all(type(v) is str for v in values):
        return tuple(values)
    raise _Bad(f"labels are a list of strings, not {values!r}")


def _map(tree: dict[str, Any]) -> dict[str, Any]:
    found = tree.get("properties")
    if found is None:
        return {}
    if type(found) is not dict:
        raise _Bad("`properties` is not an object")
    return found


def _properties(tree: dict[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, item in tree.items():
        if item is None:
            continue
        if type(item) not in _SCALARS or type(item) is int:
            try:
                item = from_json(item)
                check_storable(item)
            except MemoraDBError as error:
                raise _Bad(f"`{key}`: {_reason(error)}") from None
        if item is not None:
            found[key] = item
    return found


def _tables(rows: Sequence[dict[str, Value]]) -> Iterator[tuple[int, int, dict[str, Column]]]:
    """Objects as columns, in runs of which no one has too many cells: (first, stop, columns).

    There is one run at least, for what else is to be said about the block.
    """
    yield from _runs(rows, 0, len(rows))


def _runs(rows: Sequence[dict[str, Value]], first: int, stop: int) -> Iterator[tuple[int, int, dict[str, Column]]]:
    keys = dict.fromkeys(key for row in rows[first:stop] for key in row)
    count = stop - first
    if count > 1 and count * len(keys) > CELLS_MAX:
        middle = (first + stop) // 2
        yield from _runs(rows, first, middle)
        yield from _runs(rows, middle, stop)
        return
    yield first, stop, {key: lift([row.get(key) for row in rows[first:stop]]) for key in keys}
