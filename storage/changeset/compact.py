"""The compact form of small changesets: what most transactions are, and what a log of them is replayed from.

    mark 1 | bytes of the shape 2 | shape | fixed part | strings and other values, one after the other

The *shape* says what is done to how many elements of what kind, with which labels, keys and types of values; it is the
same bytes for all transactions of a kind. The *fixed part* holds ids, numbers and lengths, in the shape's order, in so
many bytes. So an encoder and a decoder are found by one look-up, and the fixed parts of many changesets of one shape
are, put after one another, a table that numpy reads at once: see ``batch``.

A changeset has a compact form if it does few things, each to a few elements, and neither to indexes nor to notes.
Which form it takes depends on the changeset alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, Kind, ListColumn, TypedColumn
from memoradb.core.errors import ArithmeticOverflow, CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.serde import encode as encode_value
from memoradb.core.values import Value

from ..view import Element
from .changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties

MARK: Final = 0x43
"""First byte of the compact form; the general one begins with the tag of a list."""
STEPS_MAX: Final = 8
"""Steps of one changeset: with more of them it is no longer one of many alike."""
ROWS_MAX: Final = 64
"""Elements of one step: more of them cost so much by themselves that nothing is gained by what they share."""
SHAPES_MAX: Final = 4_096
"""Shapes that are remembered; where there are more, they are found anew."""
_SHAPE_AT: Final = 3

Action: TypeAlias = Literal[
    "node", "relationship", "set node", "set relationship", "label", "unlabel", "delete", "drop"
]
"""What a step does; ``delete`` a relationship, ``drop`` a node. In the order in which a changeset is applied."""
Code: TypeAlias = Literal["q", "d", "?", "s", "v", "-"]
"""How a value is written: integer, float, boolean, string, any other value, null."""

_FIXED: Final[dict[str, str]] = {"q": "q", "d": "d", "?": "?", "s": "i", "v": "i", "-": ""}
_CODES: Final[dict[type, str]] = {int: "q", float: "d", bool: "?", str: "s", type(None): "-"}
_KINDS: Final[dict[str, Kind]] = {"q": Kind.INTEGER, "d": Kind.FLOAT, "?": Kind.BOOLEAN}
_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to some elements."""

    action: Action
    names: tuple[str, ...]
    """Labels of a new node, the type of a new relationship, the key that is set, the label that is added or removed."""
    values: tuple[tuple[str, str], ...]
    """(key, code) of the values of each key."""
    rows: int
    """How many elements."""
    first: int
    """Place of its ids among the fields of the fixed part; its values follow them, a field for each key."""

    @property
    def ids(self) -> tuple[int, ...]:
        """How many ids stand in each of the fields that it begins with.

        New elements have consecutive ids, of which the first is there; after it come a relationship's ends.
        """
        if self.action == "relationship":
            return 1, self.rows, self.rows
        return (1,) if self.action == "node" else (self.rows,)


