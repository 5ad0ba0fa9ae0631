"""Ids and slots."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.graph.slots import ElementTable, RelationshipTable


@given(st.permutations(range(30)), st.lists(st.integers(1, 8), max_size=6))
def test_ids_and_slots_are_each_other_s_inverse_also_after_loading(ids: list[int], sizes: list[int]) -> None:
    table, given_ids = ElementTable(), []
    for size in sizes:
        part = ids[len(given_ids) : len(given_ids) + size]
        if part:
            assert table.append(np.array(part, np.int64)).tolist() == list(
                range(len(given_ids), len(given_ids) + len(part))
            )
            given_ids += part
    loaded = ElementTable()
    section = decode_section(memoryview(encode_section(table.dump("nodes/elements"))), "f")
    loaded.load(section, table.next_id, BitMap())
    asked = np.array([*range(-2, 35)], np.int64)
    for one in (table, loaded):
        expected = [given_ids.index(i) if i in given_ids else -1 for i in asked.tolist()]
        assert one.slots_of(asked).tolist() == expected
        assert [int(one.slots_of(np.array([i]))[0]) for i in asked.tolist()] == expected
        assert one.count == len(given_ids) and one.next_id == max(given_ids, default=-1) + 1
    assert loaded.dump("nodes/elements") is section
    new = loaded.append(np.array([40]))
    assert loaded.slots_of(np.array([40])).tolist() == new.tolist() == [len(given_ids)]
    assert loaded.dump("nodes/elements") is not section


def test_reserved_ids_are_never_given_again() -> None:
    table = ElementTable()
    assert table.reserve(3) == 0 and table.reserve(1) == 3
    table.append(np.array([10]))
    assert table.reserve(1) == 11


def test_a_loaded_relationship_table_reads_each_column_on_its_own() -> None:
    table = RelationshipTable()
    table.extend(np.array([0, 1]), 2, np.array([5, 6]), np.array([7, 8]))
    loaded = RelationshipTable()
    loaded.load(decode_section(memoryview(encode_section(table.dump("edges/elements"))), "f"), 2, BitMap())
    assert loaded.type_code.tolist() == [2, 2] and "source" not in vars(loaded) and "ids" not in vars(loaded)
    loaded.extend(np.array([9]), 1, np.array([1]), np.array([2]))
    assert loaded.source.tolist()[:3] == [5, 6, 1] and loaded.ids.tolist()[:3] == [0, 1, 9]
