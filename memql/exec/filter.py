"""Selection: the rows on which a predicate is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray
from memoradb.core.errors import MemQLError

from ..kernels.compile import compile_count, compile_predicate
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from .adjacent import with_nodes
from .context import Context
from .operator import Frame, Operator
from .prefix import prefixed


@dataclass(eq=False, slots=True)
class Filter(Operator):
    """The rows on which ``predicate`` is true.

    ``lenient``: rows on which it fails are kept, since a later filter tests them again where it matters. ``live``: the
    columns that are read afterwards; None where all may be.
    """

    input: Operator
    predicate: Expr
    lenient: bool = False
    live: frozenset[str] | None = None
    _positions: Callable[[Batch, Context], IntArray] | None = None
    _count: Callable[[Batch, Context], int] | None = None

    @property
    def makes_rows(self) -> bool:
        return False

    def __post_init__(self) -> None:
        self._positions = compile_predicate(self.predicate)
        if self.live is not None and not self.live and not self.lenient:
            self._count = compile_count(self.predicate)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        positions, count = self._positions, self._count
        assert positions is not None

        def kept(batch: Batch) -> Batch | None:
            if count is not None and batch.row is None and batch.weight is None:
                rows = count(batch, context)  # nothing is read of the rows: which they are does not matter
                return Batch({}, rows) if rows else None
            found = self._found(batch, context) if self.lenient else positions(batch, context)
            if not len(found):
                return None
            batch = batch.narrowed(self.live)
            return batch if len(found) == batch.length else batch.take(found)

        for batch in context.batches(self.input, frame):
            yield from prefixed(batch, kept)

    def _found(self, batch: Batch, context: Context) -> IntArray:
        """The rows on which the predicate is true or fails."""
        assert self._positions is not None
        try:
            return self._positions(batch, context)
        except MemQLError:
            if batch.length == 1:
                return np.zeros(1, np.int64)
        rows = [i for i in range(batch.length) if len(self._found(batch.slice(i, i + 1), context))]
        return np.array(rows, np.int64)

    def describe(self) -> str:
        return show(self.predicate) + (" (or fails)" if self.lenient else "")


@dataclass(eq=False, slots=True)
class BoundNodes(Operator):
    """The rows on which variables are nodes, of a pattern that finds them bound: null matches nothing.

    Anything else there is a TypeMismatch.
    """

    input: Operator
    variables: tuple[str, ...]

    @property
    def makes_rows(self) -> bool:
        return False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        def kept(batch: Batch) -> Batch | None:
            batch, _ = with_nodes(batch, *self.variables)
            return batch if batch.length else None

        for batch in context.batches(self.input, frame):
            yield from prefixed(batch, kept)

    def describe(self) -> str:
        return ", ".join(map(show_variable, self.variables))
