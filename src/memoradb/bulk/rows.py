"""What every source gives: parts of nodes or of relationships, as columns, and where each row stands in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from memoradb.core.columns import Column, IntArray

from .bad_rows import BadRow
from .ids import Keys

Describe = Callable[[int, str], BadRow]
"""The bad row that a row of the part is, for a reason."""
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of few things for each row: labels, a type. ``codes`` None: all rows have the first."""

    options: Sequence[tuple[str, ...]]
    codes: IntArray | None = None

    def take(self, rows: IntArray) -> Choice:
        """Those of some rows."""
        return self if self.codes is None else replace(self, codes=self.codes.take(rows))

    def groups(self, count: int) -> Iterator[tuple[tuple[str, ...], IntArray | None]]:
        """Each option that occurs with its rows; None for all rows."""
        if self.codes is None:
            if count:
                yield self.options[0], None
            return
        used = np.unique(self.codes).tolist()
        for code in used:
            yield self.options[code], None if len(used) == 1 else np.flatnonzero(self.codes == code)


def choice_of(names: Sequence[tuple[str, ...]]) -> Choice:
    """The choice that each row names."""
    codes: dict[tuple[str, ...], int] = {}
    found = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, len(names))
    return Choice(list(codes), found)


@dataclass(slots=True)
class NodeRows:
    """Nodes of one part."""

    count: int
    labels: Choice
    columns: dict[str, Column]
    space: str
    keys: Keys | None
    """What relationships call them by; None where nothing does."""
    describe: Describe
    bytes: int = 0
    """How far the input was read for the part."""
    bad: list[BadRow] = field(default_factory=list)
    """Rows that are no part of it."""

    def take(self, rows: IntArray) -> NodeRows:
        """Some of the rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        keys = None if self.keys is None else self.keys.take(rows)
        return replace(self, count=len(rows), labels=self.labels.take(rows), columns=columns, keys=keys)


@dataclass(slots=True)
class RelationshipRows:
    """Relationships of one part; ``starts`` and ``ends`` are (space, keys of nodes)."""

    count: int
    types: Choice
    columns: dict[str, Column]
    starts: tuple[str, Keys]
    ends: tuple[str, Keys]
    describe: Describe
    bytes: int = 0
    bad: list[BadRow] = field(default_factory=list)

    def take(self, rows: IntArray) -> RelationshipRows:
        """Some of the rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        starts, ends = ((space, keys.take(rows)) for space, keys in (self.starts, self.ends))
        return replace(self, count=len(rows), types=self.types.take(rows), columns=columns, starts=starts, ends=ends)


class Source(Protocol):
    """Files of one form. The same files give the same parts, however often they are read."""

    @property
    def what(self) -> str:
        """What is being loaded, for progress."""
        ...

    @property
    def bytes(self) -> int:
        """The size of the input: what the parts' ``bytes`` add up to."""
        ...

    def identity(self) -> list[object]:
        """What makes it this import and no other: files, their contents, options."""
        ...

    def nodes(self) -> Iterator[NodeRows]:
        """The nodes, part by part."""
        ...

    def relationships(self) -> Iterator[RelationshipRows]:
        """The relationships, part by part."""
        ...
