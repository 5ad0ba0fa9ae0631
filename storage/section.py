"""A part of the graph as arrays: what a checkpoint writes to one file and maps back, and how it is read when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec
from numpy.typing import DTypeLike, NDArray

from memoradb.core.regions import CHUNK_ROWS, allocate
from memoradb.core.values import Value


class DataFile(msgspec.Struct, frozen=True):
    """One immutable file of a checkpoint; ``path`` is below the data directory."""

    section: str
    path: str
    size: int
    hash: str
    rows: int = 0
    """Elements that it is about, where that can be said."""
    min: float | int | None = None
    """The smallest and the largest number in it, where it holds numbers."""
    max: float | int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """``name`` is a path such as ``nodes/property-0``; metadata are plain values.

    The arrays of a section that comes from a file are read-only views of it; each is verified when it is first asked
    for, with CorruptionError where it is not what was written.
    """

    name: str
    arrays: Mapping[str, NDArray[Any]]
    metadata: dict[str, Value] = field(default_factory=dict)
    file: DataFile | None = field(default=None, compare=False)
    """Where the section is already on the disk: it need not be written again."""


class PlacedArrays(Mapping[str, NDArray[Any]]):
    """Arrays of a file, which can stand in the place of memory."""

    def place(self, name: str, target: NDArray[Any], trusted: bool = False) -> None:
        """Let array ``name`` be where ``target``, of its type and length, is; verified unless ``trusted``."""
        raise NotImplementedError


def place(section: Section, name: str, target: NDArray[Any], trusted: bool = False) -> None:
    """Array ``name`` of a section into ``target``: by mapping where that is possible, else by copying."""
    if isinstance(section.arrays, PlacedArrays):
        section.arrays.place(name, target, trusted)
    else:
        target[:] = section.arrays[name]


def chunks_of(rows: int) -> range:
    """The numbers of the chunks that so many rows take."""
    return range(-(-rows // CHUNK_ROWS))


def chunk_slice(chunk: int, rows: int) -> slice:
    """The rows of a chunk, of so many."""
    return slice(chunk * CHUNK_ROWS, min((chunk + 1) * CHUNK_ROWS, rows))


def assembled(sections: Sequence[Section], name: str, rows: int, dtype: DTypeLike) -> NDArray[Any]:
    """A column of ``rows`` rows whose chunks are in sections, with room to grow where it is a region."""
    whole = allocate(rows, dtype) if rows < CHUNK_ROWS else allocate(2 * rows, dtype)
    for chunk, section in enumerate(sections):
        place(section, name, whole[chunk_slice(chunk, rows)])
    return whole


class ReadLater:
    """Base of what a checkpoint holds: an attribute that was never touched is read when it is.

    Opening a database so costs nothing for what is not used; afterwards access is that of any attribute.
    """

    _later: Mapping[str, Callable[[], Any]] = MappingProxyType({})
    """How to read attributes that are not there yet. Two readers may both do it: the first one's result stays."""

    def __getattr__(self, name: str) -> Any:
        read = self._later.get(name)
        if read is None:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__.setdefault(name, read())

    def read_later(self, **attributes: Callable[[], Any]) -> None:
        """Forget these attributes' values; the functions give them when they are asked for."""
        for name in attributes:
            self.__dict__.pop(name, None)
        self._later = attributes
