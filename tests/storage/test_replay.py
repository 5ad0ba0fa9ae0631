"""Equal logs give equal states, in any process, whatever order its hash tables have, one by one or many at once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import CorruptionError
from memoradb.core.temporal import Date
from memoradb.core.values import Value
from memoradb.storage.apply import apply
from memoradb.storage.changeset import Changeset, NewNodes, compact, decode, encode
from memoradb.storage.changeset.batch import Batch, can_merge
from memoradb.storage.changeset.compact import shape_of
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.properties.forms import Form
from memoradb.storage.recovery import replay
from memoradb.storage.replay import Replay, Unreadable, apply_merged
from memoradb.storage.snapshot import Snapshot
from memoradb.storage.store import GraphStore
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Direction, Element, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

import workload
from changesets import histories

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
import workload
from memoradb.core.clock import ManualClock
from memoradb.storage.engine import Engine
if sys.argv[3] == "write":
    engine = Engine.open(sys.argv[1], new_uuid=lambda: workload.UUID, clock=ManualClock(), background=False)
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


# --- many changesets at once --------------------------------------------------


def one_by_one(changesets: list[Changeset]) -> GraphStore:
    store = GraphStore(workload.UUID)
    for position, changeset in enumerate(changesets, 1):
        apply(store, decode(encode(changeset)), position)
        store.publish(position)
    return store


def together(changesets: list[Changeset], *, keep_undo: bool = False, store: GraphStore | None = None) -> GraphStore:
    """Every run of changesets that can be merged as one."""
    store = store or GraphStore(workload.UUID)
    batch = Batch()
    position = store.position

    def flush() -> None:
        nonlocal batch
        if batch.count:
            apply_merged(store, batch.merge(), position, keep_undo)
            store.publish(position)
            batch = Batch()

    for changeset in changesets:
        payload = encode(changeset)
        shape = shape_of(payload)
        if shape is not None:
            batch.add(payload, shape)
        elif can_merge(changeset):
            batch.add_large(decode(payload), len(payload))
        else:
            flush()
            apply(store, changeset, position + 1)
            store.publish(position + 1)
        position += 1
    flush()
    return store


def seen(view: Snapshot) -> list[object]:
    """All that a reader can tell, in the order in which it is told."""
    found: list[object] = [view.labels(), view.relationship_types(), sorted(view.nodes())]
    for element, slots in (
        (Element.NODE, np.array(sorted(view.nodes()), np.int64)),
        (Element.RELATIONSHIP, view.relationships()),
    ):
        found.append(view.ids(element, slots).tolist())
        for slot in slots.tolist():
            found.append([(key, repr(value)) for key, value in view.properties(element, slot).items()])
            if element is Element.NODE:
                found.append(view.node_labels(slot))
                for direction in Direction:
                    hit = view.expand(np.array([slot], np.int64), None, direction)
                    found.append((hit.node.tolist(), hit.relationship.tolist()))
    for definition in view.indexes():
        if definition.kind is IndexKind.RANGE:
            values: list[Value] = [1, 0, -1, 0.5, True, "a", "b c", Date(3), b"raw", []]
            pairs = view.index_seek(definition.name, values)
            found.append([part.tolist() for part in pairs])
            found.append(view.index_prefix(definition.name, "").tolist())
        else:
            found.append(sorted(view.text_search(definition.name, "a").slots.tolist()))
    return found


@given(histories(), st.sampled_from([1, 64]))
@settings(max_examples=200)
def test_changesets_applied_together_are_what_they_are_one_by_one(changesets: list[Changeset], small: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "ROWS_MAX", small)  # with 1 whatever has more than one element is merged as it is
        expected, found = one_by_one(changesets), together(changesets)
    assert found.state_hash() == expected.state_hash()
    assert seen(found.snapshot()) == seen(expected.snapshot())
    for element in Element:
        assert list(found.columns[element]) == list(expected.columns[element])
        assert found.table(element).count == expected.table(element).count
        assert found.table(element).dead == expected.table(element).dead
        assert found.table(element).next_id == expected.table(element).next_id
    assert list(found.labels) == list(expected.labels)
    assert (found.types, found.live_by_type) == (expected.types, expected.live_by_type)
    assert found.notes == expected.notes
    assert found.position == expected.position


@given(histories(), st.data())
@settings(max_examples=100)
def test_who_reads_an_older_state_goes_on_to_see_it(changesets: list[Changeset], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(changesets)))
    store = together(changesets[:cut])
    before = store.snapshot()
    expected = seen(before)
    together(changesets[cut:], keep_undo=True, store=store)
    assert seen(before) == expected
    assert store.state_hash() == one_by_one(changesets).state_hash()
    assert seen(store.snapshot()) == seen(one_by_one(changesets).snapshot())


def many(count: int) -> list[tuple[int, bytes]]:
    return [
        (i + 1, encode(Changeset(new_nodes=(NewNodes(i, 1, ("A",), {"x": lift([i]), "s": lift([f"s{i}"])}),))))
        for i in range(count)
    ]


def test_a_replay_merges_what_is_alike_and_says_which_record_cannot_be_understood() -> None:
    store = GraphStore(workload.UUID)
    waiting = Replay(store)
    for position, payload in many(100):
        waiting.add(position, payload)
    assert store.position == 0  # nothing of it is applied yet
    waiting.flush()
    assert (store.position, store.nodes.count) == (100, 100)
    assert store.state_hash() == one_by_one([decode(payload) for _, payload in many(100)]).state_hash()
    broken = Replay(GraphStore(workload.UUID))
    for position, payload in many(100):
        broken.add(position, payload[:-1] if position == 42 else payload)
    with pytest.raises(Unreadable) as caught:
        broken.flush()
    assert caught.value.position_in_log == 42
    with pytest.raises(Unreadable) as caught:
        broken.add(7, b"\x43\x05\x00abcde")
    assert caught.value.position_in_log == 7


def test_one_value_of_another_type_does_not_cost_a_column_its_form() -> None:
    changesets = [Changeset(new_nodes=(NewNodes(i, 1, (), {"x": ListColumn([i])}),)) for i in range(50)]
    changesets[20] = Changeset(new_nodes=(NewNodes(20, 1, (), {"x": ListColumn(["odd"])}),))
    store = together(changesets)
    assert store.columns[Element.NODE]["x"].form is Form.INTEGER
    assert store.state_hash() == one_by_one(changesets).state_hash()


def test_a_changeset_that_cannot_be_understood_is_named_with_file_and_offset() -> None:
    vfs = MemoryVfs()
    vfs.make_directory("/log")
    reader = LogReader(vfs, "/log", workload.UUID)
    list(reader.records())
    writer = LogWriter(vfs, "/log", workload.UUID, reader, "relaxed")
    ends = []
    for position, payload in many(50):
        ends.append(writer.place.offset_bytes)
        writer.append(payload[:-1] if position == 30 else payload)
    writer.sync()
    with pytest.raises(CorruptionError, match="Record 30 of /log") as caught:
        replay(GraphStore(workload.UUID), LogReader(vfs, "/log", workload.UUID), "/log")
    assert (caught.value.file, caught.value.offset_bytes) == ("/log/wal-00000001.log", ends[29])
    writer.close()
