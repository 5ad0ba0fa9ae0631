"""Power is lost, or the disk full, at every operation of an import: resumed, it gives the same graph."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memoradb.bulk import blocks
from memoradb.bulk.bad_rows import BadRows
from memoradb.bulk.csv import CsvGroup, CsvOptions, CsvSource
from memoradb.bulk.graph_import import GraphImport, Report
from memoradb.core.errors import StorageError
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import Crashed, MemoryVfs
from memoradb.storage.view import Element

ROWS = 12
CRASHES_APART = 3
"""Every third operation is enough for each run of the suite; the seed moves with it."""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 40)
    nodes, edges = tmp_path / "n.csv", tmp_path / "r.csv"
    nodes.write_text(":ID,x:int,:LABEL\n" + "".join(f"n{i},{i},{'AB'[i % 2]}\n" for i in range(ROWS)))
    edges.write_text(":START_ID,:END_ID,:TYPE\n" + "".join(f"n{i},n{i * 5 % (ROWS + 1)},R\n" for i in range(ROWS)))
    return [str(nodes), str(edges)]


def opened(disk: MemoryVfs) -> Engine:
    return Engine.open("/g", vfs=disk, background=False)


def load(engine: Engine, files: list[str], report: Report = None) -> None:
    options = CsvOptions()
    source = CsvSource([CsvGroup(files[:1], (), False, options)], [CsvGroup(files[1:], (), True, options)])
    GraphImport(engine, source, bad_rows=BadRows(None, 99), resume=True, report=report).run()


def graph(engine: Engine) -> tuple[Counter[Any], Counter[Any]]:
    view = engine.snapshot()
    slots = np.asarray(view.nodes().to_array(), np.int64)
    values = view.property(Element.NODE, slots, "x").values()
    x = dict(zip(slots.tolist(), values, strict=True))
    starts, ends = view.endpoints(view.relationships())
    labels = Counter((x[s], view.node_labels(s)) for s in slots.tolist())
    return labels, Counter((x[a], x[b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True))


def test_an_import_that_crashes_at_any_operation_is_resumed_to_the_same_graph(files: list[str]) -> None:
    whole = MemoryVfs()
    engine = opened(whole)
    first = whole.operations
    load(engine, files)
    wanted = graph(engine)
    assert sum(wanted[0].values()) == ROWS and sum(wanted[1].values()) == ROWS - 1
    engine.close()
    for n in range(first + 1, whole.operations + 1, CRASHES_APART):
        disk = MemoryVfs(n)
        disk.faults.crash_at = n
        try:
            engine = opened(disk)
            load(engine, files)
            engine.close()
        except Crashed:
            pass
        after = disk.crash()
        engine = opened(after)
        load(engine, files)
        assert graph(engine) == wanted, n
        engine.close()
        assert check("/g", after).problems == [], n


def test_an_import_for_which_the_disk_has_no_room_is_resumed_when_it_has(files: list[str]) -> None:
    disk = MemoryVfs()
    engine = opened(disk)
    told: list[float] = []

    def fill_up(what: str, share: float) -> None:
        told.append(share)
        if len(told) == 2:
            disk.faults.capacity_bytes = disk.used_bytes() + 1
            assert engine.space is not None
            engine.space.look()

    with pytest.raises(StorageError):
        load(engine, files, fill_up)
    assert len(told) == 2 and 0 < sum(graph(engine)[0].values()) < ROWS
    disk.faults.capacity_bytes = None
    engine = opened(disk.crash())
    load(engine, files)
    assert sum(graph(engine)[0].values()) == ROWS and sum(graph(engine)[1].values()) == ROWS - 1
