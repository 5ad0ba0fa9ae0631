"""One open database directory: store, log, checkpoints, transactions. The place to start reading storage.

    write:  begin -> overlay -> commit: validate, append to the log, apply; wait until committed; publish
    read:   snapshot
    open:   lock, newest good checkpoint, replay the log after it

Four positions say how far a commit has come: *appended* to the log, *durable* on the disk, *committed* by the
sequencer (the local one commits what is durable), *published* to readers. Only the writer sees what is not committed
yet: the next statement builds on it, while the disk still works on it, and both share one sync (group commit). Where
a sync fails nothing that waited for it is ever published, and the database takes no more writes.

Without a path everything is in memory: no log, no files.
"""

from __future__ import annotations

import threading
import uuid as uuids
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from memoradb.core import limits
from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import DatabaseClosed, ReadOnlyDatabase, StorageError, WriteConflict

from .apply import apply, check
from .changeset import Changeset, encode
from .checkpoint.contents import dump
from .checkpoint.manifest import write_checkpoint
from .directory import open_directory
from .idle import IdleWatch
from .log.writer import LogWriter, check_durability
from .overlay import Overlay, Touches
from .recovery import recover
from .sequencer import LocalSequencer, MemorySequencer, Sequencer
from .snapshot import Snapshot
from .statistics import StoreStatistics
from .store import GraphStore
from .transaction import Committed, Transaction
from .vfs import Lock, RealVfs, Vfs

HISTORY: Final = 10_000
"""Commits whose touched elements are remembered for conflict checks; an older transaction that writes must retry."""


