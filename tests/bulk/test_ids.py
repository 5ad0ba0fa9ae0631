"""Ids of files: compared by their text, whatever the form they are kept in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.bulk.ids import TABLE_PLACES_MIN, IdMap, Keys
from memoradb.core.columns import Kind, ListColumn, TypedColumn

texts = st.sampled_from(
    ["1", "01", "-1", "-0", "0", "+1", "1.0", "", "a", "\u0661", "9223372036854775808", "-9223372036854775808"]
)
batches = st.lists(st.lists(texts | st.integers(-5, 300_000).map(str) | st.none(), max_size=8), max_size=5)


@given(batches)
def test_a_map_of_ids_is_a_dictionary_by_text(batches: list[list[str | None]]) -> None:
    known: dict[str, int] = {}
    ids = IdMap()
    for batch in batches:
        keys = Keys.of_texts(batch)
        assert keys.texts() == batch
        assert ids.find(keys).tolist() == [-1 if t is None else known.get(t, -1) for t in batch]
        seen: set[str] = set()
        repeated = []
        for row, text in enumerate(batch):
            if text is not None:
                if text in known or text in seen:
                    repeated.append(row)
                seen.add(text)
        assert ids.repeated(keys).tolist() == repeated
        rows = np.array([i for i in range(len(batch)) if i not in repeated], np.int64)
        given_ids = np.arange(len(known), len(known) + len(rows))
        ids.add(keys.take(rows), given_ids)
        known |= {t: i for t, i in zip([batch[r] for r in rows], given_ids.tolist(), strict=True) if t is not None}
    assert ids.find(Keys.of_texts(list(known))).tolist() == list(known.values())


@given(st.lists(texts | st.none(), min_size=1))
def test_arrow_gives_the_same_keys(texts: list[str | None]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    assert Keys.of_arrow(pyarrow.array(texts, pyarrow.string())).listed() == Keys.of_texts(texts).listed()


def test_numbers_of_any_origin_are_the_ids_that_their_texts_are():
    pyarrow = pytest.importorskip("pyarrow")
    wanted = [1, 2, 3]
    assert Keys.of_column(TypedColumn(Kind.INTEGER, np.array(wanted))).listed() == wanted
    assert Keys.of_column(ListColumn(["1", 2, "3"])).listed() == wanted
    sliced = pyarrow.array([0, *wanted], pyarrow.int32()).slice(1)
    assert Keys.of_arrow(sliced).listed() == wanted
    assert Keys.of_arrow(pyarrow.array(["0", "1", "2", "3"]).slice(1)).listed() == wanted


def test_dense_keys_are_a_table_and_sparse_ones_a_map():
    ids = IdMap()
    for start in range(0, 10 * TABLE_PLACES_MIN, TABLE_PLACES_MIN):
        keys = Keys(np.arange(start, start + TABLE_PLACES_MIN))
        assert not len(ids.repeated(keys))
        ids.add(keys, np.arange(start, start + TABLE_PLACES_MIN) + 7)
    assert ids._table is not None and len(ids) == 10 * TABLE_PLACES_MIN
    far = Keys(np.array([5, 2**60]))
    assert ids.find(far).tolist() == [12, -1]
    assert ids.repeated(far).tolist() == [0]
    ids.add(far.take(np.array([1])), np.array([3]))
    assert ids._table is None and ids.find(far).tolist() == [12, 3]
