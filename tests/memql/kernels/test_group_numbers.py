"""Numbers of groups over many batches are what a dict of equivalence keys would give, whatever the forms of columns."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ConstantColumn, ListColumn, StringColumn, TypedColumn, lift, node_column
from memoradb.core.semantics import equivalence_key
from memoradb.core.temporal import Date
from memoradb.memql.kernels.group_numbers import GroupNumbers
from memoradb.memql.kernels.integer_table import IntegerTable

sys.path.insert(0, str(Path(__file__).parent))
from test_kernels import columns

far = st.sampled_from([0, 1, -1, 5_000, -(1 << 40), 1 << 61, -(1 << 63), (1 << 63) - 1])
dates = st.one_of(st.none(), st.integers(-3, 3).map(Date))
packable = st.sampled_from(
    [
        st.one_of(st.none(), st.integers(-3, 3)),
        st.integers(0, 3),
        st.one_of(st.none(), far),
        st.one_of(st.none(), st.booleans()),
        dates,
    ]
)


@st.composite
def batches(draw):
    """Batches of one to three keys, each of one kind throughout, or of whatever comes."""
    width = draw(st.integers(1, 3))
    kinds = [draw(packable) for _ in range(width)]
    out = []
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, 6))
        any_form = draw(st.integers(0, 5)) == 0
        keys = [draw(columns(n)) if any_form else lift(draw(st.lists(kind, min_size=n, max_size=n))) for kind in kinds]
        if draw(st.integers(0, 5)) == 0:
            keys[0] = ConstantColumn(keys[0].item(0), n)
        out.append((keys, draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))))
    return out


@pytest.mark.parametrize("rows_min", [0, 3, 1 << 62])
@pytest.mark.parametrize("per_row", [None, 3])
@given(given_batches=batches())
def test_groups_are_numbered_in_order_of_first_appearance(rows_min, per_row, given_batches):
    numbers = GroupNumbers(per_row, rows_min)
    naive: dict[tuple[object, ...], int] = {}
    values = []
    for keys, rows in given_batches:
        n = len(rows)
        row = None if per_row is None else np.array(rows, np.int64)
        full = [(rows[i] if per_row else 0, *(equivalence_key(c.item(i)) for c in keys)) for i in range(n)]
        assert numbers.find(keys, row, n).tolist() == [naive.get(k, -1) for k in full]
        expected_fresh = []
        for i, key in enumerate(full):
            if key not in naive:
                naive[key] = len(naive)
                expected_fresh.append(i)
                values.append([c.item(i) for c in keys])
        found, fresh = numbers.assign(keys, row, n)
        assert found.tolist() == [naive[k] for k in full]
        assert fresh.tolist() == expected_fresh
        assert numbers.count == len(naive)
        assert numbers.bytes > 0
    assert repr([list(r) for r in zip(*(c.values() for c in numbers.key_columns()), strict=True)]) == repr(values)
    assert numbers.rows().tolist() == [k[0] for k in naive]


def test_string_codes_and_slots_are_packed_and_keep_their_form():
    class Words:
        words = ("a", "b", "c")

        def __len__(self):
            return len(self.words)

        def string(self, code):
            return self.words[code]

        def strings(self):
            return self.words

        def code(self, string):
            return self.words.index(string) if string in self.words else -1

        def ranks(self):
            return np.arange(3)

    words = Words()
    numbers = GroupNumbers(rows_min=0)
    names = StringColumn(np.array([2, -1, 2, 0], np.int32), words)
    found, fresh = numbers.assign([names, node_column(np.array([7, 7, 7, 90_000]))], None, 4)
    assert found.tolist() == [0, 1, 0, 2] and fresh.tolist() == [0, 1, 3]
    found, _ = numbers.assign([ConstantColumn("c", 1), node_column(np.array([7]))], None, 1)
    assert found.tolist() == [0]
    key, slots = numbers.key_columns()
    assert isinstance(key, StringColumn) and isinstance(slots, TypedColumn)
    assert key.values() == ["c", None, "a"] and slots.data.tolist() == [7, 7, 90_000]
    found, _ = numbers.assign([ListColumn(["c", "z"]), node_column(np.array([7, 7]))], None, 2)
    assert found.tolist() == [0, 3]


@given(st.lists(st.lists(st.one_of(st.integers(0, 9), st.integers(-(1 << 63), (1 << 63) - 1)), min_size=1), min_size=1))
def test_a_table_of_integers_numbers_them(parts):
    table, naive = IntegerTable(), {}
    for part in parts:
        keys = np.array(part, np.int64)
        assert table.find(keys).tolist() == [naive.get(k, -1) for k in part]
        fresh = []
        for i, key in enumerate(part):
            if key not in naive:
                naive[key] = len(naive)
                fresh.append(i)
        found, new = table.assign(keys)
        assert found.tolist() == [naive[k] for k in part] and new.tolist() == fresh
    assert table.keys[: table.count].tolist() == list(naive)


def test_a_table_of_integers_grows():
    table = IntegerTable()
    for start in range(0, 50_000, 10_000):
        keys = np.arange(start, start + 20_000) * 1_000_003
        numbers, fresh = table.assign(np.concatenate([keys, keys[::-1]]))
        assert numbers[:20_000].tolist() == list(range(start, start + 20_000))
        assert len(fresh) == (20_000 if start == 0 else 10_000)
