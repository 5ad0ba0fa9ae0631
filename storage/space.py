"""Low disk: the database stops taking writes while there is still room, and goes on by itself when there is again.

Below the *reserve* only deletes are taken: they use it. Reads need no disk; an export goes to another one. A disk that
other programs fill faster than is looked is no harm either: the log then refuses the commit, and nothing of it is
there. What is free is asked for again after a part of it has been written, and before anything is refused.
"""

from __future__ import annotations

import threading
from typing import Final

from memoradb.core.errors import DiskFull
from memoradb.core.limits import DISK_RESERVE_BYTES

from .changeset import Changeset
from .vfs import Vfs

RESERVE_FRACTION: Final = 1 / 8
"""The reserve is not more than this part of the whole disk."""

LOOK_BYTES_MAX: Final = 4 << 20
"""Written at most between two looks at the disk."""


class DiskSpace:
    """The room on a data directory's disk. Asked by the writer."""

    def __init__(self, vfs: Vfs, path: str, reserve: int = DISK_RESERVE_BYTES) -> None:
        self._vfs = vfs
        self._path = path
        self._reserve = reserve
        self.is_low = False
        """Whether a write was refused when last one was asked for."""
        self._unasked = 0
        """Bytes that may still be written before the disk is looked at."""
        self._lock = threading.Lock()

    @property
    def reserve(self) -> int:
        """Bytes that only deletes may use."""
        total = self._vfs.total_bytes(self._path)
        return self._reserve if total is None else min(self._reserve, int(total * RESERVE_FRACTION))

    def free(self) -> int | None:
        """Room on the disk now, None where nobody knows."""
        return self._vfs.free_bytes(self._path)

    def look(self) -> None:
        """Look at the disk before the next write."""
        with self._lock:
            self._unasked = 0

    def admit(self, changeset: Changeset, size: int) -> None:
        """Let a commit of ``size`` bytes go to the log.

        Raises:
            DiskFull: only the reserve is left, and the commit is not one that deletes alone.
        """
        with self._lock:
            self._unasked -= size
            if self._unasked >= 0:
                return
            free = self.free()
            if free is None:
                self._unasked = LOOK_BYTES_MAX
                return
            reserve = self.reserve
            spare = free - reserve - size
            self._unasked = max(0, min(spare // 4, LOOK_BYTES_MAX))
            self.is_low = spare < 0
        if self.is_low and not only_deletes(changeset):
            raise DiskFull(
                f"Only {free:,} bytes are free on the disk of {self._path}, and {reserve:,} are kept for "
                "deletes: the database takes no other writes.",
                hint="Nothing was changed. Reads, deletes and exports work; writes do again as soon as there is room.",
            )

    def metrics(self) -> dict[str, int | float]:
        """For ``Engine.metrics``."""
        free = self.free()
        found: dict[str, int | float] = {"disk_reserve_bytes": self.reserve, "disk_low": int(self.is_low)}
        return found if free is None else {**found, "disk_free_bytes": free}


def only_deletes(changeset: Changeset) -> bool:
    """Whether a commit adds nothing: elements, values, labels and indexes only go."""
    return not (
        changeset.new_nodes
        or changeset.new_relationships
        or changeset.create_indexes
        or any(not change.remove for change in changeset.labels)
        or any(value is not None for change in changeset.properties for value in change.values.values())
    )
