"""Notes of what was read: sets made late, keys by equivalence, and tests up to a bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.storage.index.range_index import RangeBound, between
from memoradb.storage.reads import RUN_ROWS_MIN, TESTS_MAX, Reads, SlotSet, index_key
from memoradb.storage.view import Direction, Element, IndexDefinition, IndexKind


def slots(*items: int) -> np.ndarray:
    return np.array(items, np.int64)


@given(st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=8), st.sets(st.integers(0, 50)))
def test_a_slot_set_meets_what_has_any_slot_of_it(parts: list[list[int]], asked: set[int]) -> None:
    noted = SlotSet()
    for number, part in enumerate(parts):
        noted.add(slots(*part))
        if number % 3 == 1:
            noted.meets(BitMap([50]))  # asking in between changes nothing
    assert noted.meets(BitMap(asked)) is bool(asked & {slot for part in parts for slot in part})


@given(st.integers(0, 9), st.permutations(range(4)), st.integers(0, RUN_ROWS_MIN + 20))
def test_a_long_run_of_slots_is_told_from_what_only_looks_like_one(first: int, tail: list[int], asked: int) -> None:
    read = np.concatenate([np.arange(first, first + RUN_ROWS_MIN), first + RUN_ROWS_MIN + np.array(tail)])
    read[7] = read[9]  # not a run: two are the same, and one is missing
    noted = SlotSet()
    noted.add(read)
    noted.add(np.arange(first + RUN_ROWS_MIN, first + 2 * RUN_ROWS_MIN + 1))
    expected = asked in read.tolist() or asked >= first + RUN_ROWS_MIN
    assert noted.meets(BitMap([asked])) is expected


@pytest.mark.parametrize(("parts", "rows"), [(3_000, 1), (3, 900_000)])
def test_a_slot_set_keeps_a_bounded_number_of_batches(parts: int, rows: int) -> None:
    noted = SlotSet()
    for number in range(parts):
        noted.add(np.arange(number, number + rows))
    assert len(noted._parts) < 2_000 and noted._rows <= 1 << 20
    assert noted.meets(BitMap([parts])) is (rows > 1) and noted.meets(BitMap([parts - 1]))


def test_an_expansion_is_noted_by_type_and_by_direction() -> None:
    reads = Reads()
    reads.expansion(slots(1), ["R"], Direction.OUT)
    reads.expansion(slots(2), ["R", "S"], Direction.BOTH)
    reads.expansion(slots(3), None, Direction.IN)
    found = {key: [s for s in range(5) if noted.meets(BitMap([s]))] for key, noted in reads.expanded.items()}
    assert found == {
        ("R", True): [1, 2],
        ("R", False): [2],
        ("S", True): [2],
        ("S", False): [2],
        (None, False): [3],
    }


def test_keys_of_an_index_are_equal_where_its_values_are() -> None:
    assert index_key([1]) == index_key([1.0]) != index_key(["1"])
    assert index_key([1, "a"]) == index_key([1.0, "a"]) != index_key([1, "b"])
    assert index_key([None]) is index_key([float("nan")]) is index_key([1, None]) is None


def test_what_no_index_holds_is_no_read() -> None:
    reads = Reads()
    definition = IndexDefinition("i", IndexKind.RANGE, Element.NODE, ("A",), ("x",))
    reads.index_keys(definition, [None, float("nan"), 1, object()])
    (noted,) = reads.indexes.values()
    assert 1 in noted.keys and None not in noted.keys


def test_more_ranges_than_are_worth_keeping_are_the_whole_index() -> None:
    reads = Reads()
    definition = IndexDefinition("i", IndexKind.RANGE, Element.NODE, ("A",), ("x",))
    for low in range(TESTS_MAX):
        reads.index_test(definition, lambda values, low=low: between(values[0], RangeBound(low, True), None))
    (noted,) = reads.indexes.values()
    assert not noted.everything
    reads.index_test(definition, lambda values: False)
    assert noted.everything and len(noted.tests) == TESTS_MAX
