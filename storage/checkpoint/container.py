"""One section in one file: arrays with a header, aligned so that they can be mapped.

magic 8 | version 4 | header length 4 | crc32c of those and the header 4 | header (JSON) | padding to 64 | arrays

Each array begins at a multiple of 64 bytes.

The header holds the checksum of each array. It is verified when the array is first asked for: a database opens without
reading what nobody wants yet, and nothing that is damaged is ever used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory
from memoradb.core.serde import decode, encode

from ..section import Section

MAGIC = b"MEMORSEC"
VERSION = 1
ALIGNMENT = 64
_FIXED = struct.Struct("<8sII")
_CHECKSUM = struct.Struct("<I")
_HEADER_AT = _FIXED.size + _CHECKSUM.size


class _ArrayHeader(msgspec.Struct, frozen=True, array_like=True):
    """Where an array is, counted from the end of the header, and what it is."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int
    crc32c: int


class _Header(msgspec.Struct, frozen=True):
    name: str
    arrays: list[_ArrayHeader]
    metadata: str
    """Hexadecimal digits of an encoded map."""


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def encode_section(section: Section) -> bytes:
    """The file's bytes; equal sections give equal bytes."""
    arrays: list[_ArrayHeader] = []
    parts: list[bytes] = []
    offset = 0
    for name in sorted(section.arrays):
        array = np.ascontiguousarray(section.arrays[name])
        raw = array.tobytes()
        arrays.append(_ArrayHeader(name, array.dtype.str, array.shape, offset, len(raw), crc32c(raw)))
        padding = bytes(_aligned(len(raw)) - len(raw))
        parts += (raw, padding)
        offset += len(raw) + len(padding)
    header = msgspec.json.encode(_Header(section.name, arrays, encode(section.metadata).hex()))
    start = _aligned(_HEADER_AT + len(header))
    fixed = _FIXED.pack(MAGIC, VERSION, len(header))
    head = fixed + _CHECKSUM.pack(crc32c(fixed + header)) + header
    return head + bytes(start - len(head)) + b"".join(parts)


class MappedArrays(Mapping[str, NDArray[Any]]):
    """The arrays of a mapped file; each is verified when first asked for."""

    def __init__(self, data: memoryview, start: int, headers: list[_ArrayHeader], path: str) -> None:
        self._data = data
        self._start = start
        self._headers = {header.name: header for header in headers}
        self._path = path
        self._verified: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        found = self._verified.get(name)
        if found is None:
            header = self._headers[name]
            begin = self._start + header.offset
            part = self._data[begin : begin + header.size]
            if crc32c(part) != header.crc32c:
                raise CorruptionError(
                    f"{self._path} is damaged: its array `{name}` fails its checksum.",
                    file=self._path,
                    offset_bytes=begin,
                )
            found = self._verified[name] = np.frombuffer(part, np.dtype(header.dtype)).reshape(header.shape)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def decode_section(data: memoryview, path: str) -> Section:
    """The section in a file; its arrays are views of ``data``.

    Raises:
        CorruptionError: it is cut off, or its header fails its checksum.
        ForeignDirectory: another program's file, or a newer format.
    """
    if len(data) < _HEADER_AT:
        raise CorruptionError(f"{path} is too short.", file=path)
    magic, version, length = _FIXED.unpack_from(data, 0)
    if magic != MAGIC:
        raise CorruptionError(f"{path} does not begin as a data file of MemoraDB does.", file=path)
    raw = bytes(data[_HEADER_AT : _HEADER_AT + length])
    if (crc32c(bytes(data[: _FIXED.size]) + raw),) != _CHECKSUM.unpack_from(data, _FIXED.size):
        raise CorruptionError(f"{path} has a damaged header.", file=path)
    if version != VERSION:
        raise ForeignDirectory(
            f"{path} has format {version}; this version reads {VERSION}.", hint="Open it with a newer MemoraDB."
        )
    try:
        header = msgspec.json.decode(raw, type=_Header)
        metadata = decode(bytes.fromhex(header.metadata))
    except (msgspec.MsgspecError, ValueError) as error:
        raise CorruptionError(f"{path} has an unknown header: {error}.", file=path) from error
    start = _aligned(_HEADER_AT + length)
    for array in header.arrays:
        if start + array.offset + array.size > len(data):
            raise CorruptionError(f"{path} is cut off.", file=path, offset_bytes=len(data))
    return Section(header.name, MappedArrays(data, start, header.arrays, path), metadata)
