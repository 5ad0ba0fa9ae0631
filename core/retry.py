"""Optimistic work: run it again where another transaction was first.

Losers that begin again at once meet again: each waits a random while first, up to a bound that doubles with every loss
("full jitter"), so that even many contenders for one element soon come one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, TypeVar

from .clock import Clock
from .errors import ConfigurationError, MemoraDBError
from .rng import Random

X = TypeVar("X")
T = TypeVar("T")

ATTEMPTS: Final = 10
"""How often work is tried unless told otherwise: with the pauses below, for about a quarter of a second."""

PAUSE_FIRST_NS: Final = 1_000_000
"""Bound of the pause after the first loss: a transaction takes about as long."""

PAUSE_MAX_NS: Final = 100_000_000
"""Bound of any pause."""


def run_retried(
    begin: Callable[[], AbstractContextManager[X]],
    work: Callable[[X], T],
    attempts: int,
    clock: Clock,
    random: Random,
) -> T:
    """``work`` in a transaction of ``begin``'s, again where that lost to another one, ``attempts`` times at most.

    Raises:
        MemoraDBError: it lost every time, or cannot be tried again.
        ConfigurationError: less than one attempt was asked for.
    """
    for attempt in range(1, attempts + 1):
        try:
            with begin() as transaction:
                return work(transaction)
        except MemoraDBError as error:
            if not error.retryable or attempt == attempts:
                raise
        clock.sleep(int(random.random() * min(PAUSE_FIRST_NS << (attempt - 1), PAUSE_MAX_NS)))
    raise ConfigurationError("attempts must be at least 1.")
