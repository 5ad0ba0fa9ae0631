"""A part of the graph as arrays: what a checkpoint writes to one file and maps back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from memoradb.core.values import Value


@dataclass(frozen=True, slots=True)
class Section:
    """``name`` is a path such as ``nodes/property-0``; metadata are plain values."""

    name: str
    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, Value] = field(default_factory=dict)
