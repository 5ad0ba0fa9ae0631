"""Real processes and the real disk: killed, stopped, out of room, out of file size."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import memoradb
from memoradb.core.errors import StorageError
from memoradb.storage.check import check

sys.path.insert(0, str(Path(__file__).parent))

from process_killer import ROOT, Killer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of Unix")


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
def test_what_several_threads_were_told_is_durable_is_there_after_kills(tmp_path: Path, durability: str) -> None:
    # The process dies, not the machine: what it wrote is in the page cache, so that relaxed commits survive, too.
    killer = Killer(tmp_path / "db", threads=3, durability=durability)
    for number, commits in enumerate((25, 0, 40)):  # the second is killed while it recovers
        killer.cycle(number, commits)
    killer.verify()
    assert killer.outcome.failures == [] and len(killer.outcome.acknowledged) >= 65


def test_the_verification_notices_what_is_lost_torn_or_made_up(tmp_path: Path) -> None:
    killer = Killer(tmp_path / "db")
    killer.outcome.cycles = 1
    killer.outcome.acknowledged = {"0-0-0", "0-0-1"}
    with memoradb.open(tmp_path / "db") as database:
        database.execute("CREATE (:N {key: '0-0-0'})-[:PAIR {key: '0-0-0'}]->(:N {key: '0-0-0'}), (:N {key: '7-0-0'})")
    killer.verify(thorough=False)
    assert ["lost" in f for f in killer.outcome.failures].count(True) == 1
    assert any("torn" in f for f in killer.outcome.failures)
    assert any("nobody made" in f for f in killer.outcome.failures)


def test_a_stopped_process_keeps_its_lock_and_goes_on_where_it_was(tmp_path: Path) -> None:
    killer = Killer(tmp_path / "db", threads=2)
    writer = killer.start(0)
    assert writer.stdout is not None
    with writer, writer.stdout:
        assert [writer.stdout.readline() for _ in range(2)] == ["started\n", "open\n"]
        before = [writer.stdout.readline() for _ in range(10)]
        writer.send_signal(signal.SIGSTOP)
        with pytest.raises(StorageError, match="Another process"):
            memoradb.open(tmp_path / "db")
        writer.send_signal(signal.SIGCONT)
        after = [writer.stdout.readline() for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines(keepends=True)
    killer.outcome.cycles = 1
    killer.outcome.acknowledged = {line.strip() for line in [*before, *after, *rest] if line.endswith("\n")}
    killer.verify()
    assert killer.outcome.failures == []


# --- out of room -------------------------------------------------------------

FILLER = """
import os, signal, sys
import memoradb
from memoradb.core.errors import StorageError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if sys.argv[2] != "0":
    import resource
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
database = memoradb.open(sys.argv[1])
done = 0
try:
    for i in range(2_000):
        database.execute("CREATE (:N {i: $i, text: $text})", {"i": i, "text": os.urandom(60_000).hex()})
        done = i + 1
except StorageError as error:
    print(done, type(error).__name__, flush=True)
    # Reads and, where it is the disk that is full, deletes go on; then there is nothing to close cleanly.
    assert database.execute("MATCH (n:N) RETURN count(n)").value() == done
    if sys.argv[2] == "0":
        database.execute("MATCH (n:N {i: 0}) DELETE n")
        assert database.execute("MATCH (n:N) RETURN count(n)").value() == done - 1
        print("deleted", flush=True)
try:
    database.close()
except StorageError as error:
    print("closed with", type(error).__name__, flush=True)
"""


def fill(path: Path, limit: int) -> list[str]:
    """Let a process write until there is no room; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run(
        [sys.executable, "-c", FILLER, str(path), str(limit)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


def test_a_limit_on_the_size_of_files_refuses_the_commit_and_keeps_the_others(tmp_path: Path) -> None:
    printed = fill(tmp_path / "db", 3 << 20)
    done, error = printed[0].split()
    assert int(done) > 10 and error in ("DiskFull", "ReadOnlyDatabase")
    with memoradb.open(tmp_path / "db") as database:
        assert database.execute("MATCH (n:N) RETURN count(n)").value() == int(done)
        database.execute("CREATE (:N)")
    assert check(str(tmp_path / "db")).ok


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_of_64_mib_fills_up_and_takes_deletes_and_writes_again_when_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(36 << 20))  # afterwards there is room for a checkpoint, too
    printed = fill(small_disk / "db", 0)
    done, error = printed[0].split()
    assert int(done) > 10 and error == "DiskFull" and printed[1] == "deleted"
    ballast.unlink()
    with memoradb.open(small_disk / "db") as database:
        assert database.execute("MATCH (n:N) RETURN count(n)").value() == int(done) - 1
        database.execute("CREATE (:N)")
        assert database.execute("MATCH (n:N) RETURN count(n)").value() == int(done)
    assert check(str(small_disk / "db")).ok


def test_a_database_on_a_full_disk_goes_on_by_itself(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with memoradb.open(small_disk / "db") as database:
        database.execute("CREATE (:N)")
        free = database.storage.metrics()["disk_free_bytes"]
        ballast.write_bytes(bytes(int(free) - (4 << 20)))
        assert database.storage.space is not None
        database.storage.space.look()
        with pytest.raises(StorageError, match="kept for deletes"):
            database.execute("CREATE (:N)")
        database.execute("MATCH (n) DELETE n")
        ballast.unlink()
        database.execute("CREATE (:N)")
        assert database.execute("MATCH (n) RETURN count(n)").value() == 1
