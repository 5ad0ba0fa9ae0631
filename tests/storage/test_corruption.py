"""Bytes change behind the database's back: an error that names the place, or no harm, and never a wrong answer."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory, StorageError
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Direction, Element, RangeBound

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, UUID, commit, open_engine, run_until_failure

POSITIONS = 500
"""Bytes that the sweep damages, spread over all files."""


@pytest.fixture(scope="module")
def closed() -> MemoryVfs:
    """A database that was closed, with more in its log than its checkpoint holds."""
    vfs = MemoryVfs(7)
    run_until_failure(vfs)
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(2, ["Tail"], {}))
    engine.rest()
    engine._idle = None
    engine._sequencer.close()  # as a crash after a moment of idleness: no checkpoint, but a superblock
    assert engine._lock is not None
    engine._lock.release()
    return vfs


def everything(engine: Engine) -> tuple[object, ...]:
    """What a reader can ask: elements, adjacency, indexes."""
    view = engine.snapshot()
    found = view.expand(np.asarray(view.nodes().to_array(), np.int64), None, Direction.BOTH)
    names = [definition.name for definition in view.indexes()]
    return (
        engine.store.state_hash(),
        found.node.tolist(),
        view.ids(Element.RELATIONSHIP, found.relationship).tolist(),
        names,
        view.index_seek("one_name", ["Ana", "Di"])[1].tolist(),
        view.index_range("one_name", RangeBound("A", True), None).tolist(),
        view.text_search("words", "cat OR date").slots.tolist(),
        view.vector_search("near", [1.0, 0.1], 5).slots.tolist(),
    )


def attempt(vfs: MemoryVfs) -> tuple[object, ...] | StorageError:
    """Everything that can be read of the database, or why it cannot."""
    try:
        return everything(open_engine(vfs))
    except (CorruptionError, ForeignDirectory) as error:
        return error


def damage(vfs: MemoryVfs) -> Iterator[tuple[str, int, bytes]]:
    """(file, offset, bytes afterwards): every byte of small files, some of large ones, in several ways."""
    files = {path: data for path, data in vfs.files().items() if data}
    step = max(1, sum(len(data.rstrip(b"\0")) for data in files.values()) // POSITIONS)
    choice = random.Random(3)
    for path, data in files.items():
        if path.endswith("/lock"):
            continue
        used = len(data.rstrip(b"\0"))  # segments have zeros at their end
        for offset in range(choice.randrange(step), used, step if used > 400 else max(1, step // 8)):
            changed = bytearray(data)
            changed[offset] ^= choice.choice((0x01, 0x10, 0x80, 0xFF))
            yield path, offset, bytes(changed)
        for size in {0, used // 2, used - 1}:
            yield path, size, data[:size]
        yield path, 0, bytes(len(data))


def test_a_damaged_byte_anywhere_is_an_error_or_harmless_but_never_a_wrong_answer(closed: MemoryVfs) -> None:
    right = everything(open_engine(closed.copy()))
    outcomes = {"error": 0, "harmless": 0}
    for path, offset, data in damage(closed):
        vfs = closed.copy()
        vfs.overwrite(path, data)
        found = attempt(vfs)
        if isinstance(found, CorruptionError):
            assert found.file.startswith(PATH) and found.offset_bytes >= 0, (path, offset, found)
        elif isinstance(found, ForeignDirectory):
            assert PATH in found.message, (path, offset, found)
        else:
            assert found == right, (path, offset)
        outcomes["error" if isinstance(found, StorageError) else "harmless"] += 1
    assert outcomes["error"] > 100 and outcomes["harmless"] > 20


def test_the_check_reports_what_opening_passes_over(closed: MemoryVfs) -> None:
    assert check(PATH, closed.copy()).ok
    for path, data in closed.files().items():
        if "/log/" in path or path.endswith(".bin"):
            vfs = closed.copy()
            middle = bytearray(data)
            middle[len(data.rstrip(b"\0")) // 2] ^= 0x40  # segments have zeros at their end
            vfs.overwrite(path, bytes(middle))
            try:
                report = check(PATH, vfs)
            except StorageError:
                continue
            assert not report.ok, path
            assert report.problems[0].file == path
            assert f"  ! {path}" in report.text()


def test_a_missing_file_is_noticed(closed: MemoryVfs) -> None:
    right = everything(open_engine(closed.copy()))
    for path in closed.files():
        if path.endswith(("/lock", "/superblock.json")):
            continue
        vfs = closed.copy()
        vfs.remove(path)
        found = attempt(vfs)
        assert PATH in found.message if isinstance(found, StorageError) else found == right, path


def test_a_damaged_newest_checkpoint_is_passed_over_for_an_older_one_or_the_log(closed: MemoryVfs) -> None:
    right = everything(open_engine(closed.copy()))
    manifests = sorted(path for path in closed.files() if "/metadata/" in path)
    assert len(manifests) == 2
    vfs = closed.copy()
    for path in reversed(manifests):
        vfs.overwrite(path, b"{}")
        assert everything(open_engine(vfs.copy())) == right
    # Writing the next checkpoint does not trip over the damaged ones.
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(1, ["New"], {}))
    engine.close()
    assert "New" in open_engine(vfs).snapshot().labels()


FUTURE = b'{"format":7,"number":99,"anything":["else"],"crc32c":0}'
FUTURE_MANIFEST = FUTURE.replace(b'"crc32c":0', b'"crc32c":%d' % crc32c(FUTURE))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/db/memoradb.json", b'{"format": 2, "uuid": "%s"}' % UUID.encode()),
        ("/db/metadata/snapshot-000099.json", FUTURE_MANIFEST),
    ],
)
def test_a_version_from_the_future_is_refused_with_a_sentence(path: str, data: bytes, closed: MemoryVfs) -> None:
    vfs = closed.copy()
    if path in vfs.files():
        vfs.overwrite(path, data)
    else:
        vfs.write_atomically(path, data)
    with pytest.raises(ForeignDirectory) as raised:
        open_engine(vfs)
    assert "format" in raised.value.message and raised.value.hint is not None


def test_an_identity_of_another_database_is_not_believed(closed: MemoryVfs) -> None:
    vfs = closed.copy()
    vfs.overwrite("/db/memoradb.json", b'{"format":1,"uuid":"11111111-1111-4111-8111-111111111111"}')
    with pytest.raises(ForeignDirectory, match="another database"):
        open_engine(vfs)
