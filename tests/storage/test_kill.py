"""``kill -9`` in the middle of commits, with a real process and the real disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import memoradb
from memoradb.storage.check import check

CYCLES = 3

WRITER = """
import sys
import memoradb
database = memoradb.open(sys.argv[1])
start = database.execute("MATCH (n:N) RETURN count(n)").rows[0][0]
for i in range(start, start + 100_000):
    with database.transaction() as transaction:
        transaction.execute("CREATE (:N {i: $i, text: $text})", {"i": i, "text": "x" * (i % 500)})
        transaction.execute("MATCH (a:N {i: $i}), (b:N {i: $j}) CREATE (a)-[:NEXT]->(b)", {"i": i, "j": i - 1})
    if i % 23 == 7:
        database.checkpoint()
    sys.stdout.write(f"{i}\\n")
    sys.stdout.flush()
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    acknowledged = -1
    for cycle in range(CYCLES):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert writer.stdout is not None
        with writer, writer.stdout:
            for _ in range(30 + 17 * cycle):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            # What it printed before it died was acknowledged, too.
            rest = writer.stdout.read().splitlines(keepends=True)
            acknowledged = max([acknowledged, *(int(line) for line in rest if line.endswith("\n"))])
        assert writer.returncode == -signal.SIGKILL
        with memoradb.open(path) as database:
            numbers = [row[0] for row in database.execute("MATCH (n:N) RETURN n.i ORDER BY n.i").rows]
            assert numbers in (list(range(acknowledged + 1)), list(range(acknowledged + 2)))
            pairs = database.execute("MATCH (a:N)-[:NEXT]->(b:N) WHERE a.i = b.i + 1 RETURN count(*)").rows[0][0]
            assert pairs == len(numbers) - 1
        assert check(str(path)).problems == []
