"""GraphML as a graph: read as a stream, with typed keys, and labels and types as Neo4j and APOC write them.

    <key id="name" for="node" attr.name="name" attr.type="string"/>
    <node id="n0" labels=":Person"><data key="labels">:Person</data><data key="name">Ana</data></node>
    <edge id="e0" source="n0" target="n1" label="KNOWS"><data key="label">KNOWS</data></edge>

Labels are the data of the key ``labels`` (or ``labelV``) or else the attribute; types that of ``label`` (``labelE``) or
the attribute, and ``RELATED`` where there is none. Types of keys are GraphML's; lists have APOC's ``attr.list``, a JSON
array as text; ``attr.memql`` names a type that GraphML has not, as ``text_values`` has them. A key's default is the
value of elements that give none. Undirected edges become relationships from source to target; nested graphs are part of
the one around them; hyperedges are bad.

A file that declares entities is refused: nothing is ever expanded. The files are read twice, first for nodes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final
from xml.parsers import expat

from memoradb.core import limits
from memoradb.core.columns import lift
from memoradb.core.errors import ArgumentError, LimitError, MemoraDBError
from memoradb.core.semantics import check_storable
from memoradb.core.values import Value

from .assembly import with_ids
from .bad_rows import BadRow
from .blocks import size_of
from .identity import file_identity
from .ids import Keys
from .rows import NodeRows, RelationshipRows, choice_of
from .text_values import Parser, parser_of
from .typed_json import from_json, loads

PART_ELEMENTS = 50_000
"""Nodes or relationships of one transaction."""
RELATED: Final = "RELATED"
"""The type of edges that name none, as APOC has it."""

_CHUNK_BYTES: Final = 1 << 20
_LABEL_KEYS: Final = frozenset(("labels", "labelV"))
_TYPE_KEYS: Final = frozenset(("label", "labelE"))
_TYPES: Final = {"boolean": "boolean", "int": "long", "long": "long", "float": "double", "double": "double"}


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    element: str
    parse: Parser
    default: Value = None


@dataclass(slots=True)
class _Element:
    """A node or an edge while its data is read."""

    kind: str
    line: int
    attributes: dict[str, str]
    properties: dict[str, Value] = field(default_factory=dict)
    names: str | None = None
    """Labels or type, from data."""
    error: str | None = None
    characters: int = 0


class GraphmlFiles:
    """Files, each with ids of its own."""

    what = "GraphML"

    def __init__(self, paths: Sequence[str], id_property: str | None = None) -> None:
        self._paths = paths
        self._id_property = id_property
        self.bytes = 2 * sum(map(size_of, paths))

    def identity(self) -> list[object]:
        files = [file_identity(path) for path in self._paths]
        return ["graphml", PART_ELEMENTS, files, self._id_property or ""]

    def nodes(self) -> Iterator[NodeRows]:
        for number, path in enumerate(self._paths):
            for elements, bytes in _parts(path, "node"):
                good, bad = _sorted(path, elements)
                rows = NodeRows(
                    len(good),
                    choice_of([_labels(e) for e in good]),
                    _columns(good),
                    str(number),
                    Keys.of_texts([e.attributes.get("id") for e in good]),
                    _Place(path, good),
                    bytes,
                    bad,
                )
                yield rows if self._id_property is None else with_ids(rows, self._id_property, False)

    def relationships(self) -> Iterator[RelationshipRows]:
        for number, path in enumerate(self._paths):
            for elements, bytes in _parts(path, "edge"):
                good, bad = _sorted(path, elements)
                starts, ends = (Keys.of_texts([e.attributes.get(a) for e in good]) for a in ("source", "target"))
                types = choice_of([(_type(e),) for e in good])
                space = str(number)
                place = _Place(path, good)
                yield RelationshipRows(
                    len(good), types, _columns(good), (space, starts), (space, ends), place, bytes, bad
                )


class _Place:
    def __init__(self, path: str, elements: list[_Element]) -> None:
        self._path = path
        self._elements = elements

    def __call__(self, row: int, reason: str) -> BadRow:
        element = self._elements[row]
        return BadRow(self._path, element.line, reason, _shown(element))


def _shown(element: _Element) -> str:
    attributes = "".join(f" {name}={value!r}" for name, value in element.attributes.items())
    return f"<{element.kind}{attributes}>"


def _sorted(path: str, elements: list[_Element]) -> tuple[list[_Element], list[BadRow]]:
    """The good ones, and the bad."""
    bad = [BadRow(path, e.line, e.error, _shown(e)) for e in elements if e.error is not None]
    return [e for e in elements if e.error is None] if bad else elements, bad


def _labels(element: _Element) -> tuple[str, ...]:
    text = element.names if element.names is not None else element.attributes.get("labels", "")
    if text.startswith("["):  # labels that hold colons
        return tuple(map(str, loads(text)))
    return tuple(dict.fromkeys(part for part in text.split(":") if part))


def _type(element: _Element) -> str:
    return element.names or element.attributes.get("label") or RELATED


def _columns(elements: list[_Element]) -> dict[str, Any]:
    keys = dict.fromkeys(key for element in elements for key in element.properties)
    return {key: lift([element.properties.get(key) for element in elements]) for key in keys}


def _parts(path: str, kind: str) -> Iterator[tuple[list[_Element], int]]:
    """The elements of one kind, some at a time, and how far the file was read for them."""
    size_of(path)
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # pyright: ignore[reportAssignmentType]
        reader = _Reader(path, kind)
        position = 0
        while True:
            try:
                chunk = file.read(_CHUNK_BYTES)
            except (OSError, EOFError) as error:
                raise ArgumentError(f"{path} is damaged: {error}.") from error
            reader.feed(chunk)
            while len(reader.found) >= PART_ELEMENTS:
                part, reader.found = reader.found[:PART_ELEMENTS], reader.found[PART_ELEMENTS:]
                yield part, raw.tell() - position
                position = raw.tell()
            if not chunk:
                break
        yield reader.found, os.fstat(raw.fileno()).st_size - position


class _Reader:
    """Gathers the elements of one kind; text comes in pieces of any size."""

    def __init__(self, path: str, kind: str) -> None:
        self._path = path
        self._kind = kind
        self.found: list[_Element] = []
        self._keys: dict[str, _Key] = {}
        self._open: list[_Element] = []
        """Nodes and edges that are open: a node may hold a graph."""
        self._data: str | None = None
        """The key whose text is being read."""
        self._key: dict[str, str] | None = None
        """The attributes of the <key> that is open."""
        self._default: str | None = None
        self._text: list[str] | None = None
        self._root = False
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        """The next piece of the file; none at its end."""
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise ArgumentError(
                f"{self._path}:{error.lineno}: not XML (column {error.offset + 1}): {reason}."
            ) from None

    def _here(self) -> str:
        return f"{self._path}:{self._parser.CurrentLineNumber}"

    def _entity(self, name: str, *_: object) -> None:
        raise ArgumentError(
            f"{self._here()}: the file declares the entity `{name}`.",
            hint="Entities are never expanded; a graph needs none.",
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if not self._root:
            if name != "graphml":
                raise ArgumentError(f"{self._here()}: not GraphML, for it begins with <{name}>.")
            self._root = True
        match name:
            case "key":
                self._key, self._default = attributes, None
            case "default" if self._key is not None:
                self._text = []
            case "node" | "edge" | "hyperedge":
                element = _Element(name, self._parser.CurrentLineNumber, attributes)
                if name == "hyperedge":
                    element.error = "there are no relationships between more than two nodes"
                self._open.append(element)
            case "data" if self._open:
                self._data, self._text = attributes.get("key", ""), []
            case _:
                pass

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
            if self._open:
                self._open[-1].characters += len(text)
                if self._open[-1].characters > limits.IMPORT_RECORD_BYTES_MAX:
                    raise LimitError(
                        f"{self._here()}: an element has more than {limits.IMPORT_RECORD_BYTES_MAX:,} characters of "
                        "data.",
                        limit="IMPORT_RECORD_BYTES_MAX",
                        value=limits.IMPORT_RECORD_BYTES_MAX,
                    )

    def _end(self, tag: str) -> None:
        match tag.rpartition(" ")[2]:
            case "key" if self._key is not None:
                self._declare(self._key, self._default)
                self._key = None
            case "default" if self._key is not None:
                self._default, self._text = "".join(self._text or ()), None
            case "data" if self._data is not None:
                self._give(self._open[-1], self._data, "".join(self._text or ()))
                self._data = self._text = None
            case "node" | "edge" | "hyperedge" as name:
                element = self._open.pop()
                if ("edge" if name == "hyperedge" else name) == self._kind:
                    self._finish(element)
            case _:
                pass

    def _declare(self, attributes: dict[str, str], default: str | None) -> None:
        identity = attributes.get("id", "")
        name = attributes.get("attr.name") or identity
        parse = _parser(attributes)
        if parse is None:
            type = attributes.get("attr.memql") or attributes.get("attr.type")
            raise ArgumentError(f"{self._here()}: the key `{name}` has an unknown type `{type}`.")
        value: Value = None
        if default is not None:
            try:
                value = parse(default)
            except (MemoraDBError, ValueError) as error:
                raise ArgumentError(f"{self._here()}: the default of the key `{name}`: {_reason(error)}.") from None
        self._keys[identity] = _Key(name, attributes.get("for", "all"), parse, value)

    def _give(self, element: _Element, identity: str, text: str) -> None:
        if element.kind != self._kind or element.error is not None:
            return
        if identity in (_LABEL_KEYS if element.kind == "node" else _TYPE_KEYS):
            element.names = text
            return
        key = self._keys.get(identity)
        if key is None:
            element.error = f"there is no <key> `{identity}`"
            return
        try:
            value = key.parse(text)
            check_storable(value)
        except (MemoraDBError, ValueError) as error:
            element.error = f"`{key.name}`: {_reason(error)}"
            return
        if value is not None:
            element.properties[key.name] = value

    def _finish(self, element: _Element) -> None:
        for identity, key in self._keys.items():
            if key.default is not None and key.element in ("all", element.kind):
                if identity in (_LABEL_KEYS if element.kind == "node" else _TYPE_KEYS):
                    element.names = str(key.default) if element.names is None else element.names
                else:
                    element.properties.setdefault(key.name, key.default)
        self.found.append(element)


def _reason(error: Exception) -> str:
    return (error.message if isinstance(error, MemoraDBError) else str(error)).removesuffix(".")


def _parser(attributes: dict[str, str]) -> Parser | None:
    """What reads the values of a key; None where its type is unknown."""
    ours = attributes.get("attr.memql")
    items = attributes.get("attr.list")
    if items is not None:
        return _list_parser(items)
    if ours is not None:
        try:
            return parser_of(ours, {})
        except ArgumentError:
            return None
    type = attributes.get("attr.type", "string")
    if type == "string":
        return lambda text: text
    return parser_of(_TYPES[type], {}) if type in _TYPES else None


def _list_parser(items: str) -> Parser | None:
    """Lists as JSON arrays; whole numbers in a list of floats are floats."""
    if items not in _TYPES and items != "string":
        return None
    floats = _TYPES.get(items) == "double"

    def parse(text: str) -> Value:
        tree = loads(text)
        if type(tree) is not list:
            raise ValueError(f"{text[:80]!r} is not a JSON array")
        values = [from_json(item) for item in tree]
        return [float(v) if type(v) is int else v for v in values] if floats else values

    return parse
