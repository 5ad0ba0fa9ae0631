"""What tests of spilling share: temporary files in memory that count and fail, and a source of prepared batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from memoradb.core.batch import Batch
from memoradb.core.errors import DiskFull, MemQLError
from memoradb.memql.exec.context import Context
from memoradb.memql.exec.operator import Frame, Operator


class MemoryFile:
    """A temporary file in memory."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files
        self._content = bytearray()
        self._open = True
        files.open += 1

    def append(self, data: bytes) -> None:
        assert self._open
        self._files.written += len(data)
        if self._files.room is not None and self._files.written > self._files.room:
            raise DiskFull("No room left.")
        self._content += data

    def read(self, offset: int, size: int) -> bytes:
        assert self._open
        found = bytearray(self._content[offset : offset + size])
        if self._files.lies:
            found[len(found) // 2] ^= 1
        return bytes(found)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._files.open -= 1


@dataclass
class MemoryFiles:
    """Makes them; ``room`` is how many bytes fit, ``lies`` whether what is read is not what was written."""

    room: int | None = None
    lies: bool = False
    open: int = 0
    written: int = 0

    def create(self) -> MemoryFile:
        return MemoryFile(self)


@dataclass(eq=False, slots=True)
class Source(Operator):
    """Gives prepared batches, then fails where told."""

    batches: list[Batch] = field(default_factory=list)
    fails: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        yield from self.batches
        if self.fails:
            raise MemQLError("The source has failed.")
