"""Counts for the planner against counting."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import lift
from memoradb.storage.vfs_memory import MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, open_engine

NODES = 8
edges = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=20)
labelled = st.lists(st.sets(st.integers(0, NODES - 1)), min_size=2, max_size=2)


@given(edges, edges, labelled, st.sets(st.integers(0, 30)))
def test_relationships_between_labels_are_counted(
    base: list[tuple[int, int]], fresh: list[tuple[int, int]], labels: list[set[int]], gone: set[int]
) -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, lambda v: v.create_nodes(NODES, ["All"], {"x": lift([1] * NODES)}))
    for name, members in zip("AB", labels, strict=True):
        commit(engine, lambda v, n=name, m=members: v.add_labels(np.array(sorted(m), np.int64), [n]))
    for part in (base, fresh):
        if part:
            ends = np.array(part, np.int64)
            commit(engine, lambda v, e=ends: v.create_relationships("R", e[:, 0].copy(), e[:, 1].copy(), {}))
        if part is base:
            engine.store.fold()
    model = [*base, *fresh]
    dead = sorted(g for g in gone if g < len(model))
    if dead:
        commit(engine, lambda v: v.delete_relationships(np.array(dead, np.int64)))
    sets = {"All": set(range(NODES)), "A": labels[0], "B": labels[1], None: set(range(NODES))}
    for source, sources in sets.items():
        for target, targets in sets.items():
            engine.statistics._between.clear()
            expected = sum(s in sources and t in targets for i, (s, t) in enumerate(model) if i not in dead)
            assert engine.statistics.relationships_between(source, "R", target) == expected


def test_very_many_are_counted_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.statistics.COUNTED_EDGES", 100)
    engine = open_engine(MemoryVfs())
    commit(engine, lambda v: v.create_nodes(1_000, ["A"], {}))
    commit(engine, lambda v: v.create_nodes(1_000, ["B"], {}))
    sources = np.repeat(np.arange(1_000), 3)
    commit(engine, lambda v: v.create_relationships("R", sources, 1_000 + sources % 500, {}))
    assert 2_700 < engine.statistics.relationships_between("A", "R", "B") < 3_300
