"""Everything that touches disk goes through here: a protocol, and the operating system behind it."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Protocol

from memoradb.core.errors import DatabaseLocked, DiskFull, StorageError


class Lock(Protocol):
    """An exclusive lock, held until released."""

    def release(self) -> None:
        """Let others in; a second time is no error."""
        ...


class File(Protocol):
    """An open file."""

    def append(self, data: bytes) -> None:
        """Write at the end; volatile until ``sync``. Where it fails, a part of ``data`` may be there."""
        ...

    def sync(self) -> None:
        """Make everything appended durable."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the end off."""
        ...

    def size(self) -> int: ...

    def close(self) -> None: ...


class Vfs(Protocol):
    """A file system. Paths are absolute or relative to where the process started, with ``/`` between parts."""

    def exists(self, path: str) -> bool: ...

    def list(self, path: str) -> list[str]:
        """Names in a directory, sorted; empty where there is none."""
        ...

    def make_directory(self, path: str) -> None:
        """With its parents; durable when it returns."""
        ...

    def read(self, path: str) -> bytes:
        """A whole file."""
        ...

    def map(self, path: str) -> memoryview:
        """A file's bytes without reading them; must not be written to."""
        ...

    def open(self, path: str, create: bool = False) -> File:
        """A file to append to."""
        ...

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        """The whole content or nothing: a temporary file, synced, renamed, directory synced.

        Without ``sync_directory`` the caller does that, once for many files.
        """
        ...

    def remove(self, path: str) -> None:
        """A file; no error where there is none. Durable once the directory is synced."""
        ...

    def sync_directory(self, path: str) -> None:
        """Make names that were added, replaced or removed in a directory durable."""
        ...

    def lock(self, path: str) -> Lock:
        """An exclusive lock; DatabaseLocked where another process has it."""
        ...


def translate(error: OSError, path: str) -> StorageError:
    """An operating system error as ours, once, at the border."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"No room left to write {path}: {error.strerror}.")
    return StorageError(f"{path}: {error.strerror or error}.")


class RealFile:
    """A file of the operating system."""

    def __init__(self, path: str, create: bool) -> None:
        self._path = path
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | (os.O_CREAT if create else 0)
        try:
            self._descriptor = os.open(path, flags, 0o644)
            self._size = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise translate(error, path) from error

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._descriptor, view, self._size)
                self._size += written
                view = view[written:]
        except OSError as error:
            raise translate(error, self._path) from error

    def sync(self) -> None:
        try:
            if hasattr(os, "fdatasync"):
                os.fdatasync(self._descriptor)
            else:
                os.fsync(self._descriptor)
        except OSError as error:
            raise translate(error, self._path) from error

    def truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            raise translate(error, self._path) from error
        self._size = size

    def size(self) -> int:
        return self._size

    def close(self) -> None:
        os.close(self._descriptor)


class RealVfs:
    """The operating system's file system."""

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise translate(error, path) from error

    def make_directory(self, path: str) -> None:
        try:
            if not os.path.isdir(path):
                parent = os.path.dirname(os.path.abspath(path))
                if not os.path.isdir(parent):
                    self.make_directory(parent)
                os.mkdir(path)
                self.sync_directory(parent)
        except OSError as error:
            raise translate(error, path) from error

    def read(self, path: str) -> bytes:
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise translate(error, path) from error

    def map(self, path: str) -> memoryview:
        import mmap

        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    return memoryview(b"")
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise translate(error, path) from error

    def open(self, path: str, create: bool = False) -> File:
        return RealFile(path, create)

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        temporary = path + ".tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise translate(error, path) from error
        if sync_directory:
            self.sync_directory(os.path.dirname(path))

    def remove(self, path: str) -> None:
        try:
            os.remove(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise translate(error, path) from error

    def sync_directory(self, path: str) -> None:
        if os.name == "nt":
            return  # Windows makes renames durable by itself and opens no directories
        try:
            descriptor = os.open(path or ".", os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise translate(error, path) from error

    def lock(self, path: str) -> Lock:
        return FileLock(path)


class FileLock:
    """An advisory lock on a file that names the process; released by ``release`` or with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._file = open(path, "a+", encoding="ascii")  # noqa: SIM115 - held for the lock's life
        except OSError as error:
            raise translate(error, path) from error
        try:
            self._acquire()
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise DatabaseLocked(
                f"Another process{who} has {os.path.dirname(path) or '.'} open.",
                hint="Close it there, or connect to the server that has it open.",
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def _acquire(self) -> None:
        if os.name == "nt":
            import msvcrt

            self._file.seek(0)
            msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Let others in."""
        with contextlib.suppress(ValueError):
            self._file.close()
