"""What a disk keeps of a file when the power goes: for the file system in memory, and so for tests.

A file has the bytes that are durable, and the changes since its last sync. Of these a real disk may have kept any
part: each write whole, not at all or torn at a sector of 512 or 4096 bytes, in any combination; a file may have grown
although its data is missing, with zeros there, with noise, or with what another file once held. Writes that touch the
same sector are kept in their order, since the page that both are in has only one newest content; all others have no
order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SECTORS: Final = (512, 4096)
"""Bytes that a disk writes whole: old disks and new ones."""

NOISE_BYTES_MAX: Final = 16_384
"""How much of a grown file a crash fills with noise; the rest of a large one is zeros."""


class Filler(StrEnum):
    """What a crash leaves where a file has grown and its data is missing."""

    ZEROS = "zeros"
    NOISE = "noise"
    STALE = "stale"
    """Bytes of another file, as a file system shows that gives blocks away again before it has cleared them."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at a place."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """Cut off, or grown with zeros."""

    size: int


class Image:
    """A file's bytes; those past ``data`` up to ``size`` are zeros that need no memory."""

    __slots__ = ("data", "size")

    def __init__(self, data: bytes | bytearray = b"", size: int = 0) -> None:
        self.data = bytearray(data)
        self.size = max(size, len(data))

    def bytes(self) -> bytes:
        return bytes(self.data) + bytes(self.size - len(self.data))

    def copy(self) -> Image:
        return Image(self.data, self.size)

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if len(self.data) < offset:
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset:end] = data
        self.size = max(self.size, end)

    def apply(self, change: Write | Resize) -> None:
        if isinstance(change, Write):
            self.write(change.offset, change.data)
        else:
            del self.data[change.size :]
            self.size = change.size


@dataclass(slots=True)
class Content:
    """One file: what is durable, what is visible, and the changes between the two."""

    durable: Image = field(default_factory=Image)
    visible: Image = field(default_factory=Image)
    pending: list[Write | Resize] = field(default_factory=list)

    def change(self, change: Write | Resize) -> None:
        self.visible.apply(change)
        self.pending.append(change)

    def sync(self) -> None:
        for change in self.pending:
            self.durable.apply(change)
        self.pending.clear()

    def lose(self, loss: PowerLoss) -> None:
        """A sync failed: some of what was pending got to the disk, and the rest will never be tried again."""
        self.durable = loss.remains(self)
        self.pending.clear()

    def copy(self) -> Content:
        return Content(self.durable.copy(), self.visible.copy(), list(self.pending))


def solid(image: Image) -> Content:
    """A file with nothing pending."""
    return Content(image, image.copy())


class PowerLoss:
    """One way to lose power: which pending changes survive, torn where, and what stands in for what is missing."""

    def __init__(self, choice: random.Random, sector: int, filler: Filler, stale: bytes) -> None:
        self.choice = choice
        self.sector = sector
        self.filler = filler
        self.stale = stale

    def remains(self, content: Content) -> Image:
        """The durable bytes with some of the pending changes."""
        image = content.durable.copy()
        for change in content.pending:
            fate = self.choice.random()
            if fate < 1 / 3:
                if isinstance(change, Write) and self.choice.random() < 0.25:
                    self._grow(image, self.choice.randint(change.offset, change.offset + len(change.data)))
            elif isinstance(change, Resize):
                if change.size > image.size:
                    self._grow(image, change.size)
                else:
                    image.apply(change)
            else:
                for start, part in self._sectors(change):
                    if fate < 2 / 3 and self.choice.random() < 0.5:
                        continue
                    self._grow(image, start)
                    image.write(start, part)
        return image

    def _grow(self, image: Image, size: int) -> None:
        """The length reached the disk, the bytes did not."""
        missing = size - image.size
        if missing <= 0:
            return
        if self.filler is not Filler.ZEROS:
            length = min(missing, NOISE_BYTES_MAX)
            if self.filler is Filler.STALE and self.stale:
                at = self.choice.randrange(len(self.stale))
                noise = (self.stale[at:] + self.stale)[:length]
            else:
                noise = self.choice.randbytes(length)
            image.write(image.size, noise)
        image.size = size

    def _sectors(self, write: Write) -> Iterator[tuple[int, bytes]]:
        """A write's parts, each in one sector of the disk."""
        at = 0
        while at < len(write.data):
            stop = min(len(write.data), at + self.sector - (write.offset + at) % self.sector)
            yield write.offset + at, write.data[at:stop]
            at = stop
