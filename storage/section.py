"""A part of the graph as arrays: what a checkpoint writes to one file and maps back, and how it is read when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from memoradb.core.values import Value


@dataclass(frozen=True, slots=True)
class Section:
    """``name`` is a path such as ``nodes/property-0``; metadata are plain values.

    The arrays of a section that comes from a file are read-only views of it; each is verified when it is first asked
    for, with CorruptionError where it is not what was written.
    """

    name: str
    arrays: Mapping[str, NDArray[Any]]
    metadata: dict[str, Value] = field(default_factory=dict)


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
