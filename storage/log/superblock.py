"""The superblock: which log position is known to be durable, in a file of its own.

Written when the database is closed, when it has been idle for a moment, at checkpoints, and before records are cut off.
A log that ends, or cannot be read, at or below that position is damaged; above it the end is a torn tail. What this
cannot tell apart is the last batch before a crash: nothing after it says that it was durable.
"""

from __future__ import annotations

import msgspec

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError

from ..vfs import Vfs


class _Superblock(msgspec.Struct, frozen=True):
    durable: int
    crc32c: int


def _checksum(durable: int) -> int:
    return crc32c(b"superblock %d" % durable)


def write_superblock(vfs: Vfs, path: str, durable: int) -> None:
    """Replace the file at ``path``; durable on return."""
    vfs.write_atomically(path, msgspec.json.encode(_Superblock(durable, _checksum(durable))))


def read_superblock(vfs: Vfs, path: str) -> int:
    """The durable position, 0 where there is no superblock yet.

    Raises:
        CorruptionError: it is not what was written.
    """
    if not vfs.exists(path):
        return 0
    try:
        found = msgspec.json.decode(vfs.read(path), type=_Superblock)
    except msgspec.MsgspecError as error:
        raise CorruptionError(f"{path} is damaged: {error}.", file=path) from error
    if found.crc32c != _checksum(found.durable):
        raise CorruptionError(f"{path} fails its checksum.", file=path)
    return found.durable
