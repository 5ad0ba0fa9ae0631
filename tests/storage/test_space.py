"""Low disk: no writes while there is still room, deletes from the reserve, and writes again by themselves."""

import sys
from pathlib import Path

import numpy as np
import pytest

from memoradb.core.columns import ListColumn
from memoradb.core.errors import DiskFull
from memoradb.core.limits import DISK_RESERVE_BYTES
from memoradb.storage.changeset import Changeset, NewNodes, SetLabels, SetProperties
from memoradb.storage.space import DiskSpace, only_deletes
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, open_engine

MIB = 1 << 20
ONE = np.array([1], np.int64)


def test_a_disk_that_runs_low_takes_deletes_alone_and_writes_again_when_there_is_room() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    assert engine.space is not None
    commit(engine, lambda view: view.create_nodes(5, ["A"], {}))
    vfs.faults.capacity_bytes = vfs.used_bytes() + 80 * MIB  # an eighth of it is less than the reserve
    reserve = engine.space.reserve
    assert reserve < DISK_RESERVE_BYTES
    vfs.overwrite("/other", bytes(80 * MIB - reserve + 100))
    engine.space.look()
    state = engine.store.state_hash()
    with pytest.raises(DiskFull) as raised:
        commit(engine, lambda view: view.create_nodes(1, ["B"], {}))
    assert raised.value.code == "Neo.TransientError.General.OutOfDisk" and "deletes" in raised.value.message
    assert engine.store.state_hash() == state and engine.metrics()["disk_low"] == 1
    assert engine.snapshot().node_count() == 5  # reads go on
    commit(engine, lambda view: view.delete_nodes(np.array([0, 1], np.int64), detach=True))
    commit(engine, lambda view: view.remove_labels(np.array([2], np.int64), ["A"]))
    with pytest.raises(DiskFull):
        commit(engine, lambda view: view.set_property(Element.NODE, np.array([2], np.int64), "p", ListColumn([1])))
    vfs.remove("/other")
    commit(engine, lambda view: view.create_nodes(1, ["B"], {}))
    assert engine.metrics()["disk_low"] == 0 and engine.snapshot().node_count() == 4
    engine.close()
    assert open_engine(vfs.crash()).snapshot().node_count() == 4


def test_the_disk_is_looked_at_again_after_a_part_of_it_was_written_and_before_anything_is_refused() -> None:
    vfs = MemoryVfs()
    vfs.faults.capacity_bytes = 100 * MIB
    space = DiskSpace(vfs, "/db", 10 * MIB)
    writes = Changeset(new_nodes=(NewNodes(1, 1, (), {}),))
    vfs.overwrite("/f", bytes(50 * MIB))
    for _ in range(3):
        space.admit(writes, MIB)
    vfs.overwrite("/f", bytes(95 * MIB))
    with pytest.raises(DiskFull):
        space.admit(writes, 5 * MIB)
    vfs.overwrite("/f", bytes(50 * MIB))
    space.admit(writes, MIB)


def test_what_deletes_only_is_known_by_its_changeset() -> None:
    assert only_deletes(Changeset(delete_nodes=ONE, delete_relationships=ONE, drop_indexes=("i",)))
    assert only_deletes(Changeset(properties=(SetProperties(Element.NODE, "p", ONE, ListColumn([None])),)))
    assert only_deletes(Changeset(labels=(SetLabels("A", ONE, True),)))
    assert not only_deletes(Changeset(labels=(SetLabels("A", ONE, False),)))
    assert not only_deletes(Changeset(properties=(SetProperties(Element.NODE, "p", ONE, ListColumn([1])),)))
    assert not only_deletes(Changeset(new_nodes=(NewNodes(1, 1, (), {}),)))


def test_a_disk_that_tells_nothing_refuses_nothing() -> None:
    space = DiskSpace(MemoryVfs(), "/db")
    for _ in range(3):
        space.admit(Changeset(new_nodes=(NewNodes(1, 1, (), {}),)), 1 << 30)
    assert space.metrics()["disk_low"] == 0 and "disk_free_bytes" not in space.metrics()
