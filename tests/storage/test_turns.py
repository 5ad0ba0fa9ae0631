"""Whose turn it is."""

from memoradb.core.clock import ManualClock
from memoradb.storage.turns import GIVE_WAY_NS, TURN_NS, Turns


def test_a_writer_gives_way_once_its_turn_is_over_and_not_before() -> None:
    clock, pauses = ManualClock(), []
    turns = Turns(clock, pauses.append)
    clock.advance(TURN_NS - 1)
    turns.end()
    assert pauses == []
    clock.advance(1)
    turns.end()
    turns.end()
    assert pauses == [GIVE_WAY_NS / 1e9]
