"""What running a statement leaves: columns of plain values, and a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class StatementResult:
    """Columns by name in order, each a list of plain Python values, all of one length."""

    columns: tuple[str, ...]
    values: list[list[Value]]
    row_count: int
    summary: Summary = field(repr=False)
