"""The C heap under numpy: arrays of a megabyte that come and go with every statement.

glibc gives what is freed at the end of its heap back to the system, 128 KB of it or twice the largest array; the next
statement gets the pages one fault after the other, which costs more than what is computed on them (decision 0022).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Final

KEPT_BYTES: Final = 64 << 20
"""Freed memory that the process keeps, at most."""

MAPPED_BYTES: Final = 32 << 20
"""Arrays from this size on are mapped by themselves, and given back when they are freed."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_OWN_SETTINGS: Final = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory(environment: Mapping[str, str]) -> bool:
    """Let the heap keep what statements free; whether it does.

    Only glibc is asked, and not where ``environment`` has settings for it: who made them knows better.
    """
    return not any(name in environment for name in _OWN_SETTINGS) and _ask()


def give_back_freed_memory() -> None:
    """Let the system have all that is free now: after work that needed much and will not come again soon."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # another library may have functions of the same names
    except (AttributeError, OSError, TypeError):
        return None
    return library


@cache
def _ask() -> bool:
    library = _glibc()
    if library is None:
        return False
    return bool(library.mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)) and bool(library.mallopt(_TRIM_THRESHOLD, KEPT_BYTES))
