"""A recorder notes what every answer rests on; what it passes on without a note is known by name."""

import inspect

import pytest

from memoradb.storage.engine import Engine
from memoradb.storage.overlay.recorder import Recorder
from memoradb.storage.view import GraphView, GraphWriter

UNCHANGING = {"relationship_type", "endpoints", "ids", "element_id"}
"""What an element always was."""

FOR_PLANS = {"statistics", "generation", "schema_version", "index_state", "index_size", "nodes_top"}
"""What no answer rests on."""


def members(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol) if not name.startswith("_")}


def test_every_way_to_read_takes_a_note() -> None:
    reading = members(GraphView) - UNCHANGING - FOR_PLANS
    assert reading <= vars(Recorder).keys(), "a new way to read: see storage/reads.py"
    for name in reading:
        source = inspect.getsource(vars(Recorder)[name])
        # What is computed from the recorder itself reads, and takes its notes, by the ways below.
        assert any(part in source for part in ("self._reads", "self._index_scan", "Statistics(self)")), name


def test_every_way_to_write_is_passed_on() -> None:
    recorder = Engine.open(None).begin().view
    assert isinstance(recorder, Recorder)
    for name in members(GraphWriter):
        assert hasattr(recorder, name), name


MAY_COME_TO_NOTHING = {"delete_nodes", "create_index", "drop_index"}


@pytest.mark.parametrize("name", sorted(members(GraphWriter) - members(GraphView) - MAY_COME_TO_NOTHING - {"counters"}))
def test_writing_takes_no_note_of_what_it_reads_for_itself(name: str) -> None:
    transaction = Engine.open(None).begin()
    assert getattr(transaction.view, name) == getattr(transaction.overlay, name)
