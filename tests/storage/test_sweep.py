"""The sweep of all faults with a stride, so that it takes seconds; ``make sweep-storage`` visits every place."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from disk_script import LENGTH, PATH, open_engine
from disk_sweep import Sweep

from memoradb.storage.check import check
from memoradb.storage.vfs_memory import MemoryVfs


@pytest.fixture(autouse=True)
def segments_of_four_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the script fills many."""
    for name in ("SEGMENT_BYTES", "SEGMENT_BYTES_FIRST"):
        monkeypatch.setattr(f"memoradb.storage.log.open_segment.{name}", 4_096)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_script_does_everything_that_storage_does(seed: int) -> None:
    sweep = Sweep(seed)
    vfs = MemoryVfs()
    script = sweep.script(vfs)
    script.run()
    assert script.operations == LENGTH and script.acknowledged == len(sweep.expected) - 1 > 150
    kinds = {entry.split(" /")[0] for entry in vfs.history}
    assert kinds >= {"mkdir", "create", "write", "preallocate", "sync", "rename", "remove", "sync directory"}
    assert sum("/log/" in entry and entry.startswith("create") for entry in vfs.history) > 3
    assert sum("/metadata/" in entry and entry.startswith("rename") for entry in vfs.history) > 3
    assert check(PATH, vfs).ok and open_engine(vfs).store.state_hash() == sweep.expected[-1]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_crash_loses_nothing_that_was_acknowledged(seed: int) -> None:
    sweep = Sweep(seed)
    sweep.crashes(every=29, images=2)
    assert sweep.tally.failures == [] and sweep.tally.total > 100


def test_a_second_crash_while_recovering_loses_nothing_either() -> None:
    sweep = Sweep(3)
    sweep.crashes(every=97, images=0, doubles=1)
    assert sweep.tally.failures == [] and sweep.tally.images["double crash"] > 20


def test_with_relaxed_durability_a_crash_leaves_a_state_that_there_was() -> None:
    sweep = Sweep(4, durability="relaxed")
    sweep.crashes(every=61, images=1)
    assert sweep.tally.failures == []


def test_an_error_of_the_disk_loses_nothing_that_was_acknowledged() -> None:
    sweep = Sweep(5, length=40)
    sweep.errors(every=29)
    assert sweep.tally.failures == [] and sweep.tally.total > 50


def test_errors_while_recovering_from_an_error_lose_nothing_either() -> None:
    sweep = Sweep(6, length=40)
    sweep.errors(every=211, doubles=True)
    assert sweep.tally.failures == [] and sweep.tally.images["double error"] > 20


def test_a_changed_byte_is_found_or_does_no_harm() -> None:
    sweep = Sweep(7, length=40)
    sweep.flips(every=311)
    assert sweep.tally.failures == [] and sweep.tally.total > 50


def test_the_sweep_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that says it is durable and is not: the sweep has eyes."""
    monkeypatch.setattr("memoradb.storage.vfs_memory.MemoryFile.sync", lambda self: None)
    sweep = Sweep(8, length=40)
    sweep.crashes(every=5, images=1)
    assert sweep.tally.failures
