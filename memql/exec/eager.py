"""Eager: all input before any output, so that a later write cannot disturb an earlier read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from .context import Context, batch_bytes
from .operator import Frame, Operator
from .spill import Place


@dataclass(eq=False, slots=True)
class Eager(Operator):
    """A barrier. What is beyond its share of memory waits in a temporary file."""

    input: Operator

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        held: list[Batch] = []
        rest: list[Place] = []
        with context.held() as memory, context.spill() as spill:
            for batch in context.batches(self.input, frame.whole()):
                if memory.crowded:
                    rest.append(spill.write(batch))
                    continue
                memory.add(batch_bytes(batch))
                held.append(batch)
            yield from held
            yield from spill.read_all(rest)
