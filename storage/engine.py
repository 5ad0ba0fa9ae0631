"""One open database directory: store, log, checkpoints, transactions. The place to start reading storage.

    write:  begin -> overlay -> commit: validate, encode, append to the log, wait for durability, apply, publish
    read:   snapshot
    open:   lock, newest good checkpoint, replay the log after it

Without a path everything is in memory: no log, no files.
"""

from __future__ import annotations

import contextlib
import threading
import uuid as uuids
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from memoradb.core import limits
from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import CorruptionError, DatabaseClosed, ForeignDirectory, WriteConflict

from .apply import apply, check
from .changeset import Changeset, decode, encode
from .checkpoint.manifest import manifest_numbers, open_checkpoint, read_manifest, write_checkpoint
from .log.reader import LogReader
from .log.record import RecordKind
from .log.segment import is_segment
from .log.writer import LogWriter
from .overlay import Touches
from .sequencer import LocalSequencer, MemorySequencer, Sequencer
from .snapshot import Snapshot
from .statistics import StoreStatistics
from .store import GraphStore
from .transaction import Committed, Transaction
from .vfs import RealVfs, Vfs

FORMAT: Final = 1
IDENTITY: Final = "memoradb.json"
OWN_NAMES: Final = frozenset(
    (IDENTITY, "lock", "superblock.json", "log", "metadata", "nodes", "edges", "vectors", "text")
)
HISTORY: Final = 10_000
"""Commits whose touched elements are remembered for conflict checks; an older transaction that writes must retry."""


