"""One section in one file: arrays with a header, aligned so that they can be mapped.

magic 8 | version 4 | header length 4 | crc32c of those and the header 4 | header (JSON) | padding to 64 | arrays

Each array begins at a multiple of 64 bytes, a large one at a multiple of the largest page size, so that its pages can
stand in the place of memory.

The header holds the checksum of each array. It is verified when the array is first asked for: a database opens without
reading what nobody wants yet, and nothing that is damaged is ever used.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, StorageError
from memoradb.core.regions import PAGE_BYTES, is_region
from memoradb.core.serde import decode, encode

from ..file_format import other_format
from ..section import DataFile, PlacedArrays, Section
from .packed import PackedBytes

MAGIC = b"MEMORSEC"
VERSION = 2
ALIGNMENT = 64
PIECE_BYTES = 1 << 18
"""Bytes that one step of encoding works on."""

Bytes: TypeAlias = bytes | memoryview

Data: TypeAlias = memoryview | PackedBytes
"""A file's bytes: mapped, or decompressed when they are read."""

MapOver: TypeAlias = Callable[[str, int, memoryview], None]
"""``Vfs.map_over``."""

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


def _aligned(size: int, alignment: int = ALIGNMENT) -> int:
    return -(-size // alignment) * alignment


def _alignment(size: int) -> int:
    return PAGE_BYTES if size >= PAGE_BYTES else ALIGNMENT


class EncodedSection:
    """The file of a section: its size and hash, and its bytes part by part. Equal sections give equal bytes.

    No step works on more than ``PIECE_BYTES``, so that other threads get their turn in between.
    """

    def __init__(self, section: Section, rest: Callable[[], None] = lambda: None) -> None:
        self._arrays = {name: np.ascontiguousarray(section.arrays[name]) for name in sorted(section.arrays)}
        headers: list[_ArrayHeader] = []
        offset = 0
        for name, array in self._arrays.items():
            offset = _aligned(offset, _alignment(array.nbytes))
            checksum = 0
            for piece in _pieces(array):
                checksum = crc32c(piece, checksum)
                rest()
            headers.append(_ArrayHeader(name, array.dtype.str, array.shape, offset, array.nbytes, checksum))
            offset += array.nbytes
        self._headers = headers
        self._end = _aligned(offset)
        header = msgspec.json.encode(_Header(section.name, headers, encode(section.metadata).hex()))
        fixed = _FIXED.pack(MAGIC, VERSION, len(header))
        head = fixed + _CHECKSUM.pack(crc32c(fixed + header)) + header
        self._head = head + bytes(_start_of(len(header), headers) - len(head))
        hashed = hashlib.blake2b(digest_size=16)
        self.size = 0
        for part in self.parts():
            hashed.update(part)
            self.size += len(part)
            rest()
        self.hash = hashed.hexdigest()

    def blocks(self) -> Iterator[Bytes]:
        """The file's bytes for writing: a small file in one piece."""
        return iter([b"".join(self.parts())]) if self.size <= PIECE_BYTES else self.parts()

    def parts(self) -> Iterator[Bytes]:
        """The file's bytes, in order."""
        yield self._head
        at = 0
        for header, array in zip(self._headers, self._arrays.values(), strict=True):
            yield bytes(header.offset - at)
            yield from _pieces(array)
            at = header.offset + header.size
        yield bytes(self._end - at)


def _start_of(header_bytes: int, headers: Iterable[_ArrayHeader]) -> int:
    """Where the arrays begin: at a page where one of them is large."""
    return _aligned(_HEADER_AT + header_bytes, max((_alignment(h.size) for h in headers), default=ALIGNMENT))


def _pieces(array: NDArray[Any]) -> Iterator[memoryview]:
    raw = array.reshape(-1).view(np.uint8).data
    for start in range(0, len(raw), PIECE_BYTES):
        yield raw[start : start + PIECE_BYTES]


def encode_section(section: Section) -> bytes:
    """The file's bytes."""
    return b"".join(EncodedSection(section).parts())


class MappedArrays(PlacedArrays):
    """The arrays of a file; each is verified when first asked for. Those of a compressed one are made every time."""

    def __init__(
        self, data: Data, start: int, headers: list[_ArrayHeader], path: str, map_over: MapOver | None = None
    ) -> None:
        self._data = data
        self._map_over = map_over
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
            self._verify(header, part)
            found = np.frombuffer(part, np.dtype(header.dtype)).reshape(header.shape)
            if isinstance(self._data, memoryview):
                self._verified[name] = found
        return found

    def place(self, name: str, target: NDArray[Any], trusted: bool = False) -> None:
        header = self._headers[name]
        if target.dtype.str != header.dtype or target.shape != header.shape:
            raise CorruptionError(f"{self._path} holds another `{name}` than was asked for.", file=self._path)
        begin = self._start + header.offset
        if self._map_over is None or not is_region(target):  # no pages of its own, or none on this system
            target[:] = self[name]
            return
        raw = target.view(np.uint8).data
        try:
            self._map_over(self._path, begin, raw)
        except CorruptionError:
            raise
        except StorageError:  # removed or compressed since it was opened: this mapping still has it
            target[:] = self[name]
            return
        if not trusted:
            self._verify(header, raw)

    def _verify(self, header: _ArrayHeader, part: memoryview) -> None:
        if crc32c(part) != header.crc32c:
            raise CorruptionError(
                f"{self._path} is damaged: its array `{header.name}` fails its checksum.",
                file=self._path,
                offset_bytes=self._start + header.offset,
            )

    def trust(self) -> None:
        """The file was written a moment ago: its arrays need not be verified."""
        for name, header in self._headers.items():
            part = self._data[self._start + header.offset :][: header.size]
            self._verified.setdefault(name, np.frombuffer(part, np.dtype(header.dtype)).reshape(header.shape))

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def decode_section(data: Data, path: str, file: DataFile | None = None, map_over: MapOver | None = None) -> Section:
    """The section in a file; its arrays are views of ``data``, where that is no compressed file.

    Raises:
        CorruptionError: it is cut off, or its header fails its checksum.
        ForeignDirectory: another program's file, or another format.
    """
    if len(data) < _HEADER_AT:
        raise CorruptionError(f"{path} is too short.", file=path)
    head = bytes(data[:_HEADER_AT])
    magic, version, length = _FIXED.unpack_from(head, 0)
    if magic != MAGIC:
        raise CorruptionError(f"{path} does not begin as a data file of MemoraDB does.", file=path)
    raw = bytes(data[_HEADER_AT : _HEADER_AT + length])
    if (crc32c(head[: _FIXED.size] + raw),) != _CHECKSUM.unpack_from(head, _FIXED.size):
        raise CorruptionError(f"{path} has a damaged header.", file=path)
    if version != VERSION:
        raise other_format(path, version, VERSION)
    try:
        header = msgspec.json.decode(raw, type=_Header)
        metadata = decode(bytes.fromhex(header.metadata))
    except (msgspec.MsgspecError, ValueError) as error:
        raise CorruptionError(f"{path} has an unknown header: {error}.", file=path) from error
    start = _start_of(length, header.arrays)
    for array in header.arrays:
        if start + array.offset + array.size > len(data):
            raise CorruptionError(f"{path} is cut off.", file=path, offset_bytes=len(data))
    return Section(header.name, MappedArrays(data, start, header.arrays, path, map_over), metadata, file)
