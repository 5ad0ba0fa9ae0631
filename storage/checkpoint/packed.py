"""Compressed data files, of which only those parts are decompressed that somebody reads.

A file is a series of zstd frames and, at its end, a table of their sizes in a skippable frame: zstd's seekable format,
which every zstd tool unpacks. The first frame is small, for the header alone is read to open a file. Decompressed
frames stay in a cache under a byte budget.

table: magic 0x184D2A5E, size | per frame: bytes packed, bytes unpacked | frames 4, flags 1, magic 0x8F92EAB1
"""

from __future__ import annotations

import bisect
import itertools
import struct
from collections.abc import Callable
from typing import Final, TypeAlias

import zstandard

from memoradb.core.cache import Cache, TinyLfuPolicy
from memoradb.core.errors import CorruptionError
from memoradb.core.limits import COLD_CACHE_BYTES

LEVEL: Final = 3
FIRST_BYTES: Final = 1 << 12
"""Bytes in the first frame: most headers."""
FRAME_BYTES: Final = 1 << 20
"""Bytes in every other frame."""

_SKIPPABLE: Final = struct.Struct("<II")
_ENTRY: Final = struct.Struct("<II")
_FOOTER: Final = struct.Struct("<IBI")
_SKIPPABLE_MAGIC: Final = 0x184D2A5E
_SEEKABLE_MAGIC: Final = 0x8F92EAB1

ColdCache: TypeAlias = Cache[tuple[str, int], bytes]
"""Decompressed frames by path, which names the content, and number."""


def cold_cache(bytes_max: int = COLD_CACHE_BYTES) -> ColdCache:
    """An empty cache; one scan of everything does not wash out what is read often."""
    return Cache(TinyLfuPolicy(bytes_max))


def pack(data: memoryview, rest: Callable[[], None] = lambda: None) -> bytes:
    """The compressed file. ``rest`` is called between small steps."""
    edges = [0, *range(FIRST_BYTES, len(data), FRAME_BYTES), len(data)] if len(data) > FIRST_BYTES else [0, len(data)]
    compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
    frames: list[bytes] = []
    table = bytearray()
    for start, stop in itertools.pairwise(edges):
        frames.append(compressor.compress(bytes(data[start:stop])))
        table += _ENTRY.pack(len(frames[-1]), stop - start)
        rest()
    footer = _FOOTER.pack(len(frames), 0, _SEEKABLE_MAGIC)
    return b"".join([*frames, _SKIPPABLE.pack(_SKIPPABLE_MAGIC, len(table) + len(footer)), bytes(table), footer])


class PackedBytes:
    """The bytes of a compressed file; a slice decompresses what it touches, and is a copy of its own."""

    def __init__(self, data: memoryview, path: str, cache: ColdCache) -> None:
        """``data``: the compressed file, mapped.

        Raises:
            CorruptionError: it has no table at its end, or one of other frames.
        """
        self._data = data
        self._path = path
        self._cache = cache
        sizes = self._table()
        self._packed = [0, *itertools.accumulate(packed for packed, _ in sizes)]
        self._starts = [0, *itertools.accumulate(size for _, size in sizes)]
        if self._packed[-1] + _SKIPPABLE.size + len(sizes) * _ENTRY.size + _FOOTER.size != len(data):
            raise self._damaged("its table tells of other frames", len(data))

    def _table(self) -> list[tuple[int, int]]:
        data = self._data
        at = len(data) - _FOOTER.size
        if at < 0:
            raise self._damaged("it is too short", len(data))
        count, flags, magic = _FOOTER.unpack_from(data, at)
        start = at - count * _ENTRY.size
        if magic != _SEEKABLE_MAGIC or flags or start < _SKIPPABLE.size:
            raise self._damaged("there is no table at its end", at)
        if _SKIPPABLE.unpack_from(data, start - _SKIPPABLE.size) != (_SKIPPABLE_MAGIC, len(data) - start):
            raise self._damaged("the table at its end is cut off", start)
        return list(_ENTRY.iter_unpack(data[start:at]))

    def _damaged(self, what: str, offset: int) -> CorruptionError:
        return CorruptionError(f"{self._path} cannot be decompressed: {what}.", file=self._path, offset_bytes=offset)

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, part: slice) -> memoryview:
        start, stop, _ = part.indices(len(self))
        found = bytearray()
        frame = bisect.bisect_right(self._starts, start) - 1
        while start < stop:
            begin, end = self._starts[frame], min(stop, self._starts[frame + 1])
            found += memoryview(self._frame(frame))[start - begin : end - begin]
            start = end
            frame += 1
        return memoryview(found)

    def _frame(self, number: int) -> bytes:
        return self._cache.get_or_load((self._path, number), lambda: self._decompressed(number))

    def _decompressed(self, number: int) -> tuple[bytes, int]:
        start, stop = self._packed[number : number + 2]
        size = self._starts[number + 1] - self._starts[number]
        try:
            found = zstandard.ZstdDecompressor().decompress(self._data[start:stop], max_output_size=size)
        except zstandard.ZstdError as error:
            raise self._damaged(str(error), start) from error
        if len(found) != size:
            raise self._damaged(f"a frame has {len(found)} bytes and its table says {size}", start)
        return found, size
