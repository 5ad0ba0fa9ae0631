"""What does not fit into a statement's memory goes to a temporary file, and comes back piece by piece.

Sorts, aggregations, DISTINCT and joins ask ``Held.crowded`` whether they hold more than their share; what they then
write with ``Spill.write`` they read back, batch by batch, with ``Spill.read``. A *spill* is one temporary file without
a name: it is gone when it is closed, when the statement ends, however that is, or with the process. Its content is
never seen by another process, so it is written in Python's own serialisation, which keeps every value exactly as it
was; each piece carries a checksum all the same, for disks lie.

    with context.spill() as spill:
        place = spill.write(batch)      # at any time, in any order
        again = spill.read(place)       # as often as wanted

Where temporary files come from is an interface (``TemporaryFiles``): the operating system's, or a test's that counts
them and fails when told.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol
from zlib import crc32

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    Column,
    ConstantColumn,
    Dictionary,
    ListColumn,
    PathColumn,
    RaggedColumn,
    StringColumn,
    TypedColumn,
)
from memoradb.core.errors import CorruptionError, DiskFull, StorageError
from memoradb.core.limits import DISK_RESERVE_BYTES
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.zones import ZoneDictionary

_PROTOCOL: Final = 5
_ROOM_CHECK_BYTES: Final = 16 << 20
"""Written between two looks at how much room the disk has."""


class TemporaryFile(Protocol):
    """A file without a name."""

    def append(self, data: bytes) -> None:
        """Write at the end. DiskFull where there is no room: a part of ``data`` may be there."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` on."""
        ...

    def close(self) -> None:
        """Give its room back. A second time is no error."""
        ...


class TemporaryFiles(Protocol):
    """Where temporary files come from."""

    def create(self) -> TemporaryFile:
        """A new, empty one."""
        ...


