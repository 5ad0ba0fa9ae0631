"""UNION and UNION ALL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from .context import Context
from .distinct import Seen
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class Union(Operator):
    """The rows of all inputs, one after the other; distinct unless ``all``."""

    inputs: tuple[Operator, ...]
    columns: tuple[str, ...]
    all: bool

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        seen = None if self.all else Seen(self.columns, frame)
        with context.held() as memory:
            for operator in self.inputs:
                for batch in context.batches(operator, frame):
                    out = batch.only(self.columns) if seen is None else seen.fresh(batch, memory)
                    if out is not None:
                        yield out

    def describe(self) -> str:
        return "ALL" if self.all else "DISTINCT"
