"""Shortest paths between two bound nodes: see ``bidirectional``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, RaggedColumn, relationship_column
from memoradb.storage.view import Direction

from ..plan.expr import Expr
from .adjacent import arrow, hop_test, with_nodes
from .bidirectional import Allowed, Bidirectional
from .context import Context
from .operator import Frame, Operator
from .var_expand import gathered


@dataclass(eq=False, slots=True)
class ShortestPath(Operator):
    """One shortest path (or ``all`` of them) for each row; rows without one are dropped.

    ``reversed``: the pattern was written with ``<-``, so its list of relationships runs from target to source.
    """

    input: Operator
    source: str
    target: str
    relationship: str
    types: tuple[str, ...]
    direction: Direction
    low: int
    high: int | None
    all: bool = False
    hop_variable: str | None = None
    hop_predicate: Expr | None = None
    reversed: bool = False
    _allowed: Callable[[Batch, Context], IntArray] | None = None
    _reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._allowed, self._reads = hop_test(self.hop_predicate, self.hop_variable)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            batch, (sources, targets) = with_nodes(batch, self.source, self.target)
            if not batch.length:
                continue
            search = Bidirectional(self.types, self.direction, context)
            with context.held() as memory:
                memory.add(search.bytes)
                yield from gathered(self._found(batch, sources, targets, search, context), context.rows_max)

    def _found(
        self, batch: Batch, sources: IntArray, targets: IntArray, search: Bidirectional, context: Context
    ) -> Iterator[Batch]:
        for row, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
            context.check()
            if source == target:
                if self.low == 0:
                    yield self._with_paths(batch, row, np.zeros((1, 0), np.int64))
                continue
            allowed = self._filter(batch, row, context)
            with closing(search.paths(source, target, self.high, allowed, self.all)) as found:
                for paths in found:
                    if paths.shape[1] < self.low:
                        break  # only longer ones than the shortest would do: there is none
                    for start in range(0, len(paths), context.rows_max):
                        yield self._with_paths(batch, row, paths[start : start + context.rows_max])

    def _with_paths(self, batch: Batch, row: int, paths: IntArray) -> Batch:
        """One row with each of its paths."""
        count, hops = paths.shape
        if self.reversed:
            paths = paths[:, ::-1]
        column = RaggedColumn(np.arange(count + 1) * hops, relationship_column(paths.reshape(-1)))
        return batch.take(np.full(count, row, np.int64)).with_columns({self.relationship: column})

    def _filter(self, batch: Batch, row: int, context: Context) -> Allowed | None:
        predicate, hop = self._allowed, self.hop_variable
        if predicate is None:
            return None
        assert hop is not None

        def allowed(relationships: IntArray) -> IntArray:
            rows = np.full(len(relationships), row, np.int64)
            inner = Batch({n: batch.columns[n].take(rows) for n in self._reads}, len(relationships))
            return predicate(inner.with_columns({hop: relationship_column(relationships)}), context)

        return allowed

    @property
    def adjacency(self) -> str:
        return "CSR, bit frontiers from both ends"

    def describe(self) -> str:
        high = "" if self.high is None else self.high
        kind = "all shortest" if self.all else "shortest"
        length = f"*{self.low}..{high}"
        return f"{kind} {arrow(self.source, self.relationship, self.target, self.types, self.direction, (), length)}"
