"""A file system in memory that can fail: lost and torn writes, full disk, failing sync, lost renames. For tests.

Every file has the bytes that are *durable* and the operations since its last sync; every directory has durable names
and the changes of names since its last sync. ``crash`` keeps what is durable and any part of the rest that a real disk
may have kept: each unsynced write whole, not at all or torn at a sector, in any combination, so that a file may grow
with zeros where an earlier write is missing; changes of names likewise, in order for each name. What survives is chosen
by a seed, and every call that changes the disk is counted, so that a failure can be put at exactly the n-th.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from memoradb.core.errors import DatabaseLocked, DiskFull, StorageError

from .vfs import File, Lock

SECTOR = 512
"""Bytes that a disk writes whole."""


class Crashed(Exception):
    """The machine stopped here. No error of the database: nothing in the engine may catch it."""


@dataclass(slots=True)
class _Content:
    """One file's bytes: what is durable, what is visible, and the operations between the two."""

    durable: bytes = b""
    visible: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, data) of a write; (size, None) of a truncation."""

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if len(self.visible) < end:
            self.visible.extend(bytes(end - len(self.visible)))
        self.visible[offset:end] = data
        self.pending.append((offset, data))

    def truncate(self, size: int) -> None:
        del self.visible[size:]
        self.pending.append((size, None))

    def sync(self) -> None:
        self.durable = bytes(self.visible)
        self.pending.clear()

    def after_crash(self, choice: random.Random) -> bytes:
        """The durable bytes with some of the pending operations, in order of their issue."""
        data = bytearray(self.durable)
        for offset, piece in self.pending:
            fate = choice.random()
            if fate < 1 / 3:
                continue
            if piece is None:
                del data[offset:]
                continue
            for start, part in _sectors(offset, piece):
                if fate < 2 / 3 and choice.random() < 0.5:
                    continue
                if len(data) < start + len(part):
                    data.extend(bytes(start + len(part) - len(data)))
                data[start : start + len(part)] = part
        return bytes(data)


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """A write's parts, each in one sector of the disk."""
    at = 0
    while at < len(data):
        stop = min(len(data), at + SECTOR - (offset + at) % SECTOR)
        yield offset + at, data[at:stop]
        at = stop


@dataclass(slots=True)
class Faults:
    """What goes wrong. Operations are numbered from 1, in the order in which they change the disk."""

    crash_at: int | None = None
    """The operation that the machine does not live to see."""
    fail_at: dict[int, StorageError] = field(default_factory=dict)
    """Operations that raise instead, once each."""
    fail_syncs: bool = False
    """Every sync of a file fails from now on."""
    capacity_bytes: int | None = None
    """Room on the disk: a write beyond it is cut short and raises DiskFull."""


