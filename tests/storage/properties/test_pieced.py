"""A list in files behaves as a list does, and decodes only what is asked for."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import lift
from memoradb.core.values import Value
from memoradb.storage.properties.forms import Form
from memoradb.storage.properties.pieced import PiecedList, decoded_cache
from memoradb.storage.properties.pieces import encoded_pieces
from memoradb.storage.section import Section
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parents[1]))

from workload import commit, open_engine, slots

values = st.one_of(st.none(), st.integers(-5, 5), st.text("ab", max_size=3), st.lists(st.integers(0, 3), max_size=2))


def pieced(items: list[Value], chunk_rows: int, budget: int = 1 << 20) -> PiecedList:
    chunks = [items[i : i + chunk_rows] for i in range(0, len(items), chunk_rows)]
    sections = [Section("x", dict(encoded_pieces(chunk)), {"rows": len(chunk)}) for chunk in chunks]
    return PiecedList(sections, chunk_rows, decoded_cache(budget))


@given(
    st.lists(values, min_size=1, max_size=30),
    st.sampled_from((4, 512, 1_024)),
    st.sampled_from((0, 200, 1 << 20)),
    st.lists(st.one_of(values, st.tuples(st.integers(0, 40), values)), max_size=8),
    st.lists(st.integers(0, 45), max_size=20),
)
def test_it_behaves_as_a_list(items: list, chunk_rows: int, budget: int, writes: list, asked: list[int]) -> None:
    found, expected = pieced(items, chunk_rows, budget), list(items)
    for write in writes:
        if isinstance(write, tuple):
            slot = write[0] % len(expected)
            found[slot] = expected[slot] = write[1]
        else:
            found.extend([None, write])
            expected += [None, write]
            found[len(expected) - 2 : len(expected)] = [write, write]
            expected[-2:] = [write, write]
    assert len(found) == len(expected)
    assert found[:] == expected and found[2:7] == expected[2:7]
    assert [found[slot] for slot in range(len(expected))] == expected
    taken = found.take(np.array(asked, np.int64), len(expected))
    assert taken == [expected[slot] if slot < len(expected) else None for slot in asked]


def test_one_value_decodes_one_piece() -> None:
    found = pieced([f"{i} " + "long " * 50 for i in range(5_000)], 2_048)
    assert found[3_000] == "3000 " + "long " * 50
    assert found._cache.statistics.entries == 1
    assert found.take(np.array([1, 3_001, 4_999]), 5_000)[1].startswith("3001 ")  # type: ignore[union-attr]
    assert found._cache.statistics.entries == 3


@pytest.mark.parametrize("again", [False, True])
def test_long_strings_of_an_opened_database_are_read_when_asked_for_and_changed_like_any_others(again: bool) -> None:
    disk = MemoryVfs()
    engine = open_engine(disk)
    texts: list[Value] = [f"{i} " + "long " * 60 for i in range(5_000)]
    commit(engine, lambda view: view.create_nodes(5_000, ["A"], {"t": lift(texts)}))
    engine.checkpoint()
    hashed = engine.store.state_hash()
    engine.close()
    engine = open_engine(disk)
    column = engine.store.columns[Element.NODE]["t"]
    assert column.form is Form.LIST
    old = engine.snapshot()
    assert old.property(Element.NODE, slots(4_000), "t").item(0) == texts[4_000]
    assert engine.metrics()["decoded_cache_misses"] == 1
    commit(engine, lambda view: view.set_property(Element.NODE, slots(7, 4_000), "t", lift(["a", "b"])))
    commit(engine, lambda view: view.create_nodes(2, ["A"], {"t": lift(["c", [1]])}))
    if again:
        engine.checkpoint()
    assert old.property(Element.NODE, slots(7, 4_000, 1), "t").values() == [texts[7], texts[4_000], texts[1]]
    now = engine.snapshot()
    everything = now.property(Element.NODE, np.arange(5_002), "t").values()
    assert everything == [*texts[:7], "a", *texts[8:4_000], "b", *texts[4_001:], "c", [1]]
    changed = engine.store.state_hash()
    assert changed != hashed
    engine.close()
    engine = open_engine(disk)
    assert engine.store.state_hash() == changed
    engine.close()
