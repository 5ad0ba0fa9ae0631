"""Every fault at every place: each stops the script, and what is found afterwards must be what was acknowledged.

    crashes         power is lost before each operation of the disk: several legal states of the disk each
    double crashes  and power is lost again before each operation of the recovery
    errors          each operation fails in each way, once or for ever; then the process is killed, or power is lost
    double errors   and each operation and each read of the recovery fails, too
    flips           each byte of a small database changes

After each: acknowledged commits are there, the one under way is there whole or not at all, nothing else; the state's
hash is one that the model of the script has; and the database works on: it takes a commit, closes, is sound, and opens
with that commit. Run as a program it visits all places (``make sweep-storage``); the tests call it with a stride.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).parent))

from disk_script import PATH, Script, open_engine, states
from workload import commit

from memoradb.core.errors import CorruptionError, ForeignDirectory, ReadOnlyDatabase, StorageError
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import Fault, MemoryVfs

SHARES = 16
"""Parts of the places of one script, each a process's work."""

Share: TypeAlias = tuple[int, int]

FAULTS = (Fault.EIO, Fault.ENOSPC, Fault.SHORT, Fault.SYNC)


@dataclass
class Tally:
    """How many images were examined, and what was wrong with them."""

    images: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def count(self, kind: str) -> None:
        self.images[kind] = self.images.get(kind, 0) + 1

    def fail(self, what: str) -> None:
        self.failures.append(what)
        print("FAILED", what, flush=True)

    @property
    def total(self) -> int:
        return sum(self.images.values())


