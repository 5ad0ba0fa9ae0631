"""Opening a database: the newest checkpoint that is whole, and the log after it."""

from __future__ import annotations

from memoradb.core.errors import CorruptionError, ForeignDirectory

from .checkpoint.contents import load
from .checkpoint.manifest import manifest_numbers, open_checkpoint, read_manifest
from .log.place import START, LogPlace
from .log.reader import LogReader
from .log.record import RecordKind
from .log.superblock import read_superblock
from .replay import Replay, Unreadable
from .store import GraphStore
from .vfs import Vfs


def recover(vfs: Vfs, path: str, uuid: str) -> tuple[GraphStore, LogReader, int]:
    """The store as of the end of the log, a reader that stands there, and the position of the checkpoint used.

    Changes nothing on the disk.

    Raises:
        CorruptionError: something that was durable cannot be read.
        ForeignDirectory: a part belongs to another database, or another version wrote it.
    """
    store, place = _checkpointed(vfs, path, uuid)
    checkpoint = store.position
    reader = LogReader(vfs, f"{path}/log", uuid, read_superblock(vfs, path), place)
    replay(store, reader, f"{path}/log")
    return store, reader, checkpoint


def replay(store: GraphStore, reader: LogReader, where: str) -> int:
    """Apply what ``reader`` has to ``store``; returns how many records there were.

    Raises:
        CorruptionError: a record cannot be read, or a changeset not be understood.
    """
    count = 0
    replayed = Replay(store)
    try:
        for record in reader.records():
            count += 1
            if record.kind is RecordKind.CHANGESET and record.index > store.position:
                replayed.add(record.index, record.payload)
        replayed.flush()
    except Unreadable as error:
        file, offset = reader.offset_of(error.position_in_log)
        raise CorruptionError(
            f"Record {error.position_in_log} of {where} cannot be understood: {error.message}",
            file=file,
            offset_bytes=offset,
        ) from error
    return count


def _checkpointed(vfs: Vfs, path: str, uuid: str) -> tuple[GraphStore, LogPlace]:
    """The newest checkpoint whose files are there; without any, an empty store and the beginning of the log.

    A damaged one is passed over: an older one, or the log from its beginning, tells the same.
    """
    for number in reversed(manifest_numbers(vfs, path)):
        try:
            manifest = read_manifest(vfs, path, number)
            if manifest.database != uuid:
                raise ForeignDirectory(f"{path}/metadata belongs to another database.")
            return load(open_checkpoint(vfs, path, manifest)), manifest.place
        except CorruptionError:
            continue
    return GraphStore(uuid), START
