"""The operating system's file system behind the interface, and that nothing goes past it."""

import ast
import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from memoradb.core.errors import CorruptionError, DatabaseLocked, DiskFull, StorageError
from memoradb.storage.vfs import RealVfs, _seek_and_write, translate

ROOT = Path(__file__).parents[2] / "storage"


def test_only_one_module_of_storage_can_reach_the_disk() -> None:
    for path in ROOT.rglob("*.py"):
        if path.name == "vfs.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {"os", "io", "mmap", "tempfile", "shutil", "pathlib"}.isdisjoint(names), path
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            assert called != "open", path


def test_appending_syncing_and_truncating(tmp_path: Path) -> None:
    vfs = RealVfs()
    path = str(tmp_path / "file")
    file = vfs.open(path, create=True)
    file.append(b"hello ")
    file.append(b"world")
    file.sync()
    assert file.size() == 11 and vfs.read(path) == b"hello world"
    file.truncate(5)
    file.append(b"!")
    file.close()
    assert vfs.read(path) == b"hello!" and bytes(vfs.map(path)) == b"hello!"
    again = vfs.open(path)
    again.append(b"?")
    again.close()
    assert vfs.read(path) == b"hello!?"


def test_an_empty_file_can_be_mapped_and_a_map_cannot_be_written(tmp_path: Path) -> None:
    vfs = RealVfs()
    (tmp_path / "empty").touch()
    assert len(vfs.map(str(tmp_path / "empty"))) == 0
    (tmp_path / "full").write_bytes(b"x")
    assert vfs.map(str(tmp_path / "full")).readonly


def test_an_atomic_write_replaces_the_whole_file_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    vfs = RealVfs()
    path = str(tmp_path / "deep" / "er" / "file")
    vfs.make_directory(os.path.dirname(path))
    vfs.write_atomically(path, b"one")
    vfs.write_atomically(path, b"two")
    assert vfs.read(path) == b"two" and vfs.list(os.path.dirname(path)) == ["file"]
    vfs.remove(path)
    vfs.remove(path)
    assert not vfs.exists(path) and vfs.list(str(tmp_path / "none")) == []


def test_writing_at_an_offset_into_preallocated_zeros(tmp_path: Path) -> None:
    vfs = RealVfs()
    path = str(tmp_path / "file")
    file = vfs.open(path, create=True)
    file.append(b"head")
    file.preallocate(3 << 20)
    file.preallocate(10)  # it is longer already
    assert file.size() == 3 << 20 == os.path.getsize(path)
    assert os.stat(path).st_blocks * 512 >= 3 << 20  # it has its place on the disk
    file.write_at(4, b"tail")
    file.sync()
    assert file.size() == 3 << 20 and vfs.read(path) == b"headtail" + bytes((3 << 20) - 8)
    file.write_at((3 << 20) - 1, b"ab")
    assert file.size() == (3 << 20) + 1
    file.append(b"c")
    file.close()
    assert vfs.read(path).endswith(b"abc")


def test_a_file_is_written_in_parts_and_nothing_stays_where_that_fails(tmp_path: Path) -> None:
    vfs = RealVfs()
    path = str(tmp_path / "file")
    assert vfs.write_parts(path, iter([b"one ", b"two"])) == 7 and vfs.read(path) == b"one two"

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        vfs.write_parts(path, broken())
    assert vfs.read(path) == b"one two" and vfs.list(str(tmp_path)) == ["file"]


def test_free_room_is_told_where_it_is_known(tmp_path: Path) -> None:
    free = RealVfs().free_bytes(str(tmp_path))
    assert free is not None and free > 0
    assert RealVfs().free_bytes(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StorageError)]
)
def test_errors_of_the_operating_system_become_ours(number: int, kind: type[StorageError]) -> None:
    error = translate(OSError(number, os.strerror(number)), "some/file")
    assert type(error) is kind and "some/file" in error.message


def test_what_is_missing_is_an_error_of_storage(tmp_path: Path) -> None:
    vfs = RealVfs()
    for use in (vfs.read, vfs.map, vfs.open, vfs.sync_directory):
        with pytest.raises(StorageError):
            use(str(tmp_path / "none"))
    with pytest.raises(StorageError):
        vfs.write_atomically(str(tmp_path / "none" / "file"), b"")


def test_a_lock_is_exclusive_names_its_holder_and_can_be_taken_again(tmp_path: Path) -> None:
    vfs = RealVfs()
    lock = vfs.lock(str(tmp_path / "lock"))
    with pytest.raises(DatabaseLocked, match=str(os.getpid())):
        vfs.lock(str(tmp_path / "lock"))
    lock.release()
    lock.release()
    vfs.lock(str(tmp_path / "lock")).release()


def test_a_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = RealVfs().open(str(tmp_path / "file"), create=True)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        with pytest.raises(DiskFull):
            file.append(bytes(2_000))
        assert file.size() == 1_000  # a part may be there: the log takes it back
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
        file.close()


PAGES = 4 * mmap.PAGESIZE


def a_file_of_pages(tmp_path: Path) -> str:
    path = tmp_path / "pages"
    path.write_bytes(bytes(range(256)) * (PAGES // 256) + b"tail")
    return str(path)


@pytest.mark.parametrize("maps", [True, False])
def test_a_file_takes_the_place_of_memory_and_what_is_written_there_later_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps: bool
) -> None:
    if not maps:  # as on a system that cannot
        monkeypatch.setattr("memoradb.storage.vfs._mapped_over", lambda *_: 0)
    path = a_file_of_pages(tmp_path)
    before = Path(path).read_bytes()
    region = mmap.mmap(-1, 2 * PAGES)
    target = memoryview(region)[: PAGES + 4]
    target[:] = b"\1" * len(target)
    RealVfs().map_over(path, 0, target)
    assert target == before
    target[5:9] = b"mine"
    os.remove(path)
    assert target == before[:5] + b"mine" + before[9:]
    assert not any(memoryview(region)[len(target) :])


@pytest.mark.parametrize(("offset", "begin"), [(1, 0), (mmap.PAGESIZE, 1), (mmap.PAGESIZE, 0)])
def test_what_begins_at_no_page_is_copied(tmp_path: Path, offset: int, begin: int) -> None:
    path = a_file_of_pages(tmp_path)
    target = memoryview(mmap.mmap(-1, PAGES))[begin : begin + mmap.PAGESIZE + 3]
    RealVfs().map_over(path, offset, target)
    assert target == Path(path).read_bytes()[offset : offset + len(target)]


def test_a_file_that_is_shorter_than_the_memory_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(CorruptionError, match="cut off"):
        RealVfs().map_over(a_file_of_pages(tmp_path), 4096, memoryview(mmap.mmap(-1, PAGES)))


def test_without_positioned_writes_a_file_is_written_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.vfs._write_at", _seek_and_write)
    file = RealVfs().open(str(tmp_path / "file"), create=True)
    file.append(b"hello world")
    file.write_at(6, b"there")
    file.append(b"!")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"hello there!"