class Shape:
    """A kind of small changeset. Equal shapes are the same object as long as they are remembered."""

    def __init__(self, prefix: bytes, signature: tuple[Any, ...]) -> None:
        self.prefix = prefix
        """What every changeset of the shape begins with."""
        steps: list[Step] = []
        formats: list[tuple[str, int]] = []
        for action, names, values, rows in signature:
            step = Step(action, names, values, rows, len(formats))
            steps.append(step)
            formats += (("q", count) for count in step.ids)
            formats += ((_FIXED[code], rows) for _, code in values if code != "-")
        self.steps = tuple(steps)
        self.fixed = struct.Struct("<" + "".join(f"{count}{format}" for format, count in formats))
        self.start = len(prefix)
        self.end = self.start + self.fixed.size
        """Where the strings begin."""
        self.lengths = tuple(i for i, (format, _) in enumerate(formats) if format == "i")
        """The fields that hold lengths."""
        self._formats = formats

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The fixed part as a row of a table with fields ``f0``, ``f1``, ..., each an array."""
        types = {"q": "<i8", "d": "<f8", "?": "u1", "i": "<i4"}
        return np.dtype([(f"f{i}", types[format], (count,)) for i, (format, count) in enumerate(self._formats)])

    def table(self, payloads: list[bytes]) -> NDArray[Any]:
        """The fixed parts of changesets of this shape, as rows.

        Raises:
            CorruptionError: one is cut off or says a length that is not so.
        """
        start, end = self.start, self.end
        try:
            rows = np.frombuffer(b"".join([payload[start:end] for payload in payloads]), self.dtype, len(payloads))
        except ValueError:
            raise CorruptionError("A changeset is cut off.") from None
        sizes = np.fromiter(map(len, payloads), np.int64, len(payloads))
        total = np.full(len(payloads), end, np.int64)
        for i in self.lengths:
            lengths = rows[f"f{i}"]
            if int(lengths.min()) < 0:
                raise CorruptionError("A changeset has a negative length.")
            total += lengths.sum(axis=1)
        if not np.array_equal(total, sizes):
            raise CorruptionError("A changeset's values end where they should not.")
        return rows

    @staticmethod
    def ids_of(step: Step, rows: NDArray[Any]) -> NDArray[np.int64]:
        """The ids of the elements of ``step``: a row for each changeset of ``rows``, which are from ``table``."""
        found = rows[f"f{step.first}"].astype(np.int64)
        return found + np.arange(step.rows) if step.action in ("node", "relationship") else found


_by_signature: dict[tuple[Any, ...], Shape] = {}
_by_prefix: dict[bytes, Shape] = {}


def _remember(shape: Shape, signature: tuple[Any, ...]) -> Shape:
    if len(_by_prefix) >= SHAPES_MAX:
        _by_prefix.clear()
        _by_signature.clear()
    _by_signature[signature] = shape
    return _by_prefix.setdefault(shape.prefix, shape)


def _shape_for(signature: tuple[Any, ...]) -> Shape | None:
    body = encode_value(
        [
            [_ACTIONS.index(action), list(names), list(map(list, values)), *([] if rows == 1 else [rows])]
            for action, names, values, rows in signature
        ]
    )
    if len(body) > 0xFFFF:
        return None
    return _remember(Shape(bytes((MARK,)) + len(body).to_bytes(2, "little") + body, signature), signature)


def shape_of(payload: bytes) -> Shape | None:
    """The shape of an encoded changeset; None for one in the general form.

    Raises:
        CorruptionError: there is no such shape.
    """
    if not payload or payload[0] != MARK:
        return None
    prefix = payload[: _SHAPE_AT + int.from_bytes(payload[1:_SHAPE_AT], "little")]
    return _by_prefix.get(prefix) or _read_shape(prefix)


def _read_shape(prefix: bytes) -> Shape:
    try:
        signature = tuple(
            (_ACTIONS[action], tuple(names), tuple((key, code) for key, code in values), *(rows or [1]))
            for action, names, values, *rows in decode_value(prefix[_SHAPE_AT:])
        )
        known = all(
            action >= ""
            and all(type(name) is str for name in names)
            and all(type(key) is str and code in _FIXED for key, code in values)
            and type(rows) is int
            for action, names, values, rows in signature
        )
        if not known or not signature or len(signature) > STEPS_MAX or any(map(_is_odd, signature)):
            raise CorruptionError("A changeset has an unknown shape.")
    except (TypeError, ValueError, IndexError) as error:
        raise CorruptionError(f"A changeset has an unknown shape: {error}.") from error
    return _remember(Shape(prefix, signature), signature)


def _is_odd(step: tuple[str, tuple[str, ...], tuple[tuple[str, str], ...], int]) -> bool:
    """Whether a step has not the names, values and elements that its action has."""
    action, names, values, rows = step
    if not 1 <= rows <= ROWS_MAX:
        return True
    if action in ("node", "relationship"):
        return action == "relationship" and len(names) != 1
    if action in ("set node", "set relationship"):
        return len(names) != 1 or len(values) != 1
    return len(names) != (action in ("label", "unlabel")) or bool(values)


# --- one changeset -----------------------------------------------------------


def encode(changeset: Changeset) -> bytes | None:
    """The compact form, None where the changeset has none.

    Raises:
        ArithmeticOverflow: an integer does not fit 64 bits.
    """
    if changeset.drop_indexes or changeset.create_indexes or changeset.notes:
        return None
    deleted, dropped = changeset.delete_relationships, changeset.delete_nodes
    steps = len(changeset.new_nodes) + len(changeset.new_relationships) + len(changeset.properties)
    if steps + len(changeset.labels) + (len(deleted) > 0) + (len(dropped) > 0) > STEPS_MAX:
        return None
    signature: list[Any] = []
    fields: list[Any] = []
    heap: list[bytes] = []
    for new in changeset.new_nodes:
        if not 1 <= new.count <= ROWS_MAX:
            return None
        fields.append(new.first_id)
        signature.append(("node", new.labels, _write(new.properties, fields, heap), new.count))
    for new in changeset.new_relationships:
        if not 1 <= new.count <= ROWS_MAX:
            return None
        fields.append(new.first_id)
        fields += new.sources.tolist()
        fields += new.targets.tolist()
        signature.append(("relationship", (new.type,), _write(new.properties, fields, heap), new.count))
    for change in changeset.properties:
        if not 1 <= len(change.ids) <= ROWS_MAX:
            return None
        fields += change.ids.tolist()
        action = "set node" if change.element is Element.NODE else "set relationship"
        signature.append((action, (change.key,), _write({"": change.values}, fields, heap), len(change.ids)))
    for change in changeset.labels:
        if not 1 <= len(change.ids) <= ROWS_MAX:
            return None
        fields += change.ids.tolist()
        signature.append(("unlabel" if change.remove else "label", (change.label,), (), len(change.ids)))
    for action, ids in (("delete", deleted), ("drop", dropped)):
        if len(ids) > ROWS_MAX:
            return None
        if len(ids):
            fields += ids.tolist()
            signature.append((action, (), (), len(ids)))
    if not signature:
        return None
    key = tuple(signature)
    shape = _by_signature.get(key) or _shape_for(key)
    if shape is None:
        return None
    try:
        fixed = shape.fixed.pack(*fields)
    except struct.error as error:
        raise ArithmeticOverflow(f"A number of the changeset does not fit: {error}.") from None
    return b"".join((shape.prefix, fixed, *heap))


def _write(properties: Any, fields: list[Any], heap: list[bytes]) -> tuple[tuple[str, str], ...]:
    """Append the values of some elements, key by key; returns their keys and codes."""
    found: list[tuple[str, str]] = []
    for key in sorted(properties) if len(properties) > 1 else properties:
        column = properties[key]
        if len(column) == 1:  # as most are
            value = column.item(0)
            code = _CODES.get(value.__class__, "v")
            if code == "q" or code == "?":
                fields.append(value)
                found.append((key, code))
                continue
            values: Sequence[Value] = (value,)
        else:
            values = column.values()
            kinds = set(map(type, values))
            code = _CODES.get(kinds.pop(), "v") if len(kinds) == 1 else "v"
        if code == "s" or code == "v":
            for value in values:
                raw = value.encode("utf-8", "surrogatepass") if code == "s" else encode_value(value)  # pyright: ignore
                heap.append(raw)
                fields.append(len(raw))
        elif code == "d":
            fields += [value if value == value else _NAN for value in values]
        elif code != "-":
            fields += values
        found.append((key, code))
    return tuple(found)


def decode(payload: bytes, shape: Shape) -> Changeset:
    """The changeset that an encoded one of ``shape`` is.

    Raises:
        CorruptionError: it is cut off or its values are none.
    """
    try:
        fields = shape.fixed.unpack_from(payload, shape.start)
    except struct.error:
        raise CorruptionError("A changeset is cut off.") from None
    nodes: list[NewNodes] = []
    relationships: list[NewRelationships] = []
    properties: list[SetProperties] = []
    labels: list[SetLabels] = []
    deleted: list[int] = []
    dropped: list[int] = []
    at, place = shape.end, 0
    for step in shape.steps:
        ids: list[tuple[int, ...]] = []
        for count in step.ids:
            ids.append(fields[place : place + count])
            place += count
        columns: dict[str, Column] = {}
        for key, code in step.values:
            if code == "-":
                columns[key] = ListColumn([None] * step.rows)
                continue
            values = fields[place : place + step.rows]
            place += step.rows
            if code in ("s", "v"):
                items: list[Value] = []
                for length in values:
                    if length < 0:
                        raise CorruptionError("A changeset has a negative length.")
                    items.append(_value(payload[at : at + length], code))
                    at += length
                columns[key] = ListColumn(items)
            else:
                columns[key] = TypedColumn(_KINDS[code], np.array(values))
        match step.action:
            case "node":
                nodes.append(NewNodes(ids[0][0], step.rows, step.names, columns))
            case "relationship":
                source, target = np.array(ids[1], np.int64), np.array(ids[2], np.int64)
                relationships.append(NewRelationships(ids[0][0], step.names[0], source, target, columns))
            case "set node" | "set relationship":
                element = Element.NODE if step.action == "set node" else Element.RELATIONSHIP
                (found,) = columns.values()
                properties.append(SetProperties(element, step.names[0], np.array(ids[0], np.int64), found))
            case "label" | "unlabel":
                labels.append(SetLabels(step.names[0], np.array(ids[0], np.int64), step.action == "unlabel"))
            case "delete":
                deleted += ids[0]
            case _:
                dropped += ids[0]
    if at != len(payload):
        raise CorruptionError("A changeset's values end where they should not.")
    return Changeset(
        (),
        tuple(nodes),
        tuple(relationships),
        tuple(properties),
        tuple(labels),
        np.array(deleted, np.int64),
        np.array(dropped, np.int64),
    )


def _value(raw: bytes, code: str) -> Value:
    if code == "v":
        return decode_value(raw)
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise CorruptionError("Encoded text is not UTF-8.") from None
