"""Messages of the wire protocol, and values in MessagePack.

Values that MessagePack has no type for are extensions: 1 node, 2 relationship, 3 path (MessagePack inside), 4 anything
else, as ``core.serde`` writes it. Rows travel by column: integers and floats without nulls as raw little-endian arrays,
everything else as a list.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from memoradb.core.errors import CorruptionError, RemoteProtocolError
from memoradb.core.serde import decode, encode
from memoradb.core.values import Node, Path, Relationship, Value

from .frames import Frame, FrameType


class Hello(msgspec.Struct, tag=True):
    """Client to server, first."""

    token: str | None = None
    agent: str = ""


class Welcome(msgspec.Struct, tag=True):
    """The server's answer."""

    server: str


class Run(msgspec.Struct, tag=True):
    """Run a statement; ``parameters`` in MessagePack with extensions."""

    id: int
    query: str
    parameters: dict[str, Any] = {}
    timeout_ms: int | None = None
    read_only: bool = False


class Rows(msgspec.Struct, tag=True):
    """Some rows of statement ``id``: encoded columns."""

    id: int
    count: int
    columns: list[Any]


class Done(msgspec.Struct, tag=True):
    """The end of a statement: column names and the summary."""

    id: int
    columns: list[str]
    summary: dict[str, Any]


class Failure(msgspec.Struct, tag=True):
    """A statement, or (id -1) the connection, failed."""

    id: int
    error: dict[str, Any]


class Cancel(msgspec.Struct, tag=True):
    """Stop a statement."""

    id: int


Message = Hello | Welcome | Run | Rows | Done | Failure | Cancel

_TYPES: dict[type, FrameType] = {
    Hello: FrameType.HELLO,
    Welcome: FrameType.WELCOME,
    Run: FrameType.RUN,
    Rows: FrameType.ROWS,
    Done: FrameType.DONE,
    Failure: FrameType.ERROR,
    Cancel: FrameType.CANCEL,
}
_CLASSES = {v: k for k, v in _TYPES.items()}


_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def to_wire(value: Value) -> Any:
    """A value as MessagePack with extensions can hold it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list or kind is tuple:
        return [to_wire(v) for v in value]
    if isinstance(value, dict):
        return {k: to_wire(v) for k, v in value.items()}
    if isinstance(value, Node):
        fields: list[Any] = [value.id, list(value.labels), to_wire(value.properties), value.element_id]
        return msgspec.msgpack.Ext(1, _encoder.encode(fields))
    if isinstance(value, Relationship):
        ends = [value.id, value.type, value.start, value.end]
        return msgspec.msgpack.Ext(2, _encoder.encode([*ends, to_wire(value.properties), value.element_id]))
    if isinstance(value, Path):
        return msgspec.msgpack.Ext(3, _encoder.encode([to_wire(value.nodes), to_wire(value.relationships)]))
    return msgspec.msgpack.Ext(4, encode(value))


def _decode_other(code: int, data: memoryview) -> Any:
    try:
        if code == 4:
            return decode(bytes(data))
        fields = _decoder.decode(bytes(data))
        if code == 1:
            return Node(fields[0], tuple(fields[1]), fields[2], fields[3])
        if code == 2:
            return Relationship(*fields)
        if code == 3:
            return Path(tuple(fields[0]), tuple(fields[1]))
    except (CorruptionError, IndexError, TypeError, ValueError) as error:
        raise RemoteProtocolError(f"A value cannot be read: {error}.") from error
    raise RemoteProtocolError(f"Unknown extension {code}.")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ext_hook=_decode_other)
_message_decoders: dict[type, Any] = {c: msgspec.msgpack.Decoder(c, ext_hook=_decode_other) for c in _TYPES}


def to_frame(message: Message) -> Frame:
    """A message as a frame."""
    return Frame(_TYPES[type(message)], _encoder.encode(message))


def from_frame(frame: Frame) -> Message:
    """The message in a frame; RemoteProtocolError where it is none."""
    try:
        return _message_decoders[_CLASSES[frame.type]].decode(frame.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"A {frame.type.name} message cannot be read: {error}.") from error


def encode_column(values: list[Value]) -> Any:
    """A column for a ``Rows`` message."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return ["i", struct.pack(f"<{len(values)}q", *values)]
    if kinds == {float}:
        return ["f", struct.pack(f"<{len(values)}d", *values)]
    return ["v", values if kinds <= _PLAIN else [to_wire(v) for v in values]]


def decode_column(column: Any, count: int) -> list[Value]:
    """The inverse of ``encode_column``."""
    try:
        form, data = column
        if form == "v":
            values = list(data)
        else:
            values = list(struct.unpack(f"<{count}{'q' if form == 'i' else 'd'}", data))
    except (TypeError, ValueError, struct.error) as error:
        raise RemoteProtocolError(f"A column cannot be read: {error}.") from error
    if len(values) != count:
        raise RemoteProtocolError("A column has another length than its rows.")
    return values
