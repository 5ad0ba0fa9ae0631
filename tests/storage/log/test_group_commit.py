"""Many wait, one syncs. Real threads; a disk that is slow as long as the test says so."""

import threading
from collections.abc import Callable

import pytest

from memoradb.core.errors import StorageError
from memoradb.storage.log import group_commit
from memoradb.storage.log.group_commit import GroupCommit


class Disk:
    """Counts syncs; each lets go of ``begun`` and waits for ``gate``."""

    def __init__(self) -> None:
        self.appended = 0
        self.syncs: list[int] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.fails = False

    def sync(self) -> int:
        target = self.appended
        self.begun.release()
        assert self.gate.acquire(timeout=10)
        if self.fails:
            raise StorageError("broken")
        self.syncs.append(target)
        return target


def start(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        waiting.wait(0.002)
    raise AssertionError("it never came to pass")


def test_what_is_durable_is_not_waited_for() -> None:
    commits = GroupCommit(5, lambda: pytest.fail("no sync was needed"))
    commits.wait(5)
    commits.advance(9)
    commits.advance(7)
    commits.wait(9)


def test_those_who_come_during_a_sync_share_the_next_one() -> None:
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    disk.appended = 1
    threads = [start(lambda: commits.wait(1))]
    assert disk.begun.acquire(timeout=10)
    for sequence in (2, 3, 4, 5):
        disk.appended = sequence
        threads.append(start(lambda sequence=sequence: commits.wait(sequence)))
        until(lambda sequence=sequence: commits.waiting == sequence - 1)
    disk.gate.release()
    threads[0].join(10)
    assert commits.durable == 1 and disk.begun.acquire(timeout=10)
    disk.gate.release()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert disk.syncs == [1, 5] and commits.waiting == 0


def test_a_leader_waits_until_as_many_have_come_as_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 10.0)
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    coming = 7
    commits.coming = lambda: coming
    threads: list[threading.Thread] = []
    for sequence in (1, 2, 3):
        disk.appended, coming = sequence, 8 - sequence
        threads.append(start(lambda sequence=sequence: commits.wait(sequence)))
        until(lambda sequence=sequence: commits.waiting == sequence - 1)
        assert not disk.begun.acquire(blocking=False)
    disk.appended, coming = 4, 4
    threads.append(start(lambda: commits.wait(4)))
    assert disk.begun.acquire(timeout=5)
    disk.gate.release()
    for thread in threads:
        thread.join(10)
    assert disk.syncs == [4]


def test_however_many_are_on_their_way_so_many_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 10.0)
    monkeypatch.setattr(group_commit, "COMPANY_MAX", 3)
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    commits.coming = lambda: 1_000
    threads: list[threading.Thread] = []
    for sequence in (1, 2, 3):
        assert not disk.begun.acquire(blocking=False)
        disk.appended = sequence
        threads.append(start(lambda sequence=sequence: commits.wait(sequence)))
        until(lambda sequence=sequence: sequence == 3 or commits.waiting == sequence - 1)
    assert disk.begun.acquire(timeout=5)
    disk.gate.release()
    for thread in threads:
        thread.join(10)
    assert disk.syncs == [3]


def test_a_leader_waits_for_nobody_for_long() -> None:
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    commits.coming = lambda: 100
    disk.gate.release(3)
    for sequence in (1, 2, 3):
        disk.appended = sequence
        commits.wait(sequence)
    assert disk.syncs == [1, 2, 3]


def test_one_alone_is_told_from_one_with_company() -> None:
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    assert not commits.is_lone  # nobody is on the way
    coming = 1
    commits.coming = lambda: coming
    assert commits.is_lone
    coming = 2
    assert not commits.is_lone
    coming, disk.appended = 1, 1
    thread = start(lambda: commits.wait(1))
    assert disk.begun.acquire(timeout=10)
    assert not commits.is_lone  # somebody is at the disk
    disk.gate.release()
    thread.join(10)
    assert commits.is_lone


def test_a_failed_sync_reaches_everyone_who_waits() -> None:
    disk = Disk()
    commits = GroupCommit(0, disk.sync)
    disk.fails = True
    failures: list[StorageError] = []

    def wait(sequence: int) -> None:
        try:
            commits.wait(sequence)
        except StorageError as error:
            failures.append(error)

    threads: list[threading.Thread] = []
    for sequence in range(1, 6):
        disk.appended = sequence
        threads.append(start(lambda sequence=sequence: wait(sequence)))
        until(lambda sequence=sequence: commits.waiting == sequence - 1)
    disk.gate.release(5)
    for thread in threads:
        thread.join(10)
    assert len(failures) == 5 and commits.durable == 0 and commits.waiting == 0


def test_a_pause_comes_before_each_sync() -> None:
    log: list[str] = []
    commits = GroupCommit(0, lambda: log.append("sync") or len(log), lambda: log.append("pause"))
    commits.wait(1)
    commits.wait(3)
    assert log == ["pause", "sync"] * 2


class Interrupted(BaseException):
    """As Ctrl-C in the main thread."""


def test_one_who_is_interrupted_while_it_waits_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for leads in (False, True):
        disk = Disk()
        commits = GroupCommit(0, disk.sync)
        disk.appended = 1
        threads = [start(lambda commits=commits: commits.wait(1))]
        assert disk.begun.acquire(timeout=10)
        disk.appended = 2

        class Lock:
            """Where the interrupt arrives: while it sleeps, or when it has just been woken to lead."""

            def acquire(
                self, disk: Disk = disk, threads: list[threading.Thread] = threads, leads: bool = leads
            ) -> None:
                if leads:
                    disk.gate.release()
                    threads[0].join(10)
                raise Interrupted

            def release(self) -> None:
                return None

        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "_locked", Lock)
            with pytest.raises(Interrupted):
                commits.wait(2)
        assert commits.waiting == 0
        disk.gate.release(3)
        threads.append(start(lambda commits=commits: commits.wait(2)))
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert commits.durable == 2
