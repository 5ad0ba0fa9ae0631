"""Optimistic work is done again, as often as it may, where it lost."""

from contextlib import nullcontext

import pytest

from memoradb.core.errors import ConfigurationError, TransactionClosed, WriteConflict
from memoradb.core.retry import run_retried


def losing(times, error: type[Exception] = WriteConflict):
    calls = []

    def work(transaction):
        calls.append(transaction)
        if len(calls) <= times:
            raise error("lost")
        return len(calls)

    return work, calls


def test_work_that_loses_twice_is_done_a_third_time():
    work, calls = losing(2)
    assert run_retried(lambda: nullcontext("tx"), work, 5) == 3
    assert calls == ["tx"] * 3


def test_the_last_loss_is_told():
    work, calls = losing(9)
    with pytest.raises(WriteConflict):
        run_retried(lambda: nullcontext(None), work, 3)
    assert len(calls) == 3


def test_what_cannot_be_tried_again_is_not():
    work, calls = losing(1, TransactionClosed)
    with pytest.raises(TransactionClosed):
        run_retried(lambda: nullcontext(None), work, 3)
    assert len(calls) == 1


def test_no_attempt_is_no_choice():
    with pytest.raises(ConfigurationError):
        run_retried(lambda: nullcontext(None), losing(0)[0], 0)
