"""A system that neither reserves memory nor maps a file over it gives the same graph, from files read into arrays."""

from pathlib import Path

import numpy as np
import pytest

from memoradb.core.clock import ManualClock
from memoradb.core.columns import lift
from memoradb.core.regions import CHUNK_ROWS
from memoradb.storage.engine import Engine
from memoradb.storage.state_hash import state_hash
from memoradb.storage.view import Element

COUNT = CHUNK_ROWS + 1_000
"""Nodes of two chunks, whose columns are large enough for regions."""


@pytest.mark.parametrize(
    "off",
    [(), ("mapping",), ("mapping", "regions")],
    ids=["where both can be", "without mapping", "without regions"],
)
def test_a_graph_is_written_changed_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: tuple[str, ...]
) -> None:
    if "mapping" in off:
        monkeypatch.setattr("memoradb.storage.vfs._mapped_over", lambda *_: 0)
    if "regions" in off:
        monkeypatch.setattr("memoradb.core.regions.sys.platform", "win32")
    engine = Engine.open(str(tmp_path / "db"), clock=ManualClock())
    with engine.begin() as transaction:
        transaction.view.create_nodes(COUNT, ["A"], {"x": lift(list(range(COUNT)))})
        transaction.commit()
    engine.checkpoint()
    assert_holds(engine, {0: 0, COUNT - 1: COUNT - 1})
    with engine.begin() as transaction:
        transaction.view.set_property(Element.NODE, np.array([0, COUNT - 1]), "x", lift([-1, -2]))
        transaction.commit()
    changed = {0: -1, 1: 1, COUNT - 1: -2}
    assert_holds(engine, changed)
    known = state_hash(engine.snapshot())
    engine.close()
    again = Engine.open(str(tmp_path / "db"), clock=ManualClock())
    assert_holds(again, changed)
    assert state_hash(again.snapshot()) == known
    again.close()


def assert_holds(engine: Engine, values: dict[int, int]) -> None:
    column = engine.snapshot().property(Element.NODE, np.arange(COUNT), "x").values()
    assert {slot: column[slot] for slot in values} == values
