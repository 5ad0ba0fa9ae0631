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
from collections.abc import Callable

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import (
    ConfigurationError,
    DatabaseClosed,
    ReadOnlyDatabase,
)
from memoradb.core.limits import HISTORY_MEMORY_BYTES, HISTORY_VIEW_BYTES

from .apply import apply
from .changeset import Changeset, encode
from .checkpoint.checkpointer import Checkpointer
from .directory import open_directory
from .history import History
from .history.log_records import LogRecords
from .history.memory_records import MemoryRecords
from .idle import IdleWatch
from .index.builder import IndexBuilder
from .log.durability import check_durability
from .log.writer import LogWriter
from .memory import MemoryPool
from .overlay import Overlay
from .recovery import recover
from .retention import Retention
from .sequencer import LocalSequencer, MemorySequencer, Sequencer
from .snapshot import Snapshot
from .space import DiskSpace
from .store import GraphStore
from .transaction import Committed, ExplicitTransaction, Isolation, Transaction, check_isolation
from .turns import Turns
from .validation import check_commit
from .vfs import Lock, RealVfs, Vfs
from .view import Statistics
from .writer_lock import WriterLock


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
        memory_limit: int | None = None,
        retention: Retention | None = None,
        history_cache: int = HISTORY_VIEW_BYTES,
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
            memory_limit: as in ``open``.
            retention: what of the past is kept; all of it if None.
            history_cache: as in ``open``.
        """
        self.store = store
        self.path = path
        self.memory = MemoryPool(memory_limit)
        if store.position:
            self.memory.measure(store)
        self.space = DiskSpace(vfs, path) if path is not None else None
        self._sequencer = sequencer
        self._vfs = vfs
        self._lock = lock
        self._clock = clock or SystemClock()
        self._write_lock = WriterLock()
        self._publish_lock = threading.Lock()
        self._timed: set[ExplicitTransaction] = set()
        """Open transactions that have a time-out: an abandoned one must not hold its snapshot for ever."""
        self._failed: BaseException | None = None
        self._closed = False
        self._turns: Turns | None = None
        """Where there are other threads, and none of them waits for the disk."""
        self.commits = 0
        store.snapshot()
        store.undo.clock = self._clock
        in_memory = retention.bytes if retention is not None else None
        in_memory = HISTORY_MEMORY_BYTES if in_memory is None else in_memory
        self._past = MemoryRecords(store.uuid, store.position, in_memory) if path is None else None
        records = self._past or LogRecords(vfs, path or "", store.uuid)
        forgets = path is None or (retention is not None and not retention.is_all)
        self.history = History(
            records,
            self.snapshot,
            history_cache,
            vfs=vfs if path else None,
            directory=f"{path}/metadata",
            forgets=forgets,
        )
        """The states and changes of the past."""
        self._idle: IdleWatch | None = None
        self.checkpointer: Checkpointer | None = None
        if isinstance(sequencer, LocalSequencer) and path is not None:
            self.checkpointer = Checkpointer(
                store,
                vfs,
                path,
                sequencer.writer,
                self._write_lock,
                self._publish,
                clock or SystemClock(),
                retention,
                checkpointed,
            )
        if isinstance(sequencer, LocalSequencer):
            sequencer.writer.expect(self._write_lock.present)
            self._idle = IdleWatch(sequencer.writer, self._clock)

    # --- opening

    @staticmethod
    def open(
        path: str | None,
        *,
        vfs: Vfs | None = None,
        clock: Clock | None = None,
        durability: str = "strict",
        history: str = "all",
        create: bool = True,
        new_uuid: Callable[[], str] = lambda: str(uuids.uuid4()),
        background: bool = True,
        memory_limit: int | None = None,
        history_cache: int = HISTORY_VIEW_BYTES,
    ) -> Engine:
        """Open the database at ``path``, or one in memory.

        Args:
            path: the data directory.
            vfs: the disk; the operating system's if None.
            clock: tells idleness.
            durability: ``strict``, ``group`` or ``relaxed``; see ``log.durability``.
            history: how much of the past is kept: ``all``, a duration (``7d``) or bytes of log (``10GB``).
            create: make a database where there is none.
            new_uuid: names a new database.
            background: let a thread do what is due when nothing happens; else ``rest`` does it when called.
            memory_limit: bytes that graph and open transactions may take together; None: as many as there are.
            history_cache: bytes that states of the past may take while nobody reads them.

        Raises:
            DatabaseLocked: another process has it open.
            ForeignDirectory: not a directory of this program or version; nothing was touched.
            CorruptionError: what must be there cannot be read.
        """
        check_durability(durability)
        retention = Retention.parse(history)
        vfs = vfs or RealVfs()
        if path is None:
            engine = Engine(
                GraphStore(new_uuid()),
                MemorySequencer(),
                vfs,
                clock=clock,
                memory_limit=memory_limit,
                retention=retention,
                history_cache=history_cache,
            )
            if background:
                engine.store.builder = IndexBuilder(engine.store, engine._write_lock)
                engine._turns = Turns(engine._clock)
            return engine
        path = path.rstrip("/") or "/"
        uuid, lock = open_directory(vfs, path, create, new_uuid)
        try:
            vfs.make_directory(f"{path}/log")
            store, reader, checkpoint = recover(vfs, path, uuid)
            writer = LogWriter(vfs, f"{path}/log", uuid, reader, durability, path)
            sequencer = LocalSequencer(writer)
            engine = Engine(
                store,
                sequencer,
                vfs,
                path,
                lock,
                clock,
                checkpoint or None,
                memory_limit,
                retention,
                history_cache,
            )
        except BaseException:
            lock.release()
            raise
        if background and engine._idle is not None and engine.checkpointer is not None:
            store.builder = IndexBuilder(store, engine._write_lock)
            engine._idle.start()
            engine.checkpointer.start()
            engine._turns = Turns(engine._clock) if writer.is_relaxed else None
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
    def statistics(self) -> Statistics:
        """Of the newest committed state."""
        return self.store.snapshot().statistics

    def metrics(self) -> dict[str, int | float]:
        """Counters for monitoring."""
        found: dict[str, int | float] = {
            "nodes": self.statistics.nodes(),
            "relationships": self.statistics.relationships(),
            "commits": self.commits,
            "transactions": self._sequencer.transaction,
            "log_position": self.position,
            "undo_bytes": self.store.undo.bytes,
            **self.history.metrics(),
        }
        decoded = self.store.decoded.statistics
        found |= {"decoded_cache_bytes": decoded.bytes, "decoded_cache_hits": decoded.hits}
        found |= {"decoded_cache_misses": decoded.misses, "decoded_cache_hit_rate": decoded.hit_rate}
        found |= self.memory.metrics() | (self.space.metrics() if self.space is not None else {})
        if isinstance(self._sequencer, LocalSequencer):
            writer = self._sequencer.writer
            assert self.checkpointer is not None
            found |= {"checkpoints": self.checkpointer.count, "checkpoint_failures": self.checkpointer.failures}
            found |= {"log_bytes": writer.bytes, "log_syncs": writer.syncs, "durable_position": writer.durable}
            found |= {"log_segments": writer.segments, "log_archived_bytes": writer.archive.compressed_bytes}
        return found

    # --- writing

    def begin(
        self, exclusive: bool = False, isolation: Isolation = "serializable", timeout_ms: int | None = None
    ) -> Transaction:
        """A transaction on the newest state.

        Args:
            exclusive: hold the writer's lock until it commits or ends, and begin on what the writer before it left,
                even while that is on its way to the disk: such transactions run one after another and never conflict.
            isolation: of one that is not exclusive: ``serializable`` validates what it read, ``snapshot`` what it wrote
                alone.
            timeout_ms: roll it back after so many milliseconds; None: it may stay open.

        Raises:
            ConfigurationError: no such isolation, or no such time.
        """
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        if exclusive:
            self._write_lock.acquire()
            try:
                return Transaction(self, self.store.head())
            except BaseException:
                self._write_lock.release()
                raise
        check_isolation(isolation)
        if timeout_ms is None:
            return ExplicitTransaction(self, self.store.snapshot(), isolation, None, None)
        if type(timeout_ms) is not int or timeout_ms < 0:
            raise ConfigurationError(f"timeout_ms is a number of milliseconds, not {timeout_ms!r}.")
        now = self._clock.monotonic_ns()
        self.expire(now)
        deadline = now + timeout_ms * 1_000_000
        transaction = ExplicitTransaction(self, self.store.snapshot(), isolation, timeout_ms, deadline)
        self._timed.add(transaction)
        return transaction

    def monotonic_ns(self) -> int:
        """The clock that deadlines go by."""
        return self._clock.monotonic_ns()

    def expire(self, now_ns: int) -> None:
        """Roll back the transactions whose time is up."""
        for transaction in list(self._timed):
            transaction.expire_if_due(now_ns)

    def forget(self, transaction: ExplicitTransaction) -> None:
        """It is over; called by it."""
        self._timed.discard(transaction)

    def commit(self, transaction: Transaction) -> Committed:
        """Validate, log, apply, wait, publish; called by ``Transaction.commit``. The transaction ends with it."""
        overlay = transaction.overlay
        number = None
        try:
            changeset = overlay.changeset()
            # A statement that changed nothing still answers from what it saw: that must be committed, too.
            position = overlay.base.position
            if not changeset.is_empty:
                if transaction.is_exclusive:
                    position, number = self._write(transaction, overlay, changeset)
                else:
                    with self._write_lock:
                        position, number = self._write(transaction, overlay, changeset)
        finally:
            transaction.end()
        self._publish(position)
        if self._timed:
            self.expire(self._clock.monotonic_ns())
        if self._turns is not None and number is not None:
            self._turns.end()
        if number is not None and self._idle is not None:
            self._idle.touch()
            assert self.checkpointer is not None
            self.checkpointer.touch()
        return Committed(position, number, overlay.counters)

    def _write(self, transaction: Transaction, overlay: Overlay, changeset: Changeset) -> tuple[int, int]:
        """Check, log and apply; by who holds the writer's lock. Position and number of the transaction."""
        self._check_writable()
        check_commit(self.store, transaction, changeset)
        past, sequencer = self._past, self._sequencer
        payload = b"" if isinstance(sequencer, MemorySequencer) else encode(changeset)
        if self.space is not None:
            self.space.admit(changeset, len(payload))
        time_us = self._clock.now_ns() // 1_000
        position = sequencer.append(payload, time_us)
        self._apply(changeset, position)
        number = sequencer.transaction
        if past is not None:
            past.append(position, number, time_us, changeset)
        self.memory.committed(overlay.memory, self.store)
        self.commits += 1
        return position, number

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
        self.history.published()

    def release_writer(self) -> None:
        """An exclusive transaction is over; called by it."""
        self._write_lock.release()

    def settle(self) -> None:
        """After bulk loads: fold deltas into bases, seal indexes."""
        with self._write_lock:
            self._check_writable()
            self.store.fold()
            for index in self.store.indexes.values():
                index.seal()

    # --- checkpoints

    def checkpoint(self) -> None:
        """Write the newest state as files, so that opening need not replay the log up to here.

        Others read and write meanwhile.

        Raises:
            DiskFull: no room; the log still tells everything.
            ReadOnlyDatabase: the database takes no more writes.
        """
        if self.checkpointer is not None:
            self._check_writable()
            self.checkpointer.checkpoint()

    def rest(self) -> None:
        """Do what is due when nothing happens: see ``idle``. A thread does it unless ``open`` was told otherwise."""
        self.expire(self._clock.monotonic_ns())
        if self._idle is not None:
            self._idle.rest()

    def await_indexes(self, name: str | None, seconds: float) -> bool:
        """Wait until an index, or all of them, can be asked; whether they can within so many seconds.

        Raises:
            EntityNotFound: there is no index of that name.
        """

        def online() -> bool:
            view = self.store.snapshot()
            names = [name] if name is not None else [d.name for d in view.indexes()]
            return all(view.index_state(n).is_online for n in names)

        builder = self.store.builder
        return online() if builder is None else builder.wait(online, seconds)

    def close(self) -> None:
        """Checkpoint if anything changed, close the log, release the directory. A second time is no error.

        Raises:
            StorageError: the checkpoint or the last sync failed; the database is closed all the same.
        """
        if self.store.builder is not None:
            self.store.builder.stop()
        if self._idle is not None:
            self._idle.stop()
        if self.checkpointer is not None:
            self.checkpointer.stop()
        try:
            # Not under the writer's lock: another thread's checkpoint may wait for it.
            stopped = isinstance(self._sequencer, LocalSequencer) and self._sequencer.writer.is_failed
            if not self._closed and not stopped and self._failed is None:
                self.checkpoint()
        finally:
            with self._write_lock:
                closed, self._closed = self._closed, True
                if not closed:
                    self.history.published()  # whoever waits for more learns that there will be none
                    try:
                        self._sequencer.close()
                    finally:
                        if self._lock is not None:
                            self._lock.release()
