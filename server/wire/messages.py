"""Messages of the wire protocol, and values in MessagePack.

Values that MessagePack has no type for are extensions: 1 node, 2 relationship, 3 path (MessagePack inside), 4 anything
else, as ``core.serde`` writes it, 5 a map with a key that is no valid Unicode, as pairs. Rows travel by column:
integers and floats without nulls as raw little-endian arrays, everything else as a list. The HTTP protocol sends the
same values where a client asks for MessagePack.
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
    transaction: int | None = None


class Begin(msgspec.Struct, tag=True):
    """Open transaction ``id``, to be named by ``Run``; answered by ``Done``. It ends with the connection at last."""

    id: int
    isolation: str = "serializable"
    timeout_ms: int | None = None


class Commit(msgspec.Struct, tag=True):
    """Make transaction ``transaction`` durable and visible; answered by ``Done`` or ``Failure``; over either way."""

    id: int
    transaction: int


class Rollback(msgspec.Struct, tag=True):
    """Forget transaction ``transaction``; answered by ``Done``."""

    id: int
    transaction: int


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


Message = Hello | Welcome | Run | Rows | Done | Failure | Cancel | Begin | Commit | Rollback

_TYPES: dict[type, FrameType] = {
    Hello: FrameType.HELLO,
    Welcome: FrameType.WELCOME,
    Run: FrameType.RUN,
    Rows: FrameType.ROWS,
    Done: FrameType.DONE,
    Failure: FrameType.ERROR,
    Cancel: FrameType.CANCEL,
    Begin: FrameType.BEGIN,
    Commit: FrameType.COMMIT,
    Rollback: FrameType.ROLLBACK,
}
_CLASSES = {v: k for k, v in _TYPES.items()}


_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def to_wire(value: Value, *, any_text: bool = False) -> Any:
    """A value as MessagePack with extensions can hold it.

    Args:
        value: any value that is handed out or taken as a parameter.
        any_text: also take strings with half of a surrogate pair, which are no UTF-8; asked for only after a first try
            failed on one, since every string must be looked at.

    Raises:
        TypeMismatch: no value of the language.
    """
    kind = type(value)
    if kind is str and any_text and not _is_unicode(value):
        return msgspec.msgpack.Ext(4, encode(value))
    if kind in _PLAIN:
        return value
    if kind is list or kind is tuple:
        return [to_wire(v, any_text=any_text) for v in value]
    if isinstance(value, dict):
        if any_text and not all(map(_is_unicode, value)):
            pairs = [[to_wire(k, any_text=True), to_wire(v, any_text=True)] for k, v in value.items()]
            return msgspec.msgpack.Ext(5, _encoder.encode(pairs))
        return {k: to_wire(v, any_text=any_text) for k, v in value.items()}
    if isinstance(value, Node):
        properties = to_wire(value.properties, any_text=any_text)
        return msgspec.msgpack.Ext(1, _encoder.encode([value.id, list(value.labels), properties, value.element_id]))
    if isinstance(value, Relationship):
        ends = [value.id, value.type, value.start, value.end]
        properties = to_wire(value.properties, any_text=any_text)
        return msgspec.msgpack.Ext(2, _encoder.encode([*ends, properties, value.element_id]))
    if isinstance(value, Path):
        parts = [to_wire(value.nodes, any_text=any_text), to_wire(value.relationships, any_text=any_text)]
        return msgspec.msgpack.Ext(3, _encoder.encode(parts))
    return msgspec.msgpack.Ext(4, encode(value))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
        if code == 5:
            return dict(fields)
    except (CorruptionError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"A value cannot be read: {error}.") from error
    raise RemoteProtocolError(f"Unknown extension {code}.")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ext_hook=_decode_other)
_message_decoders: dict[type, Any] = {c: msgspec.msgpack.Decoder(c, ext_hook=_decode_other) for c in _TYPES}


def to_frame(message: Message) -> Frame:
    """A message as a frame."""
    try:
        payload = _encoder.encode(message)
    except UnicodeEncodeError:
        # Names and messages are for people: half a surrogate pair in them becomes a question mark.
        payload = _encoder.encode(_legible(msgspec.to_builtins(message, builtin_types=(bytes, msgspec.msgpack.Ext))))
    return Frame(_TYPES[type(message)], payload)


def _legible(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_legible(k): _legible(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legible(v) for v in value]
    return value


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
    column = ["v", values if kinds <= _PLAIN else [to_wire(v) for v in values]]
    return msgspec.Raw(_encoder.encode(column))


def encode_columns(columns: list[list[Value]]) -> list[Any]:
    """Columns for a ``Rows`` message, whatever their strings hold."""
    try:
        return [encode_column(values) for values in columns]
    except UnicodeEncodeError:
        return [["v", [to_wire(v, any_text=True) for v in values]] for values in columns]


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


def encode_value(value: Any) -> bytes:
    """Any tree of plain values and extensions as MessagePack."""
    return _encoder.encode(value)


def decode_value(data: bytes) -> Any:
    """The inverse of ``encode_value``; RemoteProtocolError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"The data is no MessagePack of ours: {error}.") from error
