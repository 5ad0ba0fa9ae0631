"""Real processes, killed under load: nothing that was acknowledged is lost, doubled, torn or made up.

A process with several threads writes transactions of two nodes and a relationship each, and reports each commit after
it returned. It is killed with SIGKILL, some of the times while it still recovers from the kill before. After each kill
the next process, and now and then this one, holds what is there against what was reported.

Run as a program: ``python process_killer.py --cycles 500``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import memoradb
from memoradb.storage.check import check

ROOT: Final = Path(__file__).parents[2]

WRITER: Final = """
import sys, threading
import memoradb

path, cycle, threads, durability = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
print("started", flush=True)
database = memoradb.open(path, durability=durability)
print("open", flush=True)
lock = threading.Lock()

def work(thread):
    i = 0
    while True:
        key = f"{cycle}-{thread}-{i}"
        with database.transaction(isolation="snapshot") as transaction:
            transaction.execute(
                "CREATE (:N {key: $key, text: $text})-[:PAIR {key: $key}]->(:N {key: $key})",
                {"key": key, "text": "x" * (i * 37 % 2000)},
            )
        with lock:
            sys.stdout.write(key + "\\n")
            sys.stdout.flush()
        i += 1
        if i % 40 == 20 + thread:
            database.checkpoint()

for thread in range(threads):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


@dataclass
class Outcome:
    """What many kills came to."""

    cycles: int = 0
    recovering: int = 0
    """Kills before the process had its database open."""
    acknowledged: set[str] = field(default_factory=set)
    unreported: int = 0
    """Commits that are there and were not reported before the kill, which is their right."""
    failures: list[str] = field(default_factory=list)


class Killer:
    """Kills writers of one database."""

    def __init__(self, path: Path, threads: int = 4, durability: str = "strict", seed: int = 0) -> None:
        self.path = path
        self.threads = threads
        self.durability = durability
        self.choice = random.Random(seed)
        self.outcome = Outcome()

    def start(self, cycle: int) -> subprocess.Popen[str]:
        """A writer."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        arguments = [str(self.path), str(cycle), str(self.threads), self.durability]
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )

    def cycle(self, number: int, commits: int) -> None:
        """Start a writer, let it commit about so often, kill it; with no commits, while it opens the database."""
        writer = self.start(number)
        assert writer.stdout is not None
        with writer, writer.stdout:
            reported: list[str] = []
            try:
                if writer.stdout.readline() != "started\n":
                    self.outcome.failures.append(f"cycle {number}: the writer did not start")
                    return
                if commits:
                    if writer.stdout.readline() != "open\n":
                        self.outcome.failures.append(f"cycle {number}: the database could not be opened")
                        return
                    reported += [writer.stdout.readline() for _ in range(commits)]
                else:
                    self.outcome.recovering += 1
                    time.sleep(self.choice.random() * 0.4)
            finally:
                writer.send_signal(signal.SIGKILL)
            # What it printed before it died was acknowledged, too.
            reported += writer.stdout.read().splitlines(keepends=True)
        if writer.returncode != -signal.SIGKILL:
            self.outcome.failures.append(f"cycle {number}: the writer ended by itself with {writer.returncode}")
        self.outcome.acknowledged.update(line.rstrip("\n") for line in reported if line.endswith("\n") and "-" in line)
        self.outcome.cycles += 1

    def verify(self, thorough: bool = True) -> None:
        """Hold the database against what was reported."""
        failures = self.outcome.failures
        with memoradb.open(self.path) as database:
            keys = Counter(row[0] for row in database.execute("MATCH (n:N) RETURN n.key").rows)
            pairs = Counter(
                row[0]
                for row in database.execute(
                    "MATCH (a:N)-[p:PAIR]->(b:N) WHERE a.key = p.key AND b.key = p.key RETURN p.key"
                ).rows
            )
        lost = self.outcome.acknowledged - keys.keys()
        if lost:
            failures.append(f"{len(lost)} commits are lost, such as {min(lost)}")
        torn = [key for key, count in keys.items() if count != 2 or pairs[key] != 1]
        if torn or len(pairs) != len(keys):
            failures.append(f"{len(torn)} transactions are torn or doubled, such as {torn[:1]}")
        extra = keys.keys() - self.outcome.acknowledged
        # A thread reports one commit before it begins the next: at most one of each was under way at each kill.
        made_up = [key for key in extra if int(key.split("-")[0]) >= self.outcome.cycles]
        per_writer = Counter(tuple(key.split("-")[:2]) for key in extra)
        if made_up or any(count > 1 for count in per_writer.values()):
            failures.append(f"commits that nobody made or acknowledged: {sorted(extra)[:5]}")
        self.outcome.unreported = len(extra)
        if thorough:
            problems = check(str(self.path)).problems
            if problems:
                failures.append(f"the check finds {problems[:3]}")

    def run(self, cycles: int, commits: int, recovering: float = 0.2, every: int = 1) -> Outcome:
        """So many kills; a part of them while the writer still recovers."""
        for number in range(cycles):
            early = number > 0 and self.choice.random() < recovering
            self.cycle(number, 0 if early else self.choice.randrange(1, commits + 1))
            if number % every == every - 1 or number == cycles - 1:
                self.verify()
            if self.outcome.failures:
                break
            if number % 50 == 49:
                print(f"{number + 1} kills, {len(self.outcome.acknowledged):,} commits acknowledged", flush=True)
        return self.outcome


def main() -> None:
    """Many cycles; the exit status tells whether anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--commits", type=int, default=120, help="at most so many before a kill")
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(Path(folder) / "db", options.threads)
        outcome = killer.run(options.cycles, options.commits, every=10)
    print(
        f"{outcome.cycles} kills, {outcome.recovering} of them while recovering; {len(outcome.acknowledged):,} commits "
        f"acknowledged, {outcome.unreported} more were there; {len(outcome.failures)} failures"
    )
    for failure in outcome.failures:
        print("FAILED", failure)
    sys.exit(1 if outcome.failures else 0)


if __name__ == "__main__":
    main()
