"""The superblock: what is known to be durable and committed, in two files of its own that are written in turn.

Written when the database is closed, when it has been idle for a moment, and at checkpoints. A log that ends, or cannot
be read, at or below the durable sequence is damaged; above it the end is a torn tail. What this cannot tell apart is
the last batch before a crash: nothing after it says that it was durable. The newer of the two files that can be read
counts; only where both are damaged nobody knows what must be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError

from ..file_format import other_format
from ..vfs import Vfs
from .groups import GroupState

FORMAT: Final = 1
NAMES: Final = ("superblock-0.json", "superblock-1.json")


@dataclass(frozen=True, slots=True)
class Superblock:
    """``groups`` is where the newest committed entry of each stands."""

    generation: int = 0
    """How many there were before it, and 1."""
    durable: int = 0
    """A sequence: everything up to it was durable."""
    groups: tuple[GroupState, ...] = ()
    format: int = FORMAT
    crc32c: int = 0


def _checksum(fields: dict[str, Any]) -> int:
    return crc32c(msgspec.json.encode({**fields, "crc32c": 0}))


def write_superblock(vfs: Vfs, directory: str, block: Superblock) -> None:
    """Replace the older of the two files in ``directory``; durable on return."""
    fields: dict[str, Any] = msgspec.to_builtins(block)
    fields["crc32c"] = _checksum(fields)
    vfs.write_atomically(f"{directory}/{NAMES[block.generation % 2]}", msgspec.json.encode(fields))


def read_superblock(vfs: Vfs, directory: str) -> Superblock:
    """The newest that can be read, an empty one where none was ever written.

    Raises:
        CorruptionError: there were some, and none can be read.
        ForeignDirectory: another version wrote it.
    """
    good, bad = read_superblocks(vfs, directory)
    if bad and not good:
        raise bad[0]
    return max(good, key=lambda block: block.generation, default=Superblock())


def read_superblocks(vfs: Vfs, directory: str) -> tuple[list[Superblock], list[CorruptionError]]:
    """Those that can be read, and what is wrong with the others."""
    good: list[Superblock] = []
    bad: list[CorruptionError] = []
    for name in NAMES:
        path = f"{directory}/{name}"
        if not vfs.exists(path):
            continue
        try:
            good.append(_read(vfs.read(path), path))
        except CorruptionError as error:
            bad.append(error)
    return good, bad


def _read(raw: bytes, path: str) -> Superblock:
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
        if fields.get("crc32c") != _checksum(fields):
            raise CorruptionError(f"{path} fails its checksum.", file=path)
        if fields.get("format") == FORMAT:
            return msgspec.convert(fields, Superblock)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptionError(f"{path} is damaged: {error}.", file=path) from error
    raise other_format(path, fields.get("format"), FORMAT)