class Engine:
    """Opens, reads, writes, closes. Use ``Engine.open``."""

    def __init__(
        self, store: GraphStore, sequencer: Sequencer, vfs: Vfs, path: str | None, lock: object, clock: Clock
    ) -> None:
        self.store = store
        self.path = path
        self._sequencer = sequencer
        self._vfs = vfs
        self._lock_file = lock
        self._clock = clock
        self._write_lock = threading.RLock()
        self._touched: deque[tuple[int, Touches]] = deque(maxlen=HISTORY)
        self._forgotten = store.position
        self._closed = False
        self._checkpointed = store.position
        self._bytes_at_checkpoint = 0
        self.commits = 0

    # --- opening

    @staticmethod
    def open(
        path: str | None,
        *,
        vfs: Vfs | None = None,
        clock: Clock | None = None,
        durability: str = "strict",
        create: bool = True,
        new_uuid: Callable[[], str] = lambda: str(uuids.uuid4()),
    ) -> Engine:
        """Open the database at ``path``, or one in memory.

        Raises:
            DatabaseLocked: another process has it open.
            ForeignDirectory: not a directory of this program or version; nothing was touched.
            CorruptionError: what must be there cannot be read.
        """
        clock = clock or SystemClock()
        if path is None:
            return Engine(GraphStore(new_uuid()), MemorySequencer(), vfs or RealVfs(), None, None, clock)
        vfs = vfs or RealVfs()
        path = path.rstrip("/") or "/"
        identity = _identify(vfs, path, create, new_uuid)
        lock = vfs.lock(f"{path}/lock")
        try:
            return _recover(vfs, path, identity, lock, clock, durability)
        except BaseException:
            _release(lock)
            raise

    # --- reading

    def snapshot(self) -> Snapshot:
        """The newest committed state."""
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        return self.store.snapshot()

    @property
    def position(self) -> int:
        """Log position of the newest committed transaction."""
        return self.store.position

    @property
    def uuid(self) -> str:
        """The graph's identity."""
        return self.store.uuid

    @property
    def statistics(self) -> StoreStatistics:
        """Counts of the newest state."""
        return self.store.statistics

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring."""
        found: dict[str, int | float] = {
            "nodes": self.statistics.nodes(),
            "relationships": self.statistics.relationships(),
            "commits": self.commits,
            "log_position": max(self.store.position, 0),
        }
        if isinstance(self._sequencer, LocalSequencer):
            writer = self._sequencer.writer
            found |= {"log_bytes": writer.bytes, "log_syncs": writer.syncs, "durable_position": writer.durable}
        return found

    # --- writing

    def begin(self, exclusive: bool = False) -> Transaction:
        """A transaction on the newest state. ``exclusive`` holds the writer's lock until it ends."""
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        if exclusive:
            self._write_lock.acquire()
        try:
            return Transaction(self, self.store.snapshot(), exclusive)
        except BaseException:
            if exclusive:
                self._write_lock.release()
            raise

    def commit(self, transaction: Transaction) -> Committed:
        """Validate, log, apply, publish; called by ``Transaction.commit``."""
        overlay = transaction.view
        changeset = overlay.changeset()
        if changeset.is_empty:
            return Committed(self.store.position, None, overlay.counters)
        with self._write_lock:
            if self._closed:
                raise DatabaseClosed("The database is closed.")
            touches = overlay.touches()
            if overlay.base.position != self.store.position:
                self._validate(overlay.base.position, touches)
            check(self.store, changeset)
            position = self._sequencer.append(self._payload(changeset))
            # Durable before visible: a reader never sees what a crash could take back.
            self._sequencer.wait(position)
            apply(self.store, changeset, position)
            self._touched.append((position, touches))
            self.commits += 1
        self._maybe_checkpoint()
        return Committed(position, self.commits, overlay.counters)

    def _payload(self, changeset: Changeset) -> bytes:
        return b"" if isinstance(self._sequencer, MemorySequencer) else encode(changeset)

    def _validate(self, since: int, own: Touches) -> None:
        if self._touched and self._touched[0][0] > since + 1 and len(self._touched) == HISTORY:
            raise WriteConflict("The transaction is too old to be checked.", hint="Run it again.")
        for position, other in self._touched:
            if position <= since:
                continue
            clash = (
                own.exclusive & (other.exclusive | other.shared)
                or own.shared & other.exclusive
                or own.relationships & other.relationships
            )
            if clash:
                raise WriteConflict("Another transaction changed the same element first.", hint="Run it again.")

    def ended(self, transaction: Transaction) -> None:
        """A transaction is over; called by it."""
        if transaction.exclusive:
            self._write_lock.release()

    def settle(self) -> None:
        """After bulk loads: fold deltas into bases, seal indexes."""
        with self._write_lock:
            self.store.fold()
            for index in self.store.indexes.values():
                index.seal()

    # --- checkpoints

    def _maybe_checkpoint(self) -> None:
        if isinstance(self._sequencer, LocalSequencer):
            if self._sequencer.writer.bytes - self._bytes_at_checkpoint > limits.CHECKPOINT_LOG_BYTES:
                self.checkpoint()

    def checkpoint(self) -> None:
        """Write the newest state as files, so that opening need not replay the log up to here."""
        if self.path is None or not isinstance(self._sequencer, LocalSequencer):
            return
        with self._write_lock:
            writer = self._sequencer.writer
            if self._checkpointed == self.store.position and manifest_numbers(self._vfs, self.path):
                return
            writer.sync()
            crc = writer.last_crc
            position = self.store.position
            write_checkpoint(self._vfs, self.path, self.store.dump(), self.uuid, position, writer.transaction, crc)
            self._checkpointed = position
            self._bytes_at_checkpoint = writer.bytes
            self._superblock(writer.durable)

    def _superblock(self, durable: int) -> None:
        """Say what is durable, so that a log that ends before it is known to be damaged."""
        assert self.path is not None
        self._vfs.write_atomically(f"{self.path}/superblock.json", msgspec.json.encode({"durable": durable}))

    def close(self) -> None:
        """Checkpoint if anything changed, close the log, release the directory."""
        with self._write_lock:
            if self._closed:
                return
            try:
                failed = isinstance(self._sequencer, LocalSequencer) and self._sequencer.writer.is_failed
                if not failed:
                    self.checkpoint()
                self._closed = True
                self._sequencer.close()
                if isinstance(self._sequencer, LocalSequencer) and not failed:
                    self._superblock(self._sequencer.writer.durable)
            finally:
                self._closed = True
                _release(self._lock_file)


