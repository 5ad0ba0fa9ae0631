"""What one run of a statement holds, shared by the parts of the interpreter."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from memoradb.core.clock import Clock
from memoradb.core.errors import MemoraDBError
from memoradb.core.rng import Random
from memoradb.core.values import Value
from memoradb.memql.functions.registry import FunctionRegistry
from memoradb.memql.procedures.registry import ProcedureRegistry

from .graph import PlainGraph

if TYPE_CHECKING:
    from .clauses import Clauses
    from .expressions import Expressions
    from .matching import Matcher

Row: TypeAlias = dict[str, Value]
"""Names in sight, and their values (``Later`` where they are not computed yet)."""

T = TypeVar("T")


class Later:
    """A projected value that is computed when something reads it first, and kept; so is the error where it fails.

    Nothing computes what nothing reads: ``WITH 1 / 0 AS x RETURN 1`` succeeds.
    """

    __slots__ = ("_compute", "_error", "_value")

    def __init__(self, compute: Callable[[], Value]) -> None:
        self._compute: Callable[[], Value] | None = compute
        self._value: Value = None
        self._error: MemoraDBError | None = None

    def settle(self) -> None:
        """Compute it now, before the graph changes."""
        if self._compute is not None:
            compute, self._compute = self._compute, None
            try:
                self._value = compute()
            except MemoraDBError as error:
                self._error = error

    def get(self) -> Value:
        """The value; its error where it has none."""
        self.settle()
        if self._error is not None:
            raise self._error
        return self._value


def read(row: Row, name: str) -> Value:
    """The value of a name."""
    value = row[name]
    return value.get() if type(value) is Later else value


def settled(rows: Iterable[Row]) -> list[Row]:
    """All rows, with their values computed as the graph is now."""
    table = list(rows)
    for row in table:
        for value in row.values():
            if type(value) is Later:
                value.settle()
    return table


class Exhausted(Exception):
    """The interpreter tries everything, and there was too much to try: no answer, and no fault of the statement."""


@dataclass(slots=True)
class Run:
    """One statement being interpreted.

    ``clock``, ``now_ns`` and ``random`` are what scalar functions that need a context ask it for. ``columns``: the
    names that each projection shows, by the ``id`` of its syntax node. ``shuffle`` permutes every order that
    the language leaves open, so that legal differences can be told from wrong ones. ``steps_max``: give up after trying
    so many nodes and relationships. ``eager``: compute every projected value, also those that nothing reads: an engine
    may.
    """

    graph: PlainGraph
    parameters: Mapping[str, Value]
    functions: FunctionRegistry
    procedures: ProcedureRegistry
    clock: Clock
    now_ns: int
    random: Random
    columns: Mapping[int, tuple[str, ...]]
    shuffle: random.Random | None = None
    steps_max: int | None = None
    eager: bool = False
    steps: int = 0
    expressions: Expressions = field(init=False)
    matcher: Matcher = field(init=False)
    clauses: Clauses = field(init=False)

    def step(self) -> None:
        """Count one thing tried; Exhausted beyond ``steps_max``."""
        self.steps += 1
        if self.steps_max is not None and self.steps > self.steps_max:
            raise Exhausted(f"The reference interpreter gave up after {self.steps_max} steps.")

    def in_some_order(self, items: MutableSequence[T]) -> MutableSequence[T]:
        """``items``, shuffled where this run is to vary what is left open."""
        if self.shuffle is not None:
            self.shuffle.shuffle(items)
        return items
