"""A whole statement, bound and built."""

from __future__ import annotations

from dataclasses import dataclass

from ..notifications import Remark
from ..syntax.ast import StatementMode
from .nodes import LogicalNode


@dataclass(frozen=True, slots=True)
class LogicalPlan:
    """``columns`` are shown names in order; ``statement_type`` is r, w, rw or s as drivers know it."""

    root: LogicalNode
    columns: tuple[str, ...]
    mode: StatementMode
    read_only: bool
    parameters: frozenset[str]
    statement_type: str
    remarks: tuple[Remark, ...] = ()
    verbose: bool = False
    """EXPLAIN and PROFILE say what else was considered, and why."""
