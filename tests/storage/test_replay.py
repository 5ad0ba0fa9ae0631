"""Equal logs give equal states, in any process and whatever order its hash tables have."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
import workload
from memoradb.storage.engine import Engine
from memoradb.storage.vfs import RealVfs
if sys.argv[3] == "write":
    engine = Engine.open(sys.argv[1], new_uuid=lambda: workload.UUID, background=False)
    for step in workload.STEPS:
        if callable(step):
            workload.commit(engine, step)
    engine._sequencer.close()
else:
    engine = Engine.open(sys.argv[1], background=False)
view = engine.snapshot()
from memoradb.storage.view import Element
print(engine.store.state_hash().hex())
print(view.labels(), view.relationship_types(), [d.name for d in view.indexes()])
print([list(view.properties(Element.NODE, slot)) for slot in view.nodes()])
print([view.node_labels(slot) for slot in view.nodes()])
if sys.argv[3] == "read":
    engine.close()
"""


def run(path: Path, mode: str, seed: int) -> str:
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here.parents[1] / "src"), "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-c", SCRIPT, str(path), str(here), mode]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


def test_the_state_is_the_same_in_every_process_with_every_hash_seed(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    written = [run(first, "write", 1), run(second, "write", 77)]
    assert written[0] == written[1]

    def log(path: Path) -> list[bytes]:
        return [segment.read_bytes() for segment in sorted((path / "log").iterdir())]

    assert log(first) == log(second)
    # Replayed from the log, then read from the checkpoint that closing left: also the order of keys and labels.
    assert [run(first, "read", 2), run(first, "read", 3)] == [written[0], written[0]]
