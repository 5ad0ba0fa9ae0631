"""Time and chance as arguments."""

import uuid

from memoradb.core.clock import ManualClock, SystemClock
from memoradb.core.rng import SeededRandom, SystemRandom, uuid4


def test_the_machines_clock_never_goes_back():
    clock = SystemClock()
    readings = [clock.monotonic_ns() for _ in range(5)]
    assert readings == sorted(readings)
    assert clock.now_ns() > 1_700_000_000 * 10**9


def test_a_manual_clock_stands_still_until_told():
    clock = ManualClock(100)
    assert (clock.now_ns(), clock.monotonic_ns()) == (100, 0)
    clock.advance(5)
    assert (clock.now_ns(), clock.monotonic_ns()) == (105, 5)


def test_a_seed_gives_the_same_values_and_another_gives_others():
    def draw(seed):
        source = SeededRandom(seed)
        return source.random(), source.bytes(8), uuid4(source)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_chance_is_in_range():
    for source in (SystemRandom(), SeededRandom(3)):
        assert 0 <= source.random() < 1
        assert len(source.bytes(7)) == 7


def test_a_uuid_is_one_of_version_4():
    parsed = uuid.UUID(uuid4(SystemRandom()))
    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


def test_a_seeds_values_are_the_same_in_every_process():
    assert uuid4(SeededRandom(1)) == uuid4(SeededRandom(1))
    assert SeededRandom(1).random() == 0.13436424411240122
