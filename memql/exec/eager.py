"""Eager: all input before any output, so that a later write cannot disturb an earlier read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from .context import Context, batch_bytes
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class Eager(Operator):
    """A barrier."""

    input: Operator

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        held: list[Batch] = []
        with context.held() as memory:
            for batch in context.batches(self.input, frame.whole()):
                memory.add(batch_bytes(batch))
                held.append(batch)
            yield from held
