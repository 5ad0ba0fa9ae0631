"""A data directory: whose it is, what belongs in it, and the lock on it.

    memoradb.json    format and uuid          superblock-0.json, superblock-1.json    what is durable
    lock             who has it open          log/             the log's segments
    metadata/        checkpoints              nodes/ edges/ vectors/ text/            their data
    costs.json       what operators cost here, if that was measured

What MemoraDB did not write is never touched: a directory with anything else in it is refused.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable
from typing import Final

import msgspec

from memoradb.core.errors import CorruptionError, ForeignDirectory

from .checkpoint.manifest import FOLDERS
from .file_format import other_format
from .log.segment import is_segment
from .log.superblock import NAMES as SUPERBLOCKS
from .vfs import Lock, Vfs

FORMAT: Final = 1
IDENTITY: Final = "memoradb.json"
OWN_NAMES: Final = frozenset((IDENTITY, "lock", "costs.json", *SUPERBLOCKS, "log", "metadata", *FOLDERS))


class _Identity(msgspec.Struct, frozen=True):
    format: int
    uuid: str


def open_directory(vfs: Vfs, path: str, create: bool, new_uuid: Callable[[], str]) -> tuple[str, Lock]:
    """The database's uuid and the lock on its directory; a new database is made where there is none.

    Raises:
        DatabaseLocked: another process has it open.
        ForeignDirectory: it holds something else, or was written by another version; nothing was touched.
        CorruptionError: its identity cannot be read.
    """
    exists = vfs.exists(f"{path}/{IDENTITY}")
    if exists:
        read_identity(vfs, path)
    else:
        _refuse_others(vfs, path)
        if not create:
            raise ForeignDirectory(
                f"There is no database at {path}.", hint="It can be made by opening it with create=True."
            )
        vfs.make_directory(path)
    lock = vfs.lock(f"{path}/lock")
    try:
        # Only now: two processes may have found the directory empty.
        if not vfs.exists(f"{path}/{IDENTITY}"):
            vfs.write_atomically(f"{path}/{IDENTITY}", msgspec.json.encode(_Identity(FORMAT, new_uuid())))
        if not any(vfs.exists(f"{path}/{name}") for name in SUPERBLOCKS):
            # Whoever made it may have died of a failing sync: what is visible here may not be durable yet.
            vfs.sync_directory(path)
        _refuse_strangers(vfs, path)
        return read_identity(vfs, path), lock
    except BaseException:
        lock.release()
        raise


def read_identity(vfs: Vfs, path: str) -> str:
    """The uuid of the database at ``path``."""
    identity = f"{path}/{IDENTITY}"
    try:
        found = msgspec.json.decode(vfs.read(identity), type=_Identity)
        uuid = str(uuids.UUID(found.uuid))
    except (msgspec.MsgspecError, ValueError) as error:
        raise CorruptionError(f"{identity} is damaged: {error}.", file=identity) from error
    if found.format != FORMAT:
        raise other_format(path, found.format, FORMAT)
    return uuid


def _refuse_others(vfs: Vfs, path: str) -> None:
    """Without an identity the directory must be empty, but for what a crash leaves while one is made."""
    strange = [n for n in vfs.list(path) if n not in ("lock", f"{IDENTITY}.tmp")]
    if strange:
        raise ForeignDirectory(
            f"{path} is not a MemoraDB database: it holds `{strange[0]}` and no {IDENTITY}.",
            hint="Give an empty directory, or one that MemoraDB made.",
        )


def _refuse_strangers(vfs: Vfs, path: str) -> None:
    for name in vfs.list(path):
        if name.removesuffix(".tmp") not in OWN_NAMES:
            raise ForeignDirectory(f"{path} holds `{name}`, which MemoraDB did not write.", hint="Move it elsewhere.")
    for name in vfs.list(f"{path}/log"):
        if not is_segment(name):
            raise ForeignDirectory(
                f"{path}/log holds `{name}`, which MemoraDB did not write.", hint="Move it elsewhere."
            )
