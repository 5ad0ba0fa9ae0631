"""The failing disk keeps its own promises: what was synced stays, what was not may be anything legal."""

import pytest

from memoradb.core.errors import DatabaseLocked, DiskFull, StorageError
from memoradb.storage.vfs_memory import SECTOR, Crashed, MemoryVfs

SEEDS = range(60)


def outcomes(make: object, path: str) -> set[bytes | None]:
    """What a file may be after a crash, over many seeds."""
    found: set[bytes | None] = set()
    for seed in SEEDS:
        vfs = MemoryVfs(seed)
        vfs.make_directory("/d")
        make(vfs)  # type: ignore[operator]
        after = vfs.crash()
        found.add(after.read(path) if after.exists(path) else None)
    return found


def test_what_was_synced_survives_and_what_was_not_may_be_lost() -> None:
    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        vfs.sync_directory("/d")
        file.append(b"safe ")
        file.sync()
        file.append(b"risky")

    assert outcomes(make, "/d/f") == {b"safe ", b"safe risky"}


def test_a_name_is_durable_only_when_its_directory_was_synced() -> None:
    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        file.append(b"data")
        file.sync()

    assert outcomes(make, "/d/f") == {None, b"data"}


def test_a_rename_may_be_lost_without_a_sync_of_the_directory_but_never_tears() -> None:
    def make(vfs: MemoryVfs, sync: bool = False) -> None:
        vfs.write_atomically("/d/f", b"old")
        vfs.write_atomically("/d/f", b"new", sync_directory=sync)

    assert outcomes(make, "/d/f") == {b"old", b"new"}
    assert outcomes(lambda vfs: make(vfs, True), "/d/f") == {b"new"}


def test_a_write_tears_at_sectors_and_later_writes_may_survive_earlier_ones() -> None:
    first, second = b"a" * (2 * SECTOR), b"b" * SECTOR

    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        vfs.sync_directory("/d")
        file.append(first)
        file.append(second)

    found = outcomes(make, "/d/f")
    assert {b"", first + second, first} <= found
    assert bytes(2 * SECTOR) + second in found  # a hole, filled with zeros
    assert any(data and data[:SECTOR] == b"a" * SECTOR and data[SECTOR : 2 * SECTOR] == bytes(SECTOR) for data in found)


def test_a_truncation_may_be_lost() -> None:
    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        file.append(b"123456")
        file.sync()
        vfs.sync_directory("/d")
        file.truncate(3)

    assert outcomes(make, "/d/f") == {b"123456", b"123"}


def test_a_full_disk_takes_what_fits() -> None:
    vfs = MemoryVfs()
    vfs.faults.capacity_bytes = 10
    file = vfs.open("/f", create=True)
    file.append(b"12345678")
    with pytest.raises(DiskFull):
        file.append(b"abcdef")
    assert vfs.read("/f") == b"12345678ab" and file.size() == 10
    with pytest.raises(DiskFull):
        vfs.write_atomically("/g", b"x")


def test_a_failed_sync_loses_what_was_pending() -> None:
    vfs = MemoryVfs()
    file = vfs.open("/f", create=True)
    vfs.sync_directory("")
    file.append(b"lost")
    vfs.faults.fail_syncs = True
    with pytest.raises(StorageError):
        file.sync()
    vfs.faults.fail_syncs = False
    file.sync()
    assert vfs.read("/f") == b"lost"


def test_operations_are_counted_and_fail_where_they_are_told_to() -> None:
    vfs = MemoryVfs()
    vfs.faults.fail_at[2] = StorageError("Input/output error.")
    vfs.faults.crash_at = 4
    file = vfs.open("/f", create=True)
    with pytest.raises(StorageError):
        file.append(b"x")
    file.append(b"y")
    with pytest.raises(Crashed):
        file.sync()
    with pytest.raises(Crashed):
        file.append(b"z")
    assert vfs.history == ["create /f", "append /f", "append /f", "sync /f"]
    assert vfs.read("/f") == b"y"


def test_the_same_seed_gives_the_same_crash() -> None:
    def crashed(seed: int) -> dict[str, bytes]:
        vfs = MemoryVfs(seed)
        file = vfs.open("/f", create=True)
        vfs.sync_directory("")
        for i in range(10):
            file.append(bytes([i]) * 700)
        return vfs.crash().files()

    assert crashed(5) == crashed(5) and crashed(5) != crashed(6)


def test_a_lock_is_exclusive_until_released_or_the_machine_dies() -> None:
    vfs = MemoryVfs()
    lock = vfs.lock("/lock")
    with pytest.raises(DatabaseLocked):
        vfs.lock("/lock")
    lock.release()
    lock.release()
    vfs.lock("/lock")
    vfs.crash().lock("/lock").release()
