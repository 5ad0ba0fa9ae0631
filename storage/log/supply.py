"""Segments ahead of need: the next one is set aside while the newest fills, so that nobody waits for its zeros.

A segment's bytes are written as zeros and synced before its first record: writing into it changes neither its length
nor where it lies on the disk, so that a sync has only the records to write, and a full disk is noticed here, not there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from memoradb.core.errors import StorageError

from ..vfs import File, Vfs
from .segment import segment_name


@dataclass(frozen=True, slots=True)
class Blank:
    """A segment of zeros, durable."""

    number: int
    path: str
    file: File
    size: int


class SegmentSupply:
    """Makes blank segments in a directory."""

    def __init__(self, vfs: Vfs, directory: str, sync: Callable[[File], None], taken: int) -> None:
        """``sync`` makes a file durable; segments up to number ``taken`` are in use."""
        self._vfs = vfs
        self._directory = directory
        self._sync = sync
        self._lock = threading.Lock()
        self._blank: Blank | None = None
        self._taken = taken

    @property
    def is_ready(self) -> bool:
        """Whether one was set aside."""
        return self._blank is not None

    def prepare(self, number: int, size: int) -> None:
        """Set segment ``number`` aside, unless there is one.

        Raises:
            StorageError: no room, or the disk fails; nothing is left of it.
        """
        with self._lock:
            if self._blank is None and number > self._taken:  # else the log has begun it meanwhile
                self._blank = self._make(number, size)

    def take(self, number: int, size: int) -> Blank:
        """Segment ``number`` with at least ``size`` bytes: the one that was set aside, or made now."""
        with self._lock:
            blank, self._blank = self._blank, None
            self._taken = max(self._taken, number)
            if blank is not None and blank.number == number and blank.size >= size:
                return blank
            if blank is not None:
                self._discard(blank.path, blank.file)
            return self._make(number, size)

    def _make(self, number: int, size: int) -> Blank:
        path = f"{self._directory}/{segment_name(number)}"
        self._vfs.remove(path)  # what a failure may have left there
        file = self._vfs.open(path, create=True)
        try:
            file.preallocate(size)
            self._sync(file)
            self._vfs.sync_directory(self._directory)
        except StorageError:
            self._discard(path, file)
            raise
        return Blank(number, path, file, size)

    def _discard(self, path: str, file: File) -> None:
        file.close()
        self._vfs.remove(path)  # a crash may bring it back: whoever opens the log removes it again

    def discard(self, blank: Blank) -> None:
        """Remove a segment that was taken and could not be begun."""
        self._discard(blank.path, blank.file)

    def close(self) -> None:
        """Remove the segment that was set aside and never begun."""
        with self._lock:
            blank, self._blank = self._blank, None
            if blank is not None:
                self._discard(blank.path, blank.file)