def _release(lock: object) -> None:
    release = getattr(lock, "release", None)
    if release is not None:
        with contextlib.suppress(OSError):
            release()


def _identify(vfs: Vfs, path: str, create: bool, new_uuid: Callable[[], str]) -> str:
    """The database's uuid; made for a new one. Refuses a directory with anything else in it."""
    identity = f"{path}/{IDENTITY}"
    if vfs.exists(identity):
        try:
            found = msgspec.json.decode(vfs.read(identity))
            version, uuid = found["format"], str(uuids.UUID(found["uuid"]))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise CorruptionError(f"{identity} is damaged: {error}.", file=identity) from error
        if version != FORMAT:
            raise ForeignDirectory(
                f"{path} has format {version}; this version of MemoraDB reads {FORMAT}.",
                hint="Open it with the version that wrote it.",
            )
        return uuid
    names = vfs.list(path)
    strange = [n for n in names if n not in OWN_NAMES and not n.endswith(".tmp")]
    if strange or any(n in ("log", "metadata") for n in names):
        what = strange[0] if strange else names[0]
        raise ForeignDirectory(
            f"{path} is not a MemoraDB database: it holds `{what}` and no {IDENTITY}.",
            hint="Give an empty directory, or one that MemoraDB made.",
        )
    if not create:
        raise ForeignDirectory(
            f"There is no database at {path}.", hint="It can be made by opening it with create=True."
        )
    vfs.make_directory(path)
    uuid = new_uuid()
    vfs.write_atomically(identity, msgspec.json.encode({"format": FORMAT, "uuid": uuid}))
    return uuid


def _recover(vfs: Vfs, path: str, uuid: str, lock: object, clock: Clock, durability: str) -> Engine:
    """The newest whole checkpoint, and the log after it."""
    for name in vfs.list(path):
        if name not in OWN_NAMES and not name.endswith(".tmp"):
            raise ForeignDirectory(f"{path} holds `{name}`, which MemoraDB did not write.", hint="Move it elsewhere.")
    vfs.make_directory(f"{path}/log")
    for name in vfs.list(f"{path}/log"):
        if not is_segment(name):
            raise ForeignDirectory(f"{path}/log holds `{name}`, which MemoraDB did not write.")
    store = _checkpointed_store(vfs, path, uuid)
    reader = LogReader(vfs, f"{path}/log", _durable(vfs, path))
    base = store.position
    for record in reader.records():
        if record.index > store.position and record.kind is RecordKind.CHANGESET:
            apply(store, decode(record.payload), record.index)
    if reader.last_index < base:
        raise CorruptionError(
            f"The log ends at {reader.last_index}, before the checkpoint at {base}.", file=f"{path}/log"
        )
    writer = LogWriter(vfs, f"{path}/log", uuid, reader, durability)
    engine = Engine(store, LocalSequencer(writer), vfs, path, lock, clock)
    engine._checkpointed = base if base > 0 else -2
    return engine


def _durable(vfs: Vfs, path: str) -> int:
    superblock = f"{path}/superblock.json"
    if not vfs.exists(superblock):
        return 0
    try:
        return int(msgspec.json.decode(vfs.read(superblock))["durable"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise CorruptionError(f"{superblock} is damaged: {error}.", file=superblock) from error


def _checkpointed_store(vfs: Vfs, path: str, uuid: str) -> GraphStore:
    damaged: CorruptionError | None = None
    for number in reversed(manifest_numbers(vfs, path)):
        try:
            manifest = read_manifest(vfs, path, number)
            if manifest.database != uuid:
                raise ForeignDirectory(f"{path}/metadata belongs to another database.")
            return GraphStore.load(open_checkpoint(vfs, path, manifest))
        except CorruptionError as error:
            damaged = error
    if damaged is not None:
        # All checkpoints are damaged; the log from its beginning still tells everything.
        if not any(n.endswith("0000000000000001.log") for n in vfs.list(f"{path}/log")):
            raise damaged
    store = GraphStore(uuid)
    store.position = 0
    return store
