"""Everything that touches disk goes through here: a protocol, and the operating system behind it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Protocol

from memoradb.core.errors import CorruptionError, DatabaseLocked, DiskFull, StorageError

_ZEROS: Final = bytes(1 << 20)


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

    def write_at(self, offset: int, data: bytes) -> None:
        """Write at ``offset`` bytes from the start; the file grows where it must. Volatile until ``sync``."""
        ...

    def preallocate(self, size: int) -> None:
        """Make the file at least ``size`` bytes long, with zeros that have their place on the disk.

        Writing there later needs no room and changes no length, so that a ``sync`` has only the data to write. Size
        and zeros are durable after ``sync``. Where it fails, the file may be longer than before.

        Raises:
            DiskFull: no room for so much.
        """
        ...

    def start_writing(self, offset: int, size: int) -> None:
        """A hint: let the disk begin with these bytes now, since ``sync`` will be asked for soon. Never fails."""
        ...

    def sync(self) -> None:
        """Make everything written, and the size, durable."""
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

    def map_over(self, path: str, offset: int, target: memoryview) -> None:
        """Let a file's bytes from ``offset`` on stand where ``target`` is, by mapping where that is possible.

        The file never changes; what is written to ``target`` later stays in memory.
        """
        ...

    def open(self, path: str, create: bool = False) -> File:
        """A file to append to."""
        ...

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        """The whole content or nothing: a temporary file, synced, renamed, directory synced.

        Without ``sync_directory`` the caller does that, once for many files.
        """
        ...

    def write_parts(self, path: str, parts: Iterable[bytes | memoryview], sync_directory: bool = True) -> int:
        """As ``write_atomically``, part by part: for files that need not be in memory whole. Returns their bytes."""
        ...

    def free_bytes(self, path: str) -> int | None:
        """Room on the disk that holds the directory ``path``, in bytes; None where nobody knows."""
        ...

    def total_bytes(self, path: str) -> int | None:
        """Size of the disk that holds the directory ``path``, in bytes; None where nobody knows."""
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


_MAP_FIXED = 0x10
"""The same on Linux and macOS; Python's ``mmap`` has no name for it."""


@lru_cache(maxsize=1)
def _system_mmap() -> Any:
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).mmap
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long]
    return function


def _mapped_over(descriptor: int, offset: int, target: memoryview) -> int:
    """Put a file's whole pages in the place of memory that begins at a page; returns how many bytes were mapped."""
    import ctypes
    import mmap

    whole = len(target) // mmap.PAGESIZE * mmap.PAGESIZE
    if os.name == "nt" or not whole or offset % mmap.PAGESIZE:
        return 0
    address = ctypes.addressof(ctypes.c_char.from_buffer(target))
    if address % mmap.PAGESIZE:
        return 0
    access, flags = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _MAP_FIXED
    return whole if _system_mmap()(address, whole, access, flags, descriptor, offset) == address else 0


def _seek_and_write(descriptor: int, data: bytes | memoryview, offset: int) -> int:
    """``os.pwrite`` where there is none: on Windows. A file has one writer at a time."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)


_write_at: Final = getattr(os, "pwrite", _seek_and_write)


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
        self.write_at(self._size, data)

    def write_at(self, offset: int, data: bytes) -> None:
        try:
            written = _write_at(self._descriptor, data, offset)
            if offset + written > self._size:
                self._size = offset + written
            if written == len(data):
                return
            offset += written
            view = memoryview(data)[written:]
            while view:
                written = _write_at(self._descriptor, view, offset)
                offset += written
                self._size = max(self._size, offset)
                view = view[written:]
        except OSError as error:
            raise translate(error, self._path) from error

    def preallocate(self, size: int) -> None:
        if hasattr(os, "posix_fallocate") and size > self._size:
            try:
                os.posix_fallocate(self._descriptor, self._size, size - self._size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # the file system cannot: the zeros below do
                    raise translate(error, self._path) from error
        # Allocated space reads as zeros, but the first write to it still changes the file's metadata, which each sync
        # would have to journal: zeros that were really written spare that.
        while self._size < size:
            self.write_at(self._size, _ZEROS[: size - self._size])

    def start_writing(self, offset: int, size: int) -> None:
        # Linux begins to write dirty pages that are called needless; it drops no page before it is written.
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, offset, size, os.POSIX_FADV_DONTNEED)

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

    def map_over(self, path: str, offset: int, target: memoryview) -> None:
        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_size < offset + len(target):
                    raise CorruptionError(f"{path} is cut off.", file=path, offset_bytes=offset)
                mapped = _mapped_over(file.fileno(), offset, target)
                file.seek(offset + mapped)
                file.readinto(target[mapped:])
        except OSError as error:
            raise translate(error, path) from error

    def open(self, path: str, create: bool = False) -> File:
        return RealFile(path, create)

    def write_atomically(self, path: str, data: bytes, sync_directory: bool = True) -> None:
        self.write_parts(path, (data,), sync_directory)

    def write_parts(self, path: str, parts: Iterable[bytes | memoryview], sync_directory: bool = True) -> int:
        temporary = path + ".tmp"
        try:
            with open(temporary, "wb") as file:
                for part in parts:
                    file.write(part)
                size = file.tell()
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.remove(temporary)  # on a full disk its bytes are needed
            if isinstance(error, OSError):
                raise translate(error, path) from error
            raise
        if sync_directory:
            self.sync_directory(os.path.dirname(path))
        return size

    def free_bytes(self, path: str) -> int | None:
        try:
            return shutil.disk_usage(path or ".").free
        except OSError:
            return None

    def total_bytes(self, path: str) -> int | None:
        try:
            return shutil.disk_usage(path or ".").total
        except OSError:
            return None

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
