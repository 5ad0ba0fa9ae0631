"""What running a statement leaves: columns of plain values, and a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from memoradb.core.columns import Column
from memoradb.core.values import Value
from memoradb.storage.view import Counters

from .notifications import Notification


@dataclass(slots=True)
class Summary:
    """What a statement did.

    ``query_type`` is ``r``, ``w``, ``rw`` or ``s`` (schema), as Neo4j's drivers name them. ``plan`` is the text of
    EXPLAIN or PROFILE, ``plan_tree`` the same as nested maps; both None otherwise. Times are in nanoseconds.
    """

    query: str
    query_type: str
    counters: Counters
    plan: str | None = None
    plan_tree: Mapping[str, Value] | None = None
    notifications: Sequence[Notification] = ()
    time_ns: int = 0
    compile_ns: int = 0
    position: int | None = None
    """Log position of the commit, None where nothing was written."""
    transaction: int | None = None
    """The number of the transaction, for AS OF TRANSACTION; None where nothing was written."""
    as_of: int | None = None
    """Log position of the state of the past that was read; None for the present."""


Shown: TypeAlias = Column | list[Value]
"""Some rows of one result column: plain values, or a column of nothing but such."""


class StatementResult:
    """Rows under named columns. Values that stand in arrays become Python objects when they are asked for."""

    __slots__ = ("_pieces", "_values", "columns", "row_count", "summary")

    def __init__(
        self,
        columns: tuple[str, ...],
        values: list[list[Value]],
        row_count: int,
        summary: Summary,
        pieces: Sequence[Sequence[Shown]] | None = None,
    ) -> None:
        """``values``: each column's, all of one length; or some rows after others as ``pieces``, by column each."""
        self.columns = columns
        self.row_count = row_count
        self.summary = summary
        self._pieces = pieces
        self._values = values if pieces is None else None

    @property
    def values(self) -> list[list[Value]]:
        """All values by column, each a list of plain Python values."""
        found = self._values
        if found is None:
            assert self._pieces is not None
            found = [list(chain.from_iterable(map(_values, parts))) for parts in zip(*self._pieces, strict=True)]
            self._values, self._pieces = found or [[] for _ in self.columns], None
            return self._values
        return found

    def rows(self) -> Iterator[tuple[Value, ...]]:
        """Row by row; of a large result no more values are made at once than some rows have."""
        if self._pieces is None:
            return zip(*self.values, strict=True)
        return chain.from_iterable(map(_rows, self._pieces))


def _values(part: Shown) -> list[Value]:
    return part if isinstance(part, list) else part.values()


def _rows(piece: Sequence[Shown]) -> Iterator[tuple[Value, ...]]:
    return zip(*map(_values, piece), strict=True)
