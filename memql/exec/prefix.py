"""The error law: an operator yields its error-free prefix, then raises.

A batch that fails is halved until the rows before the first failing one are known; they go out, then the error comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memoradb.core.batch import Batch
from memoradb.core.errors import MemQLError


def prefixed(batch: Batch, work: Callable[[Batch], Batch | None]) -> Iterator[Batch]:
    """``work`` of ``batch``; on an error of its rows before the first failing one, then the error."""
    try:
        out = work(batch)
    except MemQLError:
        if batch.length == 1:
            raise
        middle = batch.length // 2
        yield from prefixed(batch.slice(0, middle), work)
        yield from prefixed(batch.slice(middle, batch.length), work)
        return
    if out is not None and out.length:
        yield out