class Sweep:
    """One script, and what the graph is after each of its commits."""

    def __init__(
        self, seed: int = 0, length: int = 200, durability: str = "strict", thorough: int = 8, share: Share = (0, 1)
    ) -> None:
        """``thorough``: of how many images one is also written to, checked and opened again. ``share``: of the places
        that would be visited, those with such a number, modulo so many."""
        self.seed = seed
        self._share = share
        self._thorough = thorough
        self.length = length
        self.durability = durability
        self.expected = states(seed, length)
        self.tally = Tally()
        whole = MemoryVfs(seed)
        self.script(whole).run()
        self.history = whole.history
        """Every operation of the disk in a run that nothing disturbs."""

    def _is_visited(self, number: int, every: int) -> bool:
        share, shares = self._share
        return number % every == self.seed % every and number // every % shares == share

    def script(self, vfs: MemoryVfs) -> Script:
        return Script(vfs, self.seed, self.length, self.durability)

    def allowed(self, script: Script, more: tuple[bytes, ...] = ()) -> set[bytes]:
        """What may be found: all that was acknowledged, and the commit under way or not."""
        first = 0 if self.durability == "relaxed" else script.acknowledged
        return {*self.expected[first : script.acknowledged + 2], *more}

    # --- looking at what is left

    def examine(self, vfs: MemoryVfs, allowed: set[bytes], where: str) -> None:
        """Open ``vfs`` and hold it against what may be found."""
        try:
            engine = open_engine(vfs)
            found = engine.store.state_hash()
            if found not in allowed:
                known = self.expected.index(found) if found in self.expected else "no commit"
                self.tally.fail(f"{where}: found the state of commit {known}")
                return
            if self.tally.total % self._thorough == 0:
                self._go_on(engine, vfs, where)
        except Exception as error:
            self.tally.fail(f"{where}: {error!r}")

    def _go_on(self, engine: Engine, vfs: MemoryVfs, where: str) -> None:
        commit(engine, lambda view: view.create_nodes(1, ["Later"], {}))
        later = engine.store.state_hash()
        engine.close()
        problems = check(PATH, vfs).problems
        if problems:
            self.tally.fail(f"{where}: {problems}")
        elif open_engine(vfs).store.state_hash() != later:
            self.tally.fail(f"{where}: the commit after it is lost")

    # --- crashes

    def crashes(self, every: int = 1, images: int = 1, doubles: int = 0) -> None:
        """Lose power before each operation, with ``images`` states each; ``doubles`` of them again while recovering."""
        vfs = MemoryVfs(self.seed)
        script = self.script(vfs)

        def before(number: int) -> None:
            if not self._is_visited(number, every):
                return
            where = f"crash at {number}"
            allowed = self.allowed(script)
            for _ in range(images):
                self.tally.count("crash")
                self.examine(vfs.image(), allowed, where)
            for _ in range(doubles):
                self._crash_again(vfs.image(), allowed, where)

        vfs.before = before
        script.run()

    def _crash_again(self, vfs: MemoryVfs, allowed: set[bytes], where: str) -> None:
        """``vfs`` recovers, and loses power at each of its operations."""

        def before(number: int) -> None:
            self.tally.count("double crash")
            self.examine(vfs.image(), allowed, f"{where}, again at {number}")

        vfs.before = before
        try:
            open_engine(vfs)
        except Exception as error:
            self.tally.fail(f"{where}, recovering: {error!r}")
        vfs.before = None

    # --- errors

    def errors(self, every: int = 1, doubles: bool = False) -> None:
        """Let each operation fail in each way that it can."""
        for number, entry in enumerate(self.history, 1):
            if not self._is_visited(number, every):
                continue
            for fault in FAULTS:
                what = entry.split(" /")[0]
                if fault is Fault.SYNC and what != "sync":
                    continue
                if fault is Fault.SHORT and what not in ("append", "write", "preallocate"):
                    continue
                for persistent in (False, True):
                    again = doubles and not persistent and fault in (Fault.EIO, Fault.SYNC)
                    self._error(number, fault, persistent, again)

    def _error(self, number: int, fault: Fault, persistent: bool, doubles: bool) -> None:
        vfs = MemoryVfs(self.seed + number)
        vfs.fail_at(number, fault, persistent=persistent)
        where = f"{fault}{' from' if persistent else ''} at {number} ({self.history[number - 1]})"
        script = self.script(vfs)
        try:
            script.run()
        except StorageError:
            pass
        except Exception as error:
            self.tally.fail(f"{where}: {error!r}")
            return
        vfs.faults.since = None
        allowed = self.allowed(script)
        allowed |= self._after_error(script, where)
        self.tally.count("error")
        self.examine(vfs.image(), allowed, f"{where}, power lost")
        self.tally.count("error")
        killed = vfs.restart()
        self._killed(killed, allowed, where)
        if doubles:
            self._err_again(vfs, allowed, where)

    def _after_error(self, script: Script, where: str) -> set[bytes]:
        """The same engine goes on, or says that it does not; the state that it acknowledged then."""
        engine = script.engine
        if engine is None:
            return set()
        try:
            if engine.snapshot().position > engine.store.position:
                self.tally.fail(f"{where}: readers see what was not applied")
            commit(engine, lambda view: view.create_nodes(1, ["After"], {}))
        except StorageError:
            return set()
        except Exception as error:
            self.tally.fail(f"{where}, going on: {error!r}")
            return set()
        return {engine.store.state_hash()}

    def _killed(self, vfs: MemoryVfs, allowed: set[bytes], where: str) -> None:
        """The next process sees what the killed one wrote; what it acknowledges outlives a loss of power."""
        try:
            engine = open_engine(vfs)
            if engine.store.state_hash() not in allowed:
                self.tally.fail(f"{where}, killed: another state")
                return
            commit(engine, lambda view: view.create_nodes(1, ["Later"], {}))
            later = engine.store.state_hash()
        except Exception as error:
            self.tally.fail(f"{where}, killed: {error!r}")
            return
        self.tally.count("error")
        self.examine(vfs.image(), {later}, f"{where}, killed, then power lost")
        engine.close()
        self.tally.count("error")
        self.examine(vfs.image(), {later}, f"{where}, killed, closed, then power lost")

    def _err_again(self, vfs: MemoryVfs, allowed: set[bytes], where: str) -> None:
        """Power is lost, and the recovery fails at each operation and each read."""
        image = vfs.image()
        rehearsal = image.copy()
        open_engine(rehearsal)
        for m in range(1, rehearsal.operations + 1):
            for fault in FAULTS:
                again = image.copy()
                again.fail_at(m, fault)
                self._recover_badly(again, allowed, f"{where}, recovering: {fault} at {m}")
        for m in range(1, rehearsal.reads + 1):
            again = image.copy()
            again.faults.read_at = m
            self._recover_badly(again, allowed, f"{where}, recovering: read {m} fails")

    def _recover_badly(self, vfs: MemoryVfs, allowed: set[bytes], where: str) -> None:
        self.tally.count("double error")
        try:
            engine = open_engine(vfs)
        except StorageError:
            pass  # said so; the next attempt must find everything
        except Exception as error:
            self.tally.fail(f"{where}: {error!r}")
            return
        else:
            if engine.store.state_hash() not in allowed:
                self.tally.fail(f"{where}: another state")
        vfs.faults.read_at = None
        vfs.faults.at.clear()
        self.examine(vfs.image(), allowed, f"{where}, then power lost")

    # --- bytes

    def flips(self, every: int = 1, answer: Callable[[Engine], object] | None = None) -> None:
        """Change each byte of the closed database, one at a time: an error that names the place, or no difference."""
        answer = answer or (lambda engine: engine.store.state_hash())
        vfs = MemoryVfs(self.seed)
        script = self.script(vfs)
        script.run()
        right = answer(open_engine(vfs.copy()))
        choice = random.Random(self.seed)
        for path, offset, data in itertools.islice(
            changed_bytes(vfs, every, choice), self._share[0], None, self._share[1]
        ):
            self.tally.count("flip")
            damaged = vfs.copy()
            damaged.overwrite(path, data)
            try:
                if answer(open_engine(damaged)) != right:
                    self.tally.fail(f"flip in {path} at {offset}: a wrong answer")
            except (CorruptionError, ForeignDirectory, ReadOnlyDatabase):
                continue
            except Exception as error:
                self.tally.fail(f"flip in {path} at {offset}: {error!r}")


