"""Writes checkpoints while everything goes on, and folds adjacency.

    fold      long deltas into new bases, beside the writer; each is installed under its lock, for a moment
    pin       the newest state, under the lock; wait until it is committed
    write     its sections and the manifest, without the lock: undo gives back what is overwritten meanwhile
    install   the files in the place of memory, under the lock, for a moment
    forget    the checkpoints, files and log segments that the history setting does not keep

Every step is small, and others get their turn in between: the interpreter runs one thread at a time. A crash at any
point leaves the last checkpoint, and files that the next one collects.

A thread does this after so much log, where ``start`` was called; else whoever commits does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from memoradb.core import limits
from memoradb.core.clock import Clock
from memoradb.core.errors import SnapshotTooOld, StorageError
from memoradb.core.heap import give_back_freed_memory

from ..retention import HistoryPoint, Retention
from ..vfs import Vfs
from .contents import Pin, dump, installing
from .manifest import (
    KEPT,
    Manifest,
    Written,
    collect,
    manifest_numbers,
    newest_manifests,
    pack_cold,
    readable_manifests,
    write_checkpoint,
)

if TYPE_CHECKING:
    from ..log.place import LogPlace
    from ..log.writer import LogWriter
    from ..store import GraphStore

STATE_HASH_ELEMENTS: Final = 100_000
"""Larger graphs get no state hash into their manifests: making it would take longer than writing what has changed."""


WORK_NS: Final = 500_000
"""Work between two pauses, at least."""
PAUSE_MAX_NS: Final = 5_000_000
"""What a pause takes at most: as long as the interpreter lets a thread run."""
SPACING_BYTES: Final = 64 << 20
"""Log between two old checkpoints that are both kept, or"""
SPACING_TRANSACTIONS: Final = 50_000
"""transactions between them: what reading the past has to replay at most."""


class Checkpointer:
    """Of one open database. ``checkpoint`` may be called by any thread."""

    def __init__(
        self,
        store: GraphStore,
        vfs: Vfs,
        path: str,
        writer: LogWriter,
        lock: AbstractContextManager[object],
        publish: Callable[[int], None],
        clock: Clock,
        retention: Retention | None = None,
        checkpointed: int | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Of a database that is open.

        Args:
            store: the graph.
            vfs: the disk.
            path: the data directory.
            writer: the log's.
            lock: the writer's.
            publish: waits until a position is committed, and lets readers see it.
            clock: tells the age of checkpoints.
            retention: what of the past is kept; all of it if None.
            checkpointed: position of the newest checkpoint, None where there is none.
            pause: waits so many seconds.
        """
        self._pause = pause
        self._store = store
        self._vfs = vfs
        self._path = path
        self._writer = writer
        self._lock = lock
        self._publish = publish
        self._clock = clock
        self.retention = retention or Retention()
        self._working = threading.Lock()
        self._rested = clock.monotonic_ns()
        self._checkpointed = checkpointed
        self._bytes_at_last = self._bytes_counted = 0
        self._position_at_last = checkpointed or 0
        newest = next(newest_manifests(vfs, path), None)
        self._log_bytes = 0 if newest is None else newest.log_bytes
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.count = 0
        self.failures = 0

    # --- when

    def due(self) -> bool:
        """Whether there is so much log since the last checkpoint that it is time for one."""
        return (
            self._writer.bytes - self._bytes_at_last > limits.CHECKPOINT_LOG_BYTES
            or self._store.position - self._position_at_last > limits.CHECKPOINT_LOG_RECORDS
        )

    def touch(self) -> None:
        """A commit happened: do what is due, or let the thread do it.

        A checkpoint that fails makes the commit before it no less good: the failure is counted, and it is tried again
        after as much more log.
        """
        if self._thread is not None:
            if self.due() or self._fold_is_due():
                self._wanted.set()
        elif self.due():
            self._try()

    def _fold_is_due(self) -> bool:
        return any(adjacency.is_due() for adjacency in self._store.adjacency.values())

    def _try(self) -> None:
        try:
            self.checkpoint()
        except (StorageError, SnapshotTooOld):
            self.failures += 1
            self._bytes_at_last = self._writer.bytes
            self._position_at_last = self._store.position

    def start(self) -> None:
        """Let a thread do it from now on, until ``stop``."""
        self._store.folds_elsewhere = True
        self._thread = threading.Thread(target=self._run, name="memoradb-checkpoint", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._stopping.is_set():
                return
            if self.due():
                self._try()
            else:
                with self._working:
                    self._fold(at_rest=False)

    def stop(self) -> None:
        """End the thread, after what it is at."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._store.folds_elsewhere = False

    # --- the work

    def checkpoint(self) -> Manifest | None:
        """Write the newest state as files; durable on return. None where nothing has changed since the last one.

        Raises:
            DiskFull: no room; the log still tells everything.
            ReadOnlyDatabase: the log takes no more.
            SnapshotTooOld: more was overwritten meanwhile than undo is kept for.
        """
        with self._working:
            if self._checkpointed == self._store.position:
                return None
            self._fold(at_rest=True)
            with self._lock:
                pin = Pin(self._store)
                place = self._writer.place
                bytes_then = self._writer.bytes
            try:
                self._writer.sync()
                self._publish(pin.snapshot.position)
                written = self._write(pin, place, self._log_bytes + bytes_then - self._bytes_counted)
            except BaseException:
                with self._lock:
                    pin.release()
                raise
            for step in installing(pin, written.sections):
                with self._lock:
                    step()
                self._give_way()
            self._checkpointed = pin.snapshot.position
            self._bytes_at_last = self._bytes_counted = bytes_then
            self._position_at_last = self._checkpointed
            self._log_bytes = written.manifest.log_bytes
            self.count += 1
            self._writer.mark()
            self._forget()
            give_back_freed_memory()  # of the deltas and arrays whose place files have taken
            return written.manifest

    def _write(self, pin: Pin, place: LogPlace, log_bytes: int) -> Written:
        snapshot = pin.snapshot

        def state_hash() -> str:
            small = snapshot.nodes_top + snapshot.relationships_top <= STATE_HASH_ELEMENTS
            return snapshot.state_hash().hex() if small else ""

        return write_checkpoint(
            self._vfs,
            self._path,
            dump(pin),
            self._store.uuid,
            place,
            audit=place.audit.hex(),
            state_hash=state_hash,
            rest=self._give_way,
            log_bytes=log_bytes,
        )

    def _give_way(self) -> None:
        """Let others have the interpreter for as long as was worked since the last time, where there may be others."""
        if self._thread is None:
            return
        now = self._clock.monotonic_ns()
        if not 0 <= now - self._rested < WORK_NS:
            self._pause(min(now - self._rested, PAUSE_MAX_NS) / 1e9)
            self._rested = self._clock.monotonic_ns()

    def _fold(self, at_rest: bool) -> None:
        """Long deltas into new bases."""
        for adjacency in list(self._store.adjacency.values()):
            if not adjacency.is_due(at_rest):
                continue
            made = None
            for step in adjacency.folded(self._store.nodes.count):
                made = step
                self._give_way()
            if made is not None:
                with self._lock:
                    adjacency.install(made)
                    self._store.refresh()

    def _forget(self) -> None:
        """Let go of what the history setting does not keep, and compress what only the past needs."""
        manifests = readable_manifests(self._vfs, self._path)
        kept = self._kept(manifests)
        newest = manifest_numbers(self._vfs, self._path)[-KEPT:]  # also one that is damaged: it may be looked into
        collect(self._vfs, self._path, {*kept, *newest})
        if not self.retention.is_all:
            self._writer.forget(min(m.position for m in manifests if m.number in kept))
        pack_cold(self._vfs, self._path, sorted(kept), self._give_way)

    def _kept(self, manifests: list[Manifest]) -> set[int]:
        """The numbers of the checkpoints that stay: the newest two, and those that the past is read from.

        Of the latter so many that a point of the past is never far behind one; none lies before the horizon.
        """
        end = self._log_bytes + self._writer.bytes - self._bytes_counted
        points = [HistoryPoint(m.position, m.time_us, end - m.log_bytes) for m in manifests]
        horizon = self.retention.horizon(points, self._clock.now_ns() // 1_000)
        kept = {m.number for m in manifests[-KEPT:]}
        last: Manifest | None = None
        for manifest in manifests[:-KEPT]:
            if manifest.position < horizon:
                continue
            far = last is None or (
                manifest.log_bytes - last.log_bytes >= SPACING_BYTES
                or manifest.transaction - last.transaction >= SPACING_TRANSACTIONS
            )
            if manifest.position == horizon > 0 or (far and (last is not None or _is_far_from_start(manifest))):
                kept.add(manifest.number)
                last = manifest
        return kept


def _is_far_from_start(manifest: Manifest) -> bool:
    return manifest.log_bytes >= SPACING_BYTES or manifest.transaction >= SPACING_TRANSACTIONS
