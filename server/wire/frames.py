"""Frames of the wire protocol.

    length  4   bytes of payload, big-endian
    crc32c  4   over type and payload
    version 1   of the protocol
    type    1   what the payload is
    payload     MessagePack

Sans-IO: bytes in, frames out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from memoradb.core.codec import crc32c
from memoradb.core.errors import LimitError, RemoteProtocolError
from memoradb.core.limits import FRAME_BYTES_MAX

VERSION = 1
_HEADER = struct.Struct(">IIBB")
HEADER_BYTES = _HEADER.size


class FrameType(IntEnum):
    """What a frame carries."""

    HELLO = 1
    WELCOME = 2
    RUN = 3
    ROWS = 4
    DONE = 5
    ERROR = 6
    CANCEL = 7
    BEGIN = 8
    COMMIT = 9
    ROLLBACK = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    type: FrameType
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes.

    Raises:
        LimitError: the payload is longer than a frame may be.
    """
    if len(frame.payload) > FRAME_BYTES_MAX:
        raise LimitError(
            f"A {frame.type.name} message of {len(frame.payload):,} bytes is longer than a frame may be.",
            limit="FRAME_BYTES_MAX",
            value=FRAME_BYTES_MAX,
            hint="Send or return less at once: fewer rows, or smaller values.",
        )
    crc = crc32c(frame.payload, crc32c(bytes((frame.type,))))
    return _HEADER.pack(len(frame.payload), crc, VERSION, frame.type) + frame.payload


class FrameDecoder:
    """Collects bytes and gives the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Frame]:
        """Frames completed by ``data``.

        Raises:
            RemoteProtocolError: another version, an unknown type, a frame that is too long or damaged.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= HEADER_BYTES:
            length, crc, version, kind = _HEADER.unpack_from(self._buffer)
            if version != VERSION:
                raise RemoteProtocolError(f"The peer speaks version {version} of the wire protocol, not {VERSION}.")
            if length > FRAME_BYTES_MAX:
                raise RemoteProtocolError(f"A frame of {length} bytes is longer than {FRAME_BYTES_MAX}.")
            if kind not in FrameType._value2member_map_:
                raise RemoteProtocolError(f"Unknown frame type {kind}.")
            if len(self._buffer) < HEADER_BYTES + length:
                break
            payload = bytes(self._buffer[HEADER_BYTES : HEADER_BYTES + length])
            if crc32c(payload, crc32c(bytes((kind,)))) != crc:
                raise RemoteProtocolError("A frame fails its checksum.")
            del self._buffer[: HEADER_BYTES + length]
            frames.append(Frame(FrameType(kind), payload))
        return frames

    def end(self) -> None:
        """The peer closed: RemoteProtocolError where a frame was cut off."""
        if self._buffer:
            raise RemoteProtocolError("The connection ended inside a frame.")
