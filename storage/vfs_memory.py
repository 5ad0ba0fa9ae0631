"""A file system in memory that can fail: lost and torn writes, full disk, failing sync, lost renames. For tests.

Every file has the bytes that are *durable* and the operations since its last sync; every directory has durable names
and the changes of names since its last sync. ``crash`` keeps what is durable and any part of the rest that a real disk
may have kept: of files see ``disk_image``; changes of names likewise, in order for each name. What survives is chosen
by a seed.

Every call that changes the disk is an *operation*, counted from 1, and every call that reads file contents or names is
a *read*: a failure can be put at exactly the n-th of either.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from memoradb.core.errors import DatabaseLocked, DiskFull, StorageError

from .disk_image import NOISE_BYTES_MAX, SECTORS, Content, Filler, Image, PowerLoss, Resize, Write, solid
from .vfs import File, Lock


class Crashed(Exception):
    """The machine stopped here. No error of the database: nothing in the engine may catch it."""


class Fault(StrEnum):
    """What can go wrong with one operation."""

    EIO = "EIO"
    """It does nothing, and an input/output error is raised; a sync loses what was pending."""
    ENOSPC = "ENOSPC"
    """It does nothing, and there is no room."""
    SHORT = "short write"
    """Half of a write is done, and then an error is raised; other operations do not fail so."""
    SYNC = "fsync error"
    """A sync of a file fails, and what was pending is lost; other operations do not fail so."""
    CRASH = "crash"
    """The machine stops before it."""


@dataclass(slots=True)
class Faults:
    """What goes wrong."""

    crash_at: int | None = None
    """The operation that the machine does not live to see."""
    at: dict[int, Fault] = field(default_factory=dict)
    """What happens to which operation, once each."""
    since: tuple[int, Fault] | None = None
    """What happens to every operation from the n-th on."""
    read_at: int | None = None
    """The read that raises an input/output error, once."""
    fail_syncs: bool = False
    """Every sync of a file fails from now on."""
    capacity_bytes: int | None = None
    """Room on the disk: a write beyond it is cut short and raises DiskFull."""


class MemoryVfs:
    """Implements ``Vfs``. ``faults`` may be changed at any time; ``operations`` counts what changed the disk."""

    def __init__(self, seed: int = 0) -> None:
        self.faults = Faults()
        self.operations = 0
        self.reads = 0
        self.history: list[str] = []
        """What each operation was: the n-th is ``history[n - 1]``."""
        self.fired = 0
        """How many of the faults have happened."""
        self.before: Callable[[int], object] | None = None
        """Called before each operation, with its number: the place to take images from, or to stop threads at."""
        self._random = random.Random(seed)
        self._names: dict[str, Content] = {}
        self._durable_names: dict[str, Content] = {}
        self._name_changes: list[tuple[str, Content | None]] = []
        self._directories = {"", "/"}
        self._locks: dict[str, MemoryLock] = {}
        self._lock = threading.RLock()
        self._dead = False

    # --- the disk's life

    def fail_at(self, number: int, fault: Fault, *, persistent: bool = False) -> None:
        """Let the operation of that number fail, or with ``persistent`` that one and all after it."""
        if persistent:
            self.faults.since = (number, fault)
        else:
            self.faults.at[number] = fault

    def crash(self, *, sector: int | None = None, filler: Filler | None = None) -> MemoryVfs:
        """What a machine finds after this one lost power now: some legal state of the disk, without faults.

        This one is dead from then on. Sector size and filler are chosen by the seed where they are not given.
        """
        after = self.image(sector=sector, filler=filler)
        self._dead = True
        return after

    def image(self, *, sector: int | None = None, filler: Filler | None = None) -> MemoryVfs:
        """As ``crash``, but this machine goes on: each call gives another possible state."""
        with self._lock:
            after = MemoryVfs(self._random.randrange(1 << 62))
            names = dict(self._durable_names)
            for path, content in self._name_changes:
                if self._random.random() < 0.5:
                    continue
                if content is None:
                    names.pop(path, None)
                else:
                    names[path] = content
            loss = self._power_loss(sector, filler)
            images = {id(content): loss.remains(content) for content in names.values()}
            for path, content in names.items():
                after._names[path] = after._durable_names[path] = solid(images[id(content)].copy())
            after._directories = set(self._directories)
        return after

    def _power_loss(self, sector: int | None = None, filler: Filler | None = None) -> PowerLoss:
        sector = sector or self._random.choice(SECTORS)
        filler = filler or self._random.choice(list(Filler))
        stale = b""
        if filler is Filler.STALE:
            stale = b"".join(bytes(c.visible.data[:NOISE_BYTES_MAX]) for c in self._names.values())
        return PowerLoss(self._random, sector, filler, stale)

    def restart(self) -> MemoryVfs:
        """What the next process finds after this one was killed: all that was written is visible, nothing more durable.

        This one is dead from then on.
        """
        with self._lock:
            after = MemoryVfs(self._random.randrange(1 << 62))
            copies: dict[int, Content] = {}

            def copied(content: Content) -> Content:
                return copies.setdefault(id(content), content.copy())

            after._names = {path: copied(content) for path, content in self._names.items()}
            after._durable_names = {path: copied(content) for path, content in self._durable_names.items()}
            after._name_changes = [(path, content and copied(content)) for path, content in self._name_changes]
            after._directories = set(self._directories)
            self._dead = True
        return after

    def copy(self) -> MemoryVfs:
        """The same disk again, as it is visible now and all of it durable; for damaging a copy."""
        with self._lock:
            same = MemoryVfs(self._random.randrange(1 << 62))
            for path, content in self._names.items():
                same._names[path] = same._durable_names[path] = solid(content.visible.copy())
            same._directories = set(self._directories)
        return same

    def files(self) -> dict[str, bytes]:
        """Every file and its visible bytes, by path."""
        with self._lock:
            return {path: content.visible.bytes() for path, content in sorted(self._names.items())}

    def overwrite(self, path: str, data: bytes) -> None:
        """Put other bytes in a file, durably, behind everybody's back: bit rot and meddling."""
        self._names[path] = self._durable_names[path] = solid(Image(data))

    def used_bytes(self) -> int:
        """Bytes in all files."""
        return sum(content.visible.size for content in self._names.values())

    def operation(self, what: str, path: str) -> Fault | None:
        """Count one change of the disk; crash or fail where the faults say so.

        Returns:
            What the caller must do itself: a write half, a sync not at all.
        """
        if self._dead:
            raise Crashed(f"{what} {path} after the crash")
        if self.before is not None:
            self.before(self.operations + 1)
        self.operations += 1
        self.history.append(f"{what} {path}")
        faults = self.faults
        fault = faults.at.pop(self.operations, None)
        if fault is None and faults.since is not None and self.operations >= faults.since[0]:
            fault = faults.since[1]
        if faults.crash_at == self.operations or fault is Fault.CRASH:
            self._dead = True
            raise Crashed(f"operation {self.operations}: {what} {path}")
        if what == "sync" and (faults.fail_syncs or fault in (Fault.SYNC, Fault.EIO, Fault.ENOSPC)):
            self.fired += 1
            return fault or Fault.SYNC
        if what in _WRITES and fault is Fault.SHORT:
            self.fired += 1
            return fault
        if fault is Fault.EIO or fault is Fault.ENOSPC:
            self.fired += 1
            raise _error(fault, path)
        return None

    def _read(self, path: str) -> None:
        """Count one read; fail where the faults say so. A dead machine is read only by who examines it."""
        self.reads += 1
        if self.faults.read_at == self.reads:
            self.fired += 1
            raise _error(Fault.EIO, path)

    def room_for(self, size: int) -> int:
        """How many of ``size`` more bytes fit."""
        capacity = self.faults.capacity_bytes
        return size if capacity is None else max(0, min(size, capacity - self.used_bytes()))

    def _set_name(self, path: str, content: Content | None) -> None:
        if content is None:
            self._names.pop(path, None)
        else:
            self._names[path] = content
        self._name_changes.append((path, content))

    # --- Vfs

    def exists(self, path: str) -> bool:
        return path in self._names or path in self._directories

    def list(self, path: str) -> list[str]:
        with self._lock:
            self._read(path)
            prefix = path.rstrip("/") + "/"
            below = [p[len(prefix) :] for p in (*self._names, *self._directories) if p.startswith(prefix)]
            return sorted({p.split("/", 1)[0] for p in below if p})

    def make_directory(self, path: str) -> None:
        with self._lock:
            if path in self._directories:
                return
            self.operation("mkdir", path)
            parts = path.split("/")
            self._directories.update("/".join(parts[: i + 1]) for i in range(len(parts)))

    def _content(self, path: str) -> Content:
        found = self._names.get(path)
        if found is None:
            raise StorageError(f"{path}: No such file or directory.")
        return found

    def read(self, path: str) -> bytes:
        with self._lock:
            self._read(path)
            return self._content(path).visible.bytes()

    def map(self, path: str) -> memoryview:
        with self._lock:
            self._read(path)
            return memoryview(self._content(path).visible.bytes())

    def map_over(self, path: str, offset: int, target: memoryview) -> None:
        target[:] = self.map(path)[offset : offset + len(target)]

    def open(self, path: str, create: bool = False) -> File:
        with self._lock:
            if create and path not in self._names:
                self.operation("create", path)
                self._set_name(path, Content())
            return MemoryFile(self, path, self._content(path))

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        self.write_parts(path, (data,), sync_directory)

    def write_parts(self, path: str, parts: Iterable[bytes | memoryview], sync_directory: bool = True) -> int:
        temporary = path + ".tmp"
        with self._lock:
            self.operation("create", temporary)
            content = Content()
            self._set_name(temporary, content)
        try:
            for part in parts:  # not under the lock: making a part may take others
                with self._lock:
                    self.write(temporary, content, content.visible.size, bytes(part))
            with self._lock:
                self.sync_content(temporary, content)
                self.operation("rename", path)
                self._set_name(temporary, None)
                self._set_name(path, content)
        except StorageError:
            self._remove_failed(temporary)
            raise
        if sync_directory:
            self.sync_directory(path.rpartition("/")[0])
        return content.visible.size

    def _remove_failed(self, path: str) -> None:
        try:
            self.remove(path)
        except StorageError:
            return  # the error before this one is the one to tell

    def free_bytes(self, path: str) -> int | None:
        capacity = self.faults.capacity_bytes
        return None if capacity is None else max(0, capacity - self.used_bytes())

    def total_bytes(self, path: str) -> int | None:
        return self.faults.capacity_bytes

    def write(self, path: str, content: Content, offset: int, data: bytes, what: str = "write") -> None:
        """Write as much as fits."""
        with self._lock:
            fault = self.operation(what, path)
            growth = max(0, offset + len(data) - content.visible.size)
            fits = len(data) - growth + self.room_for(growth)
            content.change(Write(offset, bytes(data[: fits if fault is None else min(fits, len(data) // 2)])))
            if fault is not None:
                raise _error(Fault.EIO, path)
            if fits < len(data):
                raise _error(Fault.ENOSPC, path)

    def preallocate(self, path: str, content: Content, size: int) -> None:
        """Grow a file with zeros, as far as there is room."""
        with self._lock:
            if size <= content.visible.size:
                return
            fault = self.operation("preallocate", path)
            growth = size - content.visible.size
            fits = self.room_for(growth)
            content.change(Resize(content.visible.size + (fits if fault is None else min(fits, growth // 2))))
            if fault is not None:
                raise _error(Fault.EIO, path)
            if fits < growth:
                raise _error(Fault.ENOSPC, path)

    def truncate(self, path: str, content: Content, size: int) -> None:
        """Cut a file's end off."""
        with self._lock:
            self.operation("truncate", path)
            content.change(Resize(size))

    def sync_content(self, path: str, content: Content) -> None:
        """Make a file's bytes durable, unless syncs fail: then what is pending is lost, as Linux does it."""
        with self._lock:
            fault = self.operation("sync", path)
            if fault is not None:
                content.lose(self._power_loss())
                raise _error(fault, path)
            content.sync()

    def remove(self, path: str) -> None:
        with self._lock:
            if path in self._names:
                self.operation("remove", path)
                self._set_name(path, None)

    def sync_directory(self, path: str) -> None:
        with self._lock:
            self.operation("sync directory", path)
            mine = [change for change in self._name_changes if change[0].rpartition("/")[0] == path]
            self._name_changes = [change for change in self._name_changes if change[0].rpartition("/")[0] != path]
            for name, content in mine:
                if content is None:
                    self._durable_names.pop(name, None)
                else:
                    self._durable_names[name] = content

    def lock(self, path: str) -> Lock:
        with self._lock:
            if path in self._locks:
                raise DatabaseLocked(f"Another process has {path.rpartition('/')[0]} open.")
            held = self._locks[path] = MemoryLock(lambda: self._locks.pop(path, None))
            if path not in self._names:
                self._set_name(path, Content())
            return held


_WRITES: Final = frozenset(("append", "write", "preallocate"))


def _error(fault: Fault, path: str) -> StorageError:
    if fault is Fault.ENOSPC:
        return DiskFull(f"No room left to write {path}: No space left on device.")
    return StorageError(f"{path}: Input/output error.")


class MemoryLock:
    """A lock on a path of one ``MemoryVfs``."""

    def __init__(self, release: Callable[[], object]) -> None:
        self._release = release

    def release(self) -> None:
        self._release()
        self._release = lambda: None


class MemoryFile:
    """An open file of a ``MemoryVfs``."""

    def __init__(self, vfs: MemoryVfs, path: str, content: Content) -> None:
        self._vfs = vfs
        self._path = path
        self._content = content

    def append(self, data: bytes) -> None:
        self._vfs.write(self._path, self._content, self._content.visible.size, data, "append")

    def write_at(self, offset: int, data: bytes) -> None:
        self._vfs.write(self._path, self._content, offset, data)

    def preallocate(self, size: int) -> None:
        self._vfs.preallocate(self._path, self._content, size)

    def start_writing(self, offset: int, size: int) -> None:
        return None

    def sync(self) -> None:
        self._vfs.sync_content(self._path, self._content)

    def truncate(self, size: int) -> None:
        self._vfs.truncate(self._path, self._content, size)

    def size(self) -> int:
        return self._content.visible.size

    def close(self) -> None:
        return None
