"""One section in one file: arrays with a header, aligned so that they can be mapped.

magic 8 | version 4 | header length 4 | header (JSON) | padding to 64 | arrays, each padded to 64
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np

from memoradb.core.errors import CorruptionError, ForeignDirectory
from memoradb.core.serde import decode, encode

from ..section import Section

MAGIC = b"MEMORSEC"
VERSION = 1
ALIGNMENT = 64
_FIXED = struct.Struct("<8sII")


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def encode_section(section: Section) -> bytes:
    """The file's bytes; equal sections give equal bytes."""
    arrays: list[list[Any]] = []
    parts: list[bytes] = []
    offset = 0
    for name in sorted(section.arrays):
        array = np.ascontiguousarray(section.arrays[name])
        raw = array.tobytes()
        arrays.append([name, array.dtype.str, list(array.shape), offset, len(raw)])
        size = _aligned(len(raw))
        parts.append(raw + bytes(size - len(raw)))
        offset += size
    header = msgspec.json.encode({"name": section.name, "arrays": arrays, "metadata": encode(section.metadata).hex()})
    start = _aligned(_FIXED.size + len(header))
    head = _FIXED.pack(MAGIC, VERSION, len(header)) + header
    return head + bytes(start - len(head)) + b"".join(parts)


def decode_section(data: memoryview, path: str) -> Section:
    """The section in a file; its arrays are views of ``data``."""
    if len(data) < _FIXED.size:
        raise CorruptionError(f"{path} is too short.", file=path)
    magic, version, length = _FIXED.unpack_from(data, 0)
    if magic != MAGIC or version != VERSION:
        raise ForeignDirectory(f"{path} is not a data file of this version of MemoraDB.")
    try:
        header = msgspec.json.decode(bytes(data[_FIXED.size : _FIXED.size + length]))
        start = _aligned(_FIXED.size + length)
        arrays: dict[str, Any] = {}
        for name, dtype, shape, offset, size in header["arrays"]:
            begin = start + offset
            if begin + size > len(data):
                raise CorruptionError(f"{path} is cut off.", file=path, offset_bytes=begin)
            arrays[name] = np.frombuffer(data[begin : begin + size], np.dtype(dtype)).reshape(shape)
        return Section(header["name"], arrays, decode(bytes.fromhex(header["metadata"])))
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise CorruptionError(f"{path} has a damaged header: {error}.", file=path) from error
