"""Selection: the rows on which a predicate is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray

from ..kernels.compile import compile_predicate
from ..plan.explain import show
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator
from .prefix import prefixed


@dataclass(eq=False, slots=True)
class Filter(Operator):
    """The rows on which ``predicate`` is true."""

    input: Operator
    predicate: Expr
    _positions: Callable[[Batch, Context], IntArray] | None = None

    def __post_init__(self) -> None:
        self._positions = compile_predicate(self.predicate)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        positions = self._positions
        assert positions is not None

        def kept(batch: Batch) -> Batch | None:
            found = positions(batch, context)
            return batch if len(found) == batch.length else batch.take(found) if len(found) else None

        for batch in context.batches(self.input, frame):
            yield from prefixed(batch, kept)

    def describe(self) -> str:
        return show(self.predicate)