class SystemTemporaryFile:
    """A file of the operating system whose name is removed as soon as it is open."""

    def __init__(self, directory: str | None) -> None:
        import tempfile

        self._descriptor = -1
        self._size = self._room_checked = 0
        try:
            self._directory = directory or tempfile.gettempdir()
            self._descriptor, path = tempfile.mkstemp(prefix="memoradb-", suffix=".spill", dir=self._directory)
            self._path: str | None = path
            if os.name != "nt":  # Windows removes no open file: there it goes when it is closed
                os.unlink(path)
                self._path = None
        except OSError as error:
            raise _translated(error) from error

    def append(self, data: bytes) -> None:
        if self._size + len(data) >= self._room_checked:
            self._leave_room()
        view = memoryview(data)
        try:
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            while view:
                written = os.write(self._descriptor, view)
                self._size += written
                view = view[written:]
        except OSError as error:
            raise _translated(error) from error

    def _leave_room(self) -> None:
        """DiskFull before the database's own files could meet a full disk."""
        self._room_checked = self._size + _ROOM_CHECK_BYTES
        if not hasattr(os, "fstatvfs"):
            return
        found = os.fstatvfs(self._descriptor)
        reserve = min(DISK_RESERVE_BYTES, found.f_frsize * found.f_blocks // 8)
        if found.f_frsize * found.f_bavail < reserve:
            raise DiskFull(
                f"The statement does not fit into memory, and the disk of {self._directory} has no room for the rest.",
                hint="Free some room there, or sort, group or join fewer rows.",
            )

    def read(self, offset: int, size: int) -> bytes:
        try:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            parts: list[bytes] = []
            while size:
                part = os.read(self._descriptor, size)
                if not part:
                    raise CorruptionError("A temporary file is cut off.")
                parts.append(part)
                size -= len(part)
        except OSError as error:
            raise _translated(error) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
            if self._path is not None:
                os.unlink(self._path)

    def __del__(self) -> None:
        self.close()


def _translated(error: OSError) -> StorageError:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(
            f"The statement does not fit into memory, and there is no room left for its temporary file: "
            f"{error.strerror}.",
            hint="Free some room, or sort, group or join fewer rows.",
        )
    return StorageError(f"A temporary file failed: {error.strerror or error}.")


@dataclass(frozen=True, slots=True)
class SystemTemporaryFiles:
    """Files in ``directory``; None: where the system keeps temporary files (``TMPDIR``)."""

    directory: str | None = None

    def create(self) -> TemporaryFile:
        return SystemTemporaryFile(self.directory)


SYSTEM_FILES: Final = SystemTemporaryFiles()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch was written: ``rows`` of it, in ``size`` bytes from ``offset`` on."""

    offset: int
    size: int
    rows: int
    checksum: int


class Disk(Protocol):
    """Who allows a statement's bytes on disk: the context."""

    def write_to_disk(self, bytes: int) -> None:
        """Account more; QueryMemoryExceeded beyond the limit."""
        ...

    def forget_on_disk(self, bytes: int) -> None:
        """Give accounted bytes back."""
        ...

    def check(self) -> None:
        """Stop where the statement was cancelled."""
        ...


class Spill:
    """Batches in one temporary file, which is made when the first is written."""

    def __init__(self, files: TemporaryFiles, disk: Disk) -> None:
        self._files = files
        self._disk = disk
        self._file: TemporaryFile | None = None
        self._shared: list[Dictionary | ZoneDictionary] = []
        """Dictionaries stay in memory: they are the graph's, and codes refer to them."""
        self.bytes = 0

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def used(self) -> bool:
        """Whether anything was written."""
        return self._file is not None

    def write(self, batch: Batch) -> Place:
        """Append ``batch``: one of bounded size, since it is read back whole.

        Raises:
            DiskFull: the disk has no room.
            QueryMemoryExceeded: the statement has written all that it may.
        """
        self._disk.check()
        parts = [(name, self._parts(column)) for name, column in batch.columns.items()]
        data = pickle.dumps((parts, batch.length, batch.row, batch.weight), _PROTOCOL)
        self._disk.write_to_disk(len(data))
        place = Place(self.bytes, len(data), batch.length, crc32(data))
        self.bytes += len(data)
        if self._file is None:
            self._file = self._files.create()
        self._file.append(data)
        return place

    def read(self, place: Place) -> Batch:
        """The batch at ``place``. CorruptionError where the disk does not give back what was written."""
        self._disk.check()
        assert self._file is not None
        data = self._file.read(place.offset, place.size)
        if crc32(data) != place.checksum:
            raise CorruptionError("A temporary file does not hold what was written to it.")
        parts, length, row, weight = pickle.loads(data)  # its own bytes, checked, from a file nobody else can open
        return Batch({name: self._column(form) for name, form in parts}, length, row, weight)

    def read_all(self, places: Iterable[Place]) -> Iterator[Batch]:
        """The batches at ``places``, one after the other."""
        return map(self.read, places)

    def close(self) -> None:
        """The file is gone. A second time is no error."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._disk.forget_on_disk(self.bytes)
        self.bytes = 0

    # --- forms of columns

    def _parts(self, column: Column) -> tuple[Any, ...]:
        if isinstance(column, TypedColumn):
            return (TypedColumn, column.kind, column.data, column.mask)
        if isinstance(column, StringColumn):
            return (StringColumn, column.codes, self._share(column.dictionary))
        if isinstance(column, ConstantColumn):
            return (ConstantColumn, column.value, column.length)
        if isinstance(column, TemporalColumn):
            zones = None if column.zones is None else self._share(column.zones)
            return (TemporalColumn, column.kind, column.arrays, zones, column.mask)
        if isinstance(column, RaggedColumn):
            return (RaggedColumn, column.offsets, self._parts(column.child), column.mask)
        if isinstance(column, PathColumn):
            return (PathColumn, column.offsets, column.nodes, column.relationships, column.mask)
        return (ListColumn, column.values())

    def _share(self, dictionary: Dictionary | ZoneDictionary) -> int:
        for number, known in enumerate(self._shared):
            if known is dictionary:
                return number
        self._shared.append(dictionary)
        return len(self._shared) - 1

    def _column(self, parts: tuple[Any, ...]) -> Column:
        form, *fields = parts
        if form is StringColumn:
            fields[1] = self._shared[fields[1]]
        elif form is TemporalColumn and fields[2] is not None:
            fields[2] = self._shared[fields[2]]
        elif form is RaggedColumn:
            fields[1] = self._column(fields[1])
        return form(*fields)