def changed_bytes(vfs: MemoryVfs, every: int, choice: random.Random) -> Iterator[tuple[str, int, bytes]]:
    """(file, offset, its bytes afterwards), for each ``every``-th byte that is not in a long run of zeros."""
    for path, data in vfs.files().items():
        if path.endswith("/lock"):
            continue
        for offset in range(choice.randrange(every) if every > 1 else 0, len(data), every):
            around = data[max(0, offset - 64) : offset + 64]
            if not around.strip(b"\0") and offset % 4096:
                continue  # the middle of preallocated zeros: one a page
            changed = bytearray(data)
            changed[offset] ^= choice.choice((0x01, 0x10, 0x80, 0xFF))
            yield path, offset, bytes(changed)


def main() -> None:
    """All of it; the exit status tells whether anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="scripts")
    parser.add_argument("--length", type=int, default=200, help="operations of each")
    parser.add_argument("--every", type=int, default=1, help="visit every n-th place only")
    parser.add_argument("--images", type=int, default=4, help="states of the disk for each crash")
    parser.add_argument("--segment-bytes", type=int, default=4096, help="size of the log's segments")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    shares = [
        (seed, durability, (share, SHARES), options)
        for seed in range(options.seeds)
        for durability in ("strict", "relaxed")
        for share in range(SHARES)
    ]
    failed = 0
    images: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for line, tally in pool.imap_unordered(_swept, shares):
            print(line, flush=True)
            failed += len(tally.failures)
            images.update(tally.images)
    parts = ", ".join(f"{count:,} {kind}" for kind, count in images.items())
    print(f"{images.total():,} images ({parts}), {failed} wrong")
    sys.exit(1 if failed else 0)


def _swept(arguments: tuple[int, str, Share, argparse.Namespace]) -> tuple[str, Tally]:
    """One share of the places of one script, in a process of its own: what to print of it, and what was found."""
    seed, durability, share, options = arguments
    small_segments(options.segment_bytes)
    began = time.process_time()
    sweep = Sweep(seed, options.length, durability, share=share)
    sweep.crashes(options.every, options.images, doubles=1 if durability == "strict" else 0)
    if durability == "strict":
        sweep.errors(options.every, doubles=seed == 0)
        if seed == 0:
            sweep.flips(options.every)
    tally = sweep.tally
    line = (
        f"seed {seed}, {durability}, share {share[0] + 1} of {share[1]}: {len(sweep.history):,} operations, "
        f"{len(sweep.expected) - 1} commits; {tally.total:,} images, {len(tally.failures)} wrong, "
        f"{time.process_time() - began:.0f} s"
    )
    return line, tally


def small_segments(size: int) -> None:
    """Let log segments be full at ``size`` bytes, so that a short script fills many."""
    import memoradb.storage.log.open_segment as open_segment

    open_segment.SEGMENT_BYTES = open_segment.SEGMENT_BYTES_FIRST = size  # pyright: ignore


if __name__ == "__main__":
    main()