class Engine:
    """Opens, reads, writes, closes. Use ``Engine.open``."""

    def __init__(
        self,
        store: GraphStore,
        sequencer: Sequencer,
        vfs: Vfs,
        path: str | None = None,
        lock: Lock | None = None,
        clock: Clock | None = None,
        checkpointed: int | None = None,
    ) -> None:
        """Use ``open`` for anything but a sequencer of one's own.

        Args:
            store: as of the newest committed record.
            sequencer: goes on after it.
            vfs: the disk.
            path: the data directory, None in memory.
            lock: on the directory.
            clock: tells idleness.
            checkpointed: position of the newest checkpoint, None where there is none.
        """
        self.store = store
        self.path = path
        self._sequencer = sequencer
        self._vfs = vfs
        self._lock = lock
        self._write_lock = threading.RLock()
        self._publish_lock = threading.Lock()
        self._begin_lock = threading.Lock()
        self._recent: deque[tuple[int, Overlay | Touches]] = deque()
        """Commits that an open transaction may not have seen, and what they touched."""
        self._forgotten = -1
        """Commits up to here are in ``_recent`` no more."""
        self._open_since: Counter[int] = Counter()
        """Explicit transactions that are open, by the position that they began at."""
        self._failed: BaseException | None = None
        self._closed = False
        self._checkpointed = checkpointed
        self._bytes_at_checkpoint = 0
        self.commits = 0
        self.checkpoint_failures = 0
        store.snapshot()
        self._idle: IdleWatch | None = None
        if isinstance(sequencer, LocalSequencer):
            self._idle = IdleWatch(sequencer.writer, clock or SystemClock())

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
        background: bool = True,
    ) -> Engine:
        """Open the database at ``path``, or one in memory.

        Args:
            path: the data directory.
            vfs: the disk; the operating system's if None.
            clock: tells idleness.
            durability: ``strict``, ``group`` or ``relaxed``; see ``log.writer``.
            create: make a database where there is none.
            new_uuid: names a new database.
            background: let a thread do what is due when nothing happens; else ``rest`` does it when called.

        Raises:
            DatabaseLocked: another process has it open.
            ForeignDirectory: not a directory of this program or version; nothing was touched.
            CorruptionError: what must be there cannot be read.
        """
        check_durability(durability)
        vfs = vfs or RealVfs()
        if path is None:
            return Engine(GraphStore(new_uuid()), MemorySequencer(), vfs)
        path = path.rstrip("/") or "/"
        uuid, lock = open_directory(vfs, path, create, new_uuid)
        try:
            vfs.make_directory(f"{path}/log")
            store, reader, checkpoint = recover(vfs, path, uuid)
            writer = LogWriter(vfs, f"{path}/log", uuid, reader, durability, f"{path}/superblock.json")
            engine = Engine(store, LocalSequencer(writer), vfs, path, lock, clock, checkpoint or None)
        except BaseException:
            lock.release()
            raise
        if background and engine._idle is not None:
            engine._idle.start()
        return engine

    # --- reading

    def snapshot(self) -> Snapshot:
        """The newest committed state."""
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        return self.store.snapshot()

    @property
    def position(self) -> int:
        """Log position of the newest committed transaction."""
        return self.store.snapshot().position

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
            "log_position": self.position,
            "undo_bytes": self.store.undo.bytes,
            "checkpoint_failures": self.checkpoint_failures,
        }
        if isinstance(self._sequencer, LocalSequencer):
            writer = self._sequencer.writer
            found |= {"log_bytes": writer.bytes, "log_syncs": writer.syncs, "durable_position": writer.durable}
        return found

    # --- writing

    def begin(self, exclusive: bool = False) -> Transaction:
        """A transaction on the newest state.

        ``exclusive`` holds the writer's lock until it commits or ends, and begins on what the writer before it left,
        even while that is on its way to the disk: such transactions run one after another and never conflict.
        """
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        if not exclusive:
            with self._begin_lock:
                snapshot = self.store.snapshot()
                self._open_since[snapshot.position] += 1
            return Transaction(self, snapshot, False)
        self._write_lock.acquire()
        try:
            return Transaction(self, self.store.head(), True)
        except BaseException:
            self._write_lock.release()
            raise

    def commit(self, transaction: Transaction) -> Committed:
        """Validate, log, apply, wait, publish; called by ``Transaction.commit``. The transaction ends with it."""
        overlay = transaction.view
        number = None
        try:
            changeset = overlay.changeset()
            # A statement that changed nothing still answers from what it saw: that must be committed, too.
            position = overlay.base.position
            if not changeset.is_empty:
                with self._write_lock:
                    self._check_writable()
                    self._validate(overlay)
                    check(self.store, changeset)
                    payload = b"" if isinstance(self._sequencer, MemorySequencer) else encode(changeset)
                    position = self._sequencer.append(payload)
                    self._apply(changeset, position)
                    self._remember(position, overlay)
                    self.commits += 1
                    number = self.commits
        finally:
            transaction.end()
        self._publish(position)
        if number is not None and self._idle is not None:
            self._idle.touch()
            self._checkpoint_if_due()
        return Committed(position, number, overlay.counters)

    def _check_writable(self) -> None:
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        if self._failed is not None:
            raise ReadOnlyDatabase(
                f"A commit failed half-way: {self._failed!r}.", hint="Nothing is lost: open the database again."
            )

    def _apply(self, changeset: Changeset, position: int) -> None:
        try:
            apply(self.store, changeset, position)
        except BaseException as error:
            self._failed = error  # the log has all of it, memory a half: only opening it again mends that
            raise

    def _publish(self, position: int) -> None:
        """Wait until ``position`` is committed, and let readers see it."""
        if self.store.snapshot().position >= position:
            return
        self._sequencer.wait(position)
        with self._publish_lock:
            self.store.publish(max(position, self._sequencer.committed))

    def _validate(self, overlay: Overlay) -> None:
        """First committer wins: refuse what another transaction touched since this one began."""
        since = overlay.base.position
        if since == self.store.position:
            return
        if since < self._forgotten:
            raise WriteConflict("The transaction is too old to be checked.", hint="Run it again.")
        own = overlay.touches()
        for position, other in reversed(self._recent):
            if position <= since:
                break
            if own.conflicts_with(other if isinstance(other, Touches) else other.touches()):
                raise WriteConflict("Another transaction changed the same element first.", hint="Run it again.")

    def _remember(self, position: int, overlay: Overlay) -> None:
        """Keep what a commit touched for as long as a transaction may be open that began before it."""
        with self._begin_lock:
            oldest = min((self.store.snapshot().position, *self._open_since))
            # A list of ids is smaller than an overlay, but mostly nobody asks before the commit is published.
            self._recent.append((position, overlay.touches() if self._open_since else overlay))
        while self._recent[0][0] <= oldest:
            self._recent.popleft()
        while len(self._recent) > HISTORY:
            self._forgotten = self._recent.popleft()[0]

    def ended(self, transaction: Transaction) -> None:
        """A transaction is over; called by it."""
        if transaction.exclusive:
            self._write_lock.release()
            return
        since = transaction.view.base.position
        with self._begin_lock:
            self._open_since[since] -= 1
            if not self._open_since[since]:
                del self._open_since[since]

    def settle(self) -> None:
        """After bulk loads: fold deltas into bases, seal indexes."""
        with self._write_lock:
            self._check_writable()
            self.store.fold()
            for index in self.store.indexes.values():
                index.seal()

    # --- checkpoints

    def _checkpoint_if_due(self) -> None:
        """A checkpoint after so much log.

        Where it fails the commit before it is no less good: the failure is counted, and tried again after as much more.
        """
        assert isinstance(self._sequencer, LocalSequencer)
        if self._sequencer.writer.bytes - self._bytes_at_checkpoint > limits.CHECKPOINT_LOG_BYTES:
            try:
                self.checkpoint()
            except StorageError:
                self.checkpoint_failures += 1
                self._bytes_at_checkpoint = self._sequencer.writer.bytes

    def checkpoint(self) -> None:
        """Write the newest state as files, so that opening need not replay the log up to here.

        Raises:
            DiskFull: no room; the log still tells everything.
            ReadOnlyDatabase: the database takes no more writes.
        """
        if self.path is None or not isinstance(self._sequencer, LocalSequencer):
            return
        with self._write_lock:
            self._check_writable()
            writer = self._sequencer.writer
            if self._checkpointed == self.store.position:
                return
            writer.sync()
            self._publish(self.store.position)
            write_checkpoint(self._vfs, self.path, dump(self.store), self.uuid, writer.place)
            self._checkpointed = self.store.position
            self._bytes_at_checkpoint = writer.bytes
            writer.mark()

    def rest(self) -> None:
        """Do what is due when nothing happens: see ``idle``. A thread does it unless ``open`` was told otherwise."""
        if self._idle is not None:
            self._idle.rest()

    def close(self) -> None:
        """Checkpoint if anything changed, close the log, release the directory. A second time is no error.

        Raises:
            StorageError: the checkpoint or the last sync failed; the database is closed all the same.
        """
        if self._idle is not None:
            self._idle.stop()
        with self._write_lock:
            if self._closed:
                return
            try:
                stopped = isinstance(self._sequencer, LocalSequencer) and self._sequencer.writer.is_failed
                if not stopped and self._failed is None:
                    self.checkpoint()
            finally:
                self._closed = True
                try:
                    self._sequencer.close()
                finally:
                    if self._lock is not None:
                        self._lock.release()
