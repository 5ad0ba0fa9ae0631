"""Optimistic work is done again, as often as it may, where it lost."""

from contextlib import nullcontext

import pytest

from memoradb.core.clock import ManualClock
from memoradb.core.errors import ConfigurationError, SnapshotTooOld, TransactionClosed, WriteConflict
from memoradb.core.retry import PAUSE_FIRST_NS, PAUSE_MAX_NS, run_retried
from memoradb.core.rng import SeededRandom


def losing(times, error: type[Exception] = WriteConflict):
    calls = []

    def work(transaction):
        calls.append(transaction)
        if len(calls) <= times:
            raise error("lost")
        return len(calls)

    return work, calls


def retried(begin, work, attempts, clock=None):
    return run_retried(begin, work, attempts, clock or ManualClock(), SeededRandom(1))


def test_work_that_loses_twice_is_done_a_third_time():
    work, calls = losing(2)
    assert retried(lambda: nullcontext("tx"), work, 5) == 3
    assert calls == ["tx"] * 3


def test_the_last_loss_is_told():
    work, calls = losing(9)
    with pytest.raises(WriteConflict):
        retried(lambda: nullcontext(None), work, 3)
    assert len(calls) == 3


def test_a_snapshot_that_was_too_old_is_a_loss_too():
    work, _ = losing(1, SnapshotTooOld)
    assert retried(lambda: nullcontext(None), work, 3) == 2


def test_what_cannot_be_tried_again_is_not():
    work, calls = losing(1, TransactionClosed)
    with pytest.raises(TransactionClosed):
        retried(lambda: nullcontext(None), work, 3)
    assert len(calls) == 1


def test_no_attempt_is_no_choice():
    with pytest.raises(ConfigurationError):
        retried(lambda: nullcontext(None), losing(0)[0], 0)


def test_pauses_are_random_and_their_bound_doubles_up_to_a_limit():
    class Pauses(ManualClock):
        def __init__(self):
            super().__init__()
            self.pauses = []

        def sleep(self, ns):
            self.pauses.append(ns)
            super().sleep(ns)

    clock = Pauses()
    retried(lambda: nullcontext(None), losing(12)[0], 20, clock)
    bounds = [min(PAUSE_FIRST_NS << i, PAUSE_MAX_NS) for i in range(12)]
    assert len(clock.pauses) == 12 and len(set(clock.pauses)) == 12
    assert all(0 <= pause <= bound for pause, bound in zip(clock.pauses, bounds, strict=True))
    assert clock.monotonic_ns() == sum(clock.pauses) > 0
