"""Whose turn it is."""

import threading

import pytest

from memoradb.core.clock import ManualClock
from memoradb.storage.turns import GIVE_WAY_NS, TURN_NS, Turns


@pytest.mark.parametrize("threads", [1, 2])
def test_a_writer_gives_way_once_its_turn_is_over_and_not_before(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    clock, pauses = ManualClock(), list[float]()
    turns = Turns(clock, pauses.append)
    clock.advance(TURN_NS - 1)
    turns.end()
    assert pauses == []
    clock.advance(1)
    turns.end()
    turns.end()
    assert pauses == [GIVE_WAY_NS / 1e9] * (threads - 1)