class MemoryVfs:
    """Implements ``Vfs``. ``faults`` may be changed at any time; ``operations`` counts what changed the disk."""

    def __init__(self, seed: int = 0) -> None:
        self.faults = Faults()
        self.operations = 0
        self.history: list[str] = []
        """What each operation was: the n-th is ``history[n - 1]``."""
        self._random = random.Random(seed)
        self._names: dict[str, _Content] = {}
        self._durable_names: dict[str, _Content] = {}
        self._name_changes: list[tuple[str, _Content | None]] = []
        self._directories = {"", "/"}
        self._locks: dict[str, MemoryLock] = {}
        self._lock = threading.RLock()
        self._dead = False

    # --- the disk's life

    def crash(self) -> MemoryVfs:
        """What a machine finds after this one lost power now: some legal state of the disk, without faults."""
        after = MemoryVfs(self._random.randrange(1 << 62))
        names = dict(self._durable_names)
        for path, content in self._name_changes:
            if self._random.random() < 0.5:
                continue
            if content is None:
                names.pop(path, None)
            else:
                names[path] = content
        for path, content in names.items():
            data = content.after_crash(self._random)
            after._names[path] = after._durable_names[path] = _Content(data, bytearray(data))
        after._directories = set(self._directories)
        self._dead = True
        return after

    def copy(self) -> MemoryVfs:
        """The same disk again, as it is visible now and all of it durable; for damaging a copy."""
        same = MemoryVfs(self._random.randrange(1 << 62))
        for path, content in self._names.items():
            data = bytes(content.visible)
            same._names[path] = same._durable_names[path] = _Content(data, bytearray(data))
        same._directories = set(self._directories)
        return same

    def files(self) -> dict[str, bytes]:
        """Every file and its visible bytes, by path."""
        return {path: bytes(content.visible) for path, content in sorted(self._names.items())}

    def overwrite(self, path: str, data: bytes) -> None:
        """Put other bytes in a file, durably, behind everybody's back: bit rot and meddling."""
        self._names[path] = self._durable_names[path] = _Content(data, bytearray(data))

    def used_bytes(self) -> int:
        """Bytes in all files."""
        return sum(len(content.visible) for content in self._names.values())

    def operation(self, what: str, path: str) -> None:
        """Count one change of the disk; crash or fail where the faults say so."""
        if self._dead:
            raise Crashed(f"{what} {path} after the crash")
        self.operations += 1
        self.history.append(f"{what} {path}")
        if self.faults.crash_at == self.operations:
            self._dead = True
            raise Crashed(f"operation {self.operations}: {what} {path}")
        error = self.faults.fail_at.pop(self.operations, None)
        if error is not None:
            raise error

    def room_for(self, size: int) -> int:
        """How many of ``size`` more bytes fit."""
        capacity = self.faults.capacity_bytes
        return size if capacity is None else max(0, min(size, capacity - self.used_bytes()))

    def _set_name(self, path: str, content: _Content | None) -> None:
        if content is None:
            self._names.pop(path, None)
        else:
            self._names[path] = content
        self._name_changes.append((path, content))

    # --- Vfs

    def exists(self, path: str) -> bool:
        return path in self._names or path in self._directories

    def list(self, path: str) -> list[str]:
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

    def _content(self, path: str) -> _Content:
        found = self._names.get(path)
        if found is None:
            raise StorageError(f"{path}: No such file or directory.")
        return found

    def read(self, path: str) -> bytes:
        return bytes(self._content(path).visible)

    def map(self, path: str) -> memoryview:
        return memoryview(bytes(self._content(path).visible))

    def open(self, path: str, create: bool = False) -> File:
        with self._lock:
            if create and path not in self._names:
                self.operation("create", path)
                self._set_name(path, _Content())
            return MemoryFile(self, path, self._content(path))

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        with self._lock:
            temporary = path + ".tmp"
            self.operation("create", temporary)
            content = _Content()
            self._set_name(temporary, content)
            self.operation("write", temporary)
            room = self.room_for(len(data))
            content.write(0, data[:room])
            if room < len(data):
                raise DiskFull(f"No room left to write {temporary}.")
            self.sync_content("sync", temporary, content)
            self.operation("rename", path)
            self._set_name(temporary, None)
            self._set_name(path, content)
        if sync_directory:
            self.sync_directory(path.rpartition("/")[0])

    def sync_content(self, what: str, path: str, content: _Content) -> None:
        """Make a file's bytes durable, unless syncs fail: then what is pending is lost, as Linux does it."""
        self.operation(what, path)
        if self.faults.fail_syncs:
            content.pending.clear()
            raise StorageError(f"{path}: Input/output error.")
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
                self._set_name(path, _Content())
            return held


class MemoryLock:
    """A lock on a path of one ``MemoryVfs``."""

    def __init__(self, release: Callable[[], object]) -> None:
        self._release = release

    def release(self) -> None:
        self._release()
        self._release = lambda: None


class MemoryFile:
    """An open file of a ``MemoryVfs``."""

    def __init__(self, vfs: MemoryVfs, path: str, content: _Content) -> None:
        self._vfs = vfs
        self._path = path
        self._content = content

    def append(self, data: bytes) -> None:
        self._vfs.operation("append", self._path)
        room = self._vfs.room_for(len(data))
        self._content.write(len(self._content.visible), bytes(data[:room]))
        if room < len(data):
            raise DiskFull(f"No room left to write {self._path}.")

    def sync(self) -> None:
        self._vfs.sync_content("sync", self._path, self._content)

    def truncate(self, size: int) -> None:
        self._vfs.operation("truncate", self._path)
        self._content.truncate(size)

    def size(self) -> int:
        return len(self._content.visible)

    def close(self) -> None:
        return None
