"""Python's garbage collector, and work that makes very many objects and no cycles."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

DEFERRED_MIN: Final = 10_000
"""Objects from which on it is worth while."""


@contextmanager
def collection_deferred(objects: int) -> Generator[None]:
    """While as many objects are made, which all stay alive, let the collector not look at them again and again.

    It would do so after every few hundred of them, and at all objects of the process each time their number has grown
    by a fourth: most of the time that 100,000 rows take. Threads that do this at the same time do not disturb one
    another, but that it may last until the first of them has done.
    """
    if objects < DEFERRED_MIN or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
