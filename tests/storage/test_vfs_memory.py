"""The failing disk keeps its own promises: what was synced stays, what was not may be anything legal."""

import pytest

from memoradb.core.errors import DatabaseLocked, DiskFull, StorageError
from memoradb.storage.disk_image import SECTORS, Filler
from memoradb.storage.vfs_memory import Crashed, Fault, MemoryVfs

SECTOR = SECTORS[0]

SEEDS = range(60)


def outcomes(make: object, path: str, filler: Filler = Filler.ZEROS, sector: int = SECTOR) -> set[bytes | None]:
    """What a file may be after a crash, over many seeds."""
    found: set[bytes | None] = set()
    for seed in SEEDS:
        vfs = MemoryVfs(seed)
        vfs.make_directory("/d")
        make(vfs)  # type: ignore[operator]
        after = vfs.crash(sector=sector, filler=filler)
        found.add(after.read(path) if after.exists(path) else None)
    return found


def test_what_was_synced_survives_and_what_was_not_may_be_lost() -> None:
    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        vfs.sync_directory("/d")
        file.append(b"safe ")
        file.sync()
        file.append(b"risky")

    found = outcomes(make, "/d/f")
    assert {b"safe ", b"safe risky"} <= found
    # The length may get to the disk before the bytes do.
    assert all(data and data.rstrip(b"\0") in (b"safe ", b"safe risky") for data in found)


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
    file.sync()  # succeeds, and helps nobody: the pages are marked clean
    assert vfs.read("/f") == b"lost"
    after = {vfs.image(filler=Filler.ZEROS).read("/f") for _ in range(20)}
    assert len(after) == 1 and after <= {b"", bytes(4), b"lost"}


def test_what_a_failed_sync_lost_may_be_lost_for_good() -> None:
    found: set[bytes] = set()
    for seed in SEEDS:
        vfs = MemoryVfs(seed)
        file = vfs.open("/f", create=True)
        vfs.sync_directory("")
        file.append(b"lost")
        vfs.fail_at(vfs.operations + 1, Fault.SYNC)
        with pytest.raises(StorageError):
            file.sync()
        file.sync()
        found.add(vfs.restart().crash(filler=Filler.ZEROS).read("/f"))
    assert {b"", b"lost"} <= found


@pytest.mark.parametrize("sector", SECTORS)
def test_writes_tear_at_the_sectors_of_the_disk(sector: int) -> None:
    def make(vfs: MemoryVfs) -> None:
        file = vfs.open("/d/f", create=True)
        vfs.sync_directory("/d")
        file.write_at(0, bytes(8192))
        file.sync()
        file.write_at(0, b"x" * 8192)

    found = outcomes(make, "/d/f", sector=sector)
    assert len(found) > 3
    for data in found:
        assert data is not None
        assert all(len(set(data[at : at + sector])) == 1 for at in range(0, 8192, sector))


@pytest.mark.parametrize("filler", Filler)
def test_a_file_may_have_grown_without_its_data(filler: Filler) -> None:
    def make(vfs: MemoryVfs) -> None:
        vfs.write_atomically("/d/other", b"secret of another file" * 10)
        file = vfs.open("/d/f", create=True)
        vfs.sync_directory("/d")
        file.append(bytes([255]) * 600)

    grown = {data for data in outcomes(make, "/d/f", filler) if data and data.strip(bytes([255]))}
    assert grown
    if filler is Filler.ZEROS:
        assert all(not data.strip(b"\0\xff") for data in grown)
    if filler is Filler.STALE:
        assert any(b"secret" in data for data in grown)


def test_preallocated_zeros_take_room_and_are_durable_with_the_next_sync() -> None:
    vfs = MemoryVfs()
    vfs.faults.capacity_bytes = 1_000
    file = vfs.open("/f", create=True)
    vfs.sync_directory("")
    file.preallocate(600)
    assert file.size() == 600 and vfs.read("/f") == bytes(600) and vfs.free_bytes("/") == 400
    file.sync()
    file.write_at(10, b"data")
    file.preallocate(100)  # it is longer already
    assert vfs.free_bytes("/") == 400
    for data in {vfs.image(filler=Filler.NOISE).read("/f") for _ in range(20)}:
        assert data in (bytes(600), bytes(10) + b"data" + bytes(586))
    with pytest.raises(DiskFull):
        file.preallocate(1_001)
    assert MemoryVfs().free_bytes("/") is None


def test_a_file_is_written_in_parts_whole_or_not_at_all() -> None:
    vfs = MemoryVfs()
    assert vfs.write_parts("/f", iter([b"one ", b"two"])) == 7 and vfs.read("/f") == b"one two"
    vfs.faults.capacity_bytes = vfs.used_bytes() + 5
    with pytest.raises(DiskFull):
        vfs.write_parts("/f", iter([b"1234", b"5678"]))
    assert vfs.files() == {"/f": b"one two"}  # and nothing temporary keeps the room


@pytest.mark.parametrize(
    ("fault", "kind", "left"),
    [(Fault.EIO, StorageError, b""), (Fault.ENOSPC, DiskFull, b""), (Fault.SHORT, StorageError, b"12")],
)
def test_the_nth_write_fails_as_told(fault: Fault, kind: type[StorageError], left: bytes) -> None:
    vfs = MemoryVfs()
    file = vfs.open("/f", create=True)
    vfs.fail_at(2, fault)
    with pytest.raises(StorageError) as raised:
        file.append(b"1234")
    assert type(raised.value) is kind and vfs.read("/f") == left and vfs.fired == 1
    file.append(b"ok")
    vfs.fail_at(4, fault, persistent=True)
    for _ in range(3):
        with pytest.raises(StorageError):
            file.append(b"1234")


def test_a_short_write_or_a_failing_sync_happens_only_to_what_writes_or_syncs() -> None:
    vfs = MemoryVfs()
    vfs.fail_at(1, Fault.SHORT)
    vfs.fail_at(2, Fault.SYNC)
    file = vfs.open("/f", create=True)
    file.append(b"data")
    assert vfs.fired == 0 and vfs.read("/f") == b"data"


def test_the_nth_read_fails_once() -> None:
    vfs = MemoryVfs()
    vfs.write_atomically("/f", b"data")
    vfs.faults.read_at = 2
    assert vfs.read("/f") == b"data"
    with pytest.raises(StorageError):
        vfs.map("/f")
    assert bytes(vfs.map("/f")) == b"data"


def test_a_killed_process_leaves_everything_visible_and_nothing_more_durable() -> None:
    found: set[bytes] = set()
    for seed in SEEDS:
        vfs = MemoryVfs(seed)
        lock = vfs.lock("/lock")
        file = vfs.open("/f", create=True)
        vfs.sync_directory("")
        file.append(b"data")
        after = vfs.restart()
        assert after.read("/f") == b"data"
        after.lock("/lock")
        lock.release()
        with pytest.raises(Crashed):
            file.append(b"more")
        found.add(after.crash(filler=Filler.ZEROS).read("/f"))
    assert {b"", b"data"} <= found


def test_an_image_can_be_taken_before_every_operation() -> None:
    vfs = MemoryVfs()
    seen: list[tuple[int, list[str]]] = []
    vfs.before = lambda number: seen.append((number, vfs.image().list("/")))
    vfs.write_atomically("/f", b"data")
    assert [number for number, _ in seen] == list(range(1, vfs.operations + 1))
    assert vfs.read("/f") == b"data"


def test_operations_are_counted_and_fail_where_they_are_told_to() -> None:
    vfs = MemoryVfs()
    vfs.fail_at(2, Fault.EIO)
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
