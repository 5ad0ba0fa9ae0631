"""The root of a plan: result columns in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class ProduceResults(Operator):
    """Only the columns of the result, in order. Without columns rows are drained for their effects."""

    input: Operator
    columns: tuple[tuple[str, str], ...]

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            if self.columns:
                # Two result columns may show one variable: number them apart.
                columns = {f"{i}": batch.columns[v] for i, (_, v) in enumerate(self.columns)}
                yield Batch(columns, batch.length, batch.row, batch.weight)

    def describe(self) -> str:
        return ", ".join(name for name, _ in self.columns)
