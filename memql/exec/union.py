"""UNION and UNION ALL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from .context import Context
from .distinct import distinct_rows
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class Union(Operator):
    """The rows of all inputs, one after the other; distinct unless ``all``."""

    inputs: tuple[Operator, ...]
    columns: tuple[str, ...]
    all: bool

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        batches = (batch.only(self.columns) for operator in self.inputs for batch in context.batches(operator, frame))
        return batches if self.all else distinct_rows(batches, self.columns, frame, context)

    def describe(self) -> str:
        return "ALL" if self.all else "DISTINCT"
