"""Manifests and data files: sharing, collecting, verifying."""

import numpy as np
import pytest

from memoradb.core.errors import CorruptionError
from memoradb.storage.checkpoint.manifest import (
    Manifest,
    collect,
    manifest_numbers,
    open_checkpoint,
    read_manifest,
    verify_checkpoint,
    write_checkpoint,
)
from memoradb.storage.log.groups import GroupState
from memoradb.storage.log.place import LogPlace
from memoradb.storage.section import Section
from memoradb.storage.vfs_memory import MemoryVfs

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"


def sections(*numbers: int) -> list[Section]:
    return [Section(f"nodes/property-{i}", {"data": np.full(50, n)}) for i, n in enumerate(numbers)]


def write(vfs: MemoryVfs, position: int, *numbers: int) -> Manifest:
    place = LogPlace(1, 100, position, 7, (GroupState(0, position),))
    return write_checkpoint(vfs, "/db", sections(*numbers), UUID, place).manifest


def test_a_checkpoint_is_opened_as_it_was_written_and_shares_what_did_not_change() -> None:
    vfs = MemoryVfs()
    first = write(vfs, 5, 1, 2, 3)
    second = write(vfs, 9, 1, 20, 3)
    assert read_manifest(vfs, "/db", 2) == second and second.position == 9
    paths = [[file.path for file in m.files] for m in (first, second)]
    assert [a == b for a, b in zip(*paths, strict=True)] == [True, False, True]
    assert len(vfs.list("/db/nodes")) == 4
    found = open_checkpoint(vfs, "/db", second)
    assert [int(found[f"nodes/property-{i}"].arrays["data"][0]) for i in range(3)] == [1, 20, 3]
    assert verify_checkpoint(vfs, "/db", second) == []


def test_files_that_no_kept_manifest_names_go() -> None:
    vfs = MemoryVfs()
    for i in range(5):
        write(vfs, i, i, 100)
    vfs.write_atomically("/db/nodes/property-0-0123456789abcdef.bin.tmp", b"left by a crash")
    vfs.write_atomically("/db/nodes/holiday.jpg", b"not ours")
    write(vfs, 6, 6, 100)
    collect(vfs, "/db", {5, 6})
    assert manifest_numbers(vfs, "/db") == [5, 6]
    assert len([n for n in vfs.list("/db/nodes") if n.endswith(".bin")]) == 3
    assert "holiday.jpg" in vfs.list("/db/nodes") and not any(n.endswith(".tmp") for n in vfs.list("/db/nodes"))


def attempt(vfs: MemoryVfs) -> Manifest | CorruptionError:
    try:
        return read_manifest(vfs, "/db", 1)
    except CorruptionError as error:
        return error


def test_any_damage_to_a_manifest_is_noticed() -> None:
    vfs = MemoryVfs()
    right = write(vfs, 5, 1)
    path = "/db/metadata/snapshot-000001.json"
    raw = vfs.read(path)
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 0x01
        vfs.overwrite(path, bytes(changed))
        found = attempt(vfs)
        if isinstance(found, CorruptionError):
            assert found.file == path
        else:
            assert found == right  # a blank became another blank


def test_a_manifest_under_another_number_is_not_believed() -> None:
    vfs = MemoryVfs()
    write(vfs, 5, 1)
    vfs.write_atomically("/db/metadata/snapshot-000002.json", vfs.read("/db/metadata/snapshot-000001.json"))
    with pytest.raises(CorruptionError):
        read_manifest(vfs, "/db", 2)


def test_missing_short_and_damaged_files_are_told_apart() -> None:
    vfs = MemoryVfs()
    manifest = write(vfs, 5, 1, 2, 3)
    paths = [f"/db/{file.path}" for file in manifest.files]
    vfs.remove(paths[0])
    vfs.overwrite(paths[1], vfs.read(paths[1])[:-1])
    vfs.overwrite(paths[2], vfs.read(paths[2])[:-1] + b"\1")
    assert [error.file for error in verify_checkpoint(vfs, "/db", manifest)] == paths
    with pytest.raises(CorruptionError, match="missing"):
        open_checkpoint(vfs, "/db", manifest)
