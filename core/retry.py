"""Optimistic work: run it again where another transaction was first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from .errors import ConfigurationError, TransactionError

X = TypeVar("X")
T = TypeVar("T")


def run_retried(begin: Callable[[], AbstractContextManager[X]], work: Callable[[X], T], attempts: int) -> T:
    """``work`` in a transaction of ``begin``'s, again where that lost to another one, ``attempts`` times at most.

    Raises:
        TransactionError: it lost every time, or cannot be tried again.
        ConfigurationError: less than one attempt was asked for.
    """
    for attempt in range(1, attempts + 1):
        try:
            with begin() as transaction:
                return work(transaction)
        except TransactionError as error:
            if not error.retryable or attempt == attempts:
                raise
    raise ConfigurationError("attempts must be at least 1.")
