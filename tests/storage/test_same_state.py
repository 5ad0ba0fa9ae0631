"""One log, one state: in every process, with every hash seed, whatever plans and batches the statements ran with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, sys
import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.rng import SeededRandom
from memoradb.memql.rewrite.driver import RULES
from memoradb.memql.session import Options
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.database import Database

without_rules, batch_rows, kernels = json.loads(sys.argv[1])
vfs = MemoryVfs()
uuid = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"

def open_engine():
    return Engine.open("/db", vfs=vfs, new_uuid=lambda: uuid, clock=ManualClock(), background=False)

engine = open_engine()
database = Database(engine, ManualClock(), SeededRandom(7))
disabled = [rule.__name__ for rule in RULES] if without_rules else []
options = Options(disabled_rules=disabled, batch_rows=batch_rows, kernels=kernels)
for statement in (
    "CREATE CONSTRAINT one FOR (p:Person) REQUIRE p.name IS UNIQUE",
    "CREATE INDEX FOR (p:Person) ON (p.age)",
    "UNWIND range(1, 200) AS i CREATE (:Person:Citizen {name: 'n' + toString(i), age: i % 7, tags: ['a', 'b']})",
    "MATCH (a:Person), (b:Person) WHERE a.age = 3 AND b.age = 4 AND a.name < b.name "
    "WITH a, b ORDER BY a.name, b.name CREATE (a)-[:KNOWS {w: a.age}]->(b)",
    "MATCH (a:Person)-[k:KNOWS]->(b) WITH a, count(k) AS c SET a.known = c, a:Social",
    "UNWIND ['x', 'n1', 'y'] AS name MERGE (p:Person {name: name}) "
    "ON CREATE SET p.new = true ON MATCH SET p.old = true",
    "MATCH (p:Person {age: 5}) SET p += {zeta: 1, alpha: 2, mid: date('2024-02-29')} REMOVE p:Citizen",
    "MATCH (p:Person {age: 6}) DETACH DELETE p",
    "MATCH (a:Person {age: 3})-[k:KNOWS]->() WHERE a.name ENDS WITH '0' DELETE k",
):
    database.execute(statement, options=options)
state = engine.store.state_hash().hex()
engine.checkpoint()
database.execute("CREATE (:After {n: 1})", options=options)
after = engine.store.state_hash().hex()
vfs = vfs.restart()
assert open_engine().store.state_hash().hex() == after
print(state, after)
"""


def states(hash_seed: str, without_rules: bool = False, batch_rows: int | None = None, kernels: str = "auto") -> str:
    """What a process of its own comes to."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": hash_seed}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([without_rules, batch_rows, kernels])],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    return states("0")


@pytest.mark.parametrize("hash_seed", ["1", "4711", "random"])
def test_the_state_does_not_depend_on_the_process_or_its_hash_seed(hash_seed: str, expected: str) -> None:
    assert states(hash_seed) == expected


@pytest.mark.parametrize(
    ("without_rules", "batch_rows", "kernels"), [(True, None, "auto"), (False, 3, "never"), (True, 7, "always")]
)
def test_the_state_does_not_depend_on_how_statements_were_planned_and_run(
    without_rules: bool, batch_rows: int | None, kernels: str, expected: str
) -> None:
    assert states("1", without_rules, batch_rows, kernels) == expected
