"""Whose directory it is: foreign files, half-made databases, two openers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import memoradb
from memoradb.core.errors import CorruptionError, DatabaseLocked, ForeignDirectory
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import Crashed, MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, UUID, commit, open_engine


def tree(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_directory_with_anything_else_in_it_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    before = tree(tmp_path)
    with pytest.raises(ForeignDirectory, match=r"thesis\.txt") as raised:
        Engine.open(str(tmp_path))
    assert raised.value.hint is not None
    assert tree(tmp_path) == before and os.listdir(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("where", ["", "log/"])
def test_a_foreign_file_in_the_data_directory_is_refused_and_not_touched(where: str, tmp_path: Path) -> None:
    path = tmp_path / "db"
    with memoradb.open(path) as database:
        database.execute("CREATE (:A)")
    stranger = path / f"{where}notes.txt"
    stranger.write_text("mine")
    before = tree(path)
    with pytest.raises(ForeignDirectory, match=r"notes\.txt"):
        memoradb.open(path)
    after = tree(path)
    assert {k: v for k, v in after.items() if k != "lock"} == {k: v for k, v in before.items() if k != "lock"}
    stranger.unlink()
    with memoradb.open(path) as database:
        assert len(database.execute("MATCH (n) RETURN n").rows) == 1


def test_a_foreign_file_beside_the_data_files_survives_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "db"
    for i in range(4):
        with memoradb.open(path) as database:
            database.execute("CREATE (:A {i: $i})", {"i": i})
            (path / "nodes" / "readme.txt").parent.mkdir(exist_ok=True)
            (path / "nodes" / "readme.txt").write_text("mine")
    assert (path / "nodes" / "readme.txt").read_text() == "mine"
    assert len(list((path / "metadata").glob("snapshot-*.json"))) == 2


def test_a_path_without_a_database_is_an_error_where_none_may_be_made(tmp_path: Path) -> None:
    with pytest.raises(ForeignDirectory, match="There is no database"):
        Engine.open(str(tmp_path / "none"), create=False)
    assert not (tmp_path / "none").exists()


def test_a_database_that_was_made_half_is_made_whole() -> None:
    for n in range(1, 12):
        vfs = MemoryVfs(n)
        vfs.faults.crash_at = n
        with pytest.raises(Crashed):
            open_engine(vfs)
        engine = open_engine(vfs.crash())
        assert engine.uuid == UUID and engine.snapshot().node_count() == 0


def test_a_damaged_identity_is_corruption(tmp_path: Path) -> None:
    path = tmp_path / "db"
    memoradb.open(path).close()
    (path / "memoradb.json").write_text('{"format":1,"uuid":"nonsense"}')
    with pytest.raises(CorruptionError) as raised:
        memoradb.open(path)
    assert raised.value.file == f"{path}/memoradb.json"


def test_two_openers_in_one_process_exclude_each_other() -> None:
    vfs = MemoryVfs()
    first = open_engine(vfs)
    with pytest.raises(DatabaseLocked):
        open_engine(vfs)
    first.close()
    open_engine(vfs).close()


SECOND = """
import json, sys
import memoradb
from memoradb.core.errors import DatabaseLocked
try:
    memoradb.open(sys.argv[1])
except DatabaseLocked as error:
    print(json.dumps(error.to_dict() | {"hint": error.hint}))
"""


def in_another_process(path: Path) -> dict[str, str]:
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-c", SECOND, str(path)], capture_output=True, text=True, env=environment, check=True
    )
    return json.loads(done.stdout)


def test_a_second_process_on_the_directory_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with memoradb.open(path) as database:
        database.execute("CREATE (:A)")
        error = in_another_process(path)
        assert str(os.getpid()) in error["message"] and error["hint"]
        with pytest.raises(DatabaseLocked):
            check(str(path))
        database.execute("CREATE (:B)")  # the refused opener did no harm
    with memoradb.open(path) as database:
        assert len(database.execute("MATCH (n) RETURN n").rows) == 2


def test_engines_of_two_directories_do_not_know_each_other() -> None:
    one, two = MemoryVfs(), MemoryVfs()
    first, second = open_engine(one), open_engine(two)
    commit(first, lambda view: view.create_nodes(1, [], {}))
    assert second.snapshot().node_count() == 0
    assert PATH == first.path == second.path
