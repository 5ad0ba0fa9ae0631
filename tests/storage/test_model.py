"""Random transactions against plain dictionaries: snapshots on the way never change, reopening changes nothing."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from world import World


def run(seed: int, length: int) -> None:
    world = World(seed)
    for _ in range(length):
        world.transact()
        if world.choice.random() < 0.5:
            world.disturb()
        if world.choice.random() < 0.3:
            world.check()
    world.check()
    world.reopen(clean=True)
    world.check()


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_store_is_what_a_dictionary_of_elements_would_be(seed: int) -> None:
    run(seed, 12)


@pytest.mark.parametrize("seed", range(3))
def test_long_runs_with_snapshots_checkpoints_and_crashes(seed: int) -> None:
    run(seed, 60)
