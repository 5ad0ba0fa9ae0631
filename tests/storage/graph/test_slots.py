"""Ids and slots."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.graph.slots import ElementTable, RelationshipTable
from memoradb.storage.section import Section


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
    section = decode_section(memoryview(encode_section(table.dump("nodes/elements", table.count))), "f")
    loaded.load(section, table.next_id, BitMap())
    asked = np.array([*range(-2, 35)], np.int64)
    for one in (table, loaded):
        expected = [given_ids.index(i) if i in given_ids else -1 for i in asked.tolist()]
        assert one.slots_of(asked).tolist() == expected
        assert [int(one.slots_of(np.array([i]))[0]) for i in asked.tolist()] == expected
        assert one.count == len(given_ids) and one.next_id == max(given_ids, default=-1) + 1
        assert one.ids_of(np.arange(len(given_ids))).tolist() == given_ids
    new = loaded.append(np.array([40]))
    assert loaded.slots_of(np.array([40])).tolist() == new.tolist() == [len(given_ids)]
    assert loaded.ids_of(np.arange(len(given_ids) + 1)).tolist() == [*given_ids, 40]


def test_ids_that_are_slots_take_no_memory_and_a_hole_begins_a_run() -> None:
    table = ElementTable()
    for first in (0, 100, 200, 301):
        table.append(np.arange(first, first + 100))
    assert table.runs.slots.tolist() == [0, 300] and table.runs.ids.tolist() == [0, 301]
    assert table.slots_of(np.array([299, 300, 301, 400, 401])).tolist() == [299, -1, 300, 399, -1]


def test_reserved_ids_are_never_given_again() -> None:
    table = ElementTable()
    assert table.reserve(3) == 0 and table.reserve(1) == 3
    table.append(np.array([10]))
    assert table.reserve(1) == 11


def filed(sections: list[Section]) -> list[Section]:
    return [decode_section(memoryview(encode_section(s)), "f") for s in sections]


def test_a_loaded_relationship_table_reads_each_column_on_its_own() -> None:
    table = RelationshipTable()
    table.extend(np.array([0, 1]), 2, np.array([5, 6]), np.array([7, 8]))
    loaded = RelationshipTable()
    loaded.load(filed([table.dump("edges/elements", 2)])[0], 2, BitMap())
    rows = filed(table.dump_rows("edges/rows", 2))
    loaded.load_rows(rows, "|u1")
    assert loaded.type_code.tolist() == [2, 2] and "source" not in vars(loaded) and "runs" not in vars(loaded)
    assert loaded.dump_rows("edges/rows", 2)[0] is rows[0]
    loaded.extend(np.array([9]), 1, np.array([1]), np.array([2]))
    assert loaded.source.tolist()[:3] == [5, 6, 1] and loaded.ids_of(np.arange(3)).tolist() == [0, 1, 9]
    assert loaded.dump_rows("edges/rows", 3)[0] is not rows[0]


def test_type_codes_take_a_byte_until_there_are_more_types() -> None:
    table = RelationshipTable()
    for code in (0, 255, 256, 70_000):
        table.extend(np.array([table.count]), code, np.array([1]), np.array([2]))
        assert table.type_code.dtype == (np.uint8 if code < 256 else np.uint16 if code < 65_536 else np.int32)
    assert table.type_code[:4].tolist() == [0, 255, 256, 70_000]
    loaded = RelationshipTable()
    loaded.load(filed([table.dump("edges/elements", 4)])[0], 4, BitMap())
    loaded.load_rows(filed(table.dump_rows("edges/rows", 4)), table.type_code.dtype.str)
    assert loaded.type_code.tolist() == [0, 255, 256, 70_000]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_one_relationship_gets_its_slot_as_many_do(ends: list[tuple[int, int, int]]) -> None:
    apart, together = RelationshipTable(), RelationshipTable()
    for id, (code, source, target) in enumerate(ends, 3):
        assert apart.extend_one(id, code, source, target) == id - 3
        one = np.array([id, source, target], np.int64)
        together.extend(one[:1], code, one[1:2], one[2:])
    count = len(ends)
    assert (apart.count, apart.next_id) == (together.count, together.next_id)
    for name in ("type_code", "source", "target"):
        assert getattr(apart, name)[:count].tolist() == getattr(together, name)[:count].tolist()
        assert getattr(apart, name).dtype == getattr(together, name).dtype
    assert [apart.slot_of(id) for id in range(count + 5)] == apart.slots_of(np.arange(count + 5)).tolist()
