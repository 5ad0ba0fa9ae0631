"""Large text files as blocks of whole lines or records, plain or compressed with gzip."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from memoradb.core import limits
from memoradb.core.errors import ArgumentError, LimitError

BLOCK_BYTES = 16 << 20
"""Text taken at a time; each block is one transaction, so an import that resumes needs the same."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records: UTF-8 as far as the file is good."""

    file: str
    data: bytes
    line: int
    """Of the first record, from 1."""
    bytes: int
    """How far the file was read for it since the block before: for the share done."""


Cut = Callable[[bytes], int]
"""Where the last whole record of some bytes ends; 0 where there is no whole one."""


def after_last_line(data: bytes) -> int:
    """The cut for records that are lines."""
    return data.rfind(b"\n") + 1


def read_blocks(path: str, cut: Cut = after_last_line, encoding: str = "utf-8") -> Iterator[Block]:
    """The blocks of a file.

    Raises:
        ArgumentError: no such file, not readable, damaged, or not in the encoding.
        LimitError: a record of more than ``IMPORT_RECORD_BYTES_MAX`` bytes.
    """
    try:
        raw = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise ArgumentError(f"There is no file {path}.") from None
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error}.") from error
    with raw:
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        unpacked: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # pyright: ignore[reportAssignmentType]
        decode = _decoder(path, encoding)
        line, position, rest, first = 1, 0, b"", True
        while True:
            try:
                more = unpacked.read(BLOCK_BYTES)
            except (OSError, EOFError, zlib.error) as error:
                raise ArgumentError(f"{path} is damaged near line {line}: {error}.") from error
            data = rest + decode(more, not more)
            if first:
                data, first = data.removeprefix(_BOM), False
            end = len(data) if not more else cut(data)
            if not end and len(data) > limits.IMPORT_RECORD_BYTES_MAX:
                raise LimitError(
                    f"{path}:{line}: a record has more than {limits.IMPORT_RECORD_BYTES_MAX:,} bytes.",
                    limit="IMPORT_RECORD_BYTES_MAX",
                    value=limits.IMPORT_RECORD_BYTES_MAX,
                    hint="Perhaps a quotation mark is never closed.",
                )
            rest = data[end:]
            if end:
                now = raw.tell()
                yield Block(path, data[:end], line, now - position)
                line += data.count(b"\n", 0, end)
                position = now
            if not more:
                return


def _decoder(path: str, encoding: str) -> Callable[[bytes, bool], bytes]:
    """What makes UTF-8 of the file's bytes, in pieces."""
    try:
        info = codecs.lookup(encoding)
    except LookupError:
        raise ArgumentError(f"There is no character encoding {encoding!r}.") from None
    if info.name == "utf-8":
        return lambda data, final: data  # checked where the text is taken apart, row by row
    decoder = info.incrementaldecoder()

    def decode(data: bytes, final: bool) -> bytes:
        try:
            return decoder.decode(data, final).encode("utf-8")
        except UnicodeError as error:
            raise ArgumentError(f"{path} is not in the encoding {encoding}: {error}.") from error

    return decode


def size_of(path: str) -> int:
    """A file's size; ArgumentError where there is no such file."""
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise ArgumentError(f"There is no file {path}." if not os.path.exists(path) else f"{path}: {error}") from None
