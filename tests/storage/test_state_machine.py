"""Transactions, checkpoints, crashes, kills, errors, restarts and time travel in any order, against plain dictionaries.

After each step the graph is what the model says; after a crash in the middle of a commit it is what it was before or
what it would have been after; and whatever was committed can still be read as of then, with the state hash it had.
"""

import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from memoradb.core.errors import ReadOnlyDatabase, StorageError
from memoradb.storage.check import check as check_files
from memoradb.storage.integrity import inconsistencies
from memoradb.storage.vfs_memory import Crashed, Fault

sys.path.insert(0, str(Path(__file__).parent))

from graph_model import check
from workload import PATH, open_engine
from world import World

SEEDS = st.integers(0, 1 << 32)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGMENT_BYTES", "SEGMENT_BYTES_FIRST"):
        monkeypatch.setattr(f"memoradb.storage.log.open_segment.{name}", 4_096)


class Storage(RuleBasedStateMachine):
    """One database through its life."""

    @initialize(seed=SEEDS)
    def make(self, seed: int) -> None:
        self.world = World(seed)

    def _seeded(self, seed: int) -> World:
        self.world.choice = random.Random(seed)
        return self.world

    # --- what users do

    @rule(seed=SEEDS)
    def transact(self, seed: int) -> None:
        self._seeded(seed).transact()

    @rule(seed=SEEDS)
    def toggle_an_index(self, seed: int) -> None:
        world = self._seeded(seed)
        world.toggle_index()
        world.past.append((world.engine.position, world.engine.store.state_hash(), world.model.copy()))

    @rule()
    def checkpoint(self) -> None:
        self.world.engine.checkpoint()

    @rule()
    def rest(self) -> None:
        self.world.engine.rest()

    @rule()
    def settle(self) -> None:
        self.world.engine.settle()

    @rule()
    def keep_a_snapshot(self) -> None:
        self.world.kept = [*self.world.kept[-2:], (self.world.engine.snapshot(), self.world.model.copy())]

    @precondition(lambda self: self.world.past)
    @rule(seed=SEEDS)
    def travel_in_time(self, seed: int) -> None:
        position, state, model = random.Random(seed).choice(self.world.past)
        view = self.world.engine.history.at(position)
        check(view, model)
        assert view.state_hash() == state

    # --- what happens to them

    def _reopen(self, kept: bool = False) -> None:
        if not kept:
            self.world.kept = []
        self.world.engine = open_engine(self.world.vfs)

    @rule()
    def close_and_open(self) -> None:
        state = self.world.engine.store.state_hash()
        self.world.engine.close()
        self._reopen()
        assert self.world.engine.store.state_hash() == state

    @rule(power=st.booleans())
    def stop_between_commits(self, power: bool) -> None:
        """Power is lost, or the process is killed."""
        state = self.world.engine.store.state_hash()
        self.world.vfs = self.world.vfs.crash() if power else self.world.vfs.restart()
        self._reopen()
        assert self.world.engine.store.state_hash() == state

    @rule(seed=SEEDS, soon=st.integers(1, 6))
    def lose_power_in_a_commit(self, seed: int, soon: int) -> None:
        world = self._seeded(seed)
        before = world.engine.store.state_hash()
        world.vfs.faults.crash_at = world.vfs.operations + soon
        try:
            world.transact()
            before = world.engine.store.state_hash()
            world.engine.checkpoint()
        except Crashed:
            pass
        world.vfs = world.vfs.crash()
        self._reopen()
        self._settle_commit_under_way(before)

    @rule(seed=SEEDS, soon=st.integers(1, 6), fault=st.sampled_from([Fault.EIO, Fault.ENOSPC, Fault.SHORT, Fault.SYNC]))
    def let_the_disk_fail(self, seed: int, soon: int, fault: Fault) -> None:
        world = self._seeded(seed)
        before = world.engine.store.state_hash()
        fired = world.vfs.fired
        world.vfs.fail_at(world.vfs.operations + soon, fault)
        try:
            world.transact()
            before = world.engine.store.state_hash()
            world.engine.checkpoint()
        except StorageError:
            assert world.vfs.fired > fired
        world.vfs.faults.at.clear()
        # What readers see is what was acknowledged, whether the engine goes on or not.
        world.vfs = world.vfs.crash()
        self._reopen()
        self._settle_commit_under_way(before)

    def _settle_commit_under_way(self, before: bytes) -> None:
        """The commit that nobody was told of is there whole, or not at all."""
        world = self.world
        found = world.engine.store.state_hash()
        if found != before:
            assert world.under_way is not None
            world.model = world.under_way
            world.past.append((world.engine.position, found, world.model.copy()))
        world.under_way = None
        check(world.engine.snapshot(), world.model)

    # --- what must be so

    @invariant()
    def everything_agrees(self) -> None:
        if not hasattr(self, "world"):
            return
        engine = self.world.engine
        check(engine.snapshot(), self.world.model)
        for snapshot, model in self.world.kept[-1:]:
            check(snapshot, model)
        assert list(inconsistencies(engine.store)) == []

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.engine.close()
        except ReadOnlyDatabase:
            return
        assert check_files(PATH, self.world.vfs).problems == []


Storage.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestStorage = Storage.TestCase
